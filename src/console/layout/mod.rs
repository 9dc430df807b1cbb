//! What all pages have: header, navigation, notice, and the place of the content.

use askama::Template;

use super::assets::{SCRIPT, STYLE};
use super::link::{Link, PATH};
use super::theme::Theme;

/// An entry of the navigation of a project.
#[derive(Clone, Debug)]
pub struct NavigationEntry {
    pub href: String,
    pub text: &'static str,
    pub is_current: bool,
}

/// A page as the browser gets it.
#[derive(Template)]
#[template(path = "layout/layout.html")]
pub struct Layout<'a> {
    pub title: String,
    pub trail: Vec<Link>,
    pub actions: Vec<Link>,
    pub project: Option<(String, String)>,
    pub navigation: Vec<NavigationEntry>,
    pub theme: Theme,
    pub form_token: &'a str,
    pub location: &'a str,
    pub can_sign_out: bool,
    pub notice: Option<&'static str>,
    pub content: &'a str,
}

#[allow(clippy::unused_self, reason = "templates call methods")]
impl Layout<'_> {
    /// Returns the first page.
    fn home(&self) -> &'static str {
        PATH
    }

    fn style(&self) -> &'static str {
        &STYLE.path
    }

    fn script(&self) -> &'static str {
        &SCRIPT.path
    }
}
