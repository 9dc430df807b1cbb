//! The moments of customers: dates that a filter compares with the current time, stored so that an index finds them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, QueryBuilder};

use crate::db::filter::push_moments;
use crate::domain::filter::{CustomerField, FieldKind};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Replaces the stored moments of a field for every customer that is not deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn rebuild_moments(
    connection: &mut PgConnection,
    project: ProjectId,
    field: &CustomerField,
    kind: FieldKind,
) -> Result<(), sqlx::Error> {
    let _statement = statement("segments.rebuild_moments");
    let Some(stored) = field.stored_moment_name() else { return Ok(()) };
    delete_moments(connection, project, &stored).await?;
    let mut query = QueryBuilder::new(
        "INSERT INTO customer_moments (project_id, customer_id, field, moment, month_day)
         SELECT c.project_id, c.id, ",
    );
    query.push_bind(stored).push(
        ", stored.moment, extract(month FROM stored.moment AT TIME ZONE 'UTC')::int * 100
            + extract(day FROM stored.moment AT TIME ZONE 'UTC')::int",
    );
    push_moments(&mut query, project, field, kind);
    query.build().execute(connection).await?;
    Ok(())
}

/// Deletes the stored moments of a field. `stored` is its [`CustomerField::stored_moment_name`].
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_moments(
    connection: &mut PgConnection,
    project: ProjectId,
    stored: &str,
) -> Result<(), sqlx::Error> {
    let _statement = statement("segments.delete_moments");
    sqlx::query!("DELETE FROM customer_moments WHERE project_id = $1 AND field = $2", project.0, stored)
        .execute(connection)
        .await?;
    Ok(())
}

/// Replaces the stored moments of locked customers by `moments`: customer id, field and moment.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn replace_moments(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_ids: &[String],
    moments: &[(String, String, DateTime<Utc>)],
) -> Result<(), sqlx::Error> {
    let _statement = statement("segments.replace_moments");
    let ids: Vec<_> = moments.iter().map(|(customer_id, ..)| customer_id.clone()).collect();
    let fields: Vec<_> = moments.iter().map(|(_, field, _)| field.clone()).collect();
    let times: Vec<_> = moments.iter().map(|(.., moment)| *moment).collect();
    sqlx::query!(
        "WITH given AS (
             SELECT * FROM unnest($3::text[], $4::text[], $5::timestamptz[]) AS given (customer_id, field, moment)
         ),
         gone AS (
             DELETE FROM customer_moments held
             WHERE held.project_id = $1 AND held.customer_id = ANY($2) AND NOT EXISTS (
                 SELECT 1 FROM given
                 WHERE given.customer_id = held.customer_id AND given.field = held.field AND given.moment = held.moment)
         )
         INSERT INTO customer_moments (project_id, customer_id, field, moment, month_day)
         SELECT $1, customer_id, field, moment, extract(month FROM moment AT TIME ZONE 'UTC')::int * 100
                + extract(day FROM moment AT TIME ZONE 'UTC')::int
         FROM given
         ON CONFLICT DO NOTHING",
        project.0,
        customer_ids,
        &ids,
        &fields,
        &times
    )
    .execute(connection)
    .await?;
    Ok(())
}
