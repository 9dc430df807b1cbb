//! Compares the operations of the contract with the routes of the router, and checks what they say about their evidence.

use std::collections::BTreeSet;

use serde_json::Value;
use voucherify_emulator::api;

use crate::support::{TestProject, check_examples, contract_document, contract_operations};

#[test]
fn the_router_and_the_contract_have_the_same_operations() {
    let routes: BTreeSet<_> = api::all_routes()
        .operations()
        .map(|(method, path, id)| (method.to_string(), path.to_owned(), id.to_owned()))
        .collect();
    let contract: BTreeSet<_> = contract_operations().into_iter().collect();
    assert_eq!(routes, contract);
}

#[test]
fn the_examples_of_bodies_are_valid() {
    check_examples();
}

#[tokio::test]
async fn the_contract_is_served_unchanged() {
    let project = TestProject::new();
    let answer = project.client().get("/_emulator/openapi.json").await.expect(200);
    assert_eq!(answer.text, api::CONTRACT);
}

#[test]
fn every_operation_of_a_vendor_has_valid_evidence() {
    let known: Vec<_> = contract_document()["x-evidence-values"].as_object().unwrap().keys().collect();
    for (method, path, id) in contract_operations() {
        let operation = &contract_document()["paths"][&path][method.to_lowercase()];
        let evidence = texts(&operation["x-evidence"]);
        // In the order of the known values, which also excludes duplicates.
        let expected: Vec<_> = known.iter().copied().filter(|one| evidence.contains(&one.as_str())).collect();
        assert_eq!(evidence, expected, "x-evidence of {id}: unknown values, duplicates, or another order");
        assert_ne!(evidence.is_empty(), !path.starts_with("/_emulator/"), "{id}: x-evidence is for the vendors' paths");
        let has_decisions = !texts(&operation["x-decisions"]).is_empty();
        assert_eq!(evidence.contains(&"inferred"), has_decisions, "{id}: `inferred` and x-decisions belong together");
    }
}

#[test]
fn the_texts_about_the_coverage_of_an_operation_are_sentences() {
    for (method, path, id) in contract_operations() {
        let operation = &contract_document()["paths"][&path][method.to_lowercase()];
        for member in ["x-not-emulated", "x-decisions", "x-differences"] {
            let sentences = texts(&operation[member]);
            assert!(operation[member].is_null() || !sentences.is_empty(), "{member} of {id} is empty");
            for sentence in sentences {
                assert!(sentence.ends_with('.'), "{member} of {id} must be full sentences: {sentence}");
            }
        }
    }
}

/// Returns the texts of an array, or nothing when the member is absent.
#[track_caller]
fn texts(member: &Value) -> Vec<&str> {
    let Some(texts) = member.as_array() else {
        assert!(member.is_null(), "not an array: {member}");
        return Vec::new();
    };
    texts.iter().map(|text| text.as_str().unwrap()).collect()
}
