//! The number of rows of an unfiltered list. The table `row_counts` stores it.

use sqlx::{Postgres, QueryBuilder};

use crate::domain::project::ProjectId;

/// The resource name of the number of customers that are not deleted.
pub(super) const CUSTOMERS: &str = "customers";
/// The resource name of the number of orders.
pub(super) const ORDERS: &str = "orders";
/// The resource name of the number of segments. For the number of members of a segment, it is the id of the segment.
pub(super) const SEGMENTS: &str = "segments";

/// Adds the statement that selects the number of rows of a resource of the project.
pub(super) fn push_total(query: &mut QueryBuilder<Postgres>, project: ProjectId, resource: &str) {
    query.push("SELECT coalesce(sum(value), 0)::bigint FROM row_counts WHERE project_id = ").push_bind(project.0);
    query.push(" AND resource = ").push_bind(resource.to_owned());
}
