//! Receives the notifications of new jobs, and of deliveries that another emulator process has queued.

use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{Acquire, PgPool};
use tokio::time::timeout;

use super::queue::{CHANNEL_ENDING, has_pending_work};
use crate::db::session::{Database, Purpose};
use crate::db::{distribution, webhook_deliveries};

/// A notification from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification {
    /// A job was inserted, or a project was deleted.
    Job,
    /// A delivery was queued by a process that does not deliver.
    Delivery,
}

/// A connection outside the pool that receives the notifications of every process on the same schema.
#[derive(Debug)]
pub struct Listener {
    subscriptions: PgListener,
    /// The channel of the jobs. Its name begins with that of the schema, because the channels are those of the whole database.
    job_channel: String,
    /// The pool of sqlx that holds only this connection.
    pool: PgPool,
    is_distributed: bool,
}

impl Listener {
    /// Connects and subscribes to the notifications.
    ///
    /// # Errors
    /// Returns an error when the database cannot be reached or rejects the connection.
    pub async fn connect(database: &Database) -> Result<Self, sqlx::Error> {
        let pool = database.pool_of_one(Purpose::Listener);
        let mut subscriptions = PgListener::connect_with(&pool).await?;
        let [job_channel, delivery_channel] =
            [CHANNEL_ENDING, webhook_deliveries::CHANNEL_ENDING].map(|ending| format!("{}{ending}", database.schema()));
        subscriptions.listen_all([job_channel.as_str(), &delivery_channel]).await?;
        let is_distributed = distribution::is_distributed(subscriptions.acquire().await?).await?;
        Ok(Self { subscriptions, job_channel, pool, is_distributed })
    }

    /// Ends the subscriptions and closes the connection. The database may be stopped afterwards, without errors on this connection.
    pub async fn close(self) {
        drop(self.subscriptions);
        self.pool.close().await;
    }

    /// Returns whether there is work whose notification this connection may have missed.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn has_pending_work(&mut self) -> Result<bool, sqlx::Error> {
        has_pending_work(self.subscriptions.acquire().await?, self.is_distributed).await
    }

    /// Waits for the next notification, at most `duration`. Returns `None` when there was none.
    ///
    /// # Errors
    /// Returns an error when the connection is lost and cannot be replaced.
    pub async fn recv(&mut self, duration: Duration) -> Result<Option<Notification>, sqlx::Error> {
        match timeout(duration, self.subscriptions.recv()).await {
            Ok(received) => received.map(|notification| {
                Some(if notification.channel() == self.job_channel {
                    Notification::Job
                } else {
                    Notification::Delivery
                })
            }),
            Err(_) => Ok(None),
        }
    }
}
