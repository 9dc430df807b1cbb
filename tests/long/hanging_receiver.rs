//! A webhook receiver that accepts requests and never answers.

use serde_json::json;

use crate::support::{Receiver, Reply, TestEmulator};

#[tokio::test]
async fn a_request_without_an_answer_is_aborted_after_ten_seconds_and_delays_no_other_webhook() {
    let (emulator, hanging, other) = (TestEmulator::new().await, Receiver::start().await, Receiver::start().await);
    let (client, other_client) = (emulator.client(), emulator.other_project());
    for (client, receiver) in [(&client, &hanging), (&other_client, &other)] {
        let body = json!({"target_url": receiver.url(), "events": ["customer.created"]});
        client.post("/_emulator/webhooks", body).await.expect(200);
    }
    hanging.always(Reply::Hang);
    for index in 0..40 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    hanging.received(4).await;
    for index in 0..10 {
        other_client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    other.received(10).await;
    assert_eq!(
        hanging.messages().len(),
        4,
        "a webhook without a successful delivery has at most four requests in flight"
    );
    hanging.received(5).await;
    let deliveries = client.get("/_emulator/webhooks/deliveries?limit=100").await.expect(200).json();
    let given_up = deliveries["data"].as_array().unwrap().iter().find(|one| one["attempts"][0].is_object()).unwrap();
    assert_eq!(given_up["status"], "PENDING");
    assert_eq!(given_up["attempts"][0]["status"], json!(null));
    let error = given_up["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("10 s"), "{error}");
}
