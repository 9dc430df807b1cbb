//! What is told of jobs, and what they leave behind.

use subtle::ConstantTimeEq;

use crate::db;
use crate::db::jobs::Part;
use crate::domain::identifier::Identifier;
use crate::domain::job::{Job, JobStatus, JobType};
use crate::domain::project::ProjectId;
use crate::service::{Caller, Core, Error, Resource};

/// An async action, with the records of it that failed, as JSON; no more than
/// [`LISTED_FAILURES`](crate::domain::limits::LISTED_FAILURES) of them are kept.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
pub async fn async_action(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(Job, Vec<String>), Error> {
    let not_found = || Error::not_found(Resource::AsyncAction, identifier.as_str());
    if !identifier.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire().await?;
    let found = db::jobs::find(&mut connection, caller.project, identifier.as_str()).await?;
    let job = found.filter(|job| job.kind != JobType::Export).ok_or_else(not_found)?;
    let (mut failures, mut number) = (Vec::new(), 0);
    if job.failed_count > 0 && job.status == JobStatus::Done {
        while let Some((last, lines)) =
            db::jobs::lines(&mut connection, caller.project, &job.id, Part::Failed, number).await?
        {
            failures.extend(lines);
            number = last;
        }
    }
    connection.release();
    Ok((job, failures))
}

/// The finished job whose file `token` opens, with its project; `None` where the token is another's or the file is gone.
///
/// # Errors
/// When the database fails.
pub async fn download(core: &Core, identifier: &Identifier, token: &str) -> Result<Option<(ProjectId, Job)>, Error> {
    // The token tells the project, which its keys would tell otherwise.
    let project = token.split_once('.').and_then(|(project, _)| project.parse().ok()).map(ProjectId);
    let Some(project) = project.filter(|_| identifier.can_exist()) else { return Ok(None) };
    let mut connection = core.pool.acquire().await?;
    let found = db::jobs::find(&mut connection, project, identifier.as_str()).await?;
    connection.release();
    let now = core.clock.now();
    let opens = |job: &Job| {
        bool::from(job.token.as_bytes().ct_eq(token.as_bytes()))
            && job.status == JobStatus::Done
            && job.expires_at.is_none_or(|expires_at| now < expires_at)
    };
    Ok(found.filter(opens).map(|job| (project, job)))
}

/// Removes the results whose time is over.
///
/// # Errors
/// When the database fails.
pub async fn expire(core: &Core) -> Result<(), Error> {
    let mut connection = core.pool.acquire().await?;
    db::jobs::expire(&mut connection, core.clock.now()).await?;
    connection.release();
    Ok(())
}
