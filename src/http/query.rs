//! Query parameters, read with the vendor's wording for what is wrong.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::error::{ApiError, ErrorKind};
use crate::domain::filter::{Filter, FilterError, Junction, FieldKind};
use crate::domain::limits;
use crate::domain::page::{Page, Sort, Window};
use crate::domain::timestamp;

/// Parameters at the most; more are an attack or a mistake.
const PARAMETERS: usize = 1_000;

/// The parameters of a request, decoded. Brackets in names may be encoded or not.
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().take(PARAMETERS + 1).collect();
        if parameters.len() > PARAMETERS {
            return Err(ApiError::invalid_query(format!("Query must NOT have more than {PARAMETERS} parameters")));
        }
        Ok(Self(parameters))
    }

    /// The last value of a parameter; an empty one counts as not sent.
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if text.contains('\0') {
            return Err(ApiError::invalid_query(format!("Property .{name} must NOT contain the character U+0000")));
        }
        if text.chars().count() > limits::TEXT_CHARS {
            let details = format!("Property .{name} must NOT have more than {} characters", limits::TEXT_CHARS);
            return Err(ApiError::invalid_query(details));
        }
        Ok(Some(text.to_owned()))
    }

    /// Every value of a parameter that may be repeated: `name`, `name[]` or `name[0]`.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let is_indexed = |key: &str| {
            key.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('['))
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut texts =
            self.0.iter().filter(|(key, _)| key == name || is_indexed(key)).map(|(_, value)| value).peekable();
        texts.peek()?;
        // What holds U+0000 is nobody's.
        Some(texts.filter(|text| !text.contains('\0')).cloned().collect())
    }

    fn integer(&self, name: &str, least: i64, most: i64, default: i64) -> Result<i64, ApiError> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let number: i64 =
            text.parse().map_err(|_| ApiError::invalid_query(format!("Property .{name} must be integer")))?;
        if number < least {
            return Err(ApiError::invalid_query(format!("Property .{name} cannot be lower than {least}")));
        }
        if number > most {
            return Err(ApiError::invalid_query(format!("Property .{name} cannot be higher than {most}")));
        }
        Ok(number)
    }

    /// `limit`, 1 to 100, 10 by default.
    pub fn limit(&self) -> Result<i64, ApiError> {
        self.integer("limit", 1, 100, 10)
    }

    /// `limit` and `page`, 1 to `pages`.
    pub fn page(&self, pages: i64) -> Result<Page, ApiError> {
        Ok(Page { limit: self.limit()?, number: self.integer("page", 1, pages, 1)? })
    }

    /// `order`, one of `allowed`, which are what [`Sort::parse`] reads.
    pub fn order(&self, allowed: &[&str]) -> Result<Sort, ApiError> {
        Ok(self.one_of("order", allowed)?.and_then(Sort::parse).unwrap_or(Sort::NEWEST_FIRST))
    }

    /// One of `allowed`.
    pub fn one_of<'a>(&self, name: &str, allowed: &[&'a str]) -> Result<Option<&'a str>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        allowed.iter().find(|&&one| one == text).map(|&one| Some(one)).ok_or_else(|| {
            let allowed = allowed.join(", ");
            ApiError::invalid_query(format!(
                "Property .{name} must be equal to one of the allowed values [ {allowed} ]"
            ))
        })
    }

    /// An ISO 8601 date or date and time.
    pub fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let time = timestamp::parse(text).ok_or_else(|| {
            let path = name.replace('[', ".").replace(']', "");
            ApiError::invalid_query(format!("Property .{path} cannot be recognized as a ISO-8601 compliant date"))
        })?;
        Ok(Some(time))
    }

    /// `name[before]` and `name[after]`.
    pub fn window(&self, name: &str) -> Result<Window, ApiError> {
        Ok(Window { before: self.time(&format!("{name}[before]"))?, after: self.time(&format!("{name}[after]"))? })
    }

    /// `filters[<field>][conditions][<operator>]`, the last also with an index, and `filters[junction]`, as the JSON of a filter;
    /// `None` where there are none.
    pub fn filters(&self) -> Result<Option<Value>, ApiError> {
        let malformed = || ApiError::filter(&FilterError::Malformed, ErrorKind::InvalidQueryParams, ".filters");
        let mut filter = Map::new();
        for (name, value) in self.0.iter().filter(|(name, _)| name == "filters" || name.starts_with("filters[")) {
            if name == "filters[junction]" {
                filter.insert("junction".to_owned(), value.clone().into());
                continue;
            }
            let (field, operator) = name
                .strip_prefix("filters[")
                .and_then(|rest| rest.strip_suffix(']'))
                .and_then(|rest| rest.split_once("][conditions]["))
                .ok_or_else(malformed)?;
            let (operator, index) = operator.split_once("][").unwrap_or((operator, ""));
            if !index.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(malformed());
            }
            // A member that is in the way is replaced: `filters[junction]` is no field.
            let conditions = filter.entry(field).or_insert_with(|| json!({"conditions": {}}));
            if let Some(conditions) = conditions.get_mut("conditions").and_then(Value::as_object_mut) {
                let values = conditions.entry(operator).or_insert_with(|| json!([]));
                if let Some(values) = values.as_array_mut() {
                    values.push(value.clone().into());
                }
            }
        }
        Ok((!filter.is_empty()).then_some(Value::Object(filter)))
    }

    /// [`Query::filters`] over the fields that `field` knows by name, joined by `and` where nothing else is said.
    pub fn filter_of<F>(&self, field: impl FnMut(&str) -> Option<(F, FieldKind)>) -> Result<Option<Filter<F>>, ApiError> {
        let Some(json) = self.filters()? else { return Ok(None) };
        Filter::parse(&json, Some(Junction::And), field)
            .map(Some)
            .map_err(|error| ApiError::filter(&error, ErrorKind::InvalidQueryParams, ".filters"))
    }
}
