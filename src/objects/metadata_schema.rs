//! The metadata schema object and the custom-event schema object.

use serde_json::Value;

use super::ObjectWriter;
use crate::domain::json::JsonText;
use crate::domain::metadata_schema::{Definition, EventSchema, MetadataSchema};

/// On which of the vendor's surfaces a metadata schema is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `objectType`, and the members in the order of `jsonb`: shorter names first.
    Server,
    /// `object_type`, and the members in the order of their meaning.
    Management,
}

/// The object of a metadata schema.
pub fn write(out: &mut Vec<u8>, schema: &MetadataSchema, style: Style) {
    let mut object = ObjectWriter::new(out);
    object.text("id", &schema.id).text("related_object", &schema.related_object).with("properties", |out| {
        write_members(out, &schema.properties, |out, definition| match style {
            Style::Server => write_definition(out, definition),
            Style::Management => write_definition_of_management(out, definition),
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

/// The object of a custom-event schema.
pub fn write_event(out: &mut Vec<u8>, schema: &EventSchema) {
    ObjectWriter::new(out)
        .text("id", &schema.id)
        .text("name", &schema.name)
        .object("schema", |object| {
            object.with("properties", |out| {
                write_members(out, &schema.properties, |out, definition| {
                    let mut object = ObjectWriter::new(out);
                    object.text("type", definition.kind.as_str()).boolean("optional", definition.optional);
                    deleted(&mut object, definition);
                    object.end();
                });
            });
        })
        .time("created_at", schema.created_at)
        .optional_time("updated_at", schema.updated_at)
        .raw("object", "\"custom-event-schema\"")
        .end();
}

/// An object of definitions by their keys, which are the client's own and are escaped.
fn write_members(out: &mut Vec<u8>, definitions: &[(String, Definition)], write: impl Fn(&mut Vec<u8>, &Definition)) {
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
    values(&mut object, "eq", definition.eq.as_deref());
    json(&mut object, "gt", definition.gt.as_ref());
    json(&mut object, "lt", definition.lt.as_ref());
    values(&mut object, "ne", definition.ne.as_deref());
    json(&mut object, "gte", definition.gte.as_ref());
    json(&mut object, "lte", definition.lte.as_ref());
    object.text("type", definition.kind.as_str()).boolean("array", definition.array);
    deleted(&mut object, definition);
    object.boolean("optional", definition.optional);
    json(&mut object, "maxLength", definition.max_length.as_ref());
    json(&mut object, "minLength", definition.min_length.as_ref());
    object.nullable_text("objectType", definition.object_type.as_deref());
    json(&mut object, "exactLength", definition.exact_length.as_ref());
    object.end();
}

fn write_definition_of_management(out: &mut Vec<u8>, definition: &Definition) {
    let mut object = ObjectWriter::new(out);
    object
        .text("type", definition.kind.as_str())
        .boolean("array", definition.array)
        .boolean("optional", definition.optional)
        .nullable_text("object_type", definition.object_type.as_deref());
    values(&mut object, "eq", definition.eq.as_deref());
    values(&mut object, "ne", definition.ne.as_deref());
    json(&mut object, "lt", definition.lt.as_ref());
    json(&mut object, "lte", definition.lte.as_ref());
    json(&mut object, "gt", definition.gt.as_ref());
    json(&mut object, "gte", definition.gte.as_ref());
    json(&mut object, "max_length", definition.max_length.as_ref());
    json(&mut object, "min_length", definition.min_length.as_ref());
    json(&mut object, "exact_length", definition.exact_length.as_ref());
    deleted(&mut object, definition);
    object.end();
}

/// Shown only of a definition that was removed.
fn deleted(object: &mut ObjectWriter<'_>, definition: &Definition) {
    if definition.deleted {
        object.boolean("deleted", true);
    }
}

fn values(object: &mut ObjectWriter<'_>, name: &str, values: Option<&[Value]>) {
    if let Some(values) = values {
        object.raw(name, JsonText::of(&values).as_str());
    }
}

fn json(object: &mut ObjectWriter<'_>, name: &str, number: Option<&impl serde::Serialize>) {
    if let Some(number) = number {
        object.raw(name, JsonText::of(number).as_str());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::metadata_schema::MetadataType;
    use crate::objects::rendered;

    fn full() -> Definition {
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
    fn the_server_shows_the_members_of_a_definition_by_the_length_of_their_names() {
        let shown = rendered(|out| write_definition(out, &full()));
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
    fn the_management_api_has_its_own_names_and_order() {
        let shown = rendered(|out| write_definition_of_management(out, &full()));
        assert_eq!(
            shown.as_str(),
            r#"{"type":"object","array":true,"optional":true,"object_type":"a\"b","eq":["a"],"ne":[2],"lt":9,"lte":8,"gt":1,"gte":2,"max_length":3,"min_length":1,"exact_length":2,"deleted":true}"#
        );
    }
}
