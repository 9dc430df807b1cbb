//! A database with tables of another program, and several emulators in one database.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};
use voucherify_emulator::{Builder, Emulator, Project};

use crate::in_process;
use crate::support::{Database, Receiver, TestEmulator};

/// What another program has in the schema `public`: tables and functions with names that the emulator uses too.
const OTHER_PROGRAM: &str = "
    CREATE TABLE customers (id text PRIMARY KEY, email text NOT NULL);
    INSERT INTO customers SELECT n, n || '@shop.example' FROM generate_series(1, 100) AS n;
    CREATE TABLE projects (id serial PRIMARY KEY, name text);
    INSERT INTO projects (name) VALUES ('one'), ('two');
    CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, checksum bytea);
    INSERT INTO _sqlx_migrations VALUES (1, '\\x01');
    CREATE INDEX customers_email_idx ON customers (lower(email));
    CREATE VIEW orders AS SELECT id FROM customers;
    CREATE FUNCTION project_time(timestamptz, bigint, timestamptz) RETURNS timestamptz LANGUAGE sql AS 'SELECT $1';
    CREATE FUNCTION lock_rules_shared(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint';
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER note BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION note();
    COMMENT ON TABLE customers IS 'of the shop'";

/// Everything in a database apart from the schemas of emulators, down to the versions of the rows and the files of the tables.
const CONTENT: &str = "
    SELECT string_agg(line, E'\n' ORDER BY line) FROM (
        SELECT concat_ws(' ', 'customer', xmin, ctid, c) FROM public.customers c
        UNION ALL SELECT concat_ws(' ', 'project', xmin, ctid, p) FROM public.projects p
        UNION ALL SELECT concat_ws(' ', 'migration', xmin, ctid, m) FROM public._sqlx_migrations m
        UNION ALL SELECT concat_ws(' ', 'sequence', last_value, is_called) FROM public.projects_id_seq
        UNION ALL SELECT concat_ws(' ', 'class', oid, relname, relkind, relfilenode, relowner, relacl, relhastriggers) FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', 'function', p) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', 'trigger', oid, tgname, tgenabled) FROM pg_trigger WHERE tgname = 'note'
        UNION ALL SELECT concat_ws(' ', 'comment', objoid, description) FROM pg_description
            WHERE objoid = 'public.customers'::regclass
        UNION ALL SELECT concat_ws(' ', 'extension', e) FROM pg_extension e
        UNION ALL SELECT concat_ws(' ', 'type', oid, typname) FROM pg_type WHERE typnamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', 'schema', oid, nspname, nspowner, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_'
            AND nspname NOT IN ('voucherify_emulator', 'second')
        UNION ALL SELECT concat_ws(' ', 'setting', s) FROM pg_db_role_setting s
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        UNION ALL SELECT concat_ws(' ', 'database', datacl) FROM pg_database WHERE datname = current_database()
    ) AS content (line)";

async fn start(builder: Builder) -> Emulator {
    builder.start().await.unwrap()
}

fn in_second_schema(url: &str) -> Builder {
    Emulator::builder().database_url(url).database_schema("second".parse().unwrap())
}

async fn send(project: &Project, method: &str, path: &str, body: Value) -> Value {
    let (status, answer) = in_process::send(project, method, path, body).await;
    assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
    answer
}

/// Uses what an emulator can do with a database: keys, customers, a job, a webhook, an export, an erasure, a snapshot and a reset.
async fn use_everything(project: &Project) {
    let receiver = Receiver::start().await;
    let webhook = json!({"target_url": receiver.url(), "events": ["customer.created"]});
    send(project, "POST", "/_emulator/webhooks", webhook).await;
    send(project, "POST", "/v1/customers", json!({"source_id": "日本", "name": "Zażółć"})).await;
    let segment = json!({"name": "all", "type": "auto-update", "filter": {"junction": "and", "name": {"conditions": {"$is": ["a"]}}}});
    send(project, "POST", "/v1/segments", segment).await;
    let records: Vec<_> = (0..20).map(|number| json!({"source_id": format!("job {number}"), "name": "a"})).collect();
    send(project, "POST", "/v1/customers/bulk/async", json!(records)).await;
    let order = json!({"amount": 100, "status": "PAID", "customer": {"source_id": "日本"}});
    send(project, "POST", "/v1/orders", order).await;
    send(project, "POST", "/v1/exports", json!({"exported_object": "customer"})).await;
    send(project, "GET", "/_emulator/idle", json!({})).await;
    assert!(!receiver.received(1).await.is_empty());
    assert_eq!(send(project, "GET", "/v1/customers", json!({})).await["total"], 21);
    send(project, "PUT", "/_emulator/snapshots/world", json!({})).await;
    send(project, "POST", "/v1/customers/%E6%97%A5%E6%9C%AC/permanent-deletion", json!({})).await;
    send(project, "POST", "/_emulator/snapshots/world/restore", json!({})).await;
    send(project, "POST", "/_emulator/erasure-check", json!({"values": ["shop.example"]})).await;
    send(project, "POST", "/_emulator/reset", json!({})).await;
}

#[tokio::test]
async fn the_tables_and_functions_of_another_program_are_neither_changed_nor_read() {
    let database = Database::new();
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    connection.execute(OTHER_PROGRAM).await.unwrap();
    // The emulator may neither read what is there nor create anything but tables in its schema, whatever it tries.
    let user = database.user_without_rights(&mut connection).await;
    connection
        .execute(AssertSqlSafe(format!(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE SCHEMA second AUTHORIZATION {user}"
        )))
        .await
        .unwrap();
    let content = async |connection: &mut PgConnection| -> String {
        sqlx::query_scalar(CONTENT).fetch_one(connection).await.unwrap()
    };
    let before = content(&mut connection).await;
    assert!(before.lines().count() > 110, "{before}");
    let emulator = start(in_second_schema(&database.url_of(&user))).await;
    use_everything(&emulator.new_project().await.unwrap()).await;
    emulator.stop().await;
    let emulator = start(in_second_schema(&database.url_of(&user))).await;
    emulator.stop().await;
    assert_eq!(content(&mut connection).await, before);
}

#[tokio::test]
async fn emulators_with_different_schemas_in_one_database_do_not_meet() {
    let first = TestEmulator::new().await;
    first.client().post("/v1/customers", json!({"source_id": "one"})).await.expect(200);
    let url = first.database_url();
    // Hold every lock of the first schema that a request, a job, a delivery or a start takes.
    let mut holder = first.pool.acquire().await.unwrap();
    holder
        .execute(
            "SELECT count(pg_advisory_lock(rules_lock_key(n))), count(pg_advisory_lock(('jobs'::regclass::oid::bigint << 32) | n))
             FROM generate_series(1, 50) AS n;
             SELECT pg_advisory_lock('credentials'::regclass::oid::bigint << 32),
                    pg_advisory_lock('schema_functions'::regclass::oid::bigint << 32),
                    pg_advisory_lock(hashtext('voucherify_emulator schema'), hashtext('voucherify_emulator')),
                    pg_advisory_lock('credentials'::regclass::oid::int, hashtext('a')),
                    pg_advisory_lock('credentials'::regclass::oid::int, hashtext('b'))",
        )
        .await
        .unwrap();
    let listening = PgPool::connect(&url).await.unwrap();
    let mut listener = PgListener::connect_with(&listening).await.unwrap();
    let channels = ["voucherify_emulator_jobs", "voucherify_emulator_deliveries", "second_jobs"];
    listener.listen_all(channels).await.unwrap();

    // The same keys are those of another project in each schema.
    let (id, token) = first.server_keys();
    let second = start(in_second_schema(&url).keys(id, token).client_keys("a", "b").management_keys("b", "a")).await;
    let project = second.default_project().await.unwrap();
    let customers = send(&project, "GET", "/v1/customers", json!({})).await;
    assert_eq!(customers["total"], 0);
    use_everything(&second.new_project().await.unwrap()).await;
    use_everything(&project).await;

    let mut notified = Vec::new();
    while let Ok(notification) = tokio::time::timeout(Duration::from_millis(300), listener.recv()).await {
        notified.push(notification.unwrap().channel().to_owned());
    }
    assert!(!notified.is_empty() && notified.iter().all(|channel| channel == "second_jobs"), "{notified:?}");
    holder.execute("SELECT pg_advisory_unlock_all()").await.unwrap();
    drop(holder);
    assert_eq!(first.client().get("/v1/customers").await.expect(200).json()["total"], 1);
    second.stop().await;
}
