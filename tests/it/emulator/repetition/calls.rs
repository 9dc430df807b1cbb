//! The calls: every kind of resource, and the errors of each.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Script, links};

/// Sends all calls.
pub(super) async fn run(script: &mut Script<'_>) {
    definitions(script).await;
    customers(script).await;
    let segments = segments(script).await;
    orders(script).await;
    events_and_consents(script).await;
    pages(script).await;
    jobs(script).await;
    exports(script).await;
    lists(script, &segments).await;
    oauth_and_stickystreet(script).await;
    time_and_faults(script).await;
    deletions(script, &segments).await;
    webhooks(script).await;
    whole_project(script).await;
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Webhooks, schemas and consents.
async fn definitions(script: &mut Script<'_>) {
    let url = script.receiver.url();
    for (kind, events) in [
        ("webhook", json!(["customer.created", "customer.updated", "customer.deleted"])),
        ("distribution", json!(["customer.order.paid", "customer.segment.entered", "customer.segment.left"])),
        ("webhook", json!(["customer.sms_sent"])),
    ] {
        script.post("/_emulator/webhooks", json!({"object": kind, "target_url": url, "events": events})).await;
    }
    let optional = |kind: &str| json!({"type": kind, "optional": true, "array": false});
    for (object, properties) in [
        ("customer", json!({"tier": optional("string"), "points": optional("number"), "since": optional("date")})),
        ("order", json!({"channel": optional("string")})),
        ("product", json!({"color": optional("string")})),
        ("customer", json!({"tier": optional("string")})),
        ("nothing", json!({})),
    ] {
        script.post("/v1/metadata-schemas", json!({"related_object": object, "properties": properties})).await;
    }
    script.get("/v1/metadata-schemas").await;
    script.get("/v1/metadata-schemas/customer").await;
    script.put("/v1/metadata-schemas/order", json!({"properties": {"channel": optional("number")}})).await;
    script.delete("/v1/metadata-schemas/product").await;
    script.get("/v1/metadata-schemas/product").await;
    let visit = json!({"name": "visit", "schema": {"properties": {"page": {"type": "string", "optional": true}}}});
    for schema in [visit.clone(), visit, json!({"name": "rating", "schema": {"properties": {}}}), json!({"name": 1})] {
        script.post("/_emulator/custom-event-schemas", schema).await;
    }
    script.get("/_emulator/custom-event-schemas").await;
    for name in ["mail", "phone", "post"] {
        script.put(&format!("/_emulator/consents/{name}"), json!({"name": name})).await;
    }
    let group = json!({"name": "All", "description": "", "consents": ["mail", "phone"]});
    script.put("/_emulator/consent-groups/all", group).await;
    script.delete("/_emulator/consents/post").await;
    script.get("/v1/consents").await;
}

async fn customers(script: &mut Script<'_>) {
    for number in 0..12 {
        let mut customer = json!({"source_id": format!("customer {number}"), "name": format!("Ünal \"{number}\"")});
        let more = match number % 6 {
            0 => json!({"email": format!("c{number}@morgan.com"), "phone": "+48 123 456 789"}),
            1 => json!({"birthdate": format!("19{}0-02-29", 6 + number / 6), "description": "first\nsecond"}),
            2 => json!({"address": {"city": "Oslo", "country": "NO", "line_1": "Gate 1", "postal_code": "0150"}}),
            3 => json!({"metadata": {"tier": "gold", "points": 12.5, "since": "2029-12-01", "list": ["a", null, 1]}}),
            4 => json!({"metadata": {"nested": {"a": {"b": [true, 1e3]}}}, "email": null}),
            _ => json!({"created_at": "2020-01-01", "unknown": true}),
        };
        customer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        script.post("/v1/customers", customer).await;
    }
    // Without source_id, and an update by the operation that creates.
    script.post("/v1/customers", json!({"email": "nobody@morgan.com"})).await;
    script.post("/v1/customers", json!({"source_id": "customer 0", "name": "New name"})).await;
    for wrong in [
        json!({"source_id": ""}),
        json!({"source_id": "x".repeat(300)}),
        json!({"email": "no address"}),
        json!({"name": 5}),
        json!({"birthdate": "yesterday"}),
        json!({"metadata": []}),
        json!({"metadata": {"points": "many"}}),
        json!({"address": "Oslo"}),
        json!([]),
    ] {
        script.post("/v1/customers", wrong).await;
    }
    for text in ["", "{", "{\"source_id\": \"a\", }", "null"] {
        script.send(Method::POST, "/v1/customers", text, "application/json").await;
    }
    script.send(Method::POST, "/v1/customers", "source_id=a", "text/plain").await;
    for (number, change) in [
        json!({"name": "Renamed"}),
        json!({"metadata": {"tier": "silver"}}),
        json!({"address": {"city": "Bergen"}}),
        json!({"email": null, "phone": null}),
        json!({}),
        json!({"email": 1}),
    ]
    .into_iter()
    .enumerate()
    {
        script.put(&format!("/v1/customers/customer%20{number}"), change).await;
    }
    script.put("/v1/customers/none", json!({"name": "N"})).await;
    let found = script.get("/v1/customers/customer%203").await;
    script.get(&format!("/v1/customers/{}", id(&found))).await;
    for path in ["none", "cust_000000000000000000000000", "%00", "%FF", "a/b"] {
        script.get(&format!("/v1/customers/{path}")).await;
    }
    let state = json!({"loyalty": {"points": 30}, "summary": {"redemptions": {"total_redeemed": 1}}});
    script.put("/_emulator/customers/customer%201/state", state).await;
    script.get("/v1/customers/customer%201/redeemables").await;
    script.get("/v1/trash-bin").await;
    script.delete("/v1/trash-bin/tbe_0eb6515f758ae37126").await;
}

/// Returns the ids of the segments.
async fn segments(script: &mut Script<'_>) -> Vec<String> {
    let member = id(&script.get("/v1/customers/customer%202").await);
    let condition = |field: &str, operator: &str, values: Value| json!({"junction": "and", field: {"conditions": {operator: values}}});
    let mut segments = Vec::new();
    for (name, kind, content) in [
        ("Listed", "static", json!({"customers": [member]})),
        ("Empty", "static", json!({"customers": []})),
        ("Gold", "auto-update", json!({"filter": condition("metadata.tier", "$is", json!(["gold"]))})),
        ("Oslo", "passive", json!({"filter": condition("address.city", "$contains", json!(["Osl"]))})),
        (
            "Buyers",
            "auto-update",
            json!({"filter": condition("summary.orders.total_amount", "$more_than", json!([1000]))}),
        ),
        ("Newcomers", "auto-update", json!({"filter": condition("created_at", "$less_than_ago", json!([10]))})),
        ("Visitors", "passive", json!({"filter": condition("events.visit.count", "$more_than", json!([0]))})),
    ] {
        let mut segment = json!({"name": name, "type": kind});
        segment.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        segments.push(id(&script.post("/v1/segments", segment).await));
    }
    for wrong in [
        json!({"name": "N", "type": "auto-update"}),
        json!({"name": "N", "type": "auto-update", "filter": {"junction": "nor"}}),
        json!({"name": "N", "type": "auto-update", "filter": condition("name", "$like", json!(["a"]))}),
        json!({"name": "N", "type": "static", "customers": ["cust_000000000000000000000000"]}),
        json!({"type": "static"}),
    ] {
        script.post("/v1/segments", wrong).await;
    }
    for segment in &segments {
        script.get(&format!("/v1/segments/{segment}")).await;
        script.get(&format!("/v1/customers?segment_id={segment}&limit=100")).await;
    }
    script.get("/v1/segments/none").await;
    script.get("/v1/segments?limit=3&order=created_at").await;
    script.get("/v1/customers/customer%203/segments").await;
    segments
}

async fn orders(script: &mut Script<'_>) {
    let mut orders = Vec::new();
    for (number, status) in ["CREATED", "PAID", "FULFILLED", "CANCELED", "PAID", "FULFILLED"].into_iter().enumerate() {
        let mut order = json!({
            "source_id": format!("order {number}"), "status": status, "amount": 700 * (number + 1),
            "customer": {"source_id": format!("customer {}", number % 3)}, "metadata": {"channel": number.to_string(), "note": "ä"},
        });
        if number % 2 == 0 {
            order["items"] = json!([{"sku_id": "sku_1", "quantity": number + 1, "price": 350},
                                    {"product_id": "p", "quantity": 1, "price": 5, "product": {"name": "P"}}]);
            order["referrer"] = json!({"source_id": "customer 5"});
        }
        orders.push(script.post("/v1/orders", order).await["id"].clone());
    }
    script.post("/v1/orders", json!({"amount": 5, "customer": {"source_id": "new by order", "name": "New"}})).await;
    script.post("/v1/orders", json!({})).await;
    for wrong in [
        json!({"amount": -1}),
        json!({"amount": "1"}),
        json!({"status": "LOST"}),
        json!({"items": [{"quantity": 0}]}),
        json!({"customer": {"id": "cust_000000000000000000000000"}}),
        json!({"metadata": {"channel": 1}}),
        json!({"source_id": "order 0"}),
    ] {
        script.post("/v1/orders", wrong).await;
    }
    for (order, change) in orders.iter().zip([
        json!({"status": "PAID"}),
        json!({"amount": 99_000}),
        json!({"status": "CANCELED"}),
        json!({"status": "PAID"}),
        json!({"metadata": {"note": "changed"}, "items": []}),
        json!({"customer": {"source_id": "customer 4"}}),
    ]) {
        let path = format!("/v1/orders/{}", order.as_str().unwrap_or("none"));
        script.put(&path, change).await;
        script.get(&path).await;
    }
    script.get("/v1/orders/none").await;
    for query in [
        "limit=4&order=-created_at",
        "limit=4&page=2",
        "customer=customer%201",
        "limit=0",
        "order=amount",
        "filters[status][conditions][$is]=PAID",
    ] {
        script.get(&format!("/v1/orders?{}", query.replace('[', "%5B").replace(']', "%5D"))).await;
    }
}

async fn events_and_consents(script: &mut Script<'_>) {
    for (number, event) in ["visit", "visit", "rating", "visit"].into_iter().enumerate() {
        let customer = json!({"source_id": format!("customer {}", number % 2)});
        script.post("/v1/events", json!({"event": event, "customer": customer, "metadata": {"page": "p"}})).await;
    }
    for wrong in [
        json!({"event": "visit"}),
        json!({"event": "unknown", "customer": {"source_id": "customer 1"}}),
        json!({"event": "visit", "customer": {"source_id": "customer 1"}, "metadata": {"page": 1}}),
    ] {
        script.post("/v1/events", wrong).await;
    }
    script.put("/v1/customers/customer%201/consents", json!({"mail": true, "phone": false})).await;
    script.put("/v1/customers/customer%201/consents", json!({"mail": false})).await;
    script.put("/v1/customers/customer%201/consents", json!({"none": true})).await;
    script.put("/v1/customers/none/consents", json!({"mail": true})).await;
}

/// The client side.
async fn pages(script: &mut Script<'_>) {
    let customers = "/client/v1/customers";
    script.send_from_page(Method::POST, customers, json!({"source_id": "page", "name": "Page"}), &[]).await;
    script.send_from_page(Method::POST, customers, json!({"source_id": 1}), &[]).await;
    let event = json!({"event": "visit", "customer": {"source_id": "page"}, "metadata": {"page": "start"}});
    script.send_from_page(Method::POST, "/client/v1/events", event, &[]).await;
    script.send_from_page(Method::GET, "/client/v1/consents", Value::Null, &[]).await;
    script.send_from_page(Method::PUT, "/client/v1/customers/page/consents", json!({"mail": true}), &[]).await;
    script.send_from_page(Method::GET, "/client/v1/none", Value::Null, &[]).await;
    let double = [("x-voucherify-double-opt-in", "true")];
    let body = json!({"source_id": "frank", "email": "frank@morgan.com"});
    let unconfirmed = script.send_from_page(Method::POST, customers, body, &double).await;
    let confirm = format!("/_emulator/unconfirmed-customers/{}/confirm", id(&unconfirmed));
    script.send(Method::POST, &confirm, "", "application/json").await;
    script.send(Method::POST, &confirm, "", "application/json").await;
    script.send_from_page(Method::OPTIONS, customers, Value::Null, &[("access-control-request-method", "POST")]).await;
}

async fn jobs(script: &mut Script<'_>) {
    let bulk: Vec<_> = (0..6)
        .map(|number| json!({"source_id": format!("bulk {number}"), "metadata": {"points": number}}))
        .chain([
            json!({"source_id": "customer 0", "metadata": {"points": "many"}}),
            json!({"source_id": "customer 2", "name": "Bulk"}),
        ])
        .collect();
    let accepted = script.post("/v1/customers/bulk/async", json!(bulk)).await;
    script.finish(&accepted).await;
    let metadata = json!({"source_ids": ["bulk 1", "bulk 2", "new by job"], "metadata": {"tier": "gold"}});
    let accepted = script.post("/v1/customers/metadata/async", metadata).await;
    script.finish(&accepted).await;
    let accepted = script
        .upload("source_id,name,email,tier\ncsv 1,Ann,ann@lee.com,gold\ncsv 2,Bo,,\ncustomer 3,New,,silver\n")
        .await;
    script.finish(&accepted).await;
    let accepted = script.upload("source_id,points,birthdate\ncsv 3,many,\ncsv 4,1,soon\n,2,2000-01-01\n").await;
    script.finish(&accepted).await;
    let orders: Vec<_> = (0..4)
        .map(|number| json!({"source_id": format!("import {number}"), "amount": 300, "status": "PAID", "customer": {"source_id": format!("import {}", number % 2)}}))
        .collect();
    let accepted = script.post("/v1/orders/import", json!(orders)).await;
    script.finish(&accepted).await;
    for (path, wrong) in [
        ("/v1/customers/bulk/async", json!([])),
        ("/v1/customers/bulk/async", json!({"source_id": "a"})),
        ("/v1/customers/metadata/async", json!({"metadata": {}})),
        ("/v1/orders/import", json!([{"amount": "a"}])),
    ] {
        script.post(path, wrong).await;
    }
    script.upload("name\nAnn\n").await;
    script.send(Method::POST, "/v1/customers/importCSV", "no file", "text/csv").await;
    script.wait().await;
    let purged = json!({"properties": {"since": {"type": "date", "optional": true, "array": false, "deleted": true}}});
    script.put("/v1/metadata-schemas/customer", purged).await;
    let accepted = script.post("/_emulator/metadata-schemas/customer/purge", json!({"key": "since"})).await;
    script.finish(&accepted).await;
    script.get("/v1/async-actions?limit=3").await;
    script.get("/v1/async-actions/none").await;
}

async fn exports(script: &mut Script<'_>) {
    let gold = json!({"metadata.tier": {"conditions": {"$is": ["gold"]}}});
    for body in [
        json!({"exported_object": "customer"}),
        json!({"exported_object": "customer", "parameters": {"fields": ["source_id", "name", "metadata"], "filters": gold}}),
        json!({"exported_object": "order", "parameters": {"order": "-created_at", "fields": ["source_id", "amount", "status"]}}),
        json!({"exported_object": "voucher"}),
        json!({"exported_object": "none"}),
    ] {
        let export = script.post("/v1/exports", body).await;
        if let Some(id) = export["id"].as_str() {
            script.wait().await;
            let done = script.get(&format!("/v1/exports/{id}")).await;
            for url in links(&done) {
                script.download(&url).await;
            }
        }
    }
    let export = script.post("/v1/orders/export", json!({"parameters": {"fields": ["id", "source_id"]}})).await;
    script.wait().await;
    script.delete(&format!("/v1/exports/{}", id(&export))).await;
    script.get(&format!("/v1/exports/{}", id(&export))).await;
    script.get("/v1/exports?limit=2&order=-created_at").await;
}

/// Lists, page by page and with cursors, and activity.
async fn lists(script: &mut Script<'_>, segments: &[String]) {
    for query in [
        "limit=5",
        "limit=5&page=2",
        "limit=100&order=-created_at",
        "limit=100&order=updated_at",
        "order=email",
        "limit=101",
        "email=c0%40morgan.com",
        "city=Oslo",
        "name=Renamed",
        "created_at%5Bbefore%5D=2021-01-01",
        "filters%5Bmetadata.tier%5D%5Bconditions%5D%5B%24is%5D=gold",
        "filters%5Bname%5D%5Bconditions%5D%5B%24like%5D=a",
    ] {
        script.get(&format!("/v1/customers?{query}")).await;
    }
    let mut cursor = "2019-01-01T00:00:00.000Z".to_owned();
    for _ in 0..4 {
        let page = script.get(&format!("/v1/customers?limit=10&order=created_at&starting_after={cursor}")).await;
        let rows = page["customers"].as_array().unwrap();
        let Some(last) = rows.last().and_then(|row| row["created_at"].as_str()) else { break };
        last.clone_into(&mut cursor);
    }
    for customer in ["customer%200", "customer%201", "customer%203", "page", "bulk%201"] {
        script.get(&format!("/v1/customers/{customer}/activity?limit=100")).await;
        let page = script.get(&format!("/v1/customers/{customer}/activities?limit=2")).await;
        if let Some(last) = page["data"].as_array().and_then(|rows| rows.last()) {
            script.get(&format!("/v1/customers/{customer}/activities?limit=2&starting_after_id={}", id(last))).await;
        }
    }
    script.get("/v1/customers/none/activity").await;
    script.get("/v1/customers/customer%200/activities?limit=a").await;
    script.get(&format!("/v1/segments?ids={}", segments[0])).await;
}

async fn oauth_and_stickystreet(script: &mut Script<'_>) {
    let token = script.form("/v1/oauth/token", "grant_type=client_credentials&scope=api").await;
    script.form("/v1/oauth/token", "grant_type=password").await;
    let token = format!("access_token={}", token["access_token"].as_str().unwrap());
    script.form("/v1/oauth/introspect", &token).await;
    script.form("/v1/oauth/token/revoke", &token).await;
    script.form("/v1/oauth/introspect", &token).await;
    let (app_id, app_token) = script.project.server_keys();
    let account = [("user_id", app_id), ("user_password", app_token), ("account_id", app_id), ("output", "json")];
    for fields in [
        &[
            ("type", "record_customer"),
            ("customer_action", "new"),
            ("first_name", "Zoe"),
            ("last_name", "Ray"),
            ("email", "zoe@ray.com"),
        ][..],
        &[("type", "record_customer"), ("customer_action", "new"), ("first_name", "Yan")],
        &[("type", "customer_info"), ("code", "customer 1")],
        &[("type", "customer_info"), ("code", "none")],
        &[("type", "none")],
    ] {
        let all = [&account[..], fields].concat();
        let fields: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        script.form("/stickystreet/api.php", &fields).await;
    }
}

async fn time_and_faults(script: &mut Script<'_>) {
    for by in ["PT1H", "P11D"] {
        script.post("/_emulator/clock/advance", json!({"by": by})).await;
        script.wait().await;
    }
    script.get("/v1/customers/customer%203/activity?limit=5").await;
    script.post("/_emulator/clock/advance", json!({"to": "2020-01-01"})).await;
    script.post("/v1/customers", json!({"source_id": "after", "name": "After the advance"})).await;
    let rule = json!({"operation": "get-customer", "probability": 0.5, "seed": 3, "status": 503});
    let fault = script.post("/_emulator/faults", rule).await;
    script
        .post(
            "/_emulator/faults",
            json!({"method": "PUT", "status": 429, "retry_after_s": 3, "after": true, "times": 1}),
        )
        .await;
    for _ in 0..8 {
        script.get("/v1/customers/after").await;
    }
    for name in ["First", "Second"] {
        script.put("/v1/customers/after", json!({"name": name})).await;
    }
    script.get("/_emulator/faults").await;
    script.delete(&format!("/_emulator/faults/{}", id(&fault))).await;
    script.delete("/_emulator/faults/none").await;
    script.get("/_emulator/requests/count?operation=get-customer&status=5xx").await;
    script.get("/_emulator/clock").await;
    script.get("/_emulator/ids").await;
}

async fn deletions(script: &mut Script<'_>, segments: &[String]) {
    // What is not delivered yet is not in a snapshot.
    script.wait().await;
    script.put("/_emulator/snapshots/before", json!({})).await;
    script.delete("/v1/customers/customer%204").await;
    script.delete("/v1/customers/customer%204").await;
    script.get("/v1/customers/customer%204").await;
    script.post("/v1/customers", json!({"source_id": "customer 4", "name": "Again"})).await;
    for customer in ["customer%200", "bulk%203", "none"] {
        script
            .send(Method::POST, &format!("/v1/customers/{customer}/permanent-deletion"), "", "application/json")
            .await;
    }
    let deletions = script.get("/_emulator/permanent-deletions").await;
    script.get(&format!("/_emulator/permanent-deletions/{}", id(&deletions["data"][0]))).await;
    script.wait().await;
    script.post("/_emulator/erasure-check", json!({"values": ["customer 0", "bulk 3", "customer 1"]})).await;
    script.get("/v1/customers/customer%200/activity").await;
    script.get("/v1/orders?limit=100").await;
    script.delete(&format!("/v1/segments/{}", segments[1])).await;
    script.delete("/v1/segments/none").await;
    script.delete("/v1/customers").await;
    for path in ["/v1/none", "/v1/customers/a/none", "/none", "/_emulator/none", "/_emulator/reset"] {
        script.get(path).await;
    }
    script.send(Method::POST, "/_emulator/snapshots/before/restore", "", "application/json").await;
    script.get("/v1/customers/customer%200").await;
    script.delete("/_emulator/snapshots/before").await;
    script.get("/_emulator/snapshots").await;
}

async fn webhooks(script: &mut Script<'_>) {
    script.put("/v1/customers/customer%205", json!({"name": "Last"})).await;
    script.wait().await;
    let webhooks = script.get("/_emulator/webhooks").await;
    let webhook = id(&webhooks["data"][0]);
    script.get(&format!("/_emulator/webhooks/{webhook}")).await;
    let deliveries = script.get("/_emulator/webhooks/deliveries?limit=10").await;
    let delivery = format!("/_emulator/webhooks/deliveries/{}", id(&deliveries["data"][0]));
    script.get(&delivery).await;
    script.send(Method::POST, &format!("{delivery}/replay"), "", "application/json").await;
    script.wait().await;
    script.get(&delivery).await;
    script.put(&format!("/_emulator/webhooks/{webhook}"), json!({"active": false})).await;
    script.delete(&format!("/_emulator/webhooks/{webhook}")).await;
    script.post("/_emulator/webhooks", json!({"target_url": "ftp://a", "events": []})).await;
}

async fn whole_project(script: &mut Script<'_>) {
    script.get("/_emulator/project").await;
    script.get("/_emulator/health").await;
    script.get("/_emulator/state").await;
    let state = json!({"customers": [{"source_id": "loaded", "name": "L"}], "segments": [{"name": "S", "customers": ["loaded"]}]});
    script.post("/_emulator/state", state).await;
    script.get("/v1/customers/loaded").await;
    script.put("/_emulator/state", json!({"customers": [{"source_id": "alone"}]})).await;
    script.get("/v1/customers?limit=100").await;
    script.send(Method::POST, "/_emulator/reset", r#"{"keep": ["nothing"]}"#, "application/json").await;
    script.send(Method::POST, "/_emulator/reset", r#"{"keep": ["consents"]}"#, "application/json").await;
}
