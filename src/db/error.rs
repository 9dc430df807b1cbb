//! What an error of the database means to the caller.

/// Whether the same work, done again from its start, may succeed: another transaction was faster. An upsert that meets
/// the row it looked for in vain, a foreign key whose row has just gone or come, a deadlock.
#[must_use]
pub fn is_race(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("23505" | "23503" | "40001" | "40P01")) && !is_project_gone(error)
}

/// Whether the project was deleted meanwhile: the rules of one that is not there are refused, and rows that name it.
#[must_use]
pub fn is_project_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().as_deref() == Some("VE001")
                || error.constraint().is_some_and(|constraint| constraint.ends_with("_project_fk"))
        }
        // The row of the project is the only one that is read as one that must be there.
        sqlx::Error::RowNotFound => true,
        _ => false,
    }
}

/// Whether it was somebody or something else that stood in the way, so that the same work may succeed after a while: a race that
/// was lost again and again, a lock, a time limit.
#[must_use]
pub fn is_passing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    is_race(error)
        || is_unavailable(error)
        || is_time_limit(error)
        || matches!(code.as_deref(), Some("55P03" | "25P03"))
        // What a connection says that breaks in the middle of an answer.
        || matches!(error, sqlx::Error::Protocol(_))
}

/// Whether a statement took longer than it may, or was cancelled by hand.
#[must_use]
pub fn is_time_limit(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("57014")
}

/// Whether the database is out of reach, so that the client may try again later.
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
