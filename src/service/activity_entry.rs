//! Activity entries.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Caller;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::json::JsonText;
use crate::ids::IdSource;

/// Returns an activity entry of a customer, for a change that `caller` makes at `now`.
pub(super) fn activity_entry(
    ids: &mut IdSource,
    caller: &Caller,
    customer_id: &str,
    kind: ActivityType,
    data: JsonText,
    now: DateTime<Utc>,
) -> ActivityEntry {
    ActivityEntry {
        customer_id: customer_id.to_owned(),
        id: ids.time_ordered("evcus_", now),
        kind,
        group_id: caller.request_id.clone(),
        app_id: Arc::clone(&caller.app_id),
        channel: caller.channel,
        data,
        referrer: None,
        created_at: now,
    }
}
