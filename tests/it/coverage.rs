//! Generates the tables of `docs/coverage.md` from the contract. The text between the tables is written by hand.
//!
//! `scripts/generate-coverage` runs this test with `UPDATE_COVERAGE=1`, which writes the page. Without it, the test only compares.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde_json::Value;

use crate::support::{contract_document, contract_operations};

const START: &str = "<!-- generated: ";
const START_OPERATIONS: &str = "<!-- generated: operations of ";
const START_END: &str = " -->";
const END: &str = "<!-- end of the generated part -->";
/// A line break within a cell of a table.
const LINE_BREAK: &str = "<br>";

#[test]
fn the_tables_of_the_coverage_page_are_those_of_the_contract() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coverage.md");
    let page = fs::read_to_string(&path).unwrap();
    let expected = generate(&page);
    if env::var_os("UPDATE_COVERAGE").is_some() {
        fs::write(&path, expected).unwrap();
    } else {
        assert!(page == expected, "docs/coverage.md is out of date: run scripts/generate-coverage");
    }
}

/// Returns the page with every part between a start mark and an end mark generated anew.
fn generate(page: &str) -> String {
    let sections = sections(page);
    let listed: usize = sections.iter().map(|section| section.operations.len()).sum();
    assert_eq!(listed, contract_operations().len(), "each operation of the contract is in one table of the page");
    let mut generated = String::new();
    let mut is_in_generated_part = false;
    for line in page.lines() {
        if line == END {
            is_in_generated_part = false;
        }
        if is_in_generated_part {
            continue;
        }
        generated.push_str(line);
        generated.push('\n');
        if let Some(part) = line.strip_prefix(START).and_then(|rest| rest.strip_suffix(START_END)) {
            is_in_generated_part = true;
            let table = match (part, sections.iter().find(|section| line == section.mark())) {
                ("evidence", _) => evidence_table(),
                ("summary", _) => summary_table(&sections),
                (_, Some(section)) => section.table(),
                _ => panic!("unknown part: {part}"),
            };
            write!(generated, "\n{table}\n").unwrap();
        }
    }
    assert!(!is_in_generated_part, "the last generated part has no end");
    generated
}

/// A section of the page with a table of operations.
struct Section<'a> {
    heading: &'a str,
    /// The beginning of the paths of the operations.
    prefix: &'a str,
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    path: String,
    id: String,
    definition: &'static Value,
}

fn sections(page: &str) -> Vec<Section<'_>> {
    let mut heading = "";
    let mut sections = Vec::new();
    for line in page.lines() {
        heading = line.strip_prefix("## ").unwrap_or(heading);
        if let Some(prefix) = line.strip_prefix(START_OPERATIONS).and_then(|rest| rest.strip_suffix(START_END)) {
            sections.push(Section { heading, prefix, operations: operations_under(prefix) });
        }
    }
    sections
}

fn operations_under(prefix: &str) -> Vec<Operation> {
    let is_under = |path: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    contract_operations()
        .into_iter()
        .filter(|(_, path, _)| is_under(path))
        .map(|(method, path, id)| {
            let definition = &contract_document()["paths"][&path][method.to_lowercase()];
            Operation { method, path, id, definition }
        })
        .collect()
}

impl Section<'_> {
    fn mark(&self) -> String {
        format!("{START_OPERATIONS}{}{START_END}", self.prefix)
    }

    /// The fragment that a link to the heading has on GitHub.
    fn anchor(&self) -> String {
        let lower = self.heading.to_lowercase().replace(' ', "-");
        lower.chars().filter(|one| one.is_alphanumeric() || *one == '-').collect()
    }

    /// Whether the operations are the emulator's own, which have no evidence.
    fn is_own(&self) -> bool {
        self.operations.iter().all(|one| one.definition["x-evidence"].is_null())
    }

    fn table(&self) -> String {
        if self.is_own() {
            let rows = self.operations.iter().map(|one| vec![one.call(), one.code_id(), one.text("summary")]);
            return table(&["operation", "id", "purpose"], rows);
        }
        let rows = self.operations.iter().map(|one| {
            let evidence = one.list("x-evidence").join(", ");
            vec![one.call(), one.code_id(), evidence, one.list("x-not-emulated").join(LINE_BREAK), one.decisions()]
        });
        table(&["operation", "id", "evidence", "left out", "decided"], rows)
    }
}

impl Operation {
    fn call(&self) -> String {
        format!("`{} {}`", self.method, self.path)
    }

    fn code_id(&self) -> String {
        format!("`{}`", self.id)
    }

    fn text(&self, member: &str) -> String {
        self.definition[member].as_str().unwrap_or_default().to_owned()
    }

    fn list(&self, member: &str) -> Vec<&'static str> {
        self.definition[member].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The deliberate differences from what is published, then the decisions.
    fn decisions(&self) -> String {
        let differences =
            self.list("x-differences").into_iter().map(|text| format!("**Different on purpose:** {text}"));
        let decisions = self.list("x-decisions").into_iter().map(str::to_owned);
        differences.chain(decisions).collect::<Vec<_>>().join(LINE_BREAK)
    }
}

fn evidence_values() -> impl Iterator<Item = (&'static String, &'static str)> {
    let values = contract_document()["x-evidence-values"].as_object().unwrap();
    values.iter().map(|(value, meaning)| (value, meaning.as_str().unwrap()))
}

fn evidence_table() -> String {
    let rows = evidence_values().map(|(value, meaning)| vec![format!("`{value}`"), meaning.to_owned()]);
    table(&["evidence", "meaning"], rows)
}

/// How many operations of each section have each evidence.
fn summary_table(sections: &[Section<'_>]) -> String {
    let mut titles = vec!["resource", "paths", "operations"];
    titles.extend(evidence_values().map(|(value, _)| value.as_str()));
    let rows = sections.iter().map(|section| {
        let link = format!("[{}](#{})", section.heading, section.anchor());
        let mut row = vec![link, format!("`{}`", section.prefix), section.operations.len().to_string()];
        row.extend(evidence_values().map(|(value, _)| {
            let count =
                section.operations.iter().filter(|one| one.list("x-evidence").contains(&value.as_str())).count();
            if section.is_own() { "–".to_owned() } else { count.to_string() }
        }));
        row
    });
    table(&titles, rows)
}

fn table(titles: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = format!("| {} |\n|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
    for row in rows {
        assert!(row.iter().all(|cell| !cell.contains(['|', '\n'])), "a cell of a table cannot have this text: {row:?}");
        writeln!(table, "| {} |", row.join(" | ")).unwrap();
    }
    table
}
