//! The endpoints, in folders named like their URLs. They use the HTTP kit of [`crate::http`].

pub(crate) mod client;
pub(crate) mod download;
pub(crate) mod emulator;
pub(crate) mod management;
pub(crate) mod metadata_definitions;
pub(crate) mod stickystreet;
pub(crate) mod v1;
pub(crate) mod webhook_payload;

use std::collections::HashSet;

use axum::middleware;
use axum::routing::any;

use crate::http::cors;
use crate::http::edge::Edge;
use crate::http::error::no_such_endpoint;
use crate::http::frame::{self, Frame};
use crate::http::routes::Routes;
use crate::http::state::AppState;

pub use emulator::{CONTRACT, FileError, load_file, load_template};

/// Returns the service that answers every request of the server: the router with all endpoints, and the outermost checks.
pub fn service(state: AppState) -> Edge {
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
    let all = others.into_router().fallback(no_such_endpoint).layer(framed).merge(client).with_state(state.clone());
    Edge::new(state, all)
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
