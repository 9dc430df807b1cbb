//! Lists of orders.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::row::{COLUMNS, OrderRow};
use crate::db::customers;
use crate::db::filter::push_order_filter;
use crate::db::list_query::ListQuery;
use crate::db::row_counts;
use crate::domain::filter::{Filter, OrderField};
use crate::domain::identifier::Identifier;
use crate::domain::order::Order;
use crate::domain::page::{Direction, Page, Sort, SortKey};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Selects the orders of a list.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only orders of the customer with this id or source id. The id may be that of a deleted customer, because the
    /// orders of a deleted customer still show it.
    pub customer: Option<Identifier>,
    /// The filter of the query parameters `filters[...]`, and the time at which it is evaluated.
    pub filter: Option<(Filter<OrderField>, DateTime<Utc>)>,
}

/// Lists one page of the orders that match `filter`, and returns it with the number of all matching orders.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: &OrderFilter,
    sort: Sort,
    page: Page,
) -> Result<(Vec<Order>, i64), sqlx::Error> {
    let _statement = statement("orders.list");
    let push_rows = |query: &mut QueryBuilder<Postgres>| {
        query.push("SELECT ").push(COLUMNS);
        push_matching(query, project, filter);
        query.push(match (sort.key, sort.direction) {
            (SortKey::UpdatedAt, Direction::Ascending) => " ORDER BY updated_at ASC NULLS FIRST, id ASC",
            (SortKey::UpdatedAt, Direction::Descending) => " ORDER BY updated_at DESC NULLS LAST, id DESC",
            (SortKey::CreatedAt | SortKey::SourceId, Direction::Ascending) => " ORDER BY created_at ASC, id ASC",
            (SortKey::CreatedAt | SortKey::SourceId, Direction::Descending) => " ORDER BY created_at DESC, id DESC",
        });
    };
    let matches_all = filter.customer.is_none() && filter.filter.is_none();
    let row_count = matches_all.then_some((project, row_counts::ORDERS));
    let (rows, total): (Vec<OrderRow>, i64) =
        ListQuery { page, has_cursor: false, row_count, has_filter: filter.filter.is_some() }
            .fetch(connection, push_rows, |query| push_matching(query, project, filter))
            .await?;
    Ok((page.trim(rows).into_iter().map(Order::from).collect(), total))
}

/// Adds `FROM` and `WHERE` for the orders that match `filter`.
fn push_matching(query: &mut QueryBuilder<Postgres>, project: ProjectId, filter: &OrderFilter) {
    let OrderFilter { customer, filter } = filter;
    query.push(" FROM orders WHERE project_id = ").push_bind(project.0);
    if let Some(customer) = customer {
        query.push(" AND customer_id = ");
        customers::push_id(query, project, customer);
    }
    if let Some((filter, now)) = filter {
        query.push(" AND ");
        push_order_filter(query, filter, *now);
    }
}
