//! The schema of the database that holds everything of the emulator, before the migration: whether it exists, and what is in it.
//! Nothing outside of it is read, except the catalogue.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::domain::database_schema::DatabaseSchema;
use crate::trace::statement;

/// The schema in which the tables of development versions were.
const DEVELOPMENT_SCHEMA: &str = "public";

/// What a schema is like before the migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SchemaState {
    /// The emulator has migrated it before.
    Ours,
    /// It exists, and the migration can begin in it.
    Usable,
    /// It does not exist, and may be created.
    Missing,
    /// It has tables, functions or other objects that the emulator did not make.
    Foreign,
    /// It does not exist or is empty, and the schema `public` has the tables of a development version.
    DevelopmentInPublic,
    /// It cannot be used by this user.
    Denied { user: String },
}

/// Finds out what the schema is like.
///
/// # Errors
/// Returns an error when the database query fails.
pub(super) async fn find_state(
    connection: &mut PgConnection,
    schema: &DatabaseSchema,
) -> Result<SchemaState, sqlx::Error> {
    let _statement = statement("schema.find_state");
    // A migration that was interrupted leaves the table of sqlx. What belongs to an extension does not count.
    let found = sqlx::query!(
        r#"WITH objects AS MATERIALIZED (
               SELECT n.nspname AS schema, o.name
               FROM pg_namespace n, LATERAL (
                   SELECT oid, relname AS name FROM pg_class WHERE relnamespace = n.oid
                   UNION ALL SELECT oid, proname FROM pg_proc WHERE pronamespace = n.oid
               ) AS o
               WHERE n.nspname IN ($1, $2) AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = o.oid AND d.deptype = 'e')
           )
           SELECT current_user::text AS "user!",
                  EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS "exists!",
                  EXISTS (SELECT FROM objects WHERE schema = $1 AND name = 'schema_functions') AS "is_ours!",
                  EXISTS (SELECT FROM objects WHERE schema = $1 AND name !~ '^_sqlx_migrations') AS "has_objects!",
                  (SELECT count(*) FROM objects
                   WHERE schema = $2 AND name IN ('schema_functions', 'emulator_nodes', '_sqlx_migrations')) = 3
                  AS "is_development!",
                  CASE WHEN EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)
                       THEN has_schema_privilege($1, 'USAGE') AND has_schema_privilege($1, 'CREATE')
                       ELSE has_database_privilege(current_database(), 'CREATE') END AS "is_allowed!""#,
        schema.as_str(),
        DEVELOPMENT_SCHEMA
    )
    .fetch_one(connection)
    .await?;
    Ok(if found.is_ours {
        SchemaState::Ours
    } else if found.has_objects {
        SchemaState::Foreign
    } else if found.is_development {
        SchemaState::DevelopmentInPublic
    } else if !found.is_allowed {
        SchemaState::Denied { user: found.user }
    } else if found.exists {
        SchemaState::Usable
    } else {
        SchemaState::Missing
    })
}

/// Creates the schema.
///
/// # Errors
/// Returns an error when the statement fails.
pub(super) async fn create(connection: &mut PgConnection, schema: &DatabaseSchema) -> Result<(), sqlx::Error> {
    let _statement = statement("schema.create");
    connection.execute(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {}", schema.quoted()))).await.map(drop)
}
