use axum::response::{IntoResponse, Redirect, Response};

use crate::console::link::with_encoded_query;
use crate::console::page::RawQuery;
use crate::console::project::Project;
use crate::console::section::Section;

/// GET /_emulator/console/projects/{project}/customers/filter
///
/// Adds the condition of the form to the parameters `filters[...]` of the list. A form alone cannot put a value into the name of a parameter.
pub async fn handle(project: Project, query: RawQuery) -> Response {
    let (field, operator) = (query.text("condition_field"), query.text("condition_operator"));
    let value = query.text("condition_value");
    let kept: Vec<_> = form_urlencoded::parse(query.0.as_bytes())
        .into_owned()
        .filter(|(name, value)| !name.starts_with("condition_") && name != "after" && !value.is_empty())
        .collect();
    let mut list = form_urlencoded::Serializer::new(String::new());
    list.extend_pairs(kept);
    if !field.is_empty() && !operator.is_empty() {
        list.append_pair(&format!("filters[{field}][conditions][{operator}][]"), &value);
    }
    Redirect::to(&with_encoded_query(&project.section_link(Section::Customers), &list.finish())).into_response()
}

/// A condition of the list, with the link to the list without it.
pub struct ConditionView {
    pub text: String,
    pub without: String,
}

/// Returns the conditions in the parameters `filters[...]`.
pub fn conditions(query: &RawQuery, list_link: &str) -> Vec<ConditionView> {
    let parameters: Vec<(String, String)> = form_urlencoded::parse(query.0.as_bytes()).into_owned().collect();
    let is_shown = |name: &str| {
        name.starts_with("filters[") || name == "segment_id" || name.ends_with("[before]") || name.ends_with("[after]")
    };
    let shown = parameters.iter().enumerate().filter(|(_, (name, _))| is_shown(name));
    shown
        .map(|(index, (name, value))| {
            let others = parameters.iter().enumerate().filter(|(other, (name, _))| *other != index && name != "after");
            let mut rest = form_urlencoded::Serializer::new(String::new());
            rest.extend_pairs(others.map(|(_, pair)| pair));
            ConditionView { text: words(name, value), without: with_encoded_query(list_link, &rest.finish()) }
        })
        .collect()
}

fn words(name: &str, value: &str) -> String {
    let parts = name.strip_prefix("filters[").and_then(|rest| rest.split_once("][conditions]["));
    match parts {
        Some((field, operator)) => {
            let operator = operator.split(']').next().unwrap_or_default();
            format!("{field} {operator} {value}")
        }
        None => format!("{name} {value}"),
    }
}
