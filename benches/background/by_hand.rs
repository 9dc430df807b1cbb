//! Hand-written SQL that does the same work without validation, activity entries or webhooks.

use std::time::Instant;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

/// Rows per statement.
const ROWS_PER_STATEMENT: usize = 1_000;

/// The values of a customer.
pub struct Row {
    pub source_id: String,
    pub name: String,
    pub email: String,
    pub phone: String,
    pub city: String,
    pub metadata: String,
}

impl Row {
    /// Returns the values of customer `number` in round `round`.
    pub fn numbered(number: usize, round: usize) -> Self {
        Self {
            source_id: format!("source-{number}"),
            name: format!("Bob Smith {number}"),
            email: format!("{number}-{round}@email.com"),
            phone: format!("+1 933 222 {round}"),
            city: format!("City {}", number % 100),
            metadata: format!(r#"{{"level":"gold","round":{round}}}"#),
        }
    }
}

/// Rows in slices of one statement each, as one array per column.
pub struct Rows(Vec<[Vec<String>; 7]>);

impl Rows {
    pub fn of(rows: impl Iterator<Item = Row>) -> Self {
        let mut slices: Vec<[Vec<String>; 7]> = Vec::new();
        for (number, row) in rows.enumerate() {
            if number % ROWS_PER_STATEMENT == 0 {
                slices.push(Default::default());
            }
            let Some(slice) = slices.last_mut() else { continue };
            let profile = format!(
                r#"{{"name":"{}","email":"{}","phone":"{}","address":{{"city":"{}"}}}}"#,
                row.name, row.email, row.phone, row.city
            );
            let id = format!("cust_{:0>24}", row.source_id);
            let cells = [id, row.source_id, profile, row.metadata, row.name, row.email, row.city];
            for (column, cell) in slice.iter_mut().zip(cells) {
                column.push(cell);
            }
        }
        Self(slices)
    }
}

/// Creates a copy of the customers table with its indexes and rows.
pub async fn create_table(connection: &mut PgConnection) {
    let statements = "CREATE TABLE by_hand (LIKE customers INCLUDING ALL); INSERT INTO by_hand SELECT * FROM customers; ANALYZE by_hand";
    connection.execute(statements).await.unwrap();
}

/// Upserts the rows and commits after each slice. Returns the seconds that it takes.
pub async fn upsert(connection: &mut PgConnection, rows: &Rows) -> f64 {
    let started = Instant::now();
    for [ids, source_ids, profiles, metadata, names, emails, cities] in &rows.0 {
        sqlx::query(
            "INSERT INTO by_hand (project_id, id, source_id, profile, metadata, name, email, city, created_at, changed_at)
             SELECT (SELECT project_id FROM credentials WHERE app_id = 'bench' AND family = 'server'), id, source_id, profile::json, metadata::json,
                    name, email, city, now(), now()
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                      AS given (id, source_id, profile, metadata, name, email, city)
             ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO UPDATE
             SET profile = excluded.profile, metadata = excluded.metadata, name = excluded.name, email = excluded.email,
                 city = excluded.city, updated_at = excluded.changed_at, changed_at = excluded.changed_at",
        )
        .bind(ids)
        .bind(source_ids)
        .bind(profiles)
        .bind(metadata)
        .bind(names)
        .bind(emails)
        .bind(cities)
        .execute(&mut *connection)
        .await
        .unwrap();
    }
    started.elapsed().as_secs_f64()
}

/// Inserts `count` customers into the project of the benchmark's keys.
pub async fn insert_customers(connection: &mut PgConnection, count: i64) {
    let statement = format!(
        "INSERT INTO customers (project_id, id, source_id, profile, metadata, name, email, city, created_at, changed_at)
         SELECT (SELECT project_id FROM credentials WHERE app_id = 'bench' AND family = 'server'), 'cust_' || substr(md5(n::text), 1, 24),
                'source-' || n,
                json_build_object('name', 'Name ' || n, 'email', n || '@email.com', 'phone', '+1 933 222 ' || n,
                                  'address', json_build_object('city', 'City ' || n % 100, 'country', 'US')),
                json_build_object('tag', 't' || n % 100), 'Name ' || n, n || '@email.com', 'City ' || n % 100,
                timestamptz '2020-01-01' + n * interval '1 second', timestamptz '2020-01-01' + n * interval '1 second'
         FROM generate_series(1, {count}) n"
    );
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.execute("VACUUM ANALYZE").await.unwrap();
}

/// Exports to compare: a name, the fields of the vendor's API, and the equivalent columns.
pub const EXPORTS: [(&str, &str, &str); 2] = [
    ("default fields", r#""name","source_id""#, "name, source_id"),
    (
        "ten fields",
        r#""id","source_id","name","email","phone","created_at","address_city","address_country","orders_total_count","metadata.tag""#,
        "id, source_id, name, email, profile ->> 'phone', created_at, city, profile -> 'address' ->> 'country', orders_count,
         metadata ->> 'tag'",
    ),
];

/// Copies the columns of all customers out and discards them. Returns the seconds that it takes.
pub async fn copy(connection: &mut PgConnection, columns: &str) -> f64 {
    let statement = format!(
        "COPY (SELECT {columns} FROM customers WHERE project_id = (SELECT project_id FROM credentials WHERE app_id = 'bench' AND family = 'server')
               AND deleted_at IS NULL ORDER BY created_at, id) TO STDOUT (FORMAT csv)"
    );
    let started = Instant::now();
    let mut bytes = 0;
    let mut stream = connection.copy_out_raw(&statement).await.unwrap();
    while let Some(chunk) = stream.try_next().await.unwrap() {
        bytes += chunk.len();
    }
    assert!(bytes > 10_000_000);
    started.elapsed().as_secs_f64()
}
