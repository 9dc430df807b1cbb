//! Writing many customers in one statement.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::update::update;
use crate::domain::customer::{Customer, IndexedFields};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Customers as the arrays that `unnest` takes, one for each column.
struct Columns {
    ids: Vec<String>,
    updated: Vec<Option<DateTime<Utc>>>,
    profiles: Vec<String>,
    metadata: Vec<Option<String>>,
    names: Vec<Option<String>>,
    emails: Vec<Option<String>>,
    cities: Vec<Option<String>>,
}

impl Columns {
    fn of(customers: &[(&Customer, &IndexedFields)]) -> Self {
        let text = |value: fn(&IndexedFields) -> &Option<String>| {
            customers.iter().map(|(_, indexed_fields)| value(indexed_fields).clone()).collect::<Vec<_>>()
        };
        Self {
            ids: customers.iter().map(|(customer, _)| customer.id.clone()).collect(),
            updated: customers.iter().map(|(customer, _)| customer.updated_at).collect(),
            profiles: customers.iter().map(|(customer, _)| customer.profile.as_str().to_owned()).collect(),
            metadata: customers
                .iter()
                .map(|(customer, _)| customer.metadata.as_ref().map(|metadata| metadata.as_str().to_owned()))
                .collect(),
            names: text(|indexed_fields| &indexed_fields.name),
            emails: text(|indexed_fields| &indexed_fields.email),
            cities: text(|indexed_fields| &indexed_fields.city),
        }
    }
}

/// Updates the fields of locked customers that requests can change, in one statement.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update_all(
    connection: &mut PgConnection,
    project: ProjectId,
    customers: &[(&Customer, &IndexedFields)],
) -> Result<(), sqlx::Error> {
    let _statement = statement("customers.update_all");
    match customers {
        [] => return Ok(()),
        [(customer, indexed_fields)] => return update(connection, project, customer, indexed_fields).await,
        _ => {}
    }
    let columns = Columns::of(customers);
    sqlx::query!(
        "UPDATE customers
         SET profile = given.profile::json, metadata = given.metadata::json, updated_at = given.updated_at,
             changed_at = given.updated_at, name = given.name, email = given.email, city = given.city
         FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
                  AS given (id, updated_at, profile, metadata, name, email, city)
         WHERE customers.project_id = $1 AND customers.id = given.id",
        project.0,
        &columns.ids,
        &columns.updated as &[Option<DateTime<Utc>>],
        &columns.profiles,
        &columns.metadata as &[Option<String>],
        &columns.names as &[Option<String>],
        &columns.emails as &[Option<String>],
        &columns.cities as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts customers, increments the row count by their number, and returns how many were inserted. A customer is skipped when another
/// one that is not deleted has its source id: the caller must then roll back.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert_all(
    connection: &mut PgConnection,
    project: ProjectId,
    customers: &[(&Customer, &IndexedFields)],
) -> Result<usize, sqlx::Error> {
    let _statement = statement("customers.insert_all");
    if customers.is_empty() {
        return Ok(0);
    }
    let columns = Columns::of(customers);
    let source_ids: Vec<_> = customers.iter().map(|(customer, _)| customer.source_id.clone()).collect();
    let created: Vec<_> = customers.iter().map(|(customer, _)| customer.created_at).collect();
    // Count the returned rows: without them, Citus counts those that are skipped, too.
    let inserted = sqlx::query_scalar!(
        r#"WITH counted AS (
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             VALUES ($1, 'customers', pg_backend_pid() % 64, $11)
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value
         )
         INSERT INTO customers
             (project_id, id, source_id, profile, metadata, created_at, updated_at, changed_at, name, email, city)
         SELECT $1, id, source_id, profile::json, metadata::json, created_at, updated_at, coalesce(updated_at, created_at), name,
                email, city
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[],
                     $9::text[], $10::text[])
                  AS given (id, source_id, profile, metadata, created_at, updated_at, name, email, city)
         ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
         RETURNING 1 AS "one!""#,
        project.0,
        &columns.ids,
        &source_ids as &[Option<String>],
        &columns.profiles,
        &columns.metadata as &[Option<String>],
        &created,
        &columns.updated as &[Option<DateTime<Utc>>],
        &columns.names as &[Option<String>],
        &columns.emails as &[Option<String>],
        &columns.cities as &[Option<String>],
        i64::try_from(customers.len()).unwrap_or(i64::MAX)
    )
    .fetch_all(connection)
    .await?;
    Ok(inserted.len())
}
