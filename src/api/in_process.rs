//! Calls of operations of the API from this process: without a connection, without keys, and without the frame of a request. They are not
//! recorded in the request log, hit by no fault and counted against no rate limit.
//!
//! The console is made of such calls, so that its pages follow the same rules as every client and show the same errors.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::all_routes;
use crate::domain::credential::{Grant, Principal};
use crate::http::ApiError;
use crate::http::answer::JSON;
use crate::http::error::ErrorKind;
use crate::http::request_context::RequestContext;
use crate::http::routes::RouteTable;
use crate::http::scheme::Scheme;
use crate::http::state::AppState;

/// The operations of the API, as this process calls them.
#[derive(Clone)]
pub struct InProcessApi {
    state: AppState,
    router: Router,
}

/// A call of an operation of a project.
pub struct Call<'a> {
    pub method: Method,
    /// The path, with identifiers encoded, and the query.
    pub path: &'a str,
    pub body: Option<&'a Value>,
    /// The host of links in the answer.
    pub host: Option<&'a str>,
    /// The scheme of links in the answer.
    pub scheme: Scheme,
}

impl<'a> Call<'a> {
    /// Returns a call without a body.
    pub fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, body: None, host: None, scheme: Scheme::Http }
    }
}

impl InProcessApi {
    pub fn new(state: AppState) -> Self {
        let resolved = all_routes().resolve();
        let operations = Arc::new(resolved.operations(&state.core.metrics.requests));
        let router = resolved.into_router().layer(axum::middleware::from_fn(move |request: Request, next| {
            set_pattern(Arc::clone(&operations), request, next)
        }));
        Self { router: router.with_state(state.clone()), state }
    }

    /// Calls an operation on behalf of `principal`, and returns the JSON of its answer; `null` for an answer without a body.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn call(&self, principal: Principal, call: Call<'_>) -> Result<Value, ApiError> {
        let response = self.send(principal, call).await?;
        let body = response.into_body().collect().await.map_err(|error| internal(&error))?.to_bytes();
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| internal(&error))
    }

    /// Calls an operation like [`InProcessApi::call`], and returns its answer unread, for instance a file.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn send(&self, principal: Principal, call: Call<'_>) -> Result<Response, ApiError> {
        let body = call.body.map(|body| Body::from(body.to_string()));
        self.send_body(principal, call, body).await
    }

    /// Calls an operation like [`InProcessApi::send`], with another JSON body than that of the call. It may arrive while the operation
    /// reads it.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn send_body(
        &self,
        mut principal: Principal,
        call: Call<'_>,
        body: Option<Body>,
    ) -> Result<Response, ApiError> {
        let Grant::Project(project) = principal.grant else { return Err(ApiError::unauthorized()) };
        principal.control.is_strict |= self.state.is_strict;
        let control = principal.control;
        let request_id = self.state.core.ids.time_ordered("v-", self.state.core.clock.now());
        let context = RequestContext::in_process(request_id, principal);
        context.set_project(&self.state.core, project, control).await;
        if control.is_strict {
            context.set_strict();
        }
        let Call { method, path, host, scheme, .. } = call;
        let mut request = Request::builder().method(method).uri(path).extension(Arc::new(context)).extension(scheme);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, JSON);
        }
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        let request = request.body(body.unwrap_or_default()).map_err(|error| internal(&error))?;
        let mut response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let Some(error) = response.extensions_mut().remove::<ApiError>() {
            return Err(error);
        }
        match response.status() {
            // Only the fallback of the router answers so without an error: the path of the call is wrong.
            StatusCode::NOT_FOUND => Err(internal("the call has a path without an operation")),
            _ => Ok(response),
        }
    }
}

/// Sets the path pattern of the operation, from which handlers read identifiers in the path.
async fn set_pattern(operations: Arc<RouteTable>, mut request: Request, next: axum::middleware::Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let operation = matched.and_then(|matched| operations.find(request.method(), matched.as_str()));
    if let Some(pattern) = operation.map(|operation| operation.pattern) {
        request.extensions_mut().insert(pattern);
    }
    next.run(request).await
}

fn internal(cause: &(impl ToString + ?Sized)) -> ApiError {
    ApiError::new(ErrorKind::Internal).with_cause(cause)
}
