mod create;
mod delete;
mod get;
mod list;
mod update;

use serde_json::{Value, json};

/// An optional definition of that type.
fn optional(kind: &str) -> Value {
    json!({"type": kind, "optional": true, "array": false})
}
mod writes;
