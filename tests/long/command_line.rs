//! The options and commands of the program that need a process: `--stop-with-stdin`, `--postgres-bin`, `health`, `completions`, `man`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;

use crate::program::{Program, assert_fails, command, run};

#[test]
fn the_program_stops_with_its_standard_input() {
    let mut command = command(&["--ephemeral", "--stop-with-stdin"]);
    let mut program = Program::of(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200);
    drop(program.take_stdin());
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn the_program_does_not_read_standard_input_without_the_option() {
    let mut command = command(&["--ephemeral"]);
    let program = Program::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200);
}

#[test]
fn health_asks_the_address_of_the_options_or_a_url() {
    let program = Program::start(&["--ephemeral"]);
    for arguments in [
        vec!["health".to_owned(), "--listen".to_owned(), program.address().to_owned()],
        vec!["health".to_owned(), format!("http://{}", program.address())],
        vec!["health".to_owned(), format!("http://{}/", program.address())],
    ] {
        let output = command(&[]).args(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(r#"{"status":"ok""#), "{output:?}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert_fails(&run(&["health", "--listen", &closed]), &format!("the emulator at http://{closed} cannot be reached"));
    let other = format!("http://{}/other", program.address());
    assert_fails(&run(&["health", &other]), "answered 404");
}

/// Returns the addresses of the loopback interface that answer on a port.
fn answering(port: u16) -> Vec<IpAddr> {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    loopback.into_iter().filter(|address| TcpStream::connect((*address, port)).is_ok()).collect()
}

#[test]
fn a_port_alone_and_a_name_are_listened_on_with_all_their_addresses() {
    let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    for arguments in
        [&["--listen", "0"][..], &["--listen", ":0"], &["--port", "0"], &["--listen", "0.0.0.0:1", "--port", "0"]]
    {
        let program =
            Program::of(command(&["--ephemeral"]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()));
        let address: SocketAddr = program.address().parse().unwrap();
        assert_eq!(address.ip(), IpAddr::from(Ipv4Addr::LOCALHOST), "{arguments:?}");
        assert_eq!(answering(address.port()).len(), if has_ipv6 { 2 } else { 1 }, "{arguments:?}");
    }

    let program = Program::start(&["--ephemeral", "--listen", "localhost:0"]);
    assert!(program.address().parse::<SocketAddr>().unwrap().ip().is_loopback());
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);

    let program = Program::start(&["--ephemeral", "--listen", "127.0.0.1:0"]);
    let address: SocketAddr = program.address().parse().unwrap();
    assert_eq!(answering(address.port()), [address.ip()], "an address is listened on alone");
}

#[test]
fn a_place_to_listen_that_cannot_be_used_is_one_clear_error() {
    assert_fails(&run(&["--ephemeral", "--listen", "unknown.invalid:0"]), "unknown.invalid: the name has no address");
    for text in ["localhost", "http://localhost:80", "65536"] {
        let output = command(&["--ephemeral", "--listen", text]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
    }
}

#[test]
fn only_the_chosen_directory_is_searched_for_the_programs_of_postgresql() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    let output = run(&["--ephemeral", "--postgres-bin", empty]);
    assert_fails(&output, "does not contain the programs `initdb` and `postgres` of PostgreSQL 13 or later");
    assert_fails(&output, empty);

    let programs = installed_programs();
    let program = Program::start(&["--ephemeral", "--postgres-bin", programs.to_str().unwrap()]);
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
}

/// Returns a directory with the programs of PostgreSQL: one of `PATH`, or of Debian's packages.
pub fn installed_programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let packages = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&path)
        .chain(packages.map(|version| version.path().join("bin")))
        .find(|directory| directory.join("initdb").exists() && directory.join("postgres").exists())
        .unwrap()
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    for (arguments, expected) in [
        (["completions", "bash"].as_slice(), "_voucherify__emulator()"),
        (&["completions", "zsh"], "#compdef voucherify-emulator"),
        (&["man"], ".TH voucherify-emulator 1"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected), "{arguments:?}");
    }
    assert_eq!(run(&["completions", "tcsh"]).status.code(), Some(2));
}
