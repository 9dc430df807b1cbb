//! What is done with the main database of a new cluster before it is used.

use std::error::Error;
use std::pin::Pin;

use sqlx::PgConnection;

pub type PreparationError = Box<dyn Error + Send + Sync>;

/// Work on a connection, which is returned when it succeeds.
pub type Work = fn(PgConnection) -> Pin<Box<dyn Future<Output = Result<PgConnection, PreparationError>>>>;

/// Prepares the main database of a cluster.
#[derive(Clone, Debug)]
pub struct Preparation {
    /// Identifies the prepared content. It changes whenever the content does.
    pub digest: Vec<u8>,
    /// Creates what is missing in the database, on a connection to it.
    pub prepare: Work,
    /// Removes what a copy does not need, after `prepare`.
    pub trim: Work,
}
