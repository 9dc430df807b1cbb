//! Classification of database errors.

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

/// Returns whether the database cannot be reached, so that the client may try again later.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code.starts_with("53"))
        }
        _ => false,
    }
}
