//! `kedactl render`.

use std::path::PathBuf;

use kedactl::{
    backend::{
        Backend,
        folder::{Overwrite, Written, fill},
    },
    core::{
        error::Result,
        ops::render::{Document, documents},
    },
};
use serde::Serialize;

use super::{choices::SettingFlags, context::Context, exit::Exit};

/// Write every policy and manifest to files
///
/// The files are filled in, and named as the article's repository names them. Files that differ are kept unless --force
/// is given; then nothing is written at all.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kedactl render manifests
  kedactl render manifests --namespace video --queue-length 5 --force")]
pub(crate) struct Render {
    /// The folder, made if absent
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: PathBuf,
    /// Replace files that differ
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    flags: SettingFlags,
}

/// What became of one file.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    document: Document,
    written: Written,
}

impl Render {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(self.flags.choices()).await?;
        let documents = documents(&Backend::connect(&settings)?.facts().await?)?;
        let files: Vec<(&str, &str)> = documents.iter().map(|document| (document.file, document.text.as_str())).collect();
        let overwrite = if self.force { Overwrite::Always } else { Overwrite::Never };
        let written = fill(&self.dir, &files, overwrite)?;
        let lines: Vec<Line> = documents.into_iter().zip(written).map(|(document, written)| Line { document, written }).collect();
        cx.ui.result(&lines, || {
            let rows = lines
                .iter()
                .map(|line| vec![format!("{:?}", line.written).to_lowercase(), self.dir.join(line.document.file).display().to_string()]);
            cx.ui.table(&["ACTION", "FILE"], rows.collect())
        })?;
        Ok(Exit::DONE)
    }
}
