//! Generates load over several connections, each with one request at once. Does as little work as possible itself,
//! because it shares the cores with the servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

/// The request that is repeated.
pub enum Request {
    /// Reads one of these rows by its id.
    GetOne(Vec<String>),
    /// Creates a new customer each time or, for the bare program, a row with this document.
    Create(Option<String>),
    /// Lists 100 rows.
    List,
}

/// A server and the path of its collection.
#[derive(Clone)]
pub struct Target {
    address: String,
    path: &'static str,
    /// ID and token of the key, which select the project.
    key: &'static str,
}

/// Returns the body of a customer with all commonly used fields.
pub fn customer(source_id: &str) -> String {
    format!(
        concat!(
            r#"{{"source_id":"{0}","name":"Bob Smith","description":"A frequent customer","email":"{0}@email.com","#,
            r#""phone":"+1 933 222 3333","birthdate":"2022-01-01","address":{{"city":"New York","state":"NY","#,
            r#""line_1":"123 Main St.","line_2":"APT 3 BLG 5","country":"United States","postal_code":"10001"}},"#,
            r#""metadata":{{"lang":"en","test":true,"level":"gold"}}}}"#
        ),
        source_id
    )
}

impl Target {
    pub fn new(address: &str, path: &'static str) -> Self {
        Self { address: address.to_owned(), path, key: "bench" }
    }

    /// Returns a target for another project of the same server.
    pub fn project(&self, key: &'static str) -> Self {
        Self { key, ..self.clone() }
    }

    fn head(&self, method: &str, path: &str, length: usize) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-app-id: {key}\r\nx-app-token: {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n",
            self.address,
            key = self.key
        )
    }

    async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream, buffer: vec![0; 256 * 1024] }
    }

    /// Opens connections that send a part of the head of a request.
    #[allow(dead_code, reason = "not every benchmark has half-open connections")]
    pub async fn half_open_connections(&self, count: usize) -> Vec<TcpStream> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let mut connection = TcpStream::connect(&self.address).await.unwrap();
            connection.write_all(b"GET /v1/customers HTTP/1.1\r\nhost: ").await.unwrap();
            connections.push(connection);
        }
        connections
    }

    /// Sends a `GET` request and returns the body of the answer.
    pub async fn get(&self, path: &str) -> String {
        let mut connection = self.connect().await;
        connection.send_and_read(self.head("GET", path, 0).as_bytes()).await
    }

    /// Sends a `PUT` request without a body and returns the body of the answer.
    #[allow(dead_code, reason = "not every benchmark has such requests")]
    pub async fn put(&self, path: &str) -> String {
        let mut connection = self.connect().await;
        connection.send_and_read(self.head("PUT", path, 0).as_bytes()).await
    }

    /// Sends a `POST` request and returns the body of the answer.
    pub async fn post(&self, path: &str, body: &str) -> String {
        self.post_as("application/json", path, body).await
    }

    /// Does the same as [`Target::post`] with another media type.
    pub async fn post_as(&self, media_type: &str, path: &str, body: &str) -> String {
        let head = self.head("POST", path, body.len()).replace("application/json", media_type);
        self.connect().await.send_and_read((head + body).as_bytes()).await
    }

    /// Creates `count` rows and returns their ids.
    pub async fn fill(&self, count: usize, body: impl Fn(usize) -> String) -> Vec<String> {
        let mut connection = self.connect().await;
        let mut ids = Vec::with_capacity(count);
        for index in 0..count {
            let body = body(index);
            let request = self.head("POST", self.path, body.len()) + &body;
            let answer: serde_json::Value =
                serde_json::from_str(&connection.send_and_read(request.as_bytes()).await).unwrap();
            ids.push(answer["id"].as_str().unwrap().to_owned());
        }
        ids
    }

    /// Sends `count` `POST` requests one after the other, and discards the answers.
    #[allow(dead_code, reason = "not every benchmark has such requests")]
    pub async fn repeat(&self, count: usize, body: impl Fn(usize) -> String) {
        let mut connection = self.connect().await;
        for index in 0..count {
            let body = body(index);
            let request = self.head("POST", self.path, body.len()) + &body;
            connection.send_and_discard(request.as_bytes()).await;
        }
    }

    /// Repeats a request over `connections` connections for `time`, and returns the answers per second.
    pub async fn rate(&self, request: &Request, connections: usize, time: Duration) -> f64 {
        let texts: Arc<Vec<String>> = Arc::new(match request {
            Request::GetOne(ids) => ids.iter().map(|id| self.head("GET", &format!("{}/{id}", self.path), 0)).collect(),
            Request::Create(Some(document)) => vec![self.head("POST", self.path, document.len()) + document],
            Request::Create(None) => Vec::new(),
            Request::List => vec![self.head("GET", &format!("{}?limit=100", self.path), 0)],
        });
        let started = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..connections {
            let (mut connection, texts) = (self.connect().await, Arc::clone(&texts));
            let target = self.clone();
            tasks.push(tokio::spawn(async move {
                let mut answers = 0_u32;
                while started.elapsed() < time {
                    let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
                    if texts.is_empty() {
                        let body = customer(&format!("new-{number}"));
                        let text = target.head("POST", target.path, body.len()) + &body;
                        connection.send_and_discard(text.as_bytes()).await;
                    } else {
                        // Multiply by a prime to visit the rows in no particular order.
                        let index = usize::try_from(number.wrapping_mul(7_919)).unwrap() % texts.len();
                        connection.send_and_discard(texts[index].as_bytes()).await;
                    }
                    answers += 1;
                }
                answers
            }));
        }
        let mut answers = 0;
        for task in tasks {
            answers += task.await.unwrap();
        }
        f64::from(answers) / started.elapsed().as_secs_f64()
    }

    /// Creates `per_second` rows per second over `connections` connections for `time`, and returns their number. A
    /// connection that is late catches up.
    #[allow(dead_code, reason = "not every benchmark has a constant rate")]
    pub async fn create_at(&self, per_second: u32, connections: u32, time: Duration) -> u32 {
        let total = per_second * u32::try_from(time.as_secs()).unwrap();
        let started = Instant::now();
        let mut tasks = Vec::new();
        for first in 0..connections {
            let (mut connection, target) = (self.connect().await, self.clone());
            tasks.push(tokio::spawn(async move {
                for number in (first..total).step_by(usize::try_from(connections).unwrap()) {
                    let due = started + Duration::from_secs(1) * number / per_second;
                    tokio::time::sleep_until(due.into()).await;
                    let body = customer(&format!("paced-{}", NEXT_NUMBER.fetch_add(1, Ordering::Relaxed)));
                    connection
                        .send_and_discard((target.head("POST", target.path, body.len()) + &body).as_bytes())
                        .await;
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        total
    }
}

/// Returns the median.
pub fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Sends a request and reads its answer. The body is in the buffer at the returned range.
    async fn send(&mut self, request: &[u8]) -> std::ops::Range<usize> {
        self.stream.write_all(request).await.unwrap();
        let mut filled = 0;
        let mut end = None;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            filled += read;
            if end.is_none() {
                end = body_range(&self.buffer[..filled]);
            }
            if let Some(body) = &end
                && filled >= body.end
            {
                return body.clone();
            }
        }
    }

    async fn send_and_read(&mut self, request: &[u8]) -> String {
        let body = self.send(request).await;
        String::from_utf8(self.buffer[body].to_vec()).unwrap()
    }

    async fn send_and_discard(&mut self, request: &[u8]) {
        self.send(request).await;
    }
}

/// Returns the range of the body of an answer, once its head has been received. A status other than 20x ends the
/// benchmark.
fn body_range(answer: &[u8]) -> Option<std::ops::Range<usize>> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&answer[..head]).unwrap();
    assert!(text.starts_with("HTTP/1.1 20"), "{text}");
    let length = text.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    Some(head + 4..head + 4 + length.parse::<usize>().unwrap())
}
