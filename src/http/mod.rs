//! The vendor's surface: one folder per resource, one file per endpoint, the request's form beside it.

pub mod async_actions;
pub mod consents;
pub mod customers;
pub mod error;
pub mod events;
pub mod exports;
pub mod management;
pub mod metadata_schemas;
pub mod orders;
pub mod segments;
pub mod state;
pub mod trash_bin;

pub mod answer;
mod auth;
mod base_url;
mod csv_rows;
pub(crate) mod definitions;
pub(crate) mod download;
mod extract;
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

use axum::Router;
use axum::middleware;

use state::AppState;

pub use auth::Organiser;
pub use error::ApiError;
pub(crate) use extract::{Id, Json};
pub use listener::JsonListener;
pub(crate) use payload::Object;
pub(crate) use query::Query;
pub use rate_limit::RateLimits;
pub use routes::{Endpoint, Routes, delete, get, post, put};

/// The whole surface, with `control`, the emulator's own routes, beside the vendor's.
pub fn router(state: AppState, control: Routes) -> Router {
    all_routes(control)
        .into_router()
        .fallback(error::no_such_endpoint)
        .layer(middleware::from_fn_with_state(state.clone(), frame::handle))
        .with_state(state)
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
        .merge(trash_bin::routes())
        .merge(metadata_schemas::routes())
        .merge(async_actions::routes())
        .merge(exports::routes())
        .merge(management::routes())
        .merge(control)
}
