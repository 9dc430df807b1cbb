//! The program in unusual environments: variables of other programs, a closed terminal, a PostgreSQL that hangs.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Signal, kill_process};

use crate::program::{Program, command, postmaster, run, shared_database, wait_until};

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
    ] {
        command.env(name, value);
    }
    let program = Program::of(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
}

#[test]
fn a_hangup_stops_the_program_and_removes_the_data() {
    let temporary = tempfile::tempdir().unwrap();
    std::fs::set_permissions(temporary.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = command(&["--ephemeral"]);
    let program = Program::of(command.env("TMPDIR", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
    assert_eq!(program.end(Signal::HUP), (Some(0), String::new()));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
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
