use serde_json::json;

use super::{download_file, export_file, run_export};
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn all_customer_columns_are_exported() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let full = json!({"source_id": "a", "name": "Anna \"A\" Weber, jr.", "description": "two\nlines", "email": "a@b.c", "phone": "+1",
        "birthday": "1990-01-02", "birthdate": "1990-01-03", "address": {"city": "Kraków", "state": null, "line_1": "1", "line_2": "2",
        "country": "PL", "postal_code": "31-416"}});
    let a = client.customer(full).await;
    emulator.clock.set("2024-03-01T10:00:01.5Z".parse().unwrap());
    for amount in [1000, 2001] {
        let order = json!({"amount": amount, "status": "PAID", "customer": {"source_id": "a"}});
        client.post("/v1/orders", order).await.expect(200);
    }
    let state = json!({"loyalty": {"points": 7, "referred_customers": 2}, "summary": {"redemptions": {"total_redeemed": 3, "total_failed": 1}}});
    client.put(&format!("/_emulator/customers/{a}/state"), state).await.expect(200);
    client.put("/v1/customers/a", json!({"phone": "+2"})).await.expect(200);
    emulator.clock.set("2024-03-01T10:00:02Z".parse().unwrap());
    let b = client.customer(json!({})).await;
    let fields = [
        "name",
        "id",
        "description",
        "email",
        "source_id",
        "created_at",
        "address_city",
        "address_state",
        "address_line_1",
        "address_line_2",
        "address_country",
        "address_postal_code",
        "redemptions_total_redeemed",
        "redemptions_total_failed",
        "redemptions_total_succeeded",
        "redemptions_total_rolled_back",
        "redemptions_total_rollback_failed",
        "redemptions_total_rollback_succeeded",
        "orders_total_amount",
        "orders_total_count",
        "orders_average_amount",
        "orders_last_order_amount",
        "orders_last_order_date",
        "loyalty_points",
        "loyalty_referred_customers",
        "updated_at",
        "phone",
        "birthday",
        "birthdate",
    ];
    assert_eq!(
        export_file(&client, "customer", json!({"fields": fields, "order": "created_at"})).await,
        [
            "Name,ID,Description,Email,Source ID,Created At,Address City,Address State,Address Line 1,Address Line 2,",
            "Address Country,Address Postal Code,Redemptions Total Redeemed,Redemptions Total Failed,",
            "Redemptions Total Succeeded,Redemptions Total Rolled Back,Redemptions Total Rollback Failed,",
            "Redemptions Total Rollback Succeeded,Orders Total Amount,Orders Total Count,Orders Average Amount,",
            "Orders Last Order Amount,Orders Last Order Date,Loyalty Points,Loyalty Referred Customers,Updated At,Phone,",
            "Birthday,Birthdate\n",
            "\"Anna \"\"A\"\" Weber, jr.\",", &a, ",\"two\nlines\",a@b.c,a,2024-03-01T10:00:00.000Z,Kraków,,1,2,PL,31-416,",
            "3,1,0,0,0,0,3001,2,1501,2001,2024-03-01T10:00:01.500Z,7,2,2024-03-01T10:00:01.500Z,+2,1990-01-02,1990-01-03\n",
            ",", &b, ",,,,2024-03-01T10:00:02.000Z,,,,,,,0,0,0,0,0,0,0,0,0,0,,0,0,,,,\n",
        ]
        .concat()
    );
}

#[tokio::test]
async fn all_order_columns_are_exported() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let order = json!({"source_id": "o", "amount": 7700, "status": "CREATED", "customer": {"source_id": "a"}, "referrer": {"source_id": "r"},
        "metadata": {"payment_mean": "cash, or so"}});
    let o = client.post("/v1/orders", order).await.expect(200);
    emulator.clock.set("2024-03-01T10:00:01Z".parse().unwrap());
    client.put("/v1/orders/o", json!({"status": "PAID"})).await.expect(200);
    emulator.clock.set("2024-03-01T10:00:02Z".parse().unwrap());
    let p = client.post("/v1/orders", json!({"amount": 5})).await.expect(200).string("/id");
    let fields = [
        "id",
        "source_id",
        "created_at",
        "updated_at",
        "status",
        "amount",
        "discount_amount",
        "items_discount_amount",
        "total_discount_amount",
        "total_amount",
        "customer_id",
        "referrer_id",
        "metadata.payment_mean",
    ];
    assert_eq!(
        export_file(&client, "order", json!({"fields": fields, "order": "-status"})).await,
        [
            "ID,Source ID,Created At,Updated At,Status,Amount,Discount Amount,Items Discount Amount,Total Discount Amount,",
            "Total Amount,Customer ID,Referrer ID,payment_mean\n",
            &o.string("/id"), ",o,2024-03-01T10:00:00.000Z,2024-03-01T10:00:01.000Z,PAID,7700,,,,7700,",
            &o.string("/customer_id"), ",", &o.string("/referrer_id"), ",\"cash, or so\"\n",
            &p, ",,2024-03-01T10:00:02.000Z,,CREATED,5,,,,5,,,\n",
        ]
        .concat()
    );
}

#[tokio::test]
async fn metadata_has_one_column_for_each_key_of_the_schema() {
    let project = TestProject::new();
    let client = project.client();
    let definition = |kind: &str| json!({"type": kind, "optional": true, "array": false});
    let properties =
        json!({"age": definition("number"), "old": definition("string"), "Some Key": definition("string")});
    client
        .post("/v1/metadata-schemas", json!({"related_object": "customer", "properties": properties}))
        .await
        .expect(200);
    let mut removed = definition("string");
    removed["deleted"] = json!(true);
    client.put("/v1/metadata-schemas/customer", json!({"properties": {"old": removed}})).await.expect(200);
    let metadata = json!({"free": [1, "a", null], "Some Key": "=1+1", "age": 30.5, "old": "x", "yes": true, "no": null,
        "in": {"b": "c\"d"}, "text": "a\tb\\c"});
    client.customer(json!({"source_id": "a", "metadata": metadata})).await;
    let export =
        run_export(&client, "customer", json!({"fields": ["source_id", "metadata", "metadata.free", "metadata.none"]}))
            .await;
    // A later change of the schema does not change the columns of an existing export.
    let later = json!({"properties": {"later": definition("string")}});
    client.put("/v1/metadata-schemas/customer", later).await.expect(200);
    assert_eq!(
        download_file(&client, &export).await,
        "Source ID,age,Some Key,free,none\na,30.5,=1+1,\"[1,\"\"a\"\",null]\",\n"
    );
    let fields = json!({"fields": ["metadata.yes", "metadata.no", "metadata.in", "metadata.text", "metadata.old"]});
    assert_eq!(
        export_file(&client, "customer", fields).await,
        "yes,no,in,text,old\ntrue,,\"{\"\"b\"\":\"\"c\\\"\"d\"\"}\",a\tb\\c,x\n"
    );
    // Orders have their own metadata schema.
    let properties = json!({"payment": definition("string")});
    client.post("/v1/metadata-schemas", json!({"related_object": "order", "properties": properties})).await.expect(200);
    client.post("/v1/orders", json!({"source_id": "o", "metadata": {"payment": "cash"}})).await.expect(200);
    assert_eq!(
        export_file(&client, "order", json!({"fields": ["metadata", "source_id"]})).await,
        "payment,Source ID\ncash,o\n"
    );
}

#[tokio::test]
async fn spreadsheet_formulas_in_cells_are_not_escaped() {
    let project = TestProject::new();
    let client = project.client();
    for (source_id, name) in
        [("a", "=HYPERLINK(\"http://x\",1)"), ("b", "+1"), ("c", "-1"), ("d", "@SUM(A1)"), ("e", "\t=1")]
    {
        client.customer(json!({"source_id": source_id, "name": name})).await;
    }
    assert_eq!(
        export_file(&client, "customer", json!({"fields": ["source_id", "name"], "order": "source_id"})).await,
        "Source ID,Name\na,\"=HYPERLINK(\"\"http://x\"\",1)\"\nb,+1\nc,-1\nd,@SUM(A1)\ne,\t=1\n"
    );
}

#[tokio::test]
async fn rows_are_sorted_by_requested_order() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    for (second, (source_id, name, email)) in
        [("b", "1", "z"), ("a", "3", "y"), ("c", "2", "x")].into_iter().enumerate()
    {
        emulator.clock.set(format!("2024-03-01T10:00:0{second}Z").parse().unwrap());
        client.customer(json!({"source_id": source_id, "name": name, "email": email})).await;
    }
    emulator.clock.set("2024-03-01T10:00:05Z".parse().unwrap());
    client.put("/v1/customers/b", json!({"phone": "1"})).await.expect(200);
    for (order, expected) in [
        ("", "cab"),
        ("created_at", "bac"),
        ("-created_at", "cab"),
        ("name", "bca"),
        ("-name", "acb"),
        ("email", "cab"),
        ("-email", "bac"),
        ("source_id", "abc"),
        ("-source_id", "cba"),
        ("updated_at", "acb"),
        ("-updated_at", "bca"),
    ] {
        let text = export_file(&client, "customer", json!({"fields": ["source_id"], "order": order})).await;
        assert_eq!(text.lines().skip(1).collect::<String>(), expected, "{order}");
    }
    let ids = |order: &'static str| {
        let client = client.clone();
        async move { export_file(&client, "customer", json!({"fields": ["id"], "order": order})).await }
    };
    let (ascending, descending) = (ids("id").await, ids("-id").await);
    let mut sorted: Vec<_> = ascending.lines().skip(1).collect();
    assert!(sorted.is_sorted());
    sorted.reverse();
    assert_eq!(descending.lines().skip(1).collect::<Vec<_>>(), sorted);

    for (second, (source_id, status)) in [("x", "PAID"), ("y", "CANCELED"), ("z", "FULFILLED")].into_iter().enumerate()
    {
        emulator.clock.set(format!("2024-03-01T10:00:1{second}Z").parse().unwrap());
        client.post("/v1/orders", json!({"source_id": source_id, "status": status})).await.expect(200);
    }
    emulator.clock.set("2024-03-01T10:00:20Z".parse().unwrap());
    client.put("/v1/orders/y", json!({"amount": 1})).await.expect(200);
    for (order, expected) in [
        ("", "zyx"),
        ("created_at", "xyz"),
        ("-created_at", "zyx"),
        ("updated_at", "xzy"),
        ("-updated_at", "yzx"),
        ("status", "yzx"),
        ("-status", "xzy"),
    ] {
        let text = export_file(&client, "order", json!({"fields": ["source_id"], "order": order})).await;
        assert_eq!(text.lines().skip(1).collect::<String>(), expected, "{order}");
    }
}

#[tokio::test]
async fn deleted_rows_and_rows_of_other_project_are_not_exported() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a", "name": "A"})).await;
    client.customer(json!({"source_id": "b", "name": "B"})).await;
    client.delete("/v1/customers/b").await.expect(204);
    let other = project.other_project();
    other.customer(json!({"source_id": "c", "name": "C"})).await;
    other.post("/v1/orders", json!({"source_id": "o"})).await.expect(200);
    assert_eq!(export_file(&client, "customer", json!({})).await, "Name,Source ID\nA,a\n");
    assert_eq!(export_file(&client, "order", json!({"fields": ["source_id"]})).await, "Source ID\n");
    assert_eq!(export_file(&other, "customer", json!({})).await, "Name,Source ID\nC,c\n");
}
