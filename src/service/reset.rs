//! Empties a project.

use super::replacement;
use super::retry::retry;
use super::{Caller, Core, Error};
use crate::db;
use crate::domain::project_counts::ProjectCounts;

/// What a reset can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Metadata schemas and custom event schemas.
    Schemas,
    /// Segments. They lose their members, because there are no customers.
    Segments,
    /// Definitions of consents, and their groups.
    Consents,
    /// Webhooks and distributions, without their deliveries.
    Webhooks,
}

impl Kept {
    /// The names, in the order of the variants.
    pub const NAMES: [&str; 4] = ["schemas", "segments", "consents", "webhooks"];

    /// Returns what has that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|known| *known == name)?;
        [Self::Schemas, Self::Segments, Self::Consents, Self::Webhooks].get(index).copied()
    }

    fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Schemas => &["metadata_schemas", "custom_event_schemas"],
            Self::Segments => &["segments"],
            Self::Consents => &["consents", "consent_groups", "consent_group_members"],
            Self::Webhooks => &["webhooks"],
        }
    }

    /// Sets the counts of what is kept to 0.
    fn clear_counts(self, removed: &mut ProjectCounts) {
        match self {
            Self::Schemas => (removed.metadata_schemas, removed.event_schemas) = (0, 0),
            Self::Segments => removed.segments = 0,
            Self::Consents => (removed.consents, removed.consent_groups) = (0, 0),
            Self::Webhooks => removed.webhooks = 0,
        }
    }
}

/// Deletes everything that the project of the caller has, except its keys, its settings, its snapshots and what is
/// `kept`, and returns what was removed. Its clock shows real time again, and its identifiers are random. Jobs that wait
/// and deliveries that are due are cancelled.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn reset(core: &Core, caller: &Caller, kept: &[Kept]) -> Result<ProjectCounts, Error> {
    let project = caller.project;
    let tables: Vec<_> = kept.iter().flat_map(|kept| kept.tables()).copied().collect();
    let removed = retry(async || {
        let mut exclusive = replacement::begin(core, caller).await?;
        let connection = exclusive.connection();
        let mut removed = db::project_counts::count(connection, project).await?;
        db::project_deletions::skip_foreign_key_checks(connection).await?;
        db::project_copies::delete_rows(connection, project, &tables).await?;
        if kept.contains(&Kept::Segments) {
            db::segments::reset_members(connection, project, core.clock.now()).await?;
        }
        db::projects::reset_control(connection, project).await?;
        exclusive.commit().await?;
        for one in kept {
            one.clear_counts(&mut removed);
        }
        Ok(removed)
    })
    .await?;
    // What this process holds in memory of the project is discarded here. The clock and the seed are part of what is cached.
    core.credentials.invalidate();
    core.delivery_notifier.cancel_project(project);
    core.request_log.clear(project);
    Ok(removed)
}
