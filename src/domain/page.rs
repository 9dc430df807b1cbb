//! Pagination and sorting of lists.

use chrono::{DateTime, Utc};

use super::timestamp;

/// The requested page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Maximum number of rows, 1 to 100.
    pub limit: i64,
    /// Page number, starting at 1.
    pub number: i64,
}

impl Page {
    /// Returns the first page with `limit` rows.
    #[must_use]
    pub fn first(limit: i64) -> Self {
        Self { limit, number: 1 }
    }

    /// Returns the number of rows before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        (self.number - 1) * self.limit
    }

    /// Removes the rows beyond the limit, which a query selects to see whether there is a next page.
    #[must_use]
    pub fn trim<T>(self, mut rows: Vec<T>) -> Vec<T> {
        rows.truncate(usize::try_from(self.limit).unwrap_or_default());
        rows
    }
}

/// A sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// The key by which a list of customers or orders is sorted. A row without a source id sorts before every row with one,
/// and an order that was never updated before every updated one. A customer that was never updated sorts by its
/// creation time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    CreatedAt,
    UpdatedAt,
    SourceId,
}

/// A sort order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub key: SortKey,
    pub direction: Direction,
}

impl Sort {
    /// The default of every list.
    pub const NEWEST_FIRST: Self = Self { key: SortKey::CreatedAt, direction: Direction::Descending };

    /// Parses the `order` parameter: a key, prefixed with a dash for descending order.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (direction, name) =
            text.strip_prefix('-').map_or((Direction::Ascending, text), |name| (Direction::Descending, name));
        let key = match name {
            "created_at" => SortKey::CreatedAt,
            "updated_at" => SortKey::UpdatedAt,
            "source_id" => SortKey::SourceId,
            _ => return None,
        };
        Some(Self { key, direction })
    }
}

/// A time range that excludes its bounds, compared in milliseconds, the precision of responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Only rows before this time.
    pub before: Option<DateTime<Utc>>,
    /// Only rows after this time.
    pub after: Option<DateTime<Utc>>,
}

impl Window {
    /// Returns the times that come after `cursor` in this direction.
    #[must_use]
    pub fn after_cursor(cursor: DateTime<Utc>, direction: Direction) -> Self {
        match direction {
            Direction::Ascending => Self { before: None, after: Some(cursor) },
            Direction::Descending => Self { before: Some(cursor), after: None },
        }
    }

    /// Returns whether the window has no bounds.
    #[must_use]
    pub fn is_unbounded(self) -> bool {
        self.before.is_none() && self.after.is_none()
    }
}

/// Trims `rows` to one page and returns whether there are more rows. `rows` must contain one row beyond `limit` if
/// there are more.
///
/// When the next page continues after a `created_at` cursor, a page must not end between two rows with the same
/// displayed `created_at`, because the strict comparison of the next page would skip the second one. All such rows are
/// left to the next page, unless they fill the whole page.
pub fn trim_to_limit<T>(rows: &mut Vec<T>, limit: usize, cursor: Option<impl Fn(&T) -> DateTime<Utc>>) -> bool {
    if rows.len() <= limit {
        return false;
    }
    if let Some(created_at) = cursor {
        let next = timestamp::truncate_to_millis(created_at(&rows[limit]));
        let last = rows[..limit].iter().rposition(|row| timestamp::truncate_to_millis(created_at(row)) != next);
        rows.truncate(last.map_or(limit, |last| last + 1));
    } else {
        rows.truncate(limit);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(micros: &[i64], limit: usize) -> (Vec<i64>, bool) {
        let mut rows: Vec<_> = micros.iter().filter_map(|&at| DateTime::from_timestamp_micros(at)).collect();
        let more = trim_to_limit(&mut rows, limit, Some(|at: &DateTime<Utc>| *at));
        (rows.iter().map(DateTime::timestamp_micros).collect(), more)
    }

    #[test]
    fn a_page_does_not_end_between_rows_of_the_same_millisecond() {
        assert_eq!(page(&[9_000, 8_000], 2), (vec![9_000, 8_000], false));
        assert_eq!(page(&[9_000, 8_000, 7_000], 2), (vec![9_000, 8_000], true));
        assert_eq!(page(&[9_000, 8_500, 8_100], 2), (vec![9_000], true));
    }

    #[test]
    fn a_page_of_rows_of_one_millisecond_is_trimmed_to_the_limit() {
        assert_eq!(page(&[8_900, 8_500, 8_100], 2), (vec![8_900, 8_500], true));
    }
}
