//! The statistics of tables that the planner of PostgreSQL uses.
//!
//! PostgreSQL keeps a plan that it made while a table was almost empty until the table is analysed, and autovacuum
//! does that once a minute at most. Until then a query for one row may read a whole project.

use crate::trace::statement;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

/// Analyses the tables that have changed by more than half since they were last analysed. Growth by less hardly changes a plan, and
/// an analysis takes as long as thousands of inserts.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn analyze_changed_tables(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let _statement = statement("statistics.analyze_changed_tables");
    let statement = sqlx::query_scalar!(
        "SELECT 'ANALYZE ' || string_agg(format('%I.%I', schemaname, relname), ', ') FROM pg_stat_user_tables
         WHERE schemaname = current_schema() AND n_mod_since_analyze > 200 + n_live_tup / 2"
    )
    .fetch_one(&mut *connection)
    .await?;
    // The statement is null when no table has changed that much.
    if let Some(statement) = statement {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}
