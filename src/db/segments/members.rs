//! The members of segments with a filter. The caller of each function holds the rules lock of the project: in shared
//! mode for customers that its transaction has locked, exclusively for a whole segment.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::db::filter::{indexed_moment, push_customer_filter, push_spans};
use crate::domain::activity::ActivityType;
use crate::domain::filter::{ChangedValues, CustomerField, Filter};
use crate::domain::project::ProjectId;
use crate::domain::segment::SegmentMember;
use crate::trace::statement;

/// The entry of a customer into a segment, or its exit.
#[derive(Clone, Debug)]
pub struct MembershipChange {
    pub customer_id: String,
    pub segment_id: String,
    pub has_entered: bool,
}

impl MembershipChange {
    /// Returns the type of the activity entry that records the change.
    #[must_use]
    pub fn kind(&self) -> ActivityType {
        if self.has_entered { ActivityType::SegmentEntered } else { ActivityType::SegmentLeft }
    }
}

/// Replaces the memberships of the locked customers in the segments by `members`, and returns the changes.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update_memberships(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_ids: &[String],
    segment_ids: &[String],
    members: &[SegmentMember],
) -> Result<Vec<MembershipChange>, sqlx::Error> {
    let _statement = statement("segments.update_memberships");
    let member_ids: Vec<_> = members.iter().map(|member| member.customer_id.clone()).collect();
    let member_segment_ids: Vec<_> = members.iter().map(|member| member.segment_id.clone()).collect();
    let times: Vec<_> = members.iter().map(|member| member.customer_created_at).collect();
    sqlx::query_as!(
        MembershipChange,
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
                       SELECT 1 FROM member
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
        &member_segment_ids,
        &times
    )
    .fetch_all(connection)
    .await
}

/// Adds a query for the ids of the customers that have one of the changed values, which [`Filter::changed_values`]
/// returns. Returns `false` when no index finds these customers.
fn push_affected_ids(
    query: &mut QueryBuilder<Postgres>,
    project: ProjectId,
    changed_values: &[(&CustomerField, ChangedValues)],
) -> bool {
    for (index, (field, values)) in changed_values.iter().enumerate() {
        if index > 0 {
            query.push(" UNION ");
        }
        match (indexed_moment(field), field.stored_moment_name(), values) {
            (Some(column), _, ChangedValues::Spans(spans)) => {
                query.push("SELECT c.id FROM customers c WHERE c.project_id = ").push_bind(project.0).push(" AND ");
                push_spans(query, column, spans);
            }
            (_, Some(stored), values) => {
                query.push("SELECT customer_id AS id FROM customer_moments WHERE project_id = ").push_bind(project.0);
                query.push(" AND field = ").push_bind(stored).push(" AND ");
                match values {
                    ChangedValues::Spans(spans) => push_spans(query, "moment", spans),
                    ChangedValues::MonthDays(days) => {
                        query.push("month_day = ANY(").push_bind(days.clone()).push(")");
                    }
                }
            }
            _ => return false,
        }
    }
    if changed_values.is_empty() {
        query.push("SELECT NULL::text AS id WHERE false");
    }
    true
}

/// Returns whether any customer has one of the changed values, so that its memberships may have changed as time
/// passed. Also returns `true` when no index can find such customers.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn has_affected_customers(
    connection: &mut PgConnection,
    project: ProjectId,
    changed_values: &[(&CustomerField, ChangedValues)],
) -> Result<bool, sqlx::Error> {
    let _statement = statement("segments.has_affected_customers");
    let mut query = QueryBuilder::new("SELECT EXISTS (");
    if !push_affected_ids(&mut query, project, changed_values) {
        return Ok(true);
    }
    query.push(")").build_query_scalar().persistent(false).fetch_one(connection).await
}

/// Lists the ids of customers that have one of the changed values, in the order of the ids: at most `limit` of them after the id
/// `after`. Where no index finds such customers, it lists all customers of the project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_affected_customers(
    connection: &mut PgConnection,
    project: ProjectId,
    changed_values: &[(&CustomerField, ChangedValues)],
    after: &str,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let _statement = statement("segments.list_affected_customers");
    let mut query = QueryBuilder::new("SELECT id FROM (");
    if !push_affected_ids(&mut query, project, changed_values) {
        query =
            QueryBuilder::new("SELECT id FROM (SELECT id FROM customers WHERE deleted_at IS NULL AND project_id = ");
        query.push_bind(project.0);
    }
    query.push(") affected WHERE id > ").push_bind(after.to_owned());
    query.push(" ORDER BY id LIMIT ").push_bind(limit);
    query.build_query_scalar().persistent(false).fetch_all(connection).await
}

/// Updates the members of a segment to the customers that match its filter at `now`. With `changed_values`, only
/// customers that have one of these values are checked, provided that an index finds them.
///
/// With `limit`, at most so many customers are added and so many removed, and the changes are returned. Without it,
/// all members are updated and no change is returned, because there may be very many.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn recompute_members(
    connection: &mut PgConnection,
    project: ProjectId,
    segment_id: &str,
    filter: &Filter<CustomerField>,
    changed_values: Option<&[(&CustomerField, ChangedValues)]>,
    limit: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Vec<MembershipChange>, sqlx::Error> {
    let _statement = statement("segments.recompute_members");
    let mut query = QueryBuilder::new("WITH concerned AS MATERIALIZED (");
    let is_narrow = changed_values.is_some_and(|values| push_affected_ids(&mut query, project, values));
    if is_narrow {
        query.push("), ");
    } else {
        query = QueryBuilder::new("WITH ");
    }
    // Evaluate the filter once: it takes most of the time.
    query.push("passing AS MATERIALIZED (SELECT c.id, c.created_at FROM ");
    if is_narrow {
        // Read each affected customer by the primary key; `OFFSET 0` prevents a plan that reads the whole project.
        query.push("concerned CROSS JOIN LATERAL (SELECT * FROM customers WHERE project_id = ").push_bind(project.0);
        query.push(" AND id = concerned.id OFFSET 0) c WHERE true");
    } else {
        query.push("customers c WHERE c.project_id = ").push_bind(project.0);
    }
    query.push(" AND c.deleted_at IS NULL AND ");
    push_customer_filter(&mut query, project, filter, now);
    query.push(
        "), entered AS (
             INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
             SELECT ",
    );
    query.push_bind(project.0).push(", ").push_bind(segment_id.to_owned());
    query.push(
        ", passing.id, passing.created_at FROM passing
             WHERE NOT EXISTS (SELECT 1 FROM segment_members held WHERE held.customer_id = passing.id AND held.project_id = ",
    );
    query.push_bind(project.0).push(" AND held.segment_id = ").push_bind(segment_id.to_owned());
    // A null limit means no limit.
    query.push(") LIMIT ").push_bind(limit);
    query.push(
        " RETURNING customer_id
         ),
         leaving AS MATERIALIZED (
             SELECT held.customer_id FROM ",
    );
    // Check each member separately and once, because PostgreSQL cannot estimate how many customers match the filter.
    if is_narrow {
        query.push("concerned CROSS JOIN LATERAL (SELECT customer_id FROM segment_members WHERE project_id = ");
        query.push_bind(project.0).push(" AND customer_id = concerned.id AND segment_id = ");
    } else {
        query.push("(SELECT customer_id FROM segment_members WHERE project_id = ");
        query.push_bind(project.0).push(" AND segment_id = ");
    }
    query.push_bind(segment_id.to_owned()).push(" OFFSET 0) held");
    query.push(" WHERE (SELECT ");
    push_customer_filter(&mut query, project, filter, now);
    query.push(" FROM customers c WHERE c.id = held.customer_id AND c.project_id = ").push_bind(project.0);
    query.push(" AND c.deleted_at IS NULL) IS NOT TRUE LIMIT ").push_bind(limit);
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
    query.push_bind(limit.is_some()).push(" ORDER BY customer_id");
    // The statement contains the filter, so that it is rarely sent again on the same connection.
    let rows: Vec<(String, bool)> = query.build_query_as().persistent(false).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(customer_id, has_entered)| MembershipChange {
            customer_id,
            segment_id: segment_id.to_owned(),
            has_entered,
        })
        .collect())
}

/// Sets the time at which the members of a segment were correct; `None` when they do not depend on the time.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn set_evaluated_at(
    connection: &mut PgConnection,
    project: ProjectId,
    segment_id: &str,
    evaluated_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("segments.set_evaluated_at");
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
