//! Receives the notifications of new jobs, and of deliveries that another emulator process has queued.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Acquire, PgPool};
use tokio::time::timeout;

use super::queue::{CHANNEL, has_pending_work};
use crate::db::webhook_deliveries;

/// A notification from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification {
    /// A job was inserted, or a project was deleted.
    Job,
    /// A delivery was queued by a process that does not deliver.
    Delivery,
}

/// A connection outside the pool that receives the notifications of every process on the database.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
    /// The pool of sqlx that holds only this connection.
    pool: PgPool,
}

impl Listener {
    /// Connects and subscribes to the notifications.
    ///
    /// # Errors
    /// Returns an error when the database cannot be reached or rejects the connection.
    pub async fn connect(database: PgConnectOptions) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen_all([CHANNEL, webhook_deliveries::CHANNEL]).await?;
        Ok(Self { listener, pool })
    }

    /// Ends the subscriptions and closes the connection. The database may be stopped afterwards, without errors on this connection.
    pub async fn close(self) {
        drop(self.listener);
        self.pool.close().await;
    }

    /// Returns whether there is work whose notification this connection may have missed.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn has_pending_work(&mut self) -> Result<bool, sqlx::Error> {
        has_pending_work(self.listener.acquire().await?).await
    }

    /// Waits for the next notification, at most `duration`. Returns `None` when there was none.
    ///
    /// # Errors
    /// Returns an error when the connection is lost and cannot be replaced.
    pub async fn recv(&mut self, duration: Duration) -> Result<Option<Notification>, sqlx::Error> {
        match timeout(duration, self.listener.recv()).await {
            Ok(received) => received.map(|notification| {
                Some(if notification.channel() == CHANNEL { Notification::Job } else { Notification::Delivery })
            }),
            Err(_) => Ok(None),
        }
    }
}
