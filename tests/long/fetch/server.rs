//! A server of releases, as the host from which PostgreSQL is fetched is one.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// What happens to a request for an archive instead of a whole answer.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Status(u16),
    /// The connection is closed after that many bytes of the body.
    CloseAfter(usize),
    /// Nothing follows that many bytes of the body, and the connection stays open.
    HangAfter(usize),
}

#[derive(Default)]
struct State {
    files: HashMap<String, Vec<u8>>,
    faults: VecDeque<Fault>,
    ignores_ranges: bool,
    /// The ranges of the requests for archives; empty for the whole archive.
    ranges: Vec<String>,
}

/// A server that runs until the end of the process.
#[derive(Clone)]
pub struct ReleaseServer {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl ReleaseServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let state = Arc::clone(&server.state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || answer(stream, &state));
            }
        });
        server
    }

    /// The URL of the releases.
    pub fn url(&self) -> String {
        format!("http://user:secret@127.0.0.1:{}/releases", self.port)
    }

    /// Publishes an archive with its checksum.
    pub fn publish(&self, version: &str, name: &str, archive: Vec<u8>) {
        let digest: Vec<String> = Sha256::digest(&archive).iter().map(|byte| format!("{byte:02X}")).collect();
        self.publish_checksum(version, name, &format!("{}  {name}.tar.gz\n", digest.concat()));
        self.state.lock().unwrap().files.insert(format!("/releases/{version}/{name}.tar.gz"), archive);
    }

    pub fn publish_checksum(&self, version: &str, name: &str, text: &str) {
        let path = format!("/releases/{version}/{name}.tar.gz.sha256");
        self.state.lock().unwrap().files.insert(path, text.into());
    }

    /// Lets the next requests for archives meet these faults.
    pub fn add_faults(&self, faults: &[Fault]) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    pub fn ignore_ranges(&self) {
        self.state.lock().unwrap().ignores_ranges = true;
    }

    /// Returns the ranges of the requests for archives since the last call.
    pub fn take_ranges(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().ranges)
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(path) = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)) else { return };
    let headers: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let range = headers.iter().find_map(|line| line.strip_prefix("range: ")).unwrap_or_default().to_owned();
    let (file, fault, from) = {
        let mut state = state.lock().unwrap();
        let is_archive = !path.ends_with("sha256");
        let fault = if is_archive { state.faults.pop_front() } else { None };
        let from: usize =
            range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok()).unwrap_or(0);
        let from = if state.ignores_ranges { 0 } else { from };
        if is_archive {
            state.ranges.push(range);
        }
        (state.files.get(&path).cloned(), fault, from)
    };
    let (status, body) = match (file, fault) {
        (_, Some(Fault::Status(status))) => (status, Vec::new()),
        (None, _) => (404, b"Not Found".to_vec()),
        (Some(file), _) if from >= file.len() => (416, Vec::new()),
        (Some(file), _) => (if from > 0 { 206 } else { 200 }, file[from..].to_vec()),
    };
    let sent = match fault {
        Some(Fault::CloseAfter(bytes) | Fault::HangAfter(bytes)) => &body[..bytes.min(body.len())],
        _ => &body[..],
    };
    let total = from + body.len();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{total}\r\nconnection: close\r\n\r\n",
        body.len(),
        total.saturating_sub(1)
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
    if matches!(fault, Some(Fault::HangAfter(_))) {
        thread::sleep(Duration::from_mins(1));
    }
}
