//! The options of the log and of traces.

use clap::{Args, ValueEnum};

use crate::trace::Endpoint;

/// The options of the log and of traces.
#[derive(Args, Clone)]
#[command(next_help_heading = "Log and traces")]
pub struct LogOptions {
    /// Log filter; logs are written to standard error
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// Log format
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// Base URL of a collector of OpenTelemetry that receives traces by OTLP over HTTP, which is port 4318 of most
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_OTLP_ENDPOINT",
        value_name = "URL",
        value_parser = parse_endpoint,
        hide_env_values = true
    )]
    pub otlp_endpoint: Option<Collector>,
}

/// What the option names. An empty text, as in an environment variable that is set to nothing, names no collector.
type Collector = Option<Endpoint>;

fn parse_endpoint(text: &str) -> Result<Collector, String> {
    if text.trim().is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}
