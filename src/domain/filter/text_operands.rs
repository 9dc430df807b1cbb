//! The texts that an operator compares values with, prepared so that the work for one value hardly depends on their
//! number.

use std::fmt;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::comparison::Comparison;
use crate::domain::limits::FILTER_TEXT_CHARS;

/// Up to this number of substrings, searching for each costs less than building an automaton for all.
const MAX_SEPARATE_SEARCHES: usize = 4;

/// Texts that are compared with whole values, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedTexts(Vec<String>);

impl ComparedTexts {
    /// Prepares `operands`.
    #[must_use]
    pub fn new(mut operands: Vec<String>) -> Self {
        operands.sort_unstable();
        operands.dedup();
        Self(operands)
    }

    /// Returns whether the comparison of `value` with one of the texts holds.
    pub(super) fn holds(&self, comparison: Comparison, value: &str) -> bool {
        let is = |operand: Option<&String>| operand.is_some_and(|operand| comparison.holds(value, operand.as_str()));
        match comparison {
            Comparison::Equal => self.0.binary_search_by(|operand| operand.as_str().cmp(value)).is_ok(),
            // Only the smallest or the largest text decides.
            Comparison::More | Comparison::MoreOrEqual => is(self.0.first()),
            Comparison::Less | Comparison::LessOrEqual => is(self.0.last()),
        }
    }

    /// Returns the texts.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Texts with which values start: sorted, without those that start with another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes(Vec<String>);

impl Prefixes {
    /// Prepares `operands`.
    #[must_use]
    pub fn new(mut operands: Vec<String>) -> Self {
        operands.sort_unstable();
        operands.dedup_by(|operand, kept| operand.starts_with(kept.as_str()));
        Self(operands)
    }

    /// Returns whether `value` starts with one of the texts.
    pub(super) fn match_start_of(&self, value: &str) -> bool {
        // A prefix of the value is not greater than the value, and every text in between would start with that prefix.
        let following = self.0.partition_point(|operand| operand.as_str() <= value);
        self.0[..following].last().is_some_and(|operand| value.starts_with(operand.as_str()))
    }

    /// Returns the texts.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Texts with which values end: sorted from their last byte to their first, without those that end with another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suffixes(Vec<String>);

impl Suffixes {
    /// Prepares `operands`.
    #[must_use]
    pub fn new(mut operands: Vec<String>) -> Self {
        operands.sort_unstable_by(|one, other| one.bytes().rev().cmp(other.bytes().rev()));
        operands.dedup_by(|operand, kept| operand.ends_with(kept.as_str()));
        Self(operands)
    }

    /// Returns whether `value` ends with one of the texts.
    pub(super) fn match_end_of(&self, value: &str) -> bool {
        let following = self.0.partition_point(|operand| operand.bytes().rev().le(value.bytes().rev()));
        self.0[..following].last().is_some_and(|operand| value.ends_with(operand.as_str()))
    }

    /// Returns the texts.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Texts that are searched for in the first [`FILTER_TEXT_CHARS`] characters of values.
#[derive(Clone)]
pub struct Substrings {
    operands: Vec<String>,
    /// Finds all texts in one pass. It is built when it is first needed, because many filters are only evaluated in SQL.
    automaton: OnceLock<Option<AhoCorasick>>,
}

impl Substrings {
    /// Prepares `operands`.
    #[must_use]
    pub fn new(mut operands: Vec<String>) -> Self {
        operands.sort_unstable();
        operands.dedup();
        Self { operands, automaton: OnceLock::new() }
    }

    /// Returns whether one of the texts is in the first [`FILTER_TEXT_CHARS`] characters of `value`.
    pub(super) fn are_in(&self, value: &str) -> bool {
        let value = first_chars(value, FILTER_TEXT_CHARS);
        if self.operands.len() > MAX_SEPARATE_SEARCHES
            && let Some(automaton) = self.automaton.get_or_init(|| automaton(&self.operands))
        {
            return automaton.is_match(value);
        }
        self.operands.iter().any(|operand| value.contains(operand.as_str()))
    }

    /// Returns the texts.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.operands
    }
}

impl PartialEq for Substrings {
    fn eq(&self, other: &Self) -> bool {
        self.operands == other.operands
    }
}

impl fmt::Debug for Substrings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Substrings").field(&self.operands).finish()
    }
}

/// Returns the automaton that finds all of `operands`, in the form that takes the least memory. Returns `None` if they
/// are too many for one automaton, which the limits of a filter exclude.
fn automaton(operands: &[String]) -> Option<AhoCorasick> {
    AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).prefilter(false).build(operands).ok()
}

/// Returns the first `count` characters of `text`.
fn first_chars(text: &str, count: usize) -> &str {
    // A text never has more characters than bytes, so that short texts need not be counted.
    if text.len() <= count {
        return text;
    }
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_first_characters_of_a_text_are_searched() {
        let filler = "ą".repeat(FILTER_TEXT_CHARS - 1);
        for count in [1, 2 * MAX_SEPARATE_SEARCHES] {
            let mut operands: Vec<_> = (1..count).map(|number| format!("other {number}")).collect();
            operands.push("x".to_owned());
            let substrings = Substrings::new(operands);
            assert!(substrings.are_in(&format!("{filler}x")));
            assert!(!substrings.are_in(&format!("{filler}ąx")));
        }
    }

    #[test]
    fn no_text_matches_when_there_are_no_operands() {
        assert!(!ComparedTexts::new(Vec::new()).holds(Comparison::More, "a"));
        assert!(!Prefixes::new(Vec::new()).match_start_of("a"));
        assert!(!Suffixes::new(Vec::new()).match_end_of("a"));
        assert!(!Substrings::new(Vec::new()).are_in("a"));
    }

    #[test]
    fn an_automaton_of_the_largest_filter_takes_little_memory() {
        let operands: Vec<_> = (0..1_000).map(|number| format!("{number:0>60}")).collect();
        assert!(automaton(&operands).unwrap().memory_usage() < 2 * 1024 * 1024);
        let operands: Vec<_> = (0..1_000).map(|number| format!("{number:0<60}")).collect();
        assert!(automaton(&operands).unwrap().memory_usage() < 2 * 1024 * 1024);
    }

    proptest! {
        #[test]
        fn prepared_texts_match_as_the_texts_one_by_one(
            operands in proptest::collection::vec("[abą]{0,4}", 0..12),
            value in "[abą]{0,8}",
        ) {
            let any = |matches: &dyn Fn(&str) -> bool| operands.iter().any(|operand| matches(operand));
            for comparison in [
                Comparison::Equal,
                Comparison::More,
                Comparison::MoreOrEqual,
                Comparison::Less,
                Comparison::LessOrEqual,
            ] {
                prop_assert_eq!(
                    ComparedTexts::new(operands.clone()).holds(comparison, &value),
                    any(&|operand| comparison.holds(value.as_str(), operand))
                );
            }
            prop_assert_eq!(
                Prefixes::new(operands.clone()).match_start_of(&value),
                any(&|operand| value.starts_with(operand))
            );
            prop_assert_eq!(
                Suffixes::new(operands.clone()).match_end_of(&value),
                any(&|operand| value.ends_with(operand))
            );
            prop_assert_eq!(
                Substrings::new(operands.clone()).are_in(&value),
                any(&|operand| value.contains(operand))
            );
        }
    }
}
