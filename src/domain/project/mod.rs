//! A project: the world that a pair of keys opens; and the organisation that has projects.

mod settings;

pub use settings::{
    CalloutNotification, CalloutNotifications, CodeConfig, ProjectChange, ProjectSettings, UsageNotification,
    UsageNotifications,
};

/// The region that every project is in.
pub const CLUSTER: &str = "eu1";
/// The only version of the API.
pub const API_VERSION: &str = "v2018-08-01";
/// The only version of the messages of webhooks.
pub const WEBHOOK_VERSION: &str = "v2024-01-01";

/// The internal number of a project, which leads every primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProjectId(pub i64);

/// The internal number of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationId(pub i64);

impl OrganisationId {
    /// The organisation of the configured management keys, and of every project that came by itself.
    pub const DEFAULT: Self = Self(1);
}

/// A project as the management API shows it. It holds a secret, so there is no `Debug` of it.
#[derive(Clone)]
pub struct Project {
    pub id: ProjectId,
    /// `proj_...`.
    pub public_id: String,
    pub name: String,
    /// Whether it is the default project, which cannot be deleted.
    pub is_sandbox: bool,
    /// Signs what its webhooks send.
    pub webhook_token: String,
    pub settings: ProjectSettings,
}

impl Project {
    /// Takes over what a change names.
    pub fn apply(&mut self, mut change: ProjectChange) {
        if let Some(name) = change.name.take() {
            self.name = name;
        }
        self.settings.apply(change);
    }
}

/// A pair of keys that was just made: its token is shown once, and there is no `Debug` of it.
pub struct KeyPair {
    pub id: String,
    pub token: String,
}

/// The keys of a project that was just made.
pub struct ProjectKeys {
    pub server: KeyPair,
    pub client: KeyPair,
}
