//! The layout of the time-ordered identifiers: 18 hexadecimal digits, which are 42 bits of milliseconds since
//! [`EPOCH_MILLIS`], 14 of a node and 16 of a counter.

use chrono::{DateTime, Utc};

/// Milliseconds between the Unix epoch and 2016-05-04T00:00:00Z, where the vendor's time-ordered identifiers begin.
pub const EPOCH_MILLIS: i64 = 1_462_320_000_000;

/// Bits below those of the milliseconds.
pub const BITS_BELOW_MILLIS: u32 = 30;

/// The milliseconds that the layout can hold: until September 2155.
const MILLIS: i64 = 1 << 42;

/// The least text that an identifier with `prefix` can be that is made at `moment` or later: a boundary to compare
/// identifiers with, byte by byte. Before the epoch nothing is made, so every identifier comes after such a moment; after
/// the last millisecond of the layout none does.
#[must_use]
pub fn first(prefix: &str, moment: DateTime<Utc>) -> String {
    let millis = (moment.timestamp_millis() - EPOCH_MILLIS).max(0);
    if millis >= MILLIS {
        // Behind every hexadecimal digit.
        return format!("{prefix}g");
    }
    format!("{prefix}{:018x}", u128::from(millis.unsigned_abs()) << BITS_BELOW_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_of(moment: &str) -> String {
        first("evcus_", moment.parse().unwrap())
    }

    #[test]
    fn the_first_identifier_of_a_moment_lies_between_those_of_its_neighbours() {
        // The published example: made at 2024-07-23T19:53:51.448Z.
        let made = "evcus_0f1a05f696156bea39";
        assert_eq!(first_of("2024-07-23T19:53:51.448Z"), "evcus_0f1a05f69600000000");
        assert_eq!(first_of("2024-07-23T19:53:51.448999Z"), first_of("2024-07-23T19:53:51.448Z"));
        assert!(first_of("2024-07-23T19:53:51.448Z").as_str() <= made);
        assert!(first_of("2024-07-23T19:53:51.449Z").as_str() > made);
    }

    #[test]
    fn moments_outside_of_the_layout_lie_before_or_behind_everything() {
        let (least, greatest) = ("evcus_000000000000000000", "evcus_ffffffffffffffffff");
        for early in
            ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2016-05-03T23:59:59.999Z", "2016-05-04T00:00:00Z"]
        {
            assert_eq!(first_of(early), least, "{early}");
        }
        assert!(first_of("2155-09-16T07:35:11.103Z").as_str() < greatest);
        for late in ["2155-09-16T07:35:11.104Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"] {
            assert!(first_of(late).as_str() > greatest, "{late}");
        }
    }
}
