//! Stops a PostgreSQL that a killed emulator left running.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};

/// How long an orphan may take to exit after each signal, before a stronger one is sent.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Stops a PostgreSQL that still runs on `data`, and removes a stale `postmaster.pid`, so that PostgreSQL can start
/// there. The caller holds the lock of the directory.
pub fn stop(data: &Path) {
    let pid_file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else { return };
    let Some(pid) = text.lines().next().and_then(|pid| pid.trim().parse().ok()).and_then(Pid::from_raw) else { return };
    if !runs_on(pid, data) {
        // The process has exited, or its ID belongs to another program by now. The lock rules out a second emulator
        // here.
        let _ = fs::remove_file(&pid_file);
        return;
    }
    tracing::info!("stopping the PostgreSQL of a killed emulator");
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        let started = Instant::now();
        if kill_process(pid, signal).is_err() {
            return;
        }
        while started.elapsed() < EXIT_TIMEOUT {
            if !runs_on(pid, data) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Returns whether process `pid` is the PostgreSQL of `data`: it works in that directory or was started with it as an
/// argument.
fn runs_on(pid: Pid, data: &Path) -> bool {
    let pid = pid.as_raw_nonzero();
    if cfg!(target_os = "linux") {
        return fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|directory| directory == data);
    }
    let Ok(output) = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output() else {
        return false;
    };
    String::from_utf8_lossy(&output.stdout).contains(&format!("-D {} ", data.display()))
}
