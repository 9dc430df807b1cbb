mod errors;
mod identifiers;
mod objects;
mod replacement;
mod round_trip;

const PATH: &str = "/_emulator/state";
