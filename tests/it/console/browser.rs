//! A browser without scripts: it keeps cookies, follows the redirect after a form, and sends forms with their token.

use std::cell::RefCell;
use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request};

use crate::support::{Answer, TestProject};

const HOST: &str = "127.0.0.1:8682";
pub const HOME: &str = "/_emulator/console";

pub struct Browser<'a> {
    project: &'a TestProject,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub fn new(project: &'a TestProject) -> Self {
        Self { project, cookies: RefCell::default() }
    }

    /// Sends a request with the cookies and checks the answer.
    pub async fn send(&self, method: Method, path: &str, body: String, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", HOST);
        let cookies = self.cookies();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.project.send(request.body(Body::from(body)).unwrap()).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        check(&answer);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, String::new(), &[]).await
    }

    /// Opens a page and returns its HTML.
    pub async fn page(&self, path: &str) -> String {
        self.get(path).await.expect(200).text
    }

    /// Returns the token in the forms of the session.
    pub async fn form_token(&self) -> String {
        form_token(&self.page(HOME).await)
    }

    /// Sends a form as a browser does.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token().await;
        self.submit_with(
            path,
            fields,
            &token,
            &[("origin", &format!("http://{HOST}")), ("sec-fetch-site", "same-origin")],
        )
        .await
    }

    /// Sends a form with another token or other headers.
    pub async fn submit_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        token: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .append_pair("form_token", token)
            .finish();
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.send(Method::POST, path, body, &all).await
    }

    /// Sends a form, and returns the page to which the answer redirects.
    pub async fn submit_and_follow(&self, path: &str, fields: &[(&str, &str)]) -> (String, String) {
        let answer = self.submit(path, fields).await.expect(303);
        let location = answer.header("location").to_owned();
        let page = self.page(&location).await;
        (location, page)
    }

    /// Returns the path of the pages of the project with those keys.
    pub async fn project_path(&self, app_id: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", app_id).finish();
        let page = self.page(&format!("{HOME}?{query}")).await;
        let start = page.find("/_emulator/console/projects/").unwrap_or_else(|| panic!("no project: {page}"));
        page[start..].split('"').next().unwrap().to_owned()
    }

    /// Returns the cookies as the header of a request.
    pub fn cookies(&self) -> String {
        let cookies: Vec<_> = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    /// Removes the cookies.
    pub fn clear_cookies(&self) {
        self.cookies.borrow_mut().clear();
    }
}

/// Returns the token of the first form of a page.
pub fn form_token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form_token\" value=\"").unwrap_or_else(|| panic!("no form: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// Checks what every page must have: the headers that protect the user, and neither inline scripts nor inline styles.
fn check(answer: &Answer) {
    assert_eq!(
        answer.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    if answer.headers.get("content-type").is_none_or(|media| media != "text/html; charset=utf-8") {
        return;
    }
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.text.starts_with("<!doctype html>\n<html lang=\"en\""), "{}", answer.text);
    for tag in answer.text.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
        let is_external = !tag.starts_with("script") || tag.contains(" src=\"/_emulator/console/assets/");
        assert!(is_external && !tag.starts_with("style"), "an inline script or style: <{tag}>");
        // What stands between quotes is a value.
        let names: String = tag.split('"').step_by(2).collect();
        for attribute in names.split_whitespace().skip(1) {
            assert!(!attribute.starts_with("style=") && !attribute.starts_with("on"), "<{tag}>");
        }
    }
    for name in ["href=\"", "src=\"", "action=\""] {
        for target in answer.text.split(name).skip(1) {
            let is_own =
                ["/_emulator/console", "/_emulator/docs", "#", "data:,"].iter().any(|start| target.starts_with(start));
            assert!(is_own, "a link to another place: {}", &target[..target.len().min(80)]);
        }
    }
}

/// Returns the texts of the cells of the first row, below a text of the page, whose first cell has that text.
pub fn row(page: &str, below: &str, first: &str) -> Vec<String> {
    let (_, rest) = page.split_once(below).unwrap_or_else(|| panic!("no {below}: {page}"));
    let rows = rest.split("<tr>").skip(1).map(|row| row.split("</tr>").next().unwrap_or_default());
    let texts = |row: &str| row.split("</td>").map(text).filter(|cell| !cell.is_empty()).collect::<Vec<_>>();
    rows.map(texts)
        .find(|cells| cells.first().is_some_and(|cell| cell == first))
        .unwrap_or_else(|| panic!("no row {first}: {rest}"))
}

/// Returns a part of a page without its tags.
fn text(part: &str) -> String {
    let pieces = part.split('<').enumerate().map(|(index, piece)| match piece.split_once('>') {
        Some((_, text)) if index > 0 => text,
        _ if index > 0 => "",
        _ => piece,
    });
    pieces.collect::<String>().trim().to_owned()
}
