//! Functions that both lists of a customer's activity use.

use crate::db::activity_list::ActivityQuery;
use crate::domain::activity::{
    ActivityCategory, ActivityCursor, ActivityFilter, ActivitySort, LISTED_TYPES, StoredEntry,
};
use crate::http::error::ApiError;
use crate::http::query::Parameters;

const CAMPAIGN_TYPES: [&str; 5] =
    ["PROMOTION", "GIFT_VOUCHERS", "REFERRAL_PROGRAM", "DISCOUNT_COUPONS", "LOYALTY_PROGRAM"];

/// Reads the query. `sort_orders` are the values of `order` that the list accepts.
///
/// # Errors
/// Returns 400 for the first invalid query parameter.
pub fn read(query: &Parameters, sort_orders: &[&str]) -> Result<ActivityQuery, ApiError> {
    let limit = query.limit()?;
    let campaign_id = query.text("campaign_id")?;
    let campaign_type = query.one_of("campaign_type", &CAMPAIGN_TYPES)?;
    let product_id = query.text("product_id")?;
    Ok(ActivityQuery {
        filter: ActivityFilter {
            start: query.time("start_date")?,
            end: query.time("end_date")?,
            kind: query.one_of("type", &LISTED_TYPES)?,
            category: query.one_of("category", &ActivityCategory::NAMES)?.and_then(ActivityCategory::parse),
            matches_nothing: campaign_id.is_some() || campaign_type.is_some() || product_id.is_some(),
        },
        cursor: ActivityCursor { id: query.text("starting_after_id")?, moment: query.time("starting_after")? },
        sort: query.one_of("order", sort_orders)?.and_then(ActivitySort::parse).unwrap_or(ActivitySort::NEWEST_FIRST),
        limit,
    })
}

/// Trims `entries` to one page and returns whether there are more. `entries` must contain one entry beyond `limit` if
/// there are more.
pub fn trim_to_limit(entries: &mut Vec<StoredEntry>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or_default();
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    has_more
}

/// Returns the approximate length of the answer in bytes.
pub fn estimated_bytes(entries: &[StoredEntry]) -> usize {
    entries.iter().map(|entry| entry.data.as_str().len() + 640).sum::<usize>() + 256
}
