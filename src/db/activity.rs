//! Activity entries.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, QueryBuilder};

use crate::db::MAX_ROWS_OF_VALUES;
use crate::domain::activity::ActivityEntry;
use crate::domain::credential::Channel;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Entries as the arrays that `unnest` takes, one for each column.
pub(super) struct EntryColumns {
    pub customer_ids: Vec<String>,
    pub ids: Vec<String>,
    pub types: Vec<String>,
    pub groups: Vec<String>,
    pub app_ids: Vec<String>,
    /// Null means API.
    pub channels: Vec<Option<String>>,
    pub data: Vec<String>,
    pub referrer_ids: Vec<Option<String>>,
    pub referrers: Vec<Option<String>>,
    pub times: Vec<DateTime<Utc>>,
}

impl EntryColumns {
    pub fn from_slice(entries: &[ActivityEntry]) -> Self {
        Self {
            customer_ids: entries.iter().map(|entry| entry.customer_id.clone()).collect(),
            ids: entries.iter().map(|entry| entry.id.clone()).collect(),
            types: entries.iter().map(|entry| entry.kind.as_str().to_owned()).collect(),
            groups: entries.iter().map(|entry| entry.group_id.clone()).collect(),
            app_ids: entries.iter().map(|entry| entry.app_id.to_string()).collect(),
            channels: entries.iter().map(|entry| stored_channel(entry.channel).map(str::to_owned)).collect(),
            data: entries.iter().map(|entry| entry.data.as_str().to_owned()).collect(),
            referrer_ids: entries.iter().map(|entry| entry.referrer.as_ref().map(|(id, _)| id.clone())).collect(),
            referrers: entries
                .iter()
                .map(|entry| entry.referrer.as_ref().map(|(_, json)| json.as_str().to_owned()))
                .collect(),
            times: entries.iter().map(|entry| entry.created_at).collect(),
        }
    }
}

/// Returns the stored form of a channel: null for the API, which is the channel of almost every entry.
pub(super) fn stored_channel(channel: Channel) -> Option<&'static str> {
    (channel != Channel::Api).then(|| channel.as_str())
}

/// Inserts any number of entries into the activity of their customers, in one statement.
///
/// # Errors
/// Returns an error when the database query fails; a foreign key error when a referrer no longer exists.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    entries: &[ActivityEntry],
) -> Result<(), sqlx::Error> {
    let _statement = statement("activity.insert");
    if entries.len() <= MAX_ROWS_OF_VALUES {
        return insert_values(connection, project, entries).await;
    }
    let columns = EntryColumns::from_slice(entries);
    sqlx::query!(
        "INSERT INTO customer_activity
             (project_id, customer_id, id, type, group_id, app_id, channel, data, referrer_id, referrer, created_at)
         SELECT $1, entry.*
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::timestamptz[]) AS entry",
        project.0,
        &columns.customer_ids,
        &columns.ids,
        &columns.types,
        &columns.groups,
        &columns.app_ids,
        &columns.channels as &Vec<Option<String>>,
        &columns.data,
        &columns.referrer_ids as &Vec<Option<String>>,
        &columns.referrers as &Vec<Option<String>>,
        &columns.times
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts a few entries as rows of values, which Citus sends to their server as they are and commits there alone.
async fn insert_values(
    connection: &mut PgConnection,
    project: ProjectId,
    entries: &[ActivityEntry],
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO customer_activity
             (project_id, customer_id, id, type, group_id, app_id, channel, data, referrer_id, referrer, created_at) ",
    );
    query.push_values(entries, |mut row, entry| {
        let (referrer_id, referrer) = entry.referrer.as_ref().map(|(id, json)| (id.as_str(), json.as_str())).unzip();
        row.push_bind(project.0)
            .push_bind(&entry.customer_id)
            .push_bind(&entry.id)
            .push_bind(entry.kind.as_str())
            .push_bind(&entry.group_id)
            .push_bind(&*entry.app_id)
            .push_bind(stored_channel(entry.channel))
            .push_bind(entry.data.as_str())
            .push_bind(referrer_id)
            .push_bind(referrer)
            .push_bind(entry.created_at);
    });
    query.build().execute(connection).await?;
    Ok(())
}
