//! A manifest on disk, applied as `kubectl apply` would whenever it changes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::Value;

use crate::core::{
    error::{Error, Result},
    keda::manifest::{Document, Metadata, Object, parse_documents},
    ports::Objects,
    settings::ScalingKind,
};

/// The objects of a cluster, kept up with one manifest file.
pub struct ManifestFile {
    path: PathBuf,
    objects: Arc<dyn Objects>,
    applied: Mutex<String>,
}

/// A manifest that was read and checked.
pub struct Opened {
    path: PathBuf,
    text: String,
    documents: Vec<Document>,
    /// What its one ScaledJob or ScaledObject is.
    pub kind: ScalingKind,
    /// The name of that.
    pub object: String,
    /// The namespace of that, if it names one.
    pub namespace: Option<String>,
    /// What the API server would drop without a word.
    pub warnings: Vec<String>,
}

impl Opened {
    /// Applies every object of it to `objects`, and keeps them up with it from now on.
    ///
    /// # Errors
    /// When one cannot be applied.
    pub async fn apply(self, objects: Arc<dyn Objects>) -> Result<ManifestFile> {
        let file = ManifestFile { path: self.path, objects, applied: Mutex::new(self.text) };
        file.apply_all(&self.documents).await?;
        Ok(file)
    }
}

impl ManifestFile {
    /// Reads the manifest at `path` (`-` is standard input, read once) and checks it.
    ///
    /// # Errors
    /// `Input` when it cannot be read, is not valid, or does not hold exactly one ScaledJob or ScaledObject.
    pub fn open(path: &Path) -> Result<Opened> {
        let text = read(path)?;
        let documents = parse_documents(&text, &source(path))?;
        let (kind, object, namespace) = the_scaled(&documents, path)?;
        let warnings = documents.iter().flat_map(|document| document.warnings.clone()).collect();
        Ok(Opened { path: path.to_owned(), text, documents, kind, object, namespace, warnings })
    }

    async fn apply_all(&self, documents: &[Document]) -> Result<()> {
        for document in documents {
            match &document.object {
                Object::ScaledJob(scaled_job) => self.objects.apply(&scaled_job.to_value()).await?,
                Object::ScaledObject(scaled_object) => self.objects.apply(&scaled_object.to_value()).await?,
                Object::Other { name, value, .. } if !name.is_empty() => self.objects.apply(value).await?,
                // An object without a name (generateName) is made anew at each `kubectl create`: it is no state.
                Object::Other { .. } => {}
            }
        }
        Ok(())
    }

    /// Applies the file again if its text changed. A file that is not valid any more changes nothing.
    async fn follow(&self) -> Result<()> {
        if is_stdin(&self.path) {
            return Ok(());
        }
        let text = read(&self.path)?;
        if *self.applied.lock().unwrap_or_else(PoisonError::into_inner) == text {
            return Ok(());
        }
        let documents = parse_documents(&text, &source(&self.path))?;
        self.apply_all(&documents).await?;
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = text;
        Ok(())
    }
}

#[async_trait]
impl Objects for ManifestFile {
    async fn get(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        self.follow().await?;
        self.objects.get(kind, name).await
    }

    async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        self.objects.list(kind).await
    }

    async fn apply(&self, manifest: &Value) -> Result<()> {
        self.objects.apply(manifest).await
    }

    async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        self.objects.delete(kind, name).await
    }

    async fn patch_status(&self, kind: &str, name: &str, patch: &Value) -> Result<()> {
        self.objects.patch_status(kind, name, patch).await
    }
}

/// The one object that can be scaled: its kind, its name, and its namespace if it names one.
fn the_scaled(documents: &[Document], path: &Path) -> Result<(ScalingKind, String, Option<String>)> {
    let scaled: Vec<(ScalingKind, &Metadata)> = documents
        .iter()
        .filter_map(|document| match &document.object {
            Object::ScaledJob(scaled_job) => Some((ScalingKind::ScaledJob, &scaled_job.metadata)),
            Object::ScaledObject(object) => Some((ScalingKind::ScaledObject, &object.metadata)),
            Object::Other { .. } => None,
        })
        .collect();
    match scaled[..] {
        [(kind, metadata)] => Ok((kind, metadata.name.clone(), metadata.namespace.clone().filter(|namespace| !namespace.is_empty()))),
        [] => Err(Error::input("--file", path.display(), "it holds no ScaledJob and no ScaledObject")),
        _ => {
            let names: Vec<&str> = scaled.iter().map(|(_, metadata)| metadata.name.as_str()).collect();
            Err(Error::input("--file", path.display(), format!("it holds several to scale: {}", names.join(", ")))
                .hint("watch one at a time: put each into its own file; or run them all with `kedactl run -f`"))
        }
    }
}

fn read(path: &Path) -> Result<String> {
    let text = if is_stdin(path) { std::io::read_to_string(std::io::stdin()) } else { fs::read_to_string(path) };
    text.map_err(|error| Error::input("--file", path.display(), format!("it cannot be read: {error}")))
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn source(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}
