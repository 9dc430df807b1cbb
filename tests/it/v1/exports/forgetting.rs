use axum::http::Method;
use serde_json::json;

use super::{done, exported, file, finished, hold, let_go, until_held};
use crate::support::{Client, World};

async fn forget(client: &Client, identifier: &str) {
    client.call(Method::POST, &format!("/v1/customers/{identifier}/permanent-deletion"), None).await.expect(200);
}

#[tokio::test]
async fn a_person_is_taken_out_of_the_files_that_there_are() {
    let world = World::new().await;
    let client = world.client();
    client.customer(json!({"source_id": "a", "name": "Anna, \"A\"\nWeber"})).await;
    client.customer(json!({"source_id": "b", "name": "Ben"})).await;
    for (source_id, customer, referrer) in [("1", "a", "b"), ("2", "b", "a"), ("3", "b", "c")] {
        let order =
            json!({"source_id": source_id, "customer": {"source_id": customer}, "referrer": {"source_id": referrer}});
        client.post("/v1/orders", order).await.expect(200);
    }
    let (b, c) = (client.get("/v1/customers/b").await.string("/id"), client.get("/v1/customers/c").await.string("/id"));
    let customers = done(&client, "customer", json!({"order": "source_id"})).await;
    let fields = json!({"fields": ["source_id", "customer_id", "referrer_id"], "order": "created_at"});
    let orders = done(&client, "order", fields).await;
    let others = done(&client, "order", json!({"fields": ["source_id"], "order": "created_at"})).await;
    forget(&client, "a").await;
    assert_eq!(file(&client, &customers).await, "Name,Source ID\nBen,b\n,c\n");
    assert_eq!(
        file(&client, &orders).await,
        format!("Source ID,Customer ID,Referrer ID\n2,{b},\n3,{b},{c}\n"),
        "the person's orders are gone, and another's does not say who referred it"
    );
    assert_eq!(file(&client, &others).await, "Source ID\n2\n3\n");
    forget(&client, "c").await;
    assert_eq!(file(&client, &orders).await, format!("Source ID,Customer ID,Referrer ID\n2,{b},\n3,{b},\n"));
    let kept: String = sqlx::query_scalar("SELECT string_agg(job_results::text, '') FROM job_results")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!(!kept.contains("Anna") && !kept.contains(&c), "{kept}");
    // The same person in another project is another person.
    let stranger = world.stranger();
    stranger.customer(json!({"source_id": "b", "name": "Bob"})).await;
    forget(&stranger, "b").await;
    assert!(file(&client, &customers).await.contains("Ben,b"));
}

#[tokio::test]
async fn who_is_forgotten_while_a_file_is_written_is_not_in_it() {
    let world = World::new().await;
    let client = world.client();
    let a = client.customer(json!({"source_id": "a", "name": "Anna"})).await;
    client.customer(json!({"source_id": "b", "name": "Ben"})).await;
    hold(&world).await;
    let body = json!({"exported_object": "customer", "parameters": {"order": "source_id"}});
    let id = client.post("/v1/exports", body).await.expect(200).string("/id");
    until_held(&world).await;
    let running = client.get(&format!("/v1/exports/{id}")).await.expect(200).json();
    assert_eq!((&running["status"], &running["result"]), (&json!("IN_PROGRESS"), &json!(null)));
    forget(&client, "a").await;
    client.customer(json!({"source_id": "c"})).await;
    let_go(&world).await;
    // Anna was read before she was forgotten, and the others are as they were then.
    assert_eq!(file(&client, &finished(&client, &id).await).await, "Name,Source ID\nBen,b\n");
    let kept: String = sqlx::query_scalar("SELECT string_agg(job_results::text, '') FROM job_results")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!(!kept.contains("Anna") && !kept.contains(&a), "{kept}");
}

#[tokio::test]
async fn an_order_that_is_forgotten_while_a_file_is_written_is_not_in_it() {
    let world = World::new().await;
    let client = world.client();
    for (source_id, customer, referrer) in [("1", "a", "b"), ("2", "b", "a")] {
        let order =
            json!({"source_id": source_id, "customer": {"source_id": customer}, "referrer": {"source_id": referrer}});
        client.post("/v1/orders", order).await.expect(200);
    }
    hold(&world).await;
    let body = json!({"parameters": {"fields": ["source_id", "referrer_id"], "order": "created_at"}});
    let id = client.post("/v1/orders/export", body).await.expect(200).string("/id");
    until_held(&world).await;
    forget(&client, "a").await;
    let_go(&world).await;
    assert_eq!(file(&client, &finished(&client, &id).await).await, "Source ID,Referrer ID\n2,\n");
}

#[tokio::test]
async fn who_is_forgotten_before_is_nowhere() {
    let world = World::new().await;
    let client = world.client();
    client.customer(json!({"source_id": "a"})).await;
    client.customer(json!({"source_id": "b"})).await;
    forget(&client, "a").await;
    assert_eq!(exported(&client, "customer", json!({"fields": ["source_id"]})).await, "Source ID\nb\n");
}
