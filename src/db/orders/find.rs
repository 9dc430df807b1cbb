//! Reading orders, with or without a lock.

use sqlx::PgConnection;

use super::row::{OrderRow, select_order};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Returns whether an identifier has the form of an order id, or the vendor's earlier form, which a loaded order may have. An
/// identifier of another form can only be a source id.
pub(super) fn may_be_id(identifier: &Identifier) -> bool {
    identifier.has_form("ord_", 18) || identifier.has_form("ord_", 24)
}

/// Finds the order with that id or, when there is none, with that source id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<Order>, sqlx::Error> {
    let _statement = statement("orders.find");
    if !identifier.can_exist() {
        return Ok(None);
    }
    if may_be_id(identifier)
        && let Some(order) = find_by_id(connection, project, identifier.as_str()).await?
    {
        return Ok(Some(order));
    }
    find_by_source_id(connection, project, identifier.as_str()).await
}

/// Finds the order with that id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_by_id(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<Order>, sqlx::Error> {
    let _statement = statement("orders.find_by_id");
    let row = select_order!("WHERE project_id = $1 AND id = $2", project.0, id).fetch_optional(connection).await?;
    Ok(row.map(Order::from))
}

/// Finds the order with that source id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_by_source_id(
    connection: &mut PgConnection,
    project: ProjectId,
    source_id: &str,
) -> Result<Option<Order>, sqlx::Error> {
    let _statement = statement("orders.find_by_source_id");
    let row = select_order!("WHERE project_id = $1 AND source_id = $2", project.0, source_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Order::from))
}

/// Locks the order with that id until the transaction ends, so that no other transaction changes it, and returns it.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Order>, sqlx::Error> {
    let _statement = statement("orders.lock");
    let row = select_order!("WHERE project_id = $1 AND id = $2 FOR NO KEY UPDATE", project.0, id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Order::from))
}
