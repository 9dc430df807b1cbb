//! Finding the customers of many requests.

use sqlx::PgConnection;

use super::find::{find, may_be_id};
use super::row::{COLUMNS, CustomerRow};
use crate::db::batch_queue::BatchStatement;
use crate::db::find_each::{FindEach, FindRequest};
use crate::domain::customer::Customer;
use crate::domain::project::ProjectId;

/// Finds the customer of each request, as [`find`] does.
#[derive(Debug)]
pub struct FindCustomers;

const FIND_EACH: FindEach = FindEach {
    columns: COLUMNS,
    by_id: "FROM customers c WHERE project_id = given.project_id AND id = given.identifier AND deleted_at IS NULL",
    by_source_id: "FROM customers c
                   WHERE project_id = given.project_id AND source_id = given.identifier AND deleted_at IS NULL",
    may_be_id,
};

impl BatchStatement for FindCustomers {
    type Request = FindRequest;
    type Answer = Option<Customer>;
    const NAME: &'static str = "customers.find";

    fn project((project, _): &FindRequest) -> Option<ProjectId> {
        Some(*project)
    }

    async fn run(
        connection: &mut PgConnection,
        requests: &[FindRequest],
        _is_distributed: bool,
    ) -> Result<Vec<Option<Customer>>, sqlx::Error> {
        if let [(project, identifier)] = requests {
            return Ok(vec![find(connection, *project, identifier).await?]);
        }
        let found = FIND_EACH.find::<CustomerRow>(connection, requests).await?;
        Ok(found.into_iter().map(|row| row.map(Customer::from)).collect())
    }
}
