//! Many connections, and clients that are slow or gone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::Program;

const HALF_A_HEAD: &[u8] = b"GET /v1/customers HTTP/1.1\r\nhost: localhost\r\n";
/// How long the program may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);

fn open(program: &Program, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let connect = || {
        let mut stream = program.connect();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let _ = stream.write_all(bytes);
        stream
    };
    (0..count).map(|_| connect()).collect()
}

fn unfinished_body() -> Vec<u8> {
    b"POST /v1/customers HTTP/1.1\r\nhost: localhost\r\nx-app-id: a\r\nx-app-token: b\r\ncontent-length: 10\r\n\r\n"
        .to_vec()
}

#[track_caller]
fn assert_healthy(program: &Program) {
    let begun = Instant::now();
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// Sends the signal to stop, and returns how long the stop took.
#[track_caller]
fn stop(program: Program) -> Duration {
    let begun = Instant::now();
    assert_eq!(program.end(Signal::TERM).0, Some(0));
    let duration = begun.elapsed();
    assert!(duration < STOP_TIMEOUT, "{duration:?}");
    duration
}

#[test]
fn unfinished_heads_delay_neither_requests_nor_the_stop() {
    let program = Program::start(&["--ephemeral"]);
    let unfinished = open(&program, 300, HALF_A_HEAD);
    assert_healthy(&program);
    assert!(stop(program) < Duration::from_secs(4), "half-open connections are closed at once");
    drop(unfinished);
}

#[test]
fn requests_are_answered_with_few_descriptors_and_many_idle_connections() {
    let program = Program::with_descriptors(256, &["--ephemeral"]);
    let idle = open(&program, 366, b"");
    assert_healthy(&program);
    assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"one"}"#).0, 200);
    let unfinished = open(&program, 200, &unfinished_body());
    assert_healthy(&program);
    stop(program);
    drop((idle, unfinished));
}

#[test]
fn the_program_stops_in_time_with_requests_whose_bodies_never_come() {
    let program = Program::start(&["--ephemeral"]);
    let unfinished = open(&program, 100, &unfinished_body());
    assert_healthy(&program);
    stop(program);
    drop(unfinished);
}

#[test]
fn heads_and_bodies_that_never_come_are_answered_with_408() {
    let program = Program::start(&["--ephemeral"]);
    let begun = Instant::now();
    let answer = |stream: &mut TcpStream| {
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    let mut head = open(&program, 1, HALF_A_HEAD);
    let mut body = open(&program, 1, &unfinished_body());
    let late = answer(&mut head[0]);
    assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
    assert!((10..15).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let late = answer(&mut body[0]);
    assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
    assert!((30..36).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
