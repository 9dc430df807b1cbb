//! The order summary of customers: how many orders were paid, their amount, and the last one of them.

use sqlx::PgConnection;

use crate::domain::customer::OrderSummary;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Computes and stores the order summaries of the customers `given`, a relation with the column `id`. The sum is
/// limited to the integers that every JSON reader represents exactly.
macro_rules! refresh {
    ($given:literal, $($argument:expr),*) => {
        sqlx::query!(
            "UPDATE customers
             SET orders_count = counted.count, orders_amount = counted.amount,
                 last_order_amount = coalesce(last.amount, 0), last_order_at = last.created_at
             FROM " + $given + "
             CROSS JOIN LATERAL (
                 SELECT count(*) AS count,
                        greatest(least(coalesce(sum(amount), 0), 9007199254740991), -9007199254740991)::bigint AS amount
                 FROM orders WHERE project_id = $1 AND customer_id = given.id AND status IN ('PAID', 'FULFILLED')
             ) AS counted
             LEFT JOIN LATERAL (
                 SELECT amount, created_at
                 FROM orders WHERE project_id = $1 AND customer_id = given.id AND status IN ('PAID', 'FULFILLED')
                 ORDER BY created_at DESC, id DESC LIMIT 1
             ) AS last ON true
             WHERE customers.project_id = $1 AND customers.id = given.id
             RETURNING customers.id, orders_count, orders_amount, last_order_amount, last_order_at",
            $($argument),*
        )
    };
}

/// Computes the order summaries of locked customers from their orders, stores them, and returns them with the ids of the
/// customers, in the order of the ids. The locks make the sums correct: of two transactions that change a customer's
/// orders, the second one also counts what the first one has committed.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn refresh_order_summaries(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[&str],
) -> Result<Vec<(String, OrderSummary)>, sqlx::Error> {
    let _statement = statement("customers.refresh_order_summaries");
    macro_rules! refreshed {
        ($rows:expr) => {
            $rows.into_iter().map(|row| {
                let summary = OrderSummary {
                    count: row.orders_count,
                    amount: row.orders_amount,
                    last_amount: row.last_order_amount,
                    last_at: row.last_order_at,
                };
                (row.id, summary)
            })
        };
    }
    Ok(match ids {
        [] => Vec::new(),
        // The statement for one customer has a simpler plan.
        [id] => {
            let row = refresh!("(SELECT $2::text AS id) AS given", project.0, id).fetch_optional(connection).await?;
            refreshed!(row).collect()
        }
        ids => {
            let rows = refresh!("unnest($2::text[]) AS given (id)", project.0, ids as &[&str]);
            let mut summaries: Vec<_> = refreshed!(rows.fetch_all(connection).await?).collect();
            // The plan decides in which order rows are updated. The same calls must be recorded in the same order every time.
            summaries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            summaries
        }
    })
}
