//! Parses the JSON of a filter.

use serde_json::{Map, Value};

use super::conditions::{Condition, FieldFilter, Filter, Junction};
use super::error::FilterError;
use super::kind::FieldKind;
use super::operands::Operands;
use super::operator;
use crate::domain::limits::{FILTER_CONDITIONS, FILTER_VALUES, TEXT_CHARS};

impl<F> Filter<F> {
    /// Parses a filter. `field` returns the field with a name, and its kind. `default` is the junction of a filter
    /// without `junction`; if it is `None`, such a filter is an error.
    ///
    /// # Errors
    /// Returns the first error in the filter.
    pub fn parse(
        json: &Value,
        default: Option<Junction>,
        mut field: impl FnMut(&str) -> Option<(F, FieldKind)>,
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
            fields.push(FieldFilter { field, kind, conditions: parse_conditions(name, kind, conditions)? });
        }
        Ok(Self { junction, fields })
    }
}

fn parse_conditions(
    field: &str,
    kind: FieldKind,
    conditions: &Map<String, Value>,
) -> Result<Vec<Condition>, FilterError> {
    conditions
        .iter()
        .map(|(operator, operand)| {
            let values = match operand {
                Value::Array(values) => values.as_slice(),
                scalar => std::slice::from_ref(scalar),
            };
            let operands = Operands::new(field, operator, values, operand.is_array());
            operator::parse(operator, kind, &operands)
        })
        .collect()
}
