mod activities;
mod activity;
mod activity_payloads;
mod bulk;
mod bulk_metadata;
mod consents;
mod create;
mod delete;
mod get;
mod import_csv;
mod list;
mod permanent_deletion;
mod redeemables;
mod segments;
mod update;

use crate::support::TestEmulator;

/// Inserts an activity entry `customer.segment.<change>` that is newer than all other entries. `change` is `entered` or
/// `left`.
pub async fn add_segment_entry(emulator: &TestEmulator, change: &str) {
    let segment = r#","segment":{"id":"seg_000000000000000000000000","name":"S","object":"segment"}}"#;
    sqlx::query(
        "INSERT INTO customer_activity (project_id, customer_id, id, type, group_id, data, created_at)
         SELECT first.project_id, first.customer_id, left(last.id, 12) || 'f' || right(last.id, 11),
                'customer.segment.' || $1, last.group_id, left(first.data, -1) || $2, last.created_at + interval '1 s'
         FROM (SELECT * FROM customer_activity WHERE type = 'customer.created') first,
              (SELECT * FROM customer_activity ORDER BY id DESC LIMIT 1) last",
    )
    .bind(change)
    .bind(segment)
    .execute(&emulator.pool)
    .await
    .unwrap();
}
