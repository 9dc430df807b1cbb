use axum::extract::State;
use axum::response::Response;

use crate::domain::customer_csv::Columns;
use crate::domain::job::JobType;
use crate::domain::json::JsonText;
use crate::http::answer;
use crate::http::csv_rows::CsvRows;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::http::upload::Upload;
use crate::service::Caller;
use crate::service::jobs::{Acceptance, JobRequest};

/// POST /v1/customers/importCSV (import-customers-using-csv)
pub async fn handle(State(app): State<AppState>, caller: Caller, Upload(file): Upload) -> Result<Response, ApiError> {
    let file = file.ok_or_else(|| ApiError::invalid_payload("Payload must have required property 'file'"))?;
    let (columns, rows) = CsvRows::open(file, |first| Columns::from_header(first.iter())).await?;
    let request = JobRequest { kind: JobType::CustomersImportCsv, parameters: Some(JsonText::of(&columns)) };
    let mut slices = rows.slices(move |row| columns.record(row.iter()));
    let mut acceptance = Acceptance::begin(&app.core, &caller, request).await?;
    while let Some(slice) = slices.next().await? {
        acceptance.add(&slice).await?;
    }
    Ok(answer::accepted(&acceptance.end().await?.id))
}
