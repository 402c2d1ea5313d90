//! How outcomes look to a person; each is also `Serialize`, for `--output json`.

pub(crate) mod consume;
pub(crate) mod figures;
pub(crate) mod lines;
pub(crate) mod produce;
pub(crate) mod report;
pub(crate) mod setup;
pub(crate) mod status;
pub(crate) mod teardown;
pub(crate) mod watch;
