//! The segments of a state document.

use serde_json::Value;

use super::links::Links;
use super::loader::{Failure, Loader, ObjectError};
use crate::db;
use crate::domain::filter::FilterError;
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::limits::{FILTER_BYTES, FILTERED_SEGMENTS_PER_PROJECT};
use crate::domain::rules::Rules;
use crate::domain::segment::{Segment, SegmentType};
use crate::domain::state_document::{StateMember, StateObject, StateSegment};

const MEMBER: StateMember = StateMember::Segments;

/// Adds segments. One whose id exists is put in place of the existing one. The members of those with a filter are computed
/// by the commit.
pub(super) async fn add(loader: &mut Loader<'_>, batch: Vec<StateObject<StateSegment>>) -> Result<(), Failure> {
    let project = loader.project();
    let rules = loader.change.changed().await?;
    let mut filtered = rules.segments.len();
    let identifiers = batch.iter().flat_map(|object| &object.content.customers);
    let (ids, source_ids): (Vec<_>, Vec<_>) = (
        identifiers
            .clone()
            .filter(|text| db::customers::may_be_id(&Identifier::new((*text).clone())))
            .map(|id| loader.customer_ids.get(id).unwrap_or(id).clone())
            .collect(),
        identifiers.cloned().collect(),
    );
    let links = Links::find(loader, ids, source_ids).await?;
    loader.count(MEMBER, batch.len());
    for object in batch {
        let StateObject { index, id, created_at, updated_at, content } = object;
        let StateSegment { name, kind, filter, customers } = content;
        let id = id.unwrap_or_else(|| loader.change.ids().random("seg_"));
        loader.check_unique(MEMBER, index, ".id", &id)?;
        let filter = if kind == SegmentType::Static { None } else { Some(check_filter(&rules, index, filter)?) };
        let created_at = created_at.unwrap_or_else(|| loader.now());
        let segment = Segment { id, name, kind, filter, created_at, updated_at, evaluated_at: None };
        let mut members = Vec::with_capacity(customers.len());
        for (position, identifier) in customers.iter().enumerate() {
            let found = links.by_id(loader, identifier).or_else(|| links.by_source_id(identifier));
            members.push(found.ok_or_else(|| {
                let property = format!(".customers[{position}]");
                ObjectError::new(MEMBER, index, &property, "must be a customer of the document or of the project")
            })?);
        }
        let existing = rules.segments.iter().any(|known| known.id == segment.id);
        filtered = filtered + usize::from(kind != SegmentType::Static) - usize::from(existing);
        if filtered > FILTERED_SEGMENTS_PER_PROJECT {
            let what = format!(
                "is one too many: a project cannot have more than {FILTERED_SEGMENTS_PER_PROJECT} active and passive segments"
            );
            return Err(ObjectError::new(MEMBER, index, "", &what).into());
        }
        let connection = loader.connection();
        db::segments::delete(connection, project, &segment.id).await?;
        db::segments::insert(connection, project, &segment).await?;
        if !members.is_empty() {
            db::segments::insert_members(connection, project, &segment.id, &members).await?;
        }
    }
    Ok(())
}

/// Returns the text of a filter that is valid and not too large.
fn check_filter(rules: &Rules, index: usize, filter: Option<Value>) -> Result<JsonText, ObjectError> {
    let filter = filter.unwrap_or_default();
    let text = JsonText::of(&filter);
    if text.as_str().len() > FILTER_BYTES {
        let what = format!("must NOT be larger than {FILTER_BYTES} bytes");
        return Err(ObjectError::new(MEMBER, index, ".filter", &what));
    }
    match rules.customer_filter(&filter) {
        Ok(_) => Ok(text),
        Err(error) => Err(ObjectError {
            member: MEMBER,
            index,
            is_not_emulated: matches!(error, FilterError::NotEmulated(_)),
            details: error.details(&format!("{}.filter", MEMBER.path_of(index))),
        }),
    }
}
