//! The customers of a project.

mod delete;
mod edit;
mod erase;
mod fields;
mod filter;
pub(super) mod list;
mod search;
mod show;
mod timeline;

use axum::Router;
use axum::routing::get;

use super::components::Tabs;
use super::page::Link;
use super::project::Project;
use super::state::ConsoleState;

/// The section of the navigation.
const SECTION: &str = "/customers";

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/customers", get(list::handle))
        .route("/_emulator/console/projects/{project}/customers/search", get(search::handle))
        .route("/_emulator/console/projects/{project}/customers/filter", get(filter::handle))
        .route("/_emulator/console/projects/{project}/customers/new", get(edit::new).post(edit::create))
        .route("/_emulator/console/projects/{project}/customers/{id}", get(show::handle))
        .route("/_emulator/console/projects/{project}/customers/{id}/timeline", get(timeline::handle))
        .route("/_emulator/console/projects/{project}/customers/{id}/edit", get(edit::edit).post(edit::update))
        .route("/_emulator/console/projects/{project}/customers/{id}/delete", get(delete::confirm).post(delete::delete))
        .route("/_emulator/console/projects/{project}/customers/{id}/erase", get(erase::confirm).post(erase::erase))
        .route("/_emulator/console/projects/{project}/erasures/{id}", get(erase::result))
}

/// Returns the links to the parts of a customer's page.
fn tabs(project: &Project, id: &str, current: &str) -> Tabs {
    let link = project.customer_link(id);
    let tab = |path: &str, text: &str| (Link::new(format!("{link}{path}"), text), path == current);
    Tabs { label: "Customer", links: vec![tab("", "Profile"), tab("/timeline", "Timeline")] }
}
