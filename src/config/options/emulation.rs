//! The options of the emulation: how the vendor is imitated.

use clap::Args;
use clap::builder::FalseyValueParser;

/// The options of the emulation.
#[derive(Args, Clone)]
#[command(next_help_heading = "Emulation")]
pub struct EmulationOptions {
    /// Refuse what the vendor ignores and the emulator forgives, for all projects and for what belongs to no project
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_STRICT", value_parser = FalseyValueParser::new())]
    pub strict: bool,

    /// Requests per project and minute before the answer is 429 [default: no limit]
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_RATE_LIMIT", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,

    /// How many times faster than the vendor to retry a failed webhook: 6000 turns a minute into 10 ms
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_WEBHOOK_RETRY_SPEED",
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub webhook_retry_speed: u32,

    /// Allow webhook targets with link-local addresses and those of cloud metadata services, which serve secrets
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_WEBHOOK_ALLOW_LINK_LOCAL",
        value_parser = FalseyValueParser::new()
    )]
    pub webhook_allow_link_local: bool,
}
