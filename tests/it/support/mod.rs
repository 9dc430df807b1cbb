//! What every test starts from.

mod answer;
mod contract;
mod database;
mod world;

pub use answer::Answer;
pub use contract::{doors, operations as contract_operations};
pub use world::{Client, World};
