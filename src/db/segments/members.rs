//! The members of segments with a filter. All of it happens under the rules lock of the project: shared for the customers
//! that a transaction has locked, exclusive for a whole segment.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::db::filter::{indexed_moment, push_customer_filter, push_moments, push_spans};
use crate::domain::activity::ActivityType;
use crate::domain::filter::{CustomerField, Filter, Kind, Turned};
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

/// Adds a query of the ids of those whom the passing of time concerns, as [`Filter::turned`] tells it; `false` where no index
/// tells who they are.
fn push_concerned(query: &mut QueryBuilder<Postgres>, project: ProjectId, turned: &[(&CustomerField, Turned)]) -> bool {
    query.push("SELECT NULL::text AS id WHERE false");
    for (field, turned) in turned {
        match (indexed_moment(field), field.stored_as(), turned) {
            (Some(column), _, Turned::Spans(spans)) => {
                query
                    .push(" UNION SELECT c.id FROM customers c WHERE c.project_id = ")
                    .push_bind(project.0)
                    .push(" AND ");
                push_spans(query, column, spans);
            }
            (_, Some(stored), turned) => {
                query.push(" UNION SELECT customer_id FROM customer_moments WHERE project_id = ").push_bind(project.0);
                query.push(" AND field = ").push_bind(stored).push(" AND ");
                match turned {
                    Turned::Spans(spans) => push_spans(query, "moment", spans),
                    Turned::MonthDays(days) => {
                        query.push("month_day = ANY(").push_bind(days.clone()).push(")");
                    }
                }
            }
            _ => return false,
        }
    }
    true
}

/// Whether the passing of time may have moved anyone in or out; `true` where no index tells.
///
/// # Errors
/// When the database refuses.
pub async fn turn_concerns(
    connection: &mut PgConnection,
    project: ProjectId,
    turned: &[(&CustomerField, Turned)],
) -> Result<bool, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT EXISTS (");
    if !push_concerned(&mut query, project, turned) {
        return Ok(true);
    }
    query.push(")").build_query_scalar().fetch_one(connection).await
}

/// Moves everyone in and out of a segment who does not, or does, pass its filter at `now`: everyone, or only those whom
/// `turned` concerns. Where they are to be `told`, at most so many come in and so many go out, and are returned; else nobody is
/// named, since they may be many.
///
/// # Errors
/// When the database refuses.
pub async fn settle(
    connection: &mut PgConnection,
    project: ProjectId,
    segment_id: &str,
    filter: &Filter<CustomerField>,
    turned: Option<&[(&CustomerField, Turned)]>,
    told: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Vec<Moved>, sqlx::Error> {
    let mut query = QueryBuilder::new("WITH concerned AS MATERIALIZED (");
    let is_narrow = turned.is_some_and(|turned| push_concerned(&mut query, project, turned));
    if !is_narrow {
        query = QueryBuilder::new("WITH concerned AS (SELECT NULL::text AS id WHERE false");
    }
    // Who passes is found once; it is what takes the time.
    query.push("), passing AS MATERIALIZED (SELECT c.id, c.created_at FROM ");
    if is_narrow {
        // From each to the customer by the primary key, as in lists.
        query.push("concerned CROSS JOIN LATERAL (SELECT * FROM customers WHERE project_id = ").push_bind(project.0);
        query.push(" AND id = concerned.id OFFSET 0) c WHERE true");
    } else {
        query.push("customers c WHERE c.project_id = ").push_bind(project.0);
    }
    query.push(" AND c.deleted_at IS NULL AND ");
    push_customer_filter(&mut query, filter, now);
    query.push(
        "), entered AS (
             INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
             SELECT ",
    );
    query.push_bind(project.0).push(", ").push_bind(segment_id.to_owned());
    query.push(
        ", passing.id, passing.created_at FROM passing
             WHERE NOT EXISTS (SELECT FROM segment_members held WHERE held.customer_id = passing.id AND held.project_id = ",
    );
    query.push_bind(project.0).push(" AND held.segment_id = ").push_bind(segment_id.to_owned());
    // Without a number, that is no limit.
    query.push(") LIMIT ").push_bind(told);
    query.push(
        " RETURNING customer_id
         ),
         leaving AS MATERIALIZED (
             SELECT held.customer_id FROM ",
    );
    // Each member is looked at by itself, and once: how many pass is more than PostgreSQL can guess.
    if is_narrow {
        query.push("concerned CROSS JOIN LATERAL (SELECT customer_id FROM segment_members WHERE project_id = ");
        query.push_bind(project.0).push(" AND customer_id = concerned.id AND segment_id = ");
    } else {
        query.push("(SELECT customer_id FROM segment_members WHERE project_id = ");
        query.push_bind(project.0).push(" AND segment_id = ");
    }
    query.push_bind(segment_id.to_owned()).push(" OFFSET 0) held");
    query.push(" WHERE (SELECT ");
    push_customer_filter(&mut query, filter, now);
    query.push(" FROM customers c WHERE c.id = held.customer_id AND c.project_id = ").push_bind(project.0);
    query.push(" AND c.deleted_at IS NULL) IS NOT TRUE LIMIT ").push_bind(told);
    query.push(
        "), left_it AS (
             DELETE FROM segment_members held USING leaving
             WHERE held.customer_id = leaving.customer_id AND held.project_id = ",
    );
    query.push_bind(project.0).push(" AND held.segment_id = ").push_bind(segment_id.to_owned());
    query.push(
        " RETURNING held.customer_id
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
    query.push_bind(told.is_some()).push(" ORDER BY customer_id");
    let rows: Vec<(String, bool)> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(customer_id, has_entered)| Moved { customer_id, segment_id: segment_id.to_owned(), has_entered })
        .collect())
}

/// Stores the moments of a field of every living customer, in place of what was stored of it.
///
/// # Errors
/// When the database refuses.
pub async fn store_moments(
    connection: &mut PgConnection,
    project: ProjectId,
    field: &CustomerField,
    kind: Kind,
) -> Result<(), sqlx::Error> {
    let Some(stored) = field.stored_as() else { return Ok(()) };
    drop_moments(connection, project, &stored).await?;
    let mut query = QueryBuilder::new(
        "INSERT INTO customer_moments (project_id, customer_id, field, moment, month_day)
         SELECT c.project_id, c.id, ",
    );
    query.push_bind(stored).push(
        ", stored.moment, extract(month FROM stored.moment AT TIME ZONE 'UTC')::int * 100
            + extract(day FROM stored.moment AT TIME ZONE 'UTC')::int",
    );
    push_moments(&mut query, field, kind, |query| {
        query.push(" AND c.deleted_at IS NULL AND c.project_id = ").push_bind(project.0);
    });
    query.build().execute(connection).await?;
    Ok(())
}

/// Removes what was stored of a field.
///
/// # Errors
/// When the database refuses.
pub async fn drop_moments(connection: &mut PgConnection, project: ProjectId, stored: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM customer_moments WHERE project_id = $1 AND field = $2", project.0, stored)
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes `moments`, each with its field and customer, the only ones that are stored of the locked customers.
///
/// # Errors
/// When the database refuses.
pub async fn keep_moments(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_ids: &[String],
    moments: &[(String, String, DateTime<Utc>)],
) -> Result<(), sqlx::Error> {
    let whose: Vec<_> = moments.iter().map(|(customer_id, ..)| customer_id.clone()).collect();
    let fields: Vec<_> = moments.iter().map(|(_, field, _)| field.clone()).collect();
    let times: Vec<_> = moments.iter().map(|(.., moment)| *moment).collect();
    sqlx::query!(
        "WITH given AS (
             SELECT * FROM unnest($3::text[], $4::text[], $5::timestamptz[]) AS given (customer_id, field, moment)
         ),
         gone AS (
             DELETE FROM customer_moments held
             WHERE held.project_id = $1 AND held.customer_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM given
                 WHERE given.customer_id = held.customer_id AND given.field = held.field AND given.moment = held.moment)
         )
         INSERT INTO customer_moments (project_id, customer_id, field, moment, month_day)
         SELECT $1, customer_id, field, moment, extract(month FROM moment AT TIME ZONE 'UTC')::int * 100
                + extract(day FROM moment AT TIME ZONE 'UTC')::int
         FROM given
         ON CONFLICT DO NOTHING",
        project.0,
        customer_ids,
        &whose,
        &fields,
        &times
    )
    .execute(connection)
    .await?;
    Ok(())
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
