//! Data directories that cannot be used: the start ends within four seconds, with one message that says what was found, where, and what
//! to do.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process, test_kill_process};
use tempfile::TempDir;

use crate::command_line::installed_programs;
use crate::program::{Program, command, configured, run, wait_until};

const LIMIT: Duration = Duration::from_secs(4);

/// A data directory with data, whose emulator is stopped.
struct Data {
    _folder: TempDir,
    root: PathBuf,
}

impl Data {
    fn new() -> Self {
        let folder = folder();
        let root = folder.path().join("data");
        let program = Program::start(&["--data-dir", root.to_str().unwrap()]);
        assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"kept"}"#).0, 200);
        program.end(Signal::TERM);
        Self { _folder: folder, root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join("postgres").join(name)
    }

    /// Checks that the data is still there and can be used.
    fn assert_usable(&self) {
        let program = Program::start(&["--data-dir", self.root.to_str().unwrap()]);
        assert_eq!(program.call("GET", "/v1/customers/kept", "").0, 200);
        program.end(Signal::TERM);
    }

    fn start(&self) -> Output {
        let begun = Instant::now();
        let output = run(&["--data-dir", self.root.to_str().unwrap()]);
        assert!(begun.elapsed() < LIMIT, "{:?}: {}", begun.elapsed(), text(&output));
        output
    }
}

/// A directory that every user can enter, as PostgreSQL's user must.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Checks that a start failed with one line, which has all of these parts.
#[track_caller]
fn assert_one_message(output: &Output, parts: &[&str]) {
    let text = text(output);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{text}");
    assert_eq!(text.trim().lines().count(), 1, "{text}");
    assert!(!text.contains("os error"), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn damaged_data_is_reported_once_and_not_changed() {
    let data = Data::new();
    let root = data.root.to_str().unwrap();
    let control = data.path("global/pg_control");
    let content = fs::read(&control).unwrap();
    let advice = "If the data is damaged, replace the directory by a copy, or choose another --data-dir";
    fs::write(&control, vec![b'x'; content.len()]).unwrap();
    assert_one_message(&data.start(), &[root, "incompatible with server", advice]);
    let mut damaged = content.clone();
    damaged[64..128].fill(b'x');
    fs::write(&control, damaged).unwrap();
    assert_one_message(&data.start(), &[root, "incorrect checksum in control file", advice]);
    fs::write(&control, "").unwrap();
    assert_one_message(&data.start(), &[root, "pg_control", advice]);
    fs::rename(&control, data.path("control")).unwrap();
    assert_one_message(&data.start(), &[root, "pg_control", advice]);
    fs::rename(data.path("control"), &control).unwrap();
    fs::write(&control, &content).unwrap();

    let segments: Vec<_> = fs::read_dir(data.path("pg_wal")).unwrap().flatten().map(|entry| entry.path()).collect();
    let segments: Vec<_> = segments.into_iter().filter(|path| path.is_file()).collect();
    let moved = |path: &Path| data.root.join(path.file_name().unwrap());
    assert!(!segments.is_empty());
    for segment in &segments {
        fs::rename(segment, moved(segment)).unwrap();
    }
    assert_one_message(&data.start(), &[root, "checkpoint", advice]);
    for segment in &segments {
        fs::rename(moved(segment), segment).unwrap();
    }
    fs::write(&control, &content).unwrap();

    let configuration = data.path("postgresql.conf");
    let settings = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, format!("{settings}\nnonsense\n")).unwrap();
    assert_one_message(&data.start(), &[root, "postgresql.conf", "contains errors"]);
    fs::write(&configuration, settings).unwrap();
    data.assert_usable();
}

#[test]
fn a_directory_without_a_version_is_not_taken_for_data() {
    let data = Data::new();
    let directory = data.path("");
    let shown = directory.to_str().unwrap().trim_end_matches('/');
    let advice = "Remove it, or choose another --data-dir";
    let version = data.path("PG_VERSION");
    let content = fs::read(&version).unwrap();
    fs::remove_file(&version).unwrap();
    assert_one_message(&data.start(), &[shown, "is not a data directory of PostgreSQL", advice]);
    for garbage in ["", "fifteen\n", "\u{0}\u{0}"] {
        fs::write(&version, garbage).unwrap();
        assert_one_message(&data.start(), &[shown, "is not a data directory of PostgreSQL", advice]);
    }
    fs::write(&version, "99\n").unwrap();
    let other = ["was created by PostgreSQL 99", "--postgres-bin", "--data-dir", "/_emulator/state", "--state"];
    assert_one_message(&data.start(), &other);
    fs::write(&version, content).unwrap();
    data.assert_usable();

    // An interrupted initialisation leaves a directory of another name, and an empty directory is as good as none.
    let folder = folder();
    let root = folder.path().join("data");
    for name in ["postgres", "postgres.new-1"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    File::create(root.join("lock")).unwrap();
    File::create(root.join("postgres.new-1/PG_VERSION")).unwrap();
    let program = Program::start(&["--data-dir", root.to_str().unwrap()]);
    assert!(!root.join("postgres.new-1").exists());
    program.end(Signal::TERM);
}

#[test]
fn files_in_the_place_of_directories_are_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (data, named) in [(file.clone(), file.clone()), (file.join("data"), file.join("data"))] {
        assert_one_message(
            &run(&["--data-dir", data.to_str().unwrap()]),
            &[named.to_str().unwrap(), "irectory", "--data-dir"],
        );
    }
    for name in ["postgres", "run"] {
        let data = folder.path().join(name);
        fs::create_dir(&data).unwrap();
        fs::write(data.join("lock"), "").unwrap();
        fs::write(data.join(name), "").unwrap();
        let output = run(&["--data-dir", data.to_str().unwrap()]);
        assert_one_message(&output, &[data.join(name).to_str().unwrap(), "is not a directory", "--data-dir"]);
    }
}

#[test]
fn a_directory_for_temporary_files_that_cannot_be_used_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (directory, reason) in [(folder.path().join("missing"), "No such file"), (file, "Not a directory")] {
        let output = command(&["--ephemeral"]).env("TMPDIR", &directory).output().unwrap();
        assert_one_message(&output, &[&format!("{}, cannot be used: {reason}", directory.display()), "TMPDIR"]);
        assert!(!text(&output).contains("voucherify-emulator-"), "a random name is not shown: {}", text(&output));
    }
}

#[test]
fn a_directory_in_use_by_a_postgresql_of_somebody_else_is_refused_and_left_alone() {
    let data = Data::new();
    let owner = fs::metadata(data.path("")).unwrap();
    let mut other = Command::new(installed_programs().join("postgres"));
    other.arg("-D").arg(data.path("")).args(["-c", "listen_addresses=", "-c"]);
    other.arg(format!("unix_socket_directories={}", data.root.join("run").display())).current_dir("/");
    if geteuid().is_root() {
        other.uid(owner.uid()).gid(owner.gid());
    }
    let mut other = other.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the other PostgreSQL runs", || {
        fs::read_to_string(data.path("postmaster.pid")).is_ok_and(|text| text.contains("ready"))
    });
    let process = format!("(process {})", other.id());
    let root = data.root.to_str().unwrap();
    assert_one_message(&data.start(), &[root, "a PostgreSQL that the emulator did not start", &process, "--data-dir"]);
    assert!(test_kill_process(Pid::from_child(&other)).is_ok());
    kill_process(Pid::from_child(&other), Signal::INT).unwrap();
    other.wait().unwrap();
    data.assert_usable();
}

#[test]
fn what_a_killed_postgresql_left_is_removed_also_when_its_process_id_is_used_again() {
    let data = Data::new();
    let owner = fs::metadata(data.path("")).unwrap();
    // A process of PostgreSQL's user, which PostgreSQL would take for the one that left the files.
    let mut sleeping = Command::new("sleep");
    if geteuid().is_root() {
        sleeping.uid(owner.uid()).gid(owner.gid());
    }
    let mut sleeping = sleeping.arg("60").spawn().unwrap();
    let text = format!("{}\n{}\n0\n5432\n\n\n", sleeping.id(), data.path("").display());
    for path in [data.path("postmaster.pid"), data.root.join("run/.s.PGSQL.5432.lock")] {
        fs::write(&path, &text).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    data.assert_usable();
    sleeping.kill().unwrap();
    sleeping.wait().unwrap();
}

/// Starts the program in a mount namespace of its own, after the commands of `setup`; `None` where that is not possible.
fn start_with_mounts(test: &str, setup: &str, arguments: &[&str]) -> Option<Output> {
    let possible = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        eprintln!("skipped: {test} needs the right to mount");
        return None;
    }
    let mut shell = Command::new("unshare");
    let script = format!("{setup} && exec \"$0\" \"$@\"");
    shell.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_voucherify-emulator")]);
    let begun = Instant::now();
    let output = configured(shell, arguments).output().unwrap();
    assert!(begun.elapsed() < LIMIT, "{:?}: {}", begun.elapsed(), text(&output));
    Some(output)
}

#[test]
fn a_read_only_and_a_full_file_system_are_named() {
    let data = Data::new();
    let root = data.root.to_str().unwrap();
    let read_only = format!("mount --bind {root} {root} && mount -o remount,bind,ro {root}");
    let test = "a_read_only_and_a_full_file_system_are_named";
    let Some(output) = start_with_mounts(test, &read_only, &["--data-dir", root]) else { return };
    assert_one_message(&output, &[root, "Read-only file system", "--data-dir"]);
    let folder = folder();
    let small = folder.path().to_str().unwrap();
    let mount = format!("mount -t tmpfs -o size=8m,mode=755 tmpfs {small}");
    let output = start_with_mounts(test, &mount, &["--data-dir", &format!("{small}/data")]).unwrap();
    assert_one_message(&output, &[small, "No space left on device", "--data-dir"]);
    let temporary = format!("{mount} && export TMPDIR={small}");
    // The first start makes the template, whose copy does not fit either. The template itself stays.
    Program::start(&["--ephemeral"]).end(Signal::TERM);
    for _ in 0..2 {
        let output = start_with_mounts(test, &temporary, &["--ephemeral"]).unwrap();
        assert_one_message(&output, &[small, "No space left on device"]);
    }
    data.assert_usable();
}

#[test]
fn a_full_cache_directory_is_no_obstacle() {
    let folder = folder();
    let small = folder.path().to_str().unwrap();
    let setup = format!("mount -t tmpfs -o size=64k tmpfs {small} && export XDG_CACHE_HOME={small}");
    let possible = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a_full_cache_directory_is_no_obstacle needs the right to mount");
        return;
    }
    let mut shell = Command::new("unshare");
    let script = format!("{setup} && exec \"$0\" \"$@\"");
    shell.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_voucherify-emulator")]);
    let mut command = configured(shell, &["--ephemeral"]);
    command.env_remove("XDG_CACHE_HOME");
    let program = Program::of(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
    assert_eq!(program.end(Signal::TERM).0, Some(0));
}
