//! Finding the orders of many requests.

use sqlx::PgConnection;

use super::find::{find, may_be_id};
use super::row::{COLUMNS, OrderRow};
use crate::db::batch_queue::BatchStatement;
use crate::db::find_each::{FindEach, FindRequest};
use crate::domain::order::Order;
use crate::domain::project::ProjectId;

/// Finds the order of each request, as [`find`] does.
#[derive(Debug)]
pub struct FindOrders;

const FIND_EACH: FindEach = FindEach {
    columns: COLUMNS,
    by_id: "FROM orders WHERE project_id = given.project_id AND id = given.identifier",
    by_source_id: "FROM orders WHERE project_id = given.project_id AND source_id = given.identifier",
    may_be_id,
};

impl BatchStatement for FindOrders {
    type Request = FindRequest;
    type Answer = Option<Order>;
    const NAME: &'static str = "orders.find";

    fn project((project, _): &FindRequest) -> Option<ProjectId> {
        Some(*project)
    }

    async fn run(
        connection: &mut PgConnection,
        requests: &[FindRequest],
        _is_distributed: bool,
    ) -> Result<Vec<Option<Order>>, sqlx::Error> {
        if let [(project, identifier)] = requests {
            return Ok(vec![find(connection, *project, identifier).await?]);
        }
        let found = FIND_EACH.find::<OrderRow>(connection, requests).await?;
        Ok(found.into_iter().map(|row| row.map(Order::from)).collect())
    }
}
