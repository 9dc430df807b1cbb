//! The activity entry for a customer that entered or left a segment.

use chrono::{DateTime, Utc};

use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::customer::Customer;
use crate::domain::rules::FilteredSegment;
use crate::objects::{rendered, segment};
use crate::service::{Caller, Core};

/// Returns the activity entry for a customer that entered or left a segment.
pub fn membership_entry(
    core: &Core,
    caller: &Caller,
    kind: ActivityType,
    customer: &Customer,
    of: &FilteredSegment,
    now: DateTime<Utc>,
) -> ActivityEntry {
    let payload = rendered(|out| segment::write_payload(out, customer, &of.id_and_name()));
    core.activity_entry(caller, &customer.id, kind, payload, now)
}
