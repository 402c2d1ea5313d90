//! What `setup` remembers of a stack, so that later commands need no flags: settings, never an inventory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::files;
use crate::core::{
    error::Result,
    settings::{Choices, Origin, Settings},
    stack::StackName,
};

/// What `setup` remembered for `stack`; nothing when it has not run.
///
/// # Errors
/// `State` when the file cannot be read or is not what this version writes.
pub(super) fn remembered(state_dir: &Path, stack: &StackName) -> Result<Choices> {
    Ok(files::read_json(&path(state_dir, stack))?.unwrap_or_default())
}

/// Writes what later commands of the stack need not be told again; readable by its owner only.
pub(super) fn remember(settings: &Settings) -> Result<()> {
    files::private_dir(&settings.stack_dir())?;
    files::replace_json(&path(&settings.state_dir, &settings.stack), &settings.chosen)
}

/// What the stack was set up with before, if it was.
pub(super) fn previous(settings: &Settings) -> Result<Option<Settings>> {
    let Some(chosen) = files::read_json::<Choices>(&path(&settings.state_dir, &settings.stack))? else { return Ok(None) };
    let layers = [(Origin::Remembered, chosen)];
    Settings::resolve(settings.stack.clone(), settings.state_dir.clone(), &settings.place.account, &layers).map(Some)
}

/// Removes the stack's folder; absent is fine.
pub(super) fn forget(settings: &Settings) -> Result<()> {
    let dir = settings.stack_dir();
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::fault("remove", &dir, &error)),
        _ => Ok(()),
    }
}

fn path(state_dir: &Path, stack: &StackName) -> PathBuf {
    state_dir.join("stacks").join(stack.as_str()).join("settings.json")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::core::settings::Key;

    #[test]
    fn what_was_chosen_is_remembered_privately_and_forgotten() {
        let root = tempfile::tempdir().expect("tempdir");
        let stack = StackName::default();
        assert!(remembered(root.path(), &stack).expect("nothing yet").is_empty());
        let flags = Choices::from([(Key::Queue, "jobs".to_owned())]);
        let settings = Settings::resolve(stack.clone(), root.path().to_owned(), "1", &[(Origin::Flag, flags.clone())]).expect("valid");
        remember(&settings).expect("written");
        assert_eq!(remembered(root.path(), &stack).expect("read"), flags);
        let mode = fs::metadata(path(root.path(), &stack)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        forget(&settings).expect("gone");
        forget(&settings).expect("gone twice");
        assert!(!settings.stack_dir().exists());
    }
}
