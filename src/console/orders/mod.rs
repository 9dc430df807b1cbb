//! The orders of a project.

mod list;
mod show;

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use super::components::{Cell, Table};
use super::link::encoded;
use super::project::Project;
use super::state::ConsoleState;
use super::view::{amount, text};

/// The section of the navigation.
const SECTION: &str = "/orders";

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/orders", get(list::handle))
        .route("/_emulator/console/projects/{project}/orders/{id}", get(show::handle))
}

/// Returns the table of orders.
pub fn table(project: &Project, orders: &[Value]) -> Table {
    let row = |order: &Value| {
        let id = text(order, "/id");
        let customer = text(order, "/customer_id");
        let customer_link = project.customer_link(&customer);
        vec![
            Cell { class: "code", ..Cell::text(&id) }.to(project.link(&format!("/orders/{}", encoded(&id)))),
            Cell::text(text(order, "/source_id")),
            status(order),
            amount(order, "/amount"),
            if customer.is_empty() {
                Cell::text("")
            } else {
                Cell { class: "code", ..Cell::text(customer) }.to(customer_link)
            },
            Cell::time(text(order, "/created_at")),
        ]
    };
    Table {
        caption: "Orders",
        columns: vec!["Order", "Source id", "Status", "Amount", "Customer", "Created"],
        rows: orders.iter().map(row).collect(),
    }
}

fn status(order: &Value) -> Cell {
    let status = text(order, "/status");
    let tone = match status.as_str() {
        "PAID" | "FULFILLED" => "good",
        "CANCELED" => "bad",
        _ => "",
    };
    Cell::badge(status, tone)
}
