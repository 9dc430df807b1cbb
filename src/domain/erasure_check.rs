//! The check that nothing is left of a customer.

use serde_json::Value;

/// What was searched, and where one of the values was found.
#[derive(Clone, Debug, Default)]
pub struct ErasureCheck {
    /// The number of tables that were searched.
    pub tables: i64,
    /// The number of rows that were searched.
    pub rows: i64,
    pub found: Vec<FoundText>,
}

/// A column in which one of the values was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundText {
    /// The table, or `snapshot:` and the name of a snapshot.
    pub table: String,
    /// The column; in a snapshot, the table and the column.
    pub column: String,
    /// In how many rows.
    pub rows: i64,
}

/// Returns the spellings of a value in stored text: as it stands, as JSON escapes it, and as a CSV file doubles its quotes. JSON may
/// escape what it need not: characters outside of ASCII, in both cases of hexadecimal digits, and the slash.
#[must_use]
pub fn spellings(value: &str) -> Vec<String> {
    let mut spellings = vec![value.to_owned(), value.replace('"', "\"\"")];
    let quoted = Value::from(value).to_string();
    let escaped = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    for spelling in [escaped.to_owned(), ascii(escaped, hex_lower), ascii(escaped, hex_upper)] {
        spellings.push(spelling.replace('/', "\\/"));
        spellings.push(spelling);
    }
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

fn hex_lower(unit: u16) -> String {
    format!("\\u{unit:04x}")
}

fn hex_upper(unit: u16) -> String {
    format!("\\u{unit:04X}")
}

/// Replaces the characters outside of ASCII by JSON escapes of their UTF-16 units.
fn ascii(text: &str, escape: fn(u16) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            let mut units = [0; 2];
            out.extend(character.encode_utf16(&mut units).iter().map(|&unit| escape(unit)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_value_has_one_spelling() {
        assert_eq!(spellings("alice@morgan.com"), ["alice@morgan.com"]);
    }

    #[test]
    fn a_value_is_spelt_as_json_and_csv_files_escape_it() {
        let found = spellings("é/\"\u{1f600}");
        let expected = [
            "é/\"\u{1f600}",
            "é/\"\"\u{1f600}",
            "é/\\\"\u{1f600}",
            "é\\/\\\"\u{1f600}",
            "\\u00e9/\\\"\\ud83d\\ude00",
            "\\u00e9\\/\\\"\\ud83d\\ude00",
            "\\u00E9/\\\"\\uD83D\\uDE00",
            "\\u00E9\\/\\\"\\uD83D\\uDE00",
        ];
        assert_eq!(found.len(), expected.len());
        for spelling in expected {
            assert!(found.iter().any(|one| one == spelling), "{spelling} is missing in {found:?}");
        }
    }
}
