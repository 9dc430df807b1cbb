//! Metadata schemas and custom-event schemas.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::definition::Definition;
use crate::domain::json::{JsonText, javascript};
use crate::domain::limits;
use crate::domain::patch::Patch;

/// The definitions of the metadata of one kind of resource, or of one kind of object within metadata.
#[derive(Clone, Debug)]
pub struct MetadataSchema {
    /// `ms_...`.
    pub id: String,
    /// `customer`, `order`, another resource of the vendor, or the client's own name; unique in a project.
    pub related_object: String,
    /// Keys and definitions, including removed ones, in the order of [`in_vendor_order`].
    pub properties: Vec<(String, Definition)>,
    /// Whether keys without a definition are rejected; `None` means no, and that it was never set.
    pub allow_defined_only: Option<bool>,
    pub created_at: DateTime<Utc>,
    /// `None` until the first change.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A change of an existing metadata schema.
#[derive(Clone, Debug)]
pub struct MetadataSchemaChange {
    /// Each definition replaces the existing definition of its key; the others stay.
    pub properties: Vec<(String, Definition)>,
    pub allow_defined_only: Patch<bool>,
}

impl MetadataSchema {
    /// Returns the definition of a key, unless it was removed.
    #[must_use]
    pub fn definition(&self, key: &str) -> Option<&Definition> {
        self.properties.iter().find(|(known, _)| known == key).map(|(_, it)| it).filter(|it| !it.deleted)
    }

    /// Returns whether the definition of a key was removed, but not purged yet.
    #[must_use]
    pub fn is_removed(&self, key: &str) -> bool {
        self.properties.iter().any(|(known, definition)| known == key && definition.deleted)
    }

    /// Applies the change.
    ///
    /// # Errors
    /// Returns the error details if the type of a definition would change, or there would be too many definitions or
    /// too much data in them.
    pub fn apply(&mut self, change: MetadataSchemaChange) -> Result<(), String> {
        let MetadataSchemaChange { properties, allow_defined_only } = change;
        for (key, definition) in &properties {
            let known = self.properties.iter().find(|(known, _)| known == key);
            if let Some((_, known)) = known.filter(|(_, known)| known.kind != definition.kind) {
                return Err(format!("Property .properties.{key}.type cannot be changed from {}", known.kind.as_str()));
            }
        }
        merge(&mut self.properties, properties);
        allow_defined_only.apply(&mut self.allow_defined_only);
        check_size(&self.properties, ".properties")
    }
}

/// The definitions of the metadata of one kind of custom event. Its definitions only have a type, whether the key is
/// optional, and whether the definition was removed.
#[derive(Clone, Debug)]
pub struct EventSchema {
    /// `ms_...`.
    pub id: String,
    /// The name of the custom events; unique in a project.
    pub name: String,
    /// Keys and definitions, including removed ones, in the order of [`in_vendor_order`].
    pub properties: Vec<(String, Definition)>,
    pub created_at: DateTime<Utc>,
    /// `None` until the first change.
    pub updated_at: Option<DateTime<Utc>>,
}

impl EventSchema {
    /// Replaces the definitions of the keys in `properties`. Unlike in a [`MetadataSchema`], their types may change.
    ///
    /// # Errors
    /// Returns the error details if there would be too many definitions or too much data in them.
    pub fn apply(&mut self, properties: Vec<(String, Definition)>) -> Result<(), String> {
        merge(&mut self.properties, properties);
        check_size(&self.properties, ".schema.properties")
    }
}

/// Adds the definitions in `changed` to `known`, replacing those with the same key.
fn merge(known: &mut Vec<(String, Definition)>, changed: Vec<(String, Definition)>) {
    for (key, definition) in changed {
        match known.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = definition,
            None => known.push((key, definition)),
        }
    }
    *known = in_vendor_order(std::mem::take(known));
}

/// Returns the definitions in the order in which the vendor lists them: array indices first, as in JavaScript, then
/// shorter keys first, as in `jsonb`.
#[must_use]
pub fn in_vendor_order(mut definitions: Vec<(String, Definition)>) -> Vec<(String, Definition)> {
    definitions.sort_by(|(one, _), (other, _)| {
        (javascript::index_or_last(one), one.len(), one).cmp(&(javascript::index_or_last(other), other.len(), other))
    });
    definitions
}

/// Checks the number of definitions, including removed ones, and their size. `path` is their path in the request.
///
/// # Errors
/// Returns the error details if a limit is exceeded.
pub fn check_size(definitions: &[(String, Definition)], path: &str) -> Result<(), String> {
    if definitions.len() > limits::DEFINITIONS_PER_SCHEMA {
        return Err(format!("Property {path} must NOT have more than {} properties", limits::DEFINITIONS_PER_SCHEMA));
    }
    if definitions_to_json(definitions).as_str().len() > limits::DEFINITIONS_BYTES {
        return Err(format!("Property {path} must NOT be larger than {} bytes", limits::DEFINITIONS_BYTES));
    }
    Ok(())
}

/// Serializes definitions in their stored form, a JSON object.
#[must_use]
pub fn definitions_to_json(definitions: &[(String, Definition)]) -> JsonText {
    struct Members<'a>(&'a [(String, Definition)]);
    impl Serialize for Members<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, definition)| (key, definition)))
        }
    }
    JsonText::of(&Members(definitions))
}

/// Deserializes definitions that were written by [`definitions_to_json`].
///
/// # Errors
/// Returns an error if the text has another form.
pub fn definitions_from_json(text: &JsonText) -> Result<Vec<(String, Definition)>, serde_json::Error> {
    let members: Map<String, Value> = serde_json::from_str(text.as_str())?;
    members.into_iter().map(|(key, definition)| Ok((key, serde_json::from_value(definition)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::metadata_schema::definition::MetadataType;

    fn schema(properties: Vec<(String, Definition)>) -> MetadataSchema {
        MetadataSchema {
            id: String::new(),
            related_object: "customer".to_owned(),
            properties,
            allow_defined_only: None,
            created_at: DateTime::default(),
            updated_at: None,
        }
    }

    fn text_definitions(names: &[&str]) -> Vec<(String, Definition)> {
        names.iter().map(|&name| (name.to_owned(), Definition::new(MetadataType::String, true))).collect()
    }

    fn change(properties: Vec<(String, Definition)>) -> MetadataSchemaChange {
        MetadataSchemaChange { properties, allow_defined_only: Patch::Absent }
    }

    #[test]
    fn stored_definitions_are_the_same_after_reading() {
        let full = Definition {
            array: true,
            deleted: true,
            object_type: Some("Address".to_owned()),
            eq: Some(vec![json!("a"), json!(1.5)]),
            ne: Some(vec![json!(2)]),
            lt: Some(9.into()),
            lte: Some(8.into()),
            gt: Some(1.into()),
            gte: Some(2.into()),
            min_length: Some(1),
            max_length: Some(3),
            exact_length: Some(2),
            ..Definition::new(MetadataType::ImageUrl, false)
        };
        let definitions = vec![("b".to_owned(), full), ("a".to_owned(), Definition::new(MetadataType::Number, true))];
        let text = definitions_to_json(&definitions);
        assert!(text.as_str().ends_with(r#""a":{"type":"number","optional":true}}"#), "{}", text.as_str());
        assert_eq!(definitions_from_json(&text).unwrap(), definitions);
    }

    #[test]
    fn keys_are_sorted_by_length_first() {
        let given = text_definitions(&["location_id", "payment_mean", "region", "Region", "booking_end_date"]);
        let keys: Vec<_> = in_vendor_order(given).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["Region", "region", "location_id", "payment_mean", "booking_end_date"]);
    }

    #[test]
    fn a_change_replaces_whole_definitions_and_keeps_the_others() {
        let mut known = schema(text_definitions(&["a", "b"]));
        let removed = Definition { deleted: true, ..Definition::new(MetadataType::String, false) };
        known.apply(change(vec![("b".to_owned(), removed.clone()), text_definitions(&["c"]).remove(0)])).unwrap();
        assert_eq!(known.properties[1], ("b".to_owned(), removed));
        assert!(known.definition("a").is_some() && known.definition("b").is_none() && known.definition("c").is_some());
        known.apply(change(text_definitions(&["b"]))).unwrap();
        assert!(known.definition("b").is_some(), "restored");
    }

    #[test]
    fn a_type_can_change_only_in_an_event_schema() {
        let number = vec![("a".to_owned(), Definition::new(MetadataType::Number, true))];
        let error = schema(text_definitions(&["a"])).apply(change(number.clone())).unwrap_err();
        assert_eq!(error, "Property .properties.a.type cannot be changed from string");
        let mut event = EventSchema {
            id: String::new(),
            name: "e".to_owned(),
            properties: text_definitions(&["a"]),
            created_at: DateTime::default(),
            updated_at: None,
        };
        event.apply(number.clone()).unwrap();
        assert_eq!(event.properties, number);
    }

    #[test]
    fn removed_definitions_count_towards_the_limits() {
        let keys: Vec<_> = (0..limits::DEFINITIONS_PER_SCHEMA).map(|index| index.to_string()).collect();
        let mut definitions = text_definitions(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        definitions[0].1.deleted = true;
        let mut known = schema(definitions);
        known.apply(change(text_definitions(&["1"]))).unwrap();
        let error = known.apply(change(text_definitions(&["another"]))).unwrap_err();
        assert_eq!(error, "Property .properties must NOT have more than 100 properties");
        let mut large = text_definitions(&["a"]);
        large[0].1.eq = Some(vec![Value::String("x".repeat(limits::DEFINITIONS_BYTES))]);
        let error = schema(Vec::new()).apply(change(large)).unwrap_err();
        assert_eq!(error, "Property .properties must NOT be larger than 262144 bytes");
    }
}
