//! `/v1/customers`.

mod activities;
mod activity;
mod activity_query;
mod bulk;
mod bulk_metadata;
pub(crate) mod consents;
pub(crate) mod create;
mod delete;
mod get;
mod import_csv;
pub(crate) mod list;
mod permanent_deletion;
mod redeemables;
pub(crate) mod request;
mod segments;
mod update;

use crate::http::routes::{Routes, delete, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/customers", [get("list-customers", list::handle), post("create-customer", create::handle)])
        .at("/v1/customers/bulk/async", [post("update-customers-in-bulk", bulk::handle)])
        .at("/v1/customers/metadata/async", [post("update-customers-metadata-in-bulk", bulk_metadata::handle)])
        .at("/v1/customers/importCSV", [post("import-customers-using-csv", import_csv::handle)])
        .at(
            "/v1/customers/{customerId}",
            [
                get("get-customer", get::handle),
                put("update-customer", update::handle),
                delete("delete-customer", delete::handle),
            ],
        )
        .at(
            "/v1/customers/{customerId}/permanent-deletion",
            [post("customer-permanently-deletion", permanent_deletion::handle)],
        )
        .at("/v1/customers/{customerId}/activity", [get("list-customer-activity", activity::handle)])
        .at("/v1/customers/{customerId}/activities", [get("list-customer-activities", activities::handle)])
        .at("/v1/customers/{customerId}/redeemables", [get("list-customer-redeemables", redeemables::handle)])
        .at("/v1/customers/{customerId}/segments", [get("list-customer-segments", segments::handle)])
        .at("/v1/customers/{customerId}/consents", [put("update-customers-consents", consents::handle)])
}
