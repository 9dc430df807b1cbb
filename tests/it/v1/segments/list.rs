use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn segments_are_listed_newest_first() {
    let world = World::new().await;
    let client = world.client();
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
    let chosen = format!("/v1/segments?ids[0]={}&ids%5B1%5D={}&ids[2]=seg_unknown", ids[0], ids[2]);
    assert_eq!(names(client.get(&chosen).await), ("ca".to_owned(), json!(2)));
    assert_eq!(names(client.get("/v1/segments?ids=%00").await), (String::new(), json!(0)));
    assert_eq!(names(world.stranger().get("/v1/segments").await), (String::new(), json!(0)));
    assert_eq!(names(world.stranger().get(&chosen).await), (String::new(), json!(0)));
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let world = World::new().await;
    let answer = world.client().get("/v1/segments?limit=500").await.expect(400);
    assert_eq!(answer.string("/details"), "Property .limit cannot be higher than 100");
    world.client().get("/v1/segments?order=name").await.expect(400);
    world.client().get("/v1/segments?filters[name][conditions][$is]=x").await.expect(501);
}
