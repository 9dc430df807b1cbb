//! What a start shows on a terminal: where the data is kept, the keys, the console, and how to stop.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use crate::config::{Config, Storage};
use crate::postgres::Durability;

/// The introduction of a started emulator, of several lines.
#[derive(Debug)]
pub struct Introduction<'a> {
    pub config: &'a Config,
    /// The data directory of the private PostgreSQL, if there is one.
    pub data: Option<&'a Path>,
    /// The base URL of the emulator.
    pub url: &'a str,
}

impl Display for Introduction<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { config, data, url } = self;
        let data = match (&config.storage, data) {
            (Storage::Private(Durability::Ephemeral), _) => "empty, removed at exit (--ephemeral)".to_owned(),
            (Storage::Private(_), Some(directory)) => format!("in {}", directory.display()),
            (Storage::Private(_), None) => "in a private PostgreSQL".to_owned(),
            (Storage::Url(_), _) => {
                format!("in the schema {} of the database of DATABASE_URL", config.database_schema)
            }
        };
        writeln!(out, "  Data     {data}")?;
        if config.options_with_built_in_keys().contains(&"--app-id") {
            let keys = &config.server_keys;
            writeln!(out, "  Keys     X-App-Id: {}", keys.id)?;
            writeln!(out, "           X-App-Token: {}", keys.token)?;
        } else {
            // Tokens of the user are secret.
            writeln!(out, "  Keys     X-App-Id: {} with its token", config.server_keys.id)?;
        }
        if !config.strict_auth {
            writeln!(out, "           any other pair gets a new, empty project of its own")?;
        }
        if config.console {
            writeln!(out, "  Console  {url}/_emulator/console")?;
        }
        writeln!(out, "  Stop     Ctrl-C")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DEFAULT_APP_TOKEN, KeyPair};

    #[test]
    fn the_introduction_names_the_data_the_keys_and_the_console() {
        let data = Some(Path::new("/data/emulator"));
        let text = |config: &Config| Introduction { config, data, url: "http://127.0.0.1:8682" }.to_string();
        let default = text(&Config::default());
        for part in ["removed at exit", DEFAULT_APP_TOKEN, "any other pair", "http://127.0.0.1:8682/_emulator/console"]
        {
            assert!(default.contains(part), "{part}: {default}");
        }
        let own = Config {
            storage: Storage::Private(Durability::PersistentByVersion("/data".into())),
            server_keys: KeyPair::new("mine", "secret"),
            strict_auth: true,
            console: false,
            ..Config::default()
        };
        let own = text(&own);
        assert!(own.contains("in /data/emulator") && own.contains("mine with its token"), "{own}");
        assert!(!own.contains("secret") && !own.contains("any other pair") && !own.contains("console"), "{own}");
        let url = Config { storage: Storage::Url("postgres://user:secret@host/db".to_owned()), ..Config::default() };
        assert!(
            !text(&url).contains("secret") && text(&url).contains("in the schema voucherify_emulator of the database")
        );
    }
}
