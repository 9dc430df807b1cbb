//! What every test starts from.

mod answer;
mod contract;
mod database;
mod receiver;
mod world;

pub use answer::Answer;
pub use contract::{doors, operations as contract_operations};
pub use receiver::{Message, Receiver, Reply};
pub use world::{Client, World};
