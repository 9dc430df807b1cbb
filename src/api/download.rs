//! Streams the result files of jobs as response bodies.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};

use crate::db;
use crate::db::jobs::ResultPart;
use crate::domain::project::ProjectId;
use crate::service::{Core, rules};

/// How many chunks of a result file are in memory for one download.
const MAX_BUFFERED_CHUNKS: usize = 2;

/// Returns a response that streams the result file of a job, in CSV. A chunk is read from the database when the client has received
/// the ones before it. `csv_header` is sent first, for files that are stored without their header line.
///
/// When the database fails or the file is deleted during the download, the connection is aborted, so that the client
/// does not treat an incomplete file as complete.
pub fn stream_csv(
    core: &Arc<Core>,
    project: ProjectId,
    job_id: String,
    csv_header: Option<String>,
    content_type: &'static str,
) -> Response {
    let (sender, body) = Channel::<Bytes, sqlx::Error>::new(MAX_BUFFERED_CHUNKS);
    tokio::spawn(send_chunks(Arc::clone(core), project, job_id, csv_header, sender));
    ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], Body::new(body)).into_response()
}

async fn send_chunks(
    core: Arc<Core>,
    project: ProjectId,
    job_id: String,
    csv_header: Option<String>,
    mut sender: Sender<Bytes, sqlx::Error>,
) {
    let mut chunk = match csv_header {
        Some(csv_header) => Ok(Some((0, vec![csv_header]))),
        None => next_chunk(&core, project, &job_id, 0).await,
    };
    loop {
        let last_number = match chunk {
            Ok(Some((number, lines))) => {
                // Stop when the client has closed the connection.
                if sender.send_data(lines.concat().into()).await.is_err() {
                    return;
                }
                number
            }
            Ok(None) => return,
            Err(error) => return sender.abort(error),
        };
        chunk = next_chunk(&core, project, &job_id, last_number).await;
    }
}

/// Reads the chunk after the chunk `last_number`, with its number; `None` at the end of the file. The connection is held only during
/// the query, not while the client receives.
async fn next_chunk(
    core: &Core,
    project: ProjectId,
    job_id: &str,
    last_number: i64,
) -> Result<Option<(i64, Vec<String>)>, sqlx::Error> {
    let mut connection = core.pool.acquire().await?;
    let chunk = db::jobs::find_next_lines(&mut connection, project, job_id, ResultPart::File, last_number).await?;
    if chunk.is_none() {
        // Return an error when the job was deleted or has expired, because the rest of its file may be deleted already.
        let job = db::jobs::find(&mut connection, project, job_id).await?.ok_or(sqlx::Error::RowNotFound)?;
        let now = rules::clock_time(core, &mut connection, project).await?;
        if job.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(sqlx::Error::RowNotFound);
        }
    }
    connection.release();
    Ok(chunk)
}
