//! Where a store's file may lie: in a folder and file of its owner, on a disk of this machine.

use std::{
    fs::{DirBuilder, OpenOptions},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// Makes the folder (0700) and the file (0600) where they are missing; says why when they cannot be used.
pub(super) fn prepare(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| format!("its folder: {error}"))?;
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|error| error.to_string())?;
    match remote(folder) {
        Some(kind) => Err(format!("it lies on a network file system ({kind}), where processes cannot share it safely")),
        None => Ok(()),
    }
}

/// The name of the network file system that `folder` lies on, if it does.
///
/// SQLite's WAL needs memory shared between processes, which no network file system gives.
#[cfg(target_os = "linux")]
fn remote(folder: &Path) -> Option<&'static str> {
    use nix::sys::statfs::{AFS_SUPER_MAGIC, CODA_SUPER_MAGIC, FsType, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, statfs};
    const CIFS: FsType = FsType(0xff53_4d42);
    const SMB2: FsType = FsType(0xfe53_4d42);
    match statfs(folder).ok()?.filesystem_type() {
        NFS_SUPER_MAGIC => Some("NFS"),
        SMB_SUPER_MAGIC | CIFS | SMB2 => Some("SMB"),
        AFS_SUPER_MAGIC => Some("AFS"),
        CODA_SUPER_MAGIC => Some("Coda"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn remote(_folder: &Path) -> Option<&'static str> {
    None
}
