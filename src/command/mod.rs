//! The commands of the program that need no server of their own, and what a start shows on a terminal.

mod authority;
mod documents;
mod health;
mod introduction;
mod signals;
mod stdin;

pub use self::authority::authority;
pub use self::documents::{completions, manual_page};
pub use self::health::{HealthError, health};
pub use self::introduction::Introduction;
pub use self::signals::is_hangup_ignored;
pub use self::stdin::standard_input_ends;
