use serde_json::json;

use super::projects::{client_of, create, path_of};
use crate::support::{Receiver, TestEmulator, TestProject};

#[tokio::test]
async fn a_webhook_is_created_read_listed_changed_and_deleted() {
    let (project, receiver) = (TestProject::new(), Receiver::start().await);
    let manager = project.manager();
    let created_project = create(&manager, "Team").await;
    let path = format!("{}/webhooks", path_of(&created_project));
    let body = json!({"target_url": receiver.url(), "events": ["customer.created"]});
    let created = manager.post(&path, body).await.expect(200);
    assert_eq!(
        created.shape(),
        format!(
            r#"{{"object":"webhook","created_at":"<time>","id":"<wh_>","events":["customer.created"],"target_url":"{}","active":true}}"#,
            receiver.url()
        )
    );
    let list = manager.get(&path).await.expect(200);
    assert_eq!(list.text, format!(r#"{{"object":"list","data_ref":"data","data":[{}],"total":1}}"#, created.text));
    let one = format!("{path}/{}", created.string("/id"));
    assert_eq!(manager.get(&one).await.expect(200).text, created.text);

    // The webhook is active at once, and signs with the webhook token of the created project.
    client_of(&project, &created_project).post("/v1/customers", json!({"source_id": "a"})).await.expect(200);
    let message = receiver.received(1).await.remove(0);
    assert_eq!(message.text("/project_id"), created_project.string("/id"));
    assert_eq!(message.text("/source/id"), created.string("/id"));
    assert!(message.is_signed_with(&created_project.string("/webhook_token")));

    let changed = manager.put(&one, json!({"events": ["customer.updated"], "active": false})).await.expect(200).json();
    assert_eq!((&changed["events"], &changed["active"]), (&json!(["customer.updated"]), &json!(false)));
    assert_eq!(changed["target_url"], receiver.url());
    assert_eq!(manager.delete(&one).await.expect(204).text, "");
    for answer in [manager.get(&one).await, manager.delete(&one).await, manager.put(&one, json!({})).await] {
        let answer = answer.expect(404);
        let id = created.string("/id");
        assert_eq!(
            answer.shape().replace("<wh_>", &id),
            format!(
                r#"{{"code":404,"key":"not_found","message":"Resource not found","details":"Cannot find webhook with id {id}","request_id":"<v->","resource_id":"{id}","resource_type":"webhook"}}"#
            )
        );
    }
}

#[tokio::test]
async fn invalid_webhooks_and_wrong_credentials_are_rejected() {
    let project = TestProject::new();
    let manager = project.manager();
    let path = format!("{}/webhooks", path_of(&create(&manager, "Team").await));
    for (body, details) in [
        (json!({"events": []}), "Payload must have required property 'target_url'"),
        (json!({"target_url": "https://a.example"}), "Payload must have required property 'events'"),
        (
            json!({"target_url": "nowhere", "events": []}),
            "Property .target_url must be an absolute URL of http or https",
        ),
    ] {
        assert_eq!(manager.post(&path, body).await.expect(400).string("/details"), details);
    }
    let malformed = manager.call(axum::http::Method::POST, &path, Some("{".to_owned())).await.expect(400);
    assert_eq!(malformed.json()["statusCode"], 400);
    manager.post("/management/v1/projects/proj_none/webhooks", json!({})).await.expect(404);
    project.client().get(&path).await.expect(401);
}

#[tokio::test]
async fn distributions_return_404() {
    let emulator = TestEmulator::new().await;
    let (manager, client) = (emulator.manager(), emulator.client());
    let project = client.get("/_emulator/project").await.expect(200).string("/id");
    let body = json!({"object": "distribution", "target_url": "https://a.example", "events": ["customer.order.paid"]});
    let id = client.post("/_emulator/webhooks", body).await.expect(200).string("/id");
    let path = format!("/management/v1/projects/{project}/webhooks");
    assert_eq!(manager.get(&path).await.expect(200).json()["total"], 0);
    manager.get(&format!("{path}/{id}")).await.expect(404);
    manager.put(&format!("{path}/{id}"), json!({"active": false})).await.expect(404);
    manager.delete(&format!("{path}/{id}")).await.expect(404);
    client.get(&format!("/_emulator/webhooks/{id}")).await.expect(200);
}

#[tokio::test]
async fn webhooks_of_other_projects_and_organisations_return_404() {
    let project = TestProject::new();
    let (manager, other_client) = (project.manager(), project.other_manager());
    let (mine, other) = (create(&manager, "Mine").await, create(&manager, "Other").await);
    let theirs = create(&other_client, "Theirs").await;
    let body = json!({"target_url": "https://a.example", "events": []});
    let created = manager.post(&format!("{}/webhooks", path_of(&mine)), body).await.expect(200).string("/id");
    let answer = other_client.get(&format!("{}/webhooks/{created}", path_of(&mine))).await.expect(404);
    assert_eq!(answer.string("/details"), format!("Cannot find project with id {}", mine.string("/id")));
    other_client.get(&format!("{}/webhooks/{created}", path_of(&theirs))).await.expect(404);
    let path = format!("{}/webhooks", path_of(&other));
    assert_eq!(manager.get(&path).await.expect(200).json()["total"], 0);
    manager.delete(&format!("{path}/{created}")).await.expect(404);
    manager.get(&format!("{}/webhooks/{created}", path_of(&mine))).await.expect(200);
}
