//! The strict mode: what the vendor ignores and the emulator forgives is refused.

mod contract;
mod project;
mod sample;
mod stickystreet;
