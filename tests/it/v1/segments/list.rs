use serde_json::json;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn segments_are_listed_newest_first() {
    let project = TestProject::new();
    let client = project.client();
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(client.post("/v1/segments", json!({"name": name})).await.string("/id"));
    }
    let all = client.get("/v1/segments").await.expect(200);
    assert!(
        all.shape()
            .starts_with(r#"{"object":"list","data_ref":"data","data":[{"id":"<seg_>","name":"c","created_at":"#)
    );
    assert!(all.text.ends_with(r#"],"total":3}"#));
    let names =
        |answer: crate::support::Answer| (answer.column("data", "name").join(""), answer.json()["total"].clone());
    assert_eq!(names(client.get("/v1/segments?limit=2").await), ("cb".to_owned(), json!(3)));
    assert_eq!(names(client.get("/v1/segments?order=created_at").await), ("abc".to_owned(), json!(3)));
    let by_ids = format!("/v1/segments?ids[0]={}&ids%5B1%5D={}&ids[2]=seg_unknown", ids[0], ids[2]);
    assert_eq!(names(client.get(&by_ids).await), ("ca".to_owned(), json!(2)));
    assert_eq!(names(client.get("/v1/segments?ids=%00").await), (String::new(), json!(0)));
    assert_eq!(names(project.other_project().get("/v1/segments").await), (String::new(), json!(0)));
    assert_eq!(names(project.other_project().get(&by_ids).await), (String::new(), json!(0)));
}

#[tokio::test]
async fn invalid_parameters_return_400() {
    let project = TestProject::new();
    let answer = project.client().get("/v1/segments?limit=500").await.expect(400);
    assert_eq!(answer.string("/details"), "Property .limit cannot be higher than 100");
    project.client().get("/v1/segments?order=name").await.expect(400);
    for query in [
        "filters[filter][conditions][$is]=x",
        "filters[name][conditions][$like]=x",
        "start_date=soon",
        "starting_after=soon",
    ] {
        let error = project.client().get(&format!("/v1/segments?{query}")).await.expect(400);
        assert_eq!(error.string("/key"), "invalid_query_params");
    }
}

#[tokio::test]
async fn starting_after_continues_in_both_orders() {
    let emulator = TestEmulator::at("2024-03-15T10:00:00Z").await;
    let client = emulator.client();
    for (index, micros) in [1000, 2000, 2600, 3000].into_iter().enumerate() {
        emulator.clock.set(format!("2024-03-15T10:00:00.{micros:06}Z").parse().unwrap());
        client.post("/v1/segments", json!({"name": index.to_string()})).await.expect(200);
    }
    for (query, names) in [
        ("starting_after=2024-03-15T10:00:00.003Z", "210"),
        ("starting_after=2024-03-15T10:00:00.002Z", "0"),
        ("starting_after=2024-03-15T10:00:00.001Z", ""),
        ("starting_after=2024-03-15T10:00:00.001Z&order=created_at", "123"),
        ("starting_after=2200-01-01&limit=2", "3"),
        ("starting_after=2024-03-15T10:00:00.003Z&limit=2", "21"),
        ("starting_after=2024-03-15T10:00:00.003Z&page=7", "210"),
    ] {
        let listed = client.get(&format!("/v1/segments?{query}")).await.expect(200);
        assert_eq!(listed.column("data", "name").join(""), names, "{query}");
        assert_eq!(listed.json()["total"], 4, "{query}");
    }
    let filtered = "/v1/segments?starting_after=2024-03-15T10:00:00.002Z&filters[name][conditions][$in][0]=0";
    assert_eq!(client.get(filtered).await.expect(200).json()["total"], 1);
}

#[tokio::test]
async fn segments_are_filtered_by_members_and_creation_time() {
    let emulator = TestEmulator::at("2024-03-15T12:00:00Z").await;
    let client = emulator.client();
    for (name, kind, hour) in [("a", "static", "10"), ("b", "passive", "11"), ("ab", "auto-update", "12")] {
        emulator.clock.set(format!("2024-03-15T{hour}:00:00Z").parse().unwrap());
        let body = json!({"name": name, "type": kind, "filter": {"junction": "and"}});
        client.post("/v1/segments", body).await.expect(200);
    }
    for (query, names) in [
        ("filters[name][conditions][$contains]=a", vec!["ab", "a"]),
        ("filters[type][conditions][$in][0]=static&filters[type][conditions][$in][1]=passive", vec!["b", "a"]),
        ("filters[type][conditions][$is]=static&filters[name][conditions][$is]=b&filters[junction]=or", vec!["b", "a"]),
        ("filters[created_at][conditions][$before]=2024-03-15T11:00:00Z", vec!["a"]),
        ("filters[id][conditions][$has_value]=&limit=1", vec!["ab"]),
        ("start_date=2024-03-15T10:00:00Z&end_date=2024-03-15T12:00:00Z", vec!["b"]),
    ] {
        let listed = client.get(&format!("/v1/segments?{query}")).await.expect(200);
        assert_eq!(listed.column("data", "name"), names, "{query}");
        assert_eq!(listed.json()["total"], if query.ends_with("limit=1") { 3 } else { names.len() });
    }
    let other = emulator.other_project().get("/v1/segments?filters[name][conditions][$contains]=a").await.expect(200);
    assert_eq!(other.json()["total"], 0);
}
