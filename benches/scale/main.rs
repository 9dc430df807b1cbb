//! Compares the time of every kind of request on a small database and on a large one, which has a million customers in
//! one project and ten thousand other projects. See `benches/README.md`.
//!
//! `cargo bench --bench scale` prints the times. `-- plans` also prints PostgreSQL's query plans on the large database,
//! which needs its `auto_explain` module.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that fails may stop")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use voucherify_emulator::postgres::{Cluster, Durability, Programs};

const SMALL_CUSTOMERS: i64 = 1_000;
const LARGE_CUSTOMERS: i64 = 1_000_000;
const OTHER_PROJECTS: i64 = 10_000;
/// Measured calls of each request.
const CALLS: usize = 150;
/// Calls before those that are measured.
const WARM_UP_CALLS: usize = 20;

fn main() {
    let with_plans = std::env::args().any(|argument| argument == "plans");
    let cluster = Cluster::start(&Durability::Ephemeral, &Programs::default()).unwrap();
    let small = Database::new(&cluster, "small", SMALL_CUSTOMERS, 0);
    let large = Database::new(&cluster, "large", LARGE_CUSTOMERS, OTHER_PROJECTS);
    println!("{:<44} {:>10} {:>10} {:>6}", "request, median of ms", "small", "large", "ratio");
    let (small_server, large_server) = (small.serve(), large.serve());
    for (name, call) in CALLS_TO_COMPARE {
        let (mut on_small, mut on_large) = (Vec::new(), Vec::new());
        for number in 0..CALLS + WARM_UP_CALLS {
            let (small_time, large_time) =
                (small_server.time(&small, call, number), large_server.time(&large, call, number));
            if number >= WARM_UP_CALLS {
                on_small.push(small_time);
                on_large.push(large_time);
            }
        }
        let (small_time, large_time) = (median(&mut on_small), median(&mut on_large));
        println!("{name:<44} {small_time:>10.3} {large_time:>10.3} {:>6.2}", large_time / small_time);
    }
    compare_segment_pages(&large_server);
    drop((small_server, large_server));
    if with_plans {
        print_plans(&cluster, &large);
    }
    cluster.stop();
}

/// Filters of each family of operators. About one in a hundred customers matches most of them.
const FILTERS: [&str; 24] = [
    r#""name":{"conditions":{"$is":["Name 7"]}}"#,
    r#""address.city":{"conditions":{"$is":["City 7"]}}"#,
    r#""address.city":{"conditions":{"$in":["City 7","City 8"]}}"#,
    r#""email":{"conditions":{"$starts_with":["email-77"]}}"#,
    r#""email":{"conditions":{"$ends_with":["77@x.y"]}}"#,
    r#""email":{"conditions":{"$contains":["-123"]}}"#,
    r#""email":{"conditions":{"$is_unknown":[true]}}"#,
    r#""metadata.tag":{"conditions":{"$is":["t7"]}}"#,
    r#""metadata.tags":{"conditions":{"$is":["t7"]}}"#,
    r#""metadata.tags":{"conditions":{"$count":[3]}}"#,
    r#""metadata.score":{"conditions":{"$more_than":[98]}}"#,
    r#""metadata.since":{"conditions":{"$is_month":[1]}}"#,
    r#""metadata.since":{"conditions":{"$less_than_ago":[20000]}},"metadata.score":{"conditions":{"$is":[7]}}"#,
    r#""created_at":{"conditions":{"$before":["2020-01-01T02:46:40Z"]}}"#,
    r#""created_at":{"conditions":{"$less_than_ago":[30]}}"#,
    r#""updated_at":{"conditions":{"$more_than_ago":[30]}},"metadata.score":{"conditions":{"$is":[7]}}"#,
    r#""birthdate":{"conditions":{"$today_md":[true]}}"#,
    r#""birthdate":{"conditions":{"$this_week_md":[true]}}"#,
    r#""birthdate":{"conditions":{"$is_year":[1980]}}"#,
    r#""birthdate":{"conditions":{"$is_day_of_month":[31]}}"#,
    r#""birthdate":{"conditions":{"$more_than_ago":[27500]}}"#,
    r#""summary.orders.last_order_date":{"conditions":{"$less_than":[30]}}"#,
    r#""events.visit.count":{"conditions":{"$more_than":[0]}}"#,
    r#""loyalty.points":{"conditions":{"$more_than":[0]}},"address.city":{"conditions":{"$is":["City 7"]}}"#,
];

/// Compares the time of a page of each of these segments with that of a page of the plain list, in the large database.
fn compare_segment_pages(server: &Server) {
    println!(
        "\n{:<86} {:>7} {:>9} {:>8} {:>6}",
        "segment among a million customers; page of 100, median of ms", "members", "created s", "page", "ratio"
    );
    let definition = |kind: &str| format!(r#"{{"type":"{kind}","optional":true,"array":false}}"#);
    let body = format!(
        r#"{{"related_object":"customer","properties":{{"score":{},"since":{}}}}}"#,
        definition("number"),
        definition("date")
    );
    server.call("POST", "/v1/metadata-schemas", &body);
    for filter in FILTERS {
        let body = format!(r#"{{"name":"S","type":"passive","filter":{{"junction":"and",{filter}}}}}"#);
        let started = Instant::now();
        let answer = server.call("POST", "/v1/segments", &body);
        let created = started.elapsed().as_secs_f64();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let page = format!("/v1/customers?limit=100&segment_id={}", answer["id"].as_str().unwrap());
        let (mut plain, mut paged) = (Vec::new(), Vec::new());
        for number in 0..CALLS / 2 + 10 {
            for (path, times) in [("/v1/customers?limit=100", &mut plain), (page.as_str(), &mut paged)] {
                let started = Instant::now();
                server.call("GET", path, "");
                if number >= 10 {
                    times.push(started.elapsed().as_secs_f64() * 1_000.0);
                }
            }
        }
        let answer: serde_json::Value = serde_json::from_str(&server.call("GET", &page, "")).unwrap();
        let (plain, paged) = (median(&mut plain), median(&mut paged));
        println!("{filter:<86} {:>7} {created:>9.2} {paged:>8.3} {:>6.2}", answer["total"], paged / plain);
    }
    let customer = |n: usize| format!(r#"{{"source_id":"late-{n}","name":"Late"}}"#);
    let started = Instant::now();
    for n in 0..CALLS {
        server.call("POST", "/v1/customers", &customer(n));
    }
    let each = started.elapsed().as_secs_f64() * 1_000.0 / f64::from(u32::try_from(CALLS).unwrap());
    println!("POST of a new customer in a project with these {} segments: {each:.3} ms", FILTERS.len());
}

/// Builds a request from a database and a sequence number: method, path, body.
type Call = fn(&Database, usize) -> (&'static str, String, String);

const CALLS_TO_COMPARE: [(&str, Call); 23] = [
    ("GET a customer by id", |d, n| get(format!("/v1/customers/{}", d.ids[n % d.ids.len()]))),
    ("GET a customer by source_id", |d, n| get(format!("/v1/customers/source-{}", d.number(n)))),
    ("GET an unknown customer is 404", |_, n| get(format!("/v1/customers/unknown-{n}"))),
    ("list of 10", |_, _| get("/v1/customers".into())),
    ("list of 100", |_, _| get("/v1/customers?limit=100".into())),
    ("list of 100, order=-updated_at", |_, _| get("/v1/customers?limit=100&order=-updated_at".into())),
    ("list of 100, order=source_id", |_, _| get("/v1/customers?limit=100&order=source_id".into())),
    ("list by email (1 match)", |d, n| get(format!("/v1/customers?email=email-{}@x.y", d.number(n)))),
    ("list by name (10 matches)", |d, n| get(format!("/v1/customers?name=Name%20{}", d.number(n) / 10))),
    ("list of 100, after a cursor in the middle", |d, _| {
        get(format!("/v1/customers?limit=100&starting_after={}", d.middle))
    }),
    ("list of 10 within one minute", |d, _| {
        get(format!("/v1/customers?created_at[after]={}&created_at[before]={}", d.middle, d.middle_end))
    }),
    ("list of 100, page 10 (offset 900)", |_, _| get("/v1/customers?limit=100&page=10".into())),
    ("list by city (1 in 100 customers)", |_, _| get("/v1/customers?city=City%207".into())),
    ("list of a segment (1,000 members)", |d, _| get(format!("/v1/customers?limit=100&segment_id={}", d.segment))),
    ("segments of a customer", |d, n| get(format!("/v1/customers/source-{}/segments", d.number(n)))),
    ("POST a new customer", |_, n| {
        ("POST", "/v1/customers".into(), format!(r#"{{"source_id":"new-{n}","name":"New","email":"new-{n}@x.y"}}"#))
    }),
    ("POST an existing customer", |d, n| {
        ("POST", "/v1/customers".into(), format!(r#"{{"source_id":"source-{}","phone":"1"}}"#, d.number(n)))
    }),
    ("PUT a customer", |d, n| ("PUT", format!("/v1/customers/source-{}", d.number(n)), r#"{"phone":"2"}"#.into())),
    ("POST a paid order", |d, n| {
        let number = d.number(n);
        (
            "POST",
            "/v1/orders".into(),
            format!(r#"{{"amount":1,"status":"PAID","customer":{{"source_id":"source-{number}"}}}}"#),
        )
    }),
    ("POST an event", |d, n| {
        (
            "POST",
            "/v1/events".into(),
            format!(r#"{{"event":"visit","customer":{{"source_id":"source-{}"}}}}"#, d.number(n)),
        )
    }),
    ("list of 100 orders", |_, _| get("/v1/orders?limit=100".into())),
    ("DELETE a customer", |d, n| ("DELETE", format!("/v1/customers/{}", d.ids[d.ids.len() - 1 - n]), String::new())),
    ("permanent deletion", |d, n| {
        ("POST", format!("/v1/customers/{}/permanent-deletion", d.ids[d.ids.len() - 1 - n]), String::new())
    }),
];

fn get(path: String) -> (&'static str, String, String) {
    ("GET", path, String::new())
}

struct Database {
    url: String,
    log: PathBuf,
    customers: i64,
    ids: Vec<String>,
    middle: String,
    middle_end: String,
    segment: String,
}

impl Database {
    /// Creates a migrated database with `customers` customers in the project of the benchmark's keys, an order for
    /// every tenth of them, and `projects` other projects of five customers each.
    fn new(cluster: &Cluster, name: &str, customers: i64, projects: i64) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = cluster.options(name).options([("search_path", "voucherify_emulator")]);
        let sockets = options.get_socket().unwrap().clone();
        let url = format!("postgres://voucherify@localhost/{name}?host={}", sockets.display());
        runtime.block_on(async {
            let mut main = cluster.main_database().connect().await.unwrap();
            main.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        });
        // The emulator itself creates the schema, the project and the segment.
        let server = Server::start(&url);
        server.call("GET", "/v1/customers", "");
        let (ids, middle, middle_end) = runtime.block_on(async {
            let mut connection = options.connect().await.unwrap();
            let project: i64 =
                sqlx::query_scalar("SELECT project_id FROM credentials WHERE app_id = 'bench' AND family = 'server'")
                    .fetch_one(&mut connection)
                    .await
                    .unwrap();
            fill(&mut connection, project, customers, 1).await;
            fill(&mut connection, 1_000_000, 5 * projects, projects.max(1)).await;
            connection.execute("VACUUM ANALYZE").await.unwrap();
            let rows: Vec<(String, String, String)> = sqlx::query_as(
                "SELECT id, to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                        to_char(created_at + interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
                 FROM customers WHERE project_id = $1 ORDER BY created_at LIMIT 1000 OFFSET $2",
            )
            .bind(project)
            .bind(customers / 2 - 500)
            .fetch_all(&mut connection)
            .await
            .unwrap();
            let (_, middle, end) = rows[rows.len() / 2].clone();
            (rows.into_iter().map(|row| row.0).collect::<Vec<_>>(), middle, end)
        });
        let members = serde_json::json!({"name": "Bench", "customers": ids});
        let answer = server.call("POST", "/v1/segments", &members.to_string());
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let segment = answer["id"].as_str().unwrap().to_owned();
        Self { url, log: sockets.parent().unwrap().join("postgres.log"), customers, ids, middle, middle_end, segment }
    }

    fn serve(&self) -> Server {
        Server::start(&self.url)
    }

    /// Returns the number of a customer. Consecutive values of `n` are spread over the whole table.
    fn number(&self, n: usize) -> i64 {
        (i64::try_from(n).unwrap() * 7_919) % self.customers + 1
    }
}

/// Inserts `count` customers, created a second apart, spread over `projects` projects from `first` on.
async fn fill(connection: &mut PgConnection, first: i64, count: i64, projects: i64) {
    if count == 0 {
        return;
    }
    let statements = [
        format!(
            "INSERT INTO customers (project_id, id, source_id, profile, metadata, name, email, city, created_at, updated_at, changed_at)
             SELECT {first} + n % {projects}, 'cust_' || substr(md5(n::text), 1, 24), 'source-' || n,
                    json_build_object('name', 'Name ' || n / 10, 'email', 'email-' || n || '@x.y',
                                      'address', json_build_object('city', 'City ' || n % 100),
                                      'birthdate', date '1950-01-01' + n % 18000),
                    json_build_object('tag', 't' || n % 100, 'tags', array['t' || n % 100, 'x'], 'score', n % 100,
                                      'since', date '2020-01-01' + n % 360), 'Name ' || n / 10, 'email-' || n || '@x.y', 'City ' || n % 100,
                    timestamptz '2020-01-01' + n * interval '1 second',
                    CASE WHEN n % 3 = 0 THEN timestamptz '2021-01-01' + n * interval '1 second' END,
                    timestamptz '2020-01-01' + n * interval '1 second' + CASE WHEN n % 3 = 0 THEN interval '366 days' ELSE '0' END
             FROM generate_series(1, {count}) n"
        ),
        format!(
            "INSERT INTO customer_activity (project_id, customer_id, id, type, group_id, data, created_at)
             SELECT project_id, id, 'evcus_' || substr(md5(id), 1, 18), 'customer.created', 'v-0', '{{}}', created_at
             FROM customers WHERE project_id BETWEEN {first} AND {first} + {projects} - 1"
        ),
        format!(
            "INSERT INTO orders (project_id, id, customer_id, status, amount, created_at)
             SELECT project_id, 'ord_' || substr(md5(id), 1, 18), id, 'PAID', 100, created_at
             FROM customers WHERE project_id BETWEEN {first} AND {first} + {projects} - 1
                 AND substr(source_id, 8)::bigint % 10 = 0"
        ),
        format!(
            "INSERT INTO row_counts (project_id, resource, slot, value)
             SELECT project_id, 'customers', 0, count(*) FROM customers
             WHERE project_id BETWEEN {first} AND {first} + {projects} - 1 GROUP BY project_id
             UNION ALL
             SELECT project_id, 'orders', 0, count(*) FROM orders
             WHERE project_id BETWEEN {first} AND {first} + {projects} - 1 GROUP BY project_id"
        ),
    ];
    for statement in statements {
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }
}

/// Prints PostgreSQL's query plans of each kind of request.
fn print_plans(cluster: &Cluster, large: &Database) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut connection = cluster.main_database().connect().await.unwrap();
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_analyze = on",
            "auto_explain.log_timing = off",
            "auto_explain.log_nested_statements = on",
        ] {
            let statement = format!("ALTER DATABASE large SET {setting}");
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        connection.close().await.unwrap();
    });
    let server = large.serve();
    for (name, call) in CALLS_TO_COMPARE {
        // PostgreSQL decides between a generic and a custom plan after five executions.
        let mut before = 0;
        for number in 1_000..1_008 {
            before = std::fs::read_to_string(&large.log).unwrap().len();
            let (method, path, body) = call(large, number % 400);
            server.call(method, &path, &body);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        let log = std::fs::read_to_string(&large.log).unwrap();
        println!("\n## {name}\n");
        for line in log[before..].lines().filter(|line| is_plan(line)) {
            println!("    {}", line.trim_start_matches('\t'));
        }
    }
}

/// Returns whether a line of the log belongs to a plan, and not to the statement or its parameters.
fn is_plan(line: &str) -> bool {
    line.starts_with('\t')
        && (line.contains("actual rows") || line.contains("Cond:") || line.contains("never executed"))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(url: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_voucherify-emulator"))
            .args(["--listen", "127.0.0.1:0", "--connections", "2", "--log", "off", "--request-timeout", "300"])
            .args(["--database-url", url])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().to_owned();
        Self { child, address }
    }

    /// Returns the milliseconds of one call.
    fn time(&self, database: &Database, call: Call, number: usize) -> f64 {
        let (method, path, body) = call(database, number);
        let started = Instant::now();
        self.call(method, &path, &body);
        started.elapsed().as_secs_f64() * 1_000.0
    }

    /// Sends a request and returns the body of the answer.
    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-app-id: bench\r\nx-app-token: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        assert!(["200", "204", "404"].contains(&status), "{method} {path}: {answer}");
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
