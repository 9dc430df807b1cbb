//! The colours of the pages: those of the system, light, or dark. A cookie keeps the choice, so that it works without scripts.

use axum::http::HeaderMap;

use super::link::PATH;
use super::session::cookie;

const COOKIE: &str = "emulator_theme";

/// The colours of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// All themes, in the order of the buttons in the header.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Returns the theme of the cookie in a request.
    pub fn of(headers: &HeaderMap) -> Self {
        cookie(headers, COOKIE).map(Self::parse).unwrap_or_default()
    }

    /// Returns the theme with that name.
    pub fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.name() == name).unwrap_or_default()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns the text of the button that selects this theme.
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// Returns the value of the CSS property `color-scheme`.
    pub fn color_scheme(self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns the `Set-Cookie` header that keeps the theme.
    pub fn set_cookie(self) -> String {
        format!("{COOKIE}={}; Path={PATH}; Max-Age=31536000; HttpOnly; SameSite=Strict", self.name())
    }
}
