//! What all pages have: header, navigation, notice, and the place of the content.

use askama::Template;

use super::link::Link;
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
    /// The paths of the first page, the style and the script.
    pub home: &'static str,
    pub style: &'static str,
    pub script: &'static str,
    pub content: &'a str,
}
