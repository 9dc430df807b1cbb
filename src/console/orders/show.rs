use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::table::status;
use crate::console::components::{Cell, Definitions, Json, Table};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{amount, has_content, items, text};

#[derive(Template)]
#[template(path = "orders/show.html")]
struct Show {
    details: Definitions,
    items: Option<Table>,
    metadata: Option<Json>,
    object: Json,
}

/// GET /_emulator/console/projects/{project}/orders/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let order = project.get(&format!("/v1/orders/{}", encoded(&id))).await?;
    let customer = |pointer: &str| {
        let id = text(&order, pointer);
        if id.is_empty() {
            Cell::text("")
        } else {
            Cell { class: "code", ..Cell::text(&id) }.to(project.customer_link(&id))
        }
    };
    let details = Definitions::new([
        ("Id", Cell::code(text(&order, "/id"))),
        ("Source id", Cell::text(text(&order, "/source_id"))),
        ("Status", status(&order)),
        ("Amount", amount(&order, "/amount")),
        ("Customer", customer("/customer_id")),
        ("Referrer", customer("/referrer_id")),
        ("Created", Cell::time(text(&order, "/created_at"))),
        ("Updated", Cell::time(text(&order, "/updated_at"))),
    ]);
    let content = Show {
        details,
        items: items_table(items(&order, "/items")),
        metadata: has_content(&order, "/metadata").then(|| Json::new(&order["metadata"])),
        object: Json::new(&order),
    };
    let page =
        Page::new(format!("Order {}", text(&order, "/id"))).below(project.section_link(Section::Orders), "Orders");
    project.page(Section::Orders, page, &content)
}

fn items_table(items: &[Value]) -> Option<Table> {
    let first = |item: &Value, pointers: &[&str]| {
        let found = pointers.iter().map(|pointer| text(item, pointer)).find(|text| !text.is_empty());
        Cell::text(found.unwrap_or_default())
    };
    let row = |item: &Value| {
        vec![
            first(item, &["/product/name", "/product_id", "/source_id", "/product/source_id"]),
            first(item, &["/sku/sku", "/sku_id", "/sku/source_id"]),
            Cell { class: "number", ..Cell::text(text(item, "/quantity")) },
            amount(item, "/price"),
            amount(item, "/amount"),
        ]
    };
    let columns = vec!["Product", "SKU", "Quantity", "Price", "Amount"];
    (!items.is_empty()).then(|| Table { caption: "Items", columns, rows: items.iter().map(row).collect() })
}
