//! Keys and tokens, and the access that they grant.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::limits;
use super::project::{ClientAccess, OrganisationId, ProjectId};
use super::project_control::ProjectControl;

/// The family of a key, which determines the paths that it grants access to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Grants access to `/v1` of a project.
    Server,
    /// Grants access to `/client/v1` of a project.
    Client,
    /// Grants access to `/management/v1` of an organisation.
    Management,
}

impl Family {
    /// Returns the name under which the family is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Management => "management",
        }
    }

    /// Returns the family with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Server, Self::Client, Self::Management].into_iter().find(|family| family.as_str() == name)
    }

    /// Returns the key name shown in activity events. The vendor's users name their keys; here, all keys of a family
    /// have the same name.
    #[must_use]
    pub fn key_name(self) -> &'static str {
        match self {
            Self::Server => "Server-side key",
            Self::Client => "Client-side key",
            Self::Management => "Management key",
        }
    }
}

/// Returns whether `text` can be sent in a header as the id or the token of a key.
#[must_use]
pub fn is_valid_credential_text(text: &str) -> bool {
    (1..=limits::CREDENTIAL_CHARS).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A key of a project, without its token, which is returned only when the key is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub family: Family,
    pub app_id: String,
    /// Whether it was auto-provisioned together with its project.
    pub is_provisioned: bool,
    pub created_at: DateTime<Utc>,
}

/// The resource that a key grants access to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    Project(ProjectId),
    Organisation(OrganisationId),
    /// The key was revoked, or its project was deleted.
    Nothing,
}

/// The operations that a key or token may be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scopes {
    /// All operations of the family. This applies to a key pair, which has no scopes.
    All,
    /// The operations that these scopes allow. This applies to an OAuth token.
    Only(Arc<[String]>),
}

impl Scopes {
    /// Returns whether at least one of the scopes `names` is granted.
    #[must_use]
    pub fn allow_any(&self, names: &[&str]) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.iter().any(|scope| names.contains(&scope.as_str())),
        }
    }
}

/// The authenticated caller of a request.
#[derive(Clone, Debug)]
pub struct Principal {
    pub grant: Grant,
    pub family: Family,
    pub scopes: Scopes,
    /// The id of the key, or of the key that requested the token.
    pub app_id: Arc<str>,
    /// Whether the pair of keys is built in, so that everybody knows it; `false` for a token, which is secret.
    pub is_built_in: bool,
    /// The client-side settings of the project.
    pub client_access: Arc<ClientAccess>,
    /// What the control plane has set for the project.
    pub control: ProjectControl,
}

impl Principal {
    /// Returns the project that the caller has access to, if its key belongs to a project.
    #[must_use]
    pub fn project(&self) -> Option<ProjectId> {
        match self.grant {
            Grant::Project(project) => Some(project),
            Grant::Organisation(_) | Grant::Nothing => None,
        }
    }
}

/// The API through which a change was made, as shown in activity events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Api,
    ClientApi,
}

impl Channel {
    /// Returns the vendor's name of the channel.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::ClientApi => "CLIENT_API",
        }
    }

    /// Returns the channel with that name, or [`Channel::Api`] if the name is absent or unknown.
    #[must_use]
    pub fn parse(name: Option<&str>) -> Self {
        if name == Some(Self::ClientApi.as_str()) { Self::ClientApi } else { Self::Api }
    }

    /// Returns the family of the keys that use this channel.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Api => Family::Server,
            Self::ClientApi => Family::Client,
        }
    }
}
