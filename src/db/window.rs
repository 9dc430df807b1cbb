//! Time windows as SQL conditions.

use sqlx::{Postgres, QueryBuilder};

use crate::domain::page::Window;
use crate::domain::timestamp;

/// Adds the condition that `column` is in the window, without its bounds. Times are compared with the precision of
/// responses: a row whose response shows the bound itself is outside.
pub fn push_window(query: &mut QueryBuilder<Postgres>, column: &'static str, window: Window) {
    if let Some(before) = window.before {
        query.push(" AND ").push(column).push(" < ").push_bind(timestamp::truncate_to_millis(before));
    }
    if let Some(after) = window.after {
        query.push(" AND ").push(column).push(" >= ").push_bind(timestamp::next_millisecond(after));
    }
}
