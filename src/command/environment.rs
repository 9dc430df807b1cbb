//! The environment of this process.

use std::env;

/// Removes the variables `PG...`, which are meant for other databases than the private PostgreSQL. Each connection would read them, and no
/// function of the library takes `PGOPTIONS` from the options of a connection. This must be called before the process has threads.
#[expect(unsafe_code, reason = "the standard library cannot know that there are no other threads yet")]
pub fn remove_database_variables() {
    let names: Vec<_> = env::vars_os().map(|(name, _)| name).collect();
    for name in names.iter().filter(|name| name.as_encoded_bytes().starts_with(b"PG")) {
        // SAFETY: the process has no other thread that could read the environment at the same time.
        unsafe { env::remove_var(name) };
    }
}
