//! How many objects of each kind a project has.

use serde::Serialize;

/// How many objects of each kind a project, a snapshot of it, or what was removed from it has, in the order in which the
/// control plane shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProjectCounts {
    /// Customers that are not softly deleted.
    pub customers: i64,
    pub orders: i64,
    /// Custom events.
    pub events: i64,
    pub segments: i64,
    /// Definitions of consents.
    pub consents: i64,
    pub consent_groups: i64,
    pub metadata_schemas: i64,
    pub event_schemas: i64,
    /// Webhooks and distributions.
    pub webhooks: i64,
    /// Async actions.
    pub jobs: i64,
    pub exports: i64,
    /// Deliveries of webhooks.
    pub deliveries: i64,
    /// Activity entries.
    pub activity: i64,
    pub unconfirmed_customers: i64,
    pub permanent_deletions: i64,
}
