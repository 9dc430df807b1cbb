//! The state that every handler can use.

use std::sync::Arc;
use std::time::Duration;

use super::rate_limit::RateLimits;
use crate::domain::local_host::AllowedHosts;
use crate::service::Core;
use crate::service::authenticator::Authenticator;

/// The state, shared by all requests.
pub type AppState = Arc<App>;

/// The parts of a running emulator that requests use.
#[derive(Debug)]
pub struct App {
    pub core: Arc<Core>,
    pub authenticator: Authenticator,
    pub rate_limits: RateLimits,
    /// Whether every request is strict, whatever the setting of its project.
    pub is_strict: bool,
    /// How long a request may take before it is answered with 503.
    pub request_timeout: Duration,
    /// Whether the target URL of a webhook may be link-local or the metadata service of a cloud.
    pub allow_link_local: bool,
    /// The hosts that requests may name.
    pub allowed_hosts: AllowedHosts,
    /// The address and port that the server listens on, which links in responses have if the request names no host.
    pub authority: String,
}
