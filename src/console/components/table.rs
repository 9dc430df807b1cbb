//! A table of objects.

use askama::Template;
use askama::filters::HtmlSafe;

/// A table. On a narrow screen it scrolls inside of its own frame.
#[derive(Template)]
#[template(path = "components/table.html")]
pub struct Table {
    /// For screen readers.
    pub caption: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Row>,
}

impl Table {
    /// Returns whether a column contains numbers, which are aligned to the right.
    fn is_of_numbers(&self, column: usize) -> bool {
        self.rows.iter().filter_map(|row| row.get(column)).any(|cell| cell.class == "number")
    }
}

/// A row of a table, as long as the columns are many.
pub type Row = Vec<Cell>;

/// A row on its own, for pages that add rows to their table.
#[derive(Template)]
#[template(path = "components/row.html")]
pub struct TableRow {
    pub row: Row,
}

/// A value.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "components/cell.html")]
pub struct Cell {
    pub text: String,
    pub href: Option<String>,
    /// The class of the style: `code`, `number`, `time`, `progress`, `confirmed`, or a badge with its tone.
    pub class: &'static str,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Returns an identifier.
    pub fn code(text: impl Into<String>) -> Self {
        Self { class: "code", ..Self::text(text) }
    }

    pub fn number(number: i64) -> Self {
        Self { class: "number", ..Self::text(grouped(number)) }
    }

    pub fn time(text: impl Into<String>) -> Self {
        Self { class: "time", ..Self::text(text) }
    }

    /// Returns a short word, such as a status. `tone` is `good`, `bad`, `busy` or nothing.
    pub fn badge(text: impl Into<String>, tone: &str) -> Self {
        let class = match tone {
            "good" => "badge good",
            "bad" => "badge bad",
            "busy" => "badge busy",
            _ => "badge",
        };
        Self { class, ..Self::text(text) }
    }

    /// Returns a progress in percent.
    pub fn progress(percent: i64) -> Self {
        Self { class: "progress", ..Self::text(percent.to_string()) }
    }

    /// Returns a link to a page that asks for a confirmation.
    pub fn confirmed(text: &str, href: impl Into<String>) -> Self {
        Self { class: "confirmed", ..Self::text(text) }.to(href)
    }

    /// Makes the value a link.
    pub fn to(self, href: impl Into<String>) -> Self {
        Self { href: Some(href.into()), ..self }
    }
}

impl HtmlSafe for Table {}
impl HtmlSafe for Cell {}

/// Returns a number with a comma between groups of three digits.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_have_groups_of_three_digits() {
        let texts = [0, 999, 1_000, -1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "-1,234,567"]);
    }
}
