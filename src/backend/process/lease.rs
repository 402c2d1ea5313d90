//! The right to scale a stack, as a lock on a file: it lapses with its holder's process, however that ends.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    backend::files,
    core::{
        error::Result,
        ports::{Claim, Held, Lease},
    },
};

/// How often a claim tries: someone who only looks holds the lock for a moment.
const GLANCES: u32 = 3;
const GLANCE: Duration = Duration::from_millis(5);

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

/// The lock, ours until it is dropped: it cannot lapse.
struct Locked(#[expect(dead_code, reason = "kept for its lock")] File);

#[async_trait]
impl Held for Locked {
    fn is_held(&self) -> bool {
        true
    }

    async fn release(self: Box<Self>) {}
}

#[async_trait]
impl Lease for FileLease {
    async fn claim(&self) -> Result<Claim> {
        if let Some(dir) = self.path.parent() {
            files::private_dir(dir)?;
        }
        let mut file = files::lock_file(&self.path)?;
        for _ in 0..GLANCES {
            if try_lock(&self.path, file.try_lock())? {
                let holder = holder();
                let written = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| file.write_all(holder.as_bytes()));
                written.map_err(|error| files::fault("write", &self.path, &error))?;
                return Ok(Claim::Held(Box::new(Locked(file))));
            }
            tokio::time::sleep(GLANCE).await;
        }
        Ok(Claim::HeldBy(self.read(&mut file)?))
    }

    async fn holder(&self) -> Result<Option<String>> {
        let mut file = match files::private().read(true).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(files::fault("open", &self.path, &error)),
        };
        // Shared, so that two who look at once do not take each other for the holder.
        if try_lock(&self.path, file.try_lock_shared())? { Ok(None) } else { self.read(&mut file).map(Some) }
    }
}

impl FileLease {
    fn read(&self, file: &mut File) -> Result<String> {
        let mut holder = String::new();
        file.read_to_string(&mut holder).map_err(|error| files::fault("read", &self.path, &error))?;
        let holder = holder.trim();
        Ok(if holder.is_empty() { "another process".to_owned() } else { holder.to_owned() })
    }
}

fn try_lock(path: &Path, outcome: Result<(), TryLockError>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(files::fault("lock", path, &error)),
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
        assert_eq!(lease.holder().await.expect("asked"), None);
        let Claim::Held(first) = lease.claim().await.expect("asked") else { panic!("nobody else holds it") };
        let Claim::HeldBy(holder) = lease.claim().await.expect("asked") else { panic!("the first holds it") };
        assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
        assert_eq!(lease.holder().await.expect("asked"), Some(holder));
        drop(first);
        assert_eq!(lease.holder().await.expect("asked"), None);
        assert!(matches!(lease.claim().await.expect("asked"), Claim::Held(_)));
    }
}
