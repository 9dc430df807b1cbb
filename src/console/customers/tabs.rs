//! The parts of a customer's page.

use crate::console::components::Tabs;
use crate::console::link::Link;
use crate::console::project::Project;

/// Returns the links to the parts of a customer's page.
pub fn tabs(project: &Project, id: &str, current: &str) -> Tabs {
    let link = project.customer_link(id);
    let tab = |path: &str, text: &str| (Link::new(format!("{link}{path}"), text), path == current);
    let links = vec![tab("", "Profile"), tab("/timeline", "Timeline"), tab("/consents", "Consents")];
    Tabs { label: "Customer", links }
}
