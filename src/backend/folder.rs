//! A folder that a person asked to have filled: what is there already is not lost, and nothing is written by half.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::core::error::{Error, Kind, Result};

/// Whether files that differ may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// They may not: then nothing is written at all.
    Never,
    /// They may.
    Always,
}

/// What became of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// It was not there.
    Created,
    /// It was there, and differed.
    Replaced,
    /// It was there, and is the same.
    Unchanged,
}

/// Writes `files` (name and text) into `dir`, which is made if absent. All of them or, on a fault before the last moment, none.
///
/// # Errors
/// `Foreign` when files differ and may not be replaced; `Input` when `dir` cannot be a folder that is written to.
pub fn fill(dir: &Path, files: &[(&str, &str)], overwrite: Overwrite) -> Result<Vec<Written>> {
    let planned = files.iter().map(|(name, text)| compare(&dir.join(name), text)).collect::<Result<Vec<_>>>()?;
    let differing: Vec<&str> =
        files.iter().zip(&planned).filter(|(_, written)| **written == Written::Replaced).map(|((name, _), _)| *name).collect();
    if overwrite == Overwrite::Never && !differing.is_empty() {
        let why = format!("these files differ: {}", differing.join(", "));
        return Err(Error::new(Kind::Foreign, format!("nothing was written to `{}`", dir.display()), why)
            .hint("pass --force to replace them, or choose another folder"));
    }
    fs::create_dir_all(dir).map_err(|error| fault(dir, &error))?;
    let mut staged = Staged(Vec::new());
    for ((name, text), _) in files.iter().zip(&planned).filter(|(_, written)| **written != Written::Unchanged) {
        let temporary = dir.join(format!(".{name}.{}", std::process::id()));
        staged.0.push((temporary.clone(), dir.join(name)));
        fs::write(&temporary, text).map_err(|error| fault(&temporary, &error))?;
    }
    for (temporary, path) in &staged.0 {
        fs::rename(temporary, path).map_err(|error| fault(path, &error))?;
    }
    Ok(planned)
}

fn compare(path: &Path, text: &str) -> Result<Written> {
    match fs::read(path) {
        Ok(there) if there == text.as_bytes() => Ok(Written::Unchanged),
        Ok(_) => Ok(Written::Replaced),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Written::Created),
        Err(error) => Err(fault(path, &error)),
    }
}

fn fault(path: &Path, error: &io::Error) -> Error {
    Error::input("folder", path.display(), error.to_string()).hint("name a folder that you may write to")
}

/// Files written beside their places; those that are still there at the end are removed.
struct Staged(Vec<(PathBuf, PathBuf)>);

impl Drop for Staged {
    fn drop(&mut self) {
        for (temporary, _) in &self.0 {
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).expect("dir").map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_that_differ_are_kept_and_nothing_is_written() {
        let root = tempfile::tempdir().expect("tempdir");
        fs::write(root.path().join("b"), "mine").expect("written");
        let error = fill(root.path(), &[("a", "1"), ("b", "2")], Overwrite::Never).expect_err("refused");
        assert!(error.to_string().contains("these files differ: b"), "{error}");
        assert_eq!(names(root.path()), ["b"]);
        let written = fill(root.path(), &[("a", "1"), ("b", "2")], Overwrite::Always).expect("written");
        assert_eq!(written, [Written::Created, Written::Replaced]);
        let written = fill(root.path(), &[("a", "1"), ("b", "2")], Overwrite::Never).expect("written");
        assert_eq!(written, [Written::Unchanged, Written::Unchanged]);
        assert_eq!(names(root.path()), ["a", "b"]);
    }

    #[test]
    fn a_fault_leaves_nothing_half_written() {
        let root = tempfile::tempdir().expect("tempdir");
        let error = fill(root.path(), &[("a", "1"), ("no/b", "2")], Overwrite::Never).expect_err("no such folder");
        assert_eq!(error.exit_code(), 2);
        assert!(names(root.path()).is_empty());
    }

    #[test]
    fn a_file_in_the_folders_place_is_refused() {
        let root = tempfile::tempdir().expect("tempdir");
        let place = root.path().join("x");
        fs::write(&place, "").expect("written");
        assert_eq!(fill(&place, &[("a", "1")], Overwrite::Always).expect_err("not a folder").exit_code(), 2);
    }
}
