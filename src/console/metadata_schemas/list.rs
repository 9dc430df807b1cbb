use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::console::components::{Cell, Empty, Table};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::Page;
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{items, text};

#[derive(Template)]
#[template(path = "metadata_schemas/list.html")]
struct Lists {
    of_metadata: Option<Table>,
    of_events: Option<Table>,
    empty: Empty,
}

/// GET /_emulator/console/projects/{project}/metadata-schemas
pub async fn handle(project: Project) -> Result<Response, PageError> {
    let schemas = project.get("/v1/metadata-schemas").await?;
    let event_schemas = project.get("/_emulator/custom-event-schemas").await?;
    let keys = |schema: &Value, pointer: &str| {
        let keys = schema.pointer(pointer).and_then(Value::as_object).map(|properties| properties.keys().cloned());
        Cell::text(keys.map(|keys| keys.collect::<Vec<_>>().join(", ")).unwrap_or_default())
    };
    let schema = |schema: &Value| {
        let id = text(schema, "/id");
        vec![
            Cell::text(text(schema, "/related_object"))
                .to(project.link(&format!("/metadata-schemas/{}", encoded(&id)))),
            Cell::code(id),
            keys(schema, "/properties"),
            Cell::text(if text(schema, "/allow_defined_only") == "true" { "yes" } else { "no" }),
            Cell::time(text(schema, "/created_at")),
        ]
    };
    let event_schema = |schema: &Value| {
        let id = text(schema, "/id");
        let link = project.link(&format!("/event-schemas/{}", encoded(&id)));
        vec![Cell::text(text(schema, "/name")).to(link), Cell::code(id), keys(schema, "/schema/properties")]
    };
    let schemas: Vec<_> = items(&schemas, "/schemas").iter().map(schema).collect();
    let data = text(&event_schemas, "/data_ref");
    let event_schemas: Vec<_> = items(&event_schemas, &format!("/{data}")).iter().map(event_schema).collect();
    let body = r#"{"related_object": "customer", "properties": {"lang": {"type": "string", "array": false, "optional": true}}}"#;
    let content = Lists {
        of_metadata: (!schemas.is_empty()).then(|| Table {
            caption: "Metadata schemas",
            columns: vec!["Resource", "Id", "Keys", "Defined keys only", "Created"],
            rows: schemas,
        }),
        of_events: (!event_schemas.is_empty()).then(|| Table {
            caption: "Custom event schemas",
            columns: vec!["Event", "Id", "Keys"],
            rows: event_schemas,
        }),
        empty: Empty {
            text: "There are no metadata schemas yet. Create one with the button above, or with this call:".to_owned(),
            command: project.command("/v1/metadata-schemas", body),
        },
    };
    let page = Page::new("Metadata schemas")
        .action(project.link("/metadata-schemas/new"), "Create a schema")
        .action(project.link("/event-schemas/new"), "Create an event schema");
    project.page(Section::MetadataSchemas, page, &content)
}
