//! A template of ephemeral clusters that an installation of the emulator brings, as the container image does. Every user may read it, and
//! only its owner may change it, so a user without a name, for whom `initdb` does not run, can use it too.

use std::path::Path;

use super::copy;
use super::directory::Directory;
use super::error::ClusterError;
use super::manifest::Manifest;
use super::open_directory::OpenDirectory;
use super::template_files;

/// Copies the template that `content` identifies from the directory of templates to the data directory of a cluster. Returns `false` when
/// there is none that can be used.
///
/// # Errors
/// Returns an error when the data directory cannot be written.
pub fn copy_to(templates: &Path, content: &str, directory: &Directory) -> Result<bool, ClusterError> {
    let Some((data, manifest)) = open(templates, content) else { return Ok(false) };
    let target = directory.create_data()?;
    let run_as = directory.run_as();
    if let Err(error) = copy::copy(&data, &target, &manifest, run_as.ids(), false) {
        if template_files::is_lack_of_room(&error) {
            return Err(ClusterError::temporary(directory.root(), &error));
        }
        tracing::info!(%error, "the template of ephemeral clusters in {} is damaged", templates.display());
        return Ok(false);
    }
    target.own(run_as)?;
    directory.complete()?;
    Ok(true)
}

fn open(templates: &Path, content: &str) -> Option<(OpenDirectory, Manifest)> {
    // A missing directory is not created.
    if !templates.is_dir() {
        return None;
    }
    let template =
        OpenDirectory::root(templates).and_then(|root| root.directory(&template_files::name(content))).ok()?;
    if !template.is_protected() {
        tracing::info!(
            "the template of ephemeral clusters in {} is not used: other users may change it",
            templates.display()
        );
        return None;
    }
    let opened = template_files::read_manifest(&template)
        .and_then(|manifest| Ok((template.directory(template_files::DATA)?, manifest)));
    opened.inspect_err(|error| tracing::info!(%error, "failed to read a template of ephemeral clusters")).ok()
}
