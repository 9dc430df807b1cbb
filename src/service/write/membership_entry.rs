//! The activity entry for a customer that entered or left a segment.

use chrono::{DateTime, Utc};

use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::customer::Customer;
use crate::domain::rules::FilteredSegment;
use crate::ids::IdSource;
use crate::objects::{rendered, segment};
use crate::service::Caller;
use crate::service::activity_entry::activity_entry;

/// Returns the activity entry for a customer that entered or left a segment.
pub fn membership_entry(
    ids: &mut IdSource,
    caller: &Caller,
    kind: ActivityType,
    customer: &Customer,
    of: &FilteredSegment,
    now: DateTime<Utc>,
) -> ActivityEntry {
    let payload = rendered(|out| segment::write_payload(out, customer, &of.id_and_name()));
    activity_entry(ids, caller, &customer.id, kind, payload, now)
}
