//! The vendor's rate limit: so many calls of a project in a minute. Off by default.

use std::collections::HashMap;
use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::{DateTime, Utc};

use super::error::{ApiError, ErrorKind};
use crate::domain::project::ProjectId;

/// The vendor's number for its largest plan: what the headers tell while nothing is limited.
const SHOWN_WHEN_OFF: u32 = 2_000;
const WINDOW_SECONDS: i64 = 60;

/// Counts the calls of each project in the minute that is.
#[derive(Debug, Default)]
pub struct RateLimits {
    per_minute: Option<u32>,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    number: i64,
    calls: HashMap<ProjectId, u32>,
}

impl RateLimits {
    /// `per_minute` calls of each project; `None` for no limit.
    #[must_use]
    pub fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute, window: Mutex::default() }
    }

    /// Takes one call of the project and tells how many are left.
    pub fn take(&self, project: ProjectId, now: DateTime<Utc>) -> Result<u32, ApiError> {
        let Some(limit) = self.per_minute else { return Ok(SHOWN_WHEN_OFF) };
        // A panic while the lock is held leaves whole numbers behind.
        let mut window = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let number = now.timestamp().div_euclid(WINDOW_SECONDS);
        if window.number != number {
            *window = Window { number, calls: HashMap::new() };
        }
        let calls = window.calls.entry(project).or_default();
        if *calls >= limit {
            return Err(ApiError::new(ErrorKind::TooManyRequests));
        }
        *calls += 1;
        Ok(limit - *calls)
    }

    /// Writes the vendor's headers, for a call that has left `remaining` others or `is_over` the limit.
    pub fn describe(&self, headers: &mut HeaderMap, remaining: u32, is_over: bool, now: DateTime<Utc>) {
        let limit = self.per_minute.unwrap_or(SHOWN_WHEN_OFF);
        let now = now.timestamp();
        let reset = (now.div_euclid(WINDOW_SECONDS) + 1) * WINDOW_SECONDS;
        headers.insert("x-rate-limit-limit", HeaderValue::from(limit));
        headers.insert("x-rate-limit-remaining", HeaderValue::from(remaining));
        headers.insert("x-rate-limit-retry", HeaderValue::from(reset));
        headers.insert("x-rate-limit-type", HeaderValue::from_static("api_calls"));
        if is_over {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(reset - now));
        }
    }
}
