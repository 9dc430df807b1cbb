//! One transaction that writes: what every service that changes something works in.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::sync::OwnedRwLockReadGuard;
use tokio::task::yield_now;

use super::webhooks::deliveries_of;
use super::{Caller, Core, Error};
use crate::db;
use crate::db::customers::NewCustomer;
use crate::db::pool::Transaction;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::customer::Customer;
use crate::domain::filter::Subject;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::rules::{FilteredSegment, Rules};
use crate::domain::segment::SegmentMember;
use crate::objects::{rendered, segment};

/// Entries that are held before they are written: each may hold a whole customer.
const ENTRIES: usize = 1_000;
/// Customers who are put in and out of segments before other work has its turn on the thread.
const CUSTOMERS_AT_A_TIME: usize = 50;

/// A transaction under the rules of its project, with what it has to tell at its end: the entries in the order in which
/// they were told, and after them what they did to the membership of the customers who were touched.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub core: &'a Core,
    pub caller: &'a Caller,
    /// When all of it happens.
    pub now: DateTime<Utc>,
    pub rules: Arc<Rules>,
    transaction: Transaction,
    entries: Vec<ActivityEntry>,
    touched: Vec<Customer>,
    /// Where in `touched` each of them is.
    places: HashMap<String, usize>,
    /// Whether webhooks are told of it.
    sends: bool,
    /// Whether there is something for the courier.
    has_sent: bool,
    _gate: OwnedRwLockReadGuard<()>,
}

impl<'a> Work<'a> {
    /// Begins. Dropped before [`Work::commit`], nothing was done.
    pub async fn begin(core: &'a Core, caller: &'a Caller) -> Result<Self, Error> {
        let remembered = core.rules.of(caller.project).await;
        let gate = remembered.enter().await;
        let (mut transaction, version) = db::rules::begin(&core.pool, caller.project).await?;
        let rules = remembered.rules_of_version(&mut transaction, caller.project, version).await?;
        // Read under the lock: no segment is settled at a later time before this is done.
        let now = core.clock.now();
        let (entries, touched, places) = (Vec::new(), Vec::new(), HashMap::new());
        let (sends, has_sent) = (true, false);
        Ok(Self { core, caller, now, rules, transaction, entries, touched, places, sends, has_sent, _gate: gate })
    }

    /// Tells no webhook of what is done: so it is with everything that comes in many at once.
    pub fn send_nothing(&mut self) {
        self.sends = false;
    }

    /// Takes from a new customer what nobody is to be told, and remembers whether there is something left for the courier.
    pub fn sends_of(&mut self, new: &mut NewCustomer) {
        if !self.sends {
            new.deliveries.clear();
        }
        self.has_sent |= !new.deliveries.is_empty();
    }

    /// The project that it is done in.
    pub fn project(&self) -> ProjectId {
        self.caller.project
    }

    /// The connection with the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Tells of something in the activity of a customer.
    pub fn tell(&mut self, customer_id: &str, kind: ActivityType, data: JsonText) {
        self.tell_with(customer_id, kind, data, None);
    }

    /// [`Work::tell`], of something that a second person has a part in: their id, and how the payload shows them.
    pub fn tell_with(
        &mut self,
        customer_id: &str,
        kind: ActivityType,
        data: JsonText,
        person: Option<(String, JsonText)>,
    ) {
        let entry = self.core.entry(self.caller, customer_id, kind, data, self.now);
        self.entries.push(ActivityEntry { referrer: person, ..entry });
    }

    /// Says that a locked customer, or what filters know of it, has changed to this.
    pub fn touch(&mut self, customer: &Customer) {
        // Only filters want to know.
        if self.rules.segments.is_empty() {
            return;
        }
        let customer = customer.clone();
        let next = self.touched.len();
        let place = *self.places.entry(customer.id.clone()).or_insert(next);
        if place < next {
            self.touched[place] = customer;
        } else {
            self.touched.push(customer);
        }
    }

    /// Undoes what was done, and waits for that: afterwards nothing is locked any more.
    pub async fn roll_back(self) {
        self.transaction.roll_back().await;
    }

    /// Puts the touched customers in and out of segments, writes the entries, and makes it all last.
    pub async fn commit(mut self) -> Result<(), Error> {
        if let Err(error) = self.conclude().await {
            self.roll_back().await;
            return Err(error);
        }
        self.transaction.commit().await?;
        if self.has_sent {
            self.core.outbox.wake();
        }
        Ok(())
    }

    async fn conclude(&mut self) -> Result<(), Error> {
        if !self.touched.is_empty() {
            self.move_members().await?;
        }
        self.write_entries().await
    }

    async fn write_entries(&mut self) -> Result<(), Error> {
        if !self.entries.is_empty() {
            let project = self.caller.project;
            db::activity::insert(&mut self.transaction, project, &self.entries).await?;
            if self.sends {
                let deliveries = deliveries_of(self.core, &self.rules, &self.entries, self.now);
                if !deliveries.is_empty() {
                    db::webhook_deliveries::insert(&mut self.transaction, project, &deliveries, self.now).await?;
                    self.has_sent = true;
                }
            }
            self.entries.clear();
        }
        Ok(())
    }

    async fn move_members(&mut self) -> Result<(), Error> {
        let touched = std::mem::take(&mut self.touched);
        let ids: Vec<_> = touched.iter().map(|customer| customer.id.clone()).collect();
        let counted = self.rules.counted_events();
        let mut event_counts = if counted.is_empty() {
            HashMap::new()
        } else {
            db::events::count_of(&mut self.transaction, self.caller.project, &ids, &counted).await?
        };
        let rules = Arc::clone(&self.rules);
        let (mut members, mut moments) = (Vec::new(), Vec::new());
        for (number, customer) in touched.iter().enumerate() {
            if number % CUSTOMERS_AT_A_TIME == CUSTOMERS_AT_A_TIME - 1 {
                yield_now().await;
            }
            let subject = Subject::of(customer, event_counts.remove(&customer.id).unwrap_or_default());
            members.extend(rules.segments_of(&subject, self.now).map(|segment| SegmentMember {
                customer_id: customer.id.clone(),
                segment_id: segment.id.clone(),
                customer_created_at: customer.created_at,
            }));
            let stored = rules.moments_of(&subject).into_iter();
            moments.extend(stored.map(|(field, moment)| (customer.id.clone(), field, moment)));
        }
        if !rules.timed_fields().is_empty() {
            db::segments::keep_moments(&mut self.transaction, self.caller.project, &ids, &moments).await?;
        }
        let segment_ids: Vec<_> = rules.segments.iter().map(|segment| segment.id.clone()).collect();
        let moved =
            db::segments::move_members(&mut self.transaction, self.caller.project, &ids, &segment_ids, &members)
                .await?;
        // In the order of the customers and then of the segments.
        let mut told: Vec<_> = moved
            .iter()
            .filter_map(|moved| {
                let segment = rules.segments.iter().position(|segment| segment.id == moved.segment_id)?;
                Some((*self.places.get(&moved.customer_id)?, segment, moved.kind()))
            })
            .collect();
        told.sort_unstable_by_key(|&(customer, segment, _)| (customer, segment));
        for (customer, segment, kind) in told {
            let (customer, segment) = (&touched[customer], &rules.segments[segment]);
            if segment.is_announced() {
                self.entries.push(membership_entry(self.core, self.caller, kind, customer, segment, self.now));
                if self.entries.len() >= ENTRIES {
                    self.write_entries().await?;
                }
            }
        }
        Ok(())
    }
}

/// The entry that tells that a customer entered a segment, or left it.
pub(super) fn membership_entry(
    core: &Core,
    caller: &Caller,
    kind: ActivityType,
    customer: &Customer,
    of: &FilteredSegment,
    now: DateTime<Utc>,
) -> ActivityEntry {
    let payload = rendered(|out| segment::write_payload(out, customer, &of.named()));
    core.entry(caller, &customer.id, kind, payload, now)
}
