use askama::Template;
use axum::Extension;
use axum::response::Response;
use serde_json::{Map, Value};

use super::kind::Kind;
use crate::console::components::{Cell, Definitions, Field, FormView, Json, Table};
use crate::console::error::PageError;
use crate::console::link::with_query;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(path = "metadata_schemas/show.html")]
struct Show {
    details: Definitions,
    properties: Option<Table>,
    /// The button that allows or refuses other keys, which schemas of events always allow.
    switch: Option<FormView>,
    is_defined_only: bool,
    object: Json,
    link: String,
}

/// GET /_emulator/console/projects/{project}/metadata-schemas/{id}, .../event-schemas/{id}
pub async fn handle(
    project: Project,
    Extension(kind): Extension<Kind>,
    ItemId(id): ItemId,
) -> Result<Response, PageError> {
    let schema = project.get(&kind.operation(&id)).await?;
    let link = kind.link(&project, &text(&schema, "/id"));
    let is_defined_only = text(&schema, "/allow_defined_only") == "true";
    let mut details = vec![("Id", Cell::code(text(&schema, "/id")))];
    match kind {
        Kind::Metadata => details.extend([
            ("Resource", Cell::text(text(&schema, "/related_object"))),
            ("Defined keys only", Cell::text(if is_defined_only { "yes" } else { "no" })),
        ]),
        Kind::Event => details.push(("Event", Cell::text(text(&schema, "/name")))),
    }
    details.extend([
        ("Created", Cell::time(text(&schema, "/created_at"))),
        ("Updated", Cell::time(text(&schema, "/updated_at"))),
    ]);
    let properties = kind.properties(&schema).filter(|properties| !properties.is_empty());
    let (submit, value) =
        if is_defined_only { ("Allow other keys", "false") } else { ("Allow defined keys only", "true") };
    let field = Field::hidden("defined_only", value);
    let switch = FormView::new(&project.visit.session, format!("{link}/settings"), submit, vec![field]);
    let content = Show {
        details: Definitions::new(details),
        properties: properties.map(|properties| table(properties, &link)),
        switch: (kind == Kind::Metadata).then_some(switch),
        is_defined_only,
        object: Json::new(&schema),
        link,
    };
    let page = Page::new(kind.title(&schema)).below(project.section_link(Section::MetadataSchemas), "Metadata schemas");
    project.page(Section::MetadataSchemas, page, &content)
}

fn table(properties: &Map<String, Value>, link: &str) -> Table {
    let row = |(key, definition): (&String, &Value)| {
        let page = with_query(&format!("{link}/key"), &[("key", key)]);
        // Parameters of pages have no spaces around them.
        let has_page = !key.is_empty() && key.trim() == key;
        let key = if has_page { Cell::code(key).to(page) } else { Cell::code(key) };
        vec![key, type_of(definition), Cell::text(text(definition, "/optional")), constraints(definition)]
    };
    Table {
        caption: "Keys",
        columns: vec!["Key", "Type", "Optional", "Constraints"],
        rows: properties.iter().map(row).collect(),
    }
}

fn type_of(definition: &Value) -> Cell {
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
