//! The members of segments with a filter. All of it happens under the rules lock of the project: shared for the customers
//! that a transaction has locked, exclusive for a whole segment.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::db::filter::{indexed_moment, push_customer_filter, push_spans};
use crate::domain::activity::ActivityType;
use crate::domain::filter::{CustomerField, Filter, Span};
use crate::domain::project::ProjectId;
use crate::domain::segment::SegmentMember;

/// A customer who came into a segment or left it.
#[derive(Clone, Debug)]
pub struct Moved {
    pub customer_id: String,
    pub segment_id: String,
    pub has_entered: bool,
}

impl Moved {
    /// What it is called in the activity.
    #[must_use]
    pub fn kind(&self) -> ActivityType {
        if self.has_entered { ActivityType::SegmentEntered } else { ActivityType::SegmentLeft }
    }
}

/// Makes `members` the only memberships that the locked customers have in the segments, and returns what changed.
///
/// # Errors
/// When the database refuses.
pub async fn move_members(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_ids: &[String],
    segment_ids: &[String],
    members: &[SegmentMember],
) -> Result<Vec<Moved>, sqlx::Error> {
    let member_ids: Vec<_> = members.iter().map(|member| member.customer_id.clone()).collect();
    let member_of: Vec<_> = members.iter().map(|member| member.segment_id.clone()).collect();
    let times: Vec<_> = members.iter().map(|member| member.customer_created_at).collect();
    sqlx::query_as!(
        Moved,
        r#"WITH member AS (
               SELECT * FROM unnest($4::text[], $5::text[], $6::timestamptz[]) AS member (customer_id, segment_id, at)
           ),
           entered AS (
               INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
               SELECT $1, segment_id, customer_id, at FROM member
               ON CONFLICT DO NOTHING
               RETURNING customer_id, segment_id
           ),
           left_it AS (
               DELETE FROM segment_members held
               WHERE held.project_id = $1 AND held.customer_id = ANY($2) AND held.segment_id = ANY($3)
                   AND NOT EXISTS (
                       SELECT FROM member
                       WHERE member.customer_id = held.customer_id AND member.segment_id = held.segment_id)
               RETURNING customer_id, segment_id
           ),
           moved AS (
               SELECT customer_id, segment_id, true AS has_entered FROM entered
               UNION ALL SELECT customer_id, segment_id, false FROM left_it
           ),
           counted AS (
               INSERT INTO row_counts AS counts (project_id, resource, slot, value)
               SELECT $1, segment_id, pg_backend_pid() % 64, sum(CASE WHEN has_entered THEN 1 ELSE -1 END)
               FROM moved GROUP BY segment_id ORDER BY segment_id
               ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value
           )
           SELECT customer_id AS "customer_id!", segment_id AS "segment_id!", has_entered AS "has_entered!" FROM moved"#,
        project.0,
        customer_ids,
        segment_ids,
        &member_ids,
        &member_of,
        &times
    )
    .fetch_all(connection)
    .await
}

/// The fields of a filter that the passing of time concerns, each with the spans that do; as [`Filter::turned`] tells it.
type Turned<'a> = [(&'a CustomerField, Option<Vec<Span>>)];

/// Whether the passing of time may have moved anyone in or out; `true` where that cannot be told from an index.
///
/// # Errors
/// When the database refuses.
pub async fn turn_concerns(
    connection: &mut PgConnection,
    project: ProjectId,
    turned: &Turned<'_>,
) -> Result<bool, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT ");
    for (index, (field, spans)) in turned.iter().enumerate() {
        let (Some(column), Some(spans)) = (indexed_moment(field), spans) else { return Ok(true) };
        query.push(if index == 0 { "" } else { " OR " });
        query.push("EXISTS (SELECT FROM customers c WHERE c.project_id = ").push_bind(project.0).push(" AND ");
        push_spans(&mut query, column, spans);
        query.push(")");
    }
    if turned.is_empty() {
        return Ok(false);
    }
    query.build_query_scalar().fetch_one(connection).await
}

/// Moves everyone in and out of a segment who does not, or does, pass its filter at `now`, and returns who moved: everyone, or
/// only those whom `turned` concerns. Nobody is named where it `is_announced` not: they may be many.
///
/// # Errors
/// When the database refuses.
pub async fn settle(
    connection: &mut PgConnection,
    project: ProjectId,
    segment_id: &str,
    filter: &Filter<CustomerField>,
    turned: Option<&Turned<'_>>,
    is_announced: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Moved>, sqlx::Error> {
    let push_concerned = |query: &mut QueryBuilder<Postgres>| {
        let columns: Option<Vec<_>> = turned.and_then(|turned| {
            turned.iter().map(|(field, spans)| Some((indexed_moment(field)?, spans.as_ref()?))).collect()
        });
        let Some(columns) = columns else { return };
        query.push(" AND (false");
        for (column, spans) in columns {
            query.push(" OR ");
            push_spans(query, column, spans);
        }
        query.push(")");
    };
    let mut query = QueryBuilder::new(
        "WITH entered AS (
             INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
             SELECT c.project_id, ",
    );
    query.push_bind(segment_id.to_owned());
    query
        .push(", c.id, c.created_at FROM customers c WHERE c.deleted_at IS NULL AND c.project_id = ")
        .push_bind(project.0);
    push_concerned(&mut query);
    query.push(" AND ");
    push_customer_filter(&mut query, filter, now);
    query.push(
        " ON CONFLICT DO NOTHING
          RETURNING customer_id
         ),
         left_it AS (
             DELETE FROM segment_members held USING customers c
             WHERE c.project_id = held.project_id AND c.id = held.customer_id AND held.project_id = ",
    );
    query.push_bind(project.0).push(" AND held.segment_id = ").push_bind(segment_id.to_owned());
    push_concerned(&mut query);
    query.push(" AND (");
    push_customer_filter(&mut query, filter, now);
    query.push(
        ") IS NOT TRUE
          RETURNING held.customer_id
         ),
         moved AS (
             SELECT customer_id, true AS has_entered FROM entered UNION ALL SELECT customer_id, false FROM left_it
         ),
         counted AS (
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             SELECT ",
    );
    query.push_bind(project.0).push(", ").push_bind(segment_id.to_owned());
    query.push(
        ", pg_backend_pid() % 64, sum(CASE WHEN has_entered THEN 1 ELSE -1 END) FROM moved HAVING count(*) > 0
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value
         )
         SELECT customer_id, has_entered FROM moved WHERE ",
    );
    query.push_bind(is_announced).push(" ORDER BY customer_id");
    let rows: Vec<(String, bool)> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(customer_id, has_entered)| Moved { customer_id, segment_id: segment_id.to_owned(), has_entered })
        .collect())
}

/// Says that the members of a segment are right as of `evaluated_at`, or for ever.
///
/// # Errors
/// When the database refuses.
pub async fn evaluated(
    connection: &mut PgConnection,
    project: ProjectId,
    segment_id: &str,
    evaluated_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE segments SET evaluated_at = $3 WHERE project_id = $1 AND id = $2",
        project.0,
        segment_id,
        evaluated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}
