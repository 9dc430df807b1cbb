//! Distribution over several PostgreSQL servers by the extension Citus: which tables are distributed, and how.
//!
//! The rows of a project are in one shard of each table, and all shards of a project are on one node. A statement that compares
//! `project_id` of each of its tables with one value is therefore sent to that node as it is, and so is a call of a function that reads
//! and writes the rows of one project only. The directory tables, which are read
//! before the project of a request is known, stay on the coordinator, like the locks that order the writers of a project. They are
//! not reference tables, of which each node has a copy: Citus lets one transaction at a time write to such a table.

use sqlx::{AssertSqlSafe, PgConnection};

use super::pool::Pool;
use super::project_deletions;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// The one of [`project_deletions::TABLES`] that is a directory table.
const DIRECTORY_TABLE: &str = "oauth_tokens";

/// The table with which the shards of all other distributed tables are placed together.
const FIRST_TABLE: &str = "customers";

/// The functions that the server with the rows of their project executes as a whole. Each has the parameter `project`.
const DELEGATED_FUNCTIONS: &[&str] = &["erase_customer_rows", "insert_customer_rows"];

/// Returns whether the tables of the database are distributed.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn is_distributed(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let _statement = statement("distribution.is_distributed");
    if !has_citus(connection).await? {
        return Ok(false);
    }
    is_placed(connection, FIRST_TABLE).await
}

/// Returns the same as [`is_distributed`], with a connection of the pool.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn is_distributed_of(pool: &Pool) -> Result<bool, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let answer = is_distributed(&mut connection).await?;
    connection.release();
    Ok(answer)
}

/// Distributes the tables that are not distributed yet, and makes the functions known to all servers. Returns `false`, with nothing done,
/// when the database does not have Citus. Any number of processes may do so at once: a lock lets one of them work at a time.
///
/// # Errors
/// Returns an error when no connection is available or a statement fails.
pub async fn distribute(pool: &Pool) -> Result<bool, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let distributed = distribute_on(&mut connection).await;
    // Close the connection, because it has no time limit for statements, and may hold the lock.
    connection.close().await;
    distributed
}

/// Does the same as [`distribute`] on a connection of its own.
async fn distribute_on(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    if !has_citus(connection).await? {
        return Ok(false);
    }
    execute(connection, "SET statement_timeout = 0".to_owned()).await?;
    sqlx::query!("SELECT pg_advisory_lock(('schema_functions'::regclass::oid::bigint << 32) | 1) IS NULL AS locked")
        .fetch_one(&mut *connection)
        .await?;
    // The first table comes first, because the others are placed with it. A table comes after those that it refers to.
    let others = project_deletions::TABLES.iter().rev().filter(|table| **table != FIRST_TABLE);
    for table in std::iter::once(&FIRST_TABLE).chain(others) {
        if *table == DIRECTORY_TABLE || is_placed(connection, table).await? {
            continue;
        }
        let placed_with = if *table == FIRST_TABLE { "none" } else { FIRST_TABLE };
        let statement =
            format!("SELECT create_distributed_table('{table}', 'project_id', colocate_with := '{placed_with}')");
        execute(connection, statement).await?;
    }
    // Functions that were created after Citus are known to all servers already.
    execute(
        connection,
        "SELECT create_distributed_function(oid::regprocedure) FROM pg_proc
         WHERE pronamespace = current_schema()::regnamespace AND proname IN (SELECT name FROM schema_functions)
             AND oid NOT IN (SELECT objid FROM pg_catalog.pg_dist_object WHERE classid = 'pg_proc'::regclass)"
            .to_owned(),
    )
    .await?;
    let delegate = format!(
        "SELECT create_distributed_function(
             oid::regprocedure, 'project', colocate_with := '{FIRST_TABLE}', force_delegation := true) FROM pg_proc
         WHERE pronamespace = current_schema()::regnamespace AND proname IN ('{}') AND oid NOT IN (
             SELECT objid FROM pg_catalog.pg_dist_object
             WHERE classid = 'pg_proc'::regclass AND distribution_argument_index IS NOT NULL)",
        DELEGATED_FUNCTIONS.join("', '")
    );
    execute(connection, delegate).await?;
    Ok(true)
}

/// Returns the values of the parameter `scope` with which a statement that is for all projects is executed: on a distributed database one
/// value for each project that has rows in the table, and `None`, for all projects at once, on any other.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn scopes(
    connection: &mut PgConnection,
    is_distributed: bool,
    table: &'static str,
) -> Result<Vec<Option<ProjectId>>, sqlx::Error> {
    let _statement = statement("distribution.scopes");
    if !is_distributed {
        return Ok(vec![None]);
    }
    let statement = format!("SELECT DISTINCT project_id FROM {table}");
    let ids: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(connection).await?;
    Ok(ids.into_iter().map(|id| Some(ProjectId(id))).collect())
}

async fn has_citus(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let _statement = statement("distribution.has_citus");
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus') AS "exists!""#)
        .fetch_one(connection)
        .await
}

/// Returns whether a table is distributed already. The catalogue of Citus is not part of the schema that statements are checked against at
/// compile time.
async fn is_placed(connection: &mut PgConnection, table: &str) -> Result<bool, sqlx::Error> {
    let _statement = statement("distribution.is_placed");
    let statement =
        "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = $1::regclass AND partmethod = 'h')";
    sqlx::query_scalar(statement).bind(table).fetch_one(connection).await
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}
