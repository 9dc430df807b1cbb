use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::support::{TestEmulator, TestProject};

const EMPTY_LISTS: &str = r#"{"groups":{"object":"list","data_ref":"data","data":[],"total":0},"consents":{"object":"list","data_ref":"data","data":[],"total":0}}"#;

#[tokio::test]
async fn without_definitions_the_lists_are_empty() {
    let project = TestProject::new();
    assert_eq!(project.client().get("/v1/consents").await.expect(200).text, EMPTY_LISTS);
    project.send(Request::get("/v1/consents").body(Body::empty()).unwrap()).await.expect(401);
}

#[tokio::test]
async fn definitions_and_groups_are_listed_by_creation_time() {
    let emulator = TestEmulator::at("2022-04-13T09:00:00Z").await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    client.put("/v1/customers/a/consents", json!({"cnst_z": true, "cnst_y": false})).await.expect(204);
    emulator.clock.set("2022-04-13T10:00:00Z".parse().unwrap());
    let body = json!({"name": "News", "description": "By e-mail", "category": "Marketing"});
    client.put("/_emulator/consents/cnst_a", body).await.expect(200);
    for (hour, id, consents) in [(11, "cnstgr_z", ["cnst_z", "cnst_a"]), (12, "cnstgr_a", ["cnst_a", "cnst_y"])] {
        emulator.clock.set(format!("2022-04-13T{hour}:00:00Z").parse().unwrap());
        let body = json!({"name": id, "description": "G", "consents": consents});
        client.put(&format!("/_emulator/consent-groups/{id}"), body).await.expect(200);
    }
    let answer = client.get("/v1/consents").await.expect(200);
    assert_eq!(
        answer.text,
        concat!(
            r#"{"groups":{"object":"list","data_ref":"data","data":["#,
            r#"{"id":"cnstgr_z","name":"cnstgr_z","description":"G","consents":["cnst_z","cnst_a"],"created_at":"2022-04-13T11:00:00.000Z","updated_at":null,"object":"consent_group"},"#,
            r#"{"id":"cnstgr_a","name":"cnstgr_a","description":"G","consents":["cnst_a","cnst_y"],"created_at":"2022-04-13T12:00:00.000Z","updated_at":null,"object":"consent_group"}"#,
            r#"],"total":2},"consents":{"object":"list","data_ref":"data","data":["#,
            r#"{"id":"cnst_y","name":"cnst_y","description":"","category":"","created_at":"2022-04-13T09:00:00.000Z","updated_at":null,"object":"consent"},"#,
            r#"{"id":"cnst_z","name":"cnst_z","description":"","category":"","created_at":"2022-04-13T09:00:00.000Z","updated_at":null,"object":"consent"},"#,
            r#"{"id":"cnst_a","name":"News","description":"By e-mail","category":"Marketing","created_at":"2022-04-13T10:00:00.000Z","updated_at":null,"object":"consent"}"#,
            r#"],"total":3}}"#
        )
    );
    assert_eq!(emulator.other_project().get("/v1/consents").await.expect(200).text, EMPTY_LISTS);
}
