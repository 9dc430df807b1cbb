use serde_json::json;

use super::projects::{client_of, create, path_of};
use crate::support::{Receiver, World};

#[tokio::test]
async fn a_webhook_is_created_read_listed_changed_and_deleted() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let manager = world.manager();
    let project = create(&manager, "Team").await;
    let path = format!("{}/webhooks", path_of(&project));
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

    // It works at once, signed with the token that the creation of the project has shown.
    client_of(&world, &project).post("/v1/customers", json!({"source_id": "a"})).await.expect(200);
    let message = receiver.received(1).await.remove(0);
    assert_eq!(message.text("/project_id"), project.string("/id"));
    assert_eq!(message.text("/source/id"), created.string("/id"));
    assert!(message.is_signed_with(&project.string("/webhook_token")));

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
async fn what_is_wrong_is_said_in_the_vendors_form() {
    let world = World::new().await;
    let manager = world.manager();
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
    world.client().get(&path).await.expect(401);
}

#[tokio::test]
async fn distributions_are_not_shown() {
    let world = World::new().await;
    let (manager, client) = (world.manager(), world.client());
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
async fn another_organisation_and_another_project_have_none_of_it() {
    let world = World::new().await;
    let (manager, stranger) = (world.manager(), world.strange_manager());
    let (mine, other) = (create(&manager, "Mine").await, create(&manager, "Other").await);
    let theirs = create(&stranger, "Theirs").await;
    let body = json!({"target_url": "https://a.example", "events": []});
    let created = manager.post(&format!("{}/webhooks", path_of(&mine)), body).await.expect(200).string("/id");
    let answer = stranger.get(&format!("{}/webhooks/{created}", path_of(&mine))).await.expect(404);
    assert_eq!(answer.string("/details"), format!("Cannot find project with id {}", mine.string("/id")));
    stranger.get(&format!("{}/webhooks/{created}", path_of(&theirs))).await.expect(404);
    let path = format!("{}/webhooks", path_of(&other));
    assert_eq!(manager.get(&path).await.expect(200).json()["total"], 0);
    manager.delete(&format!("{path}/{created}")).await.expect(404);
    manager.get(&format!("{}/webhooks/{created}", path_of(&mine))).await.expect(200);
}
