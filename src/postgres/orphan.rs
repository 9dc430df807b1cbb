//! Stops a PostgreSQL that a killed emulator left running.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};

use super::children;

/// How long an orphan may take to exit after each signal, before a stronger one is sent.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// An argument with which only an emulator starts PostgreSQL.
const OUR_ARGUMENT: &str = "unix_socket_permissions=0700";

/// Stops a PostgreSQL that still runs on `data`, and removes a stale `postmaster.pid`, so that PostgreSQL can start
/// there. The caller holds the lock of the directory.
///
/// # Errors
/// Returns the ID of the process when it was not started by an emulator.
pub fn stop(data: &Path) -> Result<(), Pid> {
    let pid_file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else { return Ok(()) };
    let Some(pid) = text.lines().next().and_then(|pid| pid.trim().parse().ok()).and_then(Pid::from_raw) else {
        return Ok(());
    };
    if !runs_on(pid, data) {
        // The process has exited, or its ID belongs to another program by now. The lock rules out a second emulator
        // here.
        let _ = fs::remove_file(&pid_file);
        return Ok(());
    }
    if !arguments(pid).contains(OUR_ARGUMENT) {
        return Err(pid);
    }
    tracing::info!("stopping the PostgreSQL of a killed emulator");
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        let started = Instant::now();
        if kill_process(pid, signal).is_err() {
            break;
        }
        while started.elapsed() < EXIT_TIMEOUT {
            if !runs_on(pid, data) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(())
}

/// Returns whether process `pid` is the PostgreSQL of `data`: it works in that directory or was started with it as an
/// argument.
fn runs_on(pid: Pid, data: &Path) -> bool {
    if cfg!(target_os = "linux") {
        let directory = fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()));
        return directory.is_ok_and(|directory| directory == data);
    }
    arguments(pid).contains(&format!("-D {} ", data.display()))
}

/// Returns the arguments with which a process was started, separated by spaces; nothing for a process that has exited.
fn arguments(pid: Pid) -> String {
    let pid = pid.as_raw_nonzero().to_string();
    if cfg!(target_os = "linux") {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return String::from_utf8_lossy(&arguments).replace('\0', " ");
    }
    let output = children::output(Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid]));
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
