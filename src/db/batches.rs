//! The requests that are answered together.

use super::batch_queue::BatchQueue;
use super::credentials::{Credential, CredentialRequest, FindCredentials};
use super::customers::{FindCustomers, InsertCustomers, NewCustomer};
use super::orders::FindOrders;
use super::pool::Pool;
use crate::domain::credential::Family;
use crate::domain::customer::Customer;
use crate::domain::identifier::Identifier;
use crate::domain::order::Order;
use crate::domain::project::ProjectId;

/// A queue for each kind of statement that answers many requests at once, of all projects.
#[derive(Debug)]
pub struct Batches {
    find_credentials: BatchQueue<FindCredentials>,
    find_customers: BatchQueue<FindCustomers>,
    find_orders: BatchQueue<FindOrders>,
    insert_customers: BatchQueue<InsertCustomers>,
}

impl Batches {
    /// Creates empty queues, whose statements use connections of `pool`. On a distributed database, each statement is for one project.
    #[must_use]
    pub fn new(pool: &Pool, is_distributed: bool) -> Self {
        Self {
            find_credentials: BatchQueue::new(pool.clone(), false),
            find_customers: BatchQueue::new(pool.clone(), is_distributed),
            find_orders: BatchQueue::new(pool.clone(), is_distributed),
            insert_customers: BatchQueue::new(pool.clone(), is_distributed),
        }
    }

    /// Finds a key, as [`find`](super::credentials::find) does.
    ///
    /// # Errors
    /// Returns the errors of [`BatchQueue::answer`].
    pub async fn find_credential(
        &self,
        family: Family,
        app_id: &str,
        server: &str,
    ) -> Result<Option<Credential>, sqlx::Error> {
        let (app_id, server) = (app_id.to_owned(), server.to_owned());
        self.find_credentials.answer(CredentialRequest { family, app_id, server }).await
    }

    /// Finds a customer, as [`find`](super::customers::find) does.
    ///
    /// # Errors
    /// Returns the errors of [`BatchQueue::answer`].
    pub async fn find_customer(
        &self,
        project: ProjectId,
        identifier: &Identifier,
    ) -> Result<Option<Customer>, sqlx::Error> {
        self.find_customers.answer((project, identifier.clone())).await
    }

    /// Finds an order, as [`find`](super::orders::find) does.
    ///
    /// # Errors
    /// Returns the errors of [`BatchQueue::answer`].
    pub async fn find_order(&self, project: ProjectId, identifier: &Identifier) -> Result<Option<Order>, sqlx::Error> {
        self.find_orders.answer((project, identifier.clone())).await
    }

    /// Inserts a new customer, as [`insert`](super::customers::insert()) does, and returns whether it was inserted. It is not
    /// inserted when another transaction holds a lock that it would have to wait for.
    ///
    /// # Errors
    /// Returns the errors of [`BatchQueue::answer`].
    pub async fn insert_customer(&self, project: ProjectId, new: NewCustomer) -> Result<bool, sqlx::Error> {
        self.insert_customers.answer((project, new)).await
    }
}
