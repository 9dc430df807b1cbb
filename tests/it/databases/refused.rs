//! Databases with which no emulator starts: the message says why, and what to do.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use voucherify_emulator::Emulator;

use crate::support::{Database, citus};

/// Starts an emulator in a schema of a database, and returns the message with which it fails.
async fn failure(url: &str, schema: &str) -> String {
    let builder = Emulator::builder().database_url(url).database_schema(schema.parse().unwrap());
    match builder.start().await {
        Ok(_) => panic!("the emulator started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_database_that_cannot_store_every_text_is_refused() {
    if citus::skips("its databases are on the cluster of the tests") {
        return;
    }
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let database = Database::with_encoding(encoding);
        let message = failure(&database.url(), "voucherify_emulator").await;
        assert!(message.contains(encoding) && message.contains("the encoding UTF8 is needed"), "{message}");
    }
}

#[tokio::test]
async fn tables_of_a_development_version_in_the_schema_public_are_recognised() {
    if citus::skips("the distributed tables stay in the schema in which they were distributed") {
        return;
    }
    let database = Database::new();
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let move_all = "DROP SCHEMA public CASCADE; ALTER SCHEMA voucherify_emulator RENAME TO public";
    connection.execute(move_all).await.unwrap();
    let message = failure(&database.url(), "voucherify_emulator").await;
    assert!(message.contains("made by a development version"), "{message}");
    assert!(message.contains("delete the --data-dir or the database, or use another one"), "{message}");
    let created = "SELECT count(*) FROM pg_namespace WHERE nspname = 'voucherify_emulator'";
    assert_eq!(sqlx::query_scalar::<_, i64>(created).fetch_one(&mut connection).await.unwrap(), 0);
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused_and_stays_as_it_is() {
    let database = Database::new();
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    for (schema, object) in [
        ("shop", "TABLE shop.customers (id bigint)"),
        ("tools", "FUNCTION tools.project_time() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ] {
        connection.execute(AssertSqlSafe(format!("CREATE SCHEMA {schema}; CREATE {object}"))).await.unwrap();
        let message = failure(&database.url(), schema).await;
        assert!(message.contains(&format!("the schema {schema} of the database")), "{message}");
        assert!(message.contains("--database-schema"), "{message}");
    }
    let objects = "SELECT count(*) FROM pg_class WHERE relnamespace IN ('shop'::regnamespace, 'tools'::regnamespace)";
    assert_eq!(sqlx::query_scalar::<_, i64>(objects).fetch_one(&mut connection).await.unwrap(), 1);
}

#[tokio::test]
async fn a_user_without_rights_learns_which_statement_gives_them() {
    let database = Database::new();
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let user = database.user_without_rights(&mut connection).await;
    let url = database.url_of(&user);
    let statement = format!("CREATE SCHEMA second AUTHORIZATION {user}");
    // The schema is missing, and then it exists and belongs to another user.
    for preparation in ["SELECT 1", "CREATE SCHEMA second"] {
        connection.execute(preparation).await.unwrap();
        let message = failure(&url, "second").await;
        assert!(message.contains(&statement), "{message}");
    }
}
