//! Tests that erasure removes a customer from queued jobs and from the results of finished jobs.

use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject};

const PATH: &str = "/v1/customers/bulk/async";

async fn erase(client: &Client, id: &str) {
    client.post(&format!("/v1/customers/{id}/permanent-deletion"), json!({})).await.expect(200);
}

async fn report(client: &Client, action: &Value) -> String {
    client.download(action["result"]["reports"][0].as_str().unwrap()).await.expect(200).text
}

#[tokio::test]
async fn queued_job_does_not_recreate_erased_customer() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "locked"})).await;
    let id = client.customer(json!({"source_id": "needle@hay"})).await;
    let blocker = emulator.lock_customer("locked").await;
    client.post(PATH, json!([{"source_id": "locked", "name": "N"}])).await.expect(202);
    let records = json!([{"source_id": "a"}, {"source_id": "needle@hay", "name": "needle"}, {"source_id": "b"},
        {"source_id": "needle@hay", "phone": "needle"}]);
    let waiting = client.post(PATH, records).await.expect(202).string("/async_action_id");
    let metadata = json!({"source_ids": ["a", "needle@hay"], "metadata": {"k": 1}});
    let other = client.post("/v1/customers/metadata/async", metadata).await.expect(202).string("/async_action_id");
    erase(&client, &id).await;
    blocker.rollback().await.unwrap();
    assert_eq!(
        emulator.tables_with("needle").await,
        Vec::<String>::new(),
        "the records are deleted before the job runs"
    );
    let action = client.action(&waiting).await;
    assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(2), &json!(0)));
    assert_eq!(report(&client, &action).await, "source_id,found,updated\na,false,true\nb,false,true\n");
    assert_eq!(client.action(&other).await["result"]["done_count"], 1);
    client.get("/v1/customers/needle@hay").await.expect(404);
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
}

#[tokio::test]
async fn erasure_removes_customer_from_results_of_finished_jobs() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let id = client.customer(json!({"source_id": "needle@hay"})).await;
    let records = json!([{"source_id": "a"}, {"source_id": "needle@hay", "name": "needle"}, {"source_id": "needle@hay", "name": 1},
        {"source_id": "b", "name": 1}]);
    let action = client.done(PATH, records).await;
    let action_id = action["id"].as_str().unwrap();
    let metadata = json!({"source_ids": ["needle@hay"], "metadata": {"k": "needle"}});
    client.done("/v1/customers/metadata/async", metadata).await;
    assert_eq!(emulator.tables_with("needle").await, ["customer_activity", "customers", "job_results"]);
    erase(&client, &id).await;
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
    let action = client.action(action_id).await;
    assert_eq!(
        (&action["result"]["done_count"], &action["result"]["failed_count"]),
        (&json!(2), &json!(2)),
        "the counts are kept"
    );
    let errors = action["result"]["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["source_id"]), (1, &json!("b")));
    assert_eq!(report(&client, &action).await, "source_id,found,updated\na,false,true\nb,false,false\n");
}

#[tokio::test]
async fn erasure_waits_for_slice_that_is_being_applied() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "locked"})).await;
    let id = client.customer(json!({"source_id": "needle@hay"})).await;
    let mut blocker = emulator.lock_customer("locked").await;
    let records = json!([{"source_id": "needle@hay", "name": "needle"}, {"source_id": "locked"}]);
    let job = client.post(PATH, records).await.expect(202).string("/async_action_id");
    // The worker applies the slice and waits for the locked customer.
    TestEmulator::wait_until_blocked(&mut blocker, 1).await;
    let erasure = tokio::spawn({
        let (client, id) = (client.clone(), id.clone());
        async move { erase(&client, &id).await }
    });
    TestEmulator::wait_until_blocked(&mut blocker, 2).await;
    assert!(!erasure.is_finished());
    blocker.rollback().await.unwrap();
    erasure.await.unwrap();
    client.action(&job).await;
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
    client.get("/v1/customers/needle@hay").await.expect(404);
}

#[tokio::test]
async fn soft_deleted_customer_is_erased_from_results_by_original_source_id() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let id = client.customer(json!({"source_id": "needle@hay"})).await;
    client.done(PATH, json!([{"source_id": "needle@hay"}])).await;
    client.delete("/v1/customers/needle@hay").await.expect(204);
    let recreated = client.customer(json!({"source_id": "needle@hay"})).await;
    erase(&client, &id).await;
    assert!(
        emulator.tables_with("needle").await.contains(&"job_results".to_owned()),
        "another customer has this source_id now"
    );
    client.delete("/v1/customers/needle@hay").await.expect(204);
    erase(&client, &recreated).await;
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
}

#[tokio::test]
async fn erasure_keeps_results_of_other_project_with_same_source_id() {
    let project = TestProject::new();
    let (client, other_client) = (project.client(), project.other_project());
    let action = other_client.done(PATH, json!([{"source_id": "a"}])).await;
    let id = client.customer(json!({"source_id": "a"})).await;
    erase(&client, &id).await;
    assert_eq!(report(&other_client, &action).await, "source_id,found,updated\na,false,true\n");
}
