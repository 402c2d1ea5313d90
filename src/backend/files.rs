//! Files that only their owner may read, written whole or not at all. For every adapter.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::core::error::{Error, Kind, Result};

/// Makes `dir` and its parents, mode 0700; what exists is left as it is.
///
/// # Errors
/// `State` when it cannot be made.
pub fn private_dir(dir: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| fault("create", dir, &error))
}

/// How to open a private file: mode 0600 if this creates it.
#[must_use]
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Replaces the file at `path` by `content`: readers see the old or the new, never a part.
///
/// # Errors
/// `State` when it cannot be written; the old content then stays.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    static UNIQUE: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = path.with_file_name(format!(".{name}.{}.{}", std::process::id(), UNIQUE.fetch_add(1, Ordering::Relaxed)));
    let write = || -> io::Result<()> {
        let mut file = private().write(true).create(true).truncate(true).open(&temporary)?;
        file.write_all(content)?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&temporary);
        fault("write", path, &error)
    })
}

/// Replaces the file at `path` by `value` as JSON.
///
/// # Errors
/// As [`replace`].
pub fn replace_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| Error::failed(format!("could not write `{}`", path.display()), error))?;
    replace(path, &text)
}

/// Reads the JSON file at `path`; absent is `None`.
///
/// # Errors
/// `State` when it cannot be read or is not what it should be.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Error::new(Kind::State, format!("could not read `{}`", path.display()), error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault("read", path, &error)),
    }
}

/// Opens the lock file at `path`, making it if it is absent.
///
/// # Errors
/// `State` when it cannot be opened.
pub fn lock_file(path: &Path) -> Result<File> {
    private().read(true).write(true).create(true).truncate(false).open(path).map_err(|error| fault("open", path, &error))
}

/// A `State` error about `path`: `verb` says what could not be done.
pub fn fault(verb: &str, path: &Path, error: &io::Error) -> Error {
    let error = Error::new(Kind::State, format!("could not {verb} `{}`", path.display()), describe(error));
    error.hint("check the folder's owner and free space, or use another `--state-dir`")
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_and_folders_are_private() {
        let root = tempfile::tempdir().expect("tempdir");
        let dir = root.path().join("a/b");
        private_dir(&dir).expect("made");
        replace(&dir.join("x"), b"1").expect("written");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join("x"))), (0o700, 0o600));
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let root = tempfile::tempdir().expect("tempdir");
        let occupied = root.path().join("x");
        fs::create_dir_all(occupied.join("y")).expect("made");
        let error = replace(&occupied, b"1").expect_err("a folder is in the way");
        assert_eq!(error.exit_code(), 2);
        assert_eq!(fs::read_dir(root.path()).expect("read").count(), 1);
    }
}
