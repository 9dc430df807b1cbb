use serde_json::json;

use super::{PATH, create, minimal, path_of};
use crate::support::TestProject;

#[tokio::test]
async fn a_project_is_returned_without_its_keys() {
    let project = TestProject::new();
    let created = create(&project.manager(), "Team").await;
    let read = project.manager().get(&path_of(&created)).await.expect(200);
    let keys = created.text.find(r#","server_side_key""#).unwrap();
    assert_eq!(read.text, format!("{}}}", &created.text[..keys]));
}

#[tokio::test]
async fn unknown_projects_and_projects_of_other_organisations_return_a_404_without_a_key() {
    let project = TestProject::new();
    let theirs = path_of(&create(&project.other_manager(), "Theirs").await);
    for path in [theirs, format!("{PATH}/proj_2F3txY7"), format!("{PATH}/%00"), format!("{PATH}/%FF")] {
        let answer = project.manager().get(&path).await.expect(404);
        assert!(
            answer
                .text
                .starts_with(r#"{"code":404,"message":"Resource not found","details":"Cannot find project with id "#)
        );
        project.manager().put(&path, json!({"name": "Mine"})).await.expect(404);
        project.manager().delete(&path).await.expect(404);
        for folder in ["metadata-schemas", "custom-event-schemas"] {
            let inner = format!("{path}/{folder}");
            let answer = project.manager().get(&inner).await.expect(404);
            assert!(answer.string("/details").starts_with("Cannot find project with id "));
            project.manager().post(&inner, json!({})).await.expect(404);
            project.manager().get(&format!("{inner}/ms_1")).await.expect(404);
            project.manager().put(&format!("{inner}/ms_1"), json!({})).await.expect(404);
            project.manager().delete(&format!("{inner}/ms_1")).await.expect(404);
        }
    }
    let answer = project.manager().get(&format!("{PATH}/proj_2F3txY7")).await;
    assert_eq!(
        answer.text,
        r#"{"code":404,"message":"Resource not found","details":"Cannot find project with id proj_2F3txY7"}"#
    );
    assert_eq!(project.other_manager().get(PATH).await.column("data", "name"), ["Theirs"]);
}

#[tokio::test]
async fn every_request_requires_management_keys() {
    let project = TestProject::new();
    let path = path_of(&create(&project.manager(), "Team").await);
    for path in
        [PATH.to_owned(), path.clone(), format!("{path}/metadata-schemas"), format!("{path}/custom-event-schemas")]
    {
        project.client().get(&path).await.expect(401);
        project.client().post(&path, minimal("Team")).await;
    }
    for path in [path.clone(), format!("{path}/metadata-schemas/ms_1"), format!("{path}/custom-event-schemas/ms_1")] {
        project.client().get(&path).await.expect(401);
        project.client().put(&path, json!({})).await.expect(401);
        project.client().delete(&path).await.expect(401);
    }
    project.manager().get(&path).await.expect(200);
}
