//! The program as process 1 of a container: processes that a killed PostgreSQL leaves behind do not stay as zombies.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Program, configured, wait_until};

/// A process: its ID, the name of its program, its state and the ID of its parent.
struct Process {
    id: u32,
    name: String,
    state: String,
    parent: u32,
}

fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let read = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        Some(Process {
            id,
            name: name.to_owned(),
            state: fields.next()?.to_owned(),
            parent: fields.next()?.parse().ok()?,
        })
    };
    entries.filter_map(|entry| read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn children(parent: u32) -> Vec<Process> {
    processes().into_iter().filter(|process| process.parent == parent).collect()
}

fn zombies(parent: u32) -> usize {
    children(parent).iter().filter(|child| child.state == "Z").count()
}

#[test]
fn processes_of_a_killed_postgresql_are_reaped_by_process_1() {
    let namespace = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let possible = Command::new("unshare").args(namespace).arg("true").stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        eprintln!(
            "skipped: processes_of_a_killed_postgresql_are_reaped_by_process_1 needs the right to make a namespace"
        );
        return;
    }
    let mut unshare = Command::new("unshare");
    unshare.args(namespace).arg(env!("CARGO_BIN_EXE_voucherify-emulator"));
    let mut command = configured(unshare, &["--ephemeral"]);
    let program = Program::of(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let emulator = children(program.id()).remove(0).id;
    for round in 0..3 {
        let id = round.to_string();
        assert_eq!(program.call("POST", "/v1/customers", &format!(r#"{{"source_id":"{id}"}}"#)).0, 200);
        let running = |process: &Process| process.name == "postgres" && process.state != "Z";
        let postmaster = children(emulator).into_iter().find(running).unwrap();
        assert!(children(postmaster.id).len() > 3, "PostgreSQL has processes that it would leave behind");
        kill_process(Pid::from_raw(postmaster.id.cast_signed()).unwrap(), Signal::KILL).unwrap();
        wait_until("PostgreSQL is started again", || {
            children(emulator).iter().any(|child| child.id != postmaster.id && running(child))
        });
        wait_until("requests succeed again", || program.call("GET", "/v1/customers?limit=1", "").0 == 200);
        wait_until("no zombie is left", || zombies(emulator) == 0);
    }
}
