use serde_json::json;

use super::{PATH, create};
use crate::support::TestEmulator;

#[tokio::test]
async fn the_projects_of_an_organisation_are_listed_newest_first() {
    let emulator = TestEmulator::new().await;
    emulator.other_project().get("/v1/customers").await.expect(200);
    create(&emulator.manager(), "Team").await;
    let list = emulator.manager().get(PATH).await.expect(200);
    assert_eq!(list.column("data", "name"), ["Team", "other", "Sandbox Project"]);
    let list = list.json();
    assert_eq!((&list["object"], &list["data_ref"], &list["total"]), (&json!("list"), &json!("data"), &json!(3)));
    assert_eq!(list["data"][0]["server_side_key"], json!(null), "keys are shown only at the creation");
    let flags: Vec<_> = list["data"].as_array().unwrap().iter().map(|project| &project["is_sandbox"]).collect();
    assert_eq!(flags, [false, false, true]);
}

#[tokio::test]
async fn projects_of_other_organisations_are_not_listed() {
    let emulator = TestEmulator::new().await;
    create(&emulator.manager(), "Team").await;
    let theirs = emulator.other_manager().get(PATH).await.expect(200);
    assert_eq!(theirs.text, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
    create(&emulator.other_manager(), "Theirs").await;
    assert_eq!(emulator.other_manager().get(PATH).await.column("data", "name"), ["Theirs"]);
    assert_eq!(emulator.manager().get(PATH).await.column("data", "name"), ["Team", "Sandbox Project"]);
}

#[tokio::test]
async fn a_list_contains_at_most_the_newest_1000_projects() {
    let emulator = TestEmulator::new().await;
    sqlx::query(
        "INSERT INTO projects (public_id, name, organisation_id, webhook_token, created_at)
         SELECT 'proj_' || lpad(n::text, 12, '0'), 'p' || n, 1, '', now() FROM generate_series(1, 1001) n",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let list = emulator.manager().get(PATH).await.expect(200);
    let names = list.column("data", "name");
    assert_eq!((names.len(), names[0].as_str(), names[999].as_str()), (1_000, "p1001", "p2"));
    assert_eq!(list.json()["total"], 1_002);
}
