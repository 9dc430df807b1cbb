//! Creating and deleting segments.

use super::{Caller, Core, Error, Resource, retry};
use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::segment::{Segment, SegmentType};

/// Creates a segment with a fixed list of members. Ids that are nobody's are passed over.
///
/// # Errors
/// When the database fails.
pub async fn create_static(
    core: &Core,
    caller: &Caller,
    name: String,
    customer_ids: &[String],
) -> Result<Segment, Error> {
    let mut transaction = core.pool.begin().await?;
    let segment = Segment {
        id: core.ids.random("seg_"),
        name,
        kind: SegmentType::Static,
        filter: None,
        created_at: core.clock.now(),
        updated_at: None,
    };
    db::segments::insert(&mut transaction, caller.project, &segment).await?;
    if !customer_ids.is_empty() {
        db::segments::insert_members(&mut transaction, caller.project, &segment.id, customer_ids).await?;
    }
    transaction.commit().await?;
    Ok(segment)
}

/// Deletes a segment; its members stay customers.
///
/// # Errors
/// [`Error::NotFound`] for an unknown id.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    retry(async || {
        if id.can_exist() {
            let mut connection = core.pool.acquire().await?;
            let deleted = db::segments::delete(&mut connection, caller.project, id.as_str()).await?;
            connection.release();
            if deleted {
                return Ok(());
            }
        }
        Err(Error::not_found(Resource::Segment, id.as_str()))
    })
    .await
}
