//! An identifier as a client gives it: the vendor's own id, or the client's source id.

use super::limits;

/// What a path or a body names a resource by. Nothing says which of the two it is; the id is tried first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier(String);

impl Identifier {
    /// Takes the identifier as it was given, percent-decoded.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The identifier as it was given: what error bodies echo.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether something stored can have this identifier at all. PostgreSQL cannot even be asked for U+0000, and
    /// nothing stored is longer than a rewritten source id.
    #[must_use]
    pub fn can_exist(&self) -> bool {
        !self.0.contains('\0') && self.0.len() <= limits::TEXT_CHARS * 4 + 64
    }

    /// Whether it has the form of an id that this program makes, `prefix` and `length` letters or digits.
    #[must_use]
    pub fn has_form(&self, prefix: &str, length: usize) -> bool {
        self.0
            .strip_prefix(prefix)
            .is_some_and(|tail| tail.len() == length && tail.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }
}
