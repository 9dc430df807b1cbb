//! The project of a test, and clients with its keys.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::runtime::Handle;
use tower::ServiceExt;
use voucherify_emulator::config::{
    DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN, DEFAULT_MANAGEMENT_ID,
    DEFAULT_MANAGEMENT_TOKEN,
};

use super::{Answer, contract, shared};

/// A project that a test uses only over HTTP.
pub struct TestProject {
    target: Target,
    /// The origin of the project's pages. The built-in client keys trust only local hosts, other keys trust every origin.
    origin: &'static str,
    server_keys: (String, String),
    client_keys: (String, String),
    management_keys: (String, String),
    other_keys: (String, String),
    other_management_keys: (String, String),
}

/// The router that handles requests, and the runtime that it runs on.
#[derive(Clone)]
struct Target {
    router: Router,
    /// The runtime that the router's database connections belong to, or `None` for the runtime of the test.
    runtime: Option<Handle>,
}

impl TestProject {
    /// Returns the keys of a new, empty project of the shared emulator, and of an organisation without a project.
    /// The first request with unknown keys creates their project or organisation.
    pub fn new() -> Self {
        let shared = shared::emulator();
        // The keys of tests that share an emulator must differ.
        let suffix = format!(" {}", uuid::Uuid::new_v4());
        let keys = |name: &str| (format!("{name}{suffix}"), format!("token{suffix}"));
        Self {
            target: Target { router: shared.router.clone(), runtime: Some(shared.runtime.clone()) },
            origin: "https://shop.example",
            server_keys: keys("project"),
            client_keys: keys("project"),
            management_keys: keys("manager"),
            other_keys: keys("other"),
            other_management_keys: keys("other manager"),
        }
    }

    /// Returns the default project, which every emulator creates when it starts.
    pub(super) fn default_of(router: Router) -> Self {
        let keys = |id: &str, token: &str| (id.to_owned(), token.to_owned());
        Self {
            target: Target { router, runtime: None },
            origin: "http://localhost:3000",
            server_keys: keys(DEFAULT_APP_ID, DEFAULT_APP_TOKEN),
            client_keys: keys(DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN),
            management_keys: keys(DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN),
            other_keys: keys("other", "token"),
            other_management_keys: keys("other manager", "token"),
        }
    }

    /// Returns the router of an emulator of its own, for a test that serves it on a socket.
    pub fn router(&self) -> Router {
        self.target.router.clone()
    }

    /// Returns the server keys of the project: id and token.
    pub fn server_keys(&self) -> (&str, &str) {
        (&self.server_keys.0, &self.server_keys.1)
    }

    /// Returns the server keys of [`Self::other_project`].
    pub fn other_keys(&self) -> (&str, &str) {
        (&self.other_keys.0, &self.other_keys.1)
    }

    /// Returns the management keys of [`Self::other_manager`].
    pub fn other_management_keys(&self) -> (&str, &str) {
        (&self.other_management_keys.0, &self.other_management_keys.1)
    }

    /// Returns a client with the server keys of the project.
    pub fn client(&self) -> Client {
        self.client_with(&self.server_keys.0, &self.server_keys.1)
    }

    /// Returns a client of another project.
    pub fn other_project(&self) -> Client {
        self.client_with(&self.other_keys.0, &self.other_keys.1)
    }

    /// Returns a client with any server keys.
    pub fn client_with(&self, app_id: &str, token: &str) -> Client {
        self.caller(&[("x-app-id", app_id), ("x-app-token", token)])
    }

    /// Returns a client with management keys. For the default project they are the keys of the default organisation.
    pub fn manager(&self) -> Client {
        self.manager_with(&self.management_keys.0, &self.management_keys.1)
    }

    /// Returns a client with the management keys of another organisation.
    pub fn other_manager(&self) -> Client {
        self.manager_with(&self.other_management_keys.0, &self.other_management_keys.1)
    }

    /// Returns a client with any management keys.
    pub fn manager_with(&self, id: &str, token: &str) -> Client {
        self.caller(&[("x-management-id", id), ("x-management-token", token)])
    }

    /// Returns a client that calls like a page in a browser, with the client keys of the project.
    pub fn page(&self) -> Client {
        self.page_with(&self.client_keys.0, &self.client_keys.1)
    }

    /// Returns a client that calls like a page in a browser, with the client keys of [`Self::other_project`].
    pub fn other_page(&self) -> Client {
        self.page_with(&self.other_keys.0, &self.other_keys.1)
    }

    /// Returns a client that calls like a page in a browser, with any client keys.
    pub fn page_with(&self, app_id: &str, token: &str) -> Client {
        self.caller(&[("x-client-application-id", app_id), ("x-client-token", token), ("origin", self.origin)])
    }

    /// Returns the origin of [`Self::page`].
    pub fn origin(&self) -> &'static str {
        self.origin
    }

    /// Returns a client with an OAuth token, for server-side and client-side requests.
    pub fn bearer(&self, access_token: &str) -> Client {
        self.caller(&[("authorization", &format!("Bearer {access_token}")), ("origin", "https://shop.example")])
    }

    /// Returns a client that sends these headers with every request.
    pub fn caller(&self, headers: &[(&'static str, &str)]) -> Client {
        let headers = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        Client { target: self.target.clone(), headers: Arc::new(headers) }
    }

    /// Sends a request unchanged.
    #[track_caller]
    pub fn send(&self, request: Request<Body>) -> impl Future<Output = Answer> + use<> {
        self.target.clone().send(request)
    }
}

/// Sends requests with the keys of one project or one organisation.
#[derive(Clone)]
pub struct Client {
    target: Target,
    /// The headers of every request.
    headers: Arc<Vec<(&'static str, String)>>,
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
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in own.chain(headers.iter().copied()) {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        self.target.clone().send(request).await
    }

    /// Sends a customer with double opt-in, which only a page can do.
    pub async fn double_opt_in(&self, body: Value) -> Answer {
        let headers = [("content-type", "application/json"), ("x-voucherify-double-opt-in", "true")];
        self.call_with(Method::POST, "/client/v1/customers", Body::from(body.to_string()), &headers).await
    }

    /// Sends a request that starts an async action, and returns the action when it is finished.
    pub async fn done(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        self.action(&answer.string("/async_action_id")).await
    }

    /// Waits until the async action with this id is finished, and returns it.
    pub async fn action(&self, id: &str) -> Value {
        self.get("/_emulator/idle").await.expect(200);
        let action = self.get(&format!("/v1/async-actions/{id}")).await.expect(200).json();
        assert_eq!(action["progress"], 100, "{action}");
        action
    }

    /// Requests the file at a URL from a response, without keys.
    pub async fn download(&self, url: &str) -> Answer {
        let path = url.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or(url);
        self.target.clone().send(Request::builder().uri(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form.
    pub async fn form(&self, path: &str, fields: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.call_with(Method::POST, path, Body::from(fields.to_owned()), &headers).await
    }

    /// Requests an OAuth token and returns it.
    pub async fn token(&self, scope: &str) -> String {
        let fields = format!("grant_type=client_credentials&scope={scope}");
        self.form("/v1/oauth/token", &fields).await.expect(200).string("/access_token")
    }

    /// Creates a customer and returns its id.
    pub async fn customer(&self, body: Value) -> String {
        self.post("/v1/customers", body).await.expect(200).string("/id")
    }
}

impl Target {
    async fn send(self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let exchange = async move {
            let response = self.router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            (parts, body.collect().await.unwrap().to_bytes())
        };
        let (parts, bytes) = match self.runtime {
            Some(runtime) => runtime.spawn(exchange).await.unwrap(),
            None => exchange.await,
        };
        let text = String::from_utf8(bytes.to_vec()).expect("every response is UTF-8");
        let answer = Answer { status: parts.status, headers: parts.headers, text };
        contract::check(&method, &path, &answer);
        answer
    }
}
