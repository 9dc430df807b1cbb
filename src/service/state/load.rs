//! The transaction that loads a state document.

use tokio::sync::mpsc::Receiver;

use super::loader::{Counts, Failure, Loader, ObjectError};
use super::{customers, definitions, events, orders, segments};
use crate::db;
use crate::domain::project_time::JobRowTimes;
use crate::domain::state_document::{StateBatch, StateMember};
use crate::service::identifiers;
use crate::service::replacement;
use crate::service::retry::retry;
use crate::service::rules::RulesChange;
use crate::service::{Caller, Core, Error};

/// What happens to the objects that a project has before the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadMode {
    /// They are deleted.
    Replace,
    /// They stay, unless the document has an object with the same id or source id, which replaces them.
    Add,
    /// The document is not loaded when there are any.
    IfEmpty,
}

/// Why a document was not loaded. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError<E> {
    /// The document could not be read.
    #[error("the document cannot be read")]
    Document(E),
    /// The task that reads the document stopped.
    #[error("the task that reads the document stopped unexpectedly")]
    Interrupted,
    /// An object of the document is not allowed.
    #[error("{}", .0.details)]
    Object(ObjectError),
    /// The load failed.
    #[error(transparent)]
    Service(#[from] Error),
}

impl<E> From<Failure> for LoadError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Object(error) => Self::Object(error),
            Failure::Service(error) => Self::Service(error),
        }
    }
}

/// The objects of a document in the order of [`StateMember::LOAD_ORDER`], in batches; `None` after the last one.
pub type Batches<E> = Receiver<Result<Option<StateBatch>, E>>;

/// Loads a document, and returns how many objects it had. `open` begins to read it, once for each attempt. Returns `None`
/// when the project is not empty and [`LoadMode::IfEmpty`] is set.
///
/// # Errors
/// Returns an error for the first object that is not allowed, and when the document cannot be read or a database statement
/// fails. Then nothing has changed.
pub async fn load<E>(
    core: &Core,
    caller: &Caller,
    mode: LoadMode,
    open: impl Fn() -> Batches<E>,
) -> Result<Option<Counts>, LoadError<E>> {
    let loaded = retry(async || {
        let exclusive = match mode {
            LoadMode::Replace => replacement::begin(core, caller).await?,
            LoadMode::Add | LoadMode::IfEmpty => replacement::begin_locked(core, caller).await?,
        };
        let mut change = RulesChange::on(caller, exclusive);
        match mode {
            LoadMode::Add => {}
            LoadMode::Replace => db::state::clear(change.connection(), caller.project).await?,
            LoadMode::IfEmpty => {
                if !db::state::is_empty(change.connection(), caller.project).await? {
                    change.roll_back().await;
                    return Ok(Ok(None));
                }
            }
        }
        let mut loader = Loader::new(core, caller, change, mode == LoadMode::Add);
        match add_all(&mut loader, open()).await {
            Ok(()) => {
                let counts = finish(loader).await?;
                if mode == LoadMode::Replace {
                    core.delivery_notifier.cancel_project(caller.project);
                }
                Ok(Ok(Some(counts)))
            }
            Err(error) => {
                loader.change.roll_back().await;
                if let LoadError::Service(error) = error { Err(error) } else { Ok(Err(error)) }
            }
        }
    });
    loaded.await?
}

async fn add_all<E>(loader: &mut Loader<'_>, mut batches: Batches<E>) -> Result<(), LoadError<E>> {
    loop {
        let batch = batches.recv().await.ok_or(LoadError::Interrupted)?.map_err(LoadError::Document)?;
        match batch {
            None => return Ok(()),
            Some(StateBatch::Customers(batch)) => customers::add(loader, batch).await?,
            Some(StateBatch::Orders(batch)) => orders::add(loader, batch).await?,
            Some(StateBatch::Events(batch)) => events::add(loader, batch).await?,
            Some(StateBatch::Segments(batch)) => segments::add(loader, batch).await?,
            Some(StateBatch::Consents(batch)) => definitions::add_consents(loader, batch).await?,
            Some(StateBatch::ConsentGroups(batch)) => definitions::add_groups(loader, batch).await?,
            Some(StateBatch::MetadataSchemas(batch)) => definitions::add_metadata_schemas(loader, batch).await?,
            Some(StateBatch::EventSchemas(batch)) => definitions::add_event_schemas(loader, batch).await?,
            Some(StateBatch::Webhooks(batch)) => definitions::add_webhooks(loader, batch).await?,
        }
    }
}

/// Computes what depends on the objects, and commits.
async fn finish(loader: Loader<'_>) -> Result<Counts, Error> {
    let Loader { core, caller, mut change, time, last_row_at, counts, has_moved_members, .. } = loader;
    let scope = core.pending_work.scope_of(caller.project);
    let connection = change.connection();
    if counts.of(StateMember::Orders) > 0 {
        db::state::refresh_all_order_summaries(connection, caller.project, scope).await?;
    }
    if counts.of(StateMember::Events) > 0 {
        db::state::recount_events(connection, caller.project).await?;
    }
    if has_moved_members {
        db::state::refresh_member_times(connection, caller.project, scope).await?;
    }
    if let Some(last) = last_row_at {
        let times = JobRowTimes { last, written_at: time.clock };
        db::rules::set_job_row_times(connection, caller.project, times).await?;
    }
    let (connection, ids) = change.connection_and_ids();
    identifiers::skip_used(connection, caller.project, ids).await?;
    change.set_reload(last_row_at);
    change.commit().await?;
    Ok(counts)
}
