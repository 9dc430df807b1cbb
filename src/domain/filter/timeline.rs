//! When the result of a filter changes for a customer as time passes.

use std::collections::HashMap;

use chrono::{DateTime, NaiveTime, Utc};

use super::anniversary::Anniversary;
use super::conditions::Filter;
use super::customer::{CustomerField, CustomerValues};
use super::kind::FieldKind;
use super::predicate::Predicate;
use super::time_condition::TimeCondition;

/// A filter and a period, for which [`Timeline::changes`] finds when a customer starts and stops matching.
#[derive(Clone, Debug)]
pub struct Timeline {
    filter: Filter<CustomerField>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    /// For each anniversary condition, in the order of the filter: the midnights in the period at which a day of the year starts or
    /// stops to satisfy it.
    anniversaries: Vec<HashMap<i32, Vec<DateTime<Utc>>>>,
}

impl Timeline {
    /// Returns the timeline of a filter after `from`, up to and including `until`.
    #[must_use]
    pub fn new(filter: Filter<CustomerField>, from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        let conditions = filter.fields.iter().flat_map(|field| &field.conditions);
        let anniversaries = conditions
            .filter_map(|condition| match &condition.predicate {
                Predicate::Anniversary(anniversaries) => Some(midnights_of_changes(anniversaries, from, until)),
                _ => None,
            })
            .collect();
        Self { filter, from, until, anniversaries }
    }

    /// Returns when the customer starts (`true`) and stops matching the filter, in the order of time.
    #[must_use]
    pub fn changes(&self, customer: &CustomerValues) -> Vec<(DateTime<Utc>, bool)> {
        let mut changes = Vec::new();
        let mut is_matching = self.filter.matches_customer(customer, self.from);
        for time in self.times_to_check(customer) {
            if self.filter.matches_customer(customer, time) != is_matching {
                is_matching = !is_matching;
                changes.push((time, is_matching));
            }
        }
        changes
    }

    /// Returns every time in the period at which the result of a single condition changes, in ascending order.
    fn times_to_check(&self, customer: &CustomerValues) -> Vec<DateTime<Utc>> {
        let mut times = Vec::new();
        let mut anniversaries = self.anniversaries.iter();
        for field in &self.filter.fields {
            if !field.conditions.iter().any(|condition| condition.predicate.depends_on_time()) {
                continue;
            }
            let moments = customer.moments(&field.field, field.kind);
            for condition in &field.conditions {
                match &condition.predicate {
                    Predicate::During(conditions) => {
                        let pairs = conditions.iter().flat_map(|one| moments.iter().map(move |moment| (one, *moment)));
                        times.extend(pairs.flat_map(|(one, moment)| self.changes_of(one, field.kind, moment)));
                    }
                    Predicate::Anniversary(_) => {
                        let midnights = anniversaries.next();
                        let days = moments.iter().map(|moment| super::calendar::month_day(moment.date_naive()));
                        times.extend(days.filter_map(|day| midnights?.get(&day)).flatten());
                    }
                    _ => {}
                }
            }
        }
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Returns when `moment` starts and stops to satisfy a condition. The bounds of the span of a condition move in one direction only,
    /// so each of them passes the moment at most once.
    fn changes_of(
        &self,
        condition: &TimeCondition,
        kind: FieldKind,
        moment: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> {
        let starts = self.first_time(|now| condition.span_at(kind, now).until.is_some_and(|until| until > moment));
        let stops = self.first_time(|now| condition.span_at(kind, now).from.is_some_and(|from| from > moment));
        starts.into_iter().chain(stops)
    }

    /// Returns the first millisecond of the period at which `is_reached` returns `true`, if it does not before. Once it returns `true`,
    /// it returns `true` for every later time.
    fn first_time(&self, is_reached: impl Fn(DateTime<Utc>) -> bool) -> Option<DateTime<Utc>> {
        if is_reached(self.from) || !is_reached(self.until) {
            return None;
        }
        let at = |millis: i64| DateTime::from_timestamp_millis(millis).unwrap_or(self.until);
        let (mut before, mut reached) = (self.from.timestamp_millis(), self.until.timestamp_millis() + 1);
        while reached - before > 1 {
            let middle = before + (reached - before) / 2;
            if is_reached(at(middle)) {
                reached = middle;
            } else {
                before = middle;
            }
        }
        Some(at(reached).min(self.until))
    }
}

/// Returns, for each day of the year that changes, the midnights after `from` and up to `until` at which it starts or stops to satisfy one
/// of the anniversary conditions.
fn midnights_of_changes(
    anniversaries: &[Anniversary],
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> HashMap<i32, Vec<DateTime<Utc>>> {
    let mut midnights: HashMap<i32, Vec<DateTime<Utc>>> = HashMap::new();
    let mut before = Anniversary::month_days_at(anniversaries, from);
    let last = until.date_naive();
    for date in from.date_naive().iter_days().skip(1).take_while(|date| *date <= last) {
        let midnight = date.and_time(NaiveTime::MIN).and_utc();
        let after = Anniversary::month_days_at(anniversaries, midnight);
        // Both are in ascending order.
        let has_ended = before.iter().filter(|day| after.binary_search(day).is_err());
        let has_begun = after.iter().filter(|day| before.binary_search(day).is_err());
        for day in has_ended.chain(has_begun) {
            midnights.entry(*day).or_default().push(midnight);
        }
        before = after;
    }
    midnights
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::filter::JunctionRule;
    use crate::domain::rules::Rules;

    const BIRTHDATE: &str = "1992-02-29";
    const CREATED_AT: &str = "2030-03-04T05:00:00Z";

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Returns the changes of one condition, and checks them against the result of the filter at every hour.
    fn changes(field: &str, conditions: &Value, from: &str, until: &str) -> Vec<(DateTime<Utc>, bool)> {
        let json = json!({"junction": "and", field: {"conditions": conditions}});
        let rules = Rules::default();
        let filter = Filter::parse(&json, JunctionRule::Required, |name| rules.customer_field(name)).unwrap();
        let customer = CustomerValues::with_dates(BIRTHDATE, at(CREATED_AT));
        let changes = Timeline::new(filter.clone(), at(from), at(until)).changes(&customer);
        let mut is_matching = filter.matches_customer(&customer, at(from));
        let mut expected = Vec::new();
        let mut hour = at(from);
        while hour < at(until) {
            hour += TimeDelta::hours(1);
            if filter.matches_customer(&customer, hour) != is_matching {
                is_matching = !is_matching;
                expected.push((hour, is_matching));
            }
        }
        let rounded: Vec<_> = changes.iter().map(|&(time, is_matching)| (next_hour(time), is_matching)).collect();
        assert_eq!(rounded, expected, "{field} {conditions}");
        changes
    }

    /// Returns the first full hour that is not before `time`.
    fn next_hour(time: DateTime<Utc>) -> DateTime<Utc> {
        let hour = 3_600_000;
        DateTime::from_timestamp_millis((time.timestamp_millis() + hour - 1).div_euclid(hour) * hour).unwrap()
    }

    #[test]
    fn a_customer_enters_and_leaves_on_the_birthday_of_each_year() {
        let found = changes("birthdate", &json!({"$today_md": [true]}), "2031-01-01T00:00:00Z", "2033-01-01T00:00:00Z");
        let expected = [
            ("2031-02-28T00:00:00Z", true),
            ("2031-03-01T00:00:00Z", false),
            ("2032-02-29T00:00:00Z", true),
            ("2032-03-01T00:00:00Z", false),
        ];
        assert_eq!(found, expected.map(|(time, is_matching)| (at(time), is_matching)));
    }

    #[test]
    fn a_change_is_found_to_the_millisecond() {
        let found =
            changes("created_at", &json!({"$more_than_ago": [2]}), "2030-03-05T00:00:00Z", "2030-04-01T00:00:00Z");
        assert_eq!(found, [(at("2030-03-06T05:00:00.001Z"), true)]);
        let found =
            changes("created_at", &json!({"$less_than_ago": [2]}), "2030-03-05T00:00:00Z", "2030-04-01T00:00:00Z");
        assert_eq!(found, [(at("2030-03-06T05:00:00Z"), false)]);
        let none =
            changes("created_at", &json!({"$more_than_ago": [2]}), "2030-03-06T06:00:00Z", "2030-04-01T00:00:00Z");
        assert_eq!(none, []);
    }

    #[test]
    fn every_operator_that_depends_on_time_agrees_with_the_result_at_every_hour() {
        let with_number = [
            "$is_days_ago",
            "$is_days_in_future",
            "$more_than_ago",
            "$less_than_ago",
            "$more_than_future",
            "$less_than_future",
            "$is_days_ago_md",
            "$is_more_days_ago_md",
            "$is_less_days_ago_md",
            "$is_days_in_future_md",
            "$is_more_days_in_future_md",
            "$is_less_days_in_future_md",
            "$is_years_ago",
        ];
        let plain = [
            "$today",
            "$tomorrow",
            "$yesterday",
            "$this_week",
            "$last_week",
            "$next_week",
            "$this_month",
            "$last_month",
            "$next_month",
            "$this_year",
            "$next_year",
            "$last_year",
            "$today_md",
            "$tomorrow_md",
            "$yesterday_md",
            "$this_week_md",
            "$last_week_md",
            "$next_week_md",
            "$this_month_md",
            "$last_month_md",
            "$next_month_md",
        ];
        let mut count = 0;
        for field in ["birthdate", "created_at"] {
            for (operator, value) in
                with_number.iter().map(|name| (name, json!([3]))).chain(plain.iter().map(|name| (name, json!([true]))))
            {
                let conditions = json!({*operator: value});
                for (from, until) in
                    [("2029-12-30T07:00:00Z", "2030-01-02T00:00:00Z"), ("2030-02-20T00:00:00Z", "2030-03-16T00:00:00Z")]
                {
                    count += changes(field, &conditions, from, until).len();
                }
            }
        }
        assert!(count > 50, "{count}");
    }
}
