//! The private cluster as a whole.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::Signal;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::directory::{self, Directory};
use super::find::{self, Installation};
use super::supervisor::{Launch, Supervisor, clean_environment};
use super::user::RunAs;
use super::{ClusterError, orphan};

const SUPERUSER: &str = "voucherify";
/// How long PostgreSQL may be silent; while it says that it is recovering from a crash, it is waited for.
const READY_WITHIN: Duration = Duration::from_secs(8);
/// For how long a start that meets the remains of a killed PostgreSQL is tried again.
const RETRY_FOR: Duration = Duration::from_secs(4);

/// What a cluster is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Kept in this folder across restarts; what was answered is on disk.
    Kept(PathBuf),
    /// In a temporary folder, as fast as it goes, gone at the end.
    Ephemeral,
}

/// A running private cluster. Dropping it stops PostgreSQL; an ephemeral one leaves nothing behind.
#[derive(Debug)]
pub struct Cluster {
    // The order matters: PostgreSQL ends before its folder goes.
    supervisor: Supervisor,
    directory: Directory,
}

impl Cluster {
    /// Starts a cluster, and initialises it first where there is none. Blocks until it answers.
    ///
    /// # Errors
    /// When there is no PostgreSQL, the folder is in use or cannot be, or PostgreSQL does not start.
    pub fn start(durability: &Durability) -> Result<Self, ClusterError> {
        let (directory, run_as) = match durability {
            Durability::Kept(root) => {
                let run_as = RunAs::choose(Some(&root.join("postgres")))?;
                (Directory::keep(root, run_as)?, run_as)
            }
            Durability::Ephemeral => {
                thread::spawn(directory::sweep);
                let run_as = RunAs::choose(None)?;
                (Directory::ephemeral(run_as)?, run_as)
            }
        };
        let data = directory.data();
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let installation = find::find(version.as_deref().map(str::trim), directory.root())?;
        if version.is_some() {
            orphan::stop(&data);
        } else {
            initialise(&installation, &directory, durability, run_as)?;
        }
        let launch = Launch {
            program: installation.program("postgres"),
            arguments: arguments(&directory, durability),
            log: directory.log(),
            run_as,
            stop_signal: if *durability == Durability::Ephemeral { Signal::QUIT } else { Signal::INT },
        };
        let supervisor = start_supervised(&launch, &directory)?;
        Ok(Self { supervisor, directory })
    }

    /// How to connect to a database of the cluster.
    #[must_use]
    pub fn options(&self, database: &str) -> PgConnectOptions {
        connect_options(&self.directory, database)
    }

    /// How to connect to the database that the emulator keeps its state in. The cluster is private to it, so it takes the
    /// one that every cluster has.
    #[must_use]
    pub fn main_database(&self) -> PgConnectOptions {
        self.options("postgres")
    }

    /// Stops PostgreSQL and waits until it has ended.
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

/// Makes the cluster in a folder of another name, which gets its own when it is complete: a start that is broken off
/// leaves no half-made cluster.
fn initialise(
    installation: &Installation,
    directory: &Directory,
    durability: &Durability,
    run_as: RunAs,
) -> Result<(), ClusterError> {
    for entry in fs::read_dir(directory.root()).map_err(ClusterError::at(directory.root()))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("postgres.new-") {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let new = directory.root().join(format!("postgres.new-{}", std::process::id()));
    fs::create_dir(&new).map_err(ClusterError::at(&new))?;
    run_as.own(&new)?;
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
    let data = directory.data();
    fs::rename(&new, &data).map_err(ClusterError::at(&data))
}

fn arguments(directory: &Directory, durability: &Durability) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories=\"{}\"", directory.sockets().display()),
        "unix_socket_permissions=0700".to_owned(),
        "port=5432".to_owned(),
        "max_connections=60".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "jit=off".to_owned(),
        // Nobody reads replicas of a private cluster.
        "wal_level=minimal".to_owned(),
        "max_wal_senders=0".to_owned(),
        "logging_collector=off".to_owned(),
        // The log must not hold what customers are called.
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

/// Starts PostgreSQL and waits until it answers. Right after a killed one, its lock file or memory may still be held by
/// processes that are about to end.
fn start_supervised(launch: &Launch, directory: &Directory) -> Result<Supervisor, ClusterError> {
    let begun = Instant::now();
    loop {
        let _ = fs::remove_file(&launch.log);
        let supervisor = Supervisor::start(launch.clone())?;
        match wait_until_ready(directory) {
            Ok(()) => return Ok(supervisor),
            Err(error) => {
                drop(supervisor);
                let output = tail(&launch.log);
                let is_passing = output.contains("already exists") || output.contains("still in use");
                if !is_passing || begun.elapsed() > RETRY_FOR {
                    return Err(ClusterError::NotReady { output: if output.is_empty() { error } else { output } });
                }
                orphan::stop(&directory.data());
            }
        }
    }
}

fn wait_until_ready(directory: &Directory) -> Result<(), String> {
    let options = connect_options(directory, "postgres");
    // The caller may itself run in a runtime, which must not be blocked in.
    thread::scope(|scope| {
        scope
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|error| error.to_string())?;
                runtime.block_on(async {
                    let begun = Instant::now();
                    // When it last was silent, rather than still busy with what a crash left it to do.
                    let mut silent_since = begun;
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
                            Err(error) if silent_since.elapsed() > READY_WITHIN => return Err(error.to_string()),
                            Err(_) if has_ended(directory, begun) => return Err("it has ended".to_owned()),
                            Err(_) => tokio::time::sleep(Duration::from_millis(4)).await,
                        }
                    }
                })
            })
            .join()
            .unwrap_or_else(|_| Err("the wait for PostgreSQL failed".to_owned()))
    })
}

/// Whether PostgreSQL answers that it is not ready yet.
fn is_starting(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "57P03")
}

/// Whether PostgreSQL has given up: it writes FATAL and ends without a `postmaster.pid` of its own.
fn has_ended(directory: &Directory, begun: Instant) -> bool {
    begun.elapsed() > Duration::from_millis(200)
        && fs::read_to_string(directory.log()).is_ok_and(|log| {
            log.lines().any(|line| line.contains("FATAL") && !line.contains("starting up"))
                || log.contains("database system is shut down")
                || log.contains("Permission denied")
        })
}

/// The last lines of PostgreSQL's log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}
