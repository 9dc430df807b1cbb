//! Faults of PostgreSQL while customers are created: what was acknowledged is there afterwards, and requests succeed again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::program::{Program, configured, postmaster, shared_database, wait_until};

/// A program with a private PostgreSQL whose data is kept.
struct Host {
    _folder: TempDir,
    data: PathBuf,
    program: Program,
}

impl Host {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        let program = Program::start(&["--data-dir", data.to_str().unwrap()]);
        Self { _folder: folder, data, program }
    }

    fn kill(&self, signal: Signal) {
        kill_process(postmaster(&self.data), signal).unwrap();
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(self.data.join("run")).username("voucherify").database("postgres")
    }
}

/// Ends the writers when it is dropped, also when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Creates customers while `fault` happens, until requests succeed again, and checks that every one that was acknowledged is there.
fn assert_nothing_is_lost(program: &Program, fault: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    let acknowledged = Mutex::new(Vec::new());
    let refused = AtomicUsize::new(0);
    let count = || acknowledged.lock().unwrap().len();
    scope(|scope| {
        for writer in 0..3 {
            let (is_over, acknowledged, refused) = (&is_over, &acknowledged, &refused);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let id = format!("{writer}-{number}");
                    let (status, body) = program.call("POST", "/v1/customers", &format!(r#"{{"source_id":"{id}"}}"#));
                    match status {
                        200 => acknowledged.lock().unwrap().push(id),
                        503 => drop(refused.fetch_add(1, Ordering::Relaxed)),
                        other => panic!("{other}: {body}"),
                    }
                }
            });
        }
        let end = End(&is_over);
        wait_until("customers are created", || count() > 20);
        fault();
        let before = count();
        wait_until("requests succeed again", || count() > before + 20);
        drop(end);
    });
    for id in acknowledged.into_inner().unwrap() {
        let (status, body) = program.call("GET", &format!("/v1/customers/{id}"), "");
        assert_eq!(status, 200, "{id}, after {} requests that were refused: {body}", refused.load(Ordering::Relaxed));
    }
}

#[test]
fn a_postgresql_that_is_killed_loses_nothing() {
    for signal in [Signal::KILL, Signal::SEGV] {
        let host = Host::start();
        let first = postmaster(&host.data);
        assert_nothing_is_lost(&host.program, || {
            host.kill(signal);
            wait_until("PostgreSQL is started again", || {
                fs::read_to_string(host.data.join("postgres/postmaster.pid"))
                    .is_ok_and(|text| !text.starts_with(&first.as_raw_nonzero().to_string()) && text.contains("ready"))
            });
        });
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_postgresql_that_is_frozen_for_some_seconds_loses_nothing() {
    let host = Host::start();
    let postmaster = postmaster(&host.data);
    let signal = |signal| {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let parent = stat.rsplit(')').next().and_then(|rest| rest.split_ascii_whitespace().nth(1)?.parse().ok());
            if id == postmaster.as_raw_nonzero().get() || parent == Some(postmaster.as_raw_nonzero().get()) {
                let _ = kill_process(Pid::from_raw(id).unwrap(), signal);
            }
        }
    };
    assert_nothing_is_lost(&host.program, || {
        signal(Signal::STOP);
        sleep(Duration::from_secs(3));
        signal(Signal::CONT);
    });
}

#[test]
fn connections_that_postgresql_ends_lose_nothing() {
    let host = Host::start();
    let runtime = Runtime::new().unwrap();
    let mut admin = runtime.block_on(host.options().connect()).unwrap();
    assert_nothing_is_lost(&host.program, || {
        for _ in 0..5 {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
            runtime.block_on(admin.execute(end)).unwrap();
            sleep(Duration::from_millis(100));
        }
    });
}

#[test]
fn a_database_of_another_server_that_is_gone_for_some_seconds_loses_nothing() {
    let host = Host::start();
    let url = shared_database(&host.data);
    let program = Program::start(&["--database-url", &url]);
    assert_nothing_is_lost(&program, || {
        // The host does not start its PostgreSQL again while it is stopped itself.
        host.program.signal(Signal::STOP);
        host.kill(Signal::KILL);
        sleep(Duration::from_secs(3));
        host.program.signal(Signal::CONT);
    });
}

#[test]
fn connections_that_others_take_lose_nothing() {
    let host = Host::start();
    let url = shared_database(&host.data);
    let program = Program::start(&["--database-url", &url]);
    let runtime = Runtime::new().unwrap();
    assert_nothing_is_lost(&program, || {
        let taken: Vec<PgConnection> = runtime.block_on(async {
            let mut taken = Vec::new();
            while let Ok(connection) = host.options().connect().await {
                taken.push(connection);
            }
            taken
        });
        assert!(taken.len() > 20, "{}", taken.len());
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shared'";
        let mut taken = taken.into_iter();
        let mut admin = taken.next().unwrap();
        runtime.block_on(async {
            admin.execute(end).await.unwrap();
            // The connections that were ended are taken as well, as far as the program does not open them again before.
            let mut more = Vec::new();
            for _ in 0..20 {
                more.extend(host.options().connect().await.ok());
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            for connection in taken.chain(more).chain([admin]) {
                let _ = connection.close().await;
            }
        });
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_small_shared_memory_file_system_is_no_obstacle() {
    let possible = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a_small_shared_memory_file_system_is_no_obstacle needs the right to mount");
        return;
    }
    let mut unshare = Command::new("unshare");
    let script = "mount -t tmpfs -o size=4m tmpfs /dev/shm && exec \"$0\" \"$@\"";
    unshare.args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_voucherify-emulator")]);
    let mut command = configured(unshare, &["--ephemeral"]);
    let program = Program::of(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    assert_nothing_is_lost(&program, || sleep(Duration::from_millis(200)));
    let records: Vec<_> = (0..2_000).map(|number| format!(r#"{{"source_id":"bulk-{number}"}}"#)).collect();
    assert_eq!(program.call("POST", "/v1/customers/bulk/async", &format!("[{}]", records.join(","))).0, 202);
    assert_eq!(program.call("GET", "/_emulator/idle", "").0, 200);
    assert_eq!(program.call("GET", "/v1/customers/bulk-1999", "").0, 200);
}
