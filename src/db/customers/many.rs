//! Many customers in one statement: what background jobs write.

use sqlx::PgConnection;

use crate::domain::customer::{Customer, OrderSummary, Searched};
use crate::domain::project::ProjectId;

/// Customers, column by column, as `unnest` takes them.
struct Columns {
    ids: Vec<String>,
    profiles: Vec<String>,
    metadata: Vec<Option<String>>,
    names: Vec<Option<String>>,
    emails: Vec<Option<String>>,
    cities: Vec<Option<String>>,
}

impl Columns {
    fn of(customers: &[(&Customer, &Searched)]) -> Self {
        let text = |value: fn(&Searched) -> &Option<String>| {
            customers.iter().map(|(_, searched)| value(searched).clone()).collect::<Vec<_>>()
        };
        Self {
            ids: customers.iter().map(|(customer, _)| customer.id.clone()).collect(),
            profiles: customers.iter().map(|(customer, _)| customer.profile.as_str().to_owned()).collect(),
            metadata: customers
                .iter()
                .map(|(customer, _)| customer.metadata.as_ref().map(|metadata| metadata.as_str().to_owned()))
                .collect(),
            names: text(|searched| &searched.name),
            emails: text(|searched| &searched.email),
            cities: text(|searched| &searched.city),
        }
    }
}

/// Writes what requests may change of locked customers, all updated at one time.
///
/// # Errors
/// When the database refuses.
pub async fn update_all(
    connection: &mut PgConnection,
    project: ProjectId,
    customers: &[(&Customer, &Searched)],
) -> Result<(), sqlx::Error> {
    let Some((first, _)) = customers.first() else { return Ok(()) };
    let columns = Columns::of(customers);
    sqlx::query!(
        "UPDATE customers
         SET profile = given.profile::json, metadata = given.metadata::json, updated_at = $3, changed_at = $3,
             name = given.name, email = given.email, city = given.city
         FROM unnest($2::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
                  AS given (id, profile, metadata, name, email, city)
         WHERE customers.project_id = $1 AND customers.id = given.id",
        project.0,
        &columns.ids,
        first.updated_at,
        &columns.profiles,
        &columns.metadata as &[Option<String>],
        &columns.names as &[Option<String>],
        &columns.emails as &[Option<String>],
        &columns.cities as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds customers and counts them; returns how many, which is fewer where a living customer has the source id of one.
///
/// # Errors
/// When the database refuses.
pub async fn insert_all(
    connection: &mut PgConnection,
    project: ProjectId,
    customers: &[(&Customer, &Searched)],
) -> Result<usize, sqlx::Error> {
    if customers.is_empty() {
        return Ok(0);
    }
    let columns = Columns::of(customers);
    let source_ids: Vec<_> = customers.iter().map(|(customer, _)| customer.source_id.clone()).collect();
    let created: Vec<_> = customers.iter().map(|(customer, _)| customer.created_at).collect();
    let updated: Vec<_> = customers.iter().map(|(customer, _)| customer.updated_at).collect();
    let inserted = sqlx::query_scalar!(
        r#"WITH customer AS (
               INSERT INTO customers
                   (project_id, id, source_id, profile, metadata, created_at, updated_at, changed_at, name, email, city)
               SELECT $1, id, source_id, profile::json, metadata::json, created_at, updated_at,
                      coalesce(updated_at, created_at), name, email, city
               FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
                           $8::text[], $9::text[], $10::text[])
                        AS given (id, source_id, profile, metadata, created_at, updated_at, name, email, city)
               ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
               RETURNING id
           ),
           counted AS (
               INSERT INTO row_counts AS counts (project_id, resource, slot, value)
               SELECT $1, 'customers', pg_backend_pid() % 64, count(*) FROM customer
               ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value
           )
           SELECT count(*) AS "count!" FROM customer"#,
        project.0,
        &columns.ids,
        &source_ids as &[Option<String>],
        &columns.profiles,
        &columns.metadata as &[Option<String>],
        &created,
        &updated as &[Option<chrono::DateTime<chrono::Utc>>],
        &columns.names as &[Option<String>],
        &columns.emails as &[Option<String>],
        &columns.cities as &[Option<String>]
    )
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(inserted).unwrap_or_default())
}

/// As [`refresh_orders`](super::refresh_orders), of many customers, with their ids.
///
/// # Errors
/// When the database refuses.
pub async fn refresh_all_orders(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[&str],
) -> Result<Vec<(String, OrderSummary)>, sqlx::Error> {
    let rows = sqlx::query!(
        "UPDATE customers
         SET orders_count = summed.count, orders_amount = summed.amount,
             last_order_amount = coalesce(summed.last_amount, 0), last_order_at = summed.last_at
         FROM (
             SELECT given.id, counted.count, counted.amount, last.amount AS last_amount, last.created_at AS last_at
             FROM unnest($2::text[]) AS given (id)
             CROSS JOIN LATERAL (
                 SELECT count(*) AS count, greatest(least(coalesce(sum(amount), 0), 9007199254740991), -9007199254740991)::bigint AS amount
                 FROM orders WHERE project_id = $1 AND customer_id = given.id AND status IN ('PAID', 'FULFILLED')
             ) AS counted
             LEFT JOIN LATERAL (
                 SELECT amount, created_at
                 FROM orders WHERE project_id = $1 AND customer_id = given.id AND status IN ('PAID', 'FULFILLED')
                 ORDER BY created_at DESC, id DESC LIMIT 1
             ) AS last ON true
         ) AS summed
         WHERE customers.project_id = $1 AND customers.id = summed.id
         RETURNING customers.id, orders_count, orders_amount, last_order_amount, last_order_at",
        project.0,
        ids as &[&str]
    )
    .fetch_all(connection)
    .await?;
    let refreshed = rows.into_iter().map(|row| {
        let summary = OrderSummary {
            count: row.orders_count,
            amount: row.orders_amount,
            last_amount: row.last_order_amount,
            last_at: row.last_order_at,
        };
        (row.id, summary)
    });
    Ok(refreshed.collect())
}
