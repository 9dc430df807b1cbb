use axum::extract::State;
use axum::response::Response;
use serde_json::value::RawValue;

use super::request;
use crate::domain::job::{CustomerIds, JobType, Record};
use crate::domain::json::{JsonText, compact};
use crate::domain::limits::BULK_RECORDS;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::extract::BulkJson;
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::http::unread::Reading;
use crate::http::{answer, records};
use crate::service::Caller;
use crate::service::jobs::{self, BulkRecord, JobRequest};

/// POST /v1/customers/bulk/async (update-customers-in-bulk)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: BulkJson) -> Result<Response, ApiError> {
    let records = records::parse(body, BULK_RECORDS, parse_record).await?;
    let request = JobRequest { kind: JobType::CustomersBulkUpdate, parameters: None };
    let id = jobs::accept(&app.core, &caller, request, records).await?;
    Ok(answer::accepted(&id))
}

/// Reads one customer of the body. A missing or invalid `source_id` rejects the whole request. Any other error fails
/// only this record.
fn parse_record(index: usize, text: &RawValue, reading: &Reading) -> Result<Record, ApiError> {
    let malformed = |_| ApiError::new(ErrorKind::MalformedJson);
    let customer = compact::parse(text.get().as_bytes()).map_err(malformed)?;
    let mut object = Object::of_item(index, customer, reading)?;
    let source_id = object.required_identifier("source_id")?;
    let record = match reading.attempt(|| request::customer_patch(object.into_record(index))) {
        Ok(patch) => BulkRecord::Patch(Box::new(patch)),
        Err(error) => BulkRecord::Failure(error.into_record_failure()),
    };
    let customer = CustomerIds { id: None, source_id: Some(source_id) };
    Ok(Record { json: JsonText::of(&record).as_str().to_owned(), customer, referrer: CustomerIds::default() })
}
