use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use super::{PATH, account, call, deleted, encoded};
use crate::support::{Answer, TestProject};

const DELETE: [(&str, &str); 3] = [("type", "customer_delete"), ("code", "a&b=c+d %"), ("output", "JSON")];

async fn send(project: &TestProject, method: Method, path: &str, media: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(media) = media {
        request = request.header("content-type", media);
    }
    project.send(request.body(body.into()).unwrap()).await
}

/// Returns a multipart body with the boundary `limit`.
fn multipart(fields: &[(&str, &str)]) -> String {
    let parts = fields
        .iter()
        .map(|(name, value)| format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    parts.chain(["--limit--\r\n".to_owned()]).collect()
}

#[tokio::test]
async fn every_path_accepts_a_query_and_both_form_types() {
    let project = TestProject::new();
    let fields = [&account(&project)[..], &DELETE].concat();
    for path in ["/stickystreet", "/stickystreet/", "/stickystreet/api.php", "/stickystreet/api.php/"] {
        let query = format!("{path}?{}", encoded(&fields));
        let url_encoded = Some("application/x-www-form-urlencoded; charset=UTF-8");
        for (method, path, media, body) in [
            (Method::GET, query.as_str(), None, String::new()),
            (Method::POST, path, url_encoded, encoded(&fields)),
            (Method::POST, path, None, encoded(&fields)),
            (Method::POST, path, Some("multipart/form-data; boundary=limit"), multipart(&fields)),
        ] {
            project.client().customer(json!({"source_id": "a&b=c+d %"})).await;
            let answer = send(&project, method, path, media, body).await.expect(200);
            assert_eq!(answer.json(), deleted("a&b=c+d %"), "{path} {media:?}");
        }
    }
}

#[tokio::test]
async fn a_post_ignores_the_query_and_uses_the_last_value_of_a_field() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a&b=c+d %"})).await;
    let fields = [&account(&project)[..], &DELETE].concat();
    let path = format!("{PATH}?{}", encoded(&fields));
    assert!(send(&project, Method::POST, &path, None, "").await.text.contains("<error>user_id is required</error>"));
    let media = Some("application/x-www-form-urlencoded");
    let answer = send(&project, Method::POST, &path, media, encoded(&account(&project))).await.expect(200);
    assert!(answer.text.contains("<error>type is required</error>"), "{}", answer.text);
    let twice = [("type", "nonsense"), ("code", "x"), ("output", "xml"), DELETE[0], DELETE[1], DELETE[2]];
    assert_eq!(call(&project, &twice).await.json(), deleted("a&b=c+d %"));
}

#[tokio::test]
async fn every_accept_header_is_accepted() {
    let project = TestProject::new();
    for path in ["/stickystreet", "/stickystreet/", PATH] {
        for accept in ["text/xml", "application/javascript", "text/html"] {
            let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
            assert!(project.send(request).await.expect(200).text.contains("user_id is required"));
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_form_are_rejected() {
    let project = TestProject::new();
    let form = "application/x-www-form-urlencoded";
    let many = "a=b&".repeat(201);
    let many_parts = multipart(&[("a", "b"); 201]);
    let exactly = format!("{}{}", "a=b&".repeat(197), encoded(&account(&project)));
    let multi = "multipart/form-data; boundary=limit";
    let latin_part = b"--limit\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n\xfc\r\n--limit--\r\n";
    let broken = "The body must be multipart/form-data, whole and with its boundaries";
    for (media, body, expected) in [
        (
            "application/json",
            b"{}".as_slice(),
            "The body must be application/x-www-form-urlencoded or multipart/form-data",
        ),
        ("text/plain", b"a=b", "The body must be application/x-www-form-urlencoded or multipart/form-data"),
        ("multipart/form-data", b"a", broken),
        (multi, b"--limit\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nb", broken),
        (form, b"a=%FC", "The fields must be in UTF-8"),
        (form, b"\xff=a", "The fields must be in UTF-8"),
        (multi, latin_part, "The fields must be in UTF-8"),
        (form, many.as_bytes(), "There must not be more than 200 fields"),
        (multi, many_parts.as_bytes(), "There must not be more than 200 fields"),
        (form, exactly.as_bytes(), "type is required"),
        (form, b"&&=&a&%&user_id", "user_id is required"),
    ] {
        let answer = send(&project, Method::POST, PATH, Some(media), body.to_vec()).await.expect(200);
        assert_eq!(
            answer.text,
            format!("<response status=\"error\">\n<error>{expected}</error>\n</response>"),
            "{media}"
        );
    }
    let answer = send(&project, Method::GET, &format!("{PATH}?{many}"), None, "").await.expect(200);
    assert!(answer.text.contains("There must not be more than 200 fields"));
}

#[tokio::test]
async fn a_body_over_the_limit_returns_413_in_the_vendors_form() {
    let project = TestProject::new();
    let body = format!("a={}", "x".repeat(1024 * 1024));
    for media in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=limit", "text/plain"] {
        let answer = send(&project, Method::POST, PATH, Some(media), body.clone()).await.expect(413);
        assert_eq!(
            answer.text,
            "<response status=\"error\">\n<error>Payload content length greater than maximum allowed: 1048576</error>\n</response>"
        );
    }
}

#[tokio::test]
async fn head_and_other_methods_return_405_and_delete_no_customer() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a&b=c+d %"})).await;
    let path = format!("{PATH}?{}", encoded(&[&account(&project)[..], &DELETE].concat()));
    for method in [Method::HEAD, Method::PUT, Method::DELETE] {
        let answer = send(&project, method, &path, None, "").await.expect(405);
        assert_eq!(answer.header("allow"), "GET, POST");
    }
    assert_eq!(project.client().get("/v1/customers").await.json()["total"], 1);
    assert_eq!(project.client().get("/stickystreet/admin.php").await.expect(404).json()["code"], 404);
}
