//! Compares the operations of the contract with the routes of the router.

use std::collections::BTreeSet;

use voucherify_emulator::api;

use crate::support::{TestProject, contract_operations};

#[test]
fn the_router_and_the_contract_have_the_same_operations() {
    let routes: BTreeSet<_> = api::all_routes()
        .operations()
        .map(|(method, path, id)| (method.to_string(), path.to_owned(), id.to_owned()))
        .collect();
    let contract: BTreeSet<_> = contract_operations().into_iter().collect();
    assert_eq!(routes, contract);
}

#[tokio::test]
async fn the_contract_is_served_unchanged() {
    let project = TestProject::new();
    let answer = project.client().get("/_emulator/openapi.json").await.expect(200);
    assert_eq!(answer.text, api::CONTRACT);
}
