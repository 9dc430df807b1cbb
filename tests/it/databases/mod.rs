//! Databases that are not only the emulator's, and whose settings are not the usual ones.

mod refused;
mod schemas;
pub mod settings;
