use crate::support::{TestEmulator, TestProject};

const PATH: &str = "/v1/oauth/introspect";
const INACTIVE: &str = r#"{"active":false}"#;

#[tokio::test]
async fn token_is_active_until_it_expires() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = emulator.client();
    let token = client.token("customers%20orders").await;
    emulator.clock.set("2024-01-01T00:05:45.200Z".parse().unwrap());
    let answer = client.form(PATH, &format!("access_token={token}")).await.expect(200);
    let client_id = answer.string("/client_id");
    assert_eq!(
        answer.text,
        format!(
            r#"{{"access_token":"{token}","client_id":"{client_id}","expires_at":1704068100,"expires_in":555,"scope":"customers orders","token_type":"Bearer","active":true}}"#
        )
    );
    emulator.clock.set("2024-01-01T00:15:00Z".parse().unwrap());
    assert_eq!(client.form(PATH, &format!("access_token={token}")).await.expect(200).text, INACTIVE);
}

#[tokio::test]
async fn unknown_token_and_token_of_another_project_are_inactive() {
    let project = TestProject::new();
    let token = project.client().token("api").await;
    for (client, token) in
        [(project.client(), "x"), (project.client(), "%00"), (project.other_project(), token.as_str())]
    {
        assert_eq!(client.form(PATH, &format!("access_token={token}")).await.expect(200).text, INACTIVE);
    }
}

#[tokio::test]
async fn missing_token_returns_400_and_missing_keys_return_401() {
    let project = TestProject::new();
    for fields in ["", "access_token=", "token=x"] {
        let answer = project.client().form(PATH, fields).await.expect(400);
        assert_eq!(answer.text, r#"{"code":400,"key":"missing_parameters","message":"Missing parameters"}"#);
    }
    project.caller(&[]).form(PATH, "access_token=x").await.expect(401);
    let bearer = project.bearer(&project.client().token("api").await);
    bearer.form(PATH, "access_token=x").await.expect(403);
}
