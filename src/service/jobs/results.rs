//! The state of jobs, and the download and expiry of their results.

use subtle::ConstantTimeEq;

use crate::db;
use crate::db::distribution;
use crate::db::jobs::ResultPart;
use crate::domain::identifier::Identifier;
use crate::domain::job::{Job, JobStatus, JobType};
use crate::domain::project::ProjectId;
use crate::service::{Caller, Core, Error, Resource, rules};

/// Returns an async action and its failed records as JSON. At most
/// [`LISTED_FAILURES`](crate::domain::limits::LISTED_FAILURES) of them are stored.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier.
pub async fn async_action(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(Job, Vec<String>), Error> {
    let not_found = || Error::not_found(Resource::AsyncAction, identifier.as_str());
    if !identifier.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let found = db::jobs::find(&mut connection, caller.project, identifier.as_str()).await?;
    let job = found.filter(|job| job.kind != JobType::Export).ok_or_else(not_found)?;
    let (mut failures, mut number) = (Vec::new(), 0);
    if job.failed_count > 0 && job.status == JobStatus::Done {
        while let Some((last, lines)) =
            db::jobs::find_next_lines(&mut connection, caller.project, &job.id, ResultPart::Failed, number).await?
        {
            failures.extend(lines);
            number = last;
        }
    }
    connection.release();
    Ok((job, failures))
}

/// Returns the finished job whose file can be downloaded with `token`, and its project. Returns `None` for a wrong
/// token or an expired file.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn download(core: &Core, identifier: &Identifier, token: &str) -> Result<Option<(ProjectId, Job)>, Error> {
    // A download carries no keys, so the token contains the number of the project.
    let project = token.split_once('.').and_then(|(project, _)| project.parse().ok()).map(ProjectId);
    let Some(project) = project.filter(|_| identifier.can_exist()) else { return Ok(None) };
    let mut connection = core.pool.acquire_for(project).await?;
    let found = db::jobs::find(&mut connection, project, identifier.as_str()).await?;
    if found.is_none() {
        connection.release();
        return Ok(None);
    }
    let now = rules::clock_time(core, &mut connection, project).await?;
    connection.release();
    let is_downloadable = |job: &Job| {
        bool::from(job.token.as_bytes().ct_eq(token.as_bytes()))
            && job.status == JobStatus::Done
            && job.expires_at.is_none_or(|expires_at| now < expires_at)
    };
    Ok(found.filter(is_downloadable).map(|job| (project, job)))
}

/// Deletes expired results.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn expire(core: &Core) -> Result<(), Error> {
    let mut connection = core.pool.acquire().await?;
    for scope in distribution::scopes(&mut connection, core.pending_work.is_distributed(), "jobs").await? {
        db::jobs::delete_expired_results(&mut connection, core.clock.now(), scope).await?;
    }
    connection.release();
    Ok(())
}
