//! Reads a page of a list and the total of the list in one statement, so that both are of the same moment.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row, ValueRef};

use super::row_counts;
use crate::domain::page::Page;
use crate::domain::project::ProjectId;

/// The page of a list to read, and where the total of the list is found.
pub(super) struct ListQuery<'a> {
    pub page: Page,
    /// Whether the page begins after a cursor, which the total does not depend on.
    pub has_cursor: bool,
    /// The resource whose row count is the total; `None` when the matching rows must be counted.
    pub row_count: Option<(ProjectId, &'a str)>,
    /// Whether a filter of the query is a part of the statement, so that the same statement is rarely sent again.
    pub has_filter: bool,
}

impl ListQuery<'_> {
    /// Returns the rows of the page and the total. There is at most one row more than the limit of the page: the
    /// additional row shows that there is a next page.
    ///
    /// `push_rows` adds the statement of the rows up to `ORDER BY`; the first column that it selects is never null.
    /// `push_matching` adds `FROM` and `WHERE` of the rows that the total counts.
    pub async fn fetch<T>(
        &self,
        connection: &mut PgConnection,
        push_rows: impl Fn(&mut QueryBuilder<Postgres>),
        push_matching: impl Fn(&mut QueryBuilder<Postgres>),
    ) -> Result<(Vec<T>, i64), sqlx::Error>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let push_total = |query: &mut QueryBuilder<Postgres>| {
            if let Some((project, resource)) = self.row_count {
                row_counts::push_total(query, project, resource);
            } else {
                query.push("SELECT count(*)");
                push_matching(query);
            }
        };
        let push_page = |query: &mut QueryBuilder<Postgres>| {
            push_rows(query);
            query.push(" LIMIT ").push_bind(self.page.limit + 1).push(" OFFSET ").push_bind(self.page.offset());
        };
        let begins_list = self.page.number == 1 && !self.has_cursor;

        let mut query = QueryBuilder::new("SELECT page.*, ");
        if begins_list && self.row_count.is_none() {
            // PostgreSQL evaluates the subquery only when there is a row beyond the page. Otherwise the page contains
            // all matching rows.
            query.push("CASE WHEN row_number() OVER () > ").push_bind(self.page.limit).push(" THEN (");
            push_total(&mut query);
            query.push(") END FROM (");
        } else {
            query.push("(");
            push_total(&mut query);
            query.push(") FROM (");
        }
        push_page(&mut query);
        query.push(") page");
        // PostgreSQL keeps the plan of a prepared statement, which is large when a filter has many conditions.
        let is_kept = !self.has_filter;
        let mut listed: Vec<ListedRow<T>> =
            query.build_query_as().persistent(is_kept).fetch_all(&mut *connection).await?;

        if listed.is_empty() && !begins_list {
            // Without a row there is no total. Read both again by a statement that also returns the total when the page
            // is empty. It is not the first choice because PostgreSQL needs longer to plan it. A join without a
            // condition is a nested loop, so the rows keep their order.
            let mut query = QueryBuilder::new("SELECT page.*, total.value FROM (SELECT (");
            push_total(&mut query);
            query.push(") AS value) total LEFT JOIN (");
            push_page(&mut query);
            query.push(") page ON true");
            listed = query.build_query_as().persistent(is_kept).fetch_all(connection).await?;
        }
        let counted = listed.last().and_then(|row| row.total);
        let rows: Vec<T> = listed.into_iter().filter_map(|listed| listed.row).collect();
        let total = counted.unwrap_or_else(|| i64::try_from(rows.len()).unwrap_or(i64::MAX));
        Ok((rows, total))
    }
}

/// A row of the statement: the columns of a row of the list, or nulls when the page is empty, and the total.
struct ListedRow<T> {
    row: Option<T>,
    total: Option<i64>,
}

impl<'r, T: FromRow<'r, PgRow>> FromRow<'r, PgRow> for ListedRow<T> {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let has_row = !row.try_get_raw(0)?.is_null();
        let total = row.try_get_unchecked(row.len() - 1)?;
        Ok(Self { row: has_row.then(|| T::from_row(row)).transpose()?, total })
    }
}
