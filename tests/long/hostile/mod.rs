//! Hostile clients: random requests, most of them wrong, on raw connections.
//!
//! No request may cause another error of the server than the documented ones, break or close a connection without an announcement, or
//! change the data of another project. `HOSTILE_REQUESTS` is the number of requests, `HOSTILE_SEED` selects other requests.

mod connection;
mod random;
mod requests;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::Program;
use connection::{Connection, Response};
use random::Random;
use requests::{Framing, Identifiers, Keys, Request};

const DEFAULT_REQUESTS: usize = 30_000;
const DEFAULT_SEED: u64 = 20_261_128;
/// How many clients send at the same time.
const CLIENTS: usize = 6;
/// After how many connections the keys are replaced.
const CONNECTIONS_PER_KEYS: u64 = 100;
/// The time limit of a request of the emulator, after which 503 is the documented response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What the clients of one run saw.
#[derive(Default)]
struct Outcome {
    requests: AtomicUsize,
    aborted: AtomicUsize,
    statuses: Mutex<BTreeMap<u16, usize>>,
    failures: Mutex<Vec<Failure>>,
}

struct Failure {
    problem: String,
    /// The request, and what came before it.
    request: String,
}

impl Outcome {
    fn fail(&self, number: u64, previous: Option<u16>, request: &[u8], problem: &str) {
        let start = String::from_utf8_lossy(&request[..request.len().min(700)]).into_owned();
        let request = format!("connection {number}, after {previous:?}: {start:?}");
        self.failures.lock().unwrap().push(Failure { problem: problem.to_owned(), request });
    }
}

/// Returns how often each problem occurred, with an example of each.
fn summary(failures: &[Failure]) -> String {
    let mut problems: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for failure in failures {
        problems.entry(&failure.problem).or_default().push(&failure.request);
    }
    let lines = problems.iter().take(20).map(|(problem, requests)| {
        let count = requests.len();
        format!("\n{count} times {problem}\n  for example {}", requests[0])
    });
    format!("{} failures{}", failures.len(), lines.collect::<String>())
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

#[test]
fn hostile_requests_get_documented_responses_and_spoil_no_connection() {
    let seed = number_from("HOSTILE_SEED").unwrap_or(DEFAULT_SEED);
    let limit = number_from("HOSTILE_REQUESTS").map_or(DEFAULT_REQUESTS, |count| usize::try_from(count).unwrap());
    let program = Program::start(&["--ephemeral"]);
    create_data(&program);
    let before = data(&program);
    let (outcome, next, started) = (Outcome::default(), AtomicU64::new(0), Instant::now());
    scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while outcome.requests.load(Ordering::Relaxed) < limit {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    run_connection(&program, seed, number, &outcome);
                }
            });
        }
    });
    let statuses = outcome.statuses.into_inner().unwrap();
    println!(
        "{} requests on {} connections in {:.1} s, {} aborted; statuses {statuses:?}",
        outcome.requests.load(Ordering::Relaxed),
        next.load(Ordering::Relaxed),
        started.elapsed().as_secs_f32(),
        outcome.aborted.load(Ordering::Relaxed),
    );
    let failures = outcome.failures.into_inner().unwrap();
    assert!(failures.is_empty(), "HOSTILE_SEED={seed}: {}", summary(&failures));
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200, "the server still answers (HOSTILE_SEED={seed})");
    assert_eq!(data(&program), before, "the data of another project has changed (HOSTILE_SEED={seed})");
    assert_eq!(program.call("POST", "/v1/customers", r#"{"source_id":"after"}"#).0, 200);
}

/// Stores data with the keys of [`Program::call`], which no hostile request has.
fn create_data(program: &Program) {
    for number in 0..5 {
        let customer = json!({"source_id": format!("c{number}"), "name": "Ann", "metadata": {"n": number}});
        let order = json!({"source_id": format!("o{number}"), "amount": 100, "status": "PAID", "customer": customer});
        assert_eq!(program.call("POST", "/v1/orders", &order.to_string()).0, 200);
    }
    let segment = json!({"name": "S", "type": "auto-update",
        "filter": {"junction": "and", "name": {"conditions": {"$is": ["Ann"]}}}});
    assert_eq!(program.call("POST", "/v1/segments", &segment.to_string()).0, 200);
    let body = json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    assert_eq!(program.call("POST", "/management/v1/projects", &body.to_string()).0, 200);
}

/// Returns all data of the project with the keys of [`Program::call`].
fn data(program: &Program) -> Vec<(u16, String)> {
    let paths = [
        "/v1/customers?limit=100",
        "/v1/orders?limit=100",
        "/v1/segments",
        "/v1/customers/c1",
        "/v1/customers/c1/activity",
        "/v1/customers/c1/segments",
        "/v1/async-actions",
        "/v1/exports",
        "/v1/metadata-schemas",
        "/_emulator/keys",
        "/_emulator/project",
        "/_emulator/webhooks",
        "/management/v1/projects",
    ];
    let answers: Vec<_> = paths.iter().map(|path| program.call("GET", path, "")).collect();
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    answers
}

/// Sends a few requests on one connection, which depend on the seed and the number of the connection.
fn run_connection(program: &Program, seed: u64, number: u64, outcome: &Outcome) {
    let mut random = Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(number));
    let keys = Keys { name: format!("hostile-{seed}-{}", number / CONNECTIONS_PER_KEYS) };
    let mut identifiers = Identifiers::new();
    let Ok(mut connection) = Connection::open(program.address()) else {
        return outcome.fail(number, None, b"", "a connection was refused");
    };
    let mut previous = None;
    for _ in 0..=random.below(8) {
        let count = if random.one_in(6) { 2 + random.below(5) } else { 1 };
        let mut batch = Vec::new();
        while batch.len() < count {
            let request = requests::request(&mut random, program.address(), &keys, &identifiers);
            let is_last = request.framing != Framing::Valid;
            batch.push(request);
            if is_last {
                break;
            }
        }
        outcome.requests.fetch_add(batch.len(), Ordering::Relaxed);
        let bytes: Vec<u8> = batch.iter().flat_map(|request| request.bytes.iter().copied()).collect();
        if random.one_in(30) {
            // A client that disconnects in the middle of a request or before the response.
            connection.send(&bytes[..random.below(bytes.len() + 1)]);
            sleep(Duration::from_millis(random.below(3) as u64));
            outcome.aborted.fetch_add(batch.len(), Ordering::Relaxed);
            return;
        }
        let sent = Instant::now();
        send(&mut random, &mut connection, &bytes);
        for request in batch {
            let fail = |problem: &str| outcome.fail(number, previous, &request.bytes, problem);
            let response = match connection.response(request.is_head) {
                Ok(response) => response,
                Err(problem) => return fail(&problem),
            };
            *outcome.statuses.lock().unwrap().entry(response.status).or_default() += 1;
            if let Err(problem) = check(&request, &response, sent.elapsed()) {
                fail(&problem);
            }
            if response.is_last() {
                if let Err(problem) = connection.expect_end() {
                    fail(&problem);
                }
                return;
            }
            match request.framing {
                Framing::Valid => collect_identifiers(&response, &mut identifiers),
                Framing::Last => return fail("the end of the connection is not announced"),
                Framing::Malformed => return,
            }
            previous = Some(response.status);
        }
        // A server that closes the connection without an announcement mostly does so shortly after the response.
        if random.one_in(4) {
            sleep(Duration::from_millis(1));
        }
        if let Err(problem) = connection.expect_open() {
            return outcome.fail(number, previous, &bytes, &problem);
        }
    }
}

/// Sends bytes in one or in several writes.
fn send(random: &mut Random, connection: &mut Connection, bytes: &[u8]) {
    let mut rest = bytes;
    if random.one_in(4) {
        // The head and the body of a request in separate writes, as many clients send them.
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |end| end + 4);
        let places = [end, random.below(bytes.len()), random.below(bytes.len().min(200)), 1];
        let mut places: Vec<_> = places[..=random.below(4)].to_vec();
        places.sort_unstable();
        for place in places {
            let done = bytes.len() - rest.len();
            let (piece, after) = rest.split_at(place.saturating_sub(done).min(rest.len()));
            connection.send(piece);
            rest = after;
            sleep(Duration::from_micros(random.below(1_500) as u64));
        }
    }
    connection.send(rest);
}

/// Checks a response by itself.
fn check(request: &Request, response: &Response, elapsed: Duration) -> Result<(), String> {
    let text = String::from_utf8_lossy(&response.body[..response.body.len().min(300)]).into_owned();
    let status = response.status;
    let is_documented = status == 501 || (status == 503 && elapsed >= REQUEST_TIMEOUT);
    if status >= 500 && !is_documented {
        return Err(format!("{status} {text}"));
    }
    if request.framing == Framing::Malformed && !(400..500).contains(&status) {
        return Err(format!("{status} for a malformed request"));
    }
    let media = response.header("content-type").unwrap_or_default();
    if request.is_head || status == 204 || status == 304 {
        return if response.body.is_empty() { Ok(()) } else { Err(format!("a body with {status}")) };
    }
    // The response to a preflight request is empty.
    if response.body.is_empty() && status == 200 && request.bytes.starts_with(b"OPTIONS ") {
        return Ok(());
    }
    if status < 400
        && media.starts_with("text/")
        && (request.path.contains("/exports/") || request.path.contains("/reports/"))
    {
        return Ok(());
    }
    let is_metrics_format = media.starts_with("text/plain") || media.starts_with("application/openmetrics-text");
    if status == 200 && is_metrics_format && request.path.starts_with("/_emulator/metrics") {
        return if text.starts_with("# ") { Ok(()) } else { Err(format!("metrics without a comment first: {text}")) };
    }
    if request.path.to_lowercase().starts_with("/stickystreet") && !media.starts_with("application/json") {
        let is_xml = media.starts_with("text/xml") && text.trim_start().starts_with('<');
        let is_script = media.starts_with("application/javascript");
        return if is_xml || is_script { Ok(()) } else { Err(format!("{status} {media:?} {text}")) };
    }
    if !media.starts_with("application/json") {
        return Err(format!("{status} with the content type {media:?}: {text}"));
    }
    let body: Value = serde_json::from_slice(&response.body).map_err(|error| format!("{status} {error}: {text}"))?;
    let is_vendor_error = body.get("code").or(body.get("statusCode")).is_some_and(|code| *code == status)
        || (request.path.contains("/oauth/") && body.get("error").is_some_and(Value::is_string))
        || body.get("status").is_some_and(|status| status == "error");
    if status >= 400 && !is_vendor_error {
        return Err(format!("{status} without the vendor's error body: {text}"));
    }
    Ok(())
}

/// Adds the identifiers of a successful response.
fn collect_identifiers(response: &Response, identifiers: &mut Identifiers) {
    if response.status != 200 || identifiers.len() > 20 {
        return;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&response.body) else { return };
    for name in ["id", "async_action_id", "app_id"] {
        if let Some(id) = body.get(name).and_then(Value::as_str) {
            identifiers.push(id.to_owned());
        }
    }
}
