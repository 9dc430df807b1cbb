//! The vendor's filter language: `{"junction": "and", "<field>": {"conditions": {"<operator>": [values]}}}`.
//!
//! [`Filter::parse`] converts the JSON to types, once. The typed filter is evaluated in two ways, which must always
//! agree: [`Filter::matches`] evaluates it for one object in memory, and `db::filter` converts it to an SQL condition.
//! A property test compares them. Conditions that depend on the time are first converted to fixed time spans and days
//! of the year ([`TimeCondition::span_at`], [`Anniversary::month_days_at`]), by the same code for both.
//!
//! A field has no value if it is unset or `null`, one value for each element of a metadata array, and otherwise one
//! value. A condition holds if any of the values satisfies it. The negative operators (`$is_not`, `$not_in`,
//! `$not_contain`, `$is_unknown`) are the exact opposite of the positive ones.

mod anniversary;
mod calendar;
mod comparison;
mod conditions;
mod customer;
mod error;
mod kind;
mod operands;
mod operator;
mod operator_names;
mod order;
mod parse;
mod predicate;
mod scalar;
mod segment;
mod text_operands;
mod time_condition;
mod timeline;

pub use anniversary::Anniversary;
pub use comparison::Comparison;
pub use conditions::{ChangedValues, Condition, FieldFilter, Filter, Junction};
pub use customer::{CustomerField, CustomerValues, SystemField};
pub use error::FilterError;
pub use kind::FieldKind;
pub use operator_names::OPERATORS;
pub use order::OrderField;
pub use parse::JunctionRule;
pub use predicate::{DatePart, Predicate};
pub use scalar::Scalar;
pub use segment::SegmentField;
pub use text_operands::{ComparedTexts, Prefixes, Substrings, Suffixes};
pub use time_condition::{Span, TimeCondition};
pub use timeline::Timeline;
