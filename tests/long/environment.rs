//! The program in unusual environments: variables of other programs, a closed terminal, a PostgreSQL that hangs.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::program::{
    Program, assert_fails, command, configured, postmaster, run, set_cache_home, shared_database, wait_until,
};

/// The ID of a user that has no entry in `/etc/passwd`.
const NAMELESS_USER: u32 = 47_111;

/// A directory that every user can enter, as PostgreSQL's user must.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Creates a directory that every user can enter.
fn create(directory: &Path) {
    fs::create_dir(directory).unwrap();
    fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
}

fn of(command: &mut Command) -> Program {
    Program::of(command.stdout(Stdio::piped()).stderr(Stdio::null()))
}

#[test]
fn the_private_postgresql_ignores_the_variables_of_other_databases() {
    let mut command = command(&["--ephemeral"]);
    for (name, value) in [
        ("PGSSLMODE", "require"),
        ("PGHOST", "192.0.2.1"),
        ("PGPORT", "1"),
        ("PGUSER", "other"),
        ("PGPASSWORD", "other"),
        ("PGDATABASE", "other"),
        ("PGSSLROOTCERT", "/nonexistent"),
        ("PGAPPNAME", "other"),
        ("PGDATA", "/nonexistent"),
        ("PGOPTIONS", "-c no_such_setting=1"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGPASSFILE", "/nonexistent"),
        ("PGSERVICE", "other"),
    ] {
        command.env(name, value);
    }
    let program = Program::of(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
}

#[test]
fn a_hangup_stops_the_program_and_removes_the_data() {
    if is_hangup_ignored() {
        eprintln!("skipped: the tests were started with SIGHUP ignored, as `nohup` does, and so would the program be");
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    std::fs::set_permissions(temporary.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = command(&["--ephemeral"]);
    let program = Program::of(command.env("TMPDIR", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
    assert_eq!(program.end(Signal::HUP), (Some(0), String::new()));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// Returns whether this process ignores SIGHUP, and with it every program that it starts. Linux only; else `false`.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[test]
fn a_hangup_that_was_ignored_at_the_start_stays_ignored() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_voucherify-emulator")]);
    let mut command = crate::program::configured(shell, &["--ephemeral"]);
    let program = Program::of(command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()));
    program.signal(Signal::HUP);
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
    assert_eq!(program.end(Signal::TERM).0, Some(0));
}

#[test]
fn a_stop_kills_a_postgresql_that_hangs_and_the_data_is_still_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let program = Program::start(&arguments);
    assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
    kill_process(postmaster(&data), Signal::STOP).unwrap();
    assert_eq!(program.end(Signal::TERM).0, Some(0));

    let program = Program::start(&arguments);
    assert_eq!(program.call("GET", "/v1/customers/one", "").0, 200);
}

#[test]
fn the_first_start_in_a_database_names_its_schema_and_the_next_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let host = Program::start(&["--data-dir", data.to_str().unwrap()]);
    let url = shared_database(&data);
    for (schema, is_new) in [("voucherify_emulator", true), ("voucherify_emulator", false), ("second", true)] {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = command(&["--database-url", &url, "--database-schema", schema]);
        let program = Program::of(command.stdout(Stdio::piped()).stderr(log.reopen().unwrap()));
        program.end(Signal::TERM);
        let text = std::fs::read_to_string(log.path()).unwrap();
        assert_eq!(text.contains("everything of the emulator is in this new schema"), is_new, "{text}");
        assert!(!is_new || text.contains(&format!("schema={schema}")), "{text}");
    }
    let output = run(&["--database-url", &url, "--database-schema", "Mine"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && text.contains("at most 48 lower-case letters"), "{text}");
    drop(host);
}

#[test]
fn a_postgresql_that_cannot_start_is_started_again_less_and_less_often() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = command(&["--data-dir", data.to_str().unwrap()]);
    let program = Program::of(command.stdout(Stdio::piped()).stderr(log.reopen().unwrap()));
    assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
    // Without this directory, PostgreSQL ends at once.
    let (needed, elsewhere) = (data.join("postgres/global"), data.join("postgres/elsewhere"));
    std::fs::rename(&needed, &elsewhere).unwrap();
    kill_process(postmaster(&data), Signal::KILL).unwrap();
    let text = || std::fs::read_to_string(log.path()).unwrap();
    wait_until("the delay has grown", || text().contains("seconds=4"));
    assert_eq!(text().matches("PostgreSQL exited unexpectedly").count(), 3, "{}", text());
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 503);
    std::fs::rename(&elsewhere, &needed).unwrap();
    wait_until("the database works again", || program.call("GET", "/v1/customers/one", "").0 == 200);
}

#[test]
fn a_path_of_any_length_can_be_used_for_temporary_files_and_for_data() {
    let folder = folder();
    // PostgreSQL's socket would have a path that is one byte too long on macOS, one that is too long on Linux, and a much longer one.
    let base = folder.path().as_os_str().len() + 1;
    for length in [86, 92, 104, 108, 230] {
        let directory = folder.path().join("d".repeat(length - base));
        create(&directory);
        let program = of(command(&["--ephemeral"]).env("TMPDIR", &directory));
        assert_eq!(program.call("GET", "/v1/customers", "").0, 200, "{length}");
        assert_eq!(program.end(Signal::TERM).0, Some(0));
        let program = of(command(&["--data-dir"]).arg(directory.join("data")).env("TMPDIR", &directory));
        assert_eq!(program.call("GET", "/v1/customers", "").0, 200, "{length}");
        assert_eq!(program.end(Signal::TERM).0, Some(0));
    }
}

#[test]
fn every_printable_character_can_be_in_a_path() {
    let folder = folder();
    for name in [OsStr::new("a \"quoted\", 'odd' $(name)`\\\t; *?[x]{#} =%s~é日"), OsStr::from_bytes(b"latin \xe9")] {
        let directory = folder.path().join(name);
        create(&directory);
        let with_paths = |arguments: &[&str]| {
            let mut command = command(arguments);
            set_cache_home(&mut command, &directory.join("cache"));
            command.env("TMPDIR", &directory);
            command
        };
        // The second start uses the template that the first one has made.
        for _ in 0..2 {
            let program = of(&mut with_paths(&["--ephemeral"]));
            assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
            assert_eq!(program.end(Signal::TERM).0, Some(0));
        }
        for _ in 0..2 {
            let program = of(with_paths(&["--tls", "--data-dir"]).arg(directory.join("data")));
            assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
            assert_eq!(program.end(Signal::TERM).0, Some(0));
        }
        assert!(directory.join("data/tls").exists() && directory.join("data/postgres.log").exists());
    }
    let output = run(&["--data-dir", folder.path().join("two\nlines").to_str().unwrap()]);
    assert_fails(&output, "two\\nlines contains a line break, which PostgreSQL does not support");
}

#[test]
fn a_start_without_any_environment_succeeds() {
    let mut command = command(&["--ephemeral", "--listen", "127.0.0.1:0"]);
    let program = of(command.env_clear());
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
    assert_eq!(program.end(Signal::TERM).0, Some(0));
}

#[test]
fn locales_and_time_zones_of_the_environment_are_no_obstacle() {
    for (locale, zone) in [("tr_TR.UTF-8", "Asia/Kathmandu"), ("xx_YY.nonsense", ":/nonexistent"), ("", "nonsense")] {
        let mut command = command(&["--ephemeral"]);
        let program = of(command.env("LC_ALL", locale).env("LANG", locale).env("TZ", zone));
        let (status, body) = program.call("POST", "/v1/customers", r#"{"source_id":"İIıi","name":"日本"}"#);
        assert_eq!(status, 200, "{body}");
        let created: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(created["created_at"].as_str().unwrap().ends_with('Z'), "{body}");
        assert_eq!(program.call("GET", "/v1/customers/%C4%B0I%C4%B1i", "").0, 200);
        assert_eq!(program.end(Signal::TERM).0, Some(0));
    }
}

/// Starts the program with a cache directory of its own until it has made the template of ephemeral databases, and returns the directory of
/// templates.
fn make_template(program: &Path, cache: &Path) -> PathBuf {
    let mut command = configured(Command::new(program), &["--ephemeral"]);
    set_cache_home(&mut command, cache);
    let program = of(&mut command);
    let templates = cache.join("voucherify-emulator/templates");
    let is_template = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("template-");
    wait_until("the template is made", || fs::read_dir(&templates).into_iter().flatten().flatten().any(is_template));
    program.end(Signal::TERM);
    templates
}

/// Calls `change` for a directory and everything in it.
fn for_each(directory: &Path, change: impl Fn(&Path)) {
    let mut paths = vec![directory.to_owned()];
    while let Some(path) = paths.pop() {
        change(&path);
        paths.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
}

/// Returns a command that runs a program as a user without a name; `None` where that is not possible.
#[cfg(target_os = "linux")]
fn as_nameless_user(test: &str, program: &Path) -> Option<impl Fn(&Path) -> Command> {
    let user = NAMELESS_USER.to_string();
    let program = program.to_owned();
    let as_user = move |cache: &Path| {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--reuid", &user, "--regid", &user, "--clear-groups"]).arg(&program);
        let mut command = configured(setpriv, &["--ephemeral"]);
        set_cache_home(&mut command, cache);
        command
    };
    let can_run = as_user(Path::new("/nonexistent")).arg("--version").output();
    if geteuid().is_root() && can_run.is_ok_and(|output| output.status.success()) {
        return Some(as_user);
    }
    eprintln!("skipped: {test} needs root, setpriv, and a program that every user can run");
    None
}

#[test]
#[cfg(target_os = "linux")]
fn a_user_without_a_name_can_use_a_template_of_its_own() {
    let program = Path::new(env!("CARGO_BIN_EXE_voucherify-emulator"));
    let test = "a_user_without_a_name_can_use_a_template_of_its_own";
    let Some(as_user) = as_nameless_user(test, program) else { return };
    let folder = folder();
    let cache = folder.path().join("cache");
    make_template(program, &cache);
    for_each(&cache, |path| chown(path, Some(NAMELESS_USER), Some(NAMELESS_USER)).unwrap());
    let program = of(&mut as_user(&cache));
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
    assert_eq!(program.end(Signal::TERM).0, Some(0));

    let output = as_user(&folder.path().join("none")).output().unwrap();
    assert_fails(&output, &format!("the user ID {NAMELESS_USER} has no name on this machine"));
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim().lines().count(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_user_without_a_name_can_use_the_template_of_an_installation() {
    let folder = folder();
    create(&folder.path().join("bin"));
    let program = folder.path().join("bin/voucherify-emulator");
    fs::copy(env!("CARGO_BIN_EXE_voucherify-emulator"), &program).unwrap();
    let test = "a_user_without_a_name_can_use_the_template_of_an_installation";
    let Some(as_user) = as_nameless_user(test, &program) else { return };
    let templates = make_template(&program, &folder.path().join("cache"));
    let shared = folder.path().join("share/voucherify-emulator");
    fs::create_dir_all(&shared).unwrap();
    fs::rename(templates, shared.join("templates")).unwrap();
    let allow = |more: u32| {
        for_each(&folder.path().join("share"), |path| {
            let mode = if path.is_dir() { 0o755 } else { 0o644 };
            fs::set_permissions(path, Permissions::from_mode(mode | more)).unwrap();
        });
    };
    allow(0);
    let none = folder.path().join("none");
    for _ in 0..2 {
        let program = of(&mut as_user(&none));
        assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
        assert_eq!(program.call("GET", "/v1/customers?limit=1", "").1.matches("\"total\":1").count(), 1);
        assert_eq!(program.end(Signal::TERM).0, Some(0));
    }
    // A template that other users may change is not used.
    allow(0o022);
    assert_fails(&as_user(&none).output().unwrap(), "has no name on this machine");
}
