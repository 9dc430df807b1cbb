//! The options of the server: where it listens, and what it serves.

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::config::{DEFAULT_REQUEST_LOG, Listen};
use crate::domain::local_host::HostPattern;

/// The options of the server.
#[derive(Args, Clone)]
#[command(next_help_heading = "Server")]
pub struct ServerOptions {
    /// Where to listen: HOST:PORT, with an address or a name as host, or a port alone for the loopback addresses; port 0
    /// picks a free port
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_LISTEN",
        value_name = "ADDR",
        default_value_t = Listen::loopback(8682)
    )]
    pub listen: Listen,

    /// Port of the loopback addresses to listen on: the same as --listen PORT, and in its place
    #[arg(long, global = true, value_name = "PORT")]
    pub port: Option<u16>,

    /// Host names by which requests may reach the server in addition to addresses and local names; .shop.example allows
    /// all below
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_ALLOWED_HOSTS",
        value_name = "HOSTS",
        value_delimiter = ',',
        value_parser = parse_allowed_host
    )]
    pub allowed_hosts: Vec<Option<HostPattern>>,

    /// Serve no console at /_emulator/console
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_NO_CONSOLE", value_parser = FalseyValueParser::new())]
    pub no_console: bool,

    /// How many requests of each project the request log keeps; 0 turns it off
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_REQUEST_LOG",
        value_name = "N",
        default_value_t = DEFAULT_REQUEST_LOG,
        value_parser = clap::value_parser!(u32).range(0..=100_000)
    )]
    pub request_log: u32,

    /// Time limit of a request, in seconds
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_REQUEST_TIMEOUT",
        value_name = "S",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub request_timeout: u64,

    /// Stop when standard input ends, for programs that start the emulator with a pipe: the pipe closes when the program
    /// ends, however it ends
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_STOP_WITH_STDIN", value_parser = FalseyValueParser::new())]
    pub stop_with_stdin: bool,
}

impl ServerOptions {
    /// Returns where the server listens.
    #[must_use]
    pub fn address(&self) -> Listen {
        self.port.map_or_else(|| self.listen.clone(), Listen::loopback)
    }
}

/// Parses an entry of `--allowed-hosts`. An empty one, as in an environment variable that is set to nothing, names no host.
fn parse_allowed_host(text: &str) -> Result<Option<HostPattern>, String> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { HostPattern::parse(text).map(Some) }
}
