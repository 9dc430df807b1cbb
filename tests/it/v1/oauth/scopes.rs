//! Tests that the scopes of each operation match the contract.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::Method;
use serde_json::Value;
use voucherify_emulator::domain::oauth::SCOPES;

use crate::support::{Answer, Client, TestProject, operation_security};

const MISSING_PERMISSION: &str = r#"{"code":403,"message":"Missing permission","details":"User does not have a required permission to perform this operation.","key":"missing_required_permission"}"#;

/// Returns the scopes of which a token needs one, or `None` when the operation accepts no tokens.
fn scopes(security: &[Value]) -> Option<Vec<String>> {
    let scopes = security.iter().find_map(|scheme| scheme["OAuth"].as_array())?;
    Some(scopes.iter().map(|scope| scope.as_str().unwrap().to_owned()).collect())
}

async fn call(client: &Client, method: &str, path: &str) -> Answer {
    let path: Vec<_> = path.split('/').map(|part| if part.starts_with('{') { "none" } else { part }).collect();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    client.call_with(method, &path.join("/"), Body::empty(), &[]).await
}

#[tokio::test]
async fn each_operation_accepts_only_its_own_scopes() {
    let project = TestProject::new();
    let mut tokens: HashMap<String, Client> = HashMap::new();
    let mut checked = 0;
    for (method, path, security) in operation_security() {
        let Some(own) = scopes(&security) else { continue };
        checked += 1;
        for scope in &own {
            if !tokens.contains_key(scope) {
                tokens.insert(scope.clone(), project.bearer(&project.client().token(scope).await));
            }
            // A stream of events never ends, so ask only for its head.
            let method = if path.ends_with("/stream") { "HEAD" } else { &method };
            let status = call(&tokens[scope], method, &path).await.status.as_u16();
            assert!(!matches!(status, 401 | 403), "{method} {path} answers {status} to {scope}");
        }
        let others: Vec<_> =
            SCOPES.into_iter().filter(|scope| !own.iter().any(|own_scope| own_scope == scope)).collect();
        let others = others.join("+");
        if !tokens.contains_key(&others) {
            tokens.insert(others.clone(), project.bearer(&project.client().token(&others).await));
        }
        let answer = call(&tokens[&others], &method, &path).await.expect(403);
        assert_eq!(answer.text, MISSING_PERMISSION, "{method} {path}");
    }
    assert!(checked > 40, "{checked}");
}

#[tokio::test]
async fn contract_contains_scopes_of_vendor() {
    let vendor_scope = |prefix: &str, resource: &str| {
        let scope = format!("{prefix}{resource}");
        SCOPES.contains(&scope.as_str()).then_some(scope)
    };
    for (method, path, security) in operation_security() {
        let parts: Vec<_> = path.split('/').collect();
        let expected = match parts[..] {
            ["", "v1", "oauth", ..] => None,
            ["", "v1", resource, ..] => Some(vec![Some("api".to_owned()), vendor_scope("", resource)]),
            ["", "client", "v1", resource, ..] => {
                Some(vec![Some("client_api".to_owned()), vendor_scope("client_", resource)])
            }
            _ => continue,
        };
        let expected = expected.map(|scopes| scopes.into_iter().flatten().collect::<Vec<_>>());
        assert_eq!(scopes(&security), expected, "{method} {path}");
        assert!(expected.is_none_or(|scopes| scopes.len() == 2), "{method} {path}");
    }
}

#[tokio::test]
async fn token_with_all_scopes_is_rejected_where_contract_requires_keys() {
    let project = TestProject::new();
    let all_scopes = project.bearer(&project.client().token(&SCOPES.join("+")).await);
    let mut rejected = 0;
    for (method, path, security) in operation_security() {
        let accepts_keys = security.iter().any(|scheme| scheme.get("AppId").is_some());
        if accepts_keys && scopes(&security).is_none() {
            rejected += 1;
            call(&all_scopes, &method, &path).await.expect(403);
        }
    }
    assert!(rejected >= 8, "{rejected}");
}
