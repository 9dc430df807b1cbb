//! The operands of an operator.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::error::FilterError;
use super::scalar::number;
use crate::domain::json::javascript;
use crate::domain::limits::TEXT_CHARS;
use crate::domain::timestamp;

/// The operands of one operator: a single value, or an array of values.
pub(super) struct Operands<'a> {
    field: &'a str,
    operator: &'a str,
    values: &'a [Value],
    is_array: bool,
}

impl<'a> Operands<'a> {
    /// Returns the operands of `operator` on `field`. `is_array` is whether they were sent as an array.
    pub fn new(field: &'a str, operator: &'a str, values: &'a [Value], is_array: bool) -> Self {
        Self { field, operator, values, is_array }
    }

    fn error(&self, index: Option<usize>, problem: impl Into<String>) -> FilterError {
        let Self { field, operator, .. } = self;
        let index = index.filter(|_| self.is_array).map(|index| format!(".{index}")).unwrap_or_default();
        FilterError::Operand { path: format!("{field}.conditions.{operator}{index}"), problem: problem.into() }
    }

    fn parse_each<T>(&self, problem: &str, parse: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, FilterError> {
        self.values
            .iter()
            .enumerate()
            .map(|(index, value)| parse(value).ok_or_else(|| self.error(Some(index), problem)))
            .collect()
    }

    /// Parses the operands as texts. Numbers and booleans are converted to text.
    ///
    /// # Errors
    /// Returns an error if an operand is not a valid text.
    pub fn texts(&self) -> Result<Vec<String>, FilterError> {
        let texts = self.parse_each("must be string", |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(javascript::text(value)),
            _ => None,
        })?;
        for (index, text) in texts.iter().enumerate() {
            if text.contains('\0') {
                return Err(self.error(Some(index), "must NOT contain the character U+0000"));
            }
            if text.chars().count() > TEXT_CHARS {
                return Err(self.error(Some(index), format!("must NOT have more than {TEXT_CHARS} characters")));
            }
        }
        Ok(texts)
    }

    /// Parses the operands as numbers, which may be sent as text.
    ///
    /// # Errors
    /// Returns an error if an operand is not a number.
    pub fn numbers(&self) -> Result<Vec<f64>, FilterError> {
        self.parse_each("must be number", |value| match value {
            Value::Number(_) => number(&value.to_string()),
            Value::String(text) => number(text.trim()),
            _ => None,
        })
    }

    /// Parses the operands as integers from `min` to `max`, which may be sent as text.
    ///
    /// # Errors
    /// Returns an error if an operand is not such an integer.
    pub fn integers(&self, min: i64, max: i64) -> Result<Vec<i64>, FilterError> {
        let integers = self.parse_each("must be integer", |value| match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        })?;
        for (index, &integer) in integers.iter().enumerate() {
            if integer < min {
                return Err(self.error(Some(index), format!("cannot be lower than {min}")));
            }
            if integer > max {
                return Err(self.error(Some(index), format!("cannot be higher than {max}")));
            }
        }
        Ok(integers)
    }

    /// Parses the operands as times, each with whether it was sent as a date without a time of day.
    ///
    /// # Errors
    /// Returns an error if an operand is not a time.
    pub fn times(&self) -> Result<Vec<(DateTime<Utc>, bool)>, FilterError> {
        self.parse_each("cannot be recognized as a ISO-8601 compliant date", |value| {
            let text = value.as_str()?;
            Some((timestamp::parse(text)?, text.trim().len() == "2026-01-01".len()))
        })
    }

    /// Parses the operands as one boolean. The default is `true`.
    ///
    /// # Errors
    /// Returns an error if an operand is not a boolean, or there is more than one.
    pub fn flag(&self) -> Result<bool, FilterError> {
        match self.parse_each("must be boolean", parse_flag)?.as_slice() {
            [] => Ok(true),
            [flag] => Ok(*flag),
            _ => Err(self.error(None, "must NOT have more than 1 items")),
        }
    }
}

/// Parses a boolean, which may be sent as text. The empty text, which a query string parameter without a value has, is
/// `true`.
fn parse_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.as_str() {
            "" | "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
