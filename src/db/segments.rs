//! Segments and their stored members.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::json::JsonText;
use crate::domain::page::Direction;
use crate::domain::project::ProjectId;
use crate::domain::segment::{Segment, SegmentName, SegmentType};

struct SegmentRow {
    id: String,
    name: String,
    r#type: String,
    filter: Option<JsonText>,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<SegmentRow> for Segment {
    fn from(row: SegmentRow) -> Self {
        let SegmentRow { id, name, r#type, filter, created_at, updated_at } = row;
        // The column's check constraint knows the same three names.
        let kind = SegmentType::parse(&r#type).unwrap_or(SegmentType::Static);
        Self { id, name, kind, filter, created_at, updated_at }
    }
}

/// The name under which `row_counts` counts the segments.
pub const RESOURCE: &str = "segments";

/// Adds a segment, and one to the count.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, segment: &Segment) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH counted AS (
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             VALUES ($1, 'segments', pg_backend_pid() % 64, 1)
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + 1
         )
         INSERT INTO segments (project_id, id, name, type, filter, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        project.0,
        segment.id,
        segment.name,
        segment.kind.as_str(),
        segment.filter.as_ref() as Option<&JsonText>,
        segment.created_at,
        segment.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes the living customers among `customer_ids` members; the others are passed over. The customers are locked, so that
/// none is deleted meanwhile.
///
/// # Errors
/// When the database refuses.
pub async fn insert_members(
    connection: &mut PgConnection,
    project: ProjectId,
    segment_id: &str,
    customer_ids: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
         SELECT project_id, $2, id, created_at
         FROM customers WHERE project_id = $1 AND id = ANY($3) AND deleted_at IS NULL
         ORDER BY id FOR SHARE
         ON CONFLICT DO NOTHING",
        project.0,
        segment_id,
        customer_ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The segment with that id.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Segment>, sqlx::Error> {
    let row = sqlx::query_as!(
        SegmentRow,
        r#"SELECT id, name, type, filter AS "filter: JsonText", created_at, updated_at
           FROM segments WHERE project_id = $1 AND id = $2"#,
        project.0,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Segment::from))
}

/// The first `limit` segments by their time of creation, only those in `ids` where it is given, and how many there are
/// in all.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: Option<&[String]>,
    direction: Direction,
    limit: i64,
) -> Result<(Vec<Segment>, i64), sqlx::Error> {
    macro_rules! select_segments {
        ($order:literal) => {
            sqlx::query_as!(
                SegmentRow,
                r#"SELECT id, name, type, filter AS "filter: JsonText", created_at, updated_at
                   FROM segments WHERE project_id = $1 AND ($2::text[] IS NULL OR id = ANY($2)) "#
                    + $order,
                project.0,
                ids,
                limit
            )
            .fetch_all(&mut *connection)
            .await?
        };
    }
    let rows = match direction {
        Direction::Ascending => select_segments!("ORDER BY created_at, id LIMIT $3"),
        Direction::Descending => select_segments!("ORDER BY created_at DESC, id DESC LIMIT $3"),
    };
    let total = match ids {
        None => super::row_counts::total(connection, project, RESOURCE).await?,
        Some(ids) => {
            sqlx::query_scalar!(
                r#"SELECT count(*) AS "total!" FROM segments WHERE project_id = $1 AND id = ANY($2)"#,
                project.0,
                ids
            )
            .fetch_one(connection)
            .await?
        }
    };
    Ok((rows.into_iter().map(Segment::from).collect(), total))
}

/// The stored segments that a customer is in, oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn list_of_customer(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
) -> Result<Vec<SegmentName>, sqlx::Error> {
    sqlx::query_as!(
        SegmentName,
        "SELECT segments.id, segments.name
         FROM segment_members members
         JOIN segments ON segments.project_id = members.project_id AND segments.id = members.segment_id
         WHERE members.project_id = $1 AND members.customer_id = $2
         ORDER BY segments.created_at, segments.id",
        project.0,
        customer_id
    )
    .fetch_all(connection)
    .await
}

/// Removes a segment with its members, and one from the count; `false` where there is none.
///
/// # Errors
/// When the database refuses; a foreign key error where a member was added meanwhile.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH members AS (DELETE FROM segment_members WHERE project_id = $1 AND segment_id = $2),
           segment AS (DELETE FROM segments WHERE project_id = $1 AND id = $2 RETURNING id),
           counted AS (
               INSERT INTO row_counts AS counts (project_id, resource, slot, value)
               SELECT $1, 'segments', pg_backend_pid() % 64, -1 FROM segment
               ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value - 1
           )
           SELECT EXISTS (SELECT FROM segment) AS "deleted!""#,
        project.0,
        id
    )
    .fetch_one(connection)
    .await
}

/// Takes a customer out of every segment that holds it.
///
/// # Errors
/// When the database refuses.
pub async fn remove_customer(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM segment_members WHERE project_id = $1 AND customer_id = $2", project.0, customer_id)
        .execute(connection)
        .await?;
    Ok(())
}
