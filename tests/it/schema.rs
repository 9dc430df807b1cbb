//! What the database's own catalogue says about the schema.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::json;
use voucherify_emulator::db::project_deletions::TABLES;
use voucherify_emulator::domain::deletion::{Fate, HANGS_ON_A_CUSTOMER};

use crate::support::World;

/// Read before the project is known.
const DIRECTORY: [&str; 5] = ["organisations", "projects", "credentials", "oauth_tokens", "_sqlx_migrations"];

#[tokio::test]
async fn the_forgetting_knows_everything_that_hangs_on_a_customer() {
    let world = World::new().await;
    let known: BTreeSet<(String, String)> =
        HANGS_ON_A_CUSTOMER.iter().map(|&(table, column, _)| (table.to_owned(), column.to_owned())).collect();
    let keys: Vec<(String, String)> = sqlx::query_as(
        "SELECT conrelid::regclass::text, attname::text
         FROM pg_constraint
         JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) AND attname <> 'project_id'
         WHERE contype = 'f' AND confrelid = 'customers'::regclass",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let keys: BTreeSet<_> = keys.into_iter().collect();
    assert_eq!(keys.difference(&known).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "the foreign keys");
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND (column_name LIKE '%customer\\_id' OR column_name LIKE '%referrer\\_id')",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert_eq!(columns.into_iter().collect::<BTreeSet<_>>(), known, "the columns that name a customer");
    let function: String = sqlx::query_scalar("SELECT prosrc FROM pg_proc WHERE proname = 'forget_customer'")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    for (table, column, fate) in HANGS_ON_A_CUSTOMER {
        let statement = match fate {
            Fate::Removed => format!("DELETE FROM {table} WHERE project_id = of_project AND {column} = target.id"),
            Fate::Cleared => format!("UPDATE {table} SET {column} = NULL"),
        };
        assert!(function.contains(&statement), "the function does not deal with {table}.{column}");
    }
}

#[tokio::test]
async fn the_deletion_of_a_project_knows_every_table_with_rows_of_projects() {
    let world = World::new().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name = 'project_id' AND table_name <> 'credentials'",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let known: BTreeSet<_> = TABLES.iter().map(|&table| table.to_owned()).collect();
    assert_eq!(known.len(), TABLES.len());
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), known);
}

#[tokio::test]
async fn project_id_leads_every_key_and_index() {
    let world = World::new().await;
    let indexes: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid, 1, true)
         FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
         WHERE relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert!(indexes.len() > 20);
    for (table, index, first) in indexes {
        assert!(DIRECTORY.contains(&table.as_str()) || first == "project_id", "{index} begins with {first}");
    }
    let without: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT EXISTS (
             SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert_eq!(without, Vec::<String>::new(), "every table has a primary key");
}

#[tokio::test]
async fn the_row_counts_are_those_of_the_rows() {
    let world = World::new().await;
    let client = world.client();
    for index in 0..6 {
        let customer = json!({"source_id": format!("c{}", index % 4)});
        client.post("/v1/customers", customer.clone()).await.expect(200);
        client
            .post("/v1/orders", json!({"source_id": format!("o{}", index % 5), "customer": customer}))
            .await
            .expect(200);
        client.post("/v1/segments", json!({"name": "S"})).await.expect(200);
    }
    let segment = client.get("/v1/segments").await.string("/data/0/id");
    client.delete(&format!("/v1/segments/{segment}")).await.expect(204);
    let id = client.get("/v1/customers/c1").await.string("/id");
    client.delete("/v1/customers/c1").await.expect(204);
    client.delete("/v1/customers/c2").await.expect(204);
    for identifier in [id.as_str(), "c3"] {
        let path = format!("/v1/customers/{identifier}/permanent-deletion");
        client.call(Method::POST, &path, None).await.expect(200);
    }
    let counted: Vec<(String, i64)> =
        sqlx::query_as("SELECT resource, sum(value)::bigint FROM row_counts GROUP BY 1 ORDER BY 1")
            .fetch_all(&world.pool)
            .await
            .unwrap();
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT 'customers', count(*) FROM customers WHERE deleted_at IS NULL
         UNION ALL SELECT 'orders', count(*) FROM orders
         UNION ALL SELECT 'segments', count(*) FROM segments",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert_eq!(counted, rows);
    assert!(rows.iter().all(|(_, count)| *count > 0));
}

#[tokio::test]
async fn a_schema_of_another_version_is_refused_with_what_to_do() {
    use voucherify_emulator::db::connect::migrate;

    let world = World::new().await;
    migrate(&world.connections).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1").execute(&world.pool).await.unwrap();
    let error = migrate(&world.connections).await.unwrap_err().to_string();
    assert!(error.contains("Use another --data-dir or database"), "{error}");
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").execute(&world.pool).await.unwrap();
    let error = migrate(&world.connections).await.unwrap_err().to_string();
    assert!(error.contains("by a newer voucherify-emulator"), "{error}");
}

#[tokio::test]
async fn tables_that_have_grown_are_analysed_and_the_others_are_not() {
    let world = World::new().await;
    sqlx::query(
        "INSERT INTO row_counts (project_id, resource, slot, value) SELECT n, 'customers', 0, 1 FROM generate_series(1, 500) n",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let mut analysed = Vec::new();
    // What a session has written shows in the statistics a moment later.
    for _ in 0..100 {
        let mut connection = world.connections.acquire().await.unwrap();
        voucherify_emulator::db::upkeep::analyze_grown(&mut connection).await.unwrap();
        connection.release();
        analysed = sqlx::query_scalar::<_, String>(
            "SELECT relname::text FROM pg_class WHERE reltuples >= 500 AND relname = 'row_counts'",
        )
        .fetch_all(&world.pool)
        .await
        .unwrap();
        if !analysed.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(analysed, ["row_counts"]);
    let others: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_user_tables WHERE analyze_count > 0 AND relname <> 'row_counts'",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(others, 0);
}

#[tokio::test]
async fn a_database_of_the_release_before_keeps_its_projects_and_keys() {
    use sha2::{Digest, Sha256};
    use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN};
    use voucherify_emulator::db::connect::migrate;

    let mut world = World::new().await;
    world.stop_workers().await;
    // As it was before keys had families: a configured pair, and one that came by itself, with a customer each.
    let mut connection = world.pool.acquire().await.unwrap();
    sqlx::raw_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").execute(&mut *connection).await.unwrap();
    sqlx::migrate!().run_direct(Some(6), &mut *connection, false).await.unwrap();
    for (id, app_id, token, is_configured) in
        [(1, DEFAULT_APP_ID, DEFAULT_APP_TOKEN, true), (2, "mine", "my token", false)]
    {
        sqlx::query(
            "WITH project AS (
                 INSERT INTO projects (public_id, name, created_at) VALUES ($1, 'old', now()) RETURNING id
             ),
             key AS (
                 INSERT INTO credentials (app_id, token_sha256, project_id, is_configured, created_at)
                 SELECT $2, $3, id, $4, now() FROM project
             )
             INSERT INTO customers (project_id, id, source_id, profile, created_at, changed_at)
             SELECT id, $5, $2, '{\"name\":\"Old\",\"address\":null}', now(), now() FROM project",
        )
        .bind(format!("proj_{id:012}"))
        .bind(app_id)
        .bind(Sha256::digest(token).to_vec())
        .bind(is_configured)
        .bind(format!("cust_{id:024}"))
        .execute(&mut *connection)
        .await
        .unwrap();
    }
    drop(connection);
    migrate(&world.connections).await.unwrap();

    let world = world.again(|_| {}).await;
    let (client, mine) = (world.client(), world.client_with("mine", "my token"));
    assert_eq!(client.get(&format!("/v1/customers/{DEFAULT_APP_ID}")).await.expect(200).string("/name"), "Old");
    assert_eq!(mine.get("/v1/customers/mine").await.expect(200).string("/name"), "Old");
    world.client_with("mine", "another token").get("/v1/customers/mine").await.expect(401);
    // The pair that came by itself opens the client side as well, and the default client pair that of the default project.
    world.page_with("mine", "my token").post("/client/v1/customers", json!({"source_id": "mine"})).await.expect(200);
    world.page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    client.get("/v1/customers/a").await.expect(200);
    let (default, other) = (client.get("/_emulator/project").await, mine.get("/_emulator/project").await);
    assert_eq!((default.string("/id"), other.string("/id")), ("proj_000000000001".into(), "proj_000000000002".into()));
    assert_eq!((&default.json()["is_sandbox"], other.string("/name").as_str()), (&json!(true), "mine"));
    assert_ne!(default.string("/webhook_token"), other.string("/webhook_token"));
}
