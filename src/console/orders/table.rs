//! The table of orders, on their own page and on that of a customer.

use serde_json::Value;

use crate::console::components::{Cell, Table};
use crate::console::link::encoded;
use crate::console::project::Project;
use crate::console::view::{amount, text};

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

/// Returns the status of an order.
pub fn status(order: &Value) -> Cell {
    let status = text(order, "/status");
    let tone = match status.as_str() {
        "PAID" | "FULFILLED" => "good",
        "CANCELED" => "bad",
        _ => "",
    };
    Cell::badge(status, tone)
}
