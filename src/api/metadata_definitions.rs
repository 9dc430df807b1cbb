//! Reads the property definitions in the bodies for metadata schemas and custom-event schemas.

use serde_json::{Map, Value};

use crate::domain::limits::{self, TEXT_CHARS};
use crate::domain::metadata_schema::{Definition, MetadataSchemaChange, MetadataType, check_size, in_vendor_order};
use crate::http::error::ApiError;
use crate::http::payload::Object;
use crate::service::metadata_schemas::NewMetadataSchema;

/// Reads the body that creates a metadata schema.
pub fn new_metadata_schema(mut body: Object<'_>) -> Result<NewMetadataSchema, ApiError> {
    metadata_schema(&mut body)
}

/// Reads a metadata schema.
pub fn metadata_schema(body: &mut Object<'_>) -> Result<NewMetadataSchema, ApiError> {
    Ok(NewMetadataSchema {
        related_object: body.required_text("related_object", 1, TEXT_CHARS)?,
        properties: metadata_schema_definitions(body)?,
        allow_defined_only: body.boolean("allow_defined_only")?.value(),
    })
}

/// Reads the body that updates a metadata schema. `related_object` is ignored, because it cannot be changed.
pub fn metadata_schema_change(mut body: Object<'_>) -> Result<MetadataSchemaChange, ApiError> {
    Ok(MetadataSchemaChange {
        properties: metadata_schema_definitions(&mut body)?,
        allow_defined_only: body.boolean("allow_defined_only")?,
    })
}

/// Reads the definitions in the `properties` of the body for a metadata schema.
fn metadata_schema_definitions(body: &mut Object<'_>) -> Result<Vec<(String, Definition)>, ApiError> {
    read_properties(body, |mut body| {
        let kind = metadata_type(&mut body, &MetadataType::ALL)?;
        let optional = body.required_boolean("optional")?;
        let array = body.required_boolean("array")?;
        Ok(Definition {
            array,
            deleted: body.boolean("deleted")?.value().unwrap_or_default(),
            object_type: camel_or_snake(&mut body, "objectType", "object_type", |body, name| {
                body.optional_text(name, TEXT_CHARS)
            })?
            .filter(|_| kind == MetadataType::Object),
            eq: values(&mut body, "eq", kind)?,
            ne: values(&mut body, "ne", kind)?,
            lt: body.number("lt")?,
            lte: body.number("lte")?,
            gt: body.number("gt")?,
            gte: body.number("gte")?,
            min_length: camel_or_snake(&mut body, "minLength", "min_length", length)?,
            max_length: camel_or_snake(&mut body, "maxLength", "max_length", length)?,
            exact_length: camel_or_snake(&mut body, "exactLength", "exact_length", length)?,
            ..Definition::new(kind, optional)
        })
    })
}

/// Reads the definitions in the `properties` of the `schema` of a custom-event schema.
fn event_properties(schema: &mut Object<'_>) -> Result<Vec<(String, Definition)>, ApiError> {
    read_properties(schema, |mut body| {
        let kind = metadata_type(&mut body, &MetadataType::EVENT_SCHEMA_TYPES)?;
        let optional = body.required_boolean("optional")?;
        let deleted = body.boolean("deleted")?.value().unwrap_or_default();
        Ok(Definition { deleted, ..Definition::new(kind, optional) })
    })
}

/// Reads the definitions in the body for a custom-event schema.
pub fn event_schema_definitions(body: &mut Object<'_>) -> Result<Vec<(String, Definition)>, ApiError> {
    body.require("schema")?;
    let schema = body.object("schema")?.value();
    let path = body.path_of("schema");
    event_properties(&mut schema.ok_or_else(|| ApiError::invalid_payload(format!("Property {path} must be object")))?)
}

/// Reads each member of `properties` with `read_definition`, checks the keys and the total size, and returns the
/// definitions in the vendor's order.
fn read_properties(
    body: &mut Object<'_>,
    read_definition: impl Fn(Object<'_>) -> Result<Definition, ApiError>,
) -> Result<Vec<(String, Definition)>, ApiError> {
    let path = body.path_of("properties");
    body.require("properties")?;
    let properties = body.metadata("properties")?.value();
    let properties = properties.ok_or_else(|| ApiError::invalid_payload(format!("Property {path} must be object")))?;
    let parent = body.child("properties", Map::new());
    let mut definitions = Vec::with_capacity(properties.len().min(limits::DEFINITIONS_PER_SCHEMA));
    for (key, value) in properties {
        if key.is_empty() || key.chars().count() > TEXT_CHARS {
            let details = format!("The keys of property {path} must have 1 to {TEXT_CHARS} characters");
            return Err(ApiError::invalid_payload(details));
        }
        let path = format!("{path}.{key}");
        let Value::Object(members) = value else {
            return Err(ApiError::invalid_payload(format!("Property {path} must be object")));
        };
        let definition = read_definition(parent.child(key.clone(), members))?;
        definitions.push((key, definition));
    }
    check_size(&definitions, &path).map_err(ApiError::invalid_payload)?;
    Ok(in_vendor_order(definitions))
}

fn metadata_type(body: &mut Object<'_>, allowed: &[MetadataType]) -> Result<MetadataType, ApiError> {
    for name in ["type", "optional"] {
        body.require(name)?;
    }
    let names: Vec<_> = allowed.iter().map(|kind| kind.as_str()).collect();
    body.one_of("type", &names, |text| allowed.iter().copied().find(|kind| kind.as_str() == text))?
        .ok_or_else(|| ApiError::invalid_payload(format!("Property {} must be string", body.path_of("type"))))
}

/// Reads a member whose name is in camel case in the server API and in snake case in the management API. Both APIs
/// accept both names.
fn camel_or_snake<T>(
    body: &mut Object<'_>,
    camel: &str,
    snake: &str,
    read: impl Fn(&mut Object<'_>, &str) -> Result<Option<T>, ApiError>,
) -> Result<Option<T>, ApiError> {
    let name = if body.has(camel) { camel } else { snake };
    read(body, name)
}

fn length(body: &mut Object<'_>, name: &str) -> Result<Option<u64>, ApiError> {
    let path = body.path_of(name);
    body.integer(name)?
        .map(|length| {
            u64::try_from(length)
                .map_err(|_| ApiError::invalid_payload(format!("Property {path} cannot be lower than 0")))
        })
        .transpose()
}

/// Reads the values that a definition allows or forbids. They are numbers for the type `number`, and texts otherwise.
fn values(body: &mut Object<'_>, name: &str, kind: MetadataType) -> Result<Option<Vec<Value>>, ApiError> {
    let path = body.path_of(name);
    let Some(values) = body.array(name, limits::DEFINITION_VALUES)? else { return Ok(None) };
    let (has_type, type_name): (fn(&Value) -> bool, _) =
        if kind == MetadataType::Number { (Value::is_number, "number") } else { (Value::is_string, "string") };
    if let Some(index) = values.iter().position(|value| !has_type(value)) {
        return Err(ApiError::invalid_payload(format!("Property {path}.{index} must be {type_name}")));
    }
    Ok(Some(values))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::unread::Reading;

    fn details(error: &ApiError) -> String {
        let body: Value = serde_json::from_slice(&error.body("v-0ead453c10ec031067")).unwrap();
        body["details"].as_str().unwrap().to_owned()
    }

    fn metadata(properties: &Value) -> Result<Vec<(String, Definition)>, String> {
        let reading = Reading::default();
        let mut body = Object::of_body(Some(json!({"properties": properties})), &reading).unwrap();
        metadata_schema_definitions(&mut body).map_err(|error| details(&error))
    }

    fn events(properties: &Value) -> Result<Vec<(String, Definition)>, String> {
        let body = Some(json!({"schema": {"properties": properties}}));
        let reading = Reading::default();
        event_schema_definitions(&mut Object::of_body(body, &reading).unwrap()).map_err(|error| details(&error))
    }

    #[test]
    fn definitions_are_read_in_camel_case_and_snake_case() {
        let numbers = json!({"eq": [1.0, 2], "ne": [3], "lt": 9.5, "lte": 9, "gt": 0, "gte": 1.0});
        let mut camel = json!({"type": "string", "optional": false, "array": true, "deleted": true,
            "minLength": 1, "maxLength": 3.0, "exactLength": 2, "unknown": 1, "objectType": "Address", "eq": ["a"]});
        let expected = Definition {
            array: true,
            deleted: true,
            eq: Some(vec![json!("a")]),
            min_length: Some(1),
            max_length: Some(3),
            exact_length: Some(2),
            ..Definition::new(MetadataType::String, false)
        };
        assert_eq!(metadata(&json!({"k": camel})), Ok(vec![("k".to_owned(), expected)]));
        let snake = json!({"type": "string", "optional": false, "array": true, "deleted": true,
            "min_length": 1, "max_length": 3.0, "exact_length": 2, "object_type": "Address", "eq": ["a"]});
        assert_eq!(metadata(&json!({"k": camel})), metadata(&json!({"k": snake})));
        camel = json!({"type": "object", "optional": true, "array": false, "objectType": "Address"});
        let snake = json!({"type": "object", "optional": true, "array": false, "object_type": "Address"});
        let object =
            Definition { object_type: Some("Address".to_owned()), ..Definition::new(MetadataType::Object, true) };
        assert_eq!(metadata(&json!({"k": camel})), Ok(vec![("k".to_owned(), object)]));
        assert_eq!(metadata(&json!({"k": camel})), metadata(&json!({"k": snake})));
        let mut number = json!({"type": "number", "optional": true, "array": false});
        number.as_object_mut().unwrap().extend(numbers.as_object().unwrap().clone());
        let read = metadata(&json!({"k": number})).unwrap().remove(0).1;
        assert_eq!(
            (read.eq, read.gte),
            (Some(vec![json!(1), json!(2)]), Some(1.into())),
            "numbers are normalized as in JavaScript"
        );
    }

    #[test]
    fn invalid_definitions_are_rejected_with_their_path() {
        for (definition, wrong) in [
            (json!(1), "must be object"),
            (json!(null), "must be object"),
            (json!({}), "should have required property 'type'"),
            (json!({"type": "string"}), "should have required property 'optional'"),
            (json!({"type": "string", "optional": true}), "should have required property 'array'"),
        ] {
            assert_eq!(metadata(&json!({"Size": definition})), Err(format!("Property .properties.Size {wrong}")));
        }
        for (member, value, wrong) in [
            ("type", json!(1), " must be string"),
            ("type", json!(null), " must be string"),
            (
                "type",
                json!("text"),
                " must be equal to one of the allowed values [ string, number, object, date, datetime, geopoint, boolean, image_url ]",
            ),
            ("optional", json!("true"), " must be boolean"),
            ("array", json!(null), " must be boolean"),
            ("deleted", json!(1), " must be boolean"),
            ("eq", json!("a"), " must be array"),
            ("eq", json!(["a"]), ".0 must be number"),
            ("ne", json!([1, null]), ".1 must be number"),
            ("eq", json!(vec![1; 201]), " must NOT have more than 200 items"),
            ("lt", json!("1"), " must be number"),
            ("gte", json!([]), " must be number"),
            ("minLength", json!(1.5), " must be integer"),
            ("max_length", json!(-1), " cannot be lower than 0"),
            ("exactLength", json!("1"), " must be integer"),
            ("objectType", json!(1), " must be string"),
            ("object_type", json!("\0"), " must NOT contain the character U+0000"),
        ] {
            let mut definition = json!({"type": "number", "optional": true, "array": false});
            definition[member] = value;
            let expected = format!("Property .properties.Size.{member}{wrong}");
            assert_eq!(metadata(&json!({"Size": definition})), Err(expected));
        }
        let text = json!({"type": "string", "optional": true, "array": false, "eq": [1]});
        assert_eq!(metadata(&json!({"Size": text})), Err("Property .properties.Size.eq.0 must be string".to_owned()));
    }

    #[test]
    fn invalid_properties_are_rejected() {
        let definition = json!({"type": "string", "optional": true, "array": false});
        assert_eq!(metadata(&json!([])), Err("Property .properties must be object".to_owned()));
        assert_eq!(metadata(&json!(null)), Err("Property .properties must be object".to_owned()));
        let keys = "The keys of property .properties must have 1 to 500 characters";
        for key in [String::new(), "k".repeat(501)] {
            assert_eq!(metadata(&json!({key: definition})), Err(keys.to_owned()));
        }
        assert!(metadata(&json!({"\0": definition})).unwrap_err().ends_with("U+0000"));
        let many: Map<_, _> = (0..101).map(|index| (index.to_string(), definition.clone())).collect();
        let error = metadata(&Value::Object(many)).unwrap_err();
        assert_eq!(error, "Property .properties must NOT have more than 100 properties");
    }

    #[test]
    fn event_definitions_have_fewer_types_and_members() {
        let properties = json!({"on": {"type": "date", "optional": true, "deleted": true, "array": true, "eq": 1}});
        let expected = Definition { deleted: true, ..Definition::new(MetadataType::Date, true) };
        assert_eq!(events(&properties), Ok(vec![("on".to_owned(), expected)]));
        assert_eq!(
            events(&json!({"at": {"type": "geopoint", "optional": true}})),
            Err("Property .schema.properties.at.type must be equal to one of the allowed values [ string, number, date, datetime, boolean ]".to_owned())
        );
        assert_eq!(
            events(&json!({"at": {"optional": true}})),
            Err("Property .schema.properties.at should have required property 'type'".to_owned())
        );
    }
}
