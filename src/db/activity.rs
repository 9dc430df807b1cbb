//! Activity entries.

use sqlx::PgConnection;

use crate::domain::activity::ActivityEntry;
use crate::domain::project::ProjectId;

/// Adds entries to a customer's activity, in one statement however many.
///
/// # Errors
/// When the database refuses; a foreign key error where the customer is gone.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    entries: &[ActivityEntry],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.clone()).collect();
    let types: Vec<_> = entries.iter().map(|entry| entry.kind.as_str().to_owned()).collect();
    let groups: Vec<_> = entries.iter().map(|entry| entry.group_id.clone()).collect();
    let data: Vec<_> = entries.iter().map(|entry| entry.data.as_str().to_owned()).collect();
    let referrer_ids: Vec<_> = entries.iter().map(|entry| entry.referrer.as_ref().map(|(id, _)| id.clone())).collect();
    let referrers: Vec<_> =
        entries.iter().map(|entry| entry.referrer.as_ref().map(|(_, shown)| shown.as_str().to_owned())).collect();
    let times: Vec<_> = entries.iter().map(|entry| entry.created_at).collect();
    sqlx::query!(
        "INSERT INTO customer_activity
             (project_id, customer_id, id, type, group_id, data, referrer_id, referrer, created_at)
         SELECT $1, $2, entry.*
         FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[]) AS entry",
        project.0,
        customer_id,
        &ids,
        &types,
        &groups,
        &data,
        &referrer_ids as &Vec<Option<String>>,
        &referrers as &Vec<Option<String>>,
        &times
    )
    .execute(connection)
    .await?;
    Ok(())
}
