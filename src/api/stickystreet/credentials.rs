//! The credentials of a request: a pair of server keys, and the name of their project.

use axum::http::{HeaderMap, HeaderValue};

use super::error::CallError;
use super::fields::Fields;
use crate::db;
use crate::domain::credential::{Channel, Family};
use crate::http::RequestContext;
use crate::http::auth::{apply_strictness, count_call, resolve, would_provision_for_foreign_page};
use crate::http::origin::{ONLY_LOCAL_PAGES, Page};
use crate::http::state::AppState;
use crate::service::Caller;
use crate::service::authenticator::RequestCredentials;

/// Why a page may not use a built-in pair when the project has a setting that says which pages may.
const UNTRUSTED_PAGE: &str = "client_trusted_domains of the project does not trust the page that sends the request";
/// The header that may carry the key. When it is sent, the fields with the key are ignored.
const KEY_HEADER: &str = "api_access_key";

/// The credentials that a request contains. Do not log this value, because it holds the key.
pub struct Credentials<'a> {
    user_id: &'a str,
    key: &'a str,
    /// The name or the public id of a project.
    account_id: &'a str,
    page: Page<'a>,
}

/// The caller of an authenticated request.
pub struct AuthenticatedCaller {
    pub caller: Caller,
    /// Whether a page of any site may load the answer as a script.
    pub allows_other_sites: bool,
}

impl<'a> Credentials<'a> {
    /// Reads the credentials from the header and the fields of a request.
    ///
    /// # Errors
    /// Returns an error for the first credential that is missing.
    pub fn read(headers: &'a HeaderMap, fields: &'a Fields) -> Result<Self, CallError> {
        let user_id = fields.required("user_id")?;
        // Clients send the version of the interface.
        fields.ignore(&["user_password", "user_api_key", "API", "api"]);
        let key = match headers.get(KEY_HEADER).map(HeaderValue::to_str) {
            // Use an empty key, which is never valid, when the header contains bytes that are not text.
            Some(key) => key.unwrap_or_default(),
            None => match fields.get("user_password").or_else(|| fields.get("user_api_key")) {
                Some(key) => key,
                None => return Err(CallError::rejected("user_password is required")),
            },
        };
        Ok(Self { user_id, key, account_id: fields.required("account_id")?, page: Page::of(headers) })
    }

    /// Authenticates the request and counts it against the rate limit of the project.
    ///
    /// # Errors
    /// Returns an error when the keys are unknown or belong to another account, when the page that sends the request may not
    /// use them, when the rate limit is exceeded, and when a database query fails.
    pub async fn authenticate(
        &self,
        app: &AppState,
        context: &RequestContext,
    ) -> Result<AuthenticatedCaller, CallError> {
        let only_local_pages = || CallError::rejected(ONLY_LOCAL_PAGES);
        let invalid_account = || CallError::rejected("Invalid account_id");
        // Reject another account before authentication, because an unknown pair would create an auto-provisioned
        // project whose name is the user id.
        if self.account_id != self.user_id
            && app.authenticator.would_provision(&app.core, Family::Server, self.user_id, self.key).await?
        {
            return Err(invalid_account());
        }
        let pair = RequestCredentials::Pair { family: Family::Server, id: self.user_id, token: self.key };
        if would_provision_for_foreign_page(app, pair, self.page).await? {
            return Err(only_local_pages());
        }
        let mut principal = resolve(app, pair).await?.ok_or_else(CallError::invalid_credentials)?;
        apply_strictness(app, context, &mut principal);
        let project = principal.project().ok_or_else(CallError::invalid_credentials)?;
        context.set_project(&app.core, project, principal.control).await;
        // This endpoint requires no origin, so the settings of the project apply only to keys that every page knows.
        if principal.is_built_in && !self.page.is_trusted(&principal) {
            let is_set = principal.client_access.trusted_domains.is_some();
            return Err(if is_set { CallError::rejected(UNTRUSTED_PAGE) } else { only_local_pages() });
        }
        let is_trusted_page = principal.client_access.trusted_domains.is_some() && matches!(self.page, Page::At(_));
        let allows_other_sites = !principal.is_built_in || is_trusted_page;
        let caller = count_call(app, context, project, &principal, Channel::Api)?;
        // Reject U+0000 before the query, because PostgreSQL accepts no text that contains it.
        if self.account_id.contains('\0') {
            return Err(invalid_account());
        }
        let mut connection = app.core.pool.acquire().await?;
        let is_account = db::projects::has_name_or_id(&mut connection, caller.project, self.account_id).await?;
        connection.release();
        if is_account.ok_or_else(CallError::invalid_credentials)? {
            Ok(AuthenticatedCaller { caller, allows_other_sites })
        } else {
            Err(invalid_account())
        }
    }
}
