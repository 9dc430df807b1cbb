use serde_json::json;

use super::{PATH, create};
use crate::support::World;

#[tokio::test]
async fn the_projects_of_an_organisation_are_listed_newest_first() {
    let world = World::new().await;
    world.stranger().get("/v1/customers").await.expect(200);
    create(&world.manager(), "Team").await;
    let list = world.manager().get(PATH).await.expect(200);
    assert_eq!(list.column("data", "name"), ["Team", "stranger", "Sandbox Project"]);
    let list = list.json();
    assert_eq!((&list["object"], &list["data_ref"], &list["total"]), (&json!("list"), &json!("data"), &json!(3)));
    assert_eq!(list["data"][0]["server_side_key"], json!(null), "tokens are shown once");
    let flags: Vec<_> = list["data"].as_array().unwrap().iter().map(|project| &project["is_sandbox"]).collect();
    assert_eq!(flags, [false, false, true]);
}

#[tokio::test]
async fn another_organisation_has_none_of_them() {
    let world = World::new().await;
    create(&world.manager(), "Team").await;
    let theirs = world.strange_manager().get(PATH).await.expect(200);
    assert_eq!(theirs.text, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
    create(&world.strange_manager(), "Theirs").await;
    assert_eq!(world.strange_manager().get(PATH).await.column("data", "name"), ["Theirs"]);
    assert_eq!(world.manager().get(PATH).await.column("data", "name"), ["Team", "Sandbox Project"]);
}

#[tokio::test]
async fn of_very_many_the_newest_thousand_are_shown() {
    let world = World::new().await;
    sqlx::query(
        "INSERT INTO projects (public_id, name, organisation_id, webhook_token, created_at)
         SELECT 'proj_' || lpad(n::text, 12, '0'), 'p' || n, 1, '', now() FROM generate_series(1, 1001) n",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let list = world.manager().get(PATH).await.expect(200);
    let names = list.column("data", "name");
    assert_eq!((names.len(), names[0].as_str(), names[999].as_str()), (1_000, "p1001", "p2"));
    assert_eq!(list.json()["total"], 1_002);
}
