use serde_json::json;

use super::{PATH, create, path_of, smallest};
use crate::support::World;

#[tokio::test]
async fn a_project_is_read_without_the_tokens_of_its_keys() {
    let world = World::new().await;
    let created = create(&world.manager(), "Team").await;
    let read = world.manager().get(&path_of(&created)).await.expect(200);
    let keys = created.text.find(r#","server_side_key""#).unwrap();
    assert_eq!(read.text, format!("{}}}", &created.text[..keys]));
}

#[tokio::test]
async fn an_unknown_project_and_another_organisations_are_not_found_in_the_short_form() {
    let world = World::new().await;
    let theirs = path_of(&create(&world.strange_manager(), "Theirs").await);
    for path in [theirs, format!("{PATH}/proj_2F3txY7"), format!("{PATH}/%00"), format!("{PATH}/%FF")] {
        let answer = world.manager().get(&path).await.expect(404);
        assert!(
            answer
                .text
                .starts_with(r#"{"code":404,"message":"Resource not found","details":"Cannot find project with id "#)
        );
        world.manager().put(&path, json!({"name": "Mine"})).await.expect(404);
        world.manager().delete(&path).await.expect(404);
        for folder in ["metadata-schemas", "custom-event-schemas"] {
            let inner = format!("{path}/{folder}");
            let answer = world.manager().get(&inner).await.expect(404);
            assert!(answer.string("/details").starts_with("Cannot find project with id "));
            world.manager().post(&inner, json!({})).await.expect(404);
            world.manager().get(&format!("{inner}/ms_1")).await.expect(404);
            world.manager().put(&format!("{inner}/ms_1"), json!({})).await.expect(404);
            world.manager().delete(&format!("{inner}/ms_1")).await.expect(404);
        }
    }
    let answer = world.manager().get(&format!("{PATH}/proj_2F3txY7")).await;
    assert_eq!(
        answer.text,
        r#"{"code":404,"message":"Resource not found","details":"Cannot find project with id proj_2F3txY7"}"#
    );
    assert_eq!(world.strange_manager().get(PATH).await.column("data", "name"), ["Theirs"]);
}

#[tokio::test]
async fn every_call_asks_for_management_keys() {
    let world = World::new().await;
    let path = path_of(&create(&world.manager(), "Team").await);
    for path in
        [PATH.to_owned(), path.clone(), format!("{path}/metadata-schemas"), format!("{path}/custom-event-schemas")]
    {
        world.client().get(&path).await.expect(401);
        world.client().post(&path, smallest("Team")).await;
    }
    for path in [path.clone(), format!("{path}/metadata-schemas/ms_1"), format!("{path}/custom-event-schemas/ms_1")] {
        world.client().get(&path).await.expect(401);
        world.client().put(&path, json!({})).await.expect(401);
        world.client().delete(&path).await.expect(401);
    }
    world.manager().get(&path).await.expect(200);
}
