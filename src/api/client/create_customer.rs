use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::api::v1::customers::{create, request};
use crate::http::answer;
use crate::http::auth::ClientCaller;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;
use crate::objects::customer;
use crate::service::unconfirmed_customers;

/// POST /client/v1/customers (create-customer-client-side)
pub async fn handle(
    State(app): State<AppState>,
    ClientCaller { caller, functions }: ClientCaller,
    headers: HeaderMap,
    body: Json,
) -> Result<Response, ApiError> {
    if !functions.create_customer {
        return Err(ApiError::unauthorized());
    }
    if !is_double_opt_in(&headers) {
        return create::handle(State(app), caller, body).await;
    }
    let reference = body.read(request::customer_reference)?;
    if reference.id.is_some() {
        return Err(ApiError::not_emulated(
            "Double opt-in (X-Voucherify-Double-Opt-In: true) of a customer that exists (.id) is not emulated: nothing was changed",
        ));
    }
    let unconfirmed = unconfirmed_customers::create(&app.core, &caller, reference).await?;
    Ok(answer::json(|out| customer::write_unconfirmed(out, &unconfirmed)))
}

fn is_double_opt_in(headers: &HeaderMap) -> bool {
    headers.get("x-voucherify-double-opt-in").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}
