//! Lists of a customer's activity.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row};

use super::list_query::ListQuery;
use crate::domain::activity::{
    ActivityCategory, ActivityCursor, ActivityFilter, ActivityKey, ActivitySort, StoredEntry,
};
use crate::domain::credential::Channel;
use crate::domain::json::JsonText;
use crate::domain::page::{Direction, Page};
use crate::domain::project::ProjectId;
use crate::domain::{time_ordered_id, timestamp};
use crate::trace::statement;

/// The columns that a list selects, in the order in which [`EntryRow`] reads them.
const COLUMNS: &str = "a.id, a.type, a.group_id, a.data, a.referrer_id, a.referrer, a.created_at, a.app_id, a.channel";

/// The SQL condition that an entry is an effect. Its value for actions, false, sorts first.
const IS_EFFECT: &str = "starts_with(a.type, 'customer.segment.')";

struct EntryRow {
    id: String,
    r#type: String,
    group_id: String,
    data: String,
    referrer_id: Option<String>,
    referrer: Option<String>,
    created_at: DateTime<Utc>,
    app_id: Option<String>,
    channel: Option<String>,
}

impl FromRow<'_, PgRow> for EntryRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            r#type: row.try_get_unchecked(1)?,
            group_id: row.try_get_unchecked(2)?,
            data: row.try_get_unchecked(3)?,
            referrer_id: row.try_get_unchecked(4)?,
            referrer: row.try_get_unchecked(5)?,
            created_at: row.try_get_unchecked(6)?,
            app_id: row.try_get_unchecked(7)?,
            channel: row.try_get_unchecked(8)?,
        })
    }
}

impl From<EntryRow> for StoredEntry {
    fn from(row: EntryRow) -> Self {
        let EntryRow { id, r#type, group_id, data, referrer_id, referrer, created_at, app_id, channel } = row;
        let referrer = referrer_id.zip(referrer.map(JsonText::from_trusted));
        let channel = Channel::parse(channel.as_deref());
        Self { id, kind: r#type, group_id, data: JsonText::from_trusted(data), referrer, created_at, app_id, channel }
    }
}

/// The entries of a list of a customer's activity. Entries with the same sort value are sorted by id, which is the order
/// of the primary key.
#[derive(Clone, Debug)]
pub struct ActivityQuery {
    pub filter: ActivityFilter,
    /// The list begins after this entry in the order of `sort`.
    pub cursor: ActivityCursor,
    pub sort: ActivitySort,
    /// The list has at most one entry more than this, so that the caller can detect whether there are more.
    pub limit: i64,
}

/// Lists the entries of a customer.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    activity: &ActivityQuery,
) -> Result<Vec<StoredEntry>, sqlx::Error> {
    let _statement = statement("activity_list.list");
    if activity.filter.matches_nothing {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("");
    push_rows(&mut query, project, customer_id, activity);
    query.push(" LIMIT ").push_bind(activity.limit + 1);
    let rows: Vec<EntryRow> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(StoredEntry::from).collect())
}

/// Does the same as [`list`], and also returns the number of all entries that match the filter, whatever the cursor.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_with_total(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    activity: &ActivityQuery,
) -> Result<(Vec<StoredEntry>, i64), sqlx::Error> {
    let _statement = statement("activity_list.list_with_total");
    let ActivityQuery { filter, cursor, sort: _, limit } = activity;
    if filter.matches_nothing {
        return Ok((Vec::new(), 0));
    }
    let has_cursor = cursor.id.is_some() || cursor.moment.is_some();
    let (rows, total): (Vec<EntryRow>, i64) =
        ListQuery { page: Page::first(*limit), has_cursor, row_count: None, has_filter: false }
            .fetch(
                connection,
                |query| push_rows(query, project, customer_id, activity),
                |query| push_matching(query, project, customer_id, *filter),
            )
            .await?;
    Ok((rows.into_iter().map(StoredEntry::from).collect(), total))
}

/// Adds the statement of the entries of a list up to `ORDER BY`.
fn push_rows(query: &mut QueryBuilder<Postgres>, project: ProjectId, customer_id: &str, activity: &ActivityQuery) {
    let ActivityQuery { filter, cursor, sort, limit: _ } = activity;
    query.push("SELECT ").push(COLUMNS);
    push_matching(query, project, customer_id, *filter);
    let (key, is_ascending) = match (sort.key, sort.direction) {
        (ActivityKey::Id, direction) => (None, direction == Direction::Ascending),
        (ActivityKey::Type, direction) => (Some("a.type"), direction == Direction::Ascending),
        (ActivityKey::Category, direction) => (Some(IS_EFFECT), direction == Direction::Ascending),
    };
    let (direction, beyond) = if is_ascending { (" ASC", " > ") } else { (" DESC", " < ") };
    if let Some(id) = &cursor.id {
        match key {
            None => query.push(" AND a.id").push(beyond).push_bind(id.clone()),
            // An id that no entry of the customer has is not part of this order, so no entry comes after it.
            Some(key) => {
                query.push(" AND (").push(key).push(", a.id)").push(beyond).push("(SELECT ").push(key).push(", a.id");
                push_customer(query, project, customer_id);
                query.push(" AND a.id = ").push_bind(id.clone()).push(")")
            }
        };
    }
    if let Some(moment) = cursor.moment {
        if is_ascending && key.is_none() {
            push_from(query, timestamp::next_millisecond(moment));
        } else {
            push_before(query, timestamp::truncate_to_millis(moment));
        }
    }
    query.push(" ORDER BY ");
    if let Some(key) = key {
        query.push(key).push(direction).push(", ");
    }
    query.push("a.id").push(direction);
}

/// Adds `FROM` and `WHERE` for the entries of a customer.
fn push_customer(query: &mut QueryBuilder<Postgres>, project: ProjectId, customer_id: &str) {
    query.push(" FROM customer_activity a WHERE a.project_id = ").push_bind(project.0);
    query.push(" AND a.customer_id = ").push_bind(customer_id.to_owned());
}

/// Adds `FROM` and `WHERE` for the entries of a customer that match `filter`.
fn push_matching(query: &mut QueryBuilder<Postgres>, project: ProjectId, customer_id: &str, filter: ActivityFilter) {
    push_customer(query, project, customer_id);
    if let Some(start) = filter.start {
        push_from(query, timestamp::truncate_to_millis(start));
    }
    if let Some(end) = filter.end {
        push_before(query, timestamp::next_millisecond(end));
    }
    if let Some(kind) = filter.kind {
        query.push(" AND a.type = ").push_bind(kind);
    }
    match filter.category {
        None => {}
        Some(ActivityCategory::Action) => _ = query.push(" AND NOT ").push(IS_EFFECT),
        Some(ActivityCategory::Effect) => _ = query.push(" AND ").push(IS_EFFECT),
    }
}

/// Adds the condition that an entry was created at `moment` or later. It compares the time within the id, because the
/// primary key contains the id, while no index contains the time.
fn push_from(query: &mut QueryBuilder<Postgres>, moment: DateTime<Utc>) {
    query.push(" AND a.id >= ").push_bind(time_ordered_id::lower_bound("evcus_", moment));
}

/// Adds the condition that an entry was created before `moment`.
fn push_before(query: &mut QueryBuilder<Postgres>, moment: DateTime<Utc>) {
    query.push(" AND a.id < ").push_bind(time_ordered_id::lower_bound("evcus_", moment));
}
