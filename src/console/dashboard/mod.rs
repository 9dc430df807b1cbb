//! The plots on the first page of a project.

mod chart;
mod minutes;
mod plots;

pub use plots::Plots;
