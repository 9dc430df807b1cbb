//! The name of the schema of the database that holds everything of the emulator.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// The schema that is used when no other is named.
pub const DEFAULT_DATABASE_SCHEMA: &str = "voucherify_emulator";
/// PostgreSQL allows 63 bytes. The names of the channels for notifications are the name of the schema with an ending.
const MAX_CHARS: usize = 48;

/// The name of a schema: lower-case letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSchema(String);

impl DatabaseSchema {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name in double quotes, as SQL statements contain it. It may be a keyword of SQL.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl Default for DatabaseSchema {
    fn default() -> Self {
        Self(DEFAULT_DATABASE_SCHEMA.to_owned())
    }
}

impl Display for DatabaseSchema {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for DatabaseSchema {
    type Err = String;

    /// Parses a name. Text without characters, as in an environment variable that is set to nothing, stands for the default.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let is_name = text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
            && text.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_');
        if !is_name || text.len() > MAX_CHARS {
            return Err(format!(
                "give at most {MAX_CHARS} lower-case letters, digits and underscores, the first of which is no digit"
            ));
        }
        if text.starts_with("pg_") || text == "information_schema" {
            return Err("this name is reserved by PostgreSQL".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_schemas_are_parsed() {
        for name in ["a", "_1", "voucherify_emulator_2", "public", "user"] {
            assert_eq!(name.parse::<DatabaseSchema>().unwrap().as_str(), name);
        }
        assert_eq!("".parse(), Ok(DatabaseSchema::default()));
        for wrong in ["1a", "A", "a b", "a\"b", "a-b", "é", "a.b", "pg_a", "information_schema", &"a".repeat(49)] {
            assert!(wrong.parse::<DatabaseSchema>().is_err(), "{wrong}");
        }
    }
}
