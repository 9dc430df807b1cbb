//! What the console shows of a project beside its settings.

use chrono::{DateTime, Utc};

use super::ProjectId;
use crate::domain::project_control::ProjectControl;

/// A project of any organisation, with the numbers that are stored and need no counting.
#[derive(Clone, Debug)]
pub struct ProjectOverview {
    pub id: ProjectId,
    /// `proj_...`.
    pub public_id: String,
    pub name: String,
    /// Whether it is the default project.
    pub is_sandbox: bool,
    pub created_at: DateTime<Utc>,
    /// The id of the oldest server key; `None` when all were revoked.
    pub server_key: Option<String>,
    pub control: ProjectControl,
    /// Customers that are not softly deleted.
    pub customers: i64,
    pub orders: i64,
    pub segments: i64,
}
