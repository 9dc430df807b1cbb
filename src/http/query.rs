//! Reads query parameters, and reports an invalid one in the vendor's words.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::error::{ApiError, ErrorKind};
use super::unread::{MAX_UNREAD, Unread};
use crate::domain::filter::{FieldKind, Filter, FilterError, JunctionRule};
use crate::domain::limits;
use crate::domain::page::{Page, Sort, Window};
use crate::domain::timestamp;

/// How many parameters a query may have.
const MAX_PARAMETERS: usize = 1_000;

/// The decoded parameters of a request. Brackets in their names may be percent-encoded or not. Parameters that are never read are
/// ignored, as the vendor ignores them: they are unread, and a strict project refuses them.
pub struct Parameters(Vec<Parameter>);

struct Parameter {
    name: String,
    value: String,
    is_read: Cell<bool>,
}

impl Parameters {
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let parameters: Vec<_> = pairs(query).take(MAX_PARAMETERS + 1).collect();
        if parameters.len() > MAX_PARAMETERS {
            return Err(ApiError::invalid_query(format!("Query must NOT have more than {MAX_PARAMETERS} parameters")));
        }
        Ok(Self(parameters))
    }

    /// Returns the parameters that were not read.
    pub fn unread(&self) -> Vec<Unread> {
        let names = self.0.iter().filter(|parameter| !parameter.is_read.get());
        distinct(names.map(|parameter| parameter.name.as_str()))
    }

    /// Returns the parameters whose name fulfils the condition, and marks them as read.
    fn read(&self, is_name: impl Fn(&str) -> bool) -> impl Iterator<Item = &Parameter> {
        let read = self.0.iter().filter(move |parameter| is_name(&parameter.name));
        read.inspect(|parameter| parameter.is_read.set(true))
    }

    /// Marks a parameter as read that the operation knows and deliberately does not use.
    pub fn ignore(&self, name: &str) {
        self.read(|other| other == name).for_each(drop);
    }

    /// Returns the last value of a parameter. An empty value counts as absent.
    fn get(&self, name: &str) -> Option<&str> {
        self.read(|other| other == name)
            .last()
            .map(|parameter| parameter.value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Returns the value of a parameter as text.
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

    /// Returns every value of a parameter that may be repeated as `name`, `name[]` or `name[0]`.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let is_indexed = |key: &str| {
            key.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('['))
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut texts = self.read(|key| key == name || is_indexed(key)).map(|parameter| &parameter.value).peekable();
        texts.peek()?;
        // No stored value contains U+0000, so a value with it cannot match and need not be compared.
        Some(texts.filter(|text| !text.contains('\0')).cloned().collect())
    }

    /// Returns an integer of `min` to `max`.
    pub fn integer(&self, name: &str, min: i64, max: i64, default: i64) -> Result<i64, ApiError> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let number: i64 =
            text.parse().map_err(|_| ApiError::invalid_query(format!("Property .{name} must be integer")))?;
        if number < min {
            return Err(ApiError::invalid_query(format!("Property .{name} cannot be lower than {min}")));
        }
        if number > max {
            return Err(ApiError::invalid_query(format!("Property .{name} cannot be higher than {max}")));
        }
        Ok(number)
    }

    /// Returns `limit`: 1 to 100, 10 by default.
    pub fn limit(&self) -> Result<i64, ApiError> {
        self.integer("limit", 1, 100, 10)
    }

    /// Returns `limit` and `page`; `page` is 1 to `max_page`.
    pub fn page(&self, max_page: i64) -> Result<Page, ApiError> {
        Ok(Page { limit: self.limit()?, number: self.integer("page", 1, max_page, 1)? })
    }

    /// Returns `limit`, `page` and the cursor `starting_after`. `page` is ignored beside a cursor, whatever its value.
    pub fn page_or_cursor(&self, max_page: i64) -> Result<(Page, Option<DateTime<Utc>>), ApiError> {
        let cursor = self.time("starting_after")?;
        if cursor.is_none() {
            return Ok((self.page(max_page)?, None));
        }
        self.ignore("page");
        Ok((Page::first(self.limit()?), cursor))
    }

    /// Returns `order`, one of `allowed`; all of them must be texts that [`Sort::parse`] reads.
    pub fn order(&self, allowed: &[&str]) -> Result<Sort, ApiError> {
        Ok(self.one_of("order", allowed)?.and_then(Sort::parse).unwrap_or(Sort::NEWEST_FIRST))
    }

    /// Returns the value of a parameter, which must be one of `allowed`.
    pub fn one_of<'a>(&self, name: &str, allowed: &[&'a str]) -> Result<Option<&'a str>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        allowed.iter().find(|&&one| one == text).map(|&one| Some(one)).ok_or_else(|| {
            let allowed = allowed.join(", ");
            ApiError::invalid_query(format!(
                "Property .{name} must be equal to one of the allowed values [ {allowed} ]"
            ))
        })
    }

    /// Returns an ISO 8601 date, or date and time, as a point in time.
    pub fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let time = timestamp::parse(text).ok_or_else(|| {
            let path = name.replace('[', ".").replace(']', "");
            ApiError::invalid_query(format!("Property .{path} cannot be recognized as a ISO-8601 compliant date"))
        })?;
        Ok(Some(time))
    }

    /// Returns the times `name[before]` and `name[after]`.
    pub fn window(&self, name: &str) -> Result<Window, ApiError> {
        Ok(Window { before: self.time(&format!("{name}[before]"))?, after: self.time(&format!("{name}[after]"))? })
    }

    /// Returns the parameters `filters[<field>][conditions][<operator>]` (with or without an index behind the operator) and
    /// `filters[junction]` as the JSON of a filter; `None` when the query has none.
    pub fn filters(&self) -> Result<Option<Value>, ApiError> {
        let malformed = || ApiError::filter(&FilterError::Malformed, ErrorKind::InvalidQueryParams, ".filters");
        let mut filter = Map::new();
        for Parameter { name, value, .. } in self.read(|name| name == "filters" || name.starts_with("filters[")) {
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
            // The entry of `filters[junction]` is a text and has no conditions, so it is left as it is.
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

    /// Parses [`Parameters::filters`]. `field` maps a name to a field; the junction is optional.
    pub fn filter_of<F>(
        &self,
        field: impl FnMut(&str) -> Option<(F, FieldKind)>,
    ) -> Result<Option<Filter<F>>, ApiError> {
        self.filters()?.map(|json| parse_filter(&json, field)).transpose()
    }
}

/// Parses the JSON of [`Parameters::filters`]. `field` maps a name to a field; the junction is optional.
pub fn parse_filter<F>(json: &Value, field: impl FnMut(&str) -> Option<(F, FieldKind)>) -> Result<Filter<F>, ApiError> {
    Filter::parse(json, JunctionRule::Optional, field)
        .map_err(|error| ApiError::filter(&error, ErrorKind::InvalidQueryParams, ".filters"))
}

/// Returns the parameters of a query of which the operation knows none.
pub fn all_unread(query: &str) -> Vec<Unread> {
    let names: Vec<_> = pairs(query).map(|parameter| parameter.name).take(MAX_PARAMETERS).collect();
    distinct(names.iter().map(String::as_str))
}

fn pairs(query: &str) -> impl Iterator<Item = Parameter> {
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.map(|(name, value)| Parameter { name, value, is_read: Cell::new(false) })
}

/// Returns the first parameters with different names.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Unread> {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.len() == MAX_UNREAD {
            break;
        }
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen.into_iter().map(Unread::parameter).collect()
}
