//! Files that verbs write where a person asked for them.

use std::{fs, path::Path};

use kedactl::core::error::{Error, Result};

/// Writes `text` to `path`, with the folders above it.
///
/// # Errors
/// `Input`, as the person named the place.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let above = path.parent().map_or(Ok(()), fs::create_dir_all);
    above.and_then(|()| fs::write(path, text)).map_err(|error| {
        Error::input("file", path.display(), format!("it cannot be written: {error}")).hint("choose a directory that you may write to")
    })
}
