//! Which clients reach the server, by which names and protocols.

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post as on_post;
use futures_util::future::join_all;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ALL_VERSIONS, ProtocolVersion, RootCertStore};
use voucherify_emulator::http::ConnectionLimits;

use super::{Secured, client_of, load_tls, roots_of, router};
use crate::connections::{Served, get, post};

#[tokio::test]
async fn https_and_http_are_served_on_one_port() {
    let secured = Secured::new(router(), ConnectionLimits::default()).await;
    let (mut secure, mut plain) = (secured.connect().await, secured.served.connect().await);
    for _ in 0..3 {
        secure.send(get("/quick")).await;
        plain.send(get("/quick")).await;
        assert_eq!((secure.answer().await.text(), plain.answer().await.text()), ("quick", "quick"));
    }
}

#[tokio::test]
async fn a_client_of_another_library_reaches_the_server_by_name_and_address() {
    let tls = load_tls(&[]);
    let served = Served::with(router(), ConnectionLimits::default(), Some(&tls)).await;
    let authority = reqwest::Certificate::from_pem(tls.authority.as_ref().unwrap().pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
    let port = served.address.port();
    for url in [
        format!("https://localhost:{port}/quick"),
        format!("https://127.0.0.1:{port}/quick"),
        format!("http://localhost:{port}/quick"),
    ] {
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_11);
        assert_eq!(answer.text().await.unwrap(), "quick", "{url}");
    }
    let distrustful = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    assert!(distrustful.get(format!("https://localhost:{port}/quick")).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    let secured = Secured::new(router(), ConnectionLimits::default()).await;
    for (version, spoken) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let client = client_of(secured.roots.clone(), &[version]);
        let mut connection = secured.connect_as("localhost", client).await.unwrap();
        assert_eq!(connection.stream.get_ref().1.protocol_version(), Some(spoken));
        connection.send(get("/quick")).await;
        assert_eq!(connection.answer().await.text(), "quick");
    }
}

#[tokio::test]
async fn http_2_is_not_negotiated() {
    let secured = Secured::new(router(), ConnectionLimits::default()).await;
    let offering = |protocols: &[&str]| {
        let mut client = secured.client.clone();
        client.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        client
    };
    let connection = secured.connect_as("localhost", offering(&["h2", "http/1.1"])).await.unwrap();
    assert_eq!(connection.stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(secured.connect_as("localhost", offering(&["h2"])).await.is_err());
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_or_none_is_not_served() {
    let secured = Secured::new(router(), ConnectionLimits::default()).await;
    for roots in [roots_of(&load_tls(&[])), RootCertStore::empty()] {
        let error = secured.connect_as("localhost", client_of(roots, ALL_VERSIONS)).await.err().unwrap();
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    }
    secured.connect().await;
}

#[tokio::test]
async fn a_certificate_is_valid_for_local_names_and_the_allowed_hosts_only() {
    let hosts = ["emulator", "one.example", ".shop.example", "my_shop"];
    let secured = Secured::with_hosts(router(), ConnectionLimits::default(), &hosts).await;
    for name in
        ["localhost", "127.0.0.1", "::1", "emulator", "one.example", "shop.example", "a.shop.example", "my_shop"]
    {
        let connected = secured.connect_as(name, secured.client.clone()).await;
        assert!(connected.is_ok(), "{name}: {:?}", connected.err());
    }
    for name in ["other", "a.one.example", "a.b.shop.example", "127.0.0.2", "two.example"] {
        assert!(secured.connect_as(name, secured.client.clone()).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn large_bodies_arrive_in_both_directions() {
    const BYTES: usize = 20_000_000;
    let echo = |body: Bytes| async move { body };
    let router = Router::new().route("/echo", on_post(echo)).layer(DefaultBodyLimit::disable());
    let secured = Secured::new(router, ConnectionLimits::default()).await;
    let mut connection = secured.connect().await;
    let body: Vec<_> = (0..BYTES).map(|at| u8::try_from(at % 251).unwrap()).collect();
    for _ in 0..2 {
        connection.send(post("/echo", BYTES, "")).await;
        connection.send(&body).await;
        assert!(connection.answer().await.body == body);
    }
}

#[tokio::test]
async fn many_connections_are_served_at_the_same_time() {
    let secured = Secured::new(router(), ConnectionLimits::default()).await;
    let mut connections = join_all((0..150).map(|_| secured.connect())).await;
    for _ in 0..2 {
        let answers = join_all(connections.iter_mut().map(|connection| async {
            connection.send(get("/quick")).await;
            connection.answer().await
        }));
        assert!(answers.await.iter().all(|answer| answer.text() == "quick"));
    }
}
