//! Pages of lists.

use chrono::{DateTime, Utc};

use super::timestamp;

/// Which part of a list was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows at the most, 1 to 100.
    pub limit: i64,
    /// From 1.
    pub number: i64,
}

impl Page {
    /// Rows before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        (self.number - 1) * self.limit
    }
}

/// A direction of sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// What a list of customers or orders can be sorted by. Rows without a source id come before every row with one, and so do
/// orders that were never updated; a customer that was never updated counts from its creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    CreatedAt,
    UpdatedAt,
    SourceId,
}

/// An order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub key: SortKey,
    pub direction: Direction,
}

impl Sort {
    /// The default of every list: newest first.
    pub const NEWEST_FIRST: Self = Self { key: SortKey::CreatedAt, direction: Direction::Descending };

    /// Reads the `order` parameter: a key, with a dash before it for descending.
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

/// An open window of time, at the precision that answers show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Only rows from before this moment.
    pub before: Option<DateTime<Utc>>,
    /// Only rows from after it.
    pub after: Option<DateTime<Utc>>,
}

impl Window {
    /// Whether the window lets every row through.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.before.is_none() && self.after.is_none()
    }
}

/// Cuts `rows`, one more than `limit` where there are more, to a page, and tells whether there are more.
///
/// A page that the next cursor continues by `created_at` must not end between two rows that show the same one, or the
/// strict comparison of the next page would skip the second. Such rows are left for the next page together, unless they
/// are the whole page.
pub fn cut<T>(rows: &mut Vec<T>, limit: usize, cursor: Option<impl Fn(&T) -> DateTime<Utc>>) -> bool {
    if rows.len() <= limit {
        return false;
    }
    if let Some(created_at) = cursor {
        let beyond = timestamp::shown(created_at(&rows[limit]));
        let whole = rows[..limit].iter().rposition(|row| timestamp::shown(created_at(row)) != beyond);
        rows.truncate(whole.map_or(limit, |last| last + 1));
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
        let more = cut(&mut rows, limit, Some(|at: &DateTime<Utc>| *at));
        (rows.iter().map(DateTime::timestamp_micros).collect(), more)
    }

    #[test]
    fn a_page_never_ends_inside_a_millisecond() {
        assert_eq!(page(&[9_000, 8_000], 2), (vec![9_000, 8_000], false));
        assert_eq!(page(&[9_000, 8_000, 7_000], 2), (vec![9_000, 8_000], true));
        assert_eq!(page(&[9_000, 8_500, 8_100], 2), (vec![9_000], true));
    }

    #[test]
    fn a_page_of_one_millisecond_is_cut_all_the_same() {
        assert_eq!(page(&[8_900, 8_500, 8_100], 2), (vec![8_900, 8_500], true));
    }
}
