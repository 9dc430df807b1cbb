mod activities;
mod activity;
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

/// The members between the address and the metadata, for a customer who has done nothing.
pub const NOTHING_DONE: &str = concat!(
    r#""summary":{"redemptions":{"total_redeemed":0,"total_failed":0,"total_succeeded":0,"total_rolled_back":0,"#,
    r#""total_rollback_failed":0,"total_rollback_succeeded":0,"gift":{"redeemed_amount":0,"amount_to_go":0},"#,
    r#""loyalty_card":{"redeemed_points":0,"points_to_go":0}},"orders":{"total_amount":0,"total_count":0,"#,
    r#""average_amount":0,"last_order_amount":0}},"loyalty":{"points":0,"referred_customers":0,"campaigns":{}},"#,
    r#""referrals":{"total":0,"campaigns":[]}"#,
);

/// Stores the entry of a customer who has `entered` or `left` a segment, newer than every other entry.
pub async fn add_segment_entry(emulator: &TestEmulator, what: &str) {
    let segment = r#","segment":{"id":"seg_000000000000000000000000","name":"S","object":"segment"}}"#;
    sqlx::query(
        "INSERT INTO customer_activity (project_id, customer_id, id, type, group_id, data, created_at)
         SELECT first.project_id, first.customer_id, left(last.id, 12) || 'f' || right(last.id, 11),
                'customer.segment.' || $1, last.group_id, left(first.data, -1) || $2, last.created_at + interval '1 s'
         FROM (SELECT * FROM customer_activity WHERE type = 'customer.created') first,
              (SELECT * FROM customer_activity ORDER BY id DESC LIMIT 1) last",
    )
    .bind(what)
    .bind(segment)
    .execute(&emulator.pool)
    .await
    .unwrap();
}
