//! The key object. The vendor shows keys in its dashboard only, so the emulator defines this form itself.

use super::writer::ObjectWriter;
use crate::domain::credential::Key;

/// Writes the key without its token.
pub fn write(out: &mut Vec<u8>, key: &Key) {
    write_with(out, key, None);
}

/// Writes the key with its token, which is shown only when the key is created.
pub fn write_created(out: &mut Vec<u8>, key: &Key, token: &str) {
    write_with(out, key, Some(token));
}

fn write_with(out: &mut Vec<u8>, key: &Key, token: Option<&str>) {
    let mut object = ObjectWriter::new(out);
    object.text("family", key.family.as_str()).text("app_id", &key.app_id);
    if let Some(token) = token {
        object.text("app_token", token);
    }
    object.boolean("provisioned", key.is_provisioned).time("created_at", key.created_at).text("object", "key").end();
}
