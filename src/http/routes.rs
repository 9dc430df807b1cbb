//! The route table: method, path and operation id of every endpoint. The router, the hints of 405 responses and the comparison with
//! the contract are made from it.

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};

use super::error::ApiError;
use super::state::AppState;

/// One operation on a path.
pub struct Endpoint {
    method: Method,
    operation_id: &'static str,
    handler: MethodRouter<AppState>,
    is_not_json: bool,
}

impl Endpoint {
    /// Marks an endpoint whose answer may have another media type than JSON. Such an endpoint reads no `Accept` header.
    #[must_use]
    pub fn not_json(self) -> Self {
        Self { is_not_json: true, ..self }
    }
}

macro_rules! methods {
    ($($function:ident $method:ident),*) => {$(
        #[doc = concat!("Returns an endpoint for `", stringify!($method), "` with its operation id.")]
        pub fn $function<H: Handler<T, AppState>, T: 'static>(operation_id: &'static str, handler: H) -> Endpoint {
            Endpoint { method: Method::$method, operation_id, handler: on(MethodFilter::$method, handler), is_not_json: false }
        }
    )*};
}
methods!(get GET, post POST, put PUT, delete DELETE);

/// A table of routes.
#[derive(Default)]
pub struct Routes(Vec<(&'static str, Vec<Endpoint>)>);

impl Routes {
    /// Adds a path with its operations.
    #[must_use]
    pub fn at<const N: usize>(mut self, path: &'static str, endpoints: [Endpoint; N]) -> Self {
        self.0.push((path, endpoints.into()));
        self
    }

    /// Adds another table.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Splits the table into the paths that begin with `prefix` and the others.
    pub(crate) fn split(self, prefix: &str) -> (Self, Self) {
        let (under, others) = self.0.into_iter().partition(|(path, _)| path.starts_with(prefix));
        (Self(under), Self(others))
    }

    /// Returns method, path and operation id of every endpoint.
    pub fn operations(&self) -> impl Iterator<Item = (&Method, &'static str, &'static str)> {
        self.0.iter().flat_map(|(path, endpoints)| {
            endpoints.iter().map(move |endpoint| (&endpoint.method, *path, endpoint.operation_id))
        })
    }

    /// The paths with an endpoint whose answer may have another media type than JSON.
    pub(crate) fn not_json(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|(_, endpoints)| endpoints.iter().any(|one| one.is_not_json)).map(|&(path, _)| path)
    }

    /// The axum router, in which a method that a path does not have is answered with 405.
    pub(crate) fn into_router(self) -> Router<AppState> {
        self.0.into_iter().fold(Router::new(), |router, (path, endpoints)| {
            let allowed: Vec<_> = endpoints.iter().map(|endpoint| endpoint.method.clone()).collect();
            let methods =
                endpoints.into_iter().fold(MethodRouter::new(), |methods, endpoint| methods.merge(endpoint.handler));
            router.route(path, methods.fallback(move |method: Method| async move { not_allowed(&method, &allowed) }))
        })
    }
}

/// Returns 405 with the methods that the path supports.
pub fn not_allowed(method: &Method, allowed: &[Method]) -> Response {
    let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
    let hint = match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    };
    let mut response = ApiError::method_not_allowed(method, &hint).into_response();
    if let Ok(allow) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
