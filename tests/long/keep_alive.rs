//! Clients that keep connections for their next request, at the edge of the time for which the server keeps them.

use std::process::{Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use voucherify_emulator::http::{ConnectionLimits, HttpServer};
use voucherify_emulator::metrics::ConnectionGauge;

/// The time that answers announce, and the longer one after which the server closes a connection.
const LIMITS: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(4));

/// Clients of Node.js: an agent that keeps connections, one with a timeout of its own as libraries set it, and `fetch`. Each sends a
/// request, waits, and sends another one; the times that they wait lie around those of the server.
const CLIENTS: &str = r"
const http = require('node:http')
const url = process.argv[1]
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const request = (agent) => new Promise((resolve, reject) => {
  http.get(url, { agent }, (response) => { response.resume(); response.on('end', resolve) }).on('error', reject)
})
const clients = {
  agent: () => { const agent = new http.Agent({ keepAlive: true, timeout: 60000 }); return () => request(agent) },
  fetch: () => () => fetch(url).then((response) => response.text()),
}
async function run() {
  const failures = []
  const worker = async (name, delay) => {
    const send = clients[name]()
    for (let round = 0; round < 2; round++) {
      await send().catch((error) => failures.push(`${name} after ${delay} ms: ${error.cause ?? error}`))
      await wait(delay)
    }
    await send().catch((error) => failures.push(`${name} after ${delay} ms: ${error.cause ?? error}`))
  }
  const workers = []
  for (let delay = 500; delay <= 4400; delay += 25) workers.push(worker('agent', delay), worker('fetch', delay))
  await Promise.all(workers)
  console.log(JSON.stringify(failures))
  process.exit(0)
}
run()
";

async fn serve() -> (HttpServer, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (announced_idle, idle) = LIMITS;
    let limits = ConnectionLimits { idle, announced_idle, ..ConnectionLimits::default() };
    let router = Router::new().route("/", get(|| async { "answer" }));
    (HttpServer::start(vec![listener], router, limits, ConnectionGauge::default(), None), address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_node_lose_no_request_at_the_end_of_an_idle_connection() {
    let (_server, address) = serve().await;
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if node.is_err() {
        eprintln!("skipped: clients_of_node_lose_no_request_at_the_end_of_an_idle_connection needs Node.js");
        return;
    }
    let mut command = Command::new("node");
    command.args(["-e", CLIENTS, &format!("http://{address}/")]).env_remove("NODE_OPTIONS");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "[]", "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_kept_longer_than_it_is_announced() {
    let (_server, address) = serve().await;
    let mut connections = JoinSet::new();
    for number in 0..60 {
        let address = address.clone();
        connections.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let mut exchange = async || {
                stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
                let mut answer = Vec::new();
                while !answer.ends_with(b"answer") {
                    let mut part = [0; 1024];
                    let length = stream.read(&mut part).await.unwrap();
                    assert!(length > 0, "the connection was closed");
                    answer.extend_from_slice(&part[..length]);
                }
                String::from_utf8(answer).unwrap()
            };
            let answer = exchange().await;
            assert!(answer.contains("\r\nkeep-alive: timeout=3\r\n"), "{answer}");
            // Each waits a little less or more than the announced time.
            let until = Instant::now() + LIMITS.0 - Duration::from_millis(300) + Duration::from_millis(number * 10);
            sleep_until(until).await;
            exchange().await;
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended.unwrap();
    }
    let mut idle = TcpStream::connect(&address).await.unwrap();
    sleep(LIMITS.1 + Duration::from_secs(1)).await;
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap(), 0, "an idle connection is closed at last");
}
