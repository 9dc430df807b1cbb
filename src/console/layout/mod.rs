//! What all pages have: header, navigation, notice, and the place of the content.

use askama::Template;

use super::assets::{SCRIPT, STYLE};
use super::link::PATH;
use super::page::{Link, Page, Visit};
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
    title: String,
    trail: Vec<Link>,
    actions: Vec<Link>,
    project: Option<(String, String)>,
    navigation: Vec<NavigationEntry>,
    home: &'static str,
    theme: Theme,
    form_token: &'a str,
    location: &'a str,
    can_sign_out: bool,
    notice: Option<&'static str>,
    style: &'a str,
    script: &'a str,
    content: &'a str,
}

impl<'a> Layout<'a> {
    pub fn new(visit: &'a Visit, page: Page, content: &'a str) -> Self {
        let Page { title, trail, actions, project, navigation } = page;
        Self {
            title,
            trail,
            actions,
            project,
            navigation,
            home: PATH,
            theme: visit.theme,
            form_token: &visit.session.form_token,
            location: &visit.location,
            can_sign_out: visit.has_sign_in && visit.session.is_signed_in,
            notice: visit.notice(),
            style: &STYLE.path,
            script: &SCRIPT.path,
            content,
        }
    }
}
