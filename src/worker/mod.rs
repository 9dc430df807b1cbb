//! Background tasks: they run jobs, deliver webhooks, check a database that fails, and delete the data of deleted projects and expired results. An
//! emulator that accepts a job notifies the job workers of all emulators on the same database.

mod cleanup;
mod delivery;
mod health;
mod jobs;
mod task;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::db::session::Database;
use crate::domain::webhook::RetrySchedule;
use crate::service::Core;
use crate::webhook::Sender;
use delivery::DeliveryWorker;
use task::{run_restarting, run_until_stopped};

/// How webhooks are sent and retried.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    pub sender: Sender,
    pub schedule: RetrySchedule,
}

/// The running background tasks.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Workers {
    /// Starts `count` job workers, the listener that wakes them, the delivery worker and the cleanup tasks. The
    /// listener and the delivery worker each open a connection of their own to `database`.
    #[must_use]
    pub fn start(core: &Arc<Core>, database: Database, count: u32, settings: DeliverySettings) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (job_notifier, job_notification) = watch::channel(());
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (core, notification, stopped) = (Arc::clone(core), job_notification.clone(), stopped.clone());
            tasks.spawn(run_restarting(move || jobs::run(Arc::clone(&core), notification.clone(), stopped.clone())));
        }
        tasks.spawn(jobs::listen(Arc::clone(core), database.clone(), job_notifier, stopped.clone()));
        let DeliverySettings { sender, schedule } = settings;
        let delivery = DeliveryWorker { core: Arc::clone(core), database, sender, schedule };
        let delivery_stopped = stopped.clone();
        tasks.spawn(run_restarting(move || delivery.clone().run(delivery_stopped.clone())));
        tasks.spawn(run_until_stopped(cleanup::remove_projects(Arc::clone(core), job_notification), stopped.clone()));
        tasks.spawn(run_until_stopped(cleanup::delete_expired(Arc::clone(core)), stopped.clone()));
        tasks.spawn(run_until_stopped(health::watch(Arc::clone(core)), stopped));
        Self { stop, tasks }
    }

    /// Stops all tasks, after every job worker has finished its current slice.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}
