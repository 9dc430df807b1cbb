//! Hears of jobs that are accepted, and of deliveries that another emulator has put in line.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Acquire, PgPool};
use tokio::time::timeout;

use super::queue::{CHANNEL, is_work_left};
use crate::db::webhook_deliveries;

/// What is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A job was accepted.
    Job,
    /// A delivery was put in line, by an emulator that does not deliver.
    Delivery,
}

/// A connection of its own, beside those of the pool, that hears of what is announced by whichever emulator.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
    /// Of this one connection.
    _pool: PgPool,
}

impl Listener {
    /// Connects and listens.
    ///
    /// # Errors
    /// When the database cannot be reached, or refuses.
    pub async fn connect(database: PgConnectOptions) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen_all([CHANNEL, webhook_deliveries::CHANNEL]).await?;
        Ok(Self { listener, _pool: pool })
    }

    /// Whether anything is left to do: what was announced while nobody listened.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn is_work_left(&mut self) -> Result<bool, sqlx::Error> {
        is_work_left(self.listener.acquire().await?).await
    }

    /// Waits for the next word, for as long as `patience`; `None` where there was none.
    ///
    /// # Errors
    /// When the connection is lost and there is no other to be had.
    pub async fn hears(&mut self, patience: Duration) -> Result<Option<Word>, sqlx::Error> {
        match timeout(patience, self.listener.recv()).await {
            Ok(announced) => {
                announced.map(|announced| Some(if announced.channel() == CHANNEL { Word::Job } else { Word::Delivery }))
            }
            Err(_) => Ok(None),
        }
    }
}
