mod consents;
mod cors;
mod customers;
mod events;

use serde_json::Value;

use crate::support::World;

/// Gives the default project settings, which are believed within a second.
async fn settings(world: &World, settings: Value) {
    sqlx::query("UPDATE projects SET settings = $1::json WHERE is_sandbox")
        .bind(settings.to_string())
        .execute(&world.pool)
        .await
        .unwrap();
}
