//! The thread that PostgreSQL lives and dies with.
//!
//! PostgreSQL is started from a thread of its own, which lives as long as the cluster: on Linux the kernel is asked to
//! stop the child when that thread ends, so that a killed emulator takes PostgreSQL with it.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::ClusterError;
use super::user::RunAs;

/// How to run PostgreSQL.
#[derive(Clone, Debug)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub log: PathBuf,
    pub run_as: RunAs,
    /// What makes it end: `INT` in good order, `QUIT` at once.
    pub stop_signal: Signal,
}

/// How often it is looked whether PostgreSQL still runs.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long PostgreSQL may take to end in good order.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// How long a restart waits, so that a cluster that cannot start does not keep the machine busy.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// A running PostgreSQL; dropping it stops it.
#[derive(Debug)]
pub struct Supervisor {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts PostgreSQL, and starts it again whenever it ends unasked.
    pub fn start(launch: Launch) -> Result<Self, ClusterError> {
        let (stop, stopped) = channel();
        let (started, outcome) = channel();
        let thread = std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                let child = launch.spawn();
                let program = launch.program.clone();
                match child {
                    Ok(child) => {
                        let _ = started.send(Ok(()));
                        watch(&launch, child, &stopped);
                    }
                    Err(error) => {
                        let _ = started.send(Err(ClusterError::Io { path: program, error }));
                    }
                }
            })
            .map_err(|error| ClusterError::Failed { program: "postgres", output: error.to_string() })?;
        let supervisor = Self { stop: Some(stop), thread: Some(thread) };
        outcome
            .recv()
            .unwrap_or_else(|error| Err(ClusterError::Failed { program: "postgres", output: error.to_string() }))?;
        Ok(supervisor)
    }

    /// Stops PostgreSQL and waits until it has ended.
    pub fn stop(&mut self) {
        // A dropped sender is the signal.
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Launch {
    fn spawn(&self) -> io::Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C in a terminal is the emulator's to handle, not PostgreSQL's.
        command.process_group(0).current_dir("/");
        clean_environment(&mut command);
        self.run_as.apply(&mut command);
        die_with_parent(&mut command, self.stop_signal);
        command.spawn()
    }
}

/// Keeps the user's settings of PostgreSQL and of the language away from the private cluster; without `LC_ALL`, some builds
/// for macOS refuse to start.
pub fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
}

/// Asks the kernel to send `signal` to the child when the thread that starts it ends.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the closure makes one system call, which is safe between fork and exec")]
fn die_with_parent(command: &mut Command, signal: Signal) {
    // SAFETY: the closure neither allocates nor locks; it runs after the change of user, which would undo it.
    unsafe {
        command
            .pre_exec(move || rustix::process::set_parent_process_death_signal(Some(signal)).map_err(io::Error::from));
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command, _: Signal) {
    // Nothing like it elsewhere: the next start finds the orphan and stops it.
}

/// Waits for the word to stop; starts PostgreSQL again when it ends before that.
fn watch(launch: &Launch, mut child: Child, stopped: &Receiver<()>) {
    loop {
        match stopped.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return end(child, launch.stop_signal),
        }
        let Ok(Some(status)) = child.try_wait() else { continue };
        tracing::error!(%status, "PostgreSQL has ended unasked, starting it again");
        child = loop {
            if !matches!(stopped.recv_timeout(RESTART_AFTER), Err(RecvTimeoutError::Timeout)) {
                return;
            }
            match launch.spawn() {
                Ok(child) => break child,
                Err(error) => tracing::error!(%error, "PostgreSQL cannot be started"),
            }
        };
    }
}

fn end(mut child: Child, signal: Signal) {
    for signal in [signal, Signal::QUIT, Signal::KILL] {
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
        let started = Instant::now();
        while started.elapsed() < STOP_WITHIN {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
