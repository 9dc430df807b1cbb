//! Metadata schemas: which keys the metadata of a resource has, and what each may hold. Custom-event schemas are the same
//! for the metadata of events.

mod cell;
mod validation;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Number, Value};

use super::json::JsonText;
use super::limits;
use super::patch::Patch;

pub use cell::value_of_cell;
pub use validation::{Write, validate, validate_event};

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataType {
    String,
    Number,
    Object,
    Date,
    Datetime,
    Geopoint,
    Boolean,
    ImageUrl,
}

impl MetadataType {
    /// Every type, in the vendor's order.
    pub const ALL: [Self; 8] = [
        Self::String,
        Self::Number,
        Self::Object,
        Self::Date,
        Self::Datetime,
        Self::Geopoint,
        Self::Boolean,
        Self::ImageUrl,
    ];
    /// Those that a custom-event schema knows.
    pub const OF_EVENTS: [Self; 5] = [Self::String, Self::Number, Self::Date, Self::Datetime, Self::Boolean];

    /// The vendor's name of the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Object => "object",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Geopoint => "geopoint",
            Self::Boolean => "boolean",
            Self::ImageUrl => "image_url",
        }
    }
}

/// What one key may hold. Serialized as it is stored, without what says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    #[serde(rename = "type")]
    pub kind: MetadataType,
    /// Whether the key may be missing.
    pub optional: bool,
    /// Whether the key holds an array, of which everything else speaks element by element.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub array: bool,
    /// Removed softly: it applies no more, and can be restored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// For objects: the `related_object` of the schema that they follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// The only values that are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eq: Option<Vec<Value>>,
    /// Values that are not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ne: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lt: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lte: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gt: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gte: Option<Number>,
    /// UTF-16 units, as JavaScript counts them; so are the two below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_length: Option<u64>,
}

impl Definition {
    /// A definition that asks for the type only.
    #[must_use]
    pub fn new(kind: MetadataType, optional: bool) -> Self {
        Self {
            kind,
            optional,
            array: false,
            deleted: false,
            object_type: None,
            eq: None,
            ne: None,
            lt: None,
            lte: None,
            gt: None,
            gte: None,
            min_length: None,
            max_length: None,
            exact_length: None,
        }
    }
}

/// The definitions of one kind of resource, or of a kind of objects within metadata.
#[derive(Clone, Debug)]
pub struct MetadataSchema {
    /// `ms_...`.
    pub id: String,
    /// `customer`, `order`, another resource of the vendor, or the client's own name; unique in a project.
    pub related_object: String,
    /// Keys and definitions, also those that were removed, in the order of [`arranged`].
    pub properties: Vec<(String, Definition)>,
    /// Whether keys without a definition are refused; `None` where it was never said, which means no.
    pub allow_defined_only: Option<bool>,
    pub created_at: DateTime<Utc>,
    /// `None` until the first change.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What a request says about a known metadata schema.
#[derive(Clone, Debug)]
pub struct MetadataSchemaChange {
    /// Each replaces the definition of its key as a whole; the others stay.
    pub properties: Vec<(String, Definition)>,
    pub allow_defined_only: Patch<bool>,
}

impl MetadataSchema {
    /// The definition of a key, unless it was removed.
    #[must_use]
    pub fn definition(&self, key: &str) -> Option<&Definition> {
        self.properties.iter().find(|(known, _)| known == key).map(|(_, it)| it).filter(|it| !it.deleted)
    }

    /// Whether the definition of a key was removed, and is not purged yet.
    #[must_use]
    pub fn has_removed(&self, key: &str) -> bool {
        self.properties.iter().any(|(known, definition)| known == key && definition.deleted)
    }

    /// Changes the schema as the request says.
    ///
    /// # Errors
    /// The details where the type of a definition would change, or the definitions become too many or too large.
    pub fn apply(&mut self, change: MetadataSchemaChange) -> Result<(), String> {
        let MetadataSchemaChange { properties, allow_defined_only } = change;
        for (key, named) in &properties {
            let known = self.properties.iter().find(|(known, _)| known == key);
            if let Some((_, known)) = known.filter(|(_, known)| known.kind != named.kind) {
                return Err(format!("Property .properties.{key}.type cannot be changed from {}", known.kind.as_str()));
            }
        }
        merge(&mut self.properties, properties);
        allow_defined_only.apply(&mut self.allow_defined_only);
        check_size(&self.properties, ".properties")
    }
}

/// The definitions of the metadata of one kind of custom events. Of a definition, it has the type, whether it is optional
/// and whether it was removed.
#[derive(Clone, Debug)]
pub struct EventSchema {
    /// `ms_...`.
    pub id: String,
    /// The name of the events; unique in a project.
    pub name: String,
    /// As those of a [`MetadataSchema`].
    pub properties: Vec<(String, Definition)>,
    pub created_at: DateTime<Utc>,
    /// `None` until the first change.
    pub updated_at: Option<DateTime<Utc>>,
}

impl EventSchema {
    /// Replaces the definitions that `properties` names; here their types may change.
    ///
    /// # Errors
    /// The details where the definitions become too many or too large.
    pub fn apply(&mut self, properties: Vec<(String, Definition)>) -> Result<(), String> {
        merge(&mut self.properties, properties);
        check_size(&self.properties, ".schema.properties")
    }
}

fn merge(known: &mut Vec<(String, Definition)>, named: Vec<(String, Definition)>) {
    for (key, definition) in named {
        match known.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = definition,
            None => known.push((key, definition)),
        }
    }
    *known = arranged(std::mem::take(known));
}

/// Definitions in the order in which the vendor lists them, which is the one of `jsonb`: shorter keys first.
#[must_use]
pub fn arranged(mut definitions: Vec<(String, Definition)>) -> Vec<(String, Definition)> {
    definitions.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
    definitions
}

/// That the definitions at `path` of a request are not too many, those that were removed included, nor too large.
///
/// # Errors
/// The details.
pub fn check_size(definitions: &[(String, Definition)], path: &str) -> Result<(), String> {
    if definitions.len() > limits::DEFINITIONS {
        return Err(format!("Property {path} must NOT have more than {} properties", limits::DEFINITIONS));
    }
    if stored(definitions).as_str().len() > limits::DEFINITIONS_BYTES {
        return Err(format!("Property {path} must NOT be larger than {} bytes", limits::DEFINITIONS_BYTES));
    }
    Ok(())
}

/// Definitions as they are stored: one object.
#[must_use]
pub fn stored(definitions: &[(String, Definition)]) -> JsonText {
    struct Members<'a>(&'a [(String, Definition)]);
    impl Serialize for Members<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, definition)| (key, definition)))
        }
    }
    JsonText::of(&Members(definitions))
}

/// Definitions from what [`stored`] made of them.
///
/// # Errors
/// When the text is another.
pub fn of_stored(text: &JsonText) -> Result<Vec<(String, Definition)>, serde_json::Error> {
    let members: Map<String, Value> = serde_json::from_str(text.as_str())?;
    members.into_iter().map(|(key, definition)| Ok((key, serde_json::from_value(definition)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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

    fn named(names: &[&str]) -> Vec<(String, Definition)> {
        names.iter().map(|&name| (name.to_owned(), Definition::new(MetadataType::String, true))).collect()
    }

    fn change(properties: Vec<(String, Definition)>) -> MetadataSchemaChange {
        MetadataSchemaChange { properties, allow_defined_only: Patch::Absent }
    }

    #[test]
    fn what_is_stored_is_read_again() {
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
        let text = stored(&definitions);
        assert!(text.as_str().ends_with(r#""a":{"type":"number","optional":true}}"#), "{}", text.as_str());
        assert_eq!(of_stored(&text).unwrap(), definitions);
    }

    #[test]
    fn keys_are_listed_as_the_vendor_lists_them() {
        let given = named(&["location_id", "payment_mean", "region", "Region", "booking_end_date"]);
        let keys: Vec<_> = arranged(given).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["Region", "region", "location_id", "payment_mean", "booking_end_date"]);
    }

    #[test]
    fn a_change_replaces_whole_definitions_and_leaves_the_others() {
        let mut known = schema(named(&["a", "b"]));
        let removed = Definition { deleted: true, ..Definition::new(MetadataType::String, false) };
        known.apply(change(vec![("b".to_owned(), removed.clone()), named(&["c"]).remove(0)])).unwrap();
        assert_eq!(known.properties[1], ("b".to_owned(), removed));
        assert!(known.definition("a").is_some() && known.definition("b").is_none() && known.definition("c").is_some());
        known.apply(change(named(&["b"]))).unwrap();
        assert!(known.definition("b").is_some(), "restored");
    }

    #[test]
    fn a_type_stays_what_it_is_but_for_events() {
        let number = vec![("a".to_owned(), Definition::new(MetadataType::Number, true))];
        let error = schema(named(&["a"])).apply(change(number.clone())).unwrap_err();
        assert_eq!(error, "Property .properties.a.type cannot be changed from string");
        let mut event = EventSchema {
            id: String::new(),
            name: "e".to_owned(),
            properties: named(&["a"]),
            created_at: DateTime::default(),
            updated_at: None,
        };
        event.apply(number.clone()).unwrap();
        assert_eq!(event.properties, number);
    }

    #[test]
    fn removed_definitions_count_as_well() {
        let keys: Vec<_> = (0..limits::DEFINITIONS).map(|index| index.to_string()).collect();
        let mut definitions = named(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        definitions[0].1.deleted = true;
        let mut known = schema(definitions);
        known.apply(change(named(&["1"]))).unwrap();
        let error = known.apply(change(named(&["another"]))).unwrap_err();
        assert_eq!(error, "Property .properties must NOT have more than 100 properties");
        let mut large = named(&["a"]);
        large[0].1.eq = Some(vec![Value::String("x".repeat(limits::DEFINITIONS_BYTES))]);
        let error = schema(Vec::new()).apply(change(large)).unwrap_err();
        assert_eq!(error, "Property .properties must NOT be larger than 262144 bytes");
    }
}
