//! Reading customers, with or without a lock.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::row::{CustomerRow, select_customer};
use crate::domain::customer::Customer;
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Returns whether an identifier has the form of a customer id. An identifier of another form can only be a source id.
#[must_use]
pub fn may_be_id(identifier: &Identifier) -> bool {
    identifier.has_form("cust_", 24)
}

/// Finds the customer with that id or, when there is none, with that source id. Deleted customers are not found.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<Customer>, sqlx::Error> {
    let _statement = statement("customers.find");
    if !identifier.can_exist() {
        return Ok(None);
    }
    if may_be_id(identifier) {
        // Search by the primary key only. With another condition, PostgreSQL may choose another index while the table
        // is small, and keep that plan when the table has grown.
        let row = select_customer!("WHERE project_id = $1 AND id = $2", project.0, identifier.as_str());
        if let Some(customer) = row.fetch_optional(&mut *connection).await?.and_then(CustomerRow::unless_deleted) {
            return Ok(Some(customer));
        }
    }
    find_by_source_id(connection, project, identifier).await
}

/// Finds the customer with that source id. Deleted customers are not found.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_by_source_id(
    connection: &mut PgConnection,
    project: ProjectId,
    source_id: &Identifier,
) -> Result<Option<Customer>, sqlx::Error> {
    let _statement = statement("customers.find_by_source_id");
    if !source_id.can_exist() {
        return Ok(None);
    }
    let row = select_customer!(
        "WHERE project_id = $1 AND source_id = $2 AND deleted_at IS NULL",
        project.0,
        source_id.as_str()
    );
    Ok(row.fetch_optional(connection).await?.map(Customer::from))
}

/// Finds the customers with those ids, except deleted ones.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_all(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
) -> Result<Vec<Customer>, sqlx::Error> {
    let _statement = statement("customers.find_all");
    let rows = select_customer!("WHERE project_id = $1 AND id = ANY($2) AND deleted_at IS NULL", project.0, ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Customer::from).collect())
}

/// Adds an expression for the id of the customer with that id or, when there is none, with that source id. It is null
/// when there is no such customer. Unlike [`find`], it finds a deleted customer by its id.
pub(in crate::db) fn push_id(query: &mut QueryBuilder<Postgres>, project: ProjectId, identifier: &Identifier) {
    query.push("coalesce(");
    if may_be_id(identifier) {
        query.push("(SELECT id FROM customers WHERE project_id = ").push_bind(project.0);
        query.push(" AND id = ").push_bind(identifier.as_str().to_owned()).push("), ");
    }
    query.push("(SELECT id FROM customers WHERE project_id = ").push_bind(project.0);
    query.push(" AND source_id = ").push_bind(identifier.as_str().to_owned()).push(" AND deleted_at IS NULL))");
}

/// Does the same as [`find`], and locks the customer until the transaction ends, so that no other transaction changes
/// or deletes it.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<Customer>, sqlx::Error> {
    let _statement = statement("customers.lock");
    if !identifier.can_exist() {
        return Ok(None);
    }
    if may_be_id(identifier)
        && let Some(customer) = lock_by_id(connection, project, identifier.as_str()).await?
    {
        return Ok(Some(customer));
    }
    lock_by_source_id(connection, project, identifier.as_str()).await
}

/// Does the same as [`lock`], by the id only.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_by_id(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<Customer>, sqlx::Error> {
    let _statement = statement("customers.lock_by_id");
    let row = select_customer!("WHERE project_id = $1 AND id = $2 FOR NO KEY UPDATE", project.0, id)
        .fetch_optional(connection)
        .await?;
    Ok(row.and_then(CustomerRow::unless_deleted))
}

/// Does the same as [`lock`], by the source id only.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_by_source_id(
    connection: &mut PgConnection,
    project: ProjectId,
    source_id: &str,
) -> Result<Option<Customer>, sqlx::Error> {
    let _statement = statement("customers.lock_by_source_id");
    let row = select_customer!(
        "WHERE project_id = $1 AND source_id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE",
        project.0,
        source_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Customer::from))
}

/// Locks the customers with those ids or source ids, and returns them except deleted ones, which are locked too: an
/// order of a deleted customer may change. Every transaction that locks several customers locks them in the order of
/// their ids, so that two transactions cannot deadlock.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_all(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
    source_ids: &[String],
) -> Result<Vec<Customer>, sqlx::Error> {
    let _statement = statement("customers.lock_all");
    let rows = select_customer!(
        "WHERE project_id = $1 AND (id = ANY($2) OR source_id = ANY($3) AND deleted_at IS NULL)
         ORDER BY id FOR NO KEY UPDATE",
        project.0,
        ids,
        source_ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().filter_map(CustomerRow::unless_deleted).collect())
}
