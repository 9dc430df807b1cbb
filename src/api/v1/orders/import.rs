use axum::extract::State;
use axum::response::Response;
use serde_json::value::RawValue;

use super::request;
use crate::domain::job::{JobType, Record};
use crate::domain::limits::IMPORTED_ORDERS;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::extract::BulkJson;
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::http::{answer, records};
use crate::service::Caller;
use crate::service::jobs::{self, ImportedOrder, JobRequest};

/// POST /v1/orders/import (import-orders)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    BulkJson(body): BulkJson,
) -> Result<Response, ApiError> {
    let records = records::parse(body, IMPORTED_ORDERS, record).await?;
    let request = JobRequest { kind: JobType::OrdersImport, parameters: None };
    let id = jobs::accept(&app.core, &caller, request, records).await?;
    Ok(answer::async_action_id_of(&id))
}

/// One order of the body. What is wrong with it is told by its path within the order, as the vendor's published error does.
fn record(index: usize, text: &RawValue) -> Result<Record, ApiError> {
    let malformed = |_| ApiError::new(ErrorKind::MalformedJson);
    let mut order = Object::of_item(index, serde_json::from_str(text.get()).map_err(malformed)?)?.into_body();
    let reference = request::order_reference(&mut order)?;
    Ok(ImportedOrder::new(reference, request::change(order)?).record())
}
