//! A job that is any program: it knows nothing of this one, and its exit code says how it ended.

use std::process::Command;

use super::{command, processes::Launch};
use crate::core::error::Result;

/// What this process knows of AWS by itself: a program that is run from a manifest has no business with it.
const SECRETS: [&str; 8] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

impl Launch {
    /// Starts `command`, the program first, and not this very binary.
    ///
    /// # Errors
    /// `Input` when there is no such program.
    pub fn plain(self, command: Vec<String>) -> Result<Self> {
        let name = command.first().map_or("", String::as_str);
        Ok(Self { program: command::program(name)?, plain: Some(command), ..self })
    }
}

/// The arguments of a plain program, and none of this process's secrets.
pub(super) fn prepare(command: &mut Command, words: &[String]) {
    command.args(&words[1..]);
    for name in SECRETS {
        command.env_remove(name);
    }
}
