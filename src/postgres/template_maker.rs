//! Makes a template in the background, while the emulator that found none already answers requests.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::directory::Directory;
use super::error::ClusterError;
use super::find::Installation;
use super::preparation::Preparation;
use super::start::{self, Durability};
use super::template::TemplateCache;

/// How long the stop of a cluster waits for a template that is almost complete.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the shutdown of the cluster may take whose files become the template.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);

/// What is needed to make a template.
#[derive(Debug)]
pub struct TemplateMaker {
    pub cache: TemplateCache,
    pub installation: Installation,
    pub preparation: Preparation,
}

/// A thread that makes a template.
#[derive(Debug)]
pub struct TemplateTask {
    /// In a mutex, so that threads can share a cluster.
    ended: Mutex<Receiver<()>>,
}

impl TemplateMaker {
    /// Starts to make the template.
    pub fn spawn(self) -> Option<TemplateTask> {
        let (end, ended) = channel();
        let thread = thread::Builder::new().name("template".to_owned()).spawn(move || {
            if let Err(error) = self.make() {
                tracing::debug!(%error, "failed to make the template of ephemeral clusters");
            }
            drop(end);
        });
        thread.is_ok().then_some(TemplateTask { ended: Mutex::new(ended) })
    }

    /// Makes the template, unless another process does so or has done so.
    ///
    /// The cluster is made in a temporary directory, which PostgreSQL's user can enter, and which a later start removes
    /// if this process is killed.
    pub fn make(&self) -> Result<(), ClusterError> {
        let Some(_lock) = self.cache.lock()? else { return Ok(()) };
        if self.cache.contains() {
            return Ok(());
        }
        let (directory, durability) = (Directory::ephemeral()?, Durability::Ephemeral);
        start::initialise(&self.installation, &directory, &durability)?;
        let work = [self.preparation.prepare, self.preparation.trim];
        let mut supervisor = start::start(&self.installation, &directory, &durability, Signal::INT, &work)?;
        supervisor.stop(Instant::now() + SHUTDOWN_TIMEOUT);
        self.cache.store(&directory.open_data()?)
    }
}

impl TemplateTask {
    /// Waits until the template is made, so that programs that run for a short time get one too. After the time limit
    /// the thread continues, until the process ends. Then a later start removes the directory that it worked in.
    pub fn wait(self) {
        let ended = self.ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(STOP_TIMEOUT);
    }
}
