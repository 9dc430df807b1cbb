//! How many objects of each kind something contains, as a table.

use serde_json::Value;

use crate::console::components::{Cell, Table};
use crate::console::project::Project;
use crate::db::project_counts::{MAX_COUNTED, count_bounded};

/// Returns the counts of the project. Those of a kind with more than [`MAX_COUNTED`] objects are not exact, except customers and orders.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn of_project(project: &Project) -> Result<Value, sqlx::Error> {
    let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
    let counts = count_bounded(&mut connection, project.overview.id).await?;
    connection.release();
    Ok(serde_json::to_value(counts).unwrap_or_default())
}

/// Returns a table of the counts that are not 0, without the kinds in `without`; `None` when there are none.
pub fn table(caption: &'static str, counts: &Value, without: &[&str]) -> Option<Table> {
    let kinds = counts.as_object().into_iter().flatten();
    let rows: Vec<_> = kinds
        .filter_map(|(kind, number)| Some((kind.as_str(), number.as_i64()?)))
        .filter(|(kind, number)| *number > 0 && !without.contains(kind))
        .map(|(kind, number)| vec![Cell::text(name(kind)), Cell::number(number)])
        .collect();
    (!rows.is_empty()).then(|| Table { caption, columns: vec!["Objects", "Number"], rows })
}

/// Returns a table of counts of [`of_project`].
pub fn bounded_table(caption: &'static str, counts: &Value, without: &[&str]) -> Option<Table> {
    let mut table = table(caption, counts, without)?;
    let more = Cell::number(MAX_COUNTED + 1).text;
    for row in &mut table.rows {
        let is_exact = row[0].text == "Customers" || row[0].text == "Orders";
        if !is_exact && row[1].text == more {
            row[1].text = format!("more than {MAX_COUNTED}");
        }
    }
    Some(table)
}

/// Returns the counts that are not 0, in one line.
pub fn line(counts: &Value) -> String {
    let kinds = counts.as_object().into_iter().flatten();
    let parts: Vec<_> = kinds
        .filter_map(|(kind, number)| Some((name(kind).to_lowercase(), number.as_i64().filter(|number| *number > 0)?)))
        .map(|(kind, number)| format!("{kind} {}", crate::console::components::grouped(number)))
        .collect();
    parts.join(", ")
}

/// Returns the name of a kind of objects.
fn name(kind: &str) -> &str {
    match kind {
        "customers" => "Customers",
        "orders" => "Orders",
        "events" => "Custom events",
        "segments" => "Segments",
        "consents" => "Consents",
        "consent_groups" => "Consent groups",
        "metadata_schemas" => "Metadata schemas",
        "event_schemas" => "Custom event schemas",
        "webhooks" => "Webhooks and distributions",
        "jobs" => "Async actions",
        "exports" => "Exports",
        "deliveries" => "Webhook deliveries",
        "activity" => "Activity entries",
        "unconfirmed_customers" => "Unconfirmed customers",
        "permanent_deletions" => "Permanent deletions",
        other => other,
    }
}
