//! The state that all pages of the console share.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde_json::Value;

use super::session::Sessions;
use super::sign_in::Attempts;
use crate::api::in_process::InProcessApi;
use crate::http::state::AppState;
use crate::metrics::{CONSOLE, OperationMetrics};

/// A pair of keys from the options of the emulator. It contains a token, so it does not implement `Debug`.
pub struct KnownKey {
    pub id: String,
    pub token: String,
}

/// Who may use the console, and the keys whose tokens it can show.
pub struct ConsoleAccess {
    /// Whether the management keys must be entered first.
    pub needs_sign_in: bool,
    pub management: KnownKey,
    pub server: KnownKey,
    pub client: KnownKey,
}

/// The state of the console.
pub struct Console {
    pub app: AppState,
    pub api: InProcessApi,
    pub access: ConsoleAccess,
    pub sessions: Sessions,
    pub sign_in_attempts: Attempts,
    /// What the checks after the last permanent deletions found, by the ids of the deletions.
    pub erasure_checks: Cache<String, Value>,
    /// The tokens of keys that were created in the console, until the next page shows them.
    pub created_tokens: Cache<String, String>,
    /// Counts the requests for pages.
    pub metrics: OperationMetrics,
}

/// How long the result of a check can be shown.
const CHECK_TTL: Duration = Duration::from_hours(1);
const MAX_CHECKS: u64 = 1_000;
/// How long the token of a new key waits for the page that shows it.
const CREATED_TOKEN_TTL: Duration = Duration::from_mins(1);
const MAX_CREATED_TOKENS: u64 = 1_000;

/// The state of the console, shared by all requests.
pub type ConsoleState = Arc<Console>;

impl Console {
    pub fn new(app: AppState, access: ConsoleAccess) -> ConsoleState {
        let api = InProcessApi::new(Arc::clone(&app));
        Arc::new(Self {
            metrics: app.core.metrics.requests.operation(CONSOLE),
            app,
            api,
            access,
            sessions: Sessions::default(),
            sign_in_attempts: Attempts::default(),
            erasure_checks: Cache::builder().max_capacity(MAX_CHECKS).time_to_live(CHECK_TTL).build(),
            created_tokens: Cache::builder().max_capacity(MAX_CREATED_TOKENS).time_to_live(CREATED_TOKEN_TTL).build(),
        })
    }
}
