//! The project object of the management API.

use super::writer::ObjectWriter;
use crate::domain::json::JsonText;
use crate::domain::project::{API_VERSION, KeyPair, Project, ProjectKeys, WEBHOOK_VERSION};

/// What a project shows as its trusted domains until they are set.
const ALL_DOMAINS: &str = r#"["*"]"#;
/// The same for a strict project.
const NO_DOMAINS: &str = "[]";

/// Writes a project. The vendor's schema requires `description` and `webhook_token`, but its examples omit them. They
/// are included.
pub fn write(out: &mut Vec<u8>, project: &Project) {
    write_members(&mut ObjectWriter::new(out), project).end();
}

/// Writes a project in the same form, with the member that only the emulator has.
pub fn write_own(out: &mut Vec<u8>, project: &Project) {
    write_members(&mut ObjectWriter::new(out), project).boolean("strict", project.is_strict).end();
}

/// Writes a project that was just created, with its keys.
pub fn write_created(out: &mut Vec<u8>, project: &Project, keys: &ProjectKeys) {
    write_members(&mut ObjectWriter::new(out), project)
        .object("server_side_key", |object| write_key(object, &keys.server))
        .object("client_side_key", |object| write_key(object, &keys.client))
        .end();
}

fn write_key(object: &mut ObjectWriter<'_>, pair: &KeyPair) {
    object.text("app_id", &pair.id).text("app_token", &pair.token);
}

fn write_members<'a, 'b>(object: &'a mut ObjectWriter<'b>, project: &Project) -> &'a mut ObjectWriter<'b> {
    let settings = &project.settings;
    let trusted_domains = settings.client_trusted_domains.as_ref().map(JsonText::of);
    let default_domains = if project.is_strict { NO_DOMAINS } else { ALL_DOMAINS };
    let functions = settings.client_functions(project.is_strict);
    object
        .text("id", &project.public_id)
        .text("name", &project.name)
        .text("currency", &settings.currency)
        .text("timezone", &settings.timezone);
    if let Some(dial_code) = &settings.dial_code {
        object.text("dial_code", dial_code);
    }
    object
        .text("cluster_id", &settings.cluster_id)
        .text("api_version", API_VERSION)
        .text("description", &settings.description)
        .boolean("case_sensitive_codes", settings.case_sensitive_codes)
        .raw("client_trusted_domains", trusted_domains.as_ref().map_or(default_domains, JsonText::as_str))
        .boolean("client_redeem_enabled", settings.client_redeem_enabled)
        .boolean("client_publish_enabled", settings.client_publish_enabled)
        .boolean("client_list_vouchers_enabled", settings.client_list_vouchers_enabled)
        .boolean("client_create_customer_enabled", functions.create_customer)
        .boolean("client_loyalty_events_enabled", functions.loyalty_events)
        .boolean("client_set_voucher_expiration_date_enabled", settings.client_set_voucher_expiration_date_enabled)
        .raw("api_usage_notifications", JsonText::of(&settings.api_usage_notifications).as_str())
        .raw("webhooks_callout_notifications", JsonText::of(&settings.webhooks_callout_notifications).as_str())
        .boolean("is_sandbox", project.is_sandbox);
    if let Some(config) = &settings.default_code_config {
        object.raw("default_code_config", JsonText::of(config).as_str());
    }
    object.text("webhook_version", WEBHOOK_VERSION).text("webhook_token", &project.webhook_token)
}
