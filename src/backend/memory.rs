//! What is remembered of a stack, so that later commands need no flags: settings, never an inventory.
//!
//! `settings.json` is what `setup` was told, and means that the stack is set up; `target.json` is what `kedactl target`
//! chose for a stack that is not.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::files;
use crate::core::{
    error::Result,
    settings::{Choices, Layer, Origin, Settings},
    stack::StackName,
};

/// What `setup` remembered for `stack`, else what `kedactl target` chose for it; nothing when neither has run.
///
/// # Errors
/// `State` when a file cannot be read or is not what this version writes.
pub(super) fn remembered(state_dir: &Path, stack: &StackName) -> Result<Layer> {
    if let Some(remembered) = files::read_json(&settings_file(state_dir, stack))? {
        return Ok((Origin::Remembered, remembered));
    }
    Ok((Origin::Chosen, files::read_json(&target_file(state_dir, stack))?.unwrap_or_default()))
}

/// Writes what later commands of the stack need not be told again; readable by its owner only.
pub(super) fn remember(settings: &Settings) -> Result<()> {
    files::private_dir(&settings.stack_dir())?;
    files::replace_json(&settings_file(&settings.state_dir, &settings.stack), &settings.chosen)?;
    remove(&target_file(&settings.state_dir, &settings.stack))
}

/// What the stack was set up with before, if it was.
pub(super) fn previous(settings: &Settings) -> Result<Option<Settings>> {
    let Some(chosen) = files::read_json::<Choices>(&settings_file(&settings.state_dir, &settings.stack))? else { return Ok(None) };
    let layers = [(Origin::Remembered, chosen)];
    Settings::resolve(settings.stack.clone(), settings.state_dir.clone(), &settings.place.account, &layers).map(Some)
}

/// Writes what later commands of a stack that is not set up shall use; nothing chosen means the defaults.
///
/// # Errors
/// `State` when the file cannot be written.
pub(super) fn choose(state_dir: &Path, stack: &StackName, choices: &Choices) -> Result<()> {
    let path = target_file(state_dir, stack);
    if choices.is_empty() {
        remove(&path)?;
        // Only when nothing else is in it.
        let _ = fs::remove_dir(stack_dir(state_dir, stack));
        return Ok(());
    }
    files::private_dir(&stack_dir(state_dir, stack))?;
    files::replace_json(&path, choices)
}

/// Every stack that this machine remembers, by name, with what is remembered of it.
///
/// # Errors
/// `State` when the folder or a file in it cannot be read.
pub(super) fn stacks(state_dir: &Path) -> Result<Vec<(StackName, Layer)>> {
    let dir = state_dir.join("stacks");
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(files::fault("read", &dir, &error)),
    };
    let mut names: Vec<StackName> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    names.retain(|stack| settings_file(state_dir, stack).exists() || target_file(state_dir, stack).exists());
    names.sort();
    names.into_iter().map(|stack| remembered(state_dir, &stack).map(|layer| (stack, layer))).collect()
}

/// Removes the stack's folder; absent is fine.
pub(super) fn forget(settings: &Settings) -> Result<()> {
    let dir = settings.stack_dir();
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::fault("remove", &dir, &error)),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::fault("remove", path, &error)),
        _ => Ok(()),
    }
}

fn stack_dir(state_dir: &Path, stack: &StackName) -> PathBuf {
    state_dir.join("stacks").join(stack.as_str())
}

fn settings_file(state_dir: &Path, stack: &StackName) -> PathBuf {
    stack_dir(state_dir, stack).join("settings.json")
}

fn target_file(state_dir: &Path, stack: &StackName) -> PathBuf {
    stack_dir(state_dir, stack).join("target.json")
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
        assert!(remembered(root.path(), &stack).expect("nothing yet").1.is_empty());
        let flags = Choices::from([(Key::Queue, "jobs".to_owned())]);
        let settings = Settings::resolve(stack.clone(), root.path().to_owned(), "1", &[(Origin::Flag, flags.clone())]).expect("valid");
        remember(&settings).expect("written");
        assert_eq!(remembered(root.path(), &stack).expect("read"), (Origin::Remembered, flags));
        let mode = fs::metadata(settings_file(root.path(), &stack)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        forget(&settings).expect("gone");
        forget(&settings).expect("gone twice");
        assert!(!settings.stack_dir().exists());
    }

    #[test]
    fn what_was_chosen_for_a_stack_gives_way_to_what_setup_remembers() {
        let root = tempfile::tempdir().expect("tempdir");
        let stack = StackName::default();
        let chosen = Choices::from([(Key::Namespace, "video".to_owned())]);
        choose(root.path(), &stack, &chosen).expect("written");
        let settings = Settings::resolve(stack.clone(), root.path().to_owned(), "1", &[(Origin::Chosen, chosen.clone())]).expect("valid");
        assert_eq!(previous(&settings).expect("read"), None);
        assert_eq!(stacks(root.path()).expect("listed"), [(stack.clone(), (Origin::Chosen, chosen.clone()))]);
        remember(&settings).expect("written");
        assert_eq!(stacks(root.path()).expect("listed"), [(stack.clone(), (Origin::Remembered, chosen))]);
        assert!(!target_file(root.path(), &stack).exists());
    }

    #[test]
    fn choosing_the_defaults_leaves_nothing() {
        let root = tempfile::tempdir().expect("tempdir");
        let stack = StackName::default();
        choose(root.path(), &stack, &Choices::from([(Key::Namespace, "video".to_owned())])).expect("written");
        choose(root.path(), &stack, &Choices::new()).expect("written");
        assert!(stacks(root.path()).expect("listed").is_empty() && !stack_dir(root.path(), &stack).exists());
    }
}
