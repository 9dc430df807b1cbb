//! The route table: method, path and operation id of every endpoint. The router, the hints of 405 responses and the comparison with
//! the contract are made from it.

use std::any::TypeId;
use std::collections::HashMap;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};

use super::document::SpooledJson;
use super::error::ApiError;
use super::extract::{BulkJson, Json, Query};
use super::form::Form;
use super::request_context::RoutePattern;
use super::state::AppState;
use super::upload::Upload;
use crate::metrics::{OperationMetrics, RequestMetrics};

/// One operation on a path.
#[derive(Clone)]
pub struct Endpoint {
    method: Method,
    operation_id: &'static str,
    handler: MethodRouter<AppState>,
    is_not_json: bool,
    reads: Reads,
}

/// The parts of a request that a handler reads, as the types of its arguments show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reads {
    pub query: bool,
    pub body: bool,
}

impl Reads {
    fn of<T: Extractors>() -> Self {
        let whole = T::include::<Request>();
        let body = T::include::<Json>()
            || T::include::<BulkJson>()
            || T::include::<SpooledJson>()
            || T::include::<Form>()
            || T::include::<Upload>();
        Self { query: whole || T::include::<Query>(), body: whole || body }
    }
}

/// The arguments of a handler.
pub trait Extractors {
    /// Returns whether an argument has the type `E`.
    fn include<E: 'static>() -> bool;
}

macro_rules! extractors {
    ($($argument:ident)*) => {
        // The first type is the marker with which axum distinguishes handlers.
        impl<M, $($argument: 'static),*> Extractors for (M, $($argument,)*) {
            fn include<E: 'static>() -> bool {
                let arguments: &[TypeId] = &[$(TypeId::of::<$argument>()),*];
                arguments.contains(&TypeId::of::<E>())
            }
        }
    };
}
extractors!();
extractors!(A);
extractors!(A B);
extractors!(A B C);
extractors!(A B C D);
extractors!(A B C D E1);
extractors!(A B C D E1 F);

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
        pub fn $function<H: Handler<T, AppState>, T: Extractors + 'static>(operation_id: &'static str, handler: H) -> Endpoint {
            let handler = on(MethodFilter::$method, handler);
            Endpoint { method: Method::$method, operation_id, handler, is_not_json: false, reads: Reads::of::<T>() }
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

    /// Returns method, path and operation id of every endpoint.
    pub fn operations(&self) -> impl Iterator<Item = (&Method, &'static str, &'static str)> {
        self.0.iter().flat_map(|(path, endpoints)| {
            endpoints.iter().map(move |endpoint| (&endpoint.method, *path, endpoint.operation_id))
        })
    }

    /// Returns, for each path that the router matches, the endpoints that answer its methods.
    pub(crate) fn resolve(self) -> ResolvedRoutes {
        let methods_of = |path: &str| {
            let found = self.0.iter().find(|(other, _)| is_placeholder_for(other, path));
            found.map(|(pattern, endpoints)| (RoutePattern(pattern), endpoints.as_slice()))
        };
        let resolved = self.0.iter().map(|(path, own)| {
            let mut endpoints: Vec<_> = own.iter().map(|endpoint| (RoutePattern(path), endpoint.clone())).collect();
            if let Some((pattern, others)) = methods_of(path) {
                let missing = others.iter().filter(|other| own.iter().all(|endpoint| endpoint.method != other.method));
                endpoints.extend(missing.map(|endpoint| (pattern, endpoint.clone())));
            }
            (*path, endpoints)
        });
        ResolvedRoutes(resolved.collect())
    }
}

/// Returns whether `pattern` is `path` with a placeholder in place of its last segment.
fn is_placeholder_for(pattern: &str, path: &str) -> bool {
    let (Some((parent, placeholder)), Some((path_parent, segment))) = (pattern.rsplit_once('/'), path.rsplit_once('/'))
    else {
        return false;
    };
    parent == path_parent && placeholder.starts_with('{') && !segment.starts_with('{') && !segment.is_empty()
}

/// The routes as the router matches them. A path such as `/v1/customers/importCSV` also has the methods of
/// `/v1/customers/{customerId}` that are not its own, because a customer may have the source id `importCSV`.
pub(crate) struct ResolvedRoutes(Vec<(&'static str, Vec<(RoutePattern, Endpoint)>)>);

impl ResolvedRoutes {
    /// Splits the routes into the paths that begin with `prefix` and the others.
    pub fn split(self, prefix: &str) -> (Self, Self) {
        let (under, others) = self.0.into_iter().partition(|(path, _)| path.starts_with(prefix));
        (Self(under), Self(others))
    }

    /// Returns the table in which the middleware looks up the operation of a request.
    ///
    /// Requests are counted in `metrics`.
    pub fn operations(&self, metrics: &RequestMetrics) -> RouteTable {
        let operations = self.0.iter().map(|(path, endpoints)| {
            let operations = endpoints.iter().map(|(pattern, endpoint)| ResolvedOperation {
                method: endpoint.method.clone(),
                pattern: *pattern,
                operation_id: endpoint.operation_id,
                is_not_json: endpoint.is_not_json,
                reads: endpoint.reads,
                metrics: metrics.operation(endpoint.operation_id),
            });
            (*path, operations.collect())
        });
        RouteTable(operations.collect())
    }

    /// Returns the axum router, in which a method that a path does not have is answered with 405.
    pub fn into_router(self) -> Router<AppState> {
        self.0.into_iter().fold(Router::new(), |router, (path, endpoints)| {
            let allowed: Vec<_> = endpoints.iter().map(|(_, endpoint)| endpoint.method.clone()).collect();
            let methods = endpoints
                .into_iter()
                .fold(MethodRouter::new(), |methods, (_, endpoint)| methods.merge(endpoint.handler));
            router.route(path, methods.fallback(move |method: Method| async move { not_allowed(&method, &allowed) }))
        })
    }
}

/// One method of a path that the router matches.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedOperation {
    method: Method,
    pub pattern: RoutePattern,
    pub operation_id: &'static str,
    /// Whether the answer may have another media type than JSON, so that `Accept` does not refuse the request.
    pub is_not_json: bool,
    pub reads: Reads,
    pub metrics: OperationMetrics,
}

impl ResolvedOperation {
    /// Returns whether the operation answers the method. The router answers HEAD like GET, without the body.
    pub fn answers(&self, method: &Method) -> bool {
        self.method == *method || (*method == Method::HEAD && self.method == Method::GET)
    }
}

/// The operations of the server, by the path that the router matches.
pub(crate) struct RouteTable(HashMap<&'static str, Vec<ResolvedOperation>>);

impl RouteTable {
    /// Returns the operation that answers `method` on the path `matched`. For a method that is answered with 405 this is the first
    /// operation of the path. `None` for paths that are not in the table.
    pub fn find(&self, method: &Method, matched: &str) -> Option<&ResolvedOperation> {
        let operations = self.0.get(matched)?;
        operations.iter().find(|operation| operation.answers(method)).or_else(|| operations.first())
    }

    /// Returns method and path pattern of every operation. An operation is repeated for each path that the router matches.
    pub fn operations(&self) -> impl Iterator<Item = (&Method, &'static str)> {
        self.0.values().flatten().map(|operation| (&operation.method, operation.pattern.0))
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn handler() {}

    fn resolved() -> ResolvedRoutes {
        Routes::default()
            .at("/orders/import", [post("import", handler).not_json()])
            .at("/orders/{id}", [get("get", handler), post("replace", handler)])
            .at("/orders/{id}/items", [get("items", handler)])
            .resolve()
    }

    #[test]
    fn a_named_path_has_the_other_methods_of_the_placeholder() {
        let table = resolved().operations(&RequestMetrics::default());
        let pattern = |method: Method, path| table.find(&method, path).map(|operation| operation.pattern.0);
        assert_eq!(pattern(Method::POST, "/orders/import"), Some("/orders/import"));
        assert_eq!(pattern(Method::GET, "/orders/import"), Some("/orders/{id}"));
        assert_eq!(pattern(Method::HEAD, "/orders/import"), Some("/orders/{id}"));
        assert_eq!(pattern(Method::PUT, "/orders/import"), Some("/orders/import"), "answered with 405");
        assert_eq!(pattern(Method::GET, "/orders/{id}/items"), Some("/orders/{id}/items"));
        assert_eq!(pattern(Method::GET, "/others"), None);
    }

    #[test]
    fn a_media_type_belongs_to_one_method() {
        let table = resolved().operations(&RequestMetrics::default());
        let is_not_json = |method: Method| table.find(&method, "/orders/import").map(|operation| operation.is_not_json);
        assert_eq!((is_not_json(Method::POST), is_not_json(Method::GET)), (Some(true), Some(false)));
    }
}
