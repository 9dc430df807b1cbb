//! From the JSON of a filter to its types.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::operator::{self, OPERATORS};
use super::scalar::number;
use super::{Condition, FieldFilter, Filter, Junction, Kind};
use crate::domain::limits::{FILTER_CONDITIONS, FILTER_VALUES, TEXT_CHARS};
use crate::domain::timestamp;

/// Why a filter is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("no junction")]
    Junction,
    /// Not of the form, or with an operator that there is not.
    #[error("not of the form of a filter")]
    Malformed,
    #[error("no field {0}")]
    Field(String),
    /// An operand: where it stands in the filter, and what is wrong with it.
    #[error("{path} {problem}")]
    Operand { path: String, problem: String },
    /// An operator that the vendor has for other objects.
    #[error("{0} is not emulated")]
    NotEmulated(String),
}

impl FilterError {
    /// The vendor's wording, for a filter that stands at `path` (`.filter`, `.filters`).
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

impl<F> Filter<F> {
    /// Reads a filter over the fields that `field` knows by name. A filter without `junction` is refused, unless there is a
    /// `default` for it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(
        json: &Value,
        default: Option<Junction>,
        mut field: impl FnMut(&str) -> Option<(F, Kind)>,
    ) -> Result<Self, FilterError> {
        let Value::Object(members) = json else { return Err(FilterError::Junction) };
        let junction = match members.get("junction").map(Value::as_str) {
            Some(Some("and")) => Junction::And,
            Some(Some("or")) => Junction::Or,
            None => default.ok_or(FilterError::Junction)?,
            Some(_) => return Err(FilterError::Junction),
        };
        let mut fields = Vec::new();
        let (mut count, mut values) = (0, 0);
        for (name, conditions) in members.iter().filter(|(name, _)| *name != "junction") {
            let Some(Value::Object(conditions)) = conditions.get("conditions") else {
                return Err(FilterError::Malformed);
            };
            let known = if name.chars().count() > TEXT_CHARS || name.contains('\0') { None } else { field(name) };
            let (field, kind) = known.ok_or_else(|| FilterError::Field(name.chars().take(TEXT_CHARS).collect()))?;
            count += conditions.len();
            if count > FILTER_CONDITIONS {
                let problem = format!("must NOT be followed by more than {FILTER_CONDITIONS} conditions");
                return Err(FilterError::Operand { path: name.clone(), problem });
            }
            values += conditions.values().map(|operand| operand.as_array().map_or(1, Vec::len)).sum::<usize>();
            if values > FILTER_VALUES {
                let problem = format!("must NOT be followed by more than {FILTER_VALUES} values in all");
                return Err(FilterError::Operand { path: name.clone(), problem });
            }
            fields.push(FieldFilter { field, kind, conditions: conditions_of(name, kind, conditions)? });
        }
        Ok(Self { junction, fields })
    }
}

fn conditions_of(field: &str, kind: Kind, conditions: &Map<String, Value>) -> Result<Vec<Condition>, FilterError> {
    conditions
        .iter()
        .map(|(operator, operand)| {
            let values = match operand {
                Value::Array(values) => values.as_slice(),
                scalar => std::slice::from_ref(scalar),
            };
            let operands = Operands { field, operator, values, is_array: operand.is_array() };
            operator::parse(operator, kind, &operands)
        })
        .collect()
}

/// What stands behind an operator: one value or several.
pub(super) struct Operands<'a> {
    field: &'a str,
    operator: &'a str,
    values: &'a [Value],
    is_array: bool,
}

impl Operands<'_> {
    fn wrong(&self, index: Option<usize>, problem: impl Into<String>) -> FilterError {
        let Self { field, operator, .. } = self;
        let index = index.filter(|_| self.is_array).map(|index| format!(".{index}")).unwrap_or_default();
        FilterError::Operand { path: format!("{field}.conditions.{operator}{index}"), problem: problem.into() }
    }

    fn each<T>(&self, problem: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, FilterError> {
        self.values
            .iter()
            .enumerate()
            .map(|(index, value)| read(value).ok_or_else(|| self.wrong(Some(index), problem)))
            .collect()
    }

    /// Texts; numbers and booleans as they are written.
    pub fn texts(&self) -> Result<Vec<String>, FilterError> {
        let texts = self.each("must be string", |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        })?;
        for (index, text) in texts.iter().enumerate() {
            if text.contains('\0') {
                return Err(self.wrong(Some(index), "must NOT contain the character U+0000"));
            }
            if text.chars().count() > TEXT_CHARS {
                return Err(self.wrong(Some(index), format!("must NOT have more than {TEXT_CHARS} characters")));
            }
        }
        Ok(texts)
    }

    /// Numbers, also as text.
    pub fn numbers(&self) -> Result<Vec<f64>, FilterError> {
        self.each("must be number", |value| match value {
            Value::Number(_) => number(&value.to_string()),
            Value::String(text) => number(text.trim()),
            _ => None,
        })
    }

    /// Integers from `least` to `most`, also as text.
    pub fn integers(&self, least: i64, most: i64) -> Result<Vec<i64>, FilterError> {
        let integers = self.each("must be integer", |value| match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        })?;
        for (index, &integer) in integers.iter().enumerate() {
            if integer < least {
                return Err(self.wrong(Some(index), format!("cannot be lower than {least}")));
            }
            if integer > most {
                return Err(self.wrong(Some(index), format!("cannot be higher than {most}")));
            }
        }
        Ok(integers)
    }

    /// Moments, and whether each was given as a date alone.
    pub fn times(&self) -> Result<Vec<(DateTime<Utc>, bool)>, FilterError> {
        self.each("cannot be recognized as a ISO-8601 compliant date", |value| {
            let text = value.as_str()?;
            Some((timestamp::parse(text)?, text.trim().len() == "2026-01-01".len()))
        })
    }

    /// Yes or no.
    pub fn flag(&self) -> Result<bool, FilterError> {
        match self.each("must be boolean", operator::flag)?.as_slice() {
            [] => Ok(true),
            [flag] => Ok(*flag),
            _ => Err(self.wrong(None, "must NOT have more than 1 items")),
        }
    }
}
