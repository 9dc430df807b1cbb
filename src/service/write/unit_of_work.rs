//! The transaction in which services change customers, orders and events.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::sync::OwnedRwLockReadGuard;

use super::membership_entry::membership_entry;
use super::recording::Recording;
use crate::db;
use crate::db::customers::NewCustomer;
use crate::db::pool::Transaction;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::customer::Customer;
use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::project::ProjectId;
use crate::domain::project_time::{JobRowTimes, ProjectTime};
use crate::domain::rules::Rules;
use crate::domain::segment::SegmentMember;
use crate::ids::IdSource;
use crate::service::activity_entry::activity_entry;
use crate::service::id_source::{id_source, store_id_counts};
use crate::service::segment_evaluation::evaluate;
use crate::service::webhooks::new_deliveries::deliveries_for;
use crate::service::{Caller, Core, Error};

/// How many segment entries are collected before they are written. The limit bounds memory: each may hold a whole
/// customer.
const MAX_BUFFERED_ENTRIES: usize = 1_000;

/// A transaction under the rules of its project. Its commit updates the segment membership of the changed customers,
/// writes the recorded activity entries in their order, and after them the entries of customers who entered or left a
/// segment.
#[derive(Debug)]
pub struct UnitOfWork<'a> {
    pub core: &'a Core,
    pub caller: &'a Caller,
    pub recording: Recording<'a>,
    /// The time that every change in this transaction shows: in a job, the time of its last row.
    pub now: DateTime<Utc>,
    time: ProjectTime,
    /// The time of the last row of a job that was written in this transaction.
    last_job_row_at: Option<DateTime<Utc>>,
    pub rules: Arc<Rules>,
    /// The identifiers of this transaction.
    pub ids: IdSource,
    transaction: Transaction,
    entries: Vec<ActivityEntry>,
    changed: Vec<Customer>,
    /// The index of each customer in `changed`, by customer id.
    changed_index: HashMap<String, usize>,
    /// Whether the transaction has written webhook deliveries.
    has_deliveries: bool,
    _lock: OwnedRwLockReadGuard<()>,
}

impl<'a> UnitOfWork<'a> {
    /// Begins the transaction. If it is dropped before [`UnitOfWork::commit`], it is rolled back.
    pub async fn begin(core: &'a Core, caller: &'a Caller, recording: Recording<'a>) -> Result<Self, Error> {
        let cached = core.rules_cache.project(caller.project).await;
        let lock = cached.lock_shared().await;
        core.note_deliveries(caller.project, &cached.rules()).await?;
        let (mut transaction, state) = db::rules::begin_shared(&core.pool, caller.project).await?;
        let rules = cached
            .rules_of_version(&core.metrics.caches.rules, &mut transaction, caller.project, state.rules_version)
            .await?;
        // The cached rules may have had no webhook.
        core.note_deliveries(caller.project, &rules).await?;
        // Read the clock under the lock, so that no segment is brought up to date for a later time before this commits.
        let time = core.project_time(&state);
        let ids = id_source(core, &mut transaction, caller.project, state.identifier_seed).await?;
        Ok(Self {
            core,
            caller,
            recording,
            now: time.of_write(),
            time,
            last_job_row_at: None,
            rules,
            ids,
            transaction,
            entries: Vec::new(),
            changed: Vec::new(),
            changed_index: HashMap::new(),
            has_deliveries: false,
            _lock: lock,
        })
    }

    /// Returns the time that the next row shows which is created or changed. In a job, each row has a millisecond of its
    /// own, and the time of this transaction is then that of the row, so that it is not before any of its rows.
    pub fn next_row_time(&mut self) -> DateTime<Utc> {
        if matches!(self.recording, Recording::Job) {
            self.now = self.time.of_job_row(self.last_job_row_at);
            self.last_job_row_at = Some(self.now);
        }
        self.now
    }

    /// Returns the time of the clock of the project when the transaction began.
    pub fn clock_time(&self) -> DateTime<Utc> {
        self.time.clock
    }

    /// Returns the project of the caller.
    pub fn project(&self) -> ProjectId {
        self.caller.project
    }

    /// Returns the connection of the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Inserts a new customer with its activity entries, segment memberships and webhook deliveries, in one statement.
    ///
    /// # Errors
    /// Returns [`Error::LostRace`] when a concurrent transaction has created the customer or has changed the rules.
    pub async fn insert_customer(&mut self, new: &mut NewCustomer) -> Result<(), Error> {
        new.due_at = self.time.clock;
        self.has_deliveries |= !new.deliveries.is_empty();
        let project = self.project();
        let is_distributed = self.core.pending_work.is_distributed();
        let inserted = db::customers::insert(self.connection(), project, new, is_distributed).await?;
        if inserted { Ok(()) } else { Err(Error::LostRace) }
    }

    /// Records a change of the customer itself.
    pub fn record_customer(&mut self, customer: &Customer, kind: ActivityType) {
        if let Some((kind, data)) = self.recording.of_customer(customer, kind) {
            self.record_activity(&customer.id, kind, data);
        }
    }

    /// Records a change of an order in the activity of its customer, with one entry for each of the `kinds`.
    pub fn record_order(
        &mut self,
        of: &Order,
        kinds: &[ActivityType],
        customer: &Customer,
        referrer: Option<&Customer>,
    ) {
        let Some((payload, referrer)) = self.recording.of_order(of, customer, referrer) else { return };
        for &kind in kinds {
            let entry = activity_entry(&mut self.ids, self.caller, &customer.id, kind, payload.clone(), self.now);
            self.entries.push(ActivityEntry { referrer: referrer.clone(), ..entry });
        }
    }

    /// Records an entry in the activity of a customer.
    pub fn record_activity(&mut self, customer_id: &str, kind: ActivityType, data: JsonText) {
        self.entries.push(activity_entry(&mut self.ids, self.caller, customer_id, kind, data, self.now));
    }

    /// Marks a locked customer as changed, so that the commit updates its segments. `customer` is the new state. Also
    /// required when only data that filters read, such as events, has changed.
    pub fn mark_changed(&mut self, customer: &Customer) {
        // Only the filters of segments use the changed customers.
        if self.rules.segments.is_empty() {
            return;
        }
        let customer = customer.clone();
        let next = self.changed.len();
        let index = *self.changed_index.entry(customer.id.clone()).or_insert(next);
        if index < next {
            self.changed[index] = customer;
        } else {
            self.changed.push(customer);
        }
    }

    /// Rolls back, and returns when the database has released the locks of the transaction.
    pub async fn roll_back(self) {
        self.transaction.roll_back().await;
    }

    /// Updates the segments of the changed customers, writes the activity entries and commits.
    pub async fn commit(mut self) -> Result<(), Error> {
        if let Err(error) = self.flush().await {
            self.roll_back().await;
            return Err(error);
        }
        self.transaction.commit().await?;
        if self.has_deliveries {
            self.core.delivery_notifier.notify();
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Error> {
        if let Some(last) = self.last_job_row_at {
            let times = JobRowTimes { last, written_at: self.time.clock };
            db::rules::set_job_row_times(&mut self.transaction, self.caller.project, times).await?;
        }
        if !self.changed.is_empty() {
            self.update_segments().await?;
        }
        self.write_entries().await?;
        store_id_counts(&mut self.transaction, self.caller.project, &self.ids).await
    }

    async fn write_entries(&mut self) -> Result<(), Error> {
        if !self.entries.is_empty() {
            let project = self.caller.project;
            db::activity::insert(&mut self.transaction, project, &self.entries).await?;
            if self.recording.includes_changes() {
                let deliveries =
                    deliveries_for(&mut self.ids, &self.rules, &self.entries, self.now, self.caller.trace.as_ref());
                if !deliveries.is_empty() {
                    // They are due now by the clock.
                    let due_at = self.time.clock;
                    db::webhook_deliveries::insert(&mut self.transaction, project, &deliveries, due_at).await?;
                    self.has_deliveries = true;
                }
            }
            self.entries.clear();
        }
        Ok(())
    }

    async fn update_segments(&mut self) -> Result<(), Error> {
        let changed = std::mem::take(&mut self.changed);
        let ids: Vec<_> = changed.iter().map(|customer| customer.id.clone()).collect();
        let counted = self.rules.counted_events();
        let event_counts = if counted.is_empty() {
            HashMap::new()
        } else {
            db::events::count_by_name(&mut self.transaction, self.caller.project, &ids, &counted).await?
        };
        let rules = Arc::clone(&self.rules);
        let (changed, results) = evaluate(&rules, self.now, changed, event_counts).await?;
        let (mut members, mut moments) = (Vec::new(), Vec::new());
        for (customer, evaluated) in changed.iter().zip(results) {
            members.extend(evaluated.segments.into_iter().map(|index| SegmentMember {
                customer_id: customer.id.clone(),
                segment_id: rules.segments[index].id.clone(),
                customer_created_at: customer.created_at,
            }));
            let stored = evaluated.moments.into_iter();
            moments.extend(stored.map(|(field, moment)| (customer.id.clone(), field, moment)));
        }
        if !rules.time_dependent_fields().is_empty() {
            db::segments::replace_moments(&mut self.transaction, self.caller.project, &ids, &moments).await?;
        }
        let segment_ids: Vec<_> = rules.segments.iter().map(|segment| segment.id.clone()).collect();
        let moved =
            db::segments::update_memberships(&mut self.transaction, self.caller.project, &ids, &segment_ids, &members)
                .await?;
        // Entries are written in the order of the customers, and for each customer in the order of the segments.
        let mut ordered: Vec<_> = moved
            .iter()
            .filter_map(|moved| {
                let segment = rules.segments.iter().position(|segment| segment.id == moved.segment_id)?;
                Some((*self.changed_index.get(&moved.customer_id)?, segment, moved.kind()))
            })
            .collect();
        ordered.sort_unstable_by_key(|&(customer, segment, _)| (customer, segment));
        for (customer, segment, kind) in ordered {
            let (customer, segment) = (&changed[customer], &rules.segments[segment]);
            if segment.records_membership_changes() {
                let entry = membership_entry(&mut self.ids, self.caller, kind, customer, segment, self.now);
                self.entries.push(entry);
                if self.entries.len() >= MAX_BUFFERED_ENTRIES {
                    self.write_entries().await?;
                }
            }
        }
        Ok(())
    }
}
