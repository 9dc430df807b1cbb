//! A pooler of connections between the emulator and PostgreSQL. The tests need `PgBouncer` and are skipped where it is not installed.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::program::{Program, assert_fails, run, shared_database, wait_until};

/// A running `PgBouncer` in front of the database `shared` of a private cluster. Dropping it stops it.
struct PgBouncer {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    /// Starts `PgBouncer` in one of its modes, with `settings` in the configuration. Returns `None` where it is not installed.
    fn start(sockets: &Path, mode: &str, settings: &str) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (configuration, users) = (folder.path().join("pgbouncer.ini"), folder.path().join("users"));
        fs::write(&users, "\"voucherify\" \"\"\n").unwrap();
        let text = format!(
            "[databases]\nshared = host={} user=voucherify\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\n{settings}\n",
            sockets.display(),
            users.display()
        );
        fs::write(&configuration, text).unwrap();
        // PgBouncer refuses to run as root. The user who owns the data of PostgreSQL may use its socket.
        let mut command = if rustix::process::geteuid().is_root() {
            let owner = fs::metadata(sockets.parent().unwrap().join("postgres")).unwrap();
            let (user, group) =
                (std::os::unix::fs::MetadataExt::uid(&owner), std::os::unix::fs::MetadataExt::gid(&owner));
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups", "pgbouncer"]);
            command
        } else {
            Command::new("pgbouncer")
        };
        if Command::new("pgbouncer").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: pgbouncer is not installed");
            return None;
        }
        let child = command.arg(&configuration).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let url = format!("postgres://voucherify@127.0.0.1:{port}/shared");
        wait_until("PgBouncer listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { child, url, _folder: folder })
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_pooler_in_transaction_mode_is_recognised_and_one_in_session_mode_works() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let host = Program::start(&["--data-dir", data.to_str().unwrap()]);
    shared_database(&data);
    let sockets = data.join("run");
    for (mode, settings) in [
        ("transaction", ""),
        ("transaction", "default_pool_size = 1"),
        ("transaction", "server_round_robin = 1\nmin_pool_size = 5"),
        ("statement", ""),
    ] {
        let Some(pooler) = PgBouncer::start(&sockets, mode, settings) else { return };
        let output = run(&["--database-url", &pooler.url]);
        assert_fails(&output, "DATABASE_URL names a pooler of connections (PgBouncer or another)");
        assert_fails(&output, "name PostgreSQL itself, or a pool in session mode");
    }
    let Some(pooler) = PgBouncer::start(&sockets, "session", "") else { return };
    let program = Program::start(&["--database-url", &pooler.url]);
    assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
    let (status, body) = program.call("POST", "/v1/customers/bulk/async", r#"[{"source_id":"two"}]"#);
    assert_eq!(status, 202, "{body}");
    assert_eq!(program.call("GET", "/_emulator/idle", "").0, 200);
    assert_eq!(program.call("GET", "/v1/customers/two", "").0, 200);
    drop((program, pooler, host));
}
