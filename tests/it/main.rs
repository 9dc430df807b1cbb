//! The tests of the emulator, through the real router on a real PostgreSQL, each on a database of its own. The tree mirrors
//! that of the URLs.

mod contract;
mod control;
mod errors;
mod house;
mod program;
mod races;
mod schema;
mod support;
mod v1;
