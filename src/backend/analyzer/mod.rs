//! The result analyzer: counts what was processed and what was killed, durably.

mod client;
mod server;
pub mod service;
mod store;

pub use client::Client;
pub use server::router;
pub use store::AnalyzerStore;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountKind {
    /// A message whose work is done.
    Processed,
    /// A consumer that a signal ended.
    Kill,
}

impl CountKind {
    /// The word in the article's lines and in the store.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Kill => "kill",
        }
    }
}
