mod consents;
mod create;
mod delete;
mod get;
mod list;
mod permanent_deletion;
mod segments;
mod update;

/// The members between the address and the metadata, for a customer who has done nothing.
pub const NOTHING_DONE: &str = concat!(
    r#""summary":{"redemptions":{"total_redeemed":0,"total_failed":0,"total_succeeded":0,"total_rolled_back":0,"#,
    r#""total_rollback_failed":0,"total_rollback_succeeded":0,"gift":{"redeemed_amount":0,"amount_to_go":0},"#,
    r#""loyalty_card":{"redeemed_points":0,"points_to_go":0}},"orders":{"total_amount":0,"total_count":0,"#,
    r#""average_amount":0,"last_order_amount":0}},"loyalty":{"points":0,"referred_customers":0,"campaigns":{}},"#,
    r#""referrals":{"total":0,"campaigns":[]}"#,
);
