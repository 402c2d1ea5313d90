//! Waits until a deleted object is gone, and says what holds it when it stays.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::interrupted;
use crate::core::{
    error::{Error, Kind, Result},
    event::{Reporter, What},
    ports::Objects,
};

/// How long finalizers may put off the end of an object.
const LIMIT: Duration = Duration::from_mins(1);
/// How often to look.
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until the object of `kind` called `name` is gone.
///
/// # Errors
/// `Busy`, naming its finalizers and the way out, when it is still there after a minute; `Interrupted`.
pub(super) async fn wait(objects: &dyn Objects, kind: &str, name: &str, reporter: &dyn Reporter, cancel: &CancellationToken) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    let mut told = false;
    while let Some(object) = objects.get(kind, name).await? {
        if cancel.is_cancelled() {
            return Err(interrupted());
        }
        if Instant::now() >= deadline {
            return Err(blocked(kind, name, &object));
        }
        if !told {
            told = true;
            reporter.tell(What::Waiting { condition: format!("{kind} {name} is gone"), deadline_seconds: LIMIT.as_secs() });
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = sleep(PAUSE) => {}
        }
    }
    Ok(())
}

fn blocked(kind: &str, name: &str, object: &Value) -> Error {
    let finalizers: Vec<&str> = object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
    let why = match finalizers.as_slice() {
        [] => format!("it is still there after {} s", LIMIT.as_secs()),
        names => format!("after {} s it still waits for its finalizers: {}", LIMIT.as_secs(), names.join(", ")),
    };
    let release =
        format!("kubectl patch {kind} {name} --namespace {namespace} --type merge --patch '{{\"metadata\":{{\"finalizers\":null}}}}'");
    Error::new(Kind::Busy, format!("could not delete {kind} `{name}`"), why).hint(format!(
        "see that KEDA's operator runs (`kubectl get deployments --all-namespaces`) and run this again; if there is none any more: `{release}`"
    ))
}
