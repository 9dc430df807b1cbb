use serde_json::json;

use crate::support::World;

const PATH: &str = "/_emulator/project";

#[tokio::test]
async fn the_project_of_the_keys_is_shown_as_the_management_api_shows_it() {
    let world = World::new().await;
    let own = world.stranger().get(PATH).await.expect(200);
    let id = own.string("/id");
    assert_eq!(own.string("/name"), "stranger");
    let managed = world.manager().get(&format!("/management/v1/projects/{id}")).await.expect(200);
    assert_eq!(own.text, managed.text);
    assert_eq!(world.client().get(PATH).await.expect(200).json()["is_sandbox"], true);
}

#[tokio::test]
async fn it_is_changed_and_no_other() {
    let world = World::new().await;
    let other = world.client().get(PATH).await.expect(200).text;
    let body = json!({"name": "Own", "client_trusted_domains": []});
    let changed = world.stranger().put(PATH, body).await.expect(200);
    assert_eq!((changed.string("/name").as_str(), &changed.json()["client_trusted_domains"]), ("Own", &json!([])));
    assert_eq!(world.stranger().get(PATH).await.expect(200).text, changed.text);
    assert_eq!(world.client().get(PATH).await.expect(200).text, other);
}

#[tokio::test]
async fn what_is_wrong_is_named_as_in_the_management_api() {
    let world = World::new().await;
    let answer = world.client().put(PATH, json!({"client_trusted_domains": "*"})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .client_trusted_domains must be array");
    world.manager().get(PATH).await.expect(401);
    world.manager().put(PATH, json!({})).await.expect(401);
}
