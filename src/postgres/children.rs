//! The processes that this program starts, which are distinguished from those that it inherits.
//!
//! Process 1 of a container, and a subreaper, become the parent of every process below them whose parent has ended: of the server
//! processes of a PostgreSQL that was killed, for example. Such a process stays as a zombie until its parent reads its exit status. The
//! status of a process that this program started must only be read where the program waits for it.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The IDs of the processes that this program started and has not waited for. The lock is held while a process is started, so that it is
/// never mistaken for an inherited one.
static STARTED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn started() -> MutexGuard<'static, BTreeSet<u32>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that this program started.
#[derive(Debug)]
pub struct OwnChild {
    child: Child,
    registration: Registration,
}

/// The entry of a process in [`STARTED`], which is removed when the value is dropped.
#[derive(Debug)]
struct Registration(u32);

impl Drop for Registration {
    fn drop(&mut self) {
        started().remove(&self.0);
    }
}

/// Starts a process.
///
/// # Errors
/// Returns the error of the system.
pub fn spawn(command: &mut Command) -> io::Result<OwnChild> {
    let mut started = started();
    let child = command.spawn()?;
    started.insert(child.id());
    let registration = Registration(child.id());
    Ok(OwnChild { child, registration })
}

/// Runs a program without input, and returns its exit status and what it printed.
///
/// # Errors
/// Returns the error of the system.
pub fn output(command: &mut Command) -> io::Result<Output> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let OwnChild { child, registration } = spawn(command)?;
    let output = child.wait_with_output();
    drop(registration);
    output
}

impl OwnChild {
    /// Returns the ID of the process.
    pub fn id(&self) -> u32 {
        self.registration.0
    }

    /// Returns the exit status of the process, if it has exited.
    ///
    /// # Errors
    /// Returns the error of the system.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

/// Returns whether this process inherits processes whose parents have ended.
#[must_use]
pub fn inherits_processes() -> bool {
    #[cfg(target_os = "linux")]
    return std::process::id() == 1 || rustix::process::child_subreaper().is_ok_and(|setting| setting.is_some());
    #[cfg(not(target_os = "linux"))]
    false
}

/// Reads the exit status of every process that this one inherited and that has ended, so that none stays as a zombie.
pub fn reap_inherited() {
    #[cfg(target_os = "linux")]
    {
        let started = started();
        for ended in linux::ended_children().filter(|child| !started.contains(child)) {
            linux::reap(ended);
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;

    use rustix::process::{Pid, WaitOptions, waitpid};

    /// Returns the IDs of the processes that are zombies and whose parent is this process.
    pub fn ended_children() -> impl Iterator<Item = u32> {
        let parent = std::process::id();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()));
        ids.filter(move |id| {
            fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| is_zombie_of(parent, &stat))
        })
    }

    /// Returns whether the text of `/proc/ID/stat` is that of a zombie with this parent. The state and the parent follow the name of the
    /// program in parentheses, which may contain any character.
    pub fn is_zombie_of(parent: u32, stat: &str) -> bool {
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        fields.next() == Some("Z") && fields.next().is_some_and(|field| field.parse() == Ok(parent))
    }

    /// Reads the exit status of a process that has ended.
    pub fn reap(child: u32) {
        let child = i32::try_from(child).ok().and_then(Pid::from_raw);
        if let Some(child) = child {
            let _ = waitpid(Some(child), WaitOptions::NOHANG);
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use super::linux::is_zombie_of;
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn zombies_are_recognised_in_the_table_of_processes() {
        assert!(is_zombie_of(1, "42 (postgres) Z 1 42 42 0 -1"));
        assert!(is_zombie_of(1, "42 (a) S 7 (b)) Z 1 42 42 0 -1"));
        assert!(!is_zombie_of(1, "42 (postgres) S 1 42 42 0 -1"));
        assert!(!is_zombie_of(1, "42 (postgres) Z 17 42 42 0 -1"));
        assert!(!is_zombie_of(1, ""));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_status_of_a_started_process_is_left_for_the_one_who_waits() {
        let mut child = spawn(Command::new("sh").args(["-c", "exit 7"])).unwrap();
        while !linux::ended_children().any(|ended| ended == child.id()) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        reap_inherited();
        assert_eq!(child.try_wait().unwrap().and_then(|status| status.code()), Some(7));
        let id = child.id();
        assert!(started().contains(&id));
        drop(child);
        assert!(!started().contains(&id));
    }

    #[test]
    fn the_output_of_a_program_is_returned_with_its_status() {
        let output = output(Command::new("sh").args(["-c", "echo a; exit 3"])).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), b"a\n".as_slice()));
    }
}
