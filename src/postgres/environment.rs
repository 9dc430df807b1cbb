//! The environment of PostgreSQL's programs.

use std::process::Command;

/// The variables that PostgreSQL's programs receive from the emulator. The linker of a PostgreSQL that was built from source may
/// need `LD_LIBRARY_PATH`.
const INHERITED_VARIABLES: [&str; 3] = ["PATH", "TZ", "LD_LIBRARY_PATH"];

/// Removes the environment of the emulator, which may contain tokens and passwords and which other processes of PostgreSQL's user can
/// read, and the user's PostgreSQL settings with it. Sets the locale to `C`, without which some builds for macOS refuse to start.
pub fn clean_environment(command: &mut Command) {
    command.env_clear().env("LC_ALL", "C");
    for name in INHERITED_VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}
