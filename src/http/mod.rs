//! The vendor's surface: one folder per resource, one file per endpoint, the request's form beside it.

pub mod async_actions;
pub mod client;
pub mod consents;
pub mod customers;
pub mod error;
pub mod events;
pub mod exports;
pub mod management;
pub mod metadata_schemas;
pub mod oauth;
pub mod orders;
pub mod segments;
pub mod state;
pub mod trash_bin;

pub mod answer;
mod auth;
mod base_url;
mod cors;
mod csv_rows;
pub(crate) mod definitions;
pub(crate) mod download;
mod extract;
mod form;
mod frame;
mod listener;
mod origin;
mod payload;
mod query;
mod rate_limit;
mod records;
mod routes;
mod run_to_end;
mod upload;
pub(crate) mod webhook_payload;

use axum::Router;
use axum::middleware;
use axum::routing::any;

use state::AppState;

pub use auth::Organiser;
pub(crate) use auth::enter_with;
pub use error::ApiError;
pub(crate) use extract::{Id, InnerId, Json, read_body};
pub(crate) use frame::InFlight;
pub use listener::JsonListener;
pub(crate) use payload::Object;
pub(crate) use query::Query;
pub use rate_limit::RateLimits;
pub(crate) use routes::not_allowed;
pub use routes::{Endpoint, Routes, delete, get, post, put};

/// The whole surface, with `control`, the emulator's own routes, beside the vendor's.
pub fn router(state: AppState, control: Routes) -> Router {
    let framed = middleware::from_fn_with_state(state.clone(), frame::handle);
    let (client, others) = all_routes(control).split(client::PREFIX);
    // What is not emulated of the client side is told to browsers as well.
    let client = ["/client", "/client/", "/client/{*path}"]
        .into_iter()
        .fold(client.into_router(), |router, path| router.route(path, any(error::no_such_endpoint)))
        .layer(framed.clone())
        .layer(cors::layer());
    others.into_router().fallback(error::no_such_endpoint).layer(framed).merge(client).with_state(state)
}

/// Every route there is: what the contract is held against.
#[must_use]
pub fn all_routes(control: Routes) -> Routes {
    Routes::default()
        .merge(customers::routes())
        .merge(orders::routes())
        .merge(events::routes())
        .merge(segments::routes())
        .merge(consents::routes())
        .merge(client::routes())
        .merge(trash_bin::routes())
        .merge(metadata_schemas::routes())
        .merge(oauth::routes())
        .merge(async_actions::routes())
        .merge(exports::routes())
        .merge(management::routes())
        .merge(control)
}
