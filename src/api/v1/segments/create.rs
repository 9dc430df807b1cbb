use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::domain::limits::{SEGMENT_MEMBERS, TEXT_CHARS};
use crate::domain::segment::SegmentType;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::objects::segment;
use crate::service::{Caller, segments};

/// POST /v1/segments (create-segment)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let created = match body.read(new_segment)? {
        NewSegment::Static { name, customers } => segments::create_static(&app.core, &caller, name, &customers).await?,
        NewSegment::Filtered { name, kind, filter } => {
            segments::create_filtered(&app.core, &caller, name, kind, &filter).await?
        }
    };
    Ok(answer::json(|out| segment::write(out, &created)))
}

enum NewSegment {
    Static { name: String, customers: Vec<String> },
    Filtered { name: String, kind: SegmentType, filter: Value },
}

fn new_segment(mut body: Object<'_>) -> Result<NewSegment, ApiError> {
    let name = body.required_text("name", 1, TEXT_CHARS)?;
    let allowed = [SegmentType::AutoUpdate, SegmentType::Passive, SegmentType::Static].map(SegmentType::as_str);
    let kind = body.one_of("type", &allowed, SegmentType::parse)?.unwrap_or(SegmentType::Static);
    // A static segment has no filter, and another one no list of customers.
    if kind == SegmentType::Static {
        let customers = body.identifiers("customers", SEGMENT_MEMBERS)?.unwrap_or_default();
        body.ignore(&["filter"]);
        return Ok(NewSegment::Static { name, customers });
    }
    let filter = body.metadata("filter")?.value().map_or(Value::Null, Value::Object);
    body.ignore(&["customers"]);
    Ok(NewSegment::Filtered { name, kind, filter })
}
