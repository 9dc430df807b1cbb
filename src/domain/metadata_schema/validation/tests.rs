//! Tests of the error details.

use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::domain::json::JsonText;
use crate::domain::metadata_schema::schema::definitions_from_json;

fn schema(related_object: &str, definitions: &Value) -> MetadataSchema {
    MetadataSchema {
        id: String::new(),
        related_object: related_object.to_owned(),
        properties: definitions_from_json(&JsonText::of(definitions)).unwrap(),
        allow_defined_only: None,
        created_at: DateTime::default(),
        updated_at: None,
    }
}

fn details(schema: &MetadataSchema, nested: &[MetadataSchema], metadata: Value, write: Write) -> String {
    let Value::Object(metadata) = metadata else { panic!("{metadata}") };
    validate(schema, nested, &metadata, write).err().unwrap_or_default()
}

/// Returns the error details for `value` under the key `k` with `definition`, or an empty text if the value is valid.
fn details_of(definition: &Value, value: &Value) -> String {
    details(&schema("customer", &json!({"k": definition})), &[], json!({"k": value}), Write::Creation)
}

#[test]
fn the_published_details_are_written_byte_for_byte() {
    let eq = json!(["Facebook", "Twitter", "Website"]);
    for (key, definition, value, expected) in [
        (
            "acquisition_channel",
            json!({"type": "string", "optional": false, "eq": eq}),
            json!(true),
            "acquisition_channel: must be a string, property is required, must be equal to one of Facebook,Twitter,Website (actual value is 'true')",
        ),
        (
            "location_id",
            json!({"type": "string", "optional": true, "array": true, "eq": ["L1", "L2", "L3"]}),
            json!("L1"),
            "location_id: must be an array, and every element: must be a string, must be equal to one of L1,L2,L3 (actual value is 'L1')",
        ),
        (
            "ImageURL",
            json!({"type": "image_url", "optional": true}),
            json!("http.com"),
            "ImageURL: must be a URL pointing to JPG/JPEG or PNG resource (actual value is 'http.com')",
        ),
        (
            "unit",
            json!({"type": "number", "optional": false}),
            json!("EUR"),
            "unit: must be a number, property is required (actual value is 'EUR')",
        ),
    ] {
        let schema = schema("customer", &json!({key: definition}));
        assert_eq!(details(&schema, &[], json!({key: value}), Write::Creation), expected);
        assert_eq!(details(&schema, &[], json!({key: value}), Write::Change), expected);
    }
}

#[test]
fn every_type_accepts_only_its_own_values() {
    for (kind, text, right, wrong) in [
        ("string", "must be a string", vec![json!(""), json!("a")], vec![json!(1), json!(true), json!({}), json!([])]),
        ("number", "must be a number", vec![json!(0), json!(-1.5)], vec![json!("1"), json!(true)]),
        ("object", "must be an object", vec![json!({}), json!({"a": 1})], vec![json!("{}"), json!([])]),
        (
            "date",
            "must be a date in the YYYY-MM-DD format",
            vec![json!("2024-02-29")],
            vec![
                json!("2023-02-29"),
                json!("2024-2-9"),
                json!("24-02-29"),
                json!("2024-02-29T00:00:00Z"),
                json!(" 2024-2-29"),
                json!(20_240_229),
            ],
        ),
        (
            "datetime",
            "must be a date and time in the ISO 8601 format",
            vec![json!("2024-02-29T10:00:00.000Z"), json!("2024-02-29T10:00:00+02:00"), json!("2024-02-29T10:00")],
            vec![json!("2024-02-29"), json!("2024-02-30T10:00:00Z"), json!("now"), json!(1)],
        ),
        (
            "geopoint",
            "must be a geopoint in the latitude,longitude format",
            vec![json!("51.5,-0.12"), json!("-90, 180")],
            vec![json!("91,0"), json!("0,181"), json!("51.5"), json!("a,b"), json!("NaN,0"), json!([51.5, -0.12])],
        ),
        ("boolean", "must be a boolean", vec![json!(true), json!(false)], vec![json!("true"), json!(0)]),
        (
            "image_url",
            "must be a URL pointing to JPG/JPEG or PNG resource",
            vec![json!("http://a.com/x.jpg"), json!("HTTPS://a.com/x/y.PNG?z=1"), json!("https://a.com/x.jpeg#a")],
            vec![
                json!("a.com/x.jpg"),
                json!("http://a.com"),
                json!("http:///x.png"),
                json!("http://a.com/x.gif"),
                json!("http://a.com/x y.png"),
                json!("http://a.png"),
            ],
        ),
    ] {
        let optional = json!({"type": kind, "optional": true});
        for value in right {
            assert_eq!(details_of(&optional, &value), "", "{kind} {value}");
            assert_eq!(details_of(&json!({"type": kind, "optional": false, "array": true}), &json!([value])), "");
        }
        for value in wrong {
            let actual = javascript::text(&value);
            assert_eq!(details_of(&optional, &value), format!("k: {text} (actual value is '{actual}')"));
            assert_eq!(
                details_of(&json!({"type": kind, "optional": false, "array": true}), &json!([value])),
                format!(
                    "k: must be an array, property is required, and every element: {text} (actual value is '{}')",
                    javascript::text(&json!([value]))
                )
            );
        }
    }
}

#[test]
fn the_details_contain_lengths_bounds_and_lists_in_order() {
    let text = json!({"type": "string", "optional": false, "min_length": 2, "max_length": 3, "eq": ["ab", "abcd"], "ne": ["b"]});
    let constraints = "must be a string, property is required, must have minimum length of 2, must have maximum length of 3, must be equal to one of ab,abcd, must not be equal to any of b";
    assert_eq!(details_of(&text, &json!("ab")), "");
    for wrong in ["a", "abcd", "abc", "b"] {
        assert_eq!(details_of(&text, &json!(wrong)), format!("k: {constraints} (actual value is '{wrong}')"));
    }
    let exact = json!({"type": "string", "optional": true, "exact_length": 4});
    assert_eq!(details_of(&exact, &json!("abcd")), "");
    assert_eq!(details_of(&exact, &json!("😀😀")), "", "UTF-16 units");
    assert_eq!(
        details_of(&exact, &json!("abc")),
        "k: must be a string, must have exact length of 4 (actual value is 'abc')"
    );
    let number = json!({"type": "number", "optional": true, "lt": 10, "lte": 9.5, "gt": 0, "gte": 0.5, "ne": [1, 2]});
    let constraints = "must be a number, must be less than 10, must be less than or equal to 9.5, must be greater than 0, must be greater than or equal to 0.5, must not be equal to any of 1,2";
    for right in [json!(0.5), json!(9.5), json!(3)] {
        assert_eq!(details_of(&number, &right), "");
    }
    for wrong in [json!(10), json!(9.6), json!(0), json!(0.4), json!(1), json!(2.0)] {
        let actual = javascript::text(&wrong);
        assert_eq!(details_of(&number, &wrong), format!("k: {constraints} (actual value is '{actual}')"));
    }
}

#[test]
fn constraints_of_other_types_and_empty_lists_have_no_effect() {
    let text = json!({"type": "string", "optional": true, "lt": 1, "eq": []});
    assert_eq!(
        (details_of(&text, &json!("a")), details_of(&text, &json!(1))),
        (String::new(), "k: must be a string (actual value is '1')".to_owned())
    );
    let number = json!({"type": "number", "optional": true, "min_length": 9});
    assert_eq!(details_of(&number, &json!(1)), "");
    let date = json!({"type": "date", "optional": true, "max_length": 1, "eq": ["2024-01-01"]});
    assert_eq!(details_of(&date, &json!("2024-01-01")), "");
    let flag = json!({"type": "boolean", "optional": true, "eq": ["x"]});
    assert_eq!(details_of(&flag, &json!(true)), "");
}

#[test]
fn required_keys_must_be_present_in_a_creation() {
    let schema = schema(
        "customer",
        &json!({
            "a": {"type": "string", "optional": false},
            "b": {"type": "string", "optional": true},
            "c": {"type": "string", "optional": false, "array": true},
            "d": {"type": "string", "optional": false, "deleted": true},
        }),
    );
    let details = |metadata, write| details(&schema, &[], metadata, write);
    let a = "a: must be a string, property is required";
    assert_eq!(details(json!({}), Write::Creation), format!("{a} (actual value is 'undefined')"));
    assert_eq!(
        details(json!({"a": "x"}), Write::Creation),
        "c: must be an array, property is required, and every element: must be a string (actual value is 'undefined')"
    );
    assert_eq!(details(json!({"a": "x", "c": []}), Write::Creation), "");
    assert_eq!(details(json!({}), Write::Change), "");
    assert_eq!(details(json!({"b": null, "d": 1, "e": 1}), Write::Change), "");
    for write in [Write::Creation, Write::Change] {
        assert_eq!(details(json!({"a": null, "b": null}), write), format!("{a} (actual value is 'null')"));
    }
}

#[test]
fn the_first_invalid_key_is_reported_and_undefined_keys_last() {
    let definitions = json!({
        "a": {"type": "string", "optional": true},
        "b": {"type": "number", "optional": true},
        "c": {"type": "number", "optional": true, "deleted": true},
    });
    let mut schema = schema("customer", &definitions);
    let metadata = json!({"z": {"y": 1}, "c": 1, "b": "x", "a": 1});
    let error_of = |schema: &MetadataSchema, metadata: &Value| details(schema, &[], metadata.clone(), Write::Change);
    assert_eq!(error_of(&schema, &metadata), "a: must be a string (actual value is '1')");
    assert_eq!(error_of(&schema, &json!({"z": 1, "c": 1})), "");
    schema.allow_defined_only = Some(true);
    assert_eq!(error_of(&schema, &metadata), "a: must be a string (actual value is '1')");
    let undefined = "property is not defined in the schema";
    assert_eq!(
        error_of(&schema, &json!({"z": {"y": 1}, "c": 1})),
        format!("z: {undefined} (actual value is '[object Object]')")
    );
    assert_eq!(
        error_of(&schema, &json!({"a": "x", "c": [1, null, ["a"]]})),
        format!("c: {undefined} (actual value is '1,,a')")
    );
    assert_eq!(error_of(&schema, &json!({"c": null})), format!("c: {undefined} (actual value is 'null')"));
    schema.allow_defined_only = Some(false);
    assert_eq!(error_of(&schema, &json!({"z": 1})), "");
}

#[test]
fn nested_objects_are_validated_against_the_schema_of_their_type() {
    let customer = schema(
        "customer",
        &json!({
            "address": {"type": "object", "optional": true, "object_type": "Address"},
            "others": {"type": "object", "optional": true, "array": true, "object_type": "Address"},
            "thing": {"type": "object", "optional": true, "object_type": "unknown"},
        }),
    );
    let address = schema(
        "Address",
        &json!({
            "street": {"type": "string", "optional": false},
            "before": {"type": "object", "optional": true, "object_type": "Address"},
        }),
    );
    let nested = [customer.clone(), MetadataSchema { allow_defined_only: Some(true), ..address }];
    let error_of = |metadata| details(&customer, &nested, metadata, Write::Change);
    let street = "street: must be a string, property is required";
    assert_eq!(error_of(json!({"address": {"street": "a", "before": {"street": "b"}}, "thing": {"a": 1}})), "");
    assert_eq!(error_of(json!({"address": {}})), format!("address.{street} (actual value is 'undefined')"));
    assert_eq!(error_of(json!({"address": 1})), "address: must be an object (actual value is '1')");
    assert_eq!(
        error_of(json!({"address": {"street": "a", "before": {"street": 1}}})),
        format!("address.before.{street} (actual value is '1')")
    );
    assert_eq!(
        error_of(json!({"others": [{"street": "a"}, {"street": null}]})),
        format!("others[1].{street} (actual value is 'null')")
    );
    assert_eq!(
        error_of(json!({"address": {"street": "a", "zip": 1}})),
        "address.zip: property is not defined in the schema (actual value is '1')"
    );
}

#[test]
fn nested_objects_are_validated_to_a_limited_depth() {
    let schema = schema("A", &json!({"a": {"type": "object", "optional": true, "object_type": "A"}}));
    let nest = |depth| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
    let error_of = |depth| details(&schema, std::slice::from_ref(&schema), nest(depth), Write::Creation);
    assert!(error_of(limits::NESTED_OBJECTS + 1).ends_with("a: must be an object (actual value is '1')"));
    assert_eq!(error_of(limits::NESTED_OBJECTS + 2), "");
}

#[test]
fn the_metadata_of_an_event_is_validated_like_a_creation() {
    let properties = schema(
        "",
        &json!({"stars": {"type": "number", "optional": false}, "old": {"type": "date", "optional": true, "deleted": true}}),
    )
    .properties;
    let schema = EventSchema {
        id: String::new(),
        name: "review".to_owned(),
        properties,
        created_at: DateTime::default(),
        updated_at: None,
    };
    let error_of = |metadata: Value| validate_event(&schema, metadata.as_object().unwrap()).err().unwrap_or_default();
    assert_eq!(error_of(json!({"stars": 5, "old": 1, "more": true})), "");
    assert_eq!(error_of(json!({})), "stars: must be a number, property is required (actual value is 'undefined')");
    assert_eq!(error_of(json!({"stars": "5"})), "stars: must be a number, property is required (actual value is '5')");
}
