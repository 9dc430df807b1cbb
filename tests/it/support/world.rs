//! An emulator on a database of its own, and clients of its projects.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request};
use futures_util::future::join_all;
use http_body_util::BodyExt;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};
use tower::ServiceExt;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{
    Config, DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN, DEFAULT_MANAGEMENT_ID,
    DEFAULT_MANAGEMENT_TOKEN,
};
use voucherify_emulator::db::pool::{Pool, PoolSettings};
use voucherify_emulator::service::Core;
use voucherify_emulator::worker::Workers;
use voucherify_emulator::{api, app};

use super::database::Database;
use super::{Answer, contract};

/// One emulator. Its database goes with it.
pub struct World {
    router: Router,
    /// For looking into the database.
    pub pool: PgPool,
    /// The emulator's own connections.
    pub connections: Pool,
    pub clock: Clock,
    database: Arc<Database>,
    config: Config,
    /// Before the database, which goes after them.
    workers: Option<Workers>,
    core: Arc<Core>,
    _turn: SemaphorePermit<'static>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Clock::System, |_| {}).await
    }

    /// With a clock that stands at `time` until it is moved.
    pub async fn at(time: &str) -> Self {
        Self::with(Clock::fixed(time.parse().unwrap()), |_| {}).await
    }

    pub async fn with(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let database = Arc::new(Database::new());
        let mut config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8682)),
            request_timeout: Duration::from_secs(20),
            connections: 6,
            ..Config::default()
        };
        change(&mut config);
        Self::on(database, clock, config).await
    }

    /// Another emulator on the same database.
    pub async fn again(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        Self::on(Arc::clone(&self.database), self.clock.clone(), config).await
    }

    /// Why another emulator on the same database does not start.
    pub async fn refused_again(&self, change: impl FnOnce(&mut Config)) -> String {
        let mut config = self.config.clone();
        change(&mut config);
        let pool = self.connections.clone();
        match app::app(&config, self.clock.clone(), pool, config.listen).await {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
        }
    }

    /// As [`World::again`], so many at once.
    pub async fn start_at_once(&self, count: usize) {
        let start = || app::app(&self.config, self.clock.clone(), self.connections.clone(), self.config.listen);
        for started in join_all((0..count).map(|_| start())).await {
            started.unwrap();
        }
    }

    async fn on(database: Arc<Database>, clock: Clock, config: Config) -> Self {
        // The cluster has a number of connections, and a machine may have many cores.
        static TURNS: Semaphore = Semaphore::const_new(7);
        let turn = TURNS.acquire().await.unwrap();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database.options());
        let connections = Pool::new(database.options(), PoolSettings { connections: 6, ..PoolSettings::default() });
        let app = app::app(&config, clock.clone(), connections.clone(), config.listen).await.unwrap();
        let workers = Workers::start(&app.core, database.options(), 2, app::post(&config).unwrap());
        let core = Arc::clone(&app.core);
        let router = api::router(Arc::new(app));
        Self { router, pool, connections, clock, database, config, workers: Some(workers), core, _turn: turn }
    }

    /// A client of the default project.
    pub fn client(&self) -> Client {
        self.client_with(DEFAULT_APP_ID, DEFAULT_APP_TOKEN)
    }

    /// A client of another project, which its keys make.
    pub fn stranger(&self) -> Client {
        self.client_with("stranger", "stranger's token")
    }

    pub fn client_with(&self, app_id: &str, token: &str) -> Client {
        self.caller(&[("x-app-id", app_id), ("x-app-token", token)])
    }

    /// Whoever has the management keys of the default organisation.
    pub fn manager(&self) -> Client {
        self.manager_with(DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN)
    }

    /// Whoever has the management keys of another organisation, which they make.
    pub fn strange_manager(&self) -> Client {
        self.manager_with("strange manager", "strange manager's token")
    }

    pub fn manager_with(&self, id: &str, token: &str) -> Client {
        self.caller(&[("x-management-id", id), ("x-management-token", token)])
    }

    /// A page in a browser, with the client keys of the default project.
    pub fn page(&self) -> Client {
        self.page_with(DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN)
    }

    /// A page in a browser, with client keys.
    pub fn page_with(&self, app_id: &str, token: &str) -> Client {
        self.caller(&[
            ("x-client-application-id", app_id),
            ("x-client-token", token),
            ("origin", "https://shop.example"),
        ])
    }

    /// Whoever shows an OAuth token, by both doors.
    pub fn bearer(&self, access_token: &str) -> Client {
        self.caller(&[("authorization", &format!("Bearer {access_token}")), ("origin", "https://shop.example")])
    }

    /// Whoever sends those headers.
    pub fn caller(&self, headers: &[(&'static str, &str)]) -> Client {
        let own = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        Client { router: self.router.clone(), own }
    }

    /// Moves the clock, and has the courier look at it.
    pub fn set_clock(&self, time: &str) {
        self.clock.set(time.parse().unwrap());
        self.core.outbox.wake();
    }

    /// Does what the workers do now and then.
    pub async fn expire_deliveries(&self) {
        voucherify_emulator::service::webhooks::expire(&self.core).await.unwrap();
    }

    /// From now on it accepts jobs, and leaves them to others.
    pub async fn stop_workers(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }

    /// Keeps the customer of that source id from everyone else until the transaction ends.
    pub async fn hold(&self, source_id: &str) -> Transaction<'static, Postgres> {
        let mut holder = self.pool.begin().await.unwrap();
        sqlx::query("SELECT FROM customers WHERE source_id = $1 FOR UPDATE")
            .bind(source_id)
            .execute(&mut *holder)
            .await
            .unwrap();
        holder
    }

    /// Waits until so many statements wait for a lock; `looker` looks.
    pub async fn until_waiting(looker: &mut PgConnection, count: i64) {
        let begun = Instant::now();
        loop {
            // Within a transaction, what others are at is remembered from the first look.
            sqlx::query("SELECT pg_stat_clear_snapshot()").execute(&mut *looker).await.unwrap();
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .fetch_one(&mut *looker)
            .await
            .unwrap();
            if waiting >= count {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "{waiting} of {count} wait");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The tables in which that word stands anywhere.
    pub async fn tables_with(&self, word: &str) -> Vec<String> {
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
                .fetch_all(&self.pool)
                .await
                .unwrap();
        let mut found = Vec::new();
        for table in tables {
            let statement = format!("SELECT EXISTS (SELECT FROM {table} t WHERE strpos(t::text, $1) > 0)");
            let is_there: bool =
                sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(word).fetch_one(&self.pool).await.unwrap();
            if is_there {
                found.push(table);
            }
        }
        found
    }

    /// Sends a request as it stands.
    #[track_caller]
    pub fn send(&self, request: Request<Body>) -> impl Future<Output = Answer> + use<> {
        send(self.router.clone(), request)
    }
}

/// Calls with the keys of one project, or one organisation.
#[derive(Clone)]
pub struct Client {
    router: Router,
    /// Headers of every call.
    own: Vec<(&'static str, String)>,
}

impl Client {
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body.to_string())).await
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        let body = body.map_or_else(Body::empty, Body::from);
        self.call_with(method, path, body, &[("content-type", "application/json")]).await
    }

    pub async fn call_with(&self, method: Method, path: &str, body: Body, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path).body(body).unwrap();
        let own = self.own.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in own.chain(headers.iter().copied()) {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        send(self.router.clone(), request).await
    }

    /// Asks for something in the background, waits until it is done, and returns the async action.
    pub async fn done(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        self.action(&answer.string("/async_action_id")).await
    }

    /// The async action with that id, once it is finished.
    pub async fn action(&self, id: &str) -> Value {
        self.get("/_emulator/idle").await.expect(200);
        let action = self.get(&format!("/v1/async-actions/{id}")).await.expect(200).json();
        assert_eq!(action["progress"], 100, "{action}");
        action
    }

    /// The file behind a URL that an answer tells, asked for without keys.
    pub async fn download(&self, url: &str) -> Answer {
        let path = url.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or(url);
        send(self.router.clone(), Request::builder().uri(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form.
    pub async fn form(&self, path: &str, fields: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.call_with(Method::POST, path, Body::from(fields.to_owned()), &headers).await
    }

    /// Asks for an OAuth token.
    pub async fn token(&self, scope: &str) -> String {
        let fields = format!("grant_type=client_credentials&scope={scope}");
        self.form("/v1/oauth/token", &fields).await.expect(200).string("/access_token")
    }

    /// Creates a customer and returns its id.
    pub async fn customer(&self, body: Value) -> String {
        self.post("/v1/customers", body).await.expect(200).string("/id")
    }
}

async fn send(router: Router, request: Request<Body>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).expect("every answer is UTF-8");
    let answer = Answer { status: parts.status, headers: parts.headers, text };
    contract::check(&method, &path, &answer);
    answer
}
