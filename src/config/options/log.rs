//! The options of the log.

use clap::{Args, ValueEnum};

/// The options of the log.
#[derive(Args, Clone)]
#[command(next_help_heading = "Log")]
pub struct LogOptions {
    /// Log filter; logs are written to standard error
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// Log format
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}
