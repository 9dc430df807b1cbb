//! The settings of a project.

use serde::{Deserialize, Serialize};

use super::client_access::{ClientAccess, ClientFunctions};
use crate::domain::patch::Patch;

/// The settings of a project except its name, by the vendor's names, in their stored form. A setting that is not stored
/// has its default value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate setting of the vendor")]
pub struct ProjectSettings {
    /// The name of the region that the creation of the project named. It has no effect: the emulator has no regions.
    pub cluster_id: String,
    pub currency: String,
    pub timezone: String,
    pub dial_code: Option<String>,
    pub description: String,
    pub case_sensitive_codes: bool,
    /// [`ClientAccess`] reads this setting, `client_create_customer_enabled` and `client_loyalty_events_enabled`. They are `None` until
    /// they are set: the built-in keys trust fewer pages then, and in strict mode no page is trusted and no function enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_trusted_domains: Option<Vec<String>>,
    pub client_redeem_enabled: bool,
    pub client_publish_enabled: bool,
    pub client_list_vouchers_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_create_customer_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_loyalty_events_enabled: Option<bool>,
    pub client_set_voucher_expiration_date_enabled: bool,
    pub api_usage_notifications: UsageNotifications,
    pub webhooks_callout_notifications: CalloutNotifications,
    /// Shown only if it was set.
    pub default_code_config: Option<CodeConfig>,
}

impl Default for ProjectSettings {
    fn default() -> Self {
        Self {
            cluster_id: super::DEFAULT_CLUSTER.to_owned(),
            currency: "EUR".to_owned(),
            timezone: "UTC".to_owned(),
            dial_code: None,
            description: String::new(),
            case_sensitive_codes: true,
            client_trusted_domains: None,
            client_redeem_enabled: false,
            client_publish_enabled: false,
            client_list_vouchers_enabled: false,
            client_create_customer_enabled: None,
            client_loyalty_events_enabled: None,
            client_set_voucher_expiration_date_enabled: false,
            api_usage_notifications: UsageNotifications::default(),
            webhooks_callout_notifications: CalloutNotifications::default(),
            default_code_config: None,
        }
    }
}

/// The notifications about usage limits of the vendor's plans. They are stored but never sent, because the emulator has
/// no such limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UsageNotifications {
    pub messages: UsageNotification,
    pub api_calls: UsageNotification,
    pub cycle_calls: UsageNotification,
    pub redemptions: UsageNotification,
    pub webhook_calls: UsageNotification,
    pub bulk_api_calls: UsageNotification,
}

/// The recipients of a notification that is sent when usage reaches `value` percent of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageNotification {
    pub value: i64,
    pub emails: Vec<String>,
    pub in_app: bool,
    pub enabled: bool,
}

impl Default for UsageNotification {
    fn default() -> Self {
        Self { value: 80, emails: Vec::new(), in_app: false, enabled: false }
    }
}

/// The notifications about failed webhook deliveries. They are stored but never sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalloutNotifications {
    pub webhooks: CalloutNotification,
    pub distributions: CalloutNotification,
}

/// The recipients of notifications about failed deliveries of one kind of webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalloutNotification {
    pub email: bool,
    pub emails: Vec<String>,
    pub in_app: bool,
}

/// The characters of voucher codes. Vouchers are not emulated, so the setting is only stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeConfig {
    pub charset: String,
}

/// A change of a project. Members that are absent stay unchanged.
#[derive(Clone, Debug, Default)]
pub struct ProjectChange {
    /// Only the emulator's own operation changes the strictness.
    pub is_strict: Option<bool>,
    pub name: Option<String>,
    pub currency: Option<String>,
    pub timezone: Option<String>,
    pub dial_code: Patch<String>,
    pub description: Option<String>,
    pub case_sensitive_codes: Option<bool>,
    pub client_trusted_domains: Option<Vec<String>>,
    pub client_redeem_enabled: Option<bool>,
    pub client_publish_enabled: Option<bool>,
    pub client_list_vouchers_enabled: Option<bool>,
    pub client_create_customer_enabled: Option<bool>,
    pub client_loyalty_events_enabled: Option<bool>,
    pub client_set_voucher_expiration_date_enabled: Option<bool>,
    pub api_usage_notifications: Option<UsageNotifications>,
    pub webhooks_callout_notifications: Option<CalloutNotifications>,
    pub default_code_config: Patch<CodeConfig>,
}

impl ProjectSettings {
    /// Returns the client-side functions that are enabled.
    #[must_use]
    pub fn client_functions(&self, is_strict: bool) -> ClientFunctions {
        let access = ClientAccess {
            trusted_domains: None,
            create_customer: self.client_create_customer_enabled,
            loyalty_events: self.client_loyalty_events_enabled,
        };
        access.functions(is_strict)
    }

    /// Applies the given members of a change.
    pub fn apply(&mut self, change: ProjectChange) {
        fn set<T>(member: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *member = value;
            }
        }
        set(&mut self.currency, change.currency);
        set(&mut self.timezone, change.timezone);
        change.dial_code.apply(&mut self.dial_code);
        set(&mut self.description, change.description);
        set(&mut self.case_sensitive_codes, change.case_sensitive_codes);
        if change.client_trusted_domains.is_some() {
            self.client_trusted_domains = change.client_trusted_domains;
        }
        self.client_create_customer_enabled =
            change.client_create_customer_enabled.or(self.client_create_customer_enabled);
        self.client_loyalty_events_enabled =
            change.client_loyalty_events_enabled.or(self.client_loyalty_events_enabled);
        set(&mut self.client_redeem_enabled, change.client_redeem_enabled);
        set(&mut self.client_publish_enabled, change.client_publish_enabled);
        set(&mut self.client_list_vouchers_enabled, change.client_list_vouchers_enabled);
        set(&mut self.client_set_voucher_expiration_date_enabled, change.client_set_voucher_expiration_date_enabled);
        set(&mut self.api_usage_notifications, change.api_usage_notifications);
        set(&mut self.webhooks_callout_notifications, change.webhooks_callout_notifications);
        change.default_code_config.apply(&mut self.default_code_config);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_access_is_read_from_the_stored_settings() {
        let mut settings = ProjectSettings::default();
        let access = |settings: &ProjectSettings| -> ClientAccess {
            serde_json::from_str(&serde_json::to_string(settings).unwrap()).unwrap()
        };
        assert_eq!(access(&settings), ClientAccess::default());
        let all = |enabled| ClientFunctions { create_customer: enabled, loyalty_events: enabled };
        assert_eq!((settings.client_functions(false), settings.client_functions(true)), (all(true), all(false)));
        settings.apply(ProjectChange {
            client_trusted_domains: Some(vec!["shop.example".to_owned()]),
            client_create_customer_enabled: Some(false),
            client_loyalty_events_enabled: Some(false),
            ..ProjectChange::default()
        });
        let trusted_domains = Some(vec!["shop.example".to_owned()]);
        assert_eq!(
            access(&settings),
            ClientAccess { trusted_domains, create_customer: Some(false), loyalty_events: Some(false) }
        );
    }

    #[test]
    fn a_setting_that_is_not_stored_has_its_default() {
        let stored = r#"{"timezone":"Europe/Vienna","api_usage_notifications":{}}"#;
        let settings: ProjectSettings = serde_json::from_str(stored).unwrap();
        assert_eq!(settings, ProjectSettings { timezone: "Europe/Vienna".to_owned(), ..ProjectSettings::default() });
    }
}
