//! Test support: emulators, projects, clients, a webhook receiver, and the validation against the contract.

mod answer;
pub mod citus;
mod contract;
pub mod csv;
mod database;
mod emulator;
mod project;
mod receiver;
mod shared;

pub use answer::Answer;
pub use contract::{
    check_examples, document as contract_document, operation_security, operations as contract_operations,
};
pub use database::Database;
pub use emulator::TestEmulator;
pub use project::{Client, TestProject};
pub use receiver::{Message, Receiver, Reply};
