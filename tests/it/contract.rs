//! The contract and the router name the same operations.

use std::collections::BTreeSet;

use voucherify_emulator::api;

use crate::support::{World, contract_operations};

#[test]
fn every_route_is_in_the_contract_and_the_reverse() {
    let routes: BTreeSet<_> = api::all_routes()
        .operations()
        .map(|(method, path, id)| (method.to_string(), path.to_owned(), id.to_owned()))
        .collect();
    let contract: BTreeSet<_> = contract_operations().into_iter().collect();
    assert_eq!(routes, contract);
}

#[tokio::test]
async fn the_contract_is_served_as_it_is_committed() {
    let world = World::new().await;
    let answer = world.client().get("/_emulator/openapi.json").await.expect(200);
    assert_eq!(answer.text, api::CONTRACT);
}
