//! The customers of a state document.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::customer::{Customer, IndexedFields};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// A customer to insert, or to put in place of the one with its id.
#[derive(Clone, Debug)]
pub struct LoadedCustomer {
    pub customer: Customer,
    pub indexed_fields: IndexedFields,
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What a load needs to know of an existing customer.
#[derive(Clone, Debug)]
pub struct KnownCustomer {
    pub id: String,
    pub source_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub is_deleted: bool,
    /// Whether this transaction has written it.
    pub is_loaded: bool,
}

/// Finds the customers with those ids, and those with those source ids that are not deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_known_customers(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
    source_ids: &[String],
    scope: Option<ProjectId>,
) -> Result<Vec<KnownCustomer>, sqlx::Error> {
    let _statement = statement("state.find_known_customers");
    // `OFFSET 0` makes PostgreSQL search each customer by the index, whatever it assumes about a table that
    // has just grown. The project comes from a subquery, so that the statistics of its number, which are not of this
    // moment, do not matter: PostgreSQL would prefer another index for a project that it assumes to be empty. With `scope`, the
    // project itself, a distributed database knows the server that has it.
    sqlx::query_as!(
        KnownCustomer,
        r#"SELECT found.id AS "id!", found.source_id, found.created_at AS "created_at!",
                  found.deleted_at IS NOT NULL AS "is_deleted!",
                  is_of_this_transaction(found.xmin) AS "is_loaded!"
           FROM unnest($2::text[]) AS given (id) CROSS JOIN (SELECT $1::bigint AS project_id OFFSET 0) wanted
           CROSS JOIN LATERAL (
               SELECT id, source_id, created_at, deleted_at, xmin FROM customers
               WHERE customers.project_id = wanted.project_id AND ($4::bigint IS NULL OR customers.project_id = $4) AND customers.id = given.id OFFSET 0
           ) found
           UNION ALL
           SELECT found.id, found.source_id, found.created_at, false, is_of_this_transaction(found.xmin)
           FROM unnest($3::text[]) AS given (source_id) CROSS JOIN (SELECT $1::bigint AS project_id OFFSET 0) wanted
           CROSS JOIN LATERAL (
               SELECT id, source_id, created_at, xmin FROM customers
               WHERE customers.project_id = wanted.project_id AND ($4::bigint IS NULL OR customers.project_id = $4) AND customers.source_id = given.source_id
                   AND deleted_at IS NULL OFFSET 0
           ) found"#,
        project.0,
        ids,
        source_ids,
        scope.map(|project| project.0)
    )
    .fetch_all(connection)
    .await
}

/// Finds the ids and source ids of the customers with those ids, and of those with those source ids that are not deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_links(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
    source_ids: &[String],
    scope: Option<ProjectId>,
) -> Result<Vec<(String, Option<String>)>, sqlx::Error> {
    let _statement = statement("state.find_links");
    let found = find_known_customers(connection, project, ids, source_ids, scope).await?;
    Ok(found.into_iter().map(|known| (known.id, known.source_id.filter(|_| !known.is_deleted))).collect())
}

/// Inserts customers or puts them in place of those with their ids, and adds `count_change` to the number of customers
/// that are not deleted. Their order summaries stay.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn save_customers(
    connection: &mut PgConnection,
    project: ProjectId,
    customers: &[LoadedCustomer],
    count_change: i64,
) -> Result<(), sqlx::Error> {
    let _statement = statement("state.save_customers");
    let json = |value: fn(&Customer) -> Option<&JsonText>| {
        customers.iter().map(|it| value(&it.customer).map(JsonText::as_str)).collect::<Vec<_>>()
    };
    let text = |value: fn(&IndexedFields) -> &Option<String>| {
        customers.iter().map(|it| value(&it.indexed_fields).as_deref()).collect::<Vec<_>>()
    };
    let ids: Vec<_> = customers.iter().map(|it| it.customer.id.as_str()).collect();
    let source_ids: Vec<_> = customers.iter().map(|it| it.customer.source_id.as_deref()).collect();
    let profiles: Vec<_> = customers.iter().map(|it| it.customer.profile.as_str()).collect();
    let created: Vec<_> = customers.iter().map(|it| it.customer.created_at).collect();
    let updated: Vec<_> = customers.iter().map(|it| it.customer.updated_at).collect();
    let deleted: Vec<_> = customers.iter().map(|it| it.deleted_at).collect();
    sqlx::query!(
        "WITH counted AS (
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             VALUES ($1, 'customers', pg_backend_pid() % 64, $13)
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value
         )
         INSERT INTO customers
             (project_id, id, source_id, profile, metadata, state, name, email, city, created_at, updated_at, changed_at,
              deleted_at)
         SELECT $1, id, source_id, profile::json, metadata::json, state::json, name, email, city, created_at, updated_at,
                coalesce(updated_at, created_at), deleted_at
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
                  AS given (id, source_id, profile, metadata, state, name, email, city, created_at, updated_at, deleted_at)
         ON CONFLICT (project_id, id) DO UPDATE
             SET source_id = excluded.source_id, profile = excluded.profile, metadata = excluded.metadata,
                 state = excluded.state, name = excluded.name, email = excluded.email, city = excluded.city,
                 created_at = excluded.created_at, updated_at = excluded.updated_at, changed_at = excluded.changed_at,
                 deleted_at = excluded.deleted_at",
        project.0,
        &ids as &[&str],
        &source_ids as &[Option<&str>],
        &profiles as &[&str],
        &json(|customer| customer.metadata.as_ref()) as &[Option<&str>],
        &json(|customer| customer.state.as_ref()) as &[Option<&str>],
        &text(|fields| &fields.name) as &[Option<&str>],
        &text(|fields| &fields.email) as &[Option<&str>],
        &text(|fields| &fields.city) as &[Option<&str>],
        &created,
        &updated as &[Option<DateTime<Utc>>],
        &deleted as &[Option<DateTime<Utc>>],
        count_change
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes the consents of customers.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_consents(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_ids: &[String],
) -> Result<(), sqlx::Error> {
    let _statement = statement("state.delete_consents");
    sqlx::query!(
        "DELETE FROM customer_consents WHERE project_id = $1 AND customer_id = ANY($2)",
        project.0,
        customer_ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts the consents of customers that have none: customer id, consent id, and whether it is given. Consents without a
/// definition are defined.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert_consents(
    connection: &mut PgConnection,
    project: ProjectId,
    consents: &[(String, String, bool)],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("state.insert_consents");
    let ids: Vec<_> = consents.iter().map(|(customer_id, ..)| customer_id.as_str()).collect();
    let consent_ids: Vec<_> = consents.iter().map(|(_, id, _)| id.as_str()).collect();
    let given: Vec<_> = consents.iter().map(|(.., given)| *given).collect();
    sqlx::query!(
        "INSERT INTO consents (project_id, id, name, created_at)
         SELECT DISTINCT $1::bigint, id, id, $3::timestamptz FROM unnest($2::text[]) AS id
         ON CONFLICT (project_id, id) DO NOTHING",
        project.0,
        &consent_ids as &[&str],
        now
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO customer_consents (project_id, customer_id, consent_id, given, updated_at)
         SELECT $1, customer_id, consent_id, given, $5
         FROM unnest($2::text[], $3::text[], $4::boolean[]) AS given (customer_id, consent_id, given)",
        project.0,
        &ids as &[&str],
        &consent_ids as &[&str],
        &given,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}
