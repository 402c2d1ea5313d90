//! The right to scale a stack, as a lock on a file: it lapses with its holder's process, however that ends.

use std::{
    fs::TryLockError,
    io::{Read, Seek, SeekFrom, Write},
    path::PathBuf,
};

use async_trait::async_trait;

use crate::{
    backend::files,
    core::{
        error::Result,
        ports::{Claim, Lease},
    },
};

/// The lease on the stack whose lock file is `path`.
#[derive(Debug, Clone)]
pub struct FileLease {
    path: PathBuf,
}

impl FileLease {
    /// The lease kept in `path`, which is made on the first claim.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait]
impl Lease for FileLease {
    async fn claim(&self) -> Result<Claim> {
        if let Some(dir) = self.path.parent() {
            files::private_dir(dir)?;
        }
        let mut file = files::lock_file(&self.path)?;
        match file.try_lock() {
            Ok(()) => {
                let holder = holder();
                let written = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| file.write_all(holder.as_bytes()));
                written.map_err(|error| files::fault("write", &self.path, &error))?;
                Ok(Claim::Held(Box::new(file)))
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = file.read_to_string(&mut holder);
                read.map_err(|error| files::fault("read", &self.path, &error))?;
                let holder = holder.trim();
                Ok(Claim::HeldBy(if holder.is_empty() { "another process".to_owned() } else { holder.to_owned() }))
            }
            Err(TryLockError::Error(error)) => Err(files::fault("lock", &self.path, &error)),
        }
    }
}

/// This process, as the text that others are shown.
fn holder() -> String {
    let host = nix::unistd::gethostname().map(|host| host.to_string_lossy().into_owned());
    format!("process {} on {}", std::process::id(), host.as_deref().unwrap_or("this machine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_holds_the_lease_and_the_other_learns_who() {
        let dir = tempfile::tempdir().expect("tempdir");
        let lease = FileLease::new(dir.path().join("stack/scaler.lock"));
        let Claim::Held(first) = lease.claim().await.expect("asked") else { panic!("nobody else holds it") };
        let Claim::HeldBy(holder) = lease.claim().await.expect("asked") else { panic!("the first holds it") };
        assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
        drop(first);
        assert!(matches!(lease.claim().await.expect("asked"), Claim::Held(_)));
    }
}
