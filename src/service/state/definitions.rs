//! The schemas, consents and webhooks of a state document.

use super::loader::{Failure, Loader, ObjectError};
use crate::db;
use crate::domain::consent::{ConsentDefinition, ConsentGroup};
use crate::domain::limits::{SCHEMAS_PER_PROJECT, WEBHOOKS_PER_PROJECT};
use crate::domain::metadata_schema::{EventSchema, MetadataSchema};
use crate::domain::state_document::{
    StateConsent, StateConsentGroup, StateEventSchema, StateMember, StateMetadataSchema, StateObject, StateWebhook,
};
use crate::domain::webhook::Webhook;

/// Adds definitions of consents. One whose id exists is put in place of the existing one.
pub(super) async fn add_consents(
    loader: &mut Loader<'_>,
    batch: Vec<StateObject<StateConsent>>,
) -> Result<(), Failure> {
    loader.count(StateMember::Consents, batch.len());
    for StateObject { index, id, created_at, updated_at, content } in batch {
        let StateConsent { name, description, category } = content;
        let Some(id) = id else {
            return Err(ObjectError::new(StateMember::Consents, index, ".id", "must be string").into());
        };
        loader.check_unique(StateMember::Consents, index, ".id", &id)?;
        let created_at = created_at.unwrap_or_else(|| loader.now());
        let consent = ConsentDefinition { id, name, description, category, created_at, updated_at };
        let project = loader.project();
        db::state::save_consent(loader.connection(), project, &consent).await?;
    }
    Ok(())
}

/// Adds groups of consents. One whose id exists is put in place of the existing one.
pub(super) async fn add_groups(
    loader: &mut Loader<'_>,
    batch: Vec<StateObject<StateConsentGroup>>,
) -> Result<(), Failure> {
    const MEMBER: StateMember = StateMember::ConsentGroups;
    loader.count(MEMBER, batch.len());
    for StateObject { index, id, created_at, updated_at, content } in batch {
        let StateConsentGroup { name, description, consents } = content;
        let Some(id) = id else { return Err(ObjectError::new(MEMBER, index, ".id", "must be string").into()) };
        loader.check_unique(MEMBER, index, ".id", &id)?;
        let created_at = created_at.unwrap_or_else(|| loader.now());
        let project = loader.project();
        let undefined = db::consents::find_undefined_position(loader.connection(), project, &consents).await?;
        if let Some(position) = undefined {
            let property = format!(".consents[{position}]");
            return Err(ObjectError::new(MEMBER, index, &property, "must be the id of a defined consent").into());
        }
        let group = ConsentGroup { id, name, description, consents, created_at, updated_at };
        db::state::save_consent_group(loader.connection(), project, &group).await?;
    }
    Ok(())
}

/// Adds metadata schemas. One whose id or related object exists is put in place of the existing one.
pub(super) async fn add_metadata_schemas(
    loader: &mut Loader<'_>,
    batch: Vec<StateObject<StateMetadataSchema>>,
) -> Result<(), Failure> {
    const MEMBER: StateMember = StateMember::MetadataSchemas;
    loader.count(MEMBER, batch.len());
    let project = loader.project();
    let mut known = db::metadata_schemas::list(loader.connection(), project).await?;
    for StateObject { index, id, created_at, updated_at, content } in batch {
        let StateMetadataSchema { related_object, properties, allow_defined_only } = content;
        let id = id.unwrap_or_else(|| loader.change.ids().random("ms_"));
        loader.check_unique(MEMBER, index, ".id", &id)?;
        loader.check_unique(MEMBER, index, ".related_object", &related_object)?;
        let created_at = created_at.unwrap_or_else(|| loader.now());
        let schema = MetadataSchema { id, related_object, properties, allow_defined_only, created_at, updated_at };
        let connection = loader.connection();
        let is_replaced =
            |known: &MetadataSchema| known.id == schema.id || known.related_object == schema.related_object;
        for replaced in known.extract_if(.., |known| is_replaced(known)) {
            db::metadata_schemas::delete(connection, project, &replaced.id).await?;
        }
        db::metadata_schemas::insert(connection, project, &schema).await?;
        known.push(schema);
        check_number(MEMBER, index, known.len(), SCHEMAS_PER_PROJECT, "metadata schemas")?;
    }
    Ok(())
}

/// Adds custom-event schemas. One whose id or name exists is put in place of the existing one.
pub(super) async fn add_event_schemas(
    loader: &mut Loader<'_>,
    batch: Vec<StateObject<StateEventSchema>>,
) -> Result<(), Failure> {
    const MEMBER: StateMember = StateMember::EventSchemas;
    loader.count(MEMBER, batch.len());
    let project = loader.project();
    let mut known = db::event_schemas::list(loader.connection(), project).await?;
    for StateObject { index, id, created_at, updated_at, content } in batch {
        let StateEventSchema { name, properties } = content;
        let id = id.unwrap_or_else(|| loader.change.ids().random("ms_"));
        loader.check_unique(MEMBER, index, ".id", &id)?;
        loader.check_unique(MEMBER, index, ".name", &name)?;
        let created_at = created_at.unwrap_or_else(|| loader.now());
        let schema = EventSchema { id, name, properties, created_at, updated_at };
        let connection = loader.connection();
        let is_replaced = |known: &EventSchema| known.id == schema.id || known.name == schema.name;
        for replaced in known.extract_if(.., |known| is_replaced(known)) {
            db::event_schemas::delete(connection, project, &replaced.id).await?;
        }
        db::event_schemas::insert(connection, project, &schema).await?;
        known.push(schema);
        check_number(MEMBER, index, known.len(), SCHEMAS_PER_PROJECT, "custom-event schemas")?;
    }
    Ok(())
}

/// Adds webhooks. One whose id exists is put in place of the existing one, which must be of the same kind.
pub(super) async fn add_webhooks(
    loader: &mut Loader<'_>,
    batch: Vec<StateObject<StateWebhook>>,
) -> Result<(), Failure> {
    const MEMBER: StateMember = StateMember::Webhooks;
    loader.count(MEMBER, batch.len());
    let project = loader.project();
    let mut known = db::webhooks::list(loader.connection(), project).await?;
    for StateObject { index, id, created_at, updated_at, content } in batch {
        let StateWebhook { kind, name, target_url, events, active } = content;
        let id = id.unwrap_or_else(|| loader.change.ids().random(kind.prefix()));
        loader.check_unique(MEMBER, index, ".id", &id)?;
        let created_at = created_at.unwrap_or_else(|| loader.now());
        let webhook = Webhook { id, kind, name, target_url, events, active, created_at, updated_at };
        let connection = loader.change.connection();
        if known.iter().any(|known| known.id == webhook.id) {
            // Its kind is that of its id. Its deliveries stay.
            db::webhooks::update(connection, project, &webhook).await?;
            loader.core.delivery_notifier.cancel(&webhook.id);
            continue;
        }
        db::webhooks::insert(connection, project, &webhook).await?;
        known.push(webhook);
        check_number(MEMBER, index, known.len(), WEBHOOKS_PER_PROJECT, "webhooks")?;
    }
    Ok(())
}

/// Checks that a project does not have too many objects of a kind.
fn check_number(member: StateMember, index: usize, number: usize, max: usize, name: &str) -> Result<(), ObjectError> {
    if number <= max {
        return Ok(());
    }
    let what = format!("is one too many: a project must NOT have more than {max} {name}");
    Err(ObjectError::new(member, index, "", &what))
}
