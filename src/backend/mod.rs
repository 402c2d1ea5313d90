//! How the demo is reached: AWS, processes, the analyzer, the journal. Only this file wires adapters together.

pub mod analyzer;
pub mod aws;
#[cfg(feature = "local")]
pub mod emulator;
pub mod journal;
pub mod process;
pub mod store;

use std::path::Path;

use crate::core::{
    error::{Error, Kind, Result},
    settings::Choices,
    stack::StackName,
};

/// What `setup` remembered for `stack`; nothing when it has not run.
///
/// # Errors
/// `State` when the file cannot be read or is not what this version writes.
pub fn remembered(state_dir: &Path, stack: &StackName) -> Result<Choices> {
    let path = state_dir.join("stacks").join(stack.as_str()).join("settings.json");
    let fault = |why: String| Error::new(Kind::State, format!("could not read `{}`", path.display()), why);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| fault(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Choices::new()),
        Err(error) => Err(fault(error.to_string())),
    }
}
