//! Files that jobs leave behind, as bodies.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};

use crate::db;
use crate::db::jobs::Part;
use crate::domain::project::ProjectId;
use crate::service::Core;

/// Pieces of a file that wait for the client at the most.
const AHEAD: usize = 2;

/// The CSV file of a job, headed by `header` where that is not its own first line, read piece by piece as fast as the client
/// takes it. Where the database fails meanwhile, or the file goes, the connection breaks: half a file does not look whole.
pub fn csv(
    core: &Arc<Core>,
    project: ProjectId,
    job_id: String,
    header: Option<String>,
    media: &'static str,
) -> Response {
    let (sender, body) = Channel::<Bytes, sqlx::Error>::new(AHEAD);
    tokio::spawn(send(Arc::clone(core), project, job_id, header, sender));
    ([(header::CONTENT_TYPE, HeaderValue::from_static(media))], Body::new(body)).into_response()
}

async fn send(
    core: Arc<Core>,
    project: ProjectId,
    job_id: String,
    header: Option<String>,
    mut sender: Sender<Bytes, sqlx::Error>,
) {
    let mut piece = match header {
        Some(header) => Ok(Some((0, vec![header]))),
        None => next(&core, project, &job_id, 0).await,
    };
    loop {
        let number = match piece {
            Ok(Some((number, lines))) => {
                // Whoever does not want the rest has gone.
                if sender.send_data(lines.concat().into()).await.is_err() {
                    return;
                }
                number
            }
            Ok(None) => return,
            Err(error) => return sender.abort(error),
        };
        piece = next(&core, project, &job_id, number).await;
    }
}

/// The next piece, with a connection that is held for no longer than that.
async fn next(
    core: &Core,
    project: ProjectId,
    job_id: &str,
    number: i64,
) -> Result<Option<(i64, Vec<String>)>, sqlx::Error> {
    let mut connection = core.pool.acquire().await?;
    let piece = db::jobs::lines(&mut connection, project, job_id, Part::File, number).await?;
    if piece.is_none() {
        // The file of a job that was deleted meanwhile, or whose time is over, does not end where it ends now.
        let job = db::jobs::find(&mut connection, project, job_id).await?.ok_or(sqlx::Error::RowNotFound)?;
        if job.expires_at.is_some_and(|expires_at| expires_at <= core.clock.now()) {
            return Err(sqlx::Error::RowNotFound);
        }
    }
    connection.release();
    Ok(piece)
}
