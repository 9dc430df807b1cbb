//! The vendor's rate limit: calls of a project per minute. It is off by default.

use std::collections::HashMap;
use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::{DateTime, Utc};

use super::error::{ApiError, ErrorKind};
use crate::domain::project::ProjectId;

/// The limit that the headers show while the limit is off. It is so high that a client which paces itself by it does not wait.
const LIMIT_SHOWN_WHEN_OFF: u32 = 1_000_000;
const WINDOW_SECONDS: i64 = 60;

/// Counts the calls of each project in the current minute.
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
    /// Allows `per_minute` calls of each project; `None` means no limit.
    #[must_use]
    pub fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute, window: Mutex::default() }
    }

    /// Counts one call of the project, and returns how many calls are left in this minute.
    ///
    /// # Errors
    /// 429 when the project has no calls left.
    pub fn take(&self, project: ProjectId, now: DateTime<Utc>) -> Result<u32, ApiError> {
        let Some(limit) = self.per_minute else { return Ok(LIMIT_SHOWN_WHEN_OFF) };
        // The counters are valid also after a panic of another thread, so a poisoned lock can be used.
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

    /// Writes the vendor's rate limit headers. `is_over` adds `Retry-After`, for a call that was refused.
    pub fn describe(&self, headers: &mut HeaderMap, remaining: u32, is_over: bool, now: DateTime<Utc>) {
        let limit = self.per_minute.unwrap_or(LIMIT_SHOWN_WHEN_OFF);
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
