//! What can be set of a project.

use serde::{Deserialize, Serialize};

use crate::domain::credential::ClientAccess;
use crate::domain::patch::Patch;

/// Everything that can be set of a project but its name, by the vendor's names, as it is stored. What is not stored is the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the vendor's")]
pub struct ProjectSettings {
    pub currency: String,
    pub timezone: String,
    pub dial_code: Option<String>,
    pub description: String,
    pub case_sensitive_codes: bool,
    /// This one, and those of customers and of loyalty events, are what [`ClientAccess`] reads.
    pub client_trusted_domains: Vec<String>,
    pub client_redeem_enabled: bool,
    pub client_publish_enabled: bool,
    pub client_list_vouchers_enabled: bool,
    pub client_create_customer_enabled: bool,
    pub client_loyalty_events_enabled: bool,
    pub client_set_voucher_expiration_date_enabled: bool,
    pub api_usage_notifications: UsageNotifications,
    pub webhooks_callout_notifications: CalloutNotifications,
    /// Shown only where it was set.
    pub default_code_config: Option<CodeConfig>,
}

impl Default for ProjectSettings {
    fn default() -> Self {
        let access = ClientAccess::default();
        Self {
            currency: "EUR".to_owned(),
            timezone: "UTC".to_owned(),
            dial_code: None,
            description: String::new(),
            case_sensitive_codes: true,
            client_trusted_domains: access.trusted_domains,
            client_redeem_enabled: false,
            client_publish_enabled: false,
            client_list_vouchers_enabled: false,
            client_create_customer_enabled: access.create_customer,
            client_loyalty_events_enabled: access.loyalty_events,
            client_set_voucher_expiration_date_enabled: false,
            api_usage_notifications: UsageNotifications::default(),
            webhooks_callout_notifications: CalloutNotifications::default(),
            default_code_config: None,
        }
    }
}

/// Who is told when the limits of the plan come near. Nobody is, here: there are none.
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

/// Who is told when so many percent of a limit are reached.
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

/// Who is told of webhooks that fail. Nobody is, here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalloutNotifications {
    pub webhooks: CalloutNotification,
    pub distributions: CalloutNotification,
}

/// Who is told of webhooks of a kind that fail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalloutNotification {
    pub email: bool,
    pub emails: Vec<String>,
    pub in_app: bool,
}

/// Of which characters codes of vouchers are made, which are not emulated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeConfig {
    pub charset: String,
}

/// What a request says about a project; what it does not name stays.
#[derive(Clone, Debug, Default)]
pub struct ProjectChange {
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
    /// Takes over what a change names.
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
        set(&mut self.client_trusted_domains, change.client_trusted_domains);
        set(&mut self.client_redeem_enabled, change.client_redeem_enabled);
        set(&mut self.client_publish_enabled, change.client_publish_enabled);
        set(&mut self.client_list_vouchers_enabled, change.client_list_vouchers_enabled);
        set(&mut self.client_create_customer_enabled, change.client_create_customer_enabled);
        set(&mut self.client_loyalty_events_enabled, change.client_loyalty_events_enabled);
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
    fn what_is_stored_is_what_the_client_side_reads() {
        let mut settings = ProjectSettings::default();
        let access = |settings: &ProjectSettings| -> ClientAccess {
            serde_json::from_str(&serde_json::to_string(settings).unwrap()).unwrap()
        };
        assert_eq!(access(&settings), ClientAccess::default());
        settings.apply(ProjectChange {
            client_trusted_domains: Some(vec!["shop.example".to_owned()]),
            client_create_customer_enabled: Some(false),
            client_loyalty_events_enabled: Some(false),
            ..ProjectChange::default()
        });
        let trusted_domains = vec!["shop.example".to_owned()];
        assert_eq!(access(&settings), ClientAccess { trusted_domains, create_customer: false, loyalty_events: false });
    }

    #[test]
    fn what_is_not_stored_is_the_default() {
        let stored = r#"{"timezone":"Europe/Vienna","api_usage_notifications":{}}"#;
        let settings: ProjectSettings = serde_json::from_str(stored).unwrap();
        assert_eq!(settings, ProjectSettings { timezone: "Europe/Vienna".to_owned(), ..ProjectSettings::default() });
    }
}
