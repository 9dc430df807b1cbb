use axum::extract::State;
use axum::response::Response;

use crate::api::v1::events::create;
use crate::http::auth::ClientCaller;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;

/// POST /client/v1/events (track-custom-event-client-side)
pub async fn handle(
    State(app): State<AppState>,
    ClientCaller { caller, functions }: ClientCaller,
    body: Json,
) -> Result<Response, ApiError> {
    if !functions.loyalty_events {
        return Err(ApiError::unauthorized());
    }
    create::handle(State(app), caller, body).await
}
