//! The video encoder's work: what a message asks for, the article's sleep, and how long to look for a message.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    error::{Error, Result},
    ports::{Artifact, JobSpec, Received, Work},
};

/// What a message asks to be encoded, as far as it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The video's name.
    pub video: Option<String>,
    /// The quality, for example `720p`.
    pub quality: Option<String>,
}

impl Request {
    /// Reads the request from a message's body; `None` when the body is not a JSON object.
    #[must_use]
    pub fn parse(body: &str) -> Option<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(body) else { return None };
        let text = |key: &str| match fields.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Some(Self { video: text("video"), quality: text("quality") })
    }

    /// The ending of the video's name, when it is a plain one: up to 5 letters and digits.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        let (_, extension) = self.video.as_deref()?.rsplit_once('.')?;
        let plain = (1..=5).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then_some(extension)
    }
}

/// The article's work: a sleep. Its artifact says what would have been encoded.
#[derive(Debug, Clone, Copy)]
pub struct Sleep {
    /// How long, pace already applied.
    pub duration: Duration,
}

#[async_trait]
impl Work for Sleep {
    async fn run(&self, message: &Received, stop: &CancellationToken) -> Result<Artifact> {
        tokio::select! {
            () = stop.cancelled() => Err(Error::failed("the work was stopped", "")),
            () = tokio::time::sleep(self.duration) => Ok(summary(message, "sleep", self.duration)),
        }
    }
}

/// A small artifact for work that makes none of its own: what was encoded, by what, and how long it took.
#[must_use]
pub fn summary(message: &Received, encoder: &str, took: Duration) -> Artifact {
    #[derive(Serialize)]
    struct Summary<'a> {
        message_id: &'a str,
        #[serde(flatten)]
        request: Request,
        encoder: &'a str,
        seconds: f64,
    }
    let request = Request::parse(&message.body).unwrap_or_default();
    let summary = Summary { message_id: &message.message_id, request, encoder, seconds: took.as_secs_f64() };
    let content = serde_json::to_vec_pretty(&summary).unwrap_or_default();
    Artifact { extension: "json".to_owned(), content }
}

/// Reads a pace: how many times faster than real time, 0.1 to 1000.
///
/// # Errors
/// `Input` when it is not such a number.
pub fn parse_pace(text: &str) -> Result<f64> {
    let pace = text.parse::<f64>().ok().filter(|pace| (0.1..=1000.0).contains(pace));
    pace.ok_or_else(|| Error::input("pace", text, "it must be a number from 0.1 to 1000; 10 is ten times faster"))
}

/// Reads the name under which a job counts: 1 to 253 letters, digits, dots, hyphens and underscores.
///
/// # Errors
/// `Input` when it is not such a name.
pub fn parse_job(text: &str) -> Result<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=253).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(legal) {
        return Ok(text.to_owned());
    }
    Err(Error::input("job name", text, "it must be 1 to 253 letters, digits, dots, hyphens and underscores, not starting with a dot"))
}

/// `duration` at `pace`: ten times the pace is a tenth of the time.
#[must_use]
pub fn paced(duration: Duration, pace: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() / pace).unwrap_or(duration)
}

/// How long a consumer looks for a message before it ends: longer than one polling interval of the scaler, so that a job made for a
/// message that was not yet visible still finds it; never under 2 s.
#[must_use]
pub fn idle_budget(polling_interval: Duration, pace: f64) -> Duration {
    paced(polling_interval.mul_f64(1.5), pace).max(Duration::from_secs(2))
}

/// The command of the consumer's container in a `batch/v1` `JobSpec`: the first container's `command`, then its `args`.
#[must_use]
pub fn container_command(spec: &Value) -> Vec<String> {
    let words = |key: &str| spec.pointer(&format!("/template/spec/containers/0/{key}")).and_then(Value::as_array);
    let all = [words("command"), words("args")].into_iter().flatten().flatten();
    all.filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Whether the container's command is this program, so that a job as a process does exactly what the manifest says.
/// Anything else cannot run outside its image: the plain consumer runs in its place.
#[must_use]
pub fn runs_kedactl(spec: &Value) -> bool {
    container_command(spec).first().is_some_and(|program| program == "kedactl")
}

/// The arguments with which this program does the work of `job`'s container: those of `consumer` where the container runs another
/// program; `work` replaces the manifest's own command after `--`.
#[must_use]
pub fn arguments(job: &JobSpec, consumer: &[&str], work: Option<&[String]>) -> Vec<String> {
    let mut arguments: Vec<String> = consumer.iter().map(|word| (*word).to_owned()).collect();
    if runs_kedactl(job.spec()) {
        let command = container_command(job.spec());
        let given: Vec<String> = command[1..].iter().map(|word| expand(word, &job.env)).collect();
        if !given.is_empty() {
            arguments = given;
        }
    }
    if let Some(work) = work {
        let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
        arguments.truncate(end);
        arguments.push("--".to_owned());
        arguments.extend_from_slice(work);
    }
    arguments
}

/// Replaces `$(NAME)` by the variable's value as Kubernetes does: `$$` is `$`, an unknown name stays as it is.
fn expand(word: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match env.get(name) {
                Some(value) => out.push_str(value),
                None => out.extend(["$(", name, ")"]),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(spec: &Value) -> JobSpec {
        let env = BTreeMap::from([("IDLE".to_owned(), "20".to_owned())]);
        JobSpec { scaled_job: "s".into(), generation: 1, manifest: json!({ "spec": spec }), env }
    }

    fn container(command: &[&str], args: &[&str]) -> JobSpec {
        job(&json!({"template": {"spec": {"containers": [{"command": command, "args": args}]}}}))
    }

    #[test]
    fn a_request_is_read_as_far_as_it_goes() {
        let request = Request::parse(r#"{"video":"clip-1.mp4","quality":1080,"n":1}"#).expect("an object");
        assert_eq!((request.extension(), request.quality.as_deref()), (Some("mp4"), Some("1080")));
        assert_eq!(Request::parse(r#"{"video":["x"]}"#), Some(Request::default()));
        assert_eq!(Request::parse("Hello from message 1"), None);
        for odd in ["a.b/c", "a.", "noext", "x.toolong"] {
            assert_eq!(Request { video: Some(odd.into()), quality: None }.extension(), None, "{odd}");
        }
    }

    #[test]
    fn the_manifests_own_command_runs_when_it_is_this_program() {
        let own = container(&["kedactl"], &["consume", "--idle-timeout", "$(IDLE)", "--", "./encode.sh", "$$(IDLE)"]);
        assert_eq!(arguments(&own, &["consume"], None), ["consume", "--idle-timeout", "20", "--", "./encode.sh", "$(IDLE)"]);
        assert!(runs_kedactl(own.spec()));
        let work = ["true".to_owned()];
        assert_eq!(arguments(&own, &["consume"], Some(&work)), ["consume", "--idle-timeout", "20", "--", "true"]);
        assert_eq!(arguments(&container(&["kedactl"], &[]), &["consume"], None), ["consume"]);
    }

    #[test]
    fn any_other_container_is_replaced_by_the_plain_consumer() {
        let none = json!({"template": {"spec": {"containers": []}}});
        for other in [container(&["sh", "-c", "aws sqs"], &[]), job(&json!({})), job(&none)] {
            assert!(!runs_kedactl(other.spec()));
            assert_eq!(arguments(&other, &["consume", "--loop"], None), ["consume", "--loop"]);
            assert_eq!(arguments(&other, &["consume"], Some(&["x".to_owned()])), ["consume", "--", "x"]);
        }
    }

    #[test]
    fn a_pace_is_a_number_from_a_tenth_to_a_thousand() {
        assert_eq!(parse_pace("0.5"), Ok(0.5));
        for bad in ["0", "0.09", "-1", "1001", "nan", "inf", "fast", ""] {
            assert_eq!(parse_pace(bad).expect_err(bad).exit_code(), 2);
        }
    }

    #[test]
    fn a_job_name_cannot_lead_out_of_its_folder() {
        assert_eq!(parse_job("video-processor-abcde").as_deref(), Ok("video-processor-abcde"));
        for bad in ["", ".", "..", "a/b", "a b"] {
            assert_eq!(parse_job(bad).expect_err(bad).exit_code(), 2);
        }
    }

    #[test]
    fn the_idle_budget_outlasts_the_polling_interval() {
        assert_eq!(idle_budget(Duration::from_secs(10), 1.0), Duration::from_secs(15));
        assert_eq!(idle_budget(Duration::from_secs(10), 100.0), Duration::from_secs(2));
    }
}
