//! Random requests, well formed and malformed ones.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::random::Random;
use crate::support::contract_operations;

/// How a client sends a request, and what it may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A valid message: it is answered, and the connection can be used afterwards unless the response announces otherwise.
    Valid,
    /// A valid message after which the client expects the connection to be closed.
    Last,
    /// A message that HTTP does not allow, or that is too large: it is refused, and the connection may be closed.
    Malformed,
}

pub struct Request {
    pub bytes: Vec<u8>,
    pub framing: Framing,
    /// Whether the response has no body.
    pub is_head: bool,
    /// The path without its query.
    pub path: String,
}

/// The keys that requests carry. They are replaced from time to time, because requests also revoke keys.
pub struct Keys {
    pub name: String,
}

/// Identifiers that responses contained; requests use them again.
pub type Identifiers = Vec<String>;

const METHODS: [&str; 12] =
    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW", "get", "M-SEARCH", "QUERY"];
const TEXTS: [&str; 26] = [
    "",
    "a",
    "c1",
    "c2",
    "needle@hay.stack",
    "\u{0}",
    "a\u{0}b",
    "\u{feff}",
    "ł\u{301}",
    "\u{202e}",
    "🧨",
    "' OR 1=1 --",
    "$$; DROP TABLE customers",
    "../../etc/passwd",
    "%00",
    "null",
    "true",
    "-1",
    "9223372036854775808",
    "1e999",
    "2024-02-30T25:61:61Z",
    "9999-12-31T23:59:59.999999999+14:00",
    "\r\nx-injected: 1",
    "HTTP/1.1 400 \r\ncontent-length: 0\r\n",
    "<x y='&'>",
    "PAID",
];
const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "1",
    "-1",
    "100",
    "0.1",
    "9007199254740993",
    "-9223372036854775809",
    "18446744073709551616",
    "1e308",
    "1e309",
    "-1e-400",
    "123456789012345678901234567890.5",
    "2147483648",
];
const NAMES: [&str; 45] = [
    "source_id",
    "id",
    "name",
    "email",
    "phone",
    "birthday",
    "birthdate",
    "metadata",
    "address",
    "city",
    "customer",
    "customers",
    "event",
    "loyalty",
    "referral",
    "amount",
    "items",
    "status",
    "initial_amount",
    "discount_amount",
    "product_id",
    "quantity",
    "filter",
    "type",
    "junction",
    "conditions",
    "$is",
    "$contains",
    "$has_value",
    "metadata.x",
    "created_at",
    "parameters",
    "fields",
    "exported_object",
    "order",
    "filters",
    "properties",
    "target_url",
    "events",
    "scope",
    "timezone",
    "currency",
    "case_sensitive_codes",
    "__proto__",
    "a\u{0}b",
];
const QUERY_NAMES: [&str; 22] = [
    "limit",
    "page",
    "order",
    "email",
    "city",
    "name",
    "segment_id",
    "created_at[before]",
    "created_at[after]",
    "updated_at[after]",
    "starting_after",
    "starting_after_id",
    "filters[junction]",
    "filters[name][conditions][$is][0]",
    "filters[metadata.x][conditions][$contains]",
    "filters[created_at][conditions][$after][0]",
    "filters[a][b][c][d]",
    "type",
    "code",
    "output",
    "callback",
    "campaign_type",
];

/// The method, the path and the id of each operation.
static OPERATIONS: LazyLock<Vec<(String, String, String)>> = LazyLock::new(|| {
    // A stream of events never ends, and a fault would be seen in the answers to later requests.
    let is_left_out = |path: &str| path.ends_with("/stream") || path.ends_with("/faults");
    contract_operations().into_iter().filter(|(_, path, _)| !is_left_out(path)).collect()
});

/// Returns the next request to the server at `host`.
pub fn request(random: &mut Random, host: &str, keys: &Keys, identifiers: &Identifiers) -> Request {
    if random.one_in(25) {
        return malformed(random, host, keys);
    }
    let (method, template, _) = random.pick(&OPERATIONS);
    let method = if random.one_in(12) { *random.pick(&METHODS) } else { method.as_str() };
    let path = path(random, template, identifiers);
    let query = query(random, template, keys);
    let body =
        if method == "POST" || method == "PUT" || random.one_in(12) { body(random, template) } else { Vec::new() };
    let version = if random.one_in(60) { "HTTP/1.0" } else { "HTTP/1.1" };
    let mut head = format!("{method} {path}{query} {version}\r\n").into_bytes();
    headers(random, &mut head, host, keys, template);
    let mut framing = Framing::Valid;
    if version == "HTTP/1.0" || random.one_in(40) {
        head.extend_from_slice(b"connection: close\r\n");
        framing = Framing::Last;
    }
    if random.one_in(40) && !body.is_empty() {
        head.extend_from_slice(b"expect: 100-continue\r\n");
    }
    let is_chunked = version == "HTTP/1.1" && random.one_in(4);
    if is_chunked {
        head.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        chunks(random, &mut head, &body);
    } else {
        if !body.is_empty() || random.one_in(3) {
            head.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(&body);
    }
    Request { bytes: head, framing, is_head: method == "HEAD", path }
}

/// Fills the placeholders of a path, and sometimes changes it.
fn path(random: &mut Random, template: &str, identifiers: &Identifiers) -> String {
    let mut segments: Vec<String> = template.split('/').skip(1).map(str::to_owned).collect();
    for segment in segments.iter_mut().filter(|segment| segment.starts_with('{')) {
        *segment = match random.below(10) {
            0..=3 if !identifiers.is_empty() => random.pick(identifiers).clone(),
            0..=5 => format!("c{}", random.below(9)),
            6 => ["customer", "order", "server", "client", "o1"][random.below(5)].to_owned(),
            7 | 8 => encode(random.pick::<&str>(&TEXTS)),
            _ => ["cust_x", "%ff%fe", "%", "%zz", "..", "%2e%2e", ";", "%00", "*", "a%2Fb", "~"][random.below(11)]
                .to_owned(),
        };
    }
    if random.one_in(15) {
        let place = random.below(segments.len());
        match random.below(7) {
            0 => segments[place].push('/'),
            1 => segments[place].clear(),
            2 => "..".clone_into(&mut segments[place]),
            3 => segments[place] = "x".repeat(1 + random.below(3_000)),
            4 => segments[place].make_ascii_uppercase(),
            5 => segments.truncate(place),
            _ => segments.push("more".to_owned()),
        }
    }
    format!("/{}", segments.join("/"))
}

fn query(random: &mut Random, template: &str, keys: &Keys) -> String {
    let mut query = Vec::new();
    if template.starts_with("/stickystreet") && !random.one_in(8) {
        query.push(format!("user_id={0}&user_password={0}&account_id={0}", keys.name));
        query.push(format!("type={}", random.pick(&["customer_info", "customer_delete", "record_customer", "x"])));
    }
    let count = if random.one_in(300) { 1_500 } else { [0, 0, 0, 1, 2, 4][random.below(6)] };
    for _ in 0..count {
        let value = match random.below(5) {
            0 => (*random.pick(&NUMBERS)).to_owned(),
            1 => encode(random.pick::<&str>(&TEXTS)),
            2 => ["and", "or", "-created_at", "created_at", "%", "%ff", "+"][random.below(7)].to_owned(),
            3 => "x".repeat(random.below(40)),
            _ => random.below(120).to_string(),
        };
        let name = random.pick(&QUERY_NAMES).to_string();
        query.push(format!("{}={value}", if random.one_in(3) { encode(&name) } else { name }));
    }
    if random.one_in(100) {
        query.push(format!("long={}", "y".repeat(random.below(20_000))));
    }
    if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
}

/// Percent-encodes a text.
fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn headers(random: &mut Random, head: &mut Vec<u8>, host: &str, keys: &Keys, template: &str) {
    head.extend_from_slice(format!("host: {host}\r\n").as_bytes());
    let family = if template.starts_with("/client") {
        ["x-client-application-id", "x-client-token"]
    } else if template.starts_with("/management") {
        ["x-management-id", "x-management-token"]
    } else {
        ["x-app-id", "x-app-token"]
    };
    if !random.one_in(15) {
        for name in family {
            head.extend_from_slice(format!("{name}: {}\r\n", keys.name).as_bytes());
        }
    } else if random.one_in(2) {
        head.extend_from_slice(b"authorization: Bearer wrong\r\n");
    }
    let is_form = template.starts_with("/v1/oauth") || template.starts_with("/stickystreet");
    match random.below(20) {
        0 => head.extend_from_slice(b"content-type: text/plain\r\n"),
        1 => head.extend_from_slice(b"content-type: \xff\xfe/\x80\r\n"),
        2 => head.extend_from_slice(b"content-type: multipart/form-data\r\n"),
        3 => head.extend_from_slice(b"content-type: application/json; charset=utf-16\r\n"),
        4 => {}
        _ if template.ends_with("importCSV") => {
            head.extend_from_slice(b"content-type: multipart/form-data; boundary=b\r\n");
        }
        _ if is_form => head.extend_from_slice(b"content-type: application/x-www-form-urlencoded\r\n"),
        _ => head.extend_from_slice(b"content-type: application/json\r\n"),
    }
    let rare: [&[u8]; 14] = [
        b"accept: text/html\r\n",
        b"accept: application/json;q=0\r\n",
        b"accept: \xff\r\n",
        b"accept-encoding: gzip, br, *;q=0\r\n",
        b"content-encoding: gzip\r\n",
        b"content-encoding: nonsense\r\n",
        b"origin: https://evil.example\r\n",
        b"origin: null\r\n",
        b"access-control-request-method: POST\r\n",
        b"x-voucherify-api-version: v2018-08-01\r\n",
        b"if-none-match: *\r\nif-modified-since: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
        b"range: bytes=0-1,5-,-7\r\n",
        b"x-app-id: second\r\nx-app-token: second\r\n",
        b"cookie: a=\x80\xff; b\r\nvia: 1.1 x\r\nx-forwarded-for: 1.2.3.4\r\n",
    ];
    for _ in 0..random.below(3) {
        if random.one_in(3) {
            head.extend_from_slice(random.pick::<&[u8]>(&rare));
        }
    }
    if random.one_in(200) {
        for number in 0..random.below(80) {
            head.extend_from_slice(format!("x-{number}: {}\r\n", "v".repeat(random.below(200))).as_bytes());
        }
    }
}

/// Writes a body in chunks of random sizes, with extensions and trailers.
fn chunks(random: &mut Random, out: &mut Vec<u8>, body: &[u8]) {
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + random.below(rest.len().min(70_000))).min(rest.len()));
        let extension = if random.one_in(10) { ";name=\"value\"" } else { "" };
        out.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
        rest = after;
    }
    let trailer: &[u8] = if random.one_in(10) { b"x-trailer: y\r\n" } else { b"" };
    out.extend_from_slice(b"0\r\n");
    out.extend_from_slice(trailer);
    out.extend_from_slice(b"\r\n");
}

fn body(random: &mut Random, template: &str) -> Vec<u8> {
    if template.ends_with("importCSV") && !random.one_in(6) {
        return multipart(random);
    }
    let is_form = template.starts_with("/v1/oauth") || template.starts_with("/stickystreet");
    if is_form && !random.one_in(6) {
        let grants = ["client_credentials", "x", ""];
        return format!("grant_type={}&scope=api%20vouchers&token={}", random.pick(&grants), random.next())
            .into_bytes();
    }
    match random.below(40) {
        0 => Vec::new(),
        1 => [b"[".repeat(1 + random.below(60_000)), b"]".repeat(random.below(60_000))].concat(),
        2 => b"{\"metadata\":".repeat(1 + random.below(5_000)),
        3 => b"{\"source_id\":\"a\xff\xfe\",\"name\":\"\xc0\x80\"}".to_vec(),
        4 => br#"{"source_id":"\ud800","name":"\udfff\u0000"}"#.to_vec(),
        5 => (0..random.below(300)).map(|_| random.next().to_le_bytes()[0]).collect(),
        6 => format!("{{\"source_id\":\"c1\",\"metadata\":{{\"x\":{}}}}}", "9".repeat(1 + random.below(400)))
            .into_bytes(),
        7 if random.one_in(4) => {
            let size = random.below(1_300_000);
            format!("{{\"source_id\":\"big\",\"metadata\":{{\"x\":\"{}\"}}}}", "x".repeat(size)).into_bytes()
        }
        8 => b"\xef\xbb\xbf{\"source_id\":\"c1\"}".to_vec(),
        9 => {
            let mut text = known(random, template).to_string().into_bytes();
            text.truncate(random.below(text.len() + 1));
            text
        }
        10 => br#"{"source_id":"c1","source_id":"c2","metadata":{"a":1,"a":2}}"#.to_vec(),
        11 => format!("{{\"amount\":{0},\"metadata\":{{\"x\":[{0},{0}]}}}}", random.pick(&NUMBERS)).into_bytes(),
        12..=23 => known(random, template).to_string().into_bytes(),
        24..=28 => {
            let mut records: Vec<Value> = Vec::new();
            records.resize_with(random.below(30), || known(random, template));
            Value::Array(records).to_string().into_bytes()
        }
        _ => json(random, 4).to_string().into_bytes(),
    }
}

/// A body that the operation mostly accepts, with a wrong member in some of them.
fn known(random: &mut Random, template: &str) -> Value {
    let customer = json!({"source_id": format!("c{}", random.below(9)), "name": random.pick(&TEXTS)});
    let mut body = match template.split('/').nth(2).unwrap_or_default() {
        "orders" => json!({"source_id": format!("o{}", random.below(20)), "amount": random.below(10_000),
            "status": random.pick(&["PAID", "CREATED", "CANCELED", "FULFILLED"]), "customer": customer,
            "items": [{"product_id": "p", "quantity": 1, "amount": 5}]}),
        "events" => json!({"event": "e", "customer": customer, "metadata": {"n": random.below(5)}}),
        "segments" => json!({"name": "S", "type": random.pick(&["static", "auto-update", "passive"]),
            "filter": {"junction": "and", "name": {"conditions": {"$is": [random.pick(&TEXTS)]}}},
            "customers": ["c1", "c2"]}),
        "exports" => json!({"exported_object": random.pick(&["customer", "order", "voucher"]),
            "parameters": {"fields": ["id", "source_id"], "filters": {"junction": "and"}}}),
        "metadata-schemas" => json!({"related_object": random.pick(&["customer", "order", "event"]),
            "properties": {"n": {"type": random.pick(&["number", "string", "date"])}}}),
        "webhooks" => json!({"target_url": "http://127.0.0.1:9/", "events": ["customer.created", "customer.updated"]}),
        "keys" => json!({"family": random.pick(&["server", "client"]), "name": "k"}),
        "v1" => json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"}),
        _ => customer,
    };
    if random.one_in(3) {
        let value = json(random, 2);
        body[random.pick::<&str>(&NAMES)] = value;
    }
    body
}

fn json(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 5 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(random.one_in(2)),
        2 => json!(random.below(1_000)),
        3 => serde_json::from_str(random.pick::<&str>(&NUMBERS)).unwrap_or(Value::Null),
        4 => Value::String((*random.pick(&TEXTS)).to_owned()),
        5 => (0..random.below(5)).map(|_| json(random, depth - 1)).collect(),
        _ => {
            let mut members = Map::new();
            for _ in 0..random.below(6) {
                let name = (*random.pick(&NAMES)).to_owned();
                members.insert(name, json(random, depth - 1));
            }
            Value::Object(members)
        }
    }
}

fn multipart(random: &mut Random) -> Vec<u8> {
    let rows = random.below(40);
    let mut body =
        b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\nSource_id,Name,m\n".to_vec();
    for number in 0..rows {
        let text = random.pick::<&str>(&TEXTS).replace('"', "\"\"");
        body.extend_from_slice(format!("c{number},\"{text}\",{}\n", random.pick(&NUMBERS)).as_bytes());
        if random.one_in(200) {
            body.extend_from_slice(b"\"open\xff,\n");
        }
    }
    body.extend_from_slice(b"\r\n--b--\r\n");
    if random.one_in(8) {
        body.truncate(random.below(body.len()));
    }
    body
}

/// A message that HTTP does not allow, or whose head is too large. Nothing follows it on its connection.
fn malformed(random: &mut Random, host: &str, keys: &Keys) -> Request {
    let key = &keys.name;
    let head = format!("POST /v1/customers HTTP/1.1\r\nhost: {host}\r\nx-app-id: {key}\r\nx-app-token: {key}\r\n");
    let bytes: Vec<u8> = match random.below(18) {
        0 => b"nonsense\r\n\r\n".to_vec(),
        1 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        2 => format!("{head}content-length: -1\r\n\r\n").into_bytes(),
        3 => format!("{head}content-length: 1\r\ncontent-length: 2\r\n\r\n{{}}").into_bytes(),
        4 => format!("{head}content-length: 18446744073709551616\r\n\r\n{{}}").into_bytes(),
        5 => format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n").into_bytes(),
        6 => format!("{head}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n").into_bytes(),
        7 => format!("{head}transfer-encoding: chunked\r\n\r\n2\r\n{{}}xx0\r\n\r\n").into_bytes(),
        8 => format!("{head}transfer-encoding: gzip\r\n\r\n").into_bytes(),
        9 => format!("{head}x y: z\r\n\r\n").into_bytes(),
        10 => [head.as_bytes(), b"x: \x00\r\n\r\n"].concat(),
        11 => [head.as_bytes(), b"x: a\rb\r\n\r\n"].concat(),
        12 => format!("GET /v1/customers/\u{1} HTTP/1.1\r\nhost: {host}\r\n\r\n").into_bytes(),
        13 => format!("GET /v1/customers HTTP/3.7\r\nhost: {host}\r\n\r\n").into_bytes(),
        14 => format!("GET /{} HTTP/1.1\r\nhost: {host}\r\n\r\n", "a".repeat(70_000)).into_bytes(),
        15 => format!("GET / HTTP/1.1\r\nhost: {host}\r\n{}\r\n", "x: y\r\n".repeat(200)).into_bytes(),
        16 => format!("GET / HTTP/1.1\r\nhost: {host}\r\nx: {}\r\n\r\n", "a".repeat(600_000)).into_bytes(),
        _ => format!("GET /v1/a b HTTP/1.1\r\nhost: {host}\r\n\r\n").into_bytes(),
    };
    Request { bytes, framing: Framing::Malformed, is_head: false, path: "/".to_owned() }
}
