//! The state document: the objects of a project in one JSON document, as they are read from it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::customer::{CustomerPatch, CustomerReference};
use super::json::JsonText;
use super::metadata_schema::Definition;
use super::order::OrderPatch;
use super::segment::SegmentType;
use super::webhook::WebhookKind;

/// The value of the member `format`.
pub const FORMAT: &str = "voucherify-emulator";
/// The value of the member `version`.
pub const VERSION: i64 = 1;

/// A member of the document that is a list of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateMember {
    Customers,
    Orders,
    Events,
    Segments,
    Consents,
    ConsentGroups,
    MetadataSchemas,
    EventSchemas,
    Webhooks,
}

impl StateMember {
    /// All members, in the order in which a document is written.
    pub const ALL: [Self; 9] = [
        Self::Customers,
        Self::Orders,
        Self::Events,
        Self::Segments,
        Self::Consents,
        Self::ConsentGroups,
        Self::MetadataSchemas,
        Self::EventSchemas,
        Self::Webhooks,
    ];

    /// All members, in the order in which they are loaded: an object comes after those that it refers to.
    pub const LOAD_ORDER: [Self; 9] = [
        Self::MetadataSchemas,
        Self::EventSchemas,
        Self::Consents,
        Self::ConsentGroups,
        Self::Customers,
        Self::Orders,
        Self::Events,
        Self::Segments,
        Self::Webhooks,
    ];

    /// Returns the name of the member.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Orders => "orders",
            Self::Events => "events",
            Self::Segments => "segments",
            Self::Consents => "consents",
            Self::ConsentGroups => "consent_groups",
            Self::MetadataSchemas => "metadata_schemas",
            Self::EventSchemas => "event_schemas",
            Self::Webhooks => "webhooks",
        }
    }

    /// Returns the member with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|member| member.as_str() == name)
    }

    /// Returns the path of an object, as error messages show it.
    #[must_use]
    pub fn path_of(self, index: usize) -> String {
        format!(".{}[{index}]", self.as_str())
    }
}

/// An object of the document: its position in its list, and what it contains.
#[derive(Clone, Debug)]
pub struct StateObject<T> {
    pub index: usize,
    /// `None` when a new id has to be generated.
    pub id: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub content: T,
}

/// A customer.
#[derive(Clone, Debug)]
pub struct StateCustomer {
    pub source_id: Option<String>,
    pub patch: CustomerPatch,
    /// What the emulator's own API has set.
    pub state: Option<JsonText>,
    /// Consent ids, each with whether it is given; `None` when the customer does not say.
    pub consents: Option<Vec<(String, bool)>>,
    /// When the customer was softly deleted.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// A reference to a customer of the document or of the project.
#[derive(Clone, Debug)]
pub struct CustomerLink {
    /// The name of the member that contains the reference.
    pub member: &'static str,
    pub reference: CustomerReference,
}

/// An order.
#[derive(Clone, Debug)]
pub struct StateOrder {
    pub source_id: Option<String>,
    pub order: OrderPatch,
    pub customer: Option<CustomerLink>,
    pub referrer: Option<CustomerLink>,
}

/// A custom event.
#[derive(Clone, Debug)]
pub struct StateEvent {
    pub name: String,
    pub customer: CustomerLink,
    pub metadata: JsonText,
}

/// A segment.
#[derive(Clone, Debug)]
pub struct StateSegment {
    pub name: String,
    pub kind: SegmentType,
    /// Only for a segment that is not static.
    pub filter: Option<Value>,
    /// The ids or source ids of the customers of a static segment.
    pub customers: Vec<String>,
}

/// The definition of a consent.
#[derive(Clone, Debug)]
pub struct StateConsent {
    pub name: String,
    pub description: String,
    pub category: String,
}

/// A group of consents.
#[derive(Clone, Debug)]
pub struct StateConsentGroup {
    pub name: String,
    pub description: String,
    pub consents: Vec<String>,
}

/// A metadata schema.
#[derive(Clone, Debug)]
pub struct StateMetadataSchema {
    pub related_object: String,
    pub properties: Vec<(String, Definition)>,
    pub allow_defined_only: Option<bool>,
}

/// A custom-event schema.
#[derive(Clone, Debug)]
pub struct StateEventSchema {
    pub name: String,
    pub properties: Vec<(String, Definition)>,
}

/// A webhook or a distribution.
#[derive(Clone, Debug)]
pub struct StateWebhook {
    pub kind: WebhookKind,
    pub name: Option<String>,
    pub target_url: String,
    pub events: Vec<String>,
    pub active: bool,
}

/// Some objects of one member.
#[derive(Clone, Debug)]
pub enum StateBatch {
    Customers(Vec<StateObject<StateCustomer>>),
    Orders(Vec<StateObject<StateOrder>>),
    Events(Vec<StateObject<StateEvent>>),
    Segments(Vec<StateObject<StateSegment>>),
    Consents(Vec<StateObject<StateConsent>>),
    ConsentGroups(Vec<StateObject<StateConsentGroup>>),
    MetadataSchemas(Vec<StateObject<StateMetadataSchema>>),
    EventSchemas(Vec<StateObject<StateEventSchema>>),
    Webhooks(Vec<StateObject<StateWebhook>>),
}
