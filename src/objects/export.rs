//! The export object, and the lines of its file.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::csv::{Line, line};
use super::writer::ObjectWriter;
use crate::domain::export::{Column, ExportedCustomer};
use crate::domain::filter::{CustomerField, OrderField};
use crate::domain::job::{Job, JobStatus, NewJob};
use crate::domain::json::{JsonText, Members};
use crate::domain::order::Order;

/// Writes an export that was just accepted.
pub fn write_accepted(out: &mut Vec<u8>, job: &NewJob) {
    write_with(out, &job.id, job.created_at, JobStatus::Waiting, job.parameters.as_ref(), None);
}

/// Writes an export. Its file can be downloaded from `url`.
pub fn write(out: &mut Vec<u8>, job: &Job, url: &str) {
    let url = Some(url).filter(|_| job.status == JobStatus::Done);
    write_with(out, &job.id, job.created_at, job.status, job.parameters.as_ref(), url);
}

fn write_with(
    out: &mut Vec<u8>,
    id: &str,
    created_at: DateTime<Utc>,
    status: JobStatus,
    request: Option<&JsonText>,
    url: Option<&str>,
) {
    let status = match status {
        JobStatus::Waiting => "SCHEDULED",
        JobStatus::InProgress => "IN_PROGRESS",
        JobStatus::Done => "DONE",
        JobStatus::Failed => "ERROR",
    };
    let mut object = ObjectWriter::new(out);
    object.text("id", id).raw("object", "\"export\"").time("created_at", created_at).text("status", status);
    object.raw("channel", "\"API\"");
    if let Some(request) = request {
        // The parameters of the job are a serialized `ExportRequest`.
        object.members_of(request);
    }
    match url {
        Some(url) => object.object("result", |result| {
            result.text("url", url);
        }),
        None => object.raw("result", "null"),
    };
    object.raw("user_id", "null").end();
}

/// Returns the header line of the file.
#[must_use]
pub fn header<F>(columns: &[Column<F>]) -> String {
    line(&columns.iter().map(|column| column.title.as_str()).collect::<Vec<_>>())
}

/// Returns the line of a customer.
pub fn customer_line(line: &mut Line, columns: &[Column<CustomerField>], exported: &ExportedCustomer) -> String {
    let ExportedCustomer { customer, indexed_fields } = exported;
    let profile = customer.profile.as_str();
    // The profile is empty where no column needs it, because it was not read then.
    let profile = if profile.is_empty() { Members::default() } else { Members::of(profile) };
    let mut address = None;
    let metadata = customer.metadata.as_ref().map(|metadata| Members::of(metadata.as_str())).unwrap_or_default();
    let state = customer.state.as_ref().map(JsonText::value).unwrap_or_default();
    for Column { field, .. } in columns {
        match field {
            CustomerField::Id => line.cell(&customer.id),
            CustomerField::SourceId => line.cell(customer.source_id.as_deref().unwrap_or_default()),
            CustomerField::Profile("name") => line.cell(indexed_fields.name.as_deref().unwrap_or_default()),
            CustomerField::Profile("email") => line.cell(indexed_fields.email.as_deref().unwrap_or_default()),
            CustomerField::Address("city") => line.cell(indexed_fields.city.as_deref().unwrap_or_default()),
            CustomerField::Profile(member) => line.json(profile.get(member)),
            CustomerField::Address(member) => {
                let address = address.get_or_insert_with(|| Members::of(profile.get("address").unwrap_or_default()));
                line.json(address.get(member))
            }
            CustomerField::CreatedAt => line.time(Some(customer.created_at)),
            CustomerField::UpdatedAt => line.time(customer.updated_at),
            CustomerField::Metadata(key) => line.json(metadata.get(key)),
            CustomerField::OrdersTotalAmount => line.number(customer.orders.amount),
            CustomerField::OrdersTotalCount => line.number(customer.orders.count),
            CustomerField::OrdersAverageAmount => line.number(customer.orders.average_amount()),
            CustomerField::OrdersLastAmount => line.number(customer.orders.last_amount),
            CustomerField::OrdersLastDate => line.time(customer.orders.last_at),
            CustomerField::State { path, .. } => {
                let value = path.iter().try_fold(&state, |value, step| value.get(step));
                line.number(value.and_then(Value::as_i64).unwrap_or_default())
            }
            // These fields are not export columns.
            CustomerField::System(_) | CustomerField::EventCount(_) | CustomerField::Unset => line.cell(""),
        };
    }
    line.end()
}

/// Returns the line of an order. Only the fields that the columns show have to be filled.
pub fn order_line(line: &mut Line, columns: &[Column<OrderField>], order: &Order) -> String {
    let metadata = order.metadata.as_ref().map(|metadata| Members::of(metadata.as_str())).unwrap_or_default();
    for Column { field, .. } in columns {
        match field {
            OrderField::Id => line.cell(&order.id),
            OrderField::SourceId => line.cell(order.source_id.as_deref().unwrap_or_default()),
            OrderField::CreatedAt => line.time(Some(order.created_at)),
            OrderField::UpdatedAt => line.time(order.updated_at),
            OrderField::Status => line.cell(order.status.as_str()),
            OrderField::Amount => line.number(order.amount),
            OrderField::CustomerId => line.cell(order.customer_id.as_deref().unwrap_or_default()),
            OrderField::ReferrerId => line.cell(order.referrer_id.as_deref().unwrap_or_default()),
            OrderField::Metadata(key) => line.json(metadata.get(key)),
            OrderField::Unset => line.cell(""),
        };
    }
    line.end()
}
