//! The workers: they bring jobs forward while there are any, and are woken when one is accepted, by whichever emulator on the
//! database. Beside them, what deleted projects and old results leave behind is removed.

mod courier;

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::db::jobs::{Listener, Word};
use crate::domain::webhook::RetrySchedule;
use crate::service::jobs::{self, Worked};
use crate::service::{Core, Error, projects, webhooks};
use crate::webhook::Sender;
use courier::Courier;

/// How long the listener waits for a word before it looks for itself. One that was announced while nobody listened, or whose
/// worker died, is found by that.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a worker waits after the database could not be reached.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a worker waits that found somebody in the way of a job.
const SHORT_PAUSE: Duration = Duration::from_millis(100);
/// How long the connection that listens, or the one that delivers, waits for an answer before it is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How often results whose time is over are removed.
const EXPIRE_EVERY: Duration = Duration::from_mins(10);

/// How webhooks are sent.
#[derive(Clone, Debug)]
pub struct Post {
    pub sender: Sender,
    pub schedule: RetrySchedule,
}

/// Running workers.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Workers {
    /// Starts `count` workers, which listen for jobs on a connection of their own to `database`, and the courier, which has another.
    #[must_use]
    pub fn start(core: &Arc<Core>, database: PgConnectOptions, count: u32, post: Post) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (wake, woken) = watch::channel(());
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (core, woken, stopped) = (Arc::clone(core), woken.clone(), stopped.clone());
            tasks.spawn(kept(move || work(Arc::clone(&core), woken.clone(), stopped.clone())));
        }
        tasks.spawn(until_stopped(listen(Arc::clone(core), database.clone(), wake), stopped.clone()));
        let courier = Courier { core: Arc::clone(core), database, sender: post.sender, schedule: post.schedule };
        let ending = stopped.clone();
        tasks.spawn(kept(move || courier.clone().work(ending.clone())));
        tasks.spawn(until_stopped(remove_projects(Arc::clone(core), woken), stopped.clone()));
        tasks.spawn(until_stopped(expire(Arc::clone(core)), stopped));
        Self { stop, tasks }
    }

    /// Lets every worker finish the slice that it is at, and ends them.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn until_stopped(work: impl Future<Output = ()>, mut stopped: watch::Receiver<bool>) {
    tokio::select! { () = word_to_stop(&mut stopped) => {}, () = work => {} }
}

/// Waits for the word to stop.
async fn word_to_stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the same.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Somebody at work, and another in their place should they ever panic.
async fn kept<W: Future<Output = ()> + Send + 'static>(work: impl Fn() -> W) {
    let mut at_work = JoinSet::new();
    loop {
        at_work.spawn(work());
        let Some(Err(panic)) = at_work.join_next().await else { return };
        tracing::error!(%panic, "a worker ended");
        sleep(PAUSE).await;
    }
}

/// One worker: slice after slice while there are any, then rest until it is woken.
async fn work(core: Arc<Core>, mut woken: watch::Receiver<()>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        // What is announced from here on is not missed.
        woken.mark_unchanged();
        let rest = match jobs::work_on(&core).await {
            Ok(Worked::Slice) => continue,
            Ok(Worked::Nothing) => None,
            Ok(Worked::NotNow) => Some(SHORT_PAUSE),
            Err(error) => {
                if !matches!(&error, Error::Database(sqlx::Error::PoolClosed)) {
                    tracing::warn!(%error, "a worker waits for the database");
                }
                Some(PAUSE)
            }
        };
        let wakened = async {
            match rest {
                None => drop(woken.changed().await),
                Some(pause) => sleep(pause).await,
            }
        };
        tokio::select! { () = wakened => {}, _ = stopped.wait_for(|stop| *stop) => {} }
    }
}

/// Wakes the workers whenever there is something to do.
async fn listen(core: Arc<Core>, database: PgConnectOptions, wake: watch::Sender<()>) {
    loop {
        if let Err(error) = listen_on(&core, database.clone(), &wake).await {
            tracing::debug!(%error, "nobody listens for jobs at the moment");
        }
        sleep(PAUSE).await;
    }
}

async fn listen_on(core: &Core, database: PgConnectOptions, wake: &watch::Sender<()>) -> Result<(), sqlx::Error> {
    let mut listener = in_time(Listener::connect(database)).await?;
    loop {
        // A connection whose other end is gone may never say so.
        if in_time(listener.is_work_left()).await? {
            let _ = wake.send(());
        }
        // Emulators on one database do not all look at the same time.
        let patience = LOOK_EVERY.mul_f64(rand::rng().random_range(0.8..1.2));
        match listener.hears(patience).await? {
            Some(Word::Job) => drop(wake.send(())),
            Some(Word::Delivery) => core.outbox.hear(),
            None => {}
        }
    }
}

/// What the database answers within a time in which it answers everything that is asked for here.
async fn in_time<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(ANSWER_WITHIN, answer).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}

/// Removes results whose time is over, now and then.
async fn expire(core: Arc<Core>) {
    loop {
        let expired = async {
            jobs::expire(&core).await?;
            webhooks::expire(&core).await
        };
        if let Err(error) = expired.await {
            tracing::debug!(%error, "what is over stays for now");
        }
        sleep(EXPIRE_EVERY).await;
    }
}

/// Removes what is left of deleted projects, whenever there is something to do.
async fn remove_projects(core: Arc<Core>, mut woken: watch::Receiver<()>) {
    loop {
        woken.mark_unchanged();
        if let Err(error) = projects::remove_left(&core).await {
            tracing::debug!(%error, "deleted projects stay for now");
        }
        // The listener says so every few seconds for as long as there is.
        if woken.changed().await.is_err() {
            return;
        }
    }
}
