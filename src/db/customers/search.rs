//! Customers by the beginning of an identifier or of a profile member.

use sqlx::{PgConnection, QueryBuilder};

use super::row::{COLUMNS, CustomerRow};
use crate::domain::customer::Customer;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// A text that a search compares; each has an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchField {
    SourceId,
    Email,
    Name,
    City,
}

impl SearchField {
    /// All fields, in the order in which their matches are shown.
    pub const ALL: [Self; 4] = [Self::SourceId, Self::Email, Self::Name, Self::City];

    fn column(self) -> &'static str {
        match self {
            Self::SourceId => "c.source_id",
            Self::Email => "c.email",
            Self::Name => "c.name",
            Self::City => "c.city",
        }
    }
}

/// Finds at most `limit` customers whose `field` begins with `prefix`, compared byte by byte and in that order. Deleted customers are
/// not found.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn search(
    connection: &mut PgConnection,
    project: ProjectId,
    field: SearchField,
    prefix: &str,
    limit: i64,
) -> Result<Vec<Customer>, sqlx::Error> {
    let _statement = statement("customers.search");
    let column = field.column();
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS).push(" FROM customers c WHERE c.project_id = ").push_bind(project.0);
    query.push(" AND c.deleted_at IS NULL AND ").push(column).push(" >= ").push_bind(prefix.to_owned());
    // No text that begins with the prefix sorts after the prefix with the last character of Unicode.
    query.push(" AND ").push(column).push(" < ").push_bind(format!("{prefix}\u{10FFFF}"));
    // The order must be the one of the index.
    query.push(" ORDER BY ").push(column);
    query.push(if field == SearchField::SourceId { " NULLS FIRST" } else { ", c.created_at" });
    query.push(" LIMIT ").push_bind(limit);
    let rows: Vec<CustomerRow> = query.build_query_as().persistent(false).fetch_all(connection).await?;
    Ok(rows.into_iter().map(Customer::from).collect())
}
