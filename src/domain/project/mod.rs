//! Projects, each with its own data and keys, and the organisations that own them.

mod client_access;
mod overview;
mod settings;

pub use client_access::{ClientAccess, ClientFunctions};
pub use overview::ProjectOverview;
pub use settings::{
    CalloutNotification, CalloutNotifications, CodeConfig, ProjectChange, ProjectSettings, UsageNotification,
    UsageNotifications,
};

/// The region of a project that names none.
pub const DEFAULT_CLUSTER: &str = "eu1";
/// The only supported API version.
pub const API_VERSION: &str = "v2018-08-01";
/// The only supported version of webhook messages.
pub const WEBHOOK_VERSION: &str = "v2024-01-01";

/// The internal number of a project: the first column of every primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(pub i64);

/// The internal number of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationId(pub i64);

impl OrganisationId {
    /// The organisation of the configured management keys and of every auto-provisioned project.
    pub const DEFAULT: Self = Self(1);
}

/// A project, as shown by the management API. It contains a secret and therefore does not implement `Debug`.
#[derive(Clone)]
pub struct Project {
    pub id: ProjectId,
    /// `proj_...`.
    pub public_id: String,
    pub name: String,
    /// Whether it is the default project, which cannot be deleted.
    pub is_sandbox: bool,
    /// The secret that signs the webhook messages of the project.
    pub webhook_token: String,
    pub settings: ProjectSettings,
    /// Whether requests are refused that the vendor or the emulator otherwise tolerates.
    pub is_strict: bool,
}

impl Project {
    /// Applies the given members of a change.
    pub fn apply(&mut self, mut change: ProjectChange) {
        if let Some(name) = change.name.take() {
            self.name = name;
        }
        if let Some(is_strict) = change.is_strict {
            self.is_strict = is_strict;
        }
        self.settings.apply(change);
    }
}

/// A newly created key pair. Its token is shown only once, so the type does not implement `Debug`.
pub struct KeyPair {
    pub id: String,
    pub token: String,
}

/// The keys of a newly created project.
pub struct ProjectKeys {
    pub server: KeyPair,
    pub client: KeyPair,
}
