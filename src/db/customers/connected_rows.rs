//! How many rows of each table belong to a customer, for a page that shows what an erasure will remove.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::trace::statement;

/// A customer, deleted or not, with the numbers of the rows that belong to it.
#[derive(Clone, Debug)]
pub struct ConnectedRows {
    pub id: String,
    pub source_id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub orders: i64,
    pub custom_events: i64,
    pub customer_event_counts: i64,
    pub customer_activity: i64,
    pub customer_consents: i64,
    pub customer_moments: i64,
    pub segment_members: i64,
    pub webhook_deliveries: i64,
}

impl ConnectedRows {
    /// Returns the tables with the numbers of their rows, named and ordered as in the record of a permanent deletion.
    #[must_use]
    pub fn by_table(&self) -> [(&'static str, i64); 9] {
        [
            ("customers", 1),
            ("orders", self.orders),
            ("custom_events", self.custom_events),
            ("customer_event_counts", self.customer_event_counts),
            ("customer_activity", self.customer_activity),
            ("customer_consents", self.customer_consents),
            ("customer_moments", self.customer_moments),
            ("segment_members", self.segment_members),
            ("webhook_deliveries", self.webhook_deliveries),
        ]
    }
}

/// Counts the rows that belong to the customer with that id, which may be softly deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_connected_rows(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<ConnectedRows>, sqlx::Error> {
    let _statement = statement("customers.count_connected_rows");
    sqlx::query_as!(
        ConnectedRows,
        r#"SELECT id, source_id, name, email, profile ->> 'phone' AS phone, deleted_at,
                  (SELECT count(*) FROM orders WHERE project_id = $1 AND customer_id = $2) AS "orders!",
                  (SELECT count(*) FROM custom_events WHERE project_id = $1 AND customer_id = $2) AS "custom_events!",
                  (SELECT count(*) FROM customer_event_counts WHERE project_id = $1 AND customer_id = $2)
                      AS "customer_event_counts!",
                  (SELECT count(*) FROM customer_activity WHERE project_id = $1 AND customer_id = $2)
                      AS "customer_activity!",
                  (SELECT count(*) FROM customer_consents WHERE project_id = $1 AND customer_id = $2)
                      AS "customer_consents!",
                  (SELECT count(*) FROM customer_moments WHERE project_id = $1 AND customer_id = $2)
                      AS "customer_moments!",
                  (SELECT count(*) FROM segment_members WHERE project_id = $1 AND customer_id = $2)
                      AS "segment_members!",
                  (SELECT count(*) FROM webhook_deliveries WHERE project_id = $1 AND customer_id = $2)
                      AS "webhook_deliveries!"
           FROM customers WHERE project_id = $1 AND id = $2"#,
        project.0,
        id
    )
    .fetch_optional(connection)
    .await
}
