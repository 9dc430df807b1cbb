//! What is known while a state document is loaded.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::domain::project_time::ProjectTime;
use crate::domain::state_document::StateMember;
use crate::service::rules::RulesChange;
use crate::service::{Caller, Core, Error};

/// How many objects of each kind a document had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([i64; StateMember::ALL.len()]);

impl Counts {
    /// Returns the number of objects of a member.
    #[must_use]
    pub fn of(&self, member: StateMember) -> i64 {
        self.0[member as usize]
    }
}

/// An object of the document that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectError {
    pub member: StateMember,
    pub index: usize,
    /// What is wrong, with the path of the property.
    pub details: String,
    /// Whether the vendor would accept the object.
    pub is_not_emulated: bool,
}

impl ObjectError {
    /// Returns the error for a property of the object; `property` is empty or begins with a dot.
    pub(super) fn new(member: StateMember, index: usize, property: &str, what: &str) -> Self {
        let details = format!("Property {}{property} {what}", member.path_of(index));
        Self { member, index, details, is_not_emulated: false }
    }

    /// Returns the error for a property whose value another object of the document has.
    pub(super) fn repeated(member: StateMember, index: usize, property: &str) -> Self {
        Self::new(member, index, property, "must NOT be that of another object of the document")
    }
}

/// Why objects cannot be added.
#[derive(Debug)]
pub enum Failure {
    Object(ObjectError),
    Service(Error),
}

impl From<ObjectError> for Failure {
    fn from(error: ObjectError) -> Self {
        Self::Object(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Service(error.into())
    }
}

impl Failure {
    /// Returns the failure of an object for an error of a check that names a property of the object.
    pub(super) fn of_check(member: StateMember, index: usize, error: Error) -> Self {
        match error {
            Error::Invalid { details } => {
                let details = match details.strip_prefix("Property ") {
                    Some(rest) => format!("Property {}{rest}", member.path_of(index)),
                    None => details,
                };
                ObjectError { member, index, details, is_not_emulated: false }.into()
            }
            error => error.into(),
        }
    }
}

/// The transaction of a load, and what its later objects need to know of the earlier ones.
#[derive(Debug)]
pub struct Loader<'a> {
    pub core: &'a Core,
    pub caller: &'a Caller,
    pub change: RulesChange<'a>,
    /// Whether the project may have had objects before the load.
    pub is_addition: bool,
    pub time: ProjectTime,
    /// The time of the last object that the document gives none.
    pub last_row_at: Option<DateTime<Utc>>,
    /// The id of a customer by the id that the document gives it, where the project had a customer with its source id.
    pub customer_ids: HashMap<String, String>,
    pub counts: Counts,
    /// Whether a customer that existed has another time of creation now.
    pub has_moved_members: bool,
    /// The ids and names of the definitions that were added. There are few of them.
    seen: HashSet<(StateMember, &'static str, String)>,
}

impl<'a> Loader<'a> {
    pub fn new(core: &'a Core, caller: &'a Caller, change: RulesChange<'a>, is_addition: bool) -> Self {
        let time = change.time();
        Self {
            core,
            caller,
            change,
            is_addition,
            time,
            last_row_at: None,
            customer_ids: HashMap::new(),
            counts: Counts::default(),
            has_moved_members: false,
            seen: HashSet::new(),
        }
    }

    pub fn project(&self) -> ProjectId {
        self.caller.project
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        self.change.connection()
    }

    /// Returns the time of a definition that the document gives none.
    pub fn now(&self) -> DateTime<Utc> {
        self.time.of_write()
    }

    /// Returns the time of the next customer, order or event that the document gives none. As for the rows of a job, each
    /// has a millisecond of its own, so that lists show them in the order of the document.
    pub fn next_row_time(&mut self) -> DateTime<Utc> {
        let time = self.time.of_job_row(self.last_row_at);
        self.last_row_at = Some(time);
        time
    }

    /// Counts objects that were added.
    pub fn count(&mut self, member: StateMember, added: usize) {
        self.counts.0[member as usize] += i64::try_from(added).unwrap_or(i64::MAX);
    }

    /// Checks that no definition of the document has had this id or name before.
    pub fn check_unique(
        &mut self,
        member: StateMember,
        index: usize,
        property: &'static str,
        value: &str,
    ) -> Result<(), ObjectError> {
        if self.seen.insert((member, property, value.to_owned())) {
            return Ok(());
        }
        Err(ObjectError::repeated(member, index, property))
    }
}
