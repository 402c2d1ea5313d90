//! What this machine must offer: a private state folder on a disk of its own, and this very program.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::files;
use crate::core::check::Check;

/// The checks of `state_dir`; one that does not exist yet is made by setup.
#[must_use]
pub(super) fn checks(state_dir: &Path) -> Vec<Check> {
    vec![program(), writable(state_dir), private(state_dir), on_a_disk(state_dir)]
}

fn program() -> Check {
    let name = "jobs can start this program";
    match std::env::current_exe() {
        Ok(path) => Check::passed(name, path.display().to_string()),
        Err(error) => Check::failed(name, error.to_string()).repair("install kedactl again"),
    }
}

fn writable(dir: &Path) -> Check {
    let name = "the state folder can be written";
    if !dir.exists() {
        return Check::passed(name, format!("{} is made by setup", dir.display()));
    }
    let probe = dir.join(format!(".doctor.{}", std::process::id()));
    let outcome = files::replace(&probe, b"");
    let _ = fs::remove_file(&probe);
    match outcome {
        Ok(()) => Check::passed(name, dir.display().to_string()),
        Err(error) => Check::failed(name, error.to_string()).repair(format!("chown $(id -u) {0} && chmod 700 {0}", dir.display())),
    }
}

/// Whether others could read what is in it, or put something there. A folder that somebody else made may be listed.
fn private(dir: &Path) -> Check {
    let name = "the state folder is private";
    let all = [(dir.to_owned(), 0o022), (dir.join("aws.db"), 0o077), (dir.join("stacks"), 0o077)];
    let open = all.into_iter().filter_map(|(path, forbidden)| {
        let mode = fs::metadata(&path).ok()?.permissions().mode() & 0o777;
        (mode & forbidden != 0).then(|| (path.display().to_string(), mode))
    });
    let open: Vec<(String, u32)> = open.collect();
    if open.is_empty() {
        return Check::passed(name, "nobody else may read it");
    }
    let found: Vec<String> = open.iter().map(|(path, mode)| format!("{path} has mode {mode:04o}")).collect();
    let paths: Vec<&str> = open.iter().map(|(path, _)| path.as_str()).collect();
    Check::failed(name, found.join(", ")).repair(format!("chmod go= {}", paths.join(" ")))
}

/// SQLite's locks do not work on network file systems.
fn on_a_disk(dir: &Path) -> Check {
    let name = "the state folder is on a local disk";
    match network_file_system(dir) {
        Some(kind) => {
            Check::failed(name, format!("{} is on {kind}", dir.display())).repair("pass --state-dir DIR, or set KEDACTL_STATE_DIR")
        }
        None => Check::passed(name, ""),
    }
}

#[cfg(target_os = "linux")]
fn network_file_system(dir: &Path) -> Option<&'static str> {
    use nix::sys::statfs::{NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, statfs};
    let there = dir.ancestors().find(|path| path.exists())?;
    let kind = statfs(there).ok()?.filesystem_type();
    [(NFS_SUPER_MAGIC, "NFS"), (SMB_SUPER_MAGIC, "SMB")].into_iter().find(|(magic, _)| *magic == kind).map(|(_, word)| word)
}

#[cfg(not(target_os = "linux"))]
fn network_file_system(_dir: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_may_read_is_named_with_its_mode_and_the_repair() {
        let dir = tempfile::tempdir().expect("tempdir");
        let stacks = dir.path().join("stacks");
        files::private_dir(&stacks).expect("made");
        assert!(!checks(dir.path()).iter().any(Check::is_failed));
        fs::set_permissions(&stacks, fs::Permissions::from_mode(0o755)).expect("changed");
        let failed: Vec<Check> = checks(dir.path()).into_iter().filter(Check::is_failed).collect();
        let [check] = failed.as_slice() else { panic!("{failed:?}") };
        assert!(check.detail.contains("0755") && check.repair.as_ref().is_some_and(|repair| repair.starts_with("chmod go= ")), "{check:?}");
    }
}
