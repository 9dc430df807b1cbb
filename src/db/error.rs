//! Classification of database errors.

use std::io;

use crate::domain::outage::Outage;

/// Returns whether the transaction failed because of a concurrent transaction, so that it may succeed when it is
/// repeated from its start: a row with the same key was inserted meanwhile, the row of a foreign key was deleted or
/// inserted meanwhile, or there was a deadlock.
#[must_use]
pub fn is_race(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("23505" | "23503" | "40001" | "40P01")) && !is_project_deleted(error)
}

/// Returns whether a statement failed because of a concurrent transaction, or because it waited too long for a lock.
#[must_use]
pub fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    is_race(error) || code.as_deref() == Some("55P03")
}

/// Returns whether the project was deleted meanwhile: the rules lock of a deleted project and rows that refer to it
/// are rejected.
#[must_use]
pub fn is_project_deleted(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().as_deref() == Some("VE001")
                || error.constraint().is_some_and(|constraint| constraint.ends_with("_project_fk"))
        }
        // This means the project, because no other row that may be missing is read with `fetch_one`.
        sqlx::Error::RowNotFound => true,
        _ => false,
    }
}

/// Returns whether the cause is temporary and outside the transaction, so that it may succeed after a while: conflicts
/// with concurrent transactions, a lock, a time limit, or an unavailable database.
#[must_use]
pub fn is_transient(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    is_conflict(error)
        || is_unavailable(error)
        || is_statement_timeout(error)
        || code.as_deref() == Some("25P03")
        // The error of a connection that breaks in the middle of a response.
        || matches!(error, sqlx::Error::Protocol(_))
}

/// Returns whether a statement exceeded its time limit or was cancelled by an operator.
#[must_use]
pub fn is_statement_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("57014")
}

/// Returns whether the database as a whole fails, so that the client may try again later.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    outage(error).is_some()
}

/// Returns why the database as a whole fails. Returns `None` where only the statement has failed.
#[must_use]
pub fn outage(error: &sqlx::Error) -> Option<Outage> {
    match error {
        sqlx::Error::Io(error) => {
            let copied = error.get_ref().and_then(|inner| inner.downcast_ref::<CopiedOutage>());
            Some(copied.map_or(Outage::Unreachable, |copied| copied.outage))
        }
        sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Some(Outage::Unreachable)
        }
        sqlx::Error::Database(error) if error.message().starts_with(LOST_WORKER) => Some(Outage::Unreachable),
        sqlx::Error::Database(error) => Outage::of_sqlstate(&error.code()?),
        _ => None,
    }
}

/// How the message begins with which Citus reports that a worker was lost during a transaction. It has the SQLSTATE of an internal error.
const LOST_WORKER: &str = "failure on connection marked as essential";

/// Returns whether the connection broke: either the database as a whole fails, or what the statement did has ended its session.
#[must_use]
pub fn is_broken_connection(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_))
}

/// The copy of an error that is an outage, for each of the requests that fail with it.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct CopiedOutage {
    outage: Outage,
    text: String,
}

/// Returns an error of the same kind, as far as this module distinguishes errors of several requests. An error cannot be cloned.
pub(super) fn copy_of(error: &sqlx::Error) -> sqlx::Error {
    match (error, outage(error)) {
        (sqlx::Error::PoolTimedOut, _) => sqlx::Error::PoolTimedOut,
        (sqlx::Error::PoolClosed, _) => sqlx::Error::PoolClosed,
        (error, Some(outage)) => sqlx::Error::Io(io::Error::other(CopiedOutage { outage, text: error.to_string() })),
        (error, None) => sqlx::Error::Protocol(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_error_is_the_same_outage() {
        let lost = sqlx::Error::Io(io::ErrorKind::ConnectionReset.into());
        assert_eq!(outage(&copy_of(&lost)), Some(Outage::Unreachable));
        let full =
            sqlx::Error::Io(io::Error::other(CopiedOutage { outage: Outage::DiskFull, text: "full".to_owned() }));
        assert_eq!(outage(&copy_of(&full)), Some(Outage::DiskFull));
        assert_eq!(outage(&copy_of(&sqlx::Error::RowNotFound)), None);
    }
}
