//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use super::rate_limit::RateLimits;
use crate::service::Core;
use crate::service::authenticator::Authenticator;

/// Shared by all requests.
pub type AppState = Arc<App>;

/// The parts of a running emulator that requests use.
#[derive(Debug)]
pub struct App {
    pub core: Arc<Core>,
    pub authenticator: Authenticator,
    pub rate_limits: RateLimits,
    /// How long a request may take before it is answered 503.
    pub request_timeout: Duration,
    /// Whether webhooks may have link-local targets.
    pub allow_link_local: bool,
    /// `http://127.0.0.1:8682`: what links in answers begin with.
    pub base_url: String,
}
