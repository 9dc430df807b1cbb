//! Uploads of CSV files.

use axum::body::Body;
use axum::http::Method;
use serde_json::Value;

use super::{Answer, Client};

/// The boundary of the parts of [`multipart`].
pub const BOUNDARY: &str = "----boundary-that-no-file-contains";

/// Returns a multipart body with `parts`, given as name and content.
pub fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"customers.csv\"\r\nContent-Type: text/csv\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

impl Client {
    /// Sends a file to the CSV import of customers.
    pub async fn upload_csv(&self, file: impl AsRef<[u8]>) -> Answer {
        self.send_multipart(multipart(&[("file", file.as_ref())])).await
    }

    /// Sends a body with a multipart content type to the CSV import of customers.
    pub async fn send_multipart(&self, body: impl Into<Body>) -> Answer {
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        self.call_with(Method::POST, "/v1/customers/importCSV", body.into(), &[("content-type", &media)]).await
    }

    /// Imports a file and returns the result of its action.
    pub async fn import_csv(&self, file: impl AsRef<[u8]>) -> Value {
        let accepted = self.upload_csv(file).await.expect(202);
        let action = self.action(&accepted.string("/async_action_id")).await;
        assert_eq!(action["status"], "DONE", "{action}");
        action["result"].clone()
    }
}
