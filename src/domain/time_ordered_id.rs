//! The layout of time-ordered identifiers: 18 hexadecimal digits with 42 bits of milliseconds since [`EPOCH_MILLIS`],
//! 14 bits of the node and 16 bits of a counter.

use chrono::{DateTime, Utc};

/// Milliseconds from the Unix epoch to 2016-05-04T00:00:00Z, the epoch of the vendor's time-ordered identifiers.
pub const EPOCH_MILLIS: i64 = 1_462_320_000_000;

/// Number of bits below those of the milliseconds.
pub const BITS_BELOW_MILLIS: u32 = 30;

/// Number of milliseconds that the layout can represent, which last until September 2155.
const MILLIS_RANGE: i64 = 1 << 42;

/// Returns the smallest identifier with `prefix` that can be generated at `moment` or later, as a bound for comparing
/// identifiers byte by byte. For a moment before the epoch, it is smaller than or equal to every identifier; for a
/// moment beyond the range of the layout, it is greater than every identifier.
#[must_use]
pub fn lower_bound(prefix: &str, moment: DateTime<Utc>) -> String {
    let millis = (moment.timestamp_millis() - EPOCH_MILLIS).max(0);
    if millis >= MILLIS_RANGE {
        // A `g` sorts after every hexadecimal digit.
        return format!("{prefix}g");
    }
    format!("{prefix}{:018x}", u128::from(millis.unsigned_abs()) << BITS_BELOW_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lower_bound_at(moment: &str) -> String {
        lower_bound("evcus_", moment.parse().unwrap())
    }

    #[test]
    fn the_lower_bound_separates_identifiers_by_millisecond() {
        // The published example, generated at 2024-07-23T19:53:51.448Z.
        let generated = "evcus_0f1a05f696156bea39";
        assert_eq!(lower_bound_at("2024-07-23T19:53:51.448Z"), "evcus_0f1a05f69600000000");
        assert_eq!(lower_bound_at("2024-07-23T19:53:51.448999Z"), lower_bound_at("2024-07-23T19:53:51.448Z"));
        assert!(lower_bound_at("2024-07-23T19:53:51.448Z").as_str() <= generated);
        assert!(lower_bound_at("2024-07-23T19:53:51.449Z").as_str() > generated);
    }

    #[test]
    fn moments_outside_of_the_layout_sort_before_or_after_every_identifier() {
        let (least, greatest) = ("evcus_000000000000000000", "evcus_ffffffffffffffffff");
        for early in
            ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2016-05-03T23:59:59.999Z", "2016-05-04T00:00:00Z"]
        {
            assert_eq!(lower_bound_at(early), least, "{early}");
        }
        assert!(lower_bound_at("2155-09-16T07:35:11.103Z").as_str() < greatest);
        for late in ["2155-09-16T07:35:11.104Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"] {
            assert!(lower_bound_at(late).as_str() > greatest, "{late}");
        }
    }
}
