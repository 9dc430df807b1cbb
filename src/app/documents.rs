//! Loads the state documents of the options `--state` and `--template`.

use super::error::StartError;
use crate::api;
use crate::config::Config;
use crate::http::state::AppState;
use crate::service::configured_keys::ConfigureError;
use crate::service::state::default_project;

/// Loads the documents of the options. `is_private` says whether only this emulator uses the database.
pub(super) async fn load(config: &Config, app: &AppState, is_private: bool) -> Result<(), StartError> {
    load_state(config, app).await?;
    if let Some(path) = &config.template {
        api::load_template(app, path, is_private).await.map_err(StartError::Template)?;
    }
    Ok(())
}

/// Loads the state document of the option `--state` into the default project, if the project is empty.
async fn load_state(config: &Config, app: &AppState) -> Result<(), StartError> {
    let Some(path) = &config.state else { return Ok(()) };
    let project = default_project(&app.core, &config.server_keys.id).await.map_err(ConfigureError::from)?;
    let Some(caller) = project else {
        tracing::warn!("the state was not loaded, because the default project was deleted");
        return Ok(());
    };
    if api::load_file(app, &caller, path).await.map_err(StartError::State)?.is_some() {
        tracing::info!(path = %path.display(), "loaded the state of the default project");
    } else {
        tracing::info!("the state was not loaded, because the default project is not empty");
    }
    Ok(())
}
