//! The members of segments with a filter. The caller of each function holds the rules lock of the project: in shared
//! mode for customers that its transaction has locked, exclusively for a whole segment.

use std::collections::{BTreeMap, HashSet};

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
/// It reads the memberships first, because most changes of a customer change none of them, and because Citus would send a statement in
/// which one part uses the rows that another part has changed to all servers.
///
/// # Errors
/// Returns an error when a database query fails.
pub async fn update_memberships(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_ids: &[String],
    segment_ids: &[String],
    members: &[SegmentMember],
) -> Result<Vec<MembershipChange>, sqlx::Error> {
    let _statement = statement("segments.update_memberships");
    let held = sqlx::query!(
        "SELECT customer_id, segment_id FROM segment_members
         WHERE project_id = $1 AND customer_id = ANY($2) AND segment_id = ANY($3)",
        project.0,
        customer_ids,
        segment_ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let held: HashSet<_> = held.iter().map(|row| (row.customer_id.as_str(), row.segment_id.as_str())).collect();
    let wanted: HashSet<_> = members.iter().map(|it| (it.customer_id.as_str(), it.segment_id.as_str())).collect();
    let entered: Vec<_> = members
        .iter()
        .filter(|member| !held.contains(&(member.customer_id.as_str(), member.segment_id.as_str())))
        .collect();
    let left: Vec<_> = held.difference(&wanted).copied().collect();
    if !entered.is_empty() || !left.is_empty() {
        move_members(connection, project, &entered, &left).await?;
    }
    let change = |customer_id: &str, segment_id: &str, has_entered| MembershipChange {
        customer_id: customer_id.to_owned(),
        segment_id: segment_id.to_owned(),
        has_entered,
    };
    let entered = entered.into_iter().map(|member| change(&member.customer_id, &member.segment_id, true));
    let left = left.into_iter().map(|(customer_id, segment_id)| change(customer_id, segment_id, false));
    Ok(entered.chain(left).collect())
}

/// Inserts members, deletes those of `left` (customer and segment), and changes the row counts by their numbers.
async fn move_members(
    connection: &mut PgConnection,
    project: ProjectId,
    entered: &[&SegmentMember],
    left: &[(&str, &str)],
) -> Result<(), sqlx::Error> {
    let mut changes: BTreeMap<&str, i64> = BTreeMap::new();
    for member in entered {
        *changes.entry(&member.segment_id).or_default() += 1;
    }
    for (_, segment_id) in left {
        *changes.entry(segment_id).or_default() -= 1;
    }
    let column = |value: fn(&SegmentMember) -> &String| -> Vec<_> {
        entered.iter().map(|member| value(member).as_str()).collect()
    };
    let times: Vec<_> = entered.iter().map(|member| member.customer_created_at).collect();
    let (left_customers, left_segments): (Vec<&str>, Vec<&str>) = left.iter().copied().unzip();
    let (segment_ids, differences): (Vec<&str>, Vec<i64>) = changes.into_iter().unzip();
    sqlx::query!(
        "WITH entered AS (
             INSERT INTO segment_members (project_id, customer_id, segment_id, customer_created_at)
             SELECT $1, entered.* FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS entered
         ),
         left_it AS (
             DELETE FROM segment_members held
             USING unnest($5::text[], $6::text[]) AS gone (customer_id, segment_id)
             WHERE held.project_id = $1 AND held.customer_id = gone.customer_id AND held.segment_id = gone.segment_id
         )
         INSERT INTO row_counts AS counts (project_id, resource, slot, value)
         SELECT $1, segment_id, pg_backend_pid() % 64, difference
         FROM unnest($7::text[], $8::bigint[]) AS changed (segment_id, difference) ORDER BY segment_id COLLATE \"C\"
         ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value",
        project.0,
        &column(|member| &member.customer_id) as &[&str],
        &column(|member| &member.segment_id) as &[&str],
        &times,
        &left_customers as &[&str],
        &left_segments as &[&str],
        &segment_ids as &[&str],
        &differences
    )
    .execute(connection)
    .await?;
    Ok(())
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
/// Members are removed, added and counted by three statements, because Citus would send a statement in which one part uses the rows that
/// another has changed to all servers.
///
/// # Errors
/// Returns an error when a database query fails.
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
    let recomputed = Recomputed { project, segment_id, filter, changed_values, limit, now };
    // Those who leave first, so that the filter is not evaluated again for those who have entered.
    let (left, leaving) = recomputed.execute(&mut *connection, recomputed.removal()).await?;
    let (entered, entering) = recomputed.execute(&mut *connection, recomputed.addition()).await?;
    let difference = entered - left;
    if difference != 0 {
        sqlx::query!(
            "INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             VALUES ($1, $2, pg_backend_pid() % 64, $3)
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value",
            project.0,
            segment_id,
            difference
        )
        .execute(connection)
        .await?;
    }
    let change =
        |customer_id, has_entered| MembershipChange { customer_id, segment_id: segment_id.to_owned(), has_entered };
    let entering = entering.into_iter().map(|customer_id| change(customer_id, true));
    let mut moved: Vec<_> = entering.chain(leaving.into_iter().map(|customer_id| change(customer_id, false))).collect();
    moved.sort_unstable_by(|one, other| one.customer_id.cmp(&other.customer_id));
    Ok(moved)
}

/// What [`recompute_members`] is called with.
struct Recomputed<'a> {
    project: ProjectId,
    segment_id: &'a str,
    filter: &'a Filter<CustomerField>,
    changed_values: Option<&'a [(&'a CustomerField, ChangedValues)]>,
    limit: Option<i64>,
    now: DateTime<Utc>,
}

impl Recomputed<'_> {
    /// Adds `WITH` and, where an index finds them, the customers to check as `concerned`. Returns whether it has added them.
    fn push_concerned(&self, query: &mut QueryBuilder<Postgres>) -> bool {
        query.push("WITH ");
        let Some(changed_values) = self.changed_values else { return false };
        // A part of a statement cannot be removed again, so try it with another one.
        if !push_affected_ids(&mut QueryBuilder::new(""), self.project, changed_values) {
            return false;
        }
        query.push("concerned AS MATERIALIZED (");
        push_affected_ids(query, self.project, changed_values);
        query.push("), ");
        true
    }

    /// Returns the statement that removes the members that do not match the filter.
    fn removal(&self) -> QueryBuilder<Postgres> {
        let project = self.project.0;
        let mut query = QueryBuilder::new("");
        let is_narrow = self.push_concerned(&mut query);
        query.push("leaving AS MATERIALIZED (SELECT held.customer_id FROM ");
        // Check each member separately and once, because PostgreSQL cannot estimate how many customers match the filter.
        if is_narrow {
            query.push("concerned CROSS JOIN LATERAL (SELECT customer_id FROM segment_members WHERE project_id = ");
            query.push_bind(project).push(" AND customer_id = concerned.id AND segment_id = ");
        } else {
            query.push("(SELECT customer_id FROM segment_members WHERE project_id = ");
            query.push_bind(project).push(" AND segment_id = ");
        }
        query.push_bind(self.segment_id.to_owned()).push(" OFFSET 0) held WHERE (SELECT ");
        push_customer_filter(&mut query, self.project, self.filter, self.now);
        query.push(" FROM customers c WHERE c.id = held.customer_id AND c.project_id = ").push_bind(project);
        // A null limit means no limit.
        query.push(" AND c.deleted_at IS NULL) IS NOT TRUE LIMIT ").push_bind(self.limit);
        query.push(
            ") DELETE FROM segment_members held USING leaving
               WHERE held.customer_id = leaving.customer_id AND held.project_id = ",
        );
        query.push_bind(project).push(" AND held.segment_id = ").push_bind(self.segment_id.to_owned());
        query
    }

    /// Returns the statement that adds the customers that match the filter and are no members.
    fn addition(&self) -> QueryBuilder<Postgres> {
        let project = self.project.0;
        let mut query = QueryBuilder::new(
            "INSERT INTO segment_members AS held (project_id, segment_id, customer_id, customer_created_at) ",
        );
        let is_narrow = self.push_concerned(&mut query);
        // Evaluate the filter once: it takes most of the time.
        query.push("passing AS MATERIALIZED (SELECT c.id, c.created_at FROM ");
        if is_narrow {
            // Read each affected customer by the primary key; `OFFSET 0` prevents a plan that reads the whole project.
            query.push("concerned CROSS JOIN LATERAL (SELECT * FROM customers WHERE project_id = ").push_bind(project);
            query.push(" AND id = concerned.id OFFSET 0) c WHERE true");
        } else {
            query.push("customers c WHERE c.project_id = ").push_bind(project);
        }
        query.push(" AND c.deleted_at IS NULL AND ");
        push_customer_filter(&mut query, self.project, self.filter, self.now);
        query.push(") SELECT ").push_bind(project).push(", ").push_bind(self.segment_id.to_owned());
        query.push(
            ", passing.id, passing.created_at FROM passing
               WHERE NOT EXISTS (SELECT 1 FROM segment_members held WHERE held.customer_id = passing.id AND held.project_id = ",
        );
        query.push_bind(project).push(" AND held.segment_id = ").push_bind(self.segment_id.to_owned());
        query.push(") LIMIT ").push_bind(self.limit);
        query
    }

    /// Executes one of the statements, and returns how many members it has changed, and with a limit which ones.
    async fn execute(
        &self,
        connection: &mut PgConnection,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<(i64, Vec<String>), sqlx::Error> {
        // The statement contains the filter, so that it is rarely sent again on the same connection.
        let (count, ids) = if self.limit.is_some() {
            query.push(" RETURNING held.customer_id");
            let ids: Vec<String> = query.build_query_scalar().persistent(false).fetch_all(connection).await?;
            (ids.len() as u64, ids)
        } else {
            (query.build().persistent(false).execute(connection).await?.rows_affected(), Vec::new())
        };
        Ok((i64::try_from(count).unwrap_or(i64::MAX), ids))
    }
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
