//! PostgreSQL that a killed emulator left running.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// How long an orphan gets to end by itself before it is made to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends a PostgreSQL that still runs on `data`, whose lock the caller holds, and clears a `postmaster.pid` that names a
/// process which is none. After that the data can be started on.
pub fn stop(data: &Path) {
    let pid_file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else { return };
    let mut lines = text.lines();
    let Some(pid) = lines.next().and_then(|pid| pid.trim().parse().ok()).and_then(Pid::from_raw) else { return };
    // Line 4 is the port, line 5 the folder of the socket.
    let port = lines.nth(2).unwrap_or_default().trim();
    let socket = Path::new(lines.next().unwrap_or_default().trim()).join(format!(".s.PGSQL.{port}"));
    if UnixStream::connect(&socket).is_err() && !is_postgres(pid) {
        if test_kill_process(pid).is_ok() {
            // The number was given to a stranger since; PostgreSQL would take it for a postmaster.
            let _ = fs::remove_file(&pid_file);
        }
        return;
    }
    tracing::info!("stopping the PostgreSQL of a killed emulator");
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        if kill_process(pid, signal).is_err() {
            return;
        }
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if test_kill_process(pid).is_err() || !is_postgres(pid) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Whether a process of that number runs and is PostgreSQL.
fn is_postgres(pid: Pid) -> bool {
    let pid = pid.as_raw_nonzero();
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok().or_else(|| {
        let output = Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    });
    name.is_some_and(|name| name.trim().rsplit('/').next().is_some_and(|name| name.starts_with("postgres")))
}
