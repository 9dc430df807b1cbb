//! Records requests in the request log of their project.
//!
//! * `capture` copies the beginning of the bodies as they pass.
//! * `mask` replaces tokens.
//! * `near` finds the operations that are nearest to a request without a route.
//! * `recording` makes the entry from these, when the answer is complete.

mod capture;
mod mask;
mod near;
mod recording;

pub(super) use near::Operations;
pub(super) use recording::Recording;
