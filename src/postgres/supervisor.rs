//! Runs PostgreSQL as a child process and restarts it when it exits.
//!
//! A dedicated thread starts PostgreSQL and lives as long as the cluster. On Linux, the kernel stops the child when
//! that thread ends, so that PostgreSQL stops even if the emulator is killed.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::children::{self, OwnChild};
use super::directory::Log;
use super::environment::clean_environment;
use super::error::ClusterError;
use super::user::RunAs;
use crate::domain::error_text::without_number;

/// How to start and stop PostgreSQL.
#[derive(Clone, Debug)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub log: Log,
    pub run_as: RunAs,
    /// `INT` for a clean shutdown, `QUIT` for an immediate one.
    pub stop_signal: Signal,
}

/// How often the supervisor checks that PostgreSQL still runs.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// How long a stop may take that has no time limit of its own.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(7);
/// How long a stop takes at least before PostgreSQL is killed, also when its time limit is over.
const MIN_STOP_TIME: Duration = Duration::from_millis(1200);
/// How long before the end of the time limit an immediate shutdown begins: PostgreSQL recovers its data at the next start.
const IMMEDIATE_SHUTDOWN: Duration = Duration::from_millis(800);
/// How long before the end of the time limit a PostgreSQL that does not react, for example a stopped process, is killed.
const KILL: Duration = Duration::from_millis(400);
/// Delay before the first restart. It doubles with each further one, so that a cluster that cannot start, for example on a full disk,
/// does not keep the machine busy.
const RESTART_DELAY: Duration = Duration::from_secs(1);
const MAX_RESTART_DELAY: Duration = Duration::from_secs(30);
/// A PostgreSQL that has run for so long had no failure of its start.
const STABLE_RUN: Duration = Duration::from_mins(1);
/// How often the size of the log is checked.
const LOG_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// A running PostgreSQL; dropping it stops it.
#[derive(Debug)]
pub struct Supervisor {
    stop: Option<Sender<Instant>>,
    thread: Option<JoinHandle<()>>,
    phase: Arc<Phase>,
}

/// Whether PostgreSQL is restarted when it exits. One that exits before its start has succeeded is not: it would exit again.
#[derive(Debug, Default)]
struct Phase(AtomicU8);

impl Phase {
    const STARTING: u8 = 0;
    const STARTED: u8 = 1;
    const EXITED: u8 = 2;

    /// Ends the start, and returns whether it had not ended yet in another way.
    fn end_start(&self, phase: u8) -> bool {
        self.0.compare_exchange(Self::STARTING, phase, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn has_exited(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::EXITED
    }
}

impl Supervisor {
    /// Starts PostgreSQL. It is restarted when it exits unexpectedly after [`Supervisor::restart_from_now_on`].
    pub fn start(launch: Launch) -> Result<Self, ClusterError> {
        let phase = Arc::new(Phase::default());
        let watched = Arc::clone(&phase);
        let (stop, stopped) = channel();
        let (started, outcome) = channel();
        let thread = std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || match launch.spawn() {
                Ok(child) => {
                    let _ = started.send(Ok(()));
                    watch(&launch, child, &stopped, &watched);
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .map_err(|error| ClusterError::Process(without_number(&error)))?;
        let supervisor = Self { stop: Some(stop), thread: Some(thread), phase };
        outcome.recv().unwrap_or_else(|error| Err(ClusterError::Process(error.to_string())))?;
        Ok(supervisor)
    }

    /// Restarts PostgreSQL from now on when it exits unexpectedly. Returns `false` when it has exited already.
    pub fn restart_from_now_on(&self) -> bool {
        self.phase.end_start(Phase::STARTED)
    }

    /// Returns whether PostgreSQL has exited before its start succeeded.
    pub fn has_exited(&self) -> bool {
        self.phase.has_exited()
    }

    /// Stops PostgreSQL and waits until it has exited. It is killed if it still runs shortly before `deadline`, so that the emulator
    /// ends before the manager of a container kills it.
    pub fn stop(&mut self, deadline: Instant) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(deadline);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop(Instant::now() + STOP_TIMEOUT);
    }
}

impl Launch {
    fn spawn(&self) -> Result<OwnChild, ClusterError> {
        let at_program = || ClusterError::at(&self.program);
        let log = self.log.open()?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log.try_clone().map_err(at_program())?).stderr(log);
        // A separate process group keeps Ctrl-C in a terminal from reaching PostgreSQL before the emulator stops it.
        command.process_group(0).current_dir("/");
        clean_environment(&mut command);
        self.run_as.apply(&mut command);
        die_with_parent(&mut command, self.stop_signal);
        children::spawn(&mut command).map_err(at_program())
    }
}

/// Makes the kernel send `signal` to the child when the thread that started it ends.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the closure makes one system call, which is safe between fork and exec")]
fn die_with_parent(command: &mut Command, signal: Signal) {
    // SAFETY: the closure neither allocates nor locks. It runs after the change of user, which would reset the setting.
    unsafe {
        command
            .pre_exec(move || rustix::process::set_parent_process_death_signal(Some(signal)).map_err(io::Error::from));
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command, _: Signal) {
    // Other systems have no such setting: the next start finds the orphan and stops it.
}

/// Waits for the signal to stop, and restarts PostgreSQL when it exits before that.
fn watch(launch: &Launch, mut child: OwnChild, stopped: &Receiver<Instant>, phase: &Phase) {
    let (mut started_at, mut log_checked_at) = (Instant::now(), Instant::now());
    let mut delay = RESTART_DELAY;
    loop {
        match stopped.recv_timeout(CHECK_INTERVAL) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(deadline) => return stop_process(child, launch.stop_signal, deadline),
            Err(RecvTimeoutError::Disconnected) => {
                return stop_process(child, launch.stop_signal, Instant::now() + STOP_TIMEOUT);
            }
        }
        if log_checked_at.elapsed() > LOG_CHECK_INTERVAL {
            launch.log.cut();
            log_checked_at = Instant::now();
        }
        let Ok(Some(status)) = child.try_wait() else { continue };
        if phase.end_start(Phase::EXITED) {
            return;
        }
        if started_at.elapsed() > STABLE_RUN {
            delay = RESTART_DELAY;
        }
        let (reason, seconds) = (launch.log.last_failure().unwrap_or_default(), delay.as_secs());
        tracing::error!(%status, reason, seconds, "PostgreSQL exited unexpectedly, restarting it after a delay");
        child = loop {
            if !matches!(stopped.recv_timeout(delay), Err(RecvTimeoutError::Timeout)) {
                return;
            }
            delay = (delay * 2).min(MAX_RESTART_DELAY);
            match launch.spawn() {
                Ok(child) => break child,
                Err(error) => tracing::error!(%error, "failed to start PostgreSQL"),
            }
        };
        started_at = Instant::now();
    }
}

fn stop_process(mut child: OwnChild, signal: Signal, deadline: Instant) {
    let started = Instant::now();
    let total = deadline.saturating_duration_since(started).max(MIN_STOP_TIME);
    let steps = [
        (signal, total.saturating_sub(IMMEDIATE_SHUTDOWN)),
        (Signal::QUIT, total.saturating_sub(KILL)),
        (Signal::KILL, total),
    ];
    for (signal, until) in steps {
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
        while started.elapsed() < until {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
