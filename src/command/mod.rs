//! The commands of the program that need no server of their own, and the end of its standard input.

mod documents;
mod health;
mod stdin;

pub use self::documents::{completions, manual_page};
pub use self::health::{HealthError, health};
pub use self::stdin::standard_input_ends;
