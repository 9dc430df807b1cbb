//! A filter in words.

use serde_json::Value;

/// Returns a filter in words: its conditions, joined by its junction.
pub fn in_words(filter: &Value) -> String {
    let Some(members) = filter.as_object() else { return String::new() };
    let is_or =
        members.get("junction").and_then(Value::as_str).is_some_and(|junction| junction.eq_ignore_ascii_case("or"));
    let fields = members.iter().filter(|(name, _)| *name != "junction");
    let conditions: Vec<_> = fields.filter_map(|(name, field)| conditions_in_words(name, field, is_or)).collect();
    if conditions.is_empty() {
        return "Every customer.".to_owned();
    }
    format!("Customers whose {}.", conditions.join(if is_or { ", or " } else { ", and " }))
}

/// Returns the conditions on one field, all of which must hold.
fn conditions_in_words(name: &str, field: &Value, is_in_or: bool) -> Option<String> {
    let conditions = field.get("conditions")?.as_object()?;
    let words: Vec<_> = conditions.iter().map(|(operator, values)| condition_in_words(operator, values)).collect();
    if words.is_empty() {
        return None;
    }
    let text = format!("{name} {}", words.join(" and "));
    Some(if is_in_or && words.len() > 1 { format!("({text})") } else { text })
}

fn condition_in_words(operator: &str, values: &Value) -> String {
    let values: Vec<_> = match values {
        Value::Array(values) => values.iter().map(value_in_words).collect(),
        other => vec![value_in_words(other)],
    };
    let phrase = phrase(operator);
    if phrase.contains("{}") {
        let list = if values.is_empty() { "nothing".to_owned() } else { values.join(" or ") };
        return phrase.replace("{}", &list);
    }
    // The operator takes a boolean, and `false` negates it.
    if values.iter().all(|value| value == "false") { format!("not: {phrase}") } else { phrase }
}

fn value_in_words(value: &Value) -> String {
    match value {
        Value::String(text) => format!("“{text}”"),
        other => other.to_string(),
    }
}

/// Returns the words for an operator; `{}` stands for its values. An unknown operator is shown as it is.
fn phrase(operator: &str) -> String {
    let known = match operator {
        "$is" | "$in" => "is {}",
        "$is_not" | "$not_in" => "is not {}",
        "$in_location" => "is in the location {}",
        "$not_in_location" => "is not in the location {}",
        "$has_value" => "has a value",
        "$is_unknown" => "has no value",
        "$contains" => "contains {}",
        "$not_contain" => "does not contain {}",
        "$starts_with" => "starts with {}",
        "$ends_with" => "ends with {}",
        "$more_than" => "is more than {}",
        "$less_than" => "is less than {}",
        "$more_than_equal" => "is at least {}",
        "$less_than_equal" => "is at most {}",
        "$more_than_ago" => "is more than {} days ago",
        "$less_than_ago" => "is less than {} days ago",
        "$more_than_future" => "is more than {} days in the future",
        "$less_than_future" => "is less than {} days in the future",
        "$after" => "is after {}",
        "$before" => "is before {}",
        "$count" => "has {} values",
        "$count_less" => "has fewer than {} values",
        "$count_more" => "has more than {} values",
        "$is_days_ago" => "is {} days ago",
        "$is_days_in_future" => "is {} days in the future",
        "$is_years_ago" => "is {} years ago",
        "$today" => "is today",
        "$tomorrow" => "is tomorrow",
        "$yesterday" => "is yesterday",
        "$this_week" => "is in this week",
        "$last_week" => "is in the last week",
        "$next_week" => "is in the next week",
        "$this_month" => "is in this month",
        "$last_month" => "is in the last month",
        "$next_month" => "is in the next month",
        "$this_year" => "is in this year",
        "$last_year" => "is in the last year",
        "$next_year" => "is in the next year",
        "$is_day_of_month" => "is on day {} of a month",
        "$is_day" => "is on weekday {} (1 is Monday)",
        "$is_month" => "is in month {}",
        "$is_year" => "is in year {}",
        "$today_md" => "has its anniversary today",
        "$tomorrow_md" => "has its anniversary tomorrow",
        "$yesterday_md" => "had its anniversary yesterday",
        "$this_week_md" => "has its anniversary in this week",
        "$last_week_md" => "had its anniversary in the last week",
        "$next_week_md" => "has its anniversary in the next week",
        "$this_month_md" => "has its anniversary in this month",
        "$last_month_md" => "had its anniversary in the last month",
        "$next_month_md" => "has its anniversary in the next month",
        "$is_days_ago_md" => "had its anniversary {} days ago",
        "$is_more_days_ago_md" => "had its anniversary more than {} days ago",
        "$is_less_days_ago_md" => "had its anniversary less than {} days ago",
        "$is_days_in_future_md" => "has its anniversary in {} days",
        "$is_more_days_in_future_md" => "has its anniversary in more than {} days",
        "$is_less_days_in_future_md" => "has its anniversary in less than {} days",
        other => return format!("{other} {{}}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::filter::{CustomerField, Filter, JunctionRule, OPERATORS};

    #[test]
    fn a_filter_is_shown_in_words() {
        let filter = json!({
            "junction": "or",
            "address.city": {"conditions": {"$is": ["Berlin", "Rome"], "$starts_with": "B"}},
            "created_at": {"conditions": {"$today": [false]}},
            "loyalty.points": {"conditions": {"$more_than": [5]}}
        });
        assert_eq!(
            in_words(&filter),
            "Customers whose (address.city is “Berlin” or “Rome” and starts with “B”), or created_at not: is today, or loyalty.points is \
             more than 5."
        );
        assert_eq!(in_words(&json!({"junction": "and"})), "Every customer.");
    }

    #[test]
    fn every_emulated_operator_has_words() {
        for operator in OPERATORS {
            // An operator that is not emulated fails with every operand.
            let is_emulated = [json!(["1"]), json!([true]), json!(["2024-01-01"])].into_iter().any(|operand| {
                let filter = json!({"junction": "and", "created_at": {"conditions": {operator: operand}}});
                let parsed =
                    Filter::parse(&filter, JunctionRule::Required, |name| CustomerField::parse(name, |_| None));
                parsed.is_ok()
            });
            assert!(!is_emulated || !phrase(operator).contains('$'), "{operator}");
        }
    }
}
