//! Starts and stops the private cluster.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::Signal;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::directory::{self, Directory, Log};
use super::environment::clean_environment;
use super::error::ClusterError;
use super::find::{self, Installation};
use super::orphan;
use super::supervisor::{Launch, Supervisor};

const SUPERUSER: &str = "voucherify";
/// How long a starting PostgreSQL may refuse connections. The time does not run while it reports that it is starting up
/// or recovering from a crash.
const READY_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a start is retried that fails because processes of a killed PostgreSQL still run.
const START_RETRY_TIMEOUT: Duration = Duration::from_secs(4);

/// Whether the data of a cluster outlives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The data is kept in this directory across restarts, and is on disk before a request is answered.
    Persistent(PathBuf),
    /// The data is kept in a temporary directory with the fastest settings, and deleted when the cluster stops.
    Ephemeral,
}

/// A running private cluster. Dropping it stops PostgreSQL and deletes the data of an ephemeral cluster.
#[derive(Debug)]
pub struct Cluster {
    // Fields are dropped in this order: PostgreSQL must exit before its directory is deleted.
    supervisor: Supervisor,
    directory: Directory,
}

impl Cluster {
    /// Starts a cluster, and initialises it first if the directory holds none. Blocks until PostgreSQL accepts
    /// connections.
    ///
    /// # Errors
    /// Returns an error when PostgreSQL is not installed or does not start, or when the directory is in use or not
    /// usable.
    pub fn start(durability: &Durability) -> Result<Self, ClusterError> {
        let directory = match durability {
            Durability::Persistent(root) => Directory::persistent(root)?,
            Durability::Ephemeral => {
                thread::spawn(directory::sweep);
                Directory::ephemeral()?
            }
        };
        let data = directory.data();
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let installation = find::find(version.as_deref().map(str::trim), directory.root())?;
        if version.is_some() {
            orphan::stop(&data);
        } else {
            initialise(&installation, &directory, durability)?;
        }
        let launch = Launch {
            program: installation.program("postgres"),
            arguments: arguments(&directory, durability),
            log: directory.log(),
            run_as: directory.run_as(),
            stop_signal: if *durability == Durability::Ephemeral { Signal::QUIT } else { Signal::INT },
        };
        let supervisor = start_supervised(&launch, &directory)?;
        Ok(Self { supervisor, directory })
    }

    /// Returns the options to connect to a database of the cluster.
    #[must_use]
    pub fn options(&self, database: &str) -> PgConnectOptions {
        connect_options(&self.directory, database)
    }

    /// Returns the options to connect to the emulator's database. The cluster is private, so this is the default
    /// database of every cluster, `postgres`.
    #[must_use]
    pub fn main_database(&self) -> PgConnectOptions {
        self.options("postgres")
    }

    /// Stops PostgreSQL, waits until it has exited, and deletes temporary directories.
    pub fn stop(mut self) {
        self.supervisor.stop();
        self.directory.clean();
    }
}

fn connect_options(directory: &Directory, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(directory.sockets())
        .port(5432)
        .username(SUPERUSER)
        .database(database)
        .disable_statement_logging()
}

/// Initialises the cluster in a directory with a temporary name, and renames it when it is complete, so that an
/// interrupted start leaves no incomplete cluster.
fn initialise(installation: &Installation, directory: &Directory, durability: &Durability) -> Result<(), ClusterError> {
    let run_as = directory.run_as();
    let new = directory.create_data()?;
    let mut initdb = Command::new(installation.program("initdb"));
    initdb
        .args(["--auth=trust", "--encoding=UTF8", "--locale=C"])
        .arg(format!("--username={SUPERUSER}"))
        .arg("--pgdata")
        .arg(&new)
        .current_dir("/");
    clean_environment(&mut initdb);
    if *durability == Durability::Ephemeral {
        initdb.arg("--no-sync");
    }
    run_as.apply(&mut initdb);
    let output = initdb.output().map_err(ClusterError::at(&installation.program("initdb")))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if run_as.is_other_user() && output.contains("Permission denied") {
            return Err(ClusterError::Closed { directory: directory.root().to_owned() });
        }
        return Err(ClusterError::Failed { program: "initdb", output });
    }
    directory.complete()
}

fn arguments(directory: &Directory, durability: &Durability) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories=\"{}\"", directory.sockets().display()),
        "unix_socket_permissions=0700".to_owned(),
        "port=5432".to_owned(),
        "max_connections=100".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "jit=off".to_owned(),
        // A private cluster has no replicas.
        "wal_level=minimal".to_owned(),
        "max_wal_senders=0".to_owned(),
        "logging_collector=off".to_owned(),
        // The log must not contain customer data, which statements and error details may hold.
        "log_min_error_statement=panic".to_owned(),
        "log_error_verbosity=terse".to_owned(),
    ];
    if *durability == Durability::Ephemeral {
        let fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "checkpoint_timeout=1h"];
        settings.extend(fast.map(str::to_owned));
    }
    let mut arguments = vec!["-D".to_owned(), directory.data().display().to_string()];
    arguments.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    arguments
}

/// Starts PostgreSQL and waits until it accepts connections. Retries while processes of a killed PostgreSQL, which are
/// about to exit, still hold its lock file or shared memory.
fn start_supervised(launch: &Launch, directory: &Directory) -> Result<Supervisor, ClusterError> {
    let started = Instant::now();
    loop {
        launch.log.remove();
        let supervisor = Supervisor::start(launch.clone())?;
        match wait_until_ready(directory) {
            Ok(()) => return Ok(supervisor),
            Err(error) => {
                drop(supervisor);
                let output = tail(&launch.log);
                let is_temporary = output.contains("already exists") || output.contains("still in use");
                if !is_temporary || started.elapsed() > START_RETRY_TIMEOUT {
                    return Err(ClusterError::NotReady { output: if output.is_empty() { error } else { output } });
                }
                orphan::stop(&directory.data());
            }
        }
    }
}

fn wait_until_ready(directory: &Directory) -> Result<(), String> {
    let options = connect_options(directory, "postgres");
    // The caller may run inside a runtime, where blocking is not allowed, so use a thread and runtime of its own.
    thread::scope(|scope| {
        scope
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|error| error.to_string())?;
                runtime.block_on(async {
                    let started = Instant::now();
                    // Time since which PostgreSQL has not reported that it is starting up.
                    let mut silent_since = started;
                    loop {
                        match options.connect().await {
                            Ok(connection) => {
                                let _ = connection.close().await;
                                return Ok(());
                            }
                            Err(error) if is_starting(&error) => {
                                silent_since = Instant::now();
                                tokio::time::sleep(Duration::from_millis(4)).await;
                            }
                            Err(error) if silent_since.elapsed() > READY_TIMEOUT => return Err(error.to_string()),
                            Err(_) if has_exited(directory, started) => return Err("PostgreSQL has exited".to_owned()),
                            Err(_) => tokio::time::sleep(Duration::from_millis(4)).await,
                        }
                    }
                })
            })
            .join()
            .unwrap_or_else(|_| Err("the wait for PostgreSQL failed".to_owned()))
    })
}

/// Returns whether PostgreSQL reports that it is still starting up (`cannot_connect_now`).
fn is_starting(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "57P03")
}

/// Returns whether the log shows that PostgreSQL failed to start and exited.
fn has_exited(directory: &Directory, started: Instant) -> bool {
    started.elapsed() > Duration::from_millis(200) && {
        let log = directory.log().text();
        log.lines().any(|line| line.contains("FATAL") && !line.contains("starting up"))
            || log.contains("database system is shut down")
            || log.contains("Permission denied")
    }
}

/// Returns the last lines of PostgreSQL's log.
fn tail(log: &Log) -> String {
    let text = log.text();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}
