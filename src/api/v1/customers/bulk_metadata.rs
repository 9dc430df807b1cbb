use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::domain::job::{CustomerIds, JobType, Record};
use crate::domain::json::{JsonText, compact};
use crate::domain::limits::{BULK_RECORDS, METADATA_BYTES, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::http::answer;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::extract::BulkJson;
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::http::unread::Reading;
use crate::service::Caller;
use crate::service::jobs::{self, JobRequest};

/// POST /v1/customers/metadata/async (update-customers-metadata-in-bulk)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: BulkJson) -> Result<Response, ApiError> {
    let (metadata, records) = body.read(parse).await?;
    let request = JobRequest { kind: JobType::CustomersMetadataUpdate, parameters: Some(metadata) };
    let id = jobs::accept(&app.core, &caller, request, records).await?;
    Ok(answer::accepted(&id))
}

fn parse(body: &[u8], reading: &Reading) -> Result<(JsonText, Vec<Record>), ApiError> {
    let body: Option<Value> = if body.is_empty() {
        None
    } else {
        Some(compact::parse(body).map_err(|_| ApiError::new(ErrorKind::MalformedJson))?)
    };
    let mut body = Object::of_body(body, reading)?;
    body.require("source_ids")?;
    body.require("metadata")?;
    let Some(source_ids) = body.identifiers("source_ids", BULK_RECORDS)? else {
        return Err(ApiError::invalid_payload("Property .source_ids must be array"));
    };
    if source_ids.is_empty() {
        return Err(ApiError::new(ErrorKind::NotEnoughSourceIds).with_details("Specify at least 1 source_id"));
    }
    let Patch::Value(metadata) = body.metadata("metadata")? else {
        return Err(ApiError::invalid_payload("Property .metadata must be object"));
    };
    let metadata = JsonText::of(&metadata);
    if metadata.as_str().len() > METADATA_BYTES {
        let details = format!("Property .metadata must NOT be larger than {METADATA_BYTES} bytes");
        return Err(ApiError::invalid_payload(details));
    }
    let records = source_ids.into_iter().enumerate().map(|(index, source_id)| {
        let invalid = |problem: String| ApiError::invalid_payload(format!("Property .source_ids[{index}] {problem}"));
        if source_id.is_empty() {
            return Err(invalid("must NOT have fewer than 1 characters".to_owned()));
        }
        if source_id.len() > TEXT_CHARS && source_id.chars().count() > TEXT_CHARS {
            return Err(invalid(format!("must NOT have more than {TEXT_CHARS} characters")));
        }
        let customer = CustomerIds { id: None, source_id: Some(source_id) };
        // Leave the record empty, because the metadata is the same for all customers and is stored once with the job.
        Ok(Record { json: "{}".to_owned(), customer, referrer: CustomerIds::default() })
    });
    Ok((metadata, records.collect::<Result<_, _>>()?))
}
