//! Recognises a pooler of connections (`PgBouncer` and the like) that gives each transaction another session of the server. The emulator
//! needs sessions of its own: its statements are prepared once, its locks and its subscriptions belong to a session.

use sqlx::{Connection, Executor, PgConnection, Row};

use super::session::{Database, Purpose};

/// Returns whether a connection to the database does not keep one session of the server.
///
/// While one connection holds a transaction, and so a session, the session of the other one must stay what it was, and be another one.
/// Nothing is prepared, because a pooler may not know prepared statements.
///
/// # Errors
/// Returns an error when the database cannot be reached or a statement fails.
pub async fn changes_sessions(database: &Database) -> Result<bool, sqlx::Error> {
    let mut watched = database.connect_without_settings(Purpose::Migration).await?;
    let mut other = database.connect_without_settings(Purpose::Migration).await?;
    let before = session(&mut watched).await?;
    if let Err(error) = other.execute("BEGIN").await {
        return if is_refused_by_pooler(&error) { Ok(true) } else { Err(error) };
    }
    // With a limit of one session, the pooler would let the second connection wait, so compare the first ones before.
    let changes = session(&mut other).await? == before || session(&mut watched).await? != before;
    for connection in [watched, other] {
        let _ = connection.close().await;
    }
    Ok(changes)
}

/// Returns whether an error is that of a pooler which gives each statement another session, so that there are no transactions.
fn is_refused_by_pooler(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "08P01")
}

/// Returns the number of the process that serves the connection.
async fn session(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    connection.fetch_one("SELECT pg_backend_pid()").await?.try_get(0)
}
