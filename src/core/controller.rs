//! KEDA on a cluster: what was found, what must be done about it, and whether it works afterwards. Pure.

mod choice;
mod found;
mod identity;
mod matrix;
mod namespace;
mod release;
mod verify;
mod version;

pub use choice::{Choice, Installer, Program, Wish, choose};
pub use found::{Found, Install, Origin, Scene, Watch};
pub use identity::{Identity, RESTART_ANNOTATION, ROLE_ANNOTATION};
pub use matrix::{Fit, PINNED, Refusal, check, fit, release_url};
pub use release::Release;
pub use verify::{Evidence, verify};
pub use version::Version;

/// Label on every object of a KEDA that kedactl installed; its value is the stack. It differs from a stack's own label,
/// because KEDA stays when the stack goes.
pub const CONTROLLER_LABEL: &str = "kedactl.dev/controller";
/// Annotation on KEDA's operator once all of a release was applied; its value is the manifest's SHA-256.
pub const RELEASE_ANNOTATION: &str = "kedactl.dev/release";
/// The API service of external metrics, which only one adapter of a cluster can have.
pub const EXTERNAL_METRICS: &str = "v1beta1.external.metrics.k8s.io";
/// Group of KEDA's own kinds.
pub const KEDA_GROUP: &str = "keda.sh";
