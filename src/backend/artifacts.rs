//! Where results are stored: a directory, or a bucket of S3.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use object_store::{ObjectStore, ObjectStoreExt, aws::AmazonS3Builder, local::LocalFileSystem, path::Path as Key};

use super::{files, tls};
use crate::core::{
    error::{Error, Kind, Result, innermost},
    ports::Artifacts,
};

/// One place for artifacts. Storing is atomic: a reader sees all of an artifact or none.
#[derive(Debug, Clone)]
pub struct ObjectArtifacts {
    store: Arc<dyn ObjectStore>,
    /// What all keys begin with: empty for a directory.
    prefix: Key,
    /// What a location begins with, to the last slash.
    base: String,
}

impl ObjectArtifacts {
    /// The place that `location` names: a directory (made if absent), or `s3://bucket/prefix` with credentials, region and
    /// endpoint from the usual `AWS_` variables.
    ///
    /// # Errors
    /// `Input` when it is neither; `State` when the directory cannot be made.
    pub fn open(location: &str) -> Result<Self> {
        match location.split_once("://") {
            Some(("s3", rest)) => Self::bucket(location, rest),
            Some(_) => Err(Error::input("artifacts location", location, "it must be a directory or s3://bucket/prefix")),
            None => Self::directory(Path::new(location)),
        }
    }

    fn directory(dir: &Path) -> Result<Self> {
        files::private_dir(dir)?;
        let dir = std::path::absolute(dir).map_err(|error| files::fault("find", dir, &error))?;
        let store = LocalFileSystem::new_with_prefix(&dir).map_err(|error| fault("open", &dir.display().to_string(), &error))?;
        Ok(Self { store: Arc::new(store), prefix: Key::default(), base: format!("{}/", dir.display()) })
    }

    fn bucket(location: &str, rest: &str) -> Result<Self> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::input("artifacts location", location, "the bucket's name is missing, as in s3://bucket/prefix"));
        }
        tls::install();
        let endpoint = std::env::var("AWS_ENDPOINT_URL_S3").or_else(|_| std::env::var("AWS_ENDPOINT_URL")).unwrap_or_default();
        let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_allow_http(endpoint.starts_with("http://"));
        let store = builder.build().map_err(|error| fault("open", location, &error))?;
        let prefix = Key::parse(prefix).map_err(|error| Error::input("artifacts location", location, error.to_string()))?;
        let base = if prefix.as_ref().is_empty() { format!("s3://{bucket}/") } else { format!("s3://{bucket}/{prefix}/") };
        Ok(Self { store: Arc::new(store), prefix, base })
    }
}

#[async_trait]
impl Artifacts for ObjectArtifacts {
    async fn put(&self, key: &str, content: Vec<u8>) -> Result<String> {
        // One segment: a key cannot lead to another folder.
        let path = self.prefix.clone().join(key);
        let name = path.filename().unwrap_or_default().to_owned();
        let location = format!("{}{name}", self.base);
        self.store.put(&path, content.into()).await.map_err(|error| fault("store", &location, &error))?;
        Ok(location)
    }
}

fn fault(verb: &str, location: &str, error: &object_store::Error) -> Error {
    use object_store::Error as Vendor;
    let kind = match error {
        Vendor::NotFound { .. } => Kind::NotFound,
        Vendor::PermissionDenied { .. } | Vendor::Unauthenticated { .. } => Kind::Denied,
        Vendor::InvalidPath { .. } | Vendor::NotSupported { .. } => Kind::Input,
        // It retries what passes by itself, and gives up only after minutes.
        _ => Kind::Failed,
    };
    Error::new(kind, format!("could not {verb} `{location}`"), root(error))
}

/// The innermost cause, on one line: the outer ones repeat the request, address included.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    innermost(error).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_gets_each_artifact_whole_under_its_key() {
        let dir = tempfile::tempdir().expect("tempdir");
        let place = dir.path().join("artifacts");
        let artifacts = ObjectArtifacts::open(place.to_str().expect("utf-8")).expect("opened");
        for content in ["first", "second"] {
            let location = artifacts.put("m-1.json", content.into()).await.expect("stored");
            assert_eq!(location, place.join("m-1.json").display().to_string());
            assert_eq!(std::fs::read_to_string(&location).expect("read"), content);
        }
        assert_eq!(std::fs::read_dir(&place).expect("read").count(), 1);
    }

    #[tokio::test]
    async fn a_key_cannot_lead_out_of_the_directory() {
        let dir = tempfile::tempdir().expect("tempdir");
        let place = dir.path().join("artifacts");
        let artifacts = ObjectArtifacts::open(place.to_str().expect("utf-8")).expect("opened");
        let location = artifacts.put("../../x", b"y".to_vec()).await.expect("stored");
        assert!(Path::new(&location).starts_with(&place), "{location}");
        assert_eq!(std::fs::read_dir(dir.path()).expect("read").count(), 1);
        assert!(Path::new(&location).exists(), "{location}");
    }

    #[test]
    fn only_directories_and_s3_are_places() {
        for bad in ["gs://bucket/x", "s3://", "s3:///prefix"] {
            assert_eq!(ObjectArtifacts::open(bad).expect_err(bad).exit_code(), 2);
        }
    }

    #[test]
    fn a_file_in_the_way_is_a_clear_error() {
        let file = tempfile::NamedTempFile::new().expect("file");
        let error = ObjectArtifacts::open(file.path().to_str().expect("utf-8")).expect_err("a file");
        assert_eq!(error.exit_code(), 2);
    }
}
