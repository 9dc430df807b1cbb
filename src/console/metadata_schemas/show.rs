use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::console::components::{Cell, Definitions, Json, Table};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(path = "metadata_schemas/show.html")]
struct Show {
    details: Definitions,
    properties: Option<Table>,
    object: Json,
}

/// GET /_emulator/console/projects/{project}/metadata-schemas/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let schema = project.get(&format!("/v1/metadata-schemas/{}", encoded(&id))).await?;
    let details = Definitions::new([
        ("Id", Cell::code(text(&schema, "/id"))),
        ("Resource", Cell::text(text(&schema, "/related_object"))),
        ("Defined keys only", Cell::text(if text(&schema, "/allow_defined_only") == "true" { "yes" } else { "no" })),
        ("Created", Cell::time(text(&schema, "/created_at"))),
        ("Updated", Cell::time(text(&schema, "/updated_at"))),
    ]);
    let title = format!("Metadata of {}", text(&schema, "/related_object"));
    page(&project, title, details, &schema, "/properties")
}

/// GET /_emulator/console/projects/{project}/event-schemas/{id}
pub async fn event_schema(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let schema = project.get(&format!("/_emulator/custom-event-schemas/{}", encoded(&id))).await?;
    let details = Definitions::new([
        ("Id", Cell::code(text(&schema, "/id"))),
        ("Event", Cell::text(text(&schema, "/name"))),
        ("Created", Cell::time(text(&schema, "/created_at"))),
        ("Updated", Cell::time(text(&schema, "/updated_at"))),
    ]);
    let title = format!("Custom event {}", text(&schema, "/name"));
    page(&project, title, details, &schema, "/schema/properties")
}

fn page(
    project: &Project,
    title: String,
    details: Definitions,
    schema: &Value,
    properties: &str,
) -> Result<Response, PageError> {
    let properties = schema.pointer(properties).and_then(Value::as_object).filter(|properties| !properties.is_empty());
    let properties = properties.map(|properties| Table {
        caption: "Keys",
        columns: vec!["Key", "Type", "Optional", "Constraints"],
        rows: properties
            .iter()
            .map(|(key, definition)| {
                vec![
                    Cell::code(key),
                    kind(definition),
                    Cell::text(text(definition, "/optional")),
                    constraints(definition),
                ]
            })
            .collect(),
    });
    let content = Show { details, properties, object: Json::new(schema) };
    project.page(
        Section::MetadataSchemas,
        Page::new(title).below(project.section_link(Section::MetadataSchemas), "Metadata schemas"),
        &content,
    )
}

fn kind(definition: &Value) -> Cell {
    let kind = text(definition, "/type");
    let object = text(definition, "/objectType");
    let kind = if object.is_empty() { kind } else { format!("{kind} {object}") };
    Cell::text(if text(definition, "/array") == "true" { format!("array of {kind}") } else { kind })
}

fn constraints(definition: &Value) -> Cell {
    let known = ["type", "array", "optional", "objectType"];
    let members = definition.as_object().into_iter().flatten();
    let constraints = members
        .filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| if name == "deleted" { "deleted".to_owned() } else { format!("{name} {value}") });
    Cell::text(constraints.collect::<Vec<_>>().join(", "))
}
