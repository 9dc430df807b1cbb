use axum::extract::State;
use axum::response::Response;
use serde_json::value::RawValue;

use super::request;
use crate::domain::job::{JobType, Record};
use crate::domain::json::compact;
use crate::domain::limits::IMPORTED_ORDERS;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::extract::BulkJson;
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::http::unread::Reading;
use crate::http::{answer, records};
use crate::service::Caller;
use crate::service::jobs::{self, ImportedOrder, JobRequest};

/// POST /v1/orders/import (import-orders)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: BulkJson) -> Result<Response, ApiError> {
    let records = records::parse(body, IMPORTED_ORDERS, parse_record).await?;
    let request = JobRequest { kind: JobType::OrdersImport, parameters: None };
    let id = jobs::accept(&app.core, &caller, request, records).await?;
    Ok(answer::async_action_id_of(&id))
}

/// Reads one order of the body. Error messages contain the path within the order, as in the error that the vendor
/// documents.
fn parse_record(index: usize, text: &RawValue, reading: &Reading) -> Result<Record, ApiError> {
    let malformed = |_| ApiError::new(ErrorKind::MalformedJson);
    let order = compact::parse(text.get().as_bytes()).map_err(malformed)?;
    let mut order = Object::of_item(index, order, reading)?.into_record(index);
    let reference = request::order_reference(&mut order)?;
    Ok(ImportedOrder::new(reference, request::order_change(order)?).record())
}
