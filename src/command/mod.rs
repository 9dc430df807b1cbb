//! The commands of the program that need no server of their own, and what a start shows on a terminal.

mod authority;
mod documents;
mod environment;
mod health;
mod introduction;
mod processes;
mod signals;
mod stdin;

pub use self::authority::authority;
pub use self::documents::{completions, manual_page};
pub use self::environment::remove_database_variables;
pub use self::health::{HealthError, health};
pub use self::introduction::Introduction;
pub use self::processes::reap_inherited_processes;
pub use self::signals::is_hangup_ignored;
pub use self::stdin::standard_input_ends;
