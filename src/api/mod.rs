//! The endpoints, in folders named like their URLs. They use the HTTP kit of [`crate::http`].

pub(crate) mod client;
pub(crate) mod download;
pub(crate) mod emulator;
pub(crate) mod in_process;
pub(crate) mod management;
pub(crate) mod metadata_definitions;
pub(crate) mod stickystreet;
pub(crate) mod v1;
pub(crate) mod webhook_payload;

use std::collections::HashSet;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::any;

use crate::http::accept::prefers_html;
use crate::http::cors;
use crate::http::error::no_such_endpoint;
use crate::http::frame::{self, Frame};
use crate::http::routes::Routes;
use crate::http::state::AppState;

pub use emulator::{CONTRACT, FileError, load_file, load_template};

/// Returns the router of all endpoints. A browser that asks for a page at `/` is sent to `start_page`, if there is one; every other
/// request to `/` is answered like one to any path without an endpoint.
pub fn router(state: AppState, start_page: Option<&'static str>) -> Router {
    let routes = all_routes().resolve();
    let frame = Frame::new(state.clone(), &routes);
    let framed = middleware::from_fn_with_state(frame, frame::handle);
    let (client, others) = routes.split(client::PREFIX);
    // Answers to unknown paths under `/client` need the CORS headers too, because browsers cannot read them otherwise.
    let client = ["/client", "/client/", "/client/{*path}"]
        .into_iter()
        .fold(client.into_router(), |router, path| router.route(path, any(no_such_endpoint)))
        .layer(framed.clone())
        .layer(cors::layer());
    let mut all = others.into_router().fallback(no_such_endpoint).layer(framed.clone()).merge(client);
    if let Some(start_page) = start_page {
        let redirect = middleware::from_fn(move |request, next| redirect_browsers(start_page, request, next));
        all = all.merge(Router::new().route("/", any(no_such_endpoint)).layer(framed).layer(redirect));
    }
    all.with_state(state)
}

/// Returns the ids of the operations that faults can hit: those of the vendors' APIs that belong to a project.
#[must_use]
pub fn fault_operations() -> HashSet<&'static str> {
    let routes = v1::routes().merge(client::routes()).merge(stickystreet::routes());
    routes.operations().map(|(_, _, operation)| operation).collect()
}

/// Returns the table of all routes. A test compares it with the contract.
#[must_use]
pub fn all_routes() -> Routes {
    Routes::default()
        .merge(v1::routes())
        .merge(client::routes())
        .merge(management::routes())
        .merge(emulator::routes())
        .merge(stickystreet::routes())
}

/// Sends a browser that asks for a page to `start_page`.
async fn redirect_browsers(start_page: &'static str, request: Request, next: Next) -> Response {
    if request.method() == Method::GET && prefers_html(request.headers()) {
        return Redirect::to(start_page).into_response();
    }
    next.run(request).await
}
