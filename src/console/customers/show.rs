use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::tabs::tabs;
use crate::console::components::{Cell, Definitions, Json, Table, Tabs};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::orders::table;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{amount, has_content, integer, items, text};
use crate::db;
use crate::domain::consent::CustomerConsent;
use crate::domain::timestamp;

#[derive(Template)]
#[template(path = "customers/show.html")]
struct Show {
    tabs: Tabs,
    profile: Definitions,
    address: Option<Definitions>,
    metadata: Option<Json>,
    summary: Definitions,
    consents: Option<Table>,
    segments: Option<Table>,
    orders: Option<Table>,
    consents_link: String,
    orders_link: String,
    events_link: String,
    object: Json,
    delete_link: String,
    erase_link: String,
}

/// GET /_emulator/console/projects/{project}/customers/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let customer = project.get(&format!("/v1/customers/{}", encoded(&id))).await?;
    // The page of a customer is known by its id, also when its source id was asked for.
    let id = text(&customer, "/id");
    let segments = project.get(&format!("/v1/customers/{id}/segments")).await?;
    let found_orders = project.get(&format!("/v1/orders?limit=10&customer={id}")).await?;
    let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
    let consents = db::consents::list_of_customer(&mut connection, project.overview.id, &id).await?;
    connection.release();

    let link = project.customer_link(&id);
    let found_orders = items(&found_orders, "/orders");
    let content = Show {
        tabs: tabs(&project, &id, ""),
        profile: profile(&customer),
        address: has_content(&customer, "/address").then(|| address(&customer)),
        metadata: has_content(&customer, "/metadata").then(|| Json::new(&customer["metadata"])),
        summary: summary(&customer),
        consents: (!consents.is_empty()).then(|| consents_table(&project, &consents)),
        segments: segments_table(&project, items(&segments, "/data")),
        orders: (!found_orders.is_empty()).then(|| table::table(&project, found_orders)),
        consents_link: format!("{link}/consents"),
        orders_link: project.link(&format!("/orders?customer={id}")),
        events_link: project.link(&format!("/events?customer={id}")),
        object: Json::new(&customer),
        delete_link: format!("{link}/delete"),
        erase_link: format!("{link}/erase"),
    };
    let page = Page::new(title(&customer))
        .below(project.section_link(Section::Customers), "Customers")
        .action(format!("{link}/edit"), "Edit");
    project.page(Section::Customers, page, &content)
}

/// Returns what a customer is called.
pub fn title(customer: &Value) -> String {
    ["/name", "/source_id", "/id"]
        .into_iter()
        .map(|member| text(customer, member))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

fn profile(customer: &Value) -> Definitions {
    let member = |pointer: &str| Cell::text(text(customer, pointer));
    Definitions::new([
        ("Id", Cell::code(text(customer, "/id"))),
        ("Source id", member("/source_id")),
        ("Name", member("/name")),
        ("E-mail", member("/email")),
        ("Phone", member("/phone")),
        ("Description", member("/description")),
        ("Birthday", member("/birthday")),
        ("Birthdate", member("/birthdate")),
        ("Created", Cell::time(text(customer, "/created_at"))),
        ("Updated", Cell::time(text(customer, "/updated_at"))),
    ])
}

fn address(customer: &Value) -> Definitions {
    let names = [
        ("Line 1", "line_1"),
        ("Line 2", "line_2"),
        ("Postal code", "postal_code"),
        ("City", "city"),
        ("State", "state"),
        ("Country", "country"),
    ];
    Definitions::new(names.map(|(name, member)| (name, Cell::text(text(customer, &format!("/address/{member}"))))))
}

fn summary(customer: &Value) -> Definitions {
    Definitions::new([
        ("Orders paid or fulfilled", Cell::number(integer(customer, "/summary/orders/total_count"))),
        ("Spent", amount(customer, "/summary/orders/total_amount")),
        ("Average order", amount(customer, "/summary/orders/average_amount")),
        ("Last order", amount(customer, "/summary/orders/last_order_amount")),
        ("Last order at", Cell::time(text(customer, "/summary/orders/last_order_date"))),
        ("Redemptions", Cell::number(integer(customer, "/summary/redemptions/total_redeemed"))),
        ("Loyalty points", Cell::number(integer(customer, "/loyalty/points"))),
    ])
}

fn consents_table(project: &Project, consents: &[CustomerConsent]) -> Table {
    let row = |consent: &CustomerConsent| {
        let given = if consent.given { Cell::badge("given", "good") } else { Cell::badge("revoked", "") };
        let name = if consent.name.is_empty() { &consent.id } else { &consent.name };
        vec![
            Cell::text(name).to(project.link(&format!("/consents/{}", encoded(&consent.id)))),
            given,
            Cell::time(timestamp::text(consent.updated_at)),
        ]
    };
    Table {
        caption: "Consents",
        columns: vec!["Consent", "State", "Changed"],
        rows: consents.iter().map(row).collect(),
    }
}

fn segments_table(project: &Project, segments: &[Value]) -> Option<Table> {
    let row = |segment: &Value| {
        let id = text(segment, "/id");
        let link = project.link(&format!("/segments/{}", encoded(&id)));
        vec![Cell::text(text(segment, "/name")).to(link), Cell::code(id)]
    };
    let rows: Vec<_> = segments.iter().map(row).collect();
    (!rows.is_empty()).then(|| Table { caption: "Segments", columns: vec!["Segment", "Id"], rows })
}
