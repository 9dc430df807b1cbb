//! Reads the objects of a state document. Each has the members of the request that creates such an object, and the id and
//! the times that the API shows. Members that the API computes, and unknown ones, are ignored.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::api::emulator::consents::{define, define_group};
use crate::api::emulator::customer_state::read_state;
use crate::api::v1::customers::consents::{UNSUBSCRIBED, given_consents};
use crate::api::v1::customers::request::{customer_patch, customer_reference};
use crate::api::v1::orders::request::{order_change, order_reference};
use crate::api::{metadata_definitions, webhook_payload};
use crate::domain::customer::CustomerReference;
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::limits::{EVENT_NAME_CHARS, SEGMENT_MEMBERS, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::domain::segment::SegmentType;
use crate::domain::state_document::{
    CustomerLink, StateConsent, StateConsentGroup, StateCustomer, StateEvent, StateEventSchema, StateMetadataSchema,
    StateObject, StateOrder, StateSegment, StateWebhook,
};
use crate::domain::webhook::WebhookKind;
use crate::http::state::App;
use crate::http::{ApiError, Object};

type Parsed<T> = Result<StateObject<T>, ApiError>;

/// The id and the times of an object.
struct Head {
    id: Option<String>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl Head {
    /// Reads the members. The id must have the form of the ids that this program generates.
    fn read(body: &mut Object, prefix: &str) -> Result<Self, ApiError> {
        let id = body.identifier("id")?;
        let lengths: &[usize] = match prefix {
            "event_" => &[18],
            // The second form is the one that the vendor's ids had until 2024.
            "ord_" => &[18, 24],
            _ => &[24],
        };
        let has_form = |id: &String| {
            let id = Identifier::new(id.clone());
            lengths.iter().any(|&length| id.has_form(prefix, length))
        };
        if id.as_ref().is_some_and(|id| !has_form(id)) {
            let lengths: Vec<_> = lengths.iter().map(usize::to_string).collect();
            return Err(ApiError::invalid_payload(format!(
                "Property {} must be {prefix} and {} letters or digits",
                body.path_of("id"),
                lengths.join(" or ")
            )));
        }
        Self::with_id(body, id)
    }

    /// Reads the members of a consent or a group, whose id may be any text.
    fn read_of_consent(body: &mut Object) -> Result<Self, ApiError> {
        let id = body.required_identifier("id")?;
        Self::with_id(body, Some(id))
    }

    fn with_id(body: &mut Object, id: Option<String>) -> Result<Self, ApiError> {
        Ok(Self { id, created_at: body.time("created_at")?, updated_at: body.time("updated_at")? })
    }

    fn object<T>(self, index: usize, content: T) -> StateObject<T> {
        let Self { id, created_at, updated_at } = self;
        StateObject { index, id, created_at, updated_at, content }
    }
}

pub(super) fn customer(index: usize, mut body: Object) -> Parsed<StateCustomer> {
    let head = Head::read(&mut body, "cust_")?;
    let source_id = body.identifier("source_id")?;
    let deleted_at = body.time("deleted_at")?;
    let consents = match body.object("consents")? {
        Patch::Value(mut consents) => {
            let path = consents.path_of(UNSUBSCRIBED);
            let given = given_consents(&mut consents)?;
            if given.iter().any(|(id, _)| id == UNSUBSCRIBED) {
                return Err(ApiError::invalid_payload(format!("Property {path} must NOT be the id of a consent")));
            }
            Some(given)
        }
        Patch::Absent | Patch::Null => None,
    };
    let state = match body.object("state")? {
        Patch::Value(state) => read_state(state)?,
        Patch::Absent | Patch::Null => None,
    };
    let patch = customer_patch(body)?;
    Ok(head.object(index, StateCustomer { source_id, patch, state, consents, deleted_at }))
}

/// Returns the reference in a member that is an object, or in one that is an id. The object takes precedence, if it says
/// which customer it is.
fn link(object: Option<CustomerReference>, id: Option<String>, names: [&'static str; 2]) -> Option<CustomerLink> {
    let [object_name, id_name] = names;
    let object = object.filter(|reference| reference.lookup().is_some());
    let of_id = |id| CustomerReference { id: Some(id), ..CustomerReference::default() };
    object
        .map(|reference| CustomerLink { member: object_name, reference })
        .or_else(|| id.map(|id| CustomerLink { member: id_name, reference: of_id(id) }))
}

pub(super) fn order(index: usize, mut body: Object) -> Parsed<StateOrder> {
    let head = Head::read(&mut body, "ord_")?;
    let source_id = order_reference(&mut body)?.source_id;
    let (customer_id, referrer_id) = (body.identifier("customer_id")?, body.identifier("referrer_id")?);
    let change = order_change(body)?;
    let content = StateOrder {
        source_id,
        order: change.order,
        customer: link(change.customer, customer_id, ["customer", "customer_id"]),
        referrer: link(change.referrer, referrer_id, ["referrer", "referrer_id"]),
    };
    Ok(head.object(index, content))
}

/// An event has the member `type` or, as in the request that tracks it, `event`.
pub(super) fn event(index: usize, mut body: Object) -> Parsed<StateEvent> {
    let head = Head::read(&mut body, "event_")?;
    let name = if body.has("type") { "type" } else { "event" };
    let name = body.required_text(name, 1, EVENT_NAME_CHARS)?;
    let customer_id = body.identifier("customer_id")?;
    if customer_id.is_none() {
        body.require("customer")?;
    }
    let customer = body.object("customer")?.value().map(customer_reference).transpose()?;
    let path = body.path_of("customer");
    let customer = link(customer, customer_id, ["customer", "customer_id"]).ok_or_else(|| {
        ApiError::invalid_payload(format!("Property {path} must be an object with an id or a source_id"))
    })?;
    let metadata = body.metadata("metadata")?.value().unwrap_or_else(Map::new);
    Ok(head.object(index, StateEvent { name, customer, metadata: JsonText::of(&metadata) }))
}

pub(super) fn segment(index: usize, mut body: Object) -> Parsed<StateSegment> {
    let head = Head::read(&mut body, "seg_")?;
    let name = body.required_text("name", 1, TEXT_CHARS)?;
    let allowed = [SegmentType::AutoUpdate, SegmentType::Passive, SegmentType::Static].map(SegmentType::as_str);
    let kind = body.one_of("type", &allowed, SegmentType::parse)?.unwrap_or(SegmentType::Static);
    let (customers, filter) = if kind == SegmentType::Static {
        (body.identifiers("customers", SEGMENT_MEMBERS)?.unwrap_or_default(), None)
    } else {
        (Vec::new(), body.metadata("filter")?.value().map(Value::Object))
    };
    Ok(head.object(index, StateSegment { name, kind, filter, customers }))
}

pub(super) fn consent(index: usize, mut body: Object) -> Parsed<StateConsent> {
    let head = Head::read_of_consent(&mut body)?;
    if head.id.as_deref() == Some(UNSUBSCRIBED) {
        let path = body.path_of("id");
        return Err(ApiError::invalid_payload(format!("Property {path} must NOT be {UNSUBSCRIBED}")));
    }
    let (name, description, category) = define::content(&mut body)?;
    Ok(head.object(index, StateConsent { name, description, category }))
}

pub(super) fn consent_group(index: usize, mut body: Object) -> Parsed<StateConsentGroup> {
    let head = Head::read_of_consent(&mut body)?;
    let (name, description, consents) = define_group::content(&mut body)?;
    Ok(head.object(index, StateConsentGroup { name, description, consents }))
}

pub(super) fn metadata_schema(index: usize, mut body: Object) -> Parsed<StateMetadataSchema> {
    let head = Head::read(&mut body, "ms_")?;
    let new = metadata_definitions::metadata_schema(&mut body)?;
    let content = StateMetadataSchema {
        related_object: new.related_object,
        properties: new.properties,
        allow_defined_only: new.allow_defined_only,
    };
    Ok(head.object(index, content))
}

pub(super) fn event_schema(index: usize, mut body: Object) -> Parsed<StateEventSchema> {
    let head = Head::read(&mut body, "ms_")?;
    let name = body.required_text("name", 1, EVENT_NAME_CHARS)?;
    let properties = metadata_definitions::event_schema_definitions(&mut body)?;
    Ok(head.object(index, StateEventSchema { name, properties }))
}

pub(super) fn webhook(app: &App, index: usize, mut body: Object) -> Parsed<StateWebhook> {
    let kind = body.one_of("object", &["webhook", "distribution"], WebhookKind::parse)?;
    let kind = kind.unwrap_or(WebhookKind::Project);
    let head = Head::read(&mut body, kind.prefix())?;
    let new = webhook_payload::new_webhook(app, kind, &mut body)?;
    let content =
        StateWebhook { kind, name: new.name, target_url: new.target_url, events: new.events, active: new.active };
    Ok(head.object(index, content))
}
