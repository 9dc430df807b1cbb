//! Segments. `members` updates the members of segments with a filter.

mod members;
mod moments;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row};

use crate::db::filter::push_segment_filter;
use crate::db::list_query::ListQuery;
use crate::db::row_counts;
use crate::db::rules::{ProjectState, state_columns};
use crate::db::window::push_window;
use crate::domain::filter::{Filter, SegmentField};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::page::{Direction, Page, Window};
use crate::domain::project::ProjectId;
use crate::domain::segment::{Segment, SegmentName, SegmentType};
use crate::trace::statement;

pub use members::{
    MembershipChange, has_affected_customers, list_affected_customers, recompute_members, set_evaluated_at,
    update_memberships,
};
pub use moments::{delete_moments, rebuild_moments, replace_moments};

/// A row of `segments`.
struct SegmentRow {
    id: String,
    name: String,
    r#type: String,
    filter: Option<JsonText>,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
    evaluated_at: Option<DateTime<Utc>>,
}

impl FromRow<'_, PgRow> for SegmentRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            r#type: row.try_get("type")?,
            filter: row.try_get("filter")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            evaluated_at: row.try_get("evaluated_at")?,
        })
    }
}

impl From<SegmentRow> for Segment {
    fn from(row: SegmentRow) -> Self {
        let SegmentRow { id, name, r#type, filter, created_at, updated_at, evaluated_at } = row;
        // The check constraint of the column allows only the names that can be parsed.
        let kind = SegmentType::parse(&r#type).unwrap_or(SegmentType::Static);
        Self { id, name, kind, filter, created_at, updated_at, evaluated_at }
    }
}

/// Returns whether an identifier has the form of a segment id.
#[must_use]
pub fn may_be_id(identifier: &Identifier) -> bool {
    identifier.has_form("seg_", 24)
}

/// Inserts a segment, and increments the row count.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, segment: &Segment) -> Result<(), sqlx::Error> {
    let _statement = statement("segments.insert");
    sqlx::query!(
        "WITH counted AS (
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             VALUES ($1, 'segments', pg_backend_pid() % 64, 1)
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + 1
         )
         INSERT INTO segments (project_id, id, name, type, filter, created_at, updated_at, evaluated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        project.0,
        segment.id,
        segment.name,
        segment.kind.as_str(),
        segment.filter.as_ref() as Option<&JsonText>,
        segment.created_at,
        segment.updated_at,
        segment.evaluated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes customers members of a segment. Customers that do not exist or are deleted are skipped. The customers are
/// locked, so that none is deleted meanwhile.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert_members(
    connection: &mut PgConnection,
    project: ProjectId,
    segment_id: &str,
    customer_ids: &[String],
) -> Result<(), sqlx::Error> {
    let _statement = statement("segments.insert_members");
    sqlx::query!(
        "WITH member AS (
             INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
             SELECT project_id, $2, id, created_at
             FROM customers WHERE project_id = $1 AND id = ANY($3) AND deleted_at IS NULL
             ORDER BY id FOR SHARE
             ON CONFLICT DO NOTHING
             RETURNING 1
         )
         INSERT INTO row_counts AS counts (project_id, resource, slot, value)
         SELECT $1, $2, pg_backend_pid() % 64, count(*) FROM member HAVING count(*) > 0
         ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value",
        project.0,
        segment_id,
        customer_ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Finds the segment with that id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Segment>, sqlx::Error> {
    let _statement = statement("segments.find");
    let row = sqlx::query_as!(
        SegmentRow,
        r#"SELECT id, name, type, filter AS "filter: JsonText", created_at, updated_at, evaluated_at
           FROM segments WHERE project_id = $1 AND id = $2"#,
        project.0,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Segment::from))
}

/// Finds when all stored members of a segment were last correct, if its filter depends on the current time, and the
/// version of the project's rules.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_evaluation(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<(Option<DateTime<Utc>>, ProjectState), sqlx::Error> {
    let _statement = statement("segments.find_evaluation");
    let row = sqlx::query(concat!(
        "SELECT ",
        state_columns!(),
        ", (SELECT evaluated_at FROM segments WHERE project_id = $1 AND segments.id = $2) AS evaluated_at
         FROM projects WHERE id = $1 AND deleted_at IS NULL"
    ))
    .bind(project.0)
    .bind(id)
    .fetch_one(connection)
    .await?;
    Ok((row.try_get("evaluated_at")?, ProjectState::from_row(&row)?))
}

/// Selects the segments of a list.
#[derive(Clone, Debug, Default)]
pub struct SegmentFilter {
    pub ids: Option<Vec<String>>,
    pub created_at: Window,
    pub filter: Option<Filter<SegmentField>>,
}

/// Lists the segments that match `filter` at `now`, sorted by their time of creation, and returns them with the number
/// of all matching segments. It returns at most `limit + 1` segments, so that the caller can detect whether there are
/// more. With `cursor`, the list begins after that time; the total does not depend on it.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: &SegmentFilter,
    direction: Direction,
    cursor: Option<DateTime<Utc>>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<(Vec<Segment>, i64), sqlx::Error> {
    let _statement = statement("segments.list");
    let push_matching = |query: &mut QueryBuilder<Postgres>| {
        query.push(" FROM segments WHERE project_id = ").push_bind(project.0);
        if let Some(ids) = &filter.ids {
            query.push(" AND id = ANY(").push_bind(ids.clone()).push(")");
        }
        push_window(query, "segments.created_at", filter.created_at);
        if let Some(filter) = &filter.filter {
            query.push(" AND ");
            push_segment_filter(query, filter, now);
        }
    };
    let push_rows = |query: &mut QueryBuilder<Postgres>| {
        query.push("SELECT id, name, type, filter, created_at, updated_at, evaluated_at");
        push_matching(query);
        if let Some(cursor) = cursor {
            push_window(query, "segments.created_at", Window::after_cursor(cursor, direction));
        }
        query.push(match direction {
            Direction::Ascending => " ORDER BY created_at, id",
            Direction::Descending => " ORDER BY created_at DESC, id DESC",
        });
    };
    let matches_all = filter.ids.is_none() && filter.created_at.is_unbounded() && filter.filter.is_none();
    let row_count = matches_all.then_some((project, row_counts::SEGMENTS));
    let (rows, total): (Vec<SegmentRow>, i64) = ListQuery {
        page: Page::first(limit),
        has_cursor: cursor.is_some(),
        row_count,
        has_filter: filter.filter.is_some(),
    }
    .fetch(connection, push_rows, push_matching)
    .await?;
    Ok((rows.into_iter().map(Segment::from).collect(), total))
}

/// Lists the segments of a project that have a filter, oldest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_filtered(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<Segment>, sqlx::Error> {
    let _statement = statement("segments.list_filtered");
    let rows = sqlx::query_as!(
        SegmentRow,
        r#"SELECT id, name, type, filter AS "filter: JsonText", created_at, updated_at, evaluated_at
           FROM segments WHERE project_id = $1 AND type <> 'static' ORDER BY created_at, id"#,
        project.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Segment::from).collect())
}

/// Lists the static segments that a customer is a member of, oldest first, each with its time of creation.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_static_of_customer(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
) -> Result<Vec<(DateTime<Utc>, SegmentName)>, sqlx::Error> {
    let _statement = statement("segments.list_static_of_customer");
    let rows = sqlx::query!(
        "SELECT segments.id, segments.name, segments.created_at
         FROM segment_members members
         JOIN segments ON segments.project_id = members.project_id AND segments.id = members.segment_id
         WHERE members.project_id = $1 AND members.customer_id = $2 AND segments.type = 'static'
         ORDER BY segments.created_at, segments.id",
        project.0,
        customer_id
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.created_at, SegmentName { id: row.id, name: row.name })).collect())
}

/// Deletes a segment with its members and their count. Returns `false` when there is no such segment. The caller
/// ensures that no other transaction adds members meanwhile.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<bool, sqlx::Error> {
    let _statement = statement("segments.delete");
    let deleted = sqlx::query!(
        "WITH members AS (DELETE FROM segment_members WHERE project_id = $1 AND segment_id = $2),
         counts AS (DELETE FROM row_counts WHERE project_id = $1 AND resource = $2),
         segment AS (DELETE FROM segments WHERE project_id = $1 AND id = $2 RETURNING id)
         INSERT INTO row_counts AS counts (project_id, resource, slot, value)
         SELECT $1, 'segments', pg_backend_pid() % 64, -1 FROM segment
         ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value - 1",
        project.0,
        id
    )
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Sets the counts of the segments of a project that has no customers and whose row counts were deleted. Their members
/// are correct at `now`.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn reset_members(
    connection: &mut PgConnection,
    project: ProjectId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("segments.reset_members");
    sqlx::query!(
        "WITH counted AS (
             INSERT INTO row_counts (project_id, resource, slot, value)
             SELECT $1, 'segments', pg_backend_pid() % 64, count(*) FROM segments WHERE project_id = $1
         )
         UPDATE segments SET evaluated_at = $2 WHERE project_id = $1 AND evaluated_at IS NOT NULL",
        project.0,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a locked customer from all segments, and deletes its stored moments.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn remove_customer(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
) -> Result<(), sqlx::Error> {
    let _statement = statement("segments.remove_customer");
    sqlx::query!(
        "WITH member AS (
             DELETE FROM segment_members WHERE project_id = $1 AND customer_id = $2 RETURNING segment_id
         ),
         moment AS (DELETE FROM customer_moments WHERE project_id = $1 AND customer_id = $2)
         INSERT INTO row_counts AS counts (project_id, resource, slot, value)
         SELECT $1, segment_id, pg_backend_pid() % 64, -1 FROM member ORDER BY segment_id
         ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value - 1",
        project.0,
        customer_id
    )
    .execute(connection)
    .await?;
    Ok(())
}
