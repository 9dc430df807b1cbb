//! Errors in filters.

use super::operator_names::OPERATORS;

/// An error in a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("no junction")]
    Junction,
    /// The filter has a wrong structure, or an unknown operator.
    #[error("not of the form of a filter")]
    Malformed,
    #[error("no field {0}")]
    Field(String),
    /// An invalid operand: its path in the filter, and the problem.
    #[error("{path} {problem}")]
    Operand { path: String, problem: String },
    /// An operator that the vendor supports only for objects that are not emulated.
    #[error("{0} is not emulated")]
    NotEmulated(String),
}

impl FilterError {
    /// Returns the error details in the vendor's wording. `path` is the path of the filter (`.filter`, `.filters`).
    #[must_use]
    pub fn details(&self, path: &str) -> String {
        match self {
            Self::Junction => format!("Property {path} has wrong `junction` property. It must be one of: and, or"),
            Self::Malformed => format!(
                "Property {path} should match either `filters[${{field}}][conditions][${{condition}}][${{index}}]` or \
                 `filters[${{field}}][conditions][${{condition}}]` format and condition must be one of: {}",
                OPERATORS.join(", ")
            ),
            Self::Field(field) => format!("Property {path}.{field} is not a field that can be filtered by"),
            Self::Operand { path: of, problem } => format!("Property {path}.{of} {problem}"),
            Self::NotEmulated(operator) => format!("The operator {operator} is not emulated"),
        }
    }
}
