//! What the two lists of a customer's activity have in common.

use crate::domain::activity::{ActivityCategory, ActivityFilter, LISTED_TYPES, StoredEntry};
use crate::http::error::ApiError;
use crate::http::query::Query;

const CAMPAIGN_TYPES: [&str; 5] =
    ["PROMOTION", "GIFT_VOUCHERS", "REFERRAL_PROGRAM", "DISCOUNT_COUPONS", "LOYALTY_PROGRAM"];

/// Which entries are asked for.
pub fn filter(query: &Query) -> Result<ActivityFilter, ApiError> {
    let campaign_id = query.text("campaign_id")?;
    let campaign_type = query.one_of("campaign_type", &CAMPAIGN_TYPES)?;
    Ok(ActivityFilter {
        start: query.time("start_date")?,
        end: query.time("end_date")?,
        kind: query.one_of("type", &LISTED_TYPES)?,
        category: query.one_of("category", &ActivityCategory::NAMES)?.and_then(ActivityCategory::parse),
        concerns_other_things: campaign_id.is_some() || campaign_type.is_some(),
    })
}

/// Cuts `entries`, one more than `limit` where there are more, to a page, and tells whether there are more.
pub fn cut(entries: &mut Vec<StoredEntry>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or_default();
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    has_more
}

/// About how long the answer is.
pub fn bytes(entries: &[StoredEntry]) -> usize {
    entries.iter().map(|entry| entry.data.as_str().len() + 640).sum::<usize>() + 256
}
