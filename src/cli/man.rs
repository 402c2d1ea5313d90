//! `kedactl man`.

use std::path::PathBuf;

use kedactl::core::error::{Error, Result};

use super::{context::Context, exit::Exit, files, usage};

/// Print a man page, or write them all
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// The verb, such as `watch` or `local serve` [default: kedactl itself]
    verb: Vec<String>,
    /// Write the pages of all verbs to files in this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    dir: Option<PathBuf>,
}

impl Man {
    #[expect(clippy::unused_async, reason = "every verb is run alike")]
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        if let Some(dir) = self.dir {
            let pages = pages();
            for (name, text) in &pages {
                files::write(&dir.join(name), text)?;
            }
            cx.ui.print(&format!("Wrote {} man pages to {}", pages.len(), dir.display()))?;
            return Ok(Exit::DONE);
        }
        let name = format!("{}.1", ["kedactl".to_owned()].into_iter().chain(self.verb.iter().cloned()).collect::<Vec<_>>().join("-"));
        match pages().into_iter().find(|(page, _)| *page == name) {
            Some((_, text)) => cx.ui.print(text.trim_end())?,
            None => return Err(Error::input("verb", self.verb.join(" "), "there is no such verb").hint("see `kedactl --help`")),
        }
        Ok(Exit::DONE)
    }
}

/// Every page: its file name and its text.
pub(crate) fn pages() -> Vec<(String, String)> {
    let mut command = usage::command();
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages);
    pages
}

fn collect(command: &clap::Command, pages: &mut Vec<(String, String)>) {
    let version = format!("kedactl {}", env!("CARGO_PKG_VERSION"));
    let page = clap_mangen::Man::new(command.clone()).source(version).manual("kedactl");
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = page.render(&mut text);
    pages.push((page.get_filename(), String::from_utf8_lossy(&text).into_owned()));
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        collect(verb, pages);
    }
}
