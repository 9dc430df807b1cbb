use crate::support::World;

const PATH: &str = "/v1/oauth/introspect";
const INACTIVE: &str = r#"{"active":false}"#;

#[tokio::test]
async fn a_token_is_told_of_until_it_expires() {
    let world = World::at("2024-01-01T00:00:00Z").await;
    let client = world.client();
    let token = client.token("customers%20orders").await;
    world.clock.set("2024-01-01T00:05:45.200Z".parse().unwrap());
    let answer = client.form(PATH, &format!("access_token={token}")).await.expect(200);
    let client_id = answer.string("/client_id");
    assert_eq!(
        answer.text,
        format!(
            r#"{{"access_token":"{token}","client_id":"{client_id}","expires_at":1704068100,"expires_in":555,"scope":"customers orders","token_type":"Bearer","active":true}}"#
        )
    );
    world.clock.set("2024-01-01T00:15:00Z".parse().unwrap());
    assert_eq!(client.form(PATH, &format!("access_token={token}")).await.expect(200).text, INACTIVE);
}

#[tokio::test]
async fn an_unknown_token_and_another_projects_are_not_active() {
    let world = World::new().await;
    let token = world.client().token("api").await;
    for (client, token) in [(world.client(), "x"), (world.client(), "%00"), (world.stranger(), token.as_str())] {
        assert_eq!(client.form(PATH, &format!("access_token={token}")).await.expect(200).text, INACTIVE);
    }
}

#[tokio::test]
async fn the_token_must_be_named() {
    let world = World::new().await;
    for fields in ["", "access_token=", "token=x"] {
        let answer = world.client().form(PATH, fields).await.expect(400);
        assert_eq!(answer.text, r#"{"code":400,"key":"missing_parameters","message":"Missing parameters"}"#);
    }
    world.caller(&[]).form(PATH, "access_token=x").await.expect(401);
    let bearer = world.bearer(&world.client().token("api").await);
    bearer.form(PATH, "access_token=x").await.expect(403);
}
