//! Initialises the data directory of a cluster, and starts PostgreSQL on it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::children;
use super::directory::Directory;
use super::environment::clean_environment;
use super::error::ClusterError;
use super::find::Installation;
use super::orphan;
use super::preparation::{PreparationError, Work};
use super::report;
use super::supervisor::{Launch, Supervisor};

/// The arguments of `initdb`, without the directory.
///
/// Segments of the write-ahead log of 4 MB instead of 16 MB let the log stay small.
const INITDB_ARGUMENTS: [&str; 5] =
    ["--auth=trust", "--encoding=UTF8", "--locale=C", "--username=voucherify", "--wal-segsize=4"];
/// Bytes that the path of `initdb` cannot have, because it runs other programs by a shell.
const UNSUPPORTED_IN_PROGRAMS: &[u8] = b"\"$`\\\n\r";
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
    /// The data is kept in the same way, in a directory of its major version of PostgreSQL below this one.
    PersistentByVersion(PathBuf),
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
    let program = installation.program("initdb");
    if program.as_os_str().as_bytes().iter().any(|byte| UNSUPPORTED_IN_PROGRAMS.contains(byte)) {
        return Err(ClusterError::UnsupportedPath { directory: installation.directory.clone() });
    }
    let mut initdb = Command::new(&program);
    initdb.args(INITDB_ARGUMENTS).arg("--pgdata").arg(new.path()).current_dir("/");
    clean_environment(&mut initdb);
    if *durability == Durability::Ephemeral {
        initdb.arg("--no-sync");
    }
    run_as.apply(&mut initdb);
    let output = children::output(&mut initdb).map_err(ClusterError::at(&program))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        let root = directory.root().to_owned();
        return Err(if run_as.is_other_user() && output.contains("Permission denied") {
            ClusterError::Closed { directory: root }
        } else if output.contains("could not look up effective user ID") {
            ClusterError::NamelessUser { user: run_as.user() }
        } else {
            ClusterError::NotInitialised { directory: root, report: report::errors(&output) }
        });
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
        Durability::Persistent(_) | Durability::PersistentByVersion(_) => {
            settings.extend(["max_wal_size=256MB", "min_wal_size=32MB"]);
        }
    }
    settings
}

fn arguments(directory: &Directory, durability: &Durability) -> Vec<OsString> {
    let mut arguments = vec!["-D".into(), directory.data().into_os_string()];
    let sockets = socket_setting(directory.sockets());
    let settings = settings(durability).into_iter().map(OsString::from).chain([sockets]);
    arguments.extend(settings.flat_map(|setting| ["-c".into(), setting]));
    arguments
}

/// Returns the setting of the directory of the socket. The setting is a list: quotation marks keep a comma or a blank from separating two
/// directories, and are doubled in a name.
fn socket_setting(directory: &Path) -> OsString {
    let mut setting = b"unix_socket_directories=\"".to_vec();
    for &byte in directory.as_os_str().as_bytes() {
        setting.extend_from_slice(if byte == b'"' { b"\"\"" } else { std::slice::from_ref(&byte) });
    }
    setting.push(b'"');
    OsString::from_vec(setting)
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
        let outcome = wait_until_ready(directory, &supervisor, work);
        if let Ok(prepared) = outcome
            && supervisor.restart_from_now_on()
        {
            return prepared.map(|()| supervisor).map_err(ClusterError::Preparation);
        }
        let has_exited = supervisor.has_exited();
        drop(supervisor);
        let output = launch.log.text();
        let is_temporary = output.contains("already exists") || output.contains("still in use");
        if has_exited && is_temporary && started.elapsed() < START_RETRY_TIMEOUT {
            stop_orphan(directory)?;
            continue;
        }
        let report = match report::errors(&output) {
            report if report.is_empty() => "it reported nothing".to_owned(),
            report => report,
        };
        return Err(failure(directory, has_exited, report));
    }
}

/// Stops a PostgreSQL that a killed emulator left running in a directory.
///
/// # Errors
/// Returns an error when a PostgreSQL runs there that no emulator started.
pub fn stop_orphan(directory: &Directory) -> Result<(), ClusterError> {
    let running = orphan::stop(&directory.data()).map_err(|process| ClusterError::InUseByOther {
        directory: directory.root().to_owned(),
        process: process.as_raw_nonzero().get(),
    });
    running.inspect(|()| directory.remove_stale_sockets())
}

/// Returns why a start failed.
fn failure(directory: &Directory, has_exited: bool, report: String) -> ClusterError {
    match (has_exited, directory.is_ephemeral()) {
        (false, _) => ClusterError::NotReady { waited: READY_TIMEOUT, report },
        (true, true) => ClusterError::NotStartedTemporary { report },
        (true, false) => ClusterError::NotStarted { directory: directory.root().to_owned(), report },
    }
}

/// Waits until PostgreSQL accepts connections, and runs `work` on the first one, to the main database. Returns the
/// outcome of the work, or the reason why there is no connection.
fn wait_until_ready(
    directory: &Directory,
    supervisor: &Supervisor,
    work: &[Work],
) -> Result<Result<(), PreparationError>, String> {
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
                    // Time since which PostgreSQL has not reported that it is starting up.
                    let mut silent_since = Instant::now();
                    loop {
                        match options.connect().await {
                            Ok(connection) => return Ok(run(work, connection).await),
                            Err(error) if is_starting(&error) => {
                                silent_since = Instant::now();
                                tokio::time::sleep(Duration::from_millis(4)).await;
                            }
                            Err(error) if silent_since.elapsed() > READY_TIMEOUT => return Err(error.to_string()),
                            Err(_) if supervisor.has_exited() => return Err("PostgreSQL has exited".to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_in_the_directory_of_the_socket_are_doubled() {
        let setting = socket_setting(Path::new("/a \"b\",c\\'"));
        assert_eq!(setting.to_str(), Some("unix_socket_directories=\"/a \"\"b\"\",c\\'\""));
    }
}
