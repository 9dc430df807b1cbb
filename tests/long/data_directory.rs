//! The data directory on a machine with other users: owners, modes and symbolic links. Tests that change owners need root; they are
//! skipped for other users.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use crate::program::{Program, assert_fails, command, postmaster, run};

/// The ID of a user that does not exist.
const OTHER_USER: u32 = 47_110;

/// A directory that every user can enter, as PostgreSQL's user must.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

fn is_root(test: &str) -> bool {
    if !geteuid().is_root() {
        eprintln!("skipped: {test} needs root");
    }
    geteuid().is_root()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn arguments(data: &Path) -> [&str; 2] {
    ["--data-dir", data.to_str().unwrap()]
}

/// Checks that the start fails with one line that contains `message` and the path.
#[track_caller]
fn assert_refused(data: &Path, message: &str, path: &Path) {
    let output = run(&arguments(data));
    assert_fails(&output, message);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.trim().lines().count(), 1, "{text}");
    assert!(text.contains(path.to_str().unwrap()) && text.contains("--data-dir"), "{text}");
    assert!(!text.contains("os error"), "{text}");
}

/// A directory of root with a file, to which a link of another user leads.
fn target(folder: &Path) -> PathBuf {
    let target = folder.join("target");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("file"), "content").unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(target.join("file"), Permissions::from_mode(0o644)).unwrap();
    target
}

#[track_caller]
fn assert_unchanged(target: &Path) {
    for (path, expected) in [(target.to_owned(), 0o755), (target.join("file"), 0o644)] {
        let found = fs::metadata(&path).unwrap();
        assert_eq!((found.uid(), found.mode() & 0o7777), (geteuid().as_raw(), expected), "{}", path.display());
    }
    assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "content");
    assert_eq!(fs::read_dir(target).unwrap().count(), 1);
}

#[test]
fn a_data_directory_of_another_user_is_refused_and_its_links_are_not_followed() {
    if !is_root("a_data_directory_of_another_user_is_refused_and_its_links_are_not_followed") {
        return;
    }
    let folder = folder();
    let target = target(folder.path());
    let data = folder.path().join("d");
    fs::create_dir(&data).unwrap();
    chown(&data, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    assert_refused(&data, "belongs to another user (user ID 47110)", &data);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "nothing is written to it");

    fs::write(data.join("lock"), "").unwrap();
    symlink(&target, data.join("run")).unwrap();
    for name in ["lock", "run"] {
        lchown(data.join(name), Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    }
    assert_refused(&data, "belongs to another user (user ID 47110)", &data);
    assert_unchanged(&target);

    // A directory whose data belongs to the other user is started as that user, and its links are still not followed.
    fs::create_dir(data.join("postgres")).unwrap();
    chown(data.join("postgres"), Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    assert_refused(&data, "is a symbolic link", &data.join("run"));
    assert_unchanged(&target);
}

#[test]
fn links_inside_of_the_data_directory_are_not_followed() {
    for (name, to) in [("run", ""), ("postgres", ""), ("lock", "file"), ("lock", "missing")] {
        let folder = folder();
        let target = target(folder.path());
        let data = folder.path().join("d");
        fs::create_dir(&data).unwrap();
        if name != "lock" {
            fs::write(data.join("lock"), "").unwrap();
        }
        symlink(target.join(to), data.join(name)).unwrap();
        assert_refused(&data, "is a symbolic link", &data.join(name));
        assert_unchanged(&target);
    }
}

#[test]
fn a_lock_that_is_no_ordinary_file_is_refused() {
    let folder = folder();
    let target = target(folder.path());
    let data = folder.path().join("d");
    fs::create_dir(&data).unwrap();
    let lock = data.join("lock");
    fs::hard_link(target.join("file"), &lock).unwrap();
    assert_refused(&data, "is not a file of its own", &lock);
    assert_unchanged(&target);
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert_refused(&data, "is not a file of its own", &lock);
    fs::remove_dir(&lock).unwrap();
    assert!(Command::new("mkfifo").arg(&lock).status().unwrap().success());
    assert_refused(&data, "is not a file of its own", &lock);
    fs::remove_file(&lock).unwrap();
    fs::write(&lock, "").unwrap();
    fs::write(data.join("run"), "").unwrap();
    assert_refused(&data, "is not a directory", &data.join("run"));
}

#[test]
fn a_log_that_is_a_link_is_replaced() {
    let folder = folder();
    let target = target(folder.path());
    let data = folder.path().join("d");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("lock"), "").unwrap();
    symlink(target.join("file"), data.join("postgres.log")).unwrap();
    let program = Program::start(&arguments(&data));
    assert!(fs::symlink_metadata(data.join("postgres.log")).unwrap().is_file());
    assert_unchanged(&target);
    program.end(Signal::TERM);
}

#[test]
fn a_data_directory_may_be_reached_by_own_links_and_not_by_a_link_of_another_user() {
    let folder = folder();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    fs::set_permissions(&disk, Permissions::from_mode(0o755)).unwrap();
    // A link as parent, and a link as the last part of the path.
    let home = folder.path().join("home");
    symlink(&disk, &home).unwrap();
    let data = home.join("d");
    Program::start(&arguments(&data)).end(Signal::TERM);
    let link = folder.path().join("link");
    symlink(disk.join("d"), &link).unwrap();
    Program::start(&arguments(&link)).end(Signal::TERM);
    let dangling = folder.path().join("dangling");
    symlink(folder.path().join("missing"), &dangling).unwrap();
    assert_refused(&dangling, "No such file or directory", &dangling);

    if is_root("a link of another user") {
        lchown(&link, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
        for path in [link.clone(), link.join(""), link.join(".")] {
            assert_refused(&path, "is a symbolic link of another user (user ID 47110)", &link);
        }
    }
}

#[test]
fn a_directory_that_users_share_is_refused() {
    let folder = folder();
    let data = folder.path().join("d");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o1777)).unwrap();
    assert_refused(&data, "is a directory that users share", &data);
    assert_eq!((mode(&data), fs::read_dir(&data).unwrap().count()), (0o1777, 0));
}

#[test]
fn a_data_directory_without_permission_is_refused_with_one_message() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_refused(&file, "is not a directory", &file);
    assert_refused(&file.join("d"), "cannot use", &file);
}

#[test]
fn only_the_owner_has_access_to_the_data() {
    let folder = folder();
    let data = folder.path().join("parent/d");
    let start = || {
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_voucherify-emulator")]);
        shell.env_remove("DATABASE_URL").env("VOUCHERIFY_EMULATOR_LISTEN", "127.0.0.1:0");
        Program::of(shell.args(arguments(&data)).stdout(Stdio::piped()).stderr(Stdio::null()))
    };
    let check = || {
        // For root, PostgreSQL's group may enter the directory.
        let expected = if geteuid().is_root() { (0o711, 0o710) } else { (0o700, 0o700) };
        assert_eq!((mode(data.parent().unwrap()), mode(&data)), expected);
        for (name, expected) in [("lock", 0o600), ("postgres.log", 0o600), ("run", 0o700), ("postgres", 0o700)] {
            assert_eq!(mode(&data.join(name)), expected, "{name}");
        }
    };
    let program = start();
    check();
    program.end(Signal::TERM);
    for (name, mode) in [("", 0o777), ("lock", 0o666), ("postgres.log", 0o666), ("run", 0o777), ("postgres", 0o777)] {
        fs::set_permissions(data.join(name), Permissions::from_mode(mode)).unwrap();
    }
    let program = start();
    check();
    if is_root("the access of another user") {
        for name in ["lock", "postgres.log", "run", "postgres"] {
            let mut test = Command::new("test");
            test.arg("-r").arg(data.join(name)).uid(OTHER_USER).gid(OTHER_USER);
            assert!(!test.status().unwrap().success(), "{name}");
        }
    }
    program.end(Signal::TERM);
}

#[test]
#[cfg(target_os = "linux")]
fn postgresql_does_not_receive_the_environment_of_the_emulator() {
    let folder = folder();
    let data = folder.path().join("d");
    let mut emulator = command(&arguments(&data));
    emulator.env("VOUCHERIFY_EMULATOR_MANAGEMENT_TOKEN", "a-secret").env("PGDATA", "/missing").env("TZ", "UTC");
    let program = Program::of(emulator.stdout(Stdio::piped()).stderr(Stdio::null()));
    let postmaster = postmaster(&data).as_raw_nonzero();
    // The children of the postmaster write their titles over the environment that they inherit.
    let environment = fs::read_to_string(format!("/proc/{postmaster}/environ")).unwrap();
    let names: Vec<_> = environment.split_terminator('\0').filter_map(|pair| pair.split('=').next()).collect();
    assert!(names.contains(&"PATH") && names.contains(&"LC_ALL") && names.contains(&"TZ"), "{names:?}");
    assert!(names.iter().all(|name| ["PATH", "LC_ALL", "TZ", "LD_LIBRARY_PATH"].contains(name)), "{names:?}");
    program.end(Signal::TERM);
}
