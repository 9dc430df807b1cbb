use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn orders_are_listed_newest_first_with_total() {
    let project = TestProject::new();
    let client = project.client();
    for source_id in ["a", "b", "c"] {
        client.post("/v1/orders", json!({"source_id": source_id, "amount": 1})).await.expect(200);
    }
    client.put("/v1/orders/a", json!({"amount": 2})).await.expect(200);
    let list = client.get("/v1/orders?limit=2").await.expect(200);
    assert!(
        list.shape().starts_with(r#"{"object":"list","data_ref":"orders","orders":[{"id":"<ord_>","source_id":"c","#)
    );
    assert!(list.text.ends_with(r#""object":"order"}],"total":3}"#));
    for (query, expected) in [
        ("", "cba"),
        ("limit=2&page=2", "a"),
        ("order=created_at", "abc"),
        ("order=-updated_at&limit=1", "a"),
        ("page=100", ""),
    ] {
        let list = client.get(&format!("/v1/orders?{query}")).await.expect(200);
        assert_eq!(list.column("orders", "source_id").join(""), expected, "{query}");
        assert_eq!(list.json()["total"], 3);
    }
    assert_eq!(project.other_project().get("/v1/orders").await.json()["total"], 0);
}

#[tokio::test]
async fn invalid_parameters_return_400() {
    let project = TestProject::new();
    for (query, details) in [
        ("page=101", "Property .page cannot be higher than 100"),
        ("limit=-1", "Property .limit cannot be lower than 1"),
        (
            "order=source_id",
            "Property .order must be equal to one of the allowed values [ created_at, -created_at, updated_at, -updated_at ]",
        ),
    ] {
        let answer = project.client().get(&format!("/v1/orders?{query}")).await.expect(400);
        assert_eq!(answer.string("/details"), details);
    }
}

#[tokio::test]
async fn orders_are_filtered_and_counted() {
    let project = TestProject::new();
    let client = project.client();
    for (source_id, amount, status) in [("a", 100, "PAID"), ("b", 200, "CREATED"), ("c", 300, "PAID")] {
        let order = json!({"source_id": source_id, "amount": amount, "status": status, "metadata": {"of": source_id}});
        client.post("/v1/orders", order).await.expect(200);
    }
    for (query, expected, total) in [
        ("filters[status][conditions][$is]=PAID", "ca", 2),
        ("filters[status][conditions][$is]=PAID&limit=1&page=2", "a", 2),
        ("filters[amount][conditions][$more_than][0]=150&order=created_at", "bc", 2),
        (
            "filters[junction]=or&filters[amount][conditions][$less_than]=150&filters[metadata.of][conditions][$is]=b",
            "ba",
            2,
        ),
        ("filters[junction]=OR&filters[source_id][conditions][$is]=a&filters[amount][conditions][$is]=200", "ba", 2),
        ("filters[junction]=And&filters[source_id][conditions][$is]=a&filters[amount][conditions][$is]=200", "", 0),
        ("filters[source_id][conditions][$in][0]=a&filters[source_id][conditions][$in][1]=z", "a", 1),
    ] {
        let list = client.get(&format!("/v1/orders?{query}")).await.expect(200);
        assert_eq!(list.column("orders", "source_id").join(""), expected, "{query}");
        assert_eq!(list.json()["total"], total, "{query}");
    }
    for (query, details) in [
        ("filters[junction]=nor", "Property .filters has wrong `junction` property. It must be one of: and, or"),
        ("filters[email][conditions][$is]=a", "Property .filters.email is not a field that can be filtered by"),
        ("filters[amount][conditions][$is]=a", "Property .filters.amount.conditions.$is.0 must be number"),
    ] {
        let error = client.get(&format!("/v1/orders?{query}")).await.expect(400);
        assert_eq!(
            (error.string("/key").as_str(), error.string("/details").as_str()),
            ("invalid_query_params", details)
        );
    }
    client.get("/v1/orders?filters[status][conditions][$redeemed]=true").await.expect(501);
    let others = project.other_project().get("/v1/orders?filters[status][conditions][$is]=PAID").await.json();
    assert_eq!(others["total"], 0);
}

#[tokio::test]
async fn orders_of_one_customer_are_listed_by_id_and_source_id() {
    let project = TestProject::new();
    let client = project.client();
    let anna = client.customer(json!({"source_id": "anna"})).await;
    let ben = client.customer(json!({"source_id": anna.replace("cust_", "cust-")})).await;
    for (source_id, customer, status) in
        [("a", &anna, "PAID"), ("b", &ben, "PAID"), ("c", &anna, "CREATED"), ("d", &anna, "PAID")]
    {
        let order = json!({"source_id": source_id, "amount": 1, "status": status, "customer": {"id": customer}});
        client.post("/v1/orders", order).await.expect(200);
    }
    let referred = json!({"source_id": "e", "amount": 1, "referrer": {"id": anna}});
    client.post("/v1/orders", referred).await.expect(200);
    client.put("/v1/orders/a", json!({"amount": 2})).await.expect(200);
    for (query, expected, total) in [
        (format!("customer={anna}"), "dca", 3),
        ("customer=anna".to_owned(), "dca", 3),
        (format!("customer={ben}"), "b", 1),
        (format!("customer={}", anna.replace("cust_", "cust-")), "b", 1),
        (format!("customer={anna}&limit=1"), "d", 3),
        (format!("customer={anna}&limit=1&page=3"), "a", 3),
        (format!("customer={anna}&page=2"), "", 3),
        (format!("customer={anna}&order=created_at"), "acd", 3),
        (format!("customer={anna}&order=-updated_at&limit=1"), "a", 3),
        (format!("customer={anna}&filters[status][conditions][$is]=PAID"), "da", 2),
        (format!("customer={anna}&filters[status][conditions][$is]=PAID&limit=1"), "d", 2),
        ("customer=unknown".to_owned(), "", 0),
        ("customer=cust_000000000000000000000000".to_owned(), "", 0),
        ("customer=".to_owned(), "edcba", 5),
    ] {
        let list = client.get(&format!("/v1/orders?{query}")).await.expect(200);
        assert_eq!(list.column("orders", "source_id").join(""), expected, "{query}");
        assert_eq!(list.json()["total"], total, "{query}");
    }
    for customer in [anna.as_str(), "anna"] {
        let others = project.other_project().get(&format!("/v1/orders?customer={customer}")).await.expect(200).json();
        assert_eq!((&others["orders"], &others["total"]), (&json!([]), &json!(0)));
    }
    let error = client.get("/v1/orders?customer=%00").await.expect(400);
    assert_eq!(error.string("/details"), "Property .customer must NOT contain the character U+0000");
}

#[tokio::test]
async fn orders_of_a_deleted_customer_are_listed_by_its_id_only() {
    let project = TestProject::new();
    let client = project.client();
    let order = json!({"source_id": "old", "amount": 1, "customer": {"source_id": "anna"}});
    let anna = client.post("/v1/orders", order).await.expect(200).string("/customer_id");
    client.delete("/v1/customers/anna").await.expect(204);
    let list = async |customer: &str| {
        client.get(&format!("/v1/orders?customer={customer}")).await.expect(200).column("orders", "source_id").join(",")
    };
    assert_eq!((list(&anna).await.as_str(), list("anna").await.as_str()), ("old", ""));

    let order = json!({"source_id": "new", "amount": 1, "customer": {"source_id": "anna"}});
    client.post("/v1/orders", order).await.expect(200);
    assert_eq!((list(&anna).await.as_str(), list("anna").await.as_str()), ("old", "new"));

    client.post(&format!("/v1/customers/{anna}/permanent-deletion"), json!({})).await.expect(200);
    assert_eq!(list(&anna).await, "");
}
