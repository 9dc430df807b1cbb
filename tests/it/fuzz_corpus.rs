//! Replays the stored corpus of the fuzz targets.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// Runs a target with every stored input.
fn replay(target: &str, check: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let program = fs::read_to_string(root.join(format!("fuzz_targets/{target}.rs"))).unwrap();
    assert!(program.contains(&format!("::{target}(data)")), "the fuzz target runs the same function");
    let mut inputs: Vec<_> =
        fs::read_dir(root.join("corpus").join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 5, "{inputs:?}");
    for input in inputs {
        println!("{}", input.display());
        check(&fs::read(input).unwrap());
    }
}

#[test]
fn json_bodies_of_the_corpus_are_stored_as_json() {
    replay("json", targets::json);
}

#[test]
fn filters_of_the_corpus_are_parsed_and_evaluated() {
    replay("filter", targets::filter);
}

#[test]
fn csv_files_of_the_corpus_are_read_as_they_are_written() {
    replay("csv", targets::csv);
}

#[test]
fn queries_of_the_corpus_have_documented_errors() {
    replay("query", targets::query);
}
