//! Starts and stops the private cluster.

use std::path::Path;
use std::thread;
use std::time::Instant;

use rustix::process::Signal;
use sqlx::postgres::PgConnectOptions;

use super::directory::{self, Directory};
use super::error::ClusterError;
use super::preparation::Preparation;
use super::programs::Programs;
use super::shared_template;
use super::start::{self, Durability};
use super::supervisor::{STOP_TIMEOUT, Supervisor};
use super::template::TemplateCache;
use super::template_maker::{TemplateMaker, TemplateTask};
use super::version_directory;

/// A running private cluster. Dropping it stops PostgreSQL and deletes the data of an ephemeral cluster.
#[derive(Debug)]
pub struct Cluster {
    // Fields are dropped in this order: PostgreSQL must exit before its directory is deleted.
    supervisor: Supervisor,
    directory: Directory,
    /// Makes the template that was missing.
    template_maker: Option<TemplateMaker>,
    template_task: Option<TemplateTask>,
    is_prepared: bool,
}

impl Cluster {
    /// Starts a cluster, and initialises it first if the directory holds none. Blocks until PostgreSQL accepts
    /// connections.
    ///
    /// # Errors
    /// Returns an error when PostgreSQL is not installed or does not start, or when the directory is in use or not
    /// usable.
    pub fn start(durability: &Durability, programs: &Programs) -> Result<Self, ClusterError> {
        let (directory, stop_signal, located) = match durability {
            Durability::Persistent(root) => (Directory::persistent(root)?, Signal::INT, None),
            Durability::PersistentByVersion(parent) => {
                let chosen = version_directory::choose(parent, programs)?;
                (Directory::persistent(&chosen.root)?, Signal::INT, Some(chosen.installation))
            }
            Durability::Ephemeral => (ephemeral_directory()?, Signal::QUIT, None),
        };
        let version = directory.version()?;
        let installation = match located {
            Some(installation) => programs.usable(installation, &directory)?,
            None => programs.find(version.as_deref(), &directory)?,
        };
        if version.is_some() {
            start::stop_orphan(&directory)?;
        } else {
            start::initialise(&installation, &directory, durability)?;
        }
        let supervisor = start::start(&installation, &directory, durability, stop_signal, &[])?;
        Ok(Self { supervisor, directory, template_maker: None, template_task: None, is_prepared: false })
    }

    /// Starts an ephemeral cluster and prepares its main database. The cluster is a copy of a template: of one in the directory `cache`, or
    /// of one that the installation brings in `shared`. When there is no usable template, the cluster is initialised, and
    /// [`Cluster::make_template`] makes the template for the next start.
    ///
    /// # Errors
    /// Returns an error when PostgreSQL is not installed or does not start, or when the preparation fails.
    pub fn start_prepared(
        programs: &Programs,
        preparation: Preparation,
        cache: Option<&Path>,
        shared: Option<&Path>,
    ) -> Result<Self, ClusterError> {
        let directory = ephemeral_directory()?;
        let installation = programs.find(None, &directory)?;
        let content = format!("{} {:?}", start::identity(&installation), preparation.digest);
        let templates = cache.and_then(|cache| open_templates(cache, &content));
        let start =
            || start::start(&installation, &directory, &Durability::Ephemeral, Signal::QUIT, &[preparation.prepare]);
        let is_cached = match &templates {
            Some(templates) => templates.copy_to(&directory)?,
            None => false,
        };
        let is_copied = is_cached
            || match shared {
                Some(shared) => shared_template::copy_to(shared, &content, &directory)?,
                None => false,
            };
        if is_copied {
            match start() {
                Ok(supervisor) => {
                    tracing::debug!("started a copy of the template of ephemeral clusters");
                    return Ok(Self {
                        supervisor,
                        directory,
                        template_maker: None,
                        template_task: None,
                        is_prepared: true,
                    });
                }
                Err(error) => {
                    tracing::info!(%error, "not using the template of ephemeral clusters, whose copy does not start");
                    if let Some(templates) = templates.as_ref().filter(|_| is_cached) {
                        templates.discard();
                    }
                    directory.remove_data()?;
                }
            }
        }
        start::initialise(&installation, &directory, &Durability::Ephemeral)?;
        let supervisor = start()?;
        let template_maker = templates.map(|cache| TemplateMaker { cache, installation, preparation });
        Ok(Self { supervisor, directory, template_maker, template_task: None, is_prepared: true })
    }

    /// Starts to make the template in the background, if the start of this cluster found none.
    pub fn make_template(&mut self) {
        self.template_task = self.template_maker.take().and_then(TemplateMaker::spawn);
    }

    /// Returns whether the main database was prepared by the start.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        self.is_prepared
    }

    /// Returns the directory of the cluster.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.root()
    }

    /// Returns the options to connect to a database of the cluster.
    #[must_use]
    pub fn options(&self, database: &str) -> PgConnectOptions {
        start::connect_options(&self.directory, database)
    }

    /// Returns the options to connect to the emulator's database. The cluster is private, so this is the default
    /// database of every cluster, `postgres`.
    #[must_use]
    pub fn main_database(&self) -> PgConnectOptions {
        self.options("postgres")
    }

    /// Stops PostgreSQL within a few seconds. See [`Cluster::stop_by`].
    pub fn stop(self) {
        self.stop_by(Instant::now() + STOP_TIMEOUT);
    }

    /// Stops PostgreSQL, waits until it has exited, and deletes temporary directories. A PostgreSQL that still runs at `deadline` is killed.
    /// Waits for a template that is being made, but not for long.
    pub fn stop_by(mut self, deadline: Instant) {
        self.supervisor.stop(deadline);
        self.directory.clean();
        if let Some(task) = self.template_task.take() {
            task.wait();
        }
    }
}

fn ephemeral_directory() -> Result<Directory, ClusterError> {
    thread::spawn(directory::sweep);
    Directory::ephemeral()
}

/// Opens the templates of the user. Without them, clusters start more slowly, so this is no error.
fn open_templates(cache: &Path, content: &str) -> Option<TemplateCache> {
    TemplateCache::open(cache, content)
        .inspect_err(|error| tracing::debug!(%error, "the templates of ephemeral clusters cannot be used"))
        .ok()
}
