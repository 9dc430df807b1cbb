mod consents;
mod cors;
mod customers;
mod double_opt_in;
mod events;
mod origins;

use serde_json::Value;

use crate::support::TestEmulator;

/// Replaces the settings of the default project. They apply within one second, when cached settings expire.
async fn settings(emulator: &TestEmulator, settings: Value) {
    sqlx::query("UPDATE projects SET settings = $1::json WHERE is_sandbox")
        .bind(settings.to_string())
        .execute(&emulator.pool)
        .await
        .unwrap();
}
