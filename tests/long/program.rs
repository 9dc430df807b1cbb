//! The program as a process: start, requests, stop and kill.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// A running program, which is killed when the test ends.
pub struct Program {
    child: Child,
    address: String,
    rest: BufReader<std::process::ChildStdout>,
}

impl Program {
    pub fn start(arguments: &[&str]) -> Self {
        Self::of(command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()))
    }

    /// Starts the program with a limit of file descriptors.
    pub fn with_descriptors(limit: u32, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            &format!("ulimit -n {limit} && exec \"$0\" \"$@\""),
            env!("CARGO_BIN_EXE_voucherify-emulator"),
        ]);
        Self::of(configured(shell, arguments).stdout(Stdio::piped()).stderr(Stdio::null()))
    }

    /// Runs a command that starts the program and whose standard output is piped.
    pub fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut rest = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        rest.read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("voucherify-emulator ready on http://").expect("the ready line").to_owned();
        Self { child, address, rest }
    }

    /// Returns the address that the program listens on.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request with server keys and management keys, and returns the status and the body of the response.
    /// The first request creates the project or the organisation of the keys.
    pub fn call(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.call_with_keys(("a", "b"), method, path, body)
    }

    /// Does the same as [`Program::call`] with other server keys: id and token.
    pub fn call_with_keys(&self, keys: (&str, &str), method: &str, path: &str, body: &str) -> (u16, String) {
        call(&self.address, keys, method, path, body)
    }

    /// Sends requests with the keys of [`Program::call`] one after the other on one connection. Each must succeed.
    pub fn post_all(&self, path: &str, bodies: impl Iterator<Item = String>) {
        let mut stream = BufReader::new(self.connect());
        for body in bodies {
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-app-id: a\r\nx-app-token: b\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.get_mut().write_all((head + &body).as_bytes()).unwrap();
            let (mut length, mut line) = (0, String::new());
            stream.read_line(&mut line).unwrap();
            assert!(line.starts_with("HTTP/1.1 200"), "{line}");
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            stream.read_exact(&mut vec![0; length]).unwrap();
        }
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// Returns the ID of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the peak of the resident memory in bytes, without that of PostgreSQL. Linux only.
    pub fn peak_memory(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Returns the resident memory in bytes, without that of PostgreSQL. Linux only.
    pub fn resident_memory(&self) -> u64 {
        self.memory("VmRSS:")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let kibibytes = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        kibibytes.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Returns the pipe of the standard input, if the command was started with one.
    pub fn take_stdin(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for the end of the program, and returns its exit status.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Sends `signal`, waits for the end of the program, and returns its exit status and the rest of its output.
    pub fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        self.signal(signal);
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        self.rest.read_to_string(&mut rest).unwrap();
        (status.code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(arguments: &[&str]) -> Command {
    configured(Command::new(env!("CARGO_BIN_EXE_voucherify-emulator")), arguments)
}

pub fn configured(mut command: Command, arguments: &[&str]) -> Command {
    command.env_remove("DATABASE_URL").env("VOUCHERIFY_EMULATOR_LISTEN", "127.0.0.1:0").args(arguments);
    set_cache_home(&mut command, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("home"));
    command
}

/// Makes a program use a cache directory below `home` instead of that of the user.
pub fn set_cache_home(command: &mut Command, home: &Path) {
    command.env("HOME", home).env("XDG_CACHE_HOME", home);
}

/// Sends a request with server keys to the program at this address. The status is 0 where there is no answer.
pub fn call(address: &str, (id, token): (&str, &str), method: &str, path: &str, body: &str) -> (u16, String) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nx-app-id: {id}\r\nx-app-token: {token}\r\nx-management-id: c\r\nx-management-token: d\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(address, request.as_bytes())
}

fn exchange(address: &str, request: &[u8]) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(address) else { return (0, String::new()) };
    stream.set_read_timeout(Some(Duration::from_mins(5))).unwrap();
    // The server may respond and close the connection before it has read the whole request.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, body.to_owned())
}

/// Runs the program, which must end within ten seconds.
pub fn run(arguments: &[&str]) -> Output {
    let start = Instant::now();
    let output = command(arguments).output().unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
    output
}

#[track_caller]
pub fn assert_fails(output: &Output, message: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{text}");
    assert!(text.contains(message), "{text}");
}

pub fn postmaster(data: &Path) -> Pid {
    let text = std::fs::read_to_string(data.join("postgres/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// Creates a database in the private cluster of a running program and returns its URL.
pub fn shared_database(data: &Path) -> String {
    let sockets = data.join("run");
    let url = |database: &str| format!("postgres://voucherify@localhost/{database}?host={}", sockets.display());
    let admin = url("postgres");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        use sqlx::{Connection, Executor};
        let mut connection = sqlx::PgConnection::connect(&admin).await.unwrap();
        connection.execute("CREATE DATABASE shared").await.unwrap();
    });
    url("shared")
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_program_prints_one_ready_line_serves_requests_and_stops_on_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let program = Program::start(&["--ephemeral"]);
        assert_eq!(program.call("GET", "/_emulator/health", "").0, 200);
        assert_eq!(program.end(signal), (Some(0), String::new()));
    }
}

/// Starts the program on an address, stops it, and returns its standard output and its standard error.
pub fn outputs_of_a_start(listen: &str, arguments: &[&str]) -> (String, String) {
    let mut child = command(&["--ephemeral", "--listen", listen])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut printed = String::new();
    out.read_line(&mut printed).unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    out.read_to_string(&mut printed).unwrap();
    let output = child.wait_with_output().unwrap();
    (printed, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_start_beyond_loopback_with_built_in_keys_logs_one_warning() {
    let own_server_keys = ["--app-id", "mine", "--app-token", "secret"];
    let own_keys = [&own_server_keys[..], &["--client-token", "secret", "--management-token", "secret"]].concat();
    for (listen, arguments, options) in [
        ("0.0.0.0:0", &[][..], Some("--app-id, --client-app-id, --management-id")),
        ("0.0.0.0:0", &own_server_keys[..], Some("--client-app-id, --management-id")),
        ("0.0.0.0:0", &own_keys[..], None),
        ("127.0.0.1:0", &[][..], None),
    ] {
        let (printed, log) = outputs_of_a_start(listen, arguments);
        assert_eq!(printed.lines().count(), 1, "{printed}");
        let warnings: Vec<_> = log.lines().filter(|line| line.contains("other machines can reach")).collect();
        assert_eq!(warnings.len(), usize::from(options.is_some()), "{log}");
        for warning in warnings {
            let expected = format!("the built-in keys of {} are public", options.unwrap_or_default());
            assert!(warning.contains("WARN") && warning.contains(&expected), "{warning}");
            assert!(warning.contains("--strict-auth"), "{warning}");
        }
    }
}

#[test]
fn kept_data_survives_a_restart_and_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // The user of PostgreSQL must be able to enter the directory.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let program = Program::start(&arguments);
    assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
    assert_eq!(program.end(Signal::TERM).0, Some(0));

    let program = Program::start(&arguments);
    assert_eq!(program.call("GET", "/v1/customers/one", "").0, 200);
    assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"two"}"#).0, 200);
    let orphan = postmaster(&data);
    program.end(Signal::KILL);

    let program = Program::start(&arguments);
    assert_eq!(program.call("GET", "/v1/customers/two", "").0, 200, "an acknowledged write is on disk");
    assert_ne!(postmaster(&data), orphan);
    wait_until("PostgreSQL of the killed emulator ends", || test_kill_process(orphan).is_err());
    let now = postmaster(&data);
    program.end(Signal::TERM);
    wait_until("PostgreSQL ends with the emulator", || test_kill_process(now).is_err());
}

#[test]
fn an_orphaned_postgresql_is_stopped_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let program = Program::start(&arguments);
    // A stopped process handles the signal of its parent's death only after SIGCONT.
    let orphan = postmaster(&data);
    kill_process(orphan, Signal::STOP).unwrap();
    program.end(Signal::KILL);
    let started = std::thread::spawn(move || Program::start(&["--data-dir", data.to_str().unwrap()]));
    std::thread::sleep(Duration::from_millis(300));
    kill_process(orphan, Signal::CONT).unwrap();
    let program = started.join().unwrap();
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200);
}

#[test]
fn a_data_directory_that_is_in_use_or_has_other_files_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let program = Program::start(&["--data-dir", data.to_str().unwrap()]);
    assert_fails(&run(&["--data-dir", data.to_str().unwrap()]), "is in use by another voucherify-emulator");
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200, "the first program is not disturbed");
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.tex"), "").unwrap();
    assert_fails(&run(&["--data-dir", other.to_str().unwrap()]), "holds something else");
}

#[test]
fn a_used_port_and_an_unreachable_database_fail_the_start() {
    let used = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = used.local_addr().unwrap().to_string();
    let output = run(&["--ephemeral", "--listen", &address]);
    assert_fails(&output, "--listen 127.0.0.1:0 picks a free port");
    assert_fails(&output, &format!("(process {}) listens there", std::process::id()));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_fails(&run(&["--database-url", &format!("postgres://x@{closed}/x")]), "the database cannot be reached");
    // The listener accepts connections and never responds.
    assert_fails(&run(&["--database-url", &format!("postgres://x@{address}/x?sslmode=disable")]), "did not answer");
    assert_fails(&run(&["--database-url", "mysql://x"]), "DATABASE_URL is not a PostgreSQL URL");
}

#[test]
fn requests_succeed_again_after_a_crash_of_postgresql() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let program = Program::start(&["--data-dir", data.to_str().unwrap()]);
    assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
    kill_process(postmaster(&data), Signal::KILL).unwrap();
    let mut statuses = Vec::new();
    wait_until("the database is available again", || {
        let (status, body) = program.call("GET", "/v1/customers/one", "");
        assert!(status == 200 || status == 503, "{status} {body}");
        statuses.push(status);
        status == 200 && statuses.len() > 1 && statuses.contains(&503)
    });
}

#[test]
fn several_programs_start_concurrently_on_one_new_database() {
    // The other programs use a database in the private cluster of the first.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let host = Program::start(&["--data-dir", data.to_str().unwrap()]);
    let url = shared_database(&data);
    let starts: Vec<_> = (0..3)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || Program::start(&["--database-url", &url]))
        })
        .collect();
    let programs: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    assert_eq!(programs[0].call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
    assert_eq!(programs[2].call("GET", "/v1/customers/one", "").0, 200, "they share their state");
    let migrated = run(&["migrate", "--database-url", &url]);
    assert_eq!((migrated.status.code(), migrated.stdout.len()), (Some(0), 0));
    // Without Citus, nothing is distributed.
    for _ in 0..2 {
        let distributed = run(&["migrate", "--distribute", "--database-url", &url]);
        assert_eq!((distributed.status.code(), distributed.stdout.len()), (Some(0), 0));
        let log = String::from_utf8_lossy(&distributed.stderr).into_owned();
        assert!(log.contains("the database has no extension citus, so nothing was distributed"), "{log}");
    }
    assert_eq!(programs[1].call("GET", "/v1/customers/one", "").0, 200);
    drop(host);
}

#[test]
fn requests_in_flight_finish_before_the_program_stops() {
    let program = Program::start(&["--ephemeral"]);
    let body = r#"{"source_id":"late"}"#;
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nhost: x\r\nx-app-id: a\r\nx-app-token: b\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // The body arrives after the signal.
    let mut stream = TcpStream::connect(&program.address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    program.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(100));
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(program.end(Signal::TERM).0, Some(0));
}

#[test]
fn malformed_requests_get_json_responses() {
    let program = Program::start(&["--ephemeral"]);
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000));
    let long_header = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(600_000));
    let many_headers = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(200));
    let requests: [(&[u8], u16); 14] = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /v1/customers/<\x01> HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx-\x00: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: \x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST /v1/customers HTTP/1.1\r\nhost: x\r\nx-app-id: a\r\nx-app-token: b\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-app-id: \xff\xfe\r\n\r\n", 404),
        (b"GET /v1/customers HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-app-id: \xff\r\nx-app-token: b\r\n\r\n", 401),
        (b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 404),
        (b"BREW /v1/customers HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 405),
        (long_path.as_bytes(), 414),
        (long_header.as_bytes(), 431),
        (many_headers.as_bytes(), 431),
    ];
    for (request, expected) in requests {
        let (status, body) = exchange(&program.address, request);
        let sent = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        assert_eq!(status, expected, "{sent}: {body}");
        let error: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{sent}: {body:?}"));
        assert!(error.get("statusCode").or(error.get("code")).is_some_and(|code| *code == expected), "{sent}: {body}");
    }
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200, "the program still serves requests");
}

#[test]
fn a_body_over_the_limit_gets_a_complete_413_response() {
    let program = Program::start(&["--ephemeral"]);
    let body = format!(r#"{{"metadata":{{"x":"{}"}}}}"#, "x".repeat(8_000_000));
    let (status, answer) = program.call("POST", "/v1/customers", &body);
    assert_eq!(status, 413, "{answer}");
    assert!(answer.contains("Payload content length greater than maximum allowed: 1048576"));
}

#[test]
fn a_closed_connection_does_not_interrupt_its_request() {
    let program = Program::start(&["--ephemeral"]);
    for number in 0..40 {
        let body = format!(r#"{{"amount":1,"source_id":"o{number}","customer":{{"source_id":"c{number}"}}}}"#);
        let mut stream = TcpStream::connect(&program.address).unwrap();
        let head = format!(
            "POST /v1/orders HTTP/1.1\r\nhost: x\r\nx-app-id: a\r\nx-app-token: b\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        // The request has started after this time and is mostly not finished.
        std::thread::sleep(Duration::from_micros(700));
        drop(stream);
    }
    // Every request that started was completed: each customer that was created with an order has its order.
    wait_until("as many orders as customers", || {
        let total = |path: &str| {
            let (status, answer) = program.call("GET", path, "");
            assert_eq!(status, 200);
            serde_json::from_str::<serde_json::Value>(&answer).unwrap()["total"].clone()
        };
        total("/v1/orders") == total("/v1/customers")
    });
}

#[test]
fn the_log_contains_the_request_and_no_customer_data() {
    let mut child =
        command(&["--ephemeral", "--log", "debug"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut rest = BufReader::new(child.stdout.take().unwrap());
    rest.read_line(&mut line).unwrap();
    let address = line.trim().rsplit("http://").next().unwrap().to_owned();
    let mut log = child.stderr.take().unwrap();
    let program = Program { child, address, rest };
    let customer = r#"{"source_id":"needle@hay.stack","name":"needle","metadata":{"k":"needle"}}"#;
    assert_eq!(program.call("POST", "/v1/customers", customer).0, 200);
    assert_eq!(program.call("GET", "/v1/customers/needle@hay.stack?name=needle", "").0, 200);
    // Requests to the StickyStreet API carry the keys in the query.
    for more in [
        "user_password=needle",
        "user_password=b&account_id=needle",
        "user_password=b&account_id=a&type=customer_delete",
    ] {
        let path = format!("/stickystreet/?user_id=a&code=needle@hay.stack&{more}");
        assert_eq!(program.call("GET", &path, "").0, 200);
    }
    let (_, body) = program.call("GET", "/v1/customers/another-needle", "");
    let request_id =
        serde_json::from_str::<serde_json::Value>(&body).unwrap()["request_id"].as_str().unwrap().to_owned();
    program.end(Signal::TERM);
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    assert!(text.contains(&request_id) && text.contains("/v1/customers/{customerId}"), "{text}");
    assert!(!text.contains("needle"), "{text}");
}

#[test]
fn the_start_logs_a_warning_for_configured_keys_that_were_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // The user of PostgreSQL must be able to enter the directory.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let arguments = ["--data-dir", data.to_str().unwrap(), "--app-id", "a", "--app-token", "b"];
    let program = Program::start(&arguments);
    let client = voucherify_emulator::config::DEFAULT_CLIENT_APP_ID;
    for path in [format!("client/{client}"), "server/a".to_owned()] {
        assert_eq!(program.call("DELETE", &format!("/_emulator/keys/{path}"), "").0, 204);
    }
    program.end(Signal::TERM);
    let mut child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut rest = BufReader::new(child.stdout.take().unwrap());
    rest.read_line(&mut line).unwrap();
    let mut log = child.stderr.take().unwrap();
    let program = Program { child, address: line.trim().rsplit("http://").next().unwrap().to_owned(), rest };
    assert_eq!(program.call("GET", "/v1/customers", "").0, 401);
    program.end(Signal::TERM);
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    let warned = |option: &str| text.lines().any(|line| line.contains("was revoked") && line.contains(option));
    assert!(warned("--app-id") && warned("--client-app-id") && !warned("--management-id"), "{text}");
}
