//! Reads a page of a list and the total of the list in one statement, so that both are of the same moment.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row, ValueRef};

use super::row_counts;
use crate::domain::page::Page;
use crate::domain::project::ProjectId;

/// The number of rows that a page of the largest limit reads.
const MAX_ROWS: i64 = 101;

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
        self.fetch_mapped(connection, push_rows, push_matching, |row| T::from_row(&row)).await
    }

    /// Returns the same as [`ListQuery::fetch`], with each row converted by `map`, which may keep the row itself.
    pub async fn fetch_mapped<T: Send + Unpin>(
        &self,
        connection: &mut PgConnection,
        push_rows: impl Fn(&mut QueryBuilder<Postgres>),
        push_matching: impl Fn(&mut QueryBuilder<Postgres>),
        map: impl Fn(PgRow) -> Result<T, sqlx::Error> + Send + Sync,
    ) -> Result<(Vec<T>, i64), sqlx::Error> {
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
        // PostgreSQL expects a parameter of LIMIT to be a tenth of the rows of the list, so that a plan which it could
        // keep looks more expensive than a new one for each execution. Planning takes almost as long as reading a
        // hundred rows. With a constant limit below that of the page it keeps the plan. A list with other conditions
        // needs a plan for its values.
        let keeps_plan = begins_list && self.row_count.is_some() && self.page.limit < MAX_ROWS;

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
        if keeps_plan {
            push_rows(&mut query);
            query.push(" LIMIT ").push(MAX_ROWS).push(") page LIMIT ").push_bind(self.page.limit + 1);
        } else {
            push_page(&mut query);
            query.push(") page");
        }
        // PostgreSQL keeps the plan of a prepared statement, which is large when a filter has many conditions.
        let is_kept = !self.has_filter;
        let mut counted = None;
        let mut rows = query
            .build()
            .persistent(is_kept)
            .try_map(|row: PgRow| {
                read_total(&row, &mut counted)?;
                map(row)
            })
            .fetch_all(&mut *connection)
            .await?;

        if rows.is_empty() && !begins_list {
            // Without a row there is no total. Read both again by a statement that also returns the total when the page
            // is empty. It is not the first choice because PostgreSQL needs longer to plan it. A join without a
            // condition is a nested loop, so the rows keep their order.
            let mut query = QueryBuilder::new("SELECT page.*, total.value FROM (SELECT (");
            push_total(&mut query);
            query.push(") AS value) total LEFT JOIN (");
            push_page(&mut query);
            query.push(") page ON true");
            let mapped = query.build().persistent(is_kept).try_map(|row: PgRow| {
                read_total(&row, &mut counted)?;
                // When the page is empty, there is one row, which has only the total.
                let has_row = !row.try_get_raw(0)?.is_null();
                has_row.then(|| map(row)).transpose()
            });
            rows = mapped.fetch_all(connection).await?.into_iter().flatten().collect();
        }
        let total = counted.unwrap_or_else(|| i64::try_from(rows.len()).unwrap_or(i64::MAX));
        Ok((rows, total))
    }
}

/// Reads the total, the last column of a row, unless an earlier row had it.
fn read_total(row: &PgRow, total: &mut Option<i64>) -> Result<(), sqlx::Error> {
    if total.is_none() {
        *total = row.try_get_unchecked(row.len() - 1)?;
    }
    Ok(())
}
