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
        push_rows: impl FnOnce(&mut QueryBuilder<Postgres>),
        push_matching: impl FnOnce(&mut QueryBuilder<Postgres>),
    ) -> Result<(Vec<T>, i64), sqlx::Error>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut query = QueryBuilder::new("SELECT page.*, ");
        if self.counts_beyond_page() {
            // Only a row beyond the page makes PostgreSQL count, because it evaluates the subquery when it needs it.
            query.push("CASE WHEN row_number() OVER () > ").push_bind(self.page.limit).push(" THEN (SELECT count(*)");
            push_matching(&mut query);
            query.push(") END FROM (");
        } else {
            // A join without a condition is a nested loop, so the rows keep their order. The outer side has one row, so
            // the total is also returned when the page is empty.
            query.push("total.value FROM (SELECT (");
            if let Some((project, resource)) = self.row_count {
                row_counts::push_total(&mut query, project, resource);
            } else {
                query.push("SELECT count(*)");
                push_matching(&mut query);
            }
            query.push(") AS value) total LEFT JOIN (");
        }
        push_rows(&mut query);
        query.push(" LIMIT ").push_bind(self.page.limit + 1).push(" OFFSET ").push_bind(self.page.offset());
        query.push(if self.counts_beyond_page() { ") page" } else { ") page ON true" });

        let listed: Vec<ListedRow<T>> = query.build_query_as().fetch_all(connection).await?;
        let counted = listed.last().and_then(|row| row.total);
        let rows: Vec<T> = listed.into_iter().filter_map(|listed| listed.row).collect();
        let total = counted.unwrap_or_else(|| i64::try_from(rows.len()).unwrap_or(i64::MAX));
        Ok((rows, total))
    }

    /// Returns whether the matching rows must be counted only when there is a row beyond the page. Otherwise the page
    /// contains all of them.
    fn counts_beyond_page(&self) -> bool {
        self.row_count.is_none() && !self.has_cursor && self.page.number == 1
    }
}

/// A row of the statement: the columns of a row of the list, all of them null when the page is empty, and the total.
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
