//! PostgreSQL that a killed emulator left running.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};

/// How long an orphan gets to end by itself before it is made to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends a PostgreSQL that still runs on `data`, whose lock the caller holds, and clears a `postmaster.pid` that names
/// another process. After that the data can be started on.
pub fn stop(data: &Path) {
    let pid_file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else { return };
    let Some(pid) = text.lines().next().and_then(|pid| pid.trim().parse().ok()).and_then(Pid::from_raw) else { return };
    if !runs_on(pid, data) {
        // The process is gone, or its number was given to a stranger since: nobody else starts PostgreSQL here.
        let _ = fs::remove_file(&pid_file);
        return;
    }
    tracing::info!("stopping the PostgreSQL of a killed emulator");
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        let started = Instant::now();
        if kill_process(pid, signal).is_err() {
            return;
        }
        while started.elapsed() < PATIENCE {
            if !runs_on(pid, data) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Whether the process of that number runs and is the PostgreSQL of `data`, and no other: it works in that directory, or
/// was started with it as an argument.
fn runs_on(pid: Pid, data: &Path) -> bool {
    let pid = pid.as_raw_nonzero();
    if cfg!(target_os = "linux") {
        return fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == data);
    }
    let Ok(output) = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output() else {
        return false;
    };
    String::from_utf8_lossy(&output.stdout).contains(&format!("-D {} ", data.display()))
}
