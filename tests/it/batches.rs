//! Requests that are answered together by one statement.

use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use serde_json::{Value, json};
use sqlx::PgConnection;
use voucherify_emulator::db::batch_queue::{BatchQueue, BatchStatement};
use voucherify_emulator::db::customers::FindCustomers;
use voucherify_emulator::domain::identifier::Identifier;
use voucherify_emulator::domain::project::ProjectId;

use crate::support::{TestEmulator, TestProject};

/// The batches of [`Reciprocals`].
static BATCHES: Mutex<Vec<Vec<i64>>> = Mutex::new(Vec::new());

/// A statement that takes some seconds for a batch with the number 1, and fails for a batch with the number 0.
struct Reciprocals;

impl BatchStatement for Reciprocals {
    type Request = i64;
    type Answer = i64;
    const NAME: &'static str = "test";

    fn project(_: &Self::Request) -> Option<ProjectId> {
        None
    }

    async fn run(
        connection: &mut PgConnection,
        requests: &[i64],
        _is_distributed: bool,
    ) -> Result<Vec<i64>, sqlx::Error> {
        BATCHES.lock().unwrap().push(requests.to_vec());
        if requests.contains(&1) {
            sqlx::query("SELECT pg_sleep(2)").execute(&mut *connection).await?;
        }
        sqlx::query_scalar(
            "SELECT 1000 / number FROM unnest($1::bigint[]) WITH ORDINALITY AS given (number, place) ORDER BY place",
        )
        .bind(requests)
        .fetch_all(connection)
        .await
    }
}

#[tokio::test]
async fn requests_that_wait_share_a_statement_and_only_the_wrong_one_fails() {
    let emulator = TestEmulator::new().await;
    let queue = BatchQueue::<Reciprocals>::new(emulator.connections.clone(), false);
    // While the slow statement runs, the others are sent in a statement of their own.
    let slow = queue.answer(1);
    let others = async {
        while BATCHES.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The request is in the queue when its caller gives up, before the next statement begins.
        let gives_up = async { assert!(poll!(pin!(queue.answer(7))).is_pending()) };
        let others = join_all([2, 0, 4, 5].map(|number| queue.answer(number)));
        let (others, ()) = tokio::join!(others, gives_up);
        others
    };
    let (slow, others) = tokio::join!(slow, others);
    assert_eq!(slow.unwrap(), 1_000);
    let others: Vec<_> = others.into_iter().map(|answer| answer.map_err(|error| error.to_string())).collect();
    assert_eq!([&others[0], &others[2], &others[3]], [&Ok(500), &Ok(250), &Ok(200)]);
    assert!(others[1].as_ref().unwrap_err().contains("division by zero"), "{others:?}");
    // The four in one statement, which fails, and then each alone. The request whose caller gave up is left out.
    let batches: Vec<Vec<i64>> = vec![vec![1], vec![2, 0, 4, 5], vec![2], vec![0], vec![4], vec![5]];
    assert_eq!(*BATCHES.lock().unwrap(), batches);
    // The connections can be used again.
    assert_eq!(queue.answer(10).await.unwrap(), 100);
}

#[tokio::test]
async fn a_queue_on_a_closed_pool_fails_and_does_not_wait() {
    let emulator = TestEmulator::new().await;
    let queue = BatchQueue::<Reciprocals>::new(emulator.connections.clone(), false);
    emulator.connections.close().await;
    let answers = join_all((1..=5).map(|number| queue.answer(number))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(sqlx::Error::PoolClosed))), "{answers:?}");
}

#[tokio::test]
async fn a_batch_finds_each_customer_as_a_single_request_does() {
    let emulator = TestEmulator::new().await;
    let (client, other) = (emulator.client(), emulator.other_project());
    let id = client.customer(json!({"source_id": "a", "metadata": {"n": 1}})).await;
    let deleted = client.customer(json!({"source_id": "gone"})).await;
    client.delete("/v1/customers/gone").await.expect(204);
    let of_other = other.customer(json!({"source_id": "a"})).await;
    // The id of a customer of another project, and of a deleted one, as source ids.
    let with_id_as_source_id = client.customer(json!({"source_id": of_other})).await;
    let with_deleted_id = client.customer(json!({"source_id": deleted})).await;

    let projects: Vec<i64> = sqlx::query_scalar("SELECT project_id FROM customers GROUP BY 1 ORDER BY count(*) DESC")
        .fetch_all(&emulator.pool)
        .await
        .unwrap();
    let (own, others) = (ProjectId(projects[0]), ProjectId(projects[1]));
    let long = "x".repeat(100_000);
    let expected = [
        (own, id.as_str(), Some(id.as_str())),
        (own, "a", Some(&id)),
        (others, "a", Some(&of_other)),
        (others, &id, None),
        (own, &of_other, Some(&with_id_as_source_id)),
        (own, &deleted, Some(&with_deleted_id)),
        (own, "gone", None),
        (own, "a\0", None),
        (own, &long, None),
        (own, "a", Some(&id)),
    ];
    let requests: Vec<_> =
        expected.iter().map(|(project, text, _)| (*project, Identifier::new((*text).to_owned()))).collect();
    let mut connection = emulator.connections.acquire().await.unwrap();
    // On a distributed database, a statement is for one project.
    let sizes = if emulator.is_distributed() { vec![1] } else { vec![1, 2, requests.len()] };
    for size in sizes {
        let mut found = Vec::new();
        for batch in requests.chunks(size) {
            found.extend(FindCustomers::run(&mut connection, batch, emulator.is_distributed()).await.unwrap());
        }
        let ids: Vec<_> = found.iter().map(|customer| customer.as_ref().map(|customer| customer.id.as_str())).collect();
        assert_eq!(ids, expected.map(|(.., id)| id), "batches of {size}");
        assert_eq!(found[0].as_ref().unwrap().metadata.as_ref().unwrap().as_str(), r#"{"n":1}"#);
    }
    connection.release();
}

#[tokio::test]
async fn concurrent_reads_each_get_their_own_answer() {
    let project = TestProject::new();
    let client = project.client();
    let mut ids = Vec::new();
    for index in 0..10 {
        let source_id = format!("c{index}");
        let order = json!({"source_id": format!("o{index}"), "amount": index, "customer": {"source_id": source_id}});
        client.post("/v1/orders", order).await.expect(200);
        ids.push(client.get(&format!("/v1/customers/{source_id}")).await.expect(200).string("/id"));
    }
    let reads = (0..120).map(|number| {
        let (client, other, ids) = (client.clone(), project.other_project(), &ids);
        async move {
            let index = number % 10;
            match number % 5 {
                0 => {
                    let answer = client.get(&format!("/v1/customers/{}", ids[index])).await.expect(200);
                    assert_eq!(answer.json()["source_id"], format!("c{index}"));
                }
                1 => {
                    let answer = client.get(&format!("/v1/customers/c{index}")).await.expect(200);
                    assert_eq!(answer.string("/id"), ids[index]);
                }
                2 => {
                    let answer = client.get(&format!("/v1/orders/o{index}")).await.expect(200);
                    assert_eq!(answer.json()["amount"], index);
                }
                3 => drop(other.get(&format!("/v1/customers/{}", ids[index])).await.expect(404)),
                _ => drop(client.get(&format!("/v1/orders/unknown-{index}")).await.expect(404)),
            }
        }
    });
    join_all(reads).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_is_never_older_than_an_acknowledged_write_of_another_emulator() {
    let emulator = TestEmulator::new().await;
    let second = emulator.start_another(|_| {}).await;
    let writers = (0..12).map(|writer| {
        // Half of the writers use each emulator, and read from the other one.
        let (writes, reads) =
            if writer % 2 == 0 { (emulator.client(), second.client()) } else { (second.client(), emulator.client()) };
        tokio::spawn(async move {
            let source_id = format!("c{writer}");
            let mut id = String::new();
            for number in 0..25 {
                let body = json!({"source_id": source_id, "metadata": {"number": number}});
                let written = writes.post("/v1/customers", body).await.expect(200);
                let path = if number % 2 == 0 { &source_id } else { &id };
                let read = reads.get(&format!("/v1/customers/{path}")).await.expect(200).json();
                assert_eq!(read["metadata"]["number"], number);
                id = written.string("/id");
            }
            reads.delete(&format!("/v1/customers/{source_id}")).await.expect(204);
            writes.get(&format!("/v1/customers/{id}")).await.expect(404);
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_that_are_created_together_have_all_their_rows() {
    let project = TestProject::new();
    let (client, other) = (project.client(), project.other_project());
    let is_gold = json!({"junction": "and", "metadata.level": {"conditions": {"$is": ["gold"]}}});
    let segment = json!({"name": "Gold", "type": "auto-update", "filter": is_gold});
    let segment = client.post("/v1/segments", segment).await.expect(200).string("/id");
    let creations = (0..60).map(|number| {
        let client = if number % 3 == 2 { other.clone() } else { client.clone() };
        async move {
            // Each source id is sent twice, so the second one is an update.
            let source_id = format!("c{}", number / 6 * 3 + number % 3);
            let level = if number % 3 == 0 { "gold" } else { "silver" };
            let body = json!({"source_id": source_id, "metadata": {"level": level, format!("n{number}"): true}});
            let created = client.post("/v1/customers", body).await.expect(200).json();
            assert_eq!(created["source_id"], source_id);
            created["id"].as_str().unwrap().to_owned()
        }
    });
    let ids = join_all(creations).await;
    client.get("/_emulator/idle").await.expect(200);
    for (client, sent) in [(&client, 40), (&other, 20)] {
        let listed = client.get("/v1/customers?limit=99").await.expect(200).json();
        assert_eq!((&listed["total"], listed["customers"].as_array().unwrap().len()), (&json!(sent / 2), sent / 2));
        for customer in listed["customers"].as_array().unwrap() {
            assert_eq!(customer["metadata"].as_object().unwrap().len(), 3, "{customer}");
        }
    }
    let members = client.get(&format!("/v1/customers?segment_id={segment}")).await.expect(200).json();
    assert_eq!(members["total"], 10);
    for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
        let activity = client.get(&format!("/v1/customers/{id}/activity?limit=100")).await.expect(200).json();
        let types: Vec<_> = activity["data"].as_array().unwrap().iter().map(|entry| &entry["type"]).collect();
        let count = |kind: &str| types.iter().filter(|entry| **entry == kind).count();
        let counts = ["customer.created", "customer.updated", "customer.segment.entered"].map(count);
        assert_eq!(counts, [1, 1, 1], "{number}: {types:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_that_must_wait_does_not_hold_up_other_projects() {
    let emulator = TestEmulator::new().await;
    let (client, other) = (emulator.client(), emulator.other_project());
    client.customer(json!({"source_id": "a"})).await;
    other.customer(json!({"source_id": "a"})).await;
    let project: i64 =
        sqlx::query_scalar("SELECT id FROM projects WHERE is_sandbox").fetch_one(&emulator.pool).await.unwrap();
    // Another process changes the rules of the project.
    let mut change = emulator.pool.begin().await.unwrap();
    sqlx::query("SELECT lock_rules_exclusive($1)").bind(project).execute(&mut *change).await.unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.post("/v1/customers", json!({"source_id": format!("w{number}")})).await })
        })
        .collect();
    for round in 0..5 {
        let creations = (0..10).map(|number| other.customer(json!({"source_id": format!("n{round}-{number}")})));
        join_all(creations).await;
    }
    assert!(waiting.iter().all(|creation| !creation.is_finished()));
    change.commit().await.unwrap();
    for creation in waiting {
        creation.await.unwrap().expect(200);
    }
    let total = |answer: Value| answer["total"].clone();
    assert_eq!(total(client.get("/v1/customers").await.json()), 4);
    assert_eq!(total(other.get("/v1/customers").await.json()), 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_looked_up_together_give_access_to_their_own_projects() {
    let emulator = TestEmulator::new().await;
    for number in 0..10 {
        let client = emulator.client_with(&format!("key-{number}"), "token");
        client.customer(json!({"source_id": "a", "metadata": {"number": number}})).await;
    }
    // Another emulator on the database has cached none of the keys.
    let second = emulator.start_another(|_| {}).await;
    let requests = (0..40).map(|number| {
        let (key, token) = (number % 10, if number < 30 { "token" } else { "wrong" });
        let client = second.client_with(&format!("key-{key}"), token);
        async move {
            let answer = client.get("/v1/customers/a").await;
            if token == "token" {
                assert_eq!(answer.expect(200).json()["metadata"]["number"], key);
            } else {
                answer.expect(401);
            }
        }
    });
    join_all(requests).await;
}
