//! Keys and tokens: who holds them, and what they open.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::limits;
use super::project::{OrganisationId, ProjectId};

/// The families of keys. Each opens paths of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// `/v1` of a project.
    Server,
    /// `/client/v1` of a project.
    Client,
    /// `/management/v1` of an organisation.
    Management,
}

impl Family {
    /// The name that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Management => "management",
        }
    }

    /// The family of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Server, Self::Client, Self::Management].into_iter().find(|family| family.as_str() == name)
    }

    /// How an event shows a key of the family: the vendor's keys have names that users give them; these have one.
    #[must_use]
    pub fn key_name(self) -> &'static str {
        match self {
            Self::Server => "Server-side key",
            Self::Client => "Client-side key",
            Self::Management => "Management key",
        }
    }
}

/// Whether a header can carry that as the id or the token of a key.
#[must_use]
pub fn is_presentable(text: &str) -> bool {
    (1..=limits::CREDENTIAL_CHARS).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A key of a project, without its token, which nobody knows but whoever was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub family: Family,
    pub app_id: String,
    /// Whether it came by itself, with the project.
    pub is_provisioned: bool,
    pub created_at: DateTime<Utc>,
}

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    Project(ProjectId),
    Organisation(OrganisationId),
    /// Nothing any more.
    Nothing,
}

/// What may be done with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scopes {
    /// Everything that the family may: a pair of keys has no scopes.
    All,
    /// What these names open.
    Only(Arc<[String]>),
}

impl Scopes {
    /// Whether one of `names` is among them.
    #[must_use]
    pub fn open(&self, names: &[&str]) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.iter().any(|scope| names.contains(&scope.as_str())),
        }
    }
}

/// Whoever asks, once it is known who that is.
#[derive(Clone, Debug)]
pub struct Principal {
    pub opens: Opens,
    pub family: Family,
    pub scopes: Scopes,
    /// The id of the key; of a token, the id of the key that asked for it.
    pub app_id: Arc<str>,
    /// What the project lets browsers do.
    pub client_access: Arc<ClientAccess>,
}

impl Principal {
    /// The project that it opens, if it is one.
    #[must_use]
    pub fn project(&self) -> Option<ProjectId> {
        match self.opens {
            Opens::Project(project) => Some(project),
            Opens::Organisation(_) | Opens::Nothing => None,
        }
    }
}

/// The settings of a project that the client side asks for, by the vendor's names. The vendor's defaults are closed; here they
/// are open, so that nothing is in the way of a project that nobody has configured.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct ClientAccess {
    #[serde(rename = "client_trusted_domains")]
    pub trusted_domains: Vec<String>,
    #[serde(rename = "client_create_customer_enabled")]
    pub create_customer: bool,
    #[serde(rename = "client_loyalty_events_enabled")]
    pub loyalty_events: bool,
}

impl Default for ClientAccess {
    fn default() -> Self {
        Self { trusted_domains: vec!["*".to_owned()], create_customer: true, loyalty_events: true }
    }
}

/// The door through which a change came in, as events tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Api,
    ClientApi,
}

impl Channel {
    /// The vendor's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::ClientApi => "CLIENT_API",
        }
    }

    /// The channel of that name; whatever is not known is the API.
    #[must_use]
    pub fn parse(name: Option<&str>) -> Self {
        if name == Some(Self::ClientApi.as_str()) { Self::ClientApi } else { Self::Api }
    }

    /// The family of the keys that come through it.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Api => Family::Server,
            Self::ClientApi => Family::Client,
        }
    }
}
