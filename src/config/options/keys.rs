//! The options of the keys.

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::config::{
    DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN, DEFAULT_MANAGEMENT_ID,
    DEFAULT_MANAGEMENT_TOKEN,
};

/// The options of the keys. They contain tokens, so they do not implement `Debug`.
#[derive(Args, Clone)]
#[command(next_help_heading = "Keys")]
pub struct KeyOptions {
    /// Accept only configured and created keys; use it with keys of your own when other machines can reach the server
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_STRICT_AUTH", value_parser = FalseyValueParser::new())]
    pub strict_auth: bool,

    /// Server key of the default project: X-App-Id
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_APP_ID", value_name = "ID", default_value = DEFAULT_APP_ID)]
    pub app_id: String,

    /// Server key of the default project: X-App-Token
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_APP_TOKEN",
        value_name = "TOKEN",
        default_value = DEFAULT_APP_TOKEN,
        hide_env_values = true
    )]
    pub app_token: String,

    /// Client key of the default project: X-Client-Application-Id
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_CLIENT_APP_ID", value_name = "ID", default_value = DEFAULT_CLIENT_APP_ID)]
    pub client_app_id: String,

    /// Client key of the default project: X-Client-Token
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_CLIENT_TOKEN",
        value_name = "TOKEN",
        default_value = DEFAULT_CLIENT_TOKEN,
        hide_env_values = true
    )]
    pub client_token: String,

    /// Management key: X-Management-Id
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_MANAGEMENT_ID", value_name = "ID", default_value = DEFAULT_MANAGEMENT_ID)]
    pub management_id: String,

    /// Management key: X-Management-Token
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_MANAGEMENT_TOKEN",
        value_name = "TOKEN",
        default_value = DEFAULT_MANAGEMENT_TOKEN,
        hide_env_values = true
    )]
    pub management_token: String,
}
