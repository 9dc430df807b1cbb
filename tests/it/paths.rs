//! Which operation a path selects.

use axum::http::Method;
use serde_json::json;

use crate::support::{TestProject, contract_operations};

#[tokio::test]
async fn one_trailing_slash_is_the_same_path_for_every_operation() {
    let project = TestProject::new();
    // A stream of events never ends.
    let operations = contract_operations().into_iter().filter(|(_, path, _)| !path.ends_with("/stream"));
    for (method, path, id) in operations {
        let path = path.replace(['{', '}'], "");
        if path.ends_with("/stream") {
            // The body of a stream of events never ends.
            continue;
        }
        let client = match path.split('/').nth(1) {
            Some("client") => project.page(),
            Some("management") => project.manager(),
            _ => project.client(),
        };
        let method: Method = method.parse().unwrap();
        let plain = client.call(method.clone(), &path, None).await;
        let with_slash = client.call(method.clone(), &format!("{path}/"), None).await;
        assert_eq!(with_slash.status, plain.status, "{id}");
        // The metrics are others at each moment.
        if id != "emulator-metrics" {
            assert_eq!(with_slash.shape(), plain.shape(), "{id}");
        }
        let two_slashes = client.call(method, &format!("{path}//"), None).await;
        assert_eq!(two_slashes.status, 404, "{id}: {}", two_slashes.text);
    }
}

#[tokio::test]
async fn a_query_may_follow_a_trailing_slash() {
    let project = TestProject::new();
    for name in ["a", "b"] {
        project.client().customer(json!({"source_id": name, "name": name})).await;
    }
    let answer = project.client().get("/v1/customers/?name=a").await.expect(200);
    assert_eq!(answer.json()["total"], 1);
    project.client().get("/v1/customers/a/?x=/").await.expect(200);
}

#[tokio::test]
async fn an_encoded_slash_belongs_to_the_identifier() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a/"})).await;
    project.client().get("/v1/customers/a%2F").await.expect(200);
    project.client().get("/v1/customers/a%2F/").await.expect(200);
    project.client().get("/v1/customers/a/").await.expect(404);
}

#[tokio::test]
async fn a_source_id_may_be_the_name_of_a_path() {
    let project = TestProject::new();
    let client = project.client();
    for name in ["importCSV", "bulk", "metadata"] {
        let path = format!("/v1/customers/{name}");
        client.get(&path).await.expect(404);
        client.customer(json!({"source_id": name})).await;
        assert_eq!(client.get(&path).await.expect(200).json()["source_id"], name);
        client.put(&path, json!({"name": "N"})).await.expect(200);
        client.get(&format!("{path}/segments")).await.expect(200);
        client.get(&format!("{path}/activity")).await.expect(200);
        client.delete(&path).await.expect(204);
        client.get(&path).await.expect(404);
    }
    for name in ["import", "export"] {
        let path = format!("/v1/orders/{name}");
        client.get(&path).await.expect(404);
        client.post("/v1/orders", json!({"source_id": name})).await.expect(200);
        assert_eq!(client.get(&path).await.expect(200).json()["source_id"], name);
        client.put(&path, json!({"amount": 1})).await.expect(200);
    }
}

#[tokio::test]
async fn a_named_path_keeps_its_own_methods() {
    let project = TestProject::new();
    let client = project.client();
    client.post("/v1/orders", json!({"source_id": "import"})).await.expect(200);
    let answer = client.post("/v1/orders/import", json!([{"source_id": "o"}])).await.expect(200);
    assert!(answer.string("/async_action_id").starts_with("aa_"));
    let answer = client.delete("/v1/orders/import").await.expect(405);
    assert_eq!(
        answer.text,
        r#"{"code":405,"message":"HTTP Method Not Allowed","details":"DELETE is not supported by this endpoint. Did you mean POST, GET or PUT?"}"#
    );
    assert_eq!(answer.header("allow"), "POST, GET, PUT");
    client.call(Method::PATCH, "/v1/customers/importCSV", None).await.expect(405);
}
