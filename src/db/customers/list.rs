//! Lists of customers.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};

use super::row::{self, COLUMNS};
use crate::db::filter::push_customer_filter;
use crate::db::list_query::ListQuery;
use crate::db::window::push_window;
use crate::db::{row_counts, segments};
use crate::domain::customer::CustomerRef;
use crate::domain::filter::{CustomerField, Filter};
use crate::domain::identifier::Identifier;
use crate::domain::page::{Direction, Page, Sort, SortKey, Window};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Selects the customers of a list.
#[derive(Clone, Debug, Default)]
pub struct CustomerFilter {
    pub email: Option<String>,
    pub city: Option<String>,
    pub name: Option<String>,
    pub segment_id: Option<String>,
    pub created_at: Window,
    pub updated_at: Window,
    /// The filter of the query parameters `filters[...]`, and the time at which it is evaluated.
    pub filter: Option<(Filter<CustomerField>, DateTime<Utc>)>,
}

impl CustomerFilter {
    /// Returns whether every customer that is not deleted matches.
    fn matches_all(&self) -> bool {
        self.segment_id.is_none() && self.is_without_conditions()
    }

    /// Returns the id of the segment if all its members match, so that the total is its row count.
    fn counted_segment(&self) -> Option<&str> {
        let id = self.segment_id.as_deref().filter(|_| self.is_without_conditions())?;
        segments::may_be_id(&Identifier::new(id.to_owned())).then_some(id)
    }

    fn is_without_conditions(&self) -> bool {
        let Self { email, city, name, segment_id: _, created_at, updated_at, filter } = self;
        [email, city, name].iter().all(|text| text.is_none())
            && created_at.is_unbounded()
            && updated_at.is_unbounded()
            && filter.is_none()
    }
}

/// Where a page of a list begins.
#[derive(Clone, Debug)]
pub enum Cursor {
    /// After all customers with this time of the sort key.
    Time(DateTime<Utc>),
    /// After the customer with this time of the sort key and this id. It serves a list that is sorted by a time.
    Row(DateTime<Utc>, String),
}

/// One page of customers, and the number of all customers that match the filter.
#[derive(Debug)]
pub struct CustomerPage {
    rows: Vec<PgRow>,
    pub total: i64,
    /// Whether the list is of a segment whose filter depends on the current time; `None` when the page is empty.
    pub is_time_dependent: Option<bool>,
}

impl CustomerPage {
    /// Returns the customers: at most one more than the limit of the page, which shows that there is a next page.
    ///
    /// # Errors
    /// Returns an error when a row cannot be read.
    pub fn customers(&self) -> Result<Vec<CustomerRef<'_>>, sqlx::Error> {
        self.rows.iter().map(row::borrowed).collect()
    }
}

/// Lists one page of the customers that match `filter` and are not deleted. With `cursor`, the page begins
/// there in the order of `sort`; the total does not depend on it.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: &CustomerFilter,
    sort: Sort,
    cursor: Option<&Cursor>,
    page: Page,
) -> Result<CustomerPage, sqlx::Error> {
    let _statement = statement("customers.list");
    // The members of a segment are read in order from the index on their copy of the time of creation.
    let members_sort = filter.segment_id.is_some() && sort.key == SortKey::CreatedAt;
    let key = match sort.key {
        SortKey::CreatedAt if members_sort => "m.customer_created_at",
        SortKey::CreatedAt => "c.created_at",
        SortKey::UpdatedAt => "c.changed_at",
        SortKey::SourceId => "c.source_id",
    };
    let id_key = if members_sort { ", m.customer_id" } else { ", c.id" };
    let push_rows = |query: &mut QueryBuilder<Postgres>| {
        query.push("SELECT ").push(COLUMNS);
        if let Some(segment_id) = &filter.segment_id {
            query.push(", (SELECT evaluated_at IS NOT NULL FROM segments WHERE project_id = ").push_bind(project.0);
            query.push(" AND id = ").push_bind(segment_id.clone()).push(")");
        } else {
            query.push(", NULL::boolean");
        }
        push_matching(query, project, filter);
        match cursor {
            None => {}
            Some(Cursor::Time(time)) => {
                let cursor_key = if sort.key == SortKey::SourceId { "c.created_at" } else { key };
                let direction = if sort.key == SortKey::SourceId { Direction::Descending } else { sort.direction };
                push_window(query, cursor_key, Window::after_cursor(*time, direction));
            }
            Some(Cursor::Row(time, id)) => {
                query.push(" AND (").push(key).push(id_key);
                query.push(if sort.direction == Direction::Ascending { ") > (" } else { ") < (" });
                query.push_bind(*time).push(", ").push_bind(id.clone()).push(")");
            }
        }
        // The order must be the one of the index: rows without a source id come first, and last in the other direction.
        // The times are never null, and an index without a position of nulls could not be used for an order with one.
        let (direction, nulls) = match sort.direction {
            Direction::Ascending => (" ASC", " NULLS FIRST"),
            Direction::Descending => (" DESC", " NULLS LAST"),
        };
        query.push(" ORDER BY ").push(key).push(direction);
        query.push(if sort.key == SortKey::SourceId { nulls } else { "" });
        query.push(id_key).push(direction);
    };
    let resource = if filter.matches_all() { Some(row_counts::CUSTOMERS) } else { filter.counted_segment() };
    let row_count = resource.map(|resource| (project, resource));
    let has_filter = filter.filter.is_some();
    // Keep the rows as they were received, so that their text is copied only once, into the response.
    let (rows, total) = ListQuery { page, has_cursor: cursor.is_some(), row_count, has_filter }
        .fetch_mapped(connection, push_rows, |query| push_matching(query, project, filter), Ok)
        .await?;
    let is_time_dependent = rows.first().map(|row| row.try_get_unchecked::<Option<bool>, _>(11)).transpose()?;
    let is_time_dependent = is_time_dependent.map(|is_time_dependent| is_time_dependent == Some(true));
    Ok(CustomerPage { rows, total, is_time_dependent })
}

/// Adds `FROM` and `WHERE` for the customers that match `filter` and are not deleted.
fn push_matching(query: &mut QueryBuilder<Postgres>, project: ProjectId, filter: &CustomerFilter) {
    let CustomerFilter { email, city, name, segment_id, created_at, updated_at, filter } = filter;
    if let Some(segment_id) = segment_id {
        // Read the customer of each member by the primary key. `OFFSET 0` prevents PostgreSQL from reading the whole
        // project instead, which it may do because it assumes that every project has the average size.
        query
            .push(" FROM segment_members m CROSS JOIN LATERAL (SELECT * FROM customers WHERE project_id = ")
            .push_bind(project.0)
            .push(" AND id = m.customer_id OFFSET 0) c WHERE m.project_id = ")
            .push_bind(project.0)
            .push(" AND m.segment_id = ")
            .push_bind(segment_id.clone());
    } else {
        query.push(" FROM customers c WHERE c.project_id = ").push_bind(project.0);
    }
    query.push(" AND c.deleted_at IS NULL");
    for (column, wanted) in [("email", email), ("city", city), ("name", name)] {
        if let Some(wanted) = wanted {
            query.push(" AND c.").push(column).push(" = ").push_bind(wanted.clone());
        }
    }
    push_window(query, "c.created_at", *created_at);
    push_window(query, "c.updated_at", *updated_at);
    // An updated customer has the same time in changed_at, which has the index.
    push_window(query, "c.changed_at", *updated_at);
    if let Some((filter, now)) = filter {
        query.push(" AND ");
        push_customer_filter(query, project, filter, *now);
    }
}
