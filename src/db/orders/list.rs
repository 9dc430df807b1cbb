//! Lists of orders.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::row::{COLUMNS, OrderRow};
use crate::db::filter::push_order_filter;
use crate::db::row_counts;
use crate::domain::filter::{Filter, OrderField};
use crate::domain::order::Order;
use crate::domain::page::{Direction, Page, Sort, SortKey};
use crate::domain::project::ProjectId;

/// Lists one page of the orders that match `filter` at its time, and returns it with the number of all matching
/// orders.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: Option<&(Filter<OrderField>, DateTime<Utc>)>,
    sort: Sort,
    page: Page,
) -> Result<(Vec<Order>, i64), sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS);
    push_matching(&mut query, project, filter);
    query.push(match (sort.key, sort.direction) {
        (SortKey::UpdatedAt, Direction::Ascending) => " ORDER BY updated_at ASC NULLS FIRST, id ASC",
        (SortKey::UpdatedAt, Direction::Descending) => " ORDER BY updated_at DESC NULLS LAST, id DESC",
        (SortKey::CreatedAt | SortKey::SourceId, Direction::Ascending) => " ORDER BY created_at ASC, id ASC",
        (SortKey::CreatedAt | SortKey::SourceId, Direction::Descending) => " ORDER BY created_at DESC, id DESC",
    });
    query.push(" LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset());
    let rows: Vec<OrderRow> = query.build_query_as().fetch_all(&mut *connection).await?;
    let total = if filter.is_none() {
        row_counts::total(connection, project, row_counts::ORDERS).await?
    } else {
        let mut count = QueryBuilder::new("SELECT count(*)");
        push_matching(&mut count, project, filter);
        count.build_query_scalar().fetch_one(connection).await?
    };
    Ok((rows.into_iter().map(Order::from).collect(), total))
}

/// Adds `FROM` and `WHERE` for the orders that match `filter`.
fn push_matching(
    query: &mut QueryBuilder<Postgres>,
    project: ProjectId,
    filter: Option<&(Filter<OrderField>, DateTime<Utc>)>,
) {
    query.push(" FROM orders WHERE project_id = ").push_bind(project.0);
    if let Some((filter, now)) = filter {
        query.push(" AND ");
        push_order_filter(query, filter, *now);
    }
}
