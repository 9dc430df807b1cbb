//! Loading a state document into a project: in one transaction that excludes all other writers of the project, without
//! activity entries and without webhook messages.

mod customers;
mod definitions;
mod events;
mod links;
mod load;
mod loader;
mod orders;
mod segments;

mod default_project;
mod template;

pub use default_project::default_project;
pub use load::{LoadError, LoadMode, load};
pub use loader::{Counts, ObjectError};
pub(super) use template::copy_template;
pub use template::{discard_template, prepare_template};
