//! Reads the bodies that create and update projects.

use crate::domain::limits::{DESCRIPTION_CHARS, NOTIFIED_EMAILS, PROJECT_USERS, TEXT_CHARS, TRUSTED_DOMAINS};
use crate::domain::patch::Patch;
use crate::domain::project::{
    API_VERSION, CalloutNotification, CalloutNotifications, CodeConfig, ProjectChange, ProjectSettings,
    UsageNotification, UsageNotifications, WEBHOOK_VERSION,
};
use crate::http::error::ApiError;
use crate::http::payload::Object;
use crate::service::projects::ProjectRequest;

/// The percentages of a usage limit at which a notification can be sent, as the vendor documents them.
const NOTIFICATION_PERCENTS: std::ops::RangeInclusive<i64> = 10..=90;

/// Reads the body that creates a project.
///
/// # Errors
/// Returns 400 for the first missing or invalid member.
pub fn new_project(mut body: Object<'_>) -> Result<ProjectRequest, ApiError> {
    for name in ["name", "case_sensitive_codes", "timezone", "currency"] {
        body.require(name)?;
    }
    let mut change = project_change(&mut body)?;
    let name = required(&body, "name", "string", change.name.take())?;
    required(&body, "case_sensitive_codes", "boolean", change.case_sensitive_codes)?;
    required(&body, "timezone", "string", change.timezone.as_ref())?;
    required(&body, "currency", "string", change.currency.as_ref())?;
    require_value(&mut body, "api_version", API_VERSION)?;
    check_users(&mut body)?;
    // Ignore this setting, because the vendor accepts it only in updates. It was read to be checked.
    if !change.default_code_config.is_absent() {
        body.mark_unread("default_code_config");
    }
    change.default_code_config = Patch::Absent;
    let mut settings = ProjectSettings::default();
    // The vendor answers 403 for another region than its own. Some of its SDKs take the name of the region from the host name, so that
    // every address of the emulator is another region. The emulator has no regions and accepts each name.
    if let Some(cluster) = text_matching(&mut body, "cluster_id", "^[A-Za-z0-9-]{1,63}$", is_cluster)?.value() {
        settings.cluster_id = cluster;
    }
    settings.apply(change);
    Ok(ProjectRequest { name, settings })
}

/// Returns the value of a member that must not be `null`.
fn required<T>(body: &Object<'_>, name: &str, kind: &str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::invalid_payload(format!("Property {} must be {kind}", body.path_of(name))))
}

/// Reads the body that updates a project.
///
/// # Errors
/// Returns 400 for the first invalid member.
pub fn project_change(body: &mut Object<'_>) -> Result<ProjectChange, ApiError> {
    require_value(body, "webhook_version", WEBHOOK_VERSION)?;
    let name = if body.has("name") { Some(body.required_text("name", 1, TEXT_CHARS)?) } else { None };
    Ok(ProjectChange {
        is_strict: None,
        name,
        description: body.optional_text("description", DESCRIPTION_CHARS)?,
        timezone: text_matching(body, "timezone", "^[A-Za-z0-9_+:/-]{1,64}$", is_timezone)?.value(),
        currency: text_matching(body, "currency", "^[A-Z]{3}$", is_currency)?.value(),
        dial_code: text_matching(body, "dial_code", r"^\+?[0-9][0-9 -]{0,9}$", is_dial_code)?,
        case_sensitive_codes: boolean(body, "case_sensitive_codes")?,
        client_trusted_domains: texts(body, "client_trusted_domains", TRUSTED_DOMAINS)?,
        client_redeem_enabled: boolean(body, "client_redeem_enabled")?,
        client_publish_enabled: boolean(body, "client_publish_enabled")?,
        client_list_vouchers_enabled: boolean(body, "client_list_vouchers_enabled")?,
        client_create_customer_enabled: boolean(body, "client_create_customer_enabled")?,
        client_loyalty_events_enabled: boolean(body, "client_loyalty_events_enabled")?,
        client_set_voucher_expiration_date_enabled: boolean(body, "client_set_voucher_expiration_date_enabled")?,
        api_usage_notifications: body
            .object("api_usage_notifications")?
            .value()
            .map(usage_notifications)
            .transpose()?,
        webhooks_callout_notifications: body
            .object("webhooks_callout_notifications")?
            .value()
            .map(callout_notifications)
            .transpose()?,
        default_code_config: match body.object("default_code_config")? {
            Patch::Value(config) => code_config(config)?,
            Patch::Null => Patch::Null,
            Patch::Absent => Patch::Absent,
        },
    })
}

fn boolean(body: &mut Object<'_>, name: &str) -> Result<Option<bool>, ApiError> {
    Ok(body.boolean(name)?.value())
}

/// Checks a member that has only one allowed value.
fn require_value(body: &mut Object<'_>, name: &str, value: &str) -> Result<(), ApiError> {
    body.one_of(name, &[value], |text| (text == value).then_some(())).map(drop)
}

/// Returns a text that `matches` accepts. The error message shows `pattern`.
fn text_matching(
    body: &mut Object<'_>,
    name: &str,
    pattern: &str,
    matches: impl Fn(&str) -> bool,
) -> Result<Patch<String>, ApiError> {
    let text = body.text(name, TEXT_CHARS)?;
    if text.as_value().is_some_and(|text| !matches(text)) {
        let details = format!("Property {} must match pattern \"{pattern}\"", body.path_of(name));
        return Err(ApiError::invalid_payload(details));
    }
    Ok(text)
}

/// Returns whether the text has the form of a GMT offset or an IANA time zone name. The name itself is not looked up.
fn is_timezone(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+:/-".contains(&byte))
}

fn is_cluster(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_dial_code(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=10).contains(&digits.len())
        && digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b" -".contains(&byte))
}

fn texts(body: &mut Object<'_>, name: &str, max_count: usize) -> Result<Option<Vec<String>>, ApiError> {
    let texts = body.texts(name, max_count)?;
    let too_long = |text: &String| text.chars().count() > TEXT_CHARS;
    if let Some(index) = texts.as_ref().and_then(|texts| texts.iter().position(too_long)) {
        let details =
            format!("Property {}[{index}] must NOT have more than {TEXT_CHARS} characters", body.path_of(name));
        return Err(ApiError::invalid_payload(details));
    }
    Ok(texts)
}

/// Reads the usage notifications. `redemptions` is optional, because the vendor requires it but its request schema does
/// not contain it.
fn usage_notifications(mut body: Object<'_>) -> Result<UsageNotifications, ApiError> {
    for name in ["messages", "api_calls", "bulk_api_calls", "webhook_calls", "cycle_calls"] {
        body.require(name)?;
    }
    Ok(UsageNotifications {
        messages: usage_notification(&mut body, "messages")?,
        api_calls: usage_notification(&mut body, "api_calls")?,
        cycle_calls: usage_notification(&mut body, "cycle_calls")?,
        redemptions: if body.has("redemptions") {
            usage_notification(&mut body, "redemptions")?
        } else {
            UsageNotification::default()
        },
        webhook_calls: usage_notification(&mut body, "webhook_calls")?,
        bulk_api_calls: usage_notification(&mut body, "bulk_api_calls")?,
    })
}

fn usage_notification(body: &mut Object<'_>, name: &'static str) -> Result<UsageNotification, ApiError> {
    let mut member = required_object(body, name)?;
    for name in ["enabled", "value", "emails", "in_app"] {
        member.require(name)?;
    }
    let value = member.integer("value")?;
    let value = required(&member, "value", "integer", value)?;
    let (min, max) = (NOTIFICATION_PERCENTS.start(), NOTIFICATION_PERCENTS.end());
    for (is_outside, word, limit) in [(value < *min, "lower", min), (value > *max, "higher", max)] {
        if is_outside {
            let details = format!("Property {} cannot be {word} than {limit}", member.path_of("value"));
            return Err(ApiError::invalid_payload(details));
        }
    }
    let (in_app, enabled) = (member.required_boolean("in_app")?, member.required_boolean("enabled")?);
    Ok(UsageNotification { value, emails: emails(&mut member)?, in_app, enabled })
}

fn callout_notifications(mut body: Object<'_>) -> Result<CalloutNotifications, ApiError> {
    for name in ["distributions", "webhooks"] {
        body.require(name)?;
    }
    Ok(CalloutNotifications {
        webhooks: callout_notification(&mut body, "webhooks")?,
        distributions: callout_notification(&mut body, "distributions")?,
    })
}

fn callout_notification(body: &mut Object<'_>, name: &'static str) -> Result<CalloutNotification, ApiError> {
    let mut member = required_object(body, name)?;
    for name in ["email", "in_app", "emails"] {
        member.require(name)?;
    }
    let (email, in_app) = (member.required_boolean("email")?, member.required_boolean("in_app")?);
    Ok(CalloutNotification { email, emails: emails(&mut member)?, in_app })
}

fn emails(member: &mut Object<'_>) -> Result<Vec<String>, ApiError> {
    let emails = texts(member, "emails", NOTIFIED_EMAILS)?;
    required(member, "emails", "array", emails)
}

fn required_object<'r>(body: &mut Object<'r>, name: &'static str) -> Result<Object<'r>, ApiError> {
    let member = body.object(name)?.value();
    required(body, name, "object", member)
}

fn code_config(mut body: Object<'_>) -> Result<Patch<CodeConfig>, ApiError> {
    Ok(match body.text("charset", TEXT_CHARS)? {
        Patch::Value(charset) => Patch::Value(CodeConfig { charset }),
        Patch::Null => Patch::Null,
        Patch::Absent => Patch::Absent,
    })
}

/// Checks the form of `users` as the vendor does. The emulator has no users, so the value is not stored.
fn check_users(body: &mut Object<'_>) -> Result<(), ApiError> {
    let path = body.path_of("users");
    for (index, mut user) in body.objects("users", PROJECT_USERS)?.unwrap_or_default().into_iter().enumerate() {
        user.required_text("role", 1, TEXT_CHARS)?;
        let names = [user.identifier("id")?, user.optional_text("login", TEXT_CHARS)?];
        if names.iter().flatten().count() != 1 {
            let details = format!("Property {path}[{index}] must have either property 'id' or property 'login'");
            return Err(ApiError::invalid_payload(details));
        }
    }
    Ok(())
}
