mod create;
mod delete;
mod get;
mod list;
mod update;
mod writes;

use serde_json::{Value, json};

/// Returns the definition of an optional property of type `kind`.
fn optional(kind: &str) -> Value {
    json!({"type": kind, "optional": true, "array": false})
}
