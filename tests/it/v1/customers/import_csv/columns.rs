//! Tests the header line and the conversion of cells.

use serde_json::{Value, json};

use super::{import, message_and_reasons, upload};
use crate::support::{Client, TestProject};

async fn metadata(client: &Client, source_id: &str) -> String {
    client.get(&format!("/v1/customers/{source_id}")).await.expect(200).json()["metadata"].to_string()
}

async fn create_customer_schema(client: &Client, properties: Value) {
    let schema = json!({"related_object": "customer", "properties": properties});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
}

#[tokio::test]
async fn imports_columns_of_published_template() {
    let project = TestProject::new();
    let client = project.client();
    let file = concat!(
        "Name,Source_id,Description,Email,Phone,Address_line_1,Address_line_2,City,Postal_Code,State,Country,Birthdate,favorite_brands,CRM_created_date\n",
        "Alice Morgan,alice,Loyal,alice@morgan.com,+1,Street 1,Floor 2,NY,10001,New York,US,1990-05-01,\"Nike,Fenty\",2022-03-11\n",
    );
    assert_eq!(
        import(&client, file).await.to_string(),
        r#"{"message":"1 customer(s) imported successfully, 0 failed.","failed":[],"done_count":1,"failed_count":0}"#
    );
    let alice = client.get("/v1/customers/alice").await.expect(200);
    let shape = alice.shape();
    assert!(
        shape.starts_with(concat!(
            r#"{"id":"<cust_>","source_id":"alice","name":"Alice Morgan","description":"Loyal","email":"alice@morgan.com","#,
            r#""phone":"+1","birthdate":"1990-05-01","address":{"city":"NY","state":"New York","line_1":"Street 1","#,
            r#""line_2":"Floor 2","country":"US","postal_code":"10001"},"#,
        )),
        "{shape}"
    );
    assert_eq!(metadata(&client, "alice").await, r#"{"favorite_brands":"Nike,Fenty","CRM_created_date":"2022-03-11"}"#);
    assert!(alice.json().get("updated_at").is_none());
    assert_eq!(client.get("/v1/customers?city=NY").await.json()["total"], 1);
}

#[tokio::test]
async fn imports_documented_columns_ignoring_case() {
    let project = TestProject::new();
    let client = project.client();
    let file = concat!(
        " NAME ,email,pHONE,Birthday,SOURCE_ID,ADDRESS_LINE_1,address_line_2,Address_Postal_Code,address_city,ADDRESS_STATE,Address_Country,description,Metadata_name_1\n",
        "A,a@b.c,1,1990-05-01,a,L1,L2,P,C,S,US,D,M\n",
    );
    assert_eq!(import(&client, file).await["done_count"], 1);
    let a = client.get("/v1/customers/a").await.expect(200).json();
    assert_eq!(
        a["address"].to_string(),
        r#"{"city":"C","state":"S","line_1":"L1","line_2":"L2","country":"US","postal_code":"P"}"#
    );
    assert_eq!((&a["name"], &a["birthday"], &a["description"]), (&json!("A"), &json!("1990-05-01"), &json!("D")));
    assert_eq!(a["metadata"].to_string(), r#"{"Metadata_name_1":"M"}"#);
}

#[tokio::test]
async fn metadata_cells_are_converted_to_schema_types() {
    let project = TestProject::new();
    let client = project.client();
    create_customer_schema(
        &client,
        json!({
            "age": {"type": "number", "optional": true, "array": false},
            "vip": {"type": "boolean", "optional": true, "array": false},
            "brands": {"type": "string", "optional": true, "array": true},
            "sizes": {"type": "number", "optional": true, "array": true},
            "since": {"type": "date", "optional": true, "array": false},
            "seen": {"type": "datetime", "optional": true, "array": false},
            "place": {"type": "geopoint", "optional": true, "array": false},
            "picture": {"type": "image_url", "optional": true, "array": false},
            "gone": {"type": "number", "optional": true, "array": false, "deleted": true},
            "inner": {"type": "object", "optional": true, "array": false},
        }),
    )
    .await;
    let file = concat!(
        "source_id,age,vip,brands,sizes,since,seen,place,picture,gone,other\r\n",
        "a,41.50,true,\"Nike,Fenty,Reebok\",\"1,2.5\",2022-03-11,2022-03-11T09:00:00.000Z,\"52.52,13.40\",http://a.b/c.png,5,6\r\n",
        "b,,null,,,,,,,,\r\n",
        "c,x,,,,,,,,,\r\n",
        "d,,1,,,,,,,,\r\n",
        "e,,,,\"1,x\",,,,,,\r\n",
        "f,,,,,11.03.2022,,,,,\r\n",
    );
    let result = import(&client, file).await;
    let (message, reasons) = message_and_reasons(&result);
    assert_eq!(message, "2 customer(s) imported successfully, 4 failed.");
    assert_eq!(
        reasons,
        [
            "age: must be a number (actual value is 'x')",
            "vip: must be a boolean (actual value is '1')",
            "sizes: must be an array, and every element: must be a number (actual value is '1,x')",
            "since: must be a date in the YYYY-MM-DD format (actual value is '11.03.2022')",
        ]
    );
    assert_eq!(
        metadata(&client, "a").await,
        r#"{"age":41.5,"vip":true,"brands":["Nike","Fenty","Reebok"],"sizes":[1,2.5],"since":"2022-03-11","seen":"2022-03-11T09:00:00.000Z","place":"52.52,13.40","picture":"http://a.b/c.png","gone":"5","other":"6"}"#
    );
    assert_eq!(metadata(&client, "b").await, r#"{"vip":null}"#);
    let nested = import(&client, "source_id,inner\ng,\"{\"\"a\"\":1}\"\n").await;
    assert_eq!(message_and_reasons(&nested).1, [r#"inner: must be an object (actual value is '{"a":1}')"#]);
}

#[tokio::test]
async fn metadata_failure_matches_published_example() {
    let project = TestProject::new();
    let client = project.client();
    let channel =
        json!({"type": "string", "optional": false, "array": false, "eq": ["Facebook", "Twitter", "Website"]});
    create_customer_schema(&client, json!({"acquisition_channel": channel})).await;
    let result = import(&client, "Source_id,acquisition_channel\ntest-user@voucherify.io,snap\n,snap\n").await;
    assert_eq!(
        result.to_string(),
        concat!(
            r#"{"message":"0 customer(s) imported successfully, 2 failed.","failed":["#,
            r#"{"source_id":"test-user@voucherify.io","row":1,"reason":"acquisition_channel: must be a string, property is required, "#,
            r#"must be equal to one of Facebook,Twitter,Website (actual value is 'snap')"},"#,
            r#"{"source_id":"","row":2,"reason":"acquisition_channel: must be a string, property is required, "#,
            r#"must be equal to one of Facebook,Twitter,Website (actual value is 'snap')"}],"done_count":0,"failed_count":2}"#
        )
    );
    let missing = import(&client, "Source_id,acquisition_channel\na,\n").await;
    assert!(message_and_reasons(&missing).1[0].ends_with("(actual value is 'undefined')"), "{missing}");
}

#[tokio::test]
async fn undefined_metadata_fails_when_schema_allows_only_defined() {
    let project = TestProject::new();
    let client = project.client();
    let schema = json!({"related_object": "customer", "properties": {}, "allow_defined_only": true});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    let result = import(&client, "source_id,extra\na,1\nb,\n").await;
    assert_eq!(message_and_reasons(&result).1, ["extra: property is not defined in the schema (actual value is '1')"]);
    assert_eq!(result["done_count"], 1);
}

#[tokio::test]
async fn invalid_header_line_returns_400() {
    let project = TestProject::new();
    let client = project.client();
    let known = "Property .file must name one of these columns in its first line, separated by commas: Id, Source_id, Name, Email, Phone, Birthdate, Birthday, Description, Address_line_1, Address_line_2, Address_Postal_Code, Address_City, Address_State, Address_Country, Postal_Code, City, State, Country";
    let many: Vec<_> = (0..500).map(|number| format!("a{number}")).collect();
    let many = format!("name,{}", many.join(","));
    let long = format!("name,{}", "x".repeat(501));
    for (file, details) in [
        ("", "Property .file must NOT be empty"),
        ("\n\r\n\n", "Property .file must NOT be empty"),
        ("\u{feff}", "Property .file must NOT be empty"),
        ("Name,,Email\na,b,c\n", "Property .file must have a name for each column in its first line"),
        ("Name, \n", "Property .file must have a name for each column in its first line"),
        ("Name,NAME\n", "Property .file must NOT have two columns that mean the same: 'NAME'"),
        ("City,Name,Address_City\n", "Property .file must NOT have two columns that mean the same: 'Address_City'"),
        ("Name,a,a\n", "Property .file must NOT have two columns that mean the same: 'a'"),
        (&many, "Property .file must NOT have more than 500 columns"),
        (&long, "Property .file must NOT have names of columns with more than 500 characters"),
        ("alice@morgan.com,Alice\n", known),
        ("Name;Email;Source_id\na;b;c\n", known),
        ("{\"customers\":[]}", known),
    ] {
        let error = upload(&client, file).await.expect(400);
        assert_eq!(
            (error.string("/key"), error.string("/details")),
            ("invalid_payload".to_owned(), details.to_owned())
        );
    }
    assert_eq!(client.get("/v1/async-actions").await.json()["async_actions"], json!([]));
    let two_names = "Name,a,A\nn,1,2\n";
    assert_eq!(import(&client, two_names).await["done_count"], 1, "metadata keys are case-sensitive");
}

#[tokio::test]
async fn column_system_metadata_is_a_metadata_key() {
    let project = TestProject::new();
    let client = project.client();
    assert_eq!(
        import(&client, "source_id,system_metadata,system_metadata.source\na,x,segmentio\n").await["done_count"],
        1
    );
    let a = client.get("/v1/customers/a").await.expect(200).json();
    assert_eq!(a["system_metadata"], json!({}));
    assert_eq!(a["metadata"], json!({"system_metadata": "x", "system_metadata.source": "segmentio"}));
}
