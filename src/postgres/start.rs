//! Initialises the data directory of a cluster, and starts PostgreSQL on it.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::directory::{Directory, Log};
use super::environment::clean_environment;
use super::error::ClusterError;
use super::find::Installation;
use super::orphan;
use super::preparation::{PreparationError, Work};
use super::supervisor::{Launch, Supervisor};

/// The arguments of `initdb`, without the directory.
///
/// Segments of the write-ahead log of 4 MB instead of 16 MB let the log stay small.
const INITDB_ARGUMENTS: [&str; 5] =
    ["--auth=trust", "--encoding=UTF8", "--locale=C", "--username=voucherify", "--wal-segsize=4"];
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

/// Returns the options to connect to a database of a cluster.
pub fn connect_options(directory: &Directory, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(directory.sockets())
        .port(5432)
        .username(SUPERUSER)
        .database(database)
        // The variables `PG...` of the environment are meant for other databases: here, TLS is not possible.
        .ssl_mode(PgSslMode::Disable)
        .application_name("voucherify-emulator")
        .disable_statement_logging()
}

/// Initialises the cluster in a directory with a temporary name, and renames it when it is complete, so that an
/// interrupted start leaves no incomplete cluster.
pub fn initialise(
    installation: &Installation,
    directory: &Directory,
    durability: &Durability,
) -> Result<(), ClusterError> {
    let run_as = directory.run_as();
    let new = directory.create_data()?;
    new.own(run_as)?;
    let mut initdb = Command::new(installation.program("initdb"));
    initdb.args(INITDB_ARGUMENTS).arg("--pgdata").arg(new.path()).current_dir("/");
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

/// Returns what identifies the content of an ephemeral cluster that `initialise` makes, apart from its preparation.
pub fn identity(installation: &Installation) -> String {
    // `initdb` writes the time zone to the configuration.
    let time_zone = std::env::var_os("TZ");
    let settings = settings(&Durability::Ephemeral);
    format!("{installation:?} {INITDB_ARGUMENTS:?} {settings:?} {time_zone:?}")
}

/// Returns the settings of PostgreSQL that do not depend on the directory.
fn settings(durability: &Durability) -> Vec<&'static str> {
    let mut settings = vec![
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "port=5432",
        "max_connections=100",
        "shared_buffers=128MB",
        "jit=off",
        // A private cluster has no replicas.
        "wal_level=minimal",
        "max_wal_senders=0",
        "logging_collector=off",
        // Tables of a test are small and change often: their dead rows are removed before the files grow.
        "autovacuum_naptime=5s",
        "autovacuum_vacuum_cost_delay=0",
        // The log must not contain customer data, which statements and error details may hold.
        "log_min_error_statement=panic",
        "log_error_verbosity=terse",
        // The log stays short: the errors of statements are those of requests, and checkpoints are of no interest.
        "log_min_messages=log",
        "log_checkpoints=off",
    ];
    match durability {
        // The directory may be on a small RAM disk, as `/tmp` often is. A checkpoint without `fsync` costs little.
        Durability::Ephemeral => settings.extend([
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "checkpoint_timeout=1h",
            "max_wal_size=48MB",
            "min_wal_size=16MB",
        ]),
        Durability::Persistent(_) => settings.extend(["max_wal_size=256MB", "min_wal_size=32MB"]),
    }
    settings
}

fn arguments(directory: &Directory, durability: &Durability) -> Vec<String> {
    let mut arguments = vec!["-D".to_owned(), directory.data().display().to_string()];
    let sockets = format!("unix_socket_directories=\"{}\"", directory.sockets().display());
    let settings = settings(durability).into_iter().map(str::to_owned).chain([sockets]);
    arguments.extend(settings.flat_map(|setting| ["-c".to_owned(), setting]));
    arguments
}

/// Starts PostgreSQL, waits until it accepts connections, and runs `work` on its main database. `stop_signal` is the signal
/// that stops it: `INT` for a clean shutdown, `QUIT` for an immediate one.
pub fn start(
    installation: &Installation,
    directory: &Directory,
    durability: &Durability,
    stop_signal: Signal,
    work: &[Work],
) -> Result<Supervisor, ClusterError> {
    let launch = Launch {
        program: installation.program("postgres"),
        arguments: arguments(directory, durability),
        log: directory.log(),
        run_as: directory.run_as(),
        stop_signal,
    };
    start_supervised(&launch, directory, work)
}

/// Starts PostgreSQL and waits until it accepts connections. Retries while processes of a killed PostgreSQL, which are
/// about to exit, still hold its lock file or shared memory.
fn start_supervised(launch: &Launch, directory: &Directory, work: &[Work]) -> Result<Supervisor, ClusterError> {
    let started = Instant::now();
    loop {
        launch.log.remove();
        let supervisor = Supervisor::start(launch.clone())?;
        match wait_until_ready(directory, work) {
            Ok(prepared) => return prepared.map(|()| supervisor).map_err(ClusterError::Preparation),
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

/// Waits until PostgreSQL accepts connections, and runs `work` on the first one, to the main database. Returns the
/// outcome of the work, or the reason why there is no connection.
fn wait_until_ready(directory: &Directory, work: &[Work]) -> Result<Result<(), PreparationError>, String> {
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
                            Ok(connection) => return Ok(run(work, connection).await),
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

/// Runs the work in order, and closes the connection.
async fn run(work: &[Work], mut connection: PgConnection) -> Result<(), PreparationError> {
    for step in work {
        connection = step(connection).await?;
    }
    let _ = connection.close().await;
    Ok(())
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
