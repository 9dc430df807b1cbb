//! Parses the JSON of a filter.

use serde_json::{Map, Value};

use super::conditions::{Condition, FieldFilter, Filter, Junction};
use super::error::FilterError;
use super::kind::FieldKind;
use super::operands::Operands;
use super::operator;
use crate::domain::limits::{FILTER_CONDITIONS, FILTER_VALUES, TEXT_CHARS};

/// Which values of the member `junction` are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JunctionRule {
    /// `and` or `or`, as the vendor publishes it for segments.
    Required,
    /// The same in any case, for queries and exports; `and` when there is none.
    Optional,
}

impl JunctionRule {
    fn parse(self, value: Option<&Value>) -> Result<Junction, FilterError> {
        let text = match (value, self) {
            (Some(Value::String(text)), _) => text.as_str(),
            (None, Self::Optional) => return Ok(Junction::And),
            _ => return Err(FilterError::Junction),
        };
        let is = |name: &str| match self {
            Self::Required => text == name,
            Self::Optional => text.eq_ignore_ascii_case(name),
        };
        if is("and") {
            Ok(Junction::And)
        } else if is("or") {
            Ok(Junction::Or)
        } else {
            Err(FilterError::Junction)
        }
    }
}

impl<F> Filter<F> {
    /// Parses a filter. `field` returns the field with a name, and its kind.
    ///
    /// # Errors
    /// Returns the first error in the filter.
    pub fn parse(
        json: &Value,
        rule: JunctionRule,
        mut field: impl FnMut(&str) -> Option<(F, FieldKind)>,
    ) -> Result<Self, FilterError> {
        let Value::Object(members) = json else { return Err(FilterError::Junction) };
        let junction = rule.parse(members.get("junction"))?;
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
