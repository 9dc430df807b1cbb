//! A transaction that changes the rules of a project.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::cache::load;
use super::exclusive::ExclusiveTransaction;
use crate::db;
use crate::domain::filter::CustomerField;
use crate::domain::project_time::ProjectTime;
use crate::domain::rules::Rules;
use crate::ids::IdSource;
use crate::service::{Caller, Core, Error};

/// An exclusive transaction that changes the rules of a project. Its commit recomputes the members of the segments that
/// are new or whose filter the new rules read differently.
#[derive(Debug)]
pub(in crate::service) struct RulesChange<'a> {
    caller: &'a Caller,
    exclusive: ExclusiveTransaction,
    /// A key that was removed from the metadata of all customers.
    purged_key: Option<String>,
    /// Whether any customer, order or event may have changed.
    is_reload: bool,
    /// The time of the last row that was written, if it is later than the time of the project.
    last_row_at: Option<DateTime<Utc>>,
}

impl<'a> RulesChange<'a> {
    /// Begins the transaction. If it is dropped before [`RulesChange::commit`], it is rolled back.
    pub async fn begin(core: &Core, caller: &'a Caller) -> Result<Self, Error> {
        Ok(Self::on(caller, ExclusiveTransaction::begin(core, caller).await?))
    }

    /// Continues an exclusive transaction.
    pub fn on(caller: &'a Caller, exclusive: ExclusiveTransaction) -> Self {
        Self { caller, exclusive, purged_key: None, is_reload: false, last_row_at: None }
    }

    /// Returns the rules before the change.
    pub fn before(&self) -> &Rules {
        &self.exclusive.rules
    }

    /// Returns the connection of the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.exclusive.connection()
    }

    /// Returns the identifiers of the transaction.
    pub fn ids(&mut self) -> &mut IdSource {
        &mut self.exclusive.ids
    }

    /// Returns the connection and the identifiers of the transaction.
    pub fn connection_and_ids(&mut self) -> (&mut PgConnection, &mut IdSource) {
        (&mut self.exclusive.transaction, &mut self.exclusive.ids)
    }

    /// Returns the time of the clock of the project.
    pub fn now(&self) -> DateTime<Utc> {
        self.exclusive.time.clock
    }

    /// Returns the time of the project at the start of the transaction.
    pub fn time(&self) -> ProjectTime {
        self.exclusive.time
    }

    /// Loads the rules as this transaction has changed them so far.
    pub async fn changed(&mut self) -> Result<Rules, Error> {
        let version = self.exclusive.rules.version;
        load(self.exclusive.connection(), self.caller.project, version).await
    }

    /// Registers that any customer, order or event may have changed, so that the commit recomputes everything. `last_row_at`
    /// is the time of the last row, if rows are later than the time of the project.
    pub fn set_reload(&mut self, last_row_at: Option<DateTime<Utc>>) {
        self.is_reload = true;
        self.last_row_at = last_row_at;
    }

    /// Registers that a key was removed from the metadata of all customers, so that the commit recomputes what depends
    /// on it.
    pub fn set_purged_key(&mut self, key: &str) {
        self.purged_key = Some(key.to_owned());
    }

    /// Rolls back, and returns when the database has released the locks of the transaction.
    pub async fn roll_back(self) {
        self.exclusive.roll_back().await;
    }

    /// Recomputes the members of the affected segments and commits. The activity of customers records nothing of it,
    /// because no customer has changed.
    pub async fn commit(mut self) -> Result<(), Error> {
        let Self { caller, exclusive, purged_key, is_reload, last_row_at } = &mut self;
        let ExclusiveTransaction { transaction, rules: before, time, .. } = exclusive;
        db::rules::increment_version(transaction, caller.project).await?;
        let after = load(transaction, caller.project, before.version + 1).await?;
        let (timed, timed_before) = (after.time_dependent_fields(), before.time_dependent_fields());
        for (field, _) in timed_before.iter().filter(|known| !timed.contains(known)) {
            db::segments::delete_moments(transaction, caller.project, &field.stored_moment_name().unwrap_or_default())
                .await?;
        }
        for &(field, kind) in &timed {
            let is_purged = purged_key.as_ref().is_some_and(|key| *field == CustomerField::Metadata(key.clone()));
            if *is_reload || is_purged || !timed_before.contains(&(field, kind)) {
                db::segments::rebuild_moments(transaction, caller.project, field, kind).await?;
            }
        }
        let now = last_row_at.map_or(time.of_evaluation(), |last| last.max(time.of_evaluation()));
        for segment in &after.segments {
            let (id, filter) = (&segment.id, &segment.filter);
            let is_unchanged = before.segments.iter().any(|known| known.id == *id && known.filter == *filter);
            let reads_purged_key = purged_key.as_ref().is_some_and(|key| filter.reads_metadata(key));
            if is_unchanged && !reads_purged_key && !*is_reload {
                continue;
            }
            db::segments::recompute_members(transaction, caller.project, id, filter, None, None, now).await?;
            let evaluated_at = filter.depends_on_time().then_some(now);
            db::segments::set_evaluated_at(transaction, caller.project, id, evaluated_at).await?;
        }
        self.exclusive.commit().await
    }
}
