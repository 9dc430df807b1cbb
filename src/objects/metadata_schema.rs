//! The metadata schema object and the custom-event schema object.

use serde_json::Value;

use super::writer::ObjectWriter;
use crate::domain::json::JsonText;
use crate::domain::metadata_schema::{Definition, EventSchema, MetadataSchema};

/// The vendor's API that shows a metadata schema. The two differ in names and order of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The server API: `objectType`, and members in the order of PostgreSQL's `jsonb`, shorter names first.
    Server,
    /// The management API: `object_type`, and members grouped by meaning.
    Management,
}

/// Writes a metadata schema.
pub fn write(out: &mut Vec<u8>, schema: &MetadataSchema, style: Style) {
    let mut object = ObjectWriter::new(out);
    object.text("id", &schema.id).text("related_object", &schema.related_object).with("properties", |out| {
        write_definitions(out, &schema.properties, |out, definition| match style {
            Style::Server => write_definition(out, definition),
            Style::Management => write_management_definition(out, definition),
        });
    });
    match schema.allow_defined_only {
        Some(only) => object.boolean("allow_defined_only", only),
        None => object.raw("allow_defined_only", "null"),
    }
    .time("created_at", schema.created_at)
    .nullable_time("updated_at", schema.updated_at)
    .raw("object", "\"metadata_schema\"")
    .end();
}

/// Writes a custom-event schema.
pub fn write_event(out: &mut Vec<u8>, schema: &EventSchema) {
    ObjectWriter::new(out)
        .text("id", &schema.id)
        .text("name", &schema.name)
        .object("schema", |object| {
            object.with("properties", |out| {
                write_definitions(out, &schema.properties, |out, definition| {
                    let mut object = ObjectWriter::new(out);
                    object.text("type", definition.kind.as_str()).boolean("optional", definition.optional);
                    write_deleted(&mut object, definition);
                    object.end();
                });
            });
        })
        .time("created_at", schema.created_at)
        .optional_time("updated_at", schema.updated_at)
        .raw("object", "\"custom-event-schema\"")
        .end();
}

/// Writes an object that maps keys to definitions. The client chooses the keys, so they are escaped.
fn write_definitions(
    out: &mut Vec<u8>,
    definitions: &[(String, Definition)],
    write: impl Fn(&mut Vec<u8>, &Definition),
) {
    out.push(b'{');
    for (index, (key, definition)) in definitions.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(JsonText::of(key).as_str().as_bytes());
        out.push(b':');
        write(out, definition);
    }
    out.push(b'}');
}

fn write_definition(out: &mut Vec<u8>, definition: &Definition) {
    let mut object = ObjectWriter::new(out);
    write_values(&mut object, "eq", definition.eq.as_deref());
    write_json(&mut object, "gt", definition.gt.as_ref());
    write_json(&mut object, "lt", definition.lt.as_ref());
    write_values(&mut object, "ne", definition.ne.as_deref());
    write_json(&mut object, "gte", definition.gte.as_ref());
    write_json(&mut object, "lte", definition.lte.as_ref());
    object.text("type", definition.kind.as_str()).boolean("array", definition.array);
    write_deleted(&mut object, definition);
    object.boolean("optional", definition.optional);
    write_json(&mut object, "maxLength", definition.max_length.as_ref());
    write_json(&mut object, "minLength", definition.min_length.as_ref());
    object.nullable_text("objectType", definition.object_type.as_deref());
    write_json(&mut object, "exactLength", definition.exact_length.as_ref());
    object.end();
}

fn write_management_definition(out: &mut Vec<u8>, definition: &Definition) {
    let mut object = ObjectWriter::new(out);
    object
        .text("type", definition.kind.as_str())
        .boolean("array", definition.array)
        .boolean("optional", definition.optional)
        .nullable_text("object_type", definition.object_type.as_deref());
    write_values(&mut object, "eq", definition.eq.as_deref());
    write_values(&mut object, "ne", definition.ne.as_deref());
    write_json(&mut object, "lt", definition.lt.as_ref());
    write_json(&mut object, "lte", definition.lte.as_ref());
    write_json(&mut object, "gt", definition.gt.as_ref());
    write_json(&mut object, "gte", definition.gte.as_ref());
    write_json(&mut object, "max_length", definition.max_length.as_ref());
    write_json(&mut object, "min_length", definition.min_length.as_ref());
    write_json(&mut object, "exact_length", definition.exact_length.as_ref());
    write_deleted(&mut object, definition);
    object.end();
}

/// Writes `deleted`, which only a removed definition has.
fn write_deleted(object: &mut ObjectWriter<'_>, definition: &Definition) {
    if definition.deleted {
        object.boolean("deleted", true);
    }
}

fn write_values(object: &mut ObjectWriter<'_>, name: &str, values: Option<&[Value]>) {
    if let Some(values) = values {
        object.raw(name, JsonText::of(&values).as_str());
    }
}

fn write_json(object: &mut ObjectWriter<'_>, name: &str, number: Option<&impl serde::Serialize>) {
    if let Some(number) = number {
        object.raw(name, JsonText::of(number).as_str());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::metadata_schema::MetadataType;
    use crate::objects::writer::rendered;

    fn full_definition() -> Definition {
        Definition {
            array: true,
            deleted: true,
            object_type: Some("a\"b".to_owned()),
            eq: Some(vec![json!("a")]),
            ne: Some(vec![json!(2)]),
            lt: Some(9.into()),
            lte: Some(8.into()),
            gt: Some(1.into()),
            gte: Some(2.into()),
            min_length: Some(1),
            max_length: Some(3),
            exact_length: Some(2),
            ..Definition::new(MetadataType::Object, true)
        }
    }

    #[test]
    fn server_api_orders_members_of_a_definition_by_name_length() {
        let shown = rendered(|out| write_definition(out, &full_definition()));
        assert_eq!(
            shown.as_str(),
            r#"{"eq":["a"],"gt":1,"lt":9,"ne":[2],"gte":2,"lte":8,"type":"object","array":true,"deleted":true,"optional":true,"maxLength":3,"minLength":1,"objectType":"a\"b","exactLength":2}"#
        );
        let names: Vec<_> = shown.value().as_object().unwrap().keys().cloned().collect();
        assert!(names.is_sorted_by_key(|name| (name.len(), name.clone())), "{names:?}");
        let plain = rendered(|out| write_definition(out, &Definition::new(MetadataType::String, true)));
        assert_eq!(plain.as_str(), r#"{"type":"string","array":false,"optional":true,"objectType":null}"#);
    }

    #[test]
    fn management_api_has_its_own_names_and_order() {
        let shown = rendered(|out| write_management_definition(out, &full_definition()));
        assert_eq!(
            shown.as_str(),
            r#"{"type":"object","array":true,"optional":true,"object_type":"a\"b","eq":["a"],"ne":[2],"lt":9,"lte":8,"gt":1,"gte":2,"max_length":3,"min_length":1,"exact_length":2,"deleted":true}"#
        );
    }
}
