//! Whether metadata is what its schema says. The vendor publishes the grammar of the details and the texts of strings,
//! numbers, images, arrays, requirements and lists of values; the others are this project's, in the same style.

use serde_json::{Map, Number, Value};

use super::{Definition, EventSchema, MetadataSchema, MetadataType};
use crate::domain::json::javascript_text;
use crate::domain::{limits, timestamp};

/// What the metadata is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Something new, with all of its metadata: required keys must be there.
    Creation,
    /// Something known: the metadata is the keys that were sent, and only they are looked at.
    Change,
}

/// That `metadata` is what `schema` says. Objects with an object type follow the schema of that name among `nested`; where
/// there is none, any object will do.
///
/// # Errors
/// The details of the error: the first key that offends, in the order of the definitions and then of the metadata, with
/// everything that is asked of it and the value.
pub fn validate(
    schema: &MetadataSchema,
    nested: &[MetadataSchema],
    metadata: &Map<String, Value>,
    write: Write,
) -> Result<(), String> {
    check_object(Rules::of(schema), nested, metadata, write, 0)
}

/// That the metadata of a custom event is what the schema of its name says. An event is always new, and its keys without a
/// definition are allowed.
///
/// # Errors
/// As [`validate`].
pub fn validate_event(schema: &EventSchema, metadata: &Map<String, Value>) -> Result<(), String> {
    let rules = Rules { definitions: &schema.properties, defined_only: false };
    check_object(rules, &[], metadata, Write::Creation, 0)
}

#[derive(Clone, Copy)]
struct Rules<'a> {
    definitions: &'a [(String, Definition)],
    defined_only: bool,
}

impl<'a> Rules<'a> {
    fn of(schema: &'a MetadataSchema) -> Self {
        Self { definitions: &schema.properties, defined_only: schema.allow_defined_only == Some(true) }
    }

    /// The definitions that apply.
    fn applicable(self) -> impl Iterator<Item = (&'a str, &'a Definition)> {
        self.definitions.iter().filter(|(_, it)| !it.deleted).map(|(key, it)| (key.as_str(), it))
    }
}

fn check_object(
    rules: Rules<'_>,
    nested: &[MetadataSchema],
    members: &Map<String, Value>,
    write: Write,
    depth: usize,
) -> Result<(), String> {
    for (key, definition) in rules.applicable() {
        match members.get(key) {
            None if definition.optional || write == Write::Change => {}
            Some(Value::Null) if definition.optional => {}
            None => return Err(refusal(key, &asked(definition), "undefined")),
            Some(value) => check_value(key, definition, nested, value, depth)?,
        }
    }
    if rules.defined_only {
        let undefined = members.iter().find(|(key, _)| !rules.applicable().any(|(defined, _)| defined == key.as_str()));
        if let Some((key, value)) = undefined {
            return Err(refusal(key, "property is not defined in the schema", &javascript_text(value)));
        }
    }
    Ok(())
}

fn check_value(
    key: &str,
    definition: &Definition,
    nested: &[MetadataSchema],
    value: &Value,
    depth: usize,
) -> Result<(), String> {
    let elements = match value {
        Value::Array(elements) if definition.array => Some(elements.as_slice()),
        _ if definition.array => None,
        one => Some(std::slice::from_ref(one)),
    };
    let Some(elements) = elements.filter(|elements| elements.iter().all(|element| holds(definition, element))) else {
        return Err(refusal(key, &asked(definition), &javascript_text(value)));
    };
    let followed = definition.object_type.as_ref().filter(|_| depth < limits::NESTED_OBJECTS);
    let Some(schema) = followed.and_then(|name| nested.iter().find(|schema| schema.related_object == *name)) else {
        return Ok(());
    };
    for (index, element) in elements.iter().enumerate() {
        if let Value::Object(members) = element {
            // An object within metadata is always written as a whole.
            check_object(Rules::of(schema), nested, members, Write::Creation, depth + 1).map_err(|inner| {
                if definition.array { format!("{key}[{index}].{inner}") } else { format!("{key}.{inner}") }
            })?;
        }
    }
    Ok(())
}

fn refusal(key: &str, asked: &str, actual: &str) -> String {
    format!("{key}: {asked} (actual value is '{actual}')")
}

/// Everything that a definition asks, also what a value fulfils, in the vendor's order.
fn asked(definition: &Definition) -> String {
    let Definition { kind, optional, array, eq, ne, .. } = definition;
    let mut all = Vec::new();
    let required = (!optional).then(|| "property is required".to_owned());
    if *array {
        all.push("must be an array".to_owned());
        all.extend(required);
        all.push(format!("and every element: {}", type_text(*kind)));
    } else {
        all.push(type_text(*kind).to_owned());
        all.extend(required);
    }
    all.extend(lengths(definition).map(|(words, length, _)| format!("must have {words} {length}")));
    all.extend(bounds(definition).map(|(words, bound, _)| {
        let bound = javascript_text(&Value::Number(bound.clone()));
        format!("must be {words} {bound}")
    }));
    for (words, values) in [("must be equal to one of", eq), ("must not be equal to any of", ne)] {
        if let Some(values) = enumeration(*kind, values.as_deref()) {
            let values: Vec<_> = values.iter().map(javascript_text).collect();
            all.push(format!("{words} {}", values.join(",")));
        }
    }
    all.join(", ")
}

fn type_text(kind: MetadataType) -> &'static str {
    match kind {
        MetadataType::String => "must be a string",
        MetadataType::Number => "must be a number",
        MetadataType::Object => "must be an object",
        MetadataType::Date => "must be a date in the YYYY-MM-DD format",
        MetadataType::Datetime => "must be a date and time in the ISO 8601 format",
        MetadataType::Geopoint => "must be a geopoint in the latitude,longitude format",
        MetadataType::Boolean => "must be a boolean",
        MetadataType::ImageUrl => "must be a URL pointing to JPG/JPEG or PNG resource",
    }
}

/// Whether one value, or one element of an array, is what the definition asks.
fn holds(definition: &Definition, value: &Value) -> bool {
    let Definition { kind, eq, ne, .. } = definition;
    let text = value.as_str();
    let is_of_type = match kind {
        MetadataType::String => text.is_some(),
        MetadataType::Number => value.is_number(),
        MetadataType::Object => value.is_object(),
        MetadataType::Date => text.is_some_and(is_date),
        MetadataType::Datetime => text.is_some_and(is_date_time),
        MetadataType::Geopoint => text.is_some_and(is_geopoint),
        MetadataType::Boolean => value.is_boolean(),
        MetadataType::ImageUrl => text.is_some_and(is_image_url),
    };
    let is_among = |values: &Option<Vec<Value>>| {
        enumeration(*kind, values.as_deref()).map(|values| values.iter().any(|allowed| is_same(allowed, value)))
    };
    is_of_type
        && text.is_none_or(|text| {
            let length = text.encode_utf16().count() as u64;
            lengths(definition).all(|(_, asked, holds)| holds(&length, &asked))
        })
        && value.as_f64().is_none_or(|number| {
            bounds(definition).all(|(_, bound, holds)| bound.as_f64().is_none_or(|it| holds(&number, &it)))
        })
        && is_among(eq) != Some(false)
        && is_among(ne) != Some(true)
}

type Comparison<T> = fn(&T, &T) -> bool;

/// The lengths that a text must have: the vendor has them for strings only.
fn lengths(definition: &Definition) -> impl Iterator<Item = (&'static str, u64, Comparison<u64>)> {
    let Definition { kind, min_length, max_length, exact_length, .. } = definition;
    let all: [(_, _, Comparison<u64>); 3] = [
        ("minimum length of", *min_length, u64::ge),
        ("maximum length of", *max_length, u64::le),
        ("exact length of", *exact_length, u64::eq),
    ];
    let applies = *kind == MetadataType::String;
    all.into_iter().filter(move |_| applies).filter_map(|(words, length, holds)| Some((words, length?, holds)))
}

/// The bounds that a number must keep.
fn bounds(definition: &Definition) -> impl Iterator<Item = (&'static str, &Number, Comparison<f64>)> {
    let Definition { kind, lt, lte, gt, gte, .. } = definition;
    let all: [(_, _, Comparison<f64>); 4] = [
        ("less than", lt, f64::lt),
        ("less than or equal to", lte, f64::le),
        ("greater than", gt, f64::gt),
        ("greater than or equal to", gte, f64::ge),
    ];
    let applies = *kind == MetadataType::Number;
    all.into_iter().filter(move |_| applies).filter_map(|(words, bound, holds)| Some((words, bound.as_ref()?, holds)))
}

/// The values of a list that says something: an empty one does not, nor does one for objects and booleans.
fn enumeration(kind: MetadataType, values: Option<&[Value]>) -> Option<&[Value]> {
    values.filter(|values| !values.is_empty() && !matches!(kind, MetadataType::Object | MetadataType::Boolean))
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

fn is_date(text: &str) -> bool {
    let has_form = text.len() == 10
        && text.bytes().zip("0000-00-00".bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        });
    has_form && timestamp::parse(text).is_some()
}

fn is_date_time(text: &str) -> bool {
    text.contains('T') && timestamp::parse(text).is_some()
}

/// Degrees of latitude and longitude.
fn is_geopoint(text: &str) -> bool {
    let degrees = |text: &str, most: f64| text.trim().parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
    text.split_once(',').is_some_and(|(latitude, longitude)| degrees(latitude, 90.0) && degrees(longitude, 180.0))
}

/// By its name alone; nothing is fetched.
fn is_image_url(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let Some((host, path)) = rest.split_once('/') else { return false };
    !host.is_empty()
        && !rest.contains(char::is_whitespace)
        && [".jpg", ".jpeg", ".png"].iter().any(|extension| path.ends_with(extension))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::domain::json::JsonText;
    use crate::domain::metadata_schema::of_stored;

    fn schema(related_object: &str, definitions: &Value) -> MetadataSchema {
        MetadataSchema {
            id: String::new(),
            related_object: related_object.to_owned(),
            properties: of_stored(&JsonText::of(definitions)).unwrap(),
            allow_defined_only: None,
            created_at: DateTime::default(),
            updated_at: None,
        }
    }

    fn details(schema: &MetadataSchema, nested: &[MetadataSchema], metadata: Value, write: Write) -> String {
        let Value::Object(metadata) = metadata else { panic!("{metadata}") };
        validate(schema, nested, &metadata, write).err().unwrap_or_default()
    }

    /// The details for `value` under a key `k` of that definition, empty where it is allowed.
    fn of(definition: &Value, value: &Value) -> String {
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
    fn every_type_takes_its_own_values_and_no_others() {
        for (kind, text, right, wrong) in [
            (
                "string",
                "must be a string",
                vec![json!(""), json!("a")],
                vec![json!(1), json!(true), json!({}), json!([])],
            ),
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
                assert_eq!(of(&optional, &value), "", "{kind} {value}");
                assert_eq!(of(&json!({"type": kind, "optional": false, "array": true}), &json!([value])), "");
            }
            for value in wrong {
                let actual = javascript_text(&value);
                assert_eq!(of(&optional, &value), format!("k: {text} (actual value is '{actual}')"));
                assert_eq!(
                    of(&json!({"type": kind, "optional": false, "array": true}), &json!([value])),
                    format!(
                        "k: must be an array, property is required, and every element: {text} (actual value is '{}')",
                        javascript_text(&json!([value]))
                    )
                );
            }
        }
    }

    #[test]
    fn lengths_bounds_and_lists_are_all_named_in_one_order() {
        let text = json!({"type": "string", "optional": false, "min_length": 2, "max_length": 3, "eq": ["ab", "abcd"], "ne": ["b"]});
        let asked = "must be a string, property is required, must have minimum length of 2, must have maximum length of 3, must be equal to one of ab,abcd, must not be equal to any of b";
        assert_eq!(of(&text, &json!("ab")), "");
        for wrong in ["a", "abcd", "abc", "b"] {
            assert_eq!(of(&text, &json!(wrong)), format!("k: {asked} (actual value is '{wrong}')"));
        }
        let exact = json!({"type": "string", "optional": true, "exact_length": 4});
        assert_eq!(of(&exact, &json!("abcd")), "");
        assert_eq!(of(&exact, &json!("😀😀")), "", "UTF-16 units");
        assert_eq!(
            of(&exact, &json!("abc")),
            "k: must be a string, must have exact length of 4 (actual value is 'abc')"
        );
        let number =
            json!({"type": "number", "optional": true, "lt": 10, "lte": 9.5, "gt": 0, "gte": 0.5, "ne": [1, 2]});
        let asked = "must be a number, must be less than 10, must be less than or equal to 9.5, must be greater than 0, must be greater than or equal to 0.5, must not be equal to any of 1,2";
        for right in [json!(0.5), json!(9.5), json!(3)] {
            assert_eq!(of(&number, &right), "");
        }
        for wrong in [json!(10), json!(9.6), json!(0), json!(0.4), json!(1), json!(2.0)] {
            let actual = javascript_text(&wrong);
            assert_eq!(of(&number, &wrong), format!("k: {asked} (actual value is '{actual}')"));
        }
    }

    #[test]
    fn constraints_of_other_types_and_empty_lists_say_nothing() {
        let text = json!({"type": "string", "optional": true, "lt": 1, "eq": []});
        assert_eq!(
            (of(&text, &json!("a")), of(&text, &json!(1))),
            (String::new(), "k: must be a string (actual value is '1')".to_owned())
        );
        let number = json!({"type": "number", "optional": true, "min_length": 9});
        assert_eq!(of(&number, &json!(1)), "");
        let date = json!({"type": "date", "optional": true, "max_length": 1, "eq": ["2024-01-01"]});
        assert_eq!(of(&date, &json!("2024-01-01")), "");
        let flag = json!({"type": "boolean", "optional": true, "eq": ["x"]});
        assert_eq!(of(&flag, &json!(true)), "");
    }

    #[test]
    fn required_keys_are_demanded_of_what_is_new() {
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
    fn the_first_key_that_offends_is_told_and_undefined_ones_come_last() {
        let definitions = json!({
            "a": {"type": "string", "optional": true},
            "b": {"type": "number", "optional": true},
            "c": {"type": "number", "optional": true, "deleted": true},
        });
        let mut schema = schema("customer", &definitions);
        let metadata = json!({"z": {"y": 1}, "c": 1, "b": "x", "a": 1});
        let told = |schema: &MetadataSchema, metadata: &Value| details(schema, &[], metadata.clone(), Write::Change);
        assert_eq!(told(&schema, &metadata), "a: must be a string (actual value is '1')");
        assert_eq!(told(&schema, &json!({"z": 1, "c": 1})), "");
        schema.allow_defined_only = Some(true);
        assert_eq!(told(&schema, &metadata), "a: must be a string (actual value is '1')");
        let undefined = "property is not defined in the schema";
        assert_eq!(
            told(&schema, &json!({"z": {"y": 1}, "c": 1})),
            format!("z: {undefined} (actual value is '[object Object]')")
        );
        assert_eq!(
            told(&schema, &json!({"a": "x", "c": [1, null, ["a"]]})),
            format!("c: {undefined} (actual value is '1,,a')")
        );
        assert_eq!(told(&schema, &json!({"c": null})), format!("c: {undefined} (actual value is 'null')"));
        schema.allow_defined_only = Some(false);
        assert_eq!(told(&schema, &json!({"z": 1})), "");
    }

    #[test]
    fn nested_objects_follow_the_schema_of_their_type() {
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
        let told = |metadata| details(&customer, &nested, metadata, Write::Change);
        let street = "street: must be a string, property is required";
        assert_eq!(told(json!({"address": {"street": "a", "before": {"street": "b"}}, "thing": {"a": 1}})), "");
        assert_eq!(told(json!({"address": {}})), format!("address.{street} (actual value is 'undefined')"));
        assert_eq!(told(json!({"address": 1})), "address: must be an object (actual value is '1')");
        assert_eq!(
            told(json!({"address": {"street": "a", "before": {"street": 1}}})),
            format!("address.before.{street} (actual value is '1')")
        );
        assert_eq!(
            told(json!({"others": [{"street": "a"}, {"street": null}]})),
            format!("others[1].{street} (actual value is 'null')")
        );
        assert_eq!(
            told(json!({"address": {"street": "a", "zip": 1}})),
            "address.zip: property is not defined in the schema (actual value is '1')"
        );
    }

    #[test]
    fn nested_objects_are_followed_to_a_bounded_depth() {
        let schema = schema("A", &json!({"a": {"type": "object", "optional": true, "object_type": "A"}}));
        let nest = |depth| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
        let told = |depth| details(&schema, std::slice::from_ref(&schema), nest(depth), Write::Creation);
        assert!(told(limits::NESTED_OBJECTS + 1).ends_with("a: must be an object (actual value is '1')"));
        assert_eq!(told(limits::NESTED_OBJECTS + 2), "");
    }

    #[test]
    fn the_metadata_of_an_event_is_checked_like_that_of_something_new() {
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
        let told = |metadata: Value| validate_event(&schema, metadata.as_object().unwrap()).err().unwrap_or_default();
        assert_eq!(told(json!({"stars": 5, "old": 1, "more": true})), "");
        assert_eq!(told(json!({})), "stars: must be a number, property is required (actual value is 'undefined')");
        assert_eq!(told(json!({"stars": "5"})), "stars: must be a number, property is required (actual value is '5')");
    }
}
