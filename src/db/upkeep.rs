//! Keeps PostgreSQL's picture of the tables up to date while they grow.
//!
//! A plan that was made while a table was almost empty is kept until the table is analysed, which by itself happens once a
//! minute at the soonest. Until then a lookup may read a whole project instead of one row.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

/// Analyses the tables that have changed by more than a fifth since they last were.
///
/// # Errors
/// When the database refuses.
pub async fn analyze_grown(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let statement = sqlx::query_scalar!(
        "SELECT 'ANALYZE ' || string_agg(format('%I.%I', schemaname, relname), ', ') FROM pg_stat_user_tables
         WHERE schemaname = current_schema() AND n_mod_since_analyze > 200 + n_live_tup / 5"
    )
    .fetch_one(&mut *connection)
    .await?;
    // Null where none has grown.
    if let Some(statement) = statement {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}
