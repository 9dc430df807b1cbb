//! The search for texts in all rows of a project and of its snapshots.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::domain::erasure_check::{ErasureCheck, FoundText};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// The table of the totals of lists. It is searched like all others, but its rows are not counted: their number depends on which connections
/// have written, so that the same calls would get different answers.
const TOTALS_TABLE: &str = "row_counts";

/// Searches all rows of a project and of its snapshots for these texts.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn search(
    connection: &mut PgConnection,
    project: ProjectId,
    texts: &[String],
) -> Result<ErasureCheck, sqlx::Error> {
    let _statement = statement("erasure_check.search");
    // Deleted snapshots are searched too, because their rows stay for a while.
    let snapshots = sqlx::query!(
        r#"SELECT id, snapshot_name AS "name!" FROM projects WHERE snapshot_of = $1 ORDER BY snapshot_name, id"#,
        project.0
    )
    .fetch_all(&mut *connection)
    .await?;
    let names: HashMap<_, _> = snapshots.iter().map(|snapshot| (snapshot.id, snapshot.name.as_str())).collect();
    let projects: Vec<_> = std::iter::once(project.0).chain(snapshots.iter().map(|snapshot| snapshot.id)).collect();
    let rows = sqlx::query!(
        r#"SELECT project, found_table AS "found_table!", found_column, row_count AS "row_count!"
           FROM find_texts($1, $2) ORDER BY array_position($1, project), found_table, found_column"#,
        &projects,
        texts
    )
    .fetch_all(connection)
    .await?;
    let mut check = ErasureCheck::default();
    for row in rows {
        let snapshot = row.project.and_then(|id| names.get(&id));
        match (row.project, row.found_column) {
            (None, _) => check.tables += 1,
            (Some(_), None) if row.found_table == TOTALS_TABLE => {}
            (Some(_), None) => check.rows += row.row_count,
            (Some(_), Some(column)) => check.found.push(match snapshot {
                None => FoundText { table: row.found_table, column, rows: row.row_count },
                Some(name) => FoundText {
                    table: format!("snapshot:{name}"),
                    column: format!("{}.{column}", row.found_table),
                    rows: row.row_count,
                },
            }),
        }
    }
    Ok(check)
}
