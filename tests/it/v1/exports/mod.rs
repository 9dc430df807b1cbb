mod columns;
mod create;
mod delete;
mod download;
mod erasure;
mod filters;
mod get;
mod list;
mod running;

use serde_json::{Value, json};

use crate::support::{Client, TestEmulator};

/// Creates an export, waits until it has finished, and returns it.
pub async fn run_export(client: &Client, object: &str, parameters: Value) -> Value {
    let answer = client.post("/v1/exports", json!({"exported_object": object, "parameters": parameters})).await;
    let id = answer.expect(200).string("/id");
    get_finished_export(client, &id).await
}

/// Waits until no job is left and returns the export with that id.
async fn get_finished_export(client: &Client, id: &str) -> Value {
    client.get("/_emulator/idle").await.expect(200);
    client.get(&format!("/v1/exports/{id}")).await.expect(200).json()
}

/// Downloads the file of a finished export.
async fn download_file(client: &Client, export: &Value) -> String {
    let url = export["result"]["url"].as_str().unwrap_or_else(|| panic!("{export}"));
    client.download(url).await.expect(200).text
}

/// Creates an export and returns its file.
async fn export_file(client: &Client, object: &str, parameters: Value) -> String {
    download_file(client, &run_export(client, object, parameters).await).await
}

/// Makes every export wait for the advisory lock 1 before it writes a second part of its file, and takes that lock on
/// the only connection of the pool.
async fn block_export_writes(emulator: &TestEmulator) {
    sqlx::raw_sql(
        "CREATE FUNCTION block_export_writes() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
         CREATE TRIGGER block_export_writes BEFORE INSERT ON job_results FOR EACH ROW WHEN (NEW.number > 1) EXECUTE FUNCTION block_export_writes();
         SELECT pg_advisory_lock(1)",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
}

/// Waits until an export waits for the lock of [`block_export_writes`].
async fn wait_until_export_is_blocked(emulator: &TestEmulator) {
    let is_blocked = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND NOT granted
                                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(is_blocked).fetch_one(&emulator.pool).await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Releases the lock of [`block_export_writes`].
async fn release_export_writes(emulator: &TestEmulator) {
    sqlx::query("SELECT pg_advisory_unlock(1)").execute(&emulator.pool).await.unwrap();
}
