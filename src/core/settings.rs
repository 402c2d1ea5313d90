//! What a command works on: flags over environment over what setup remembered over defaults, each with its origin.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    error::{Error, Result},
    stack::{Names, Place, StackName},
};

/// Where the demo runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// This machine: embedded AWS services, jobs as child processes.
    #[default]
    Local,
}

/// Which layer a value came from; used in errors, so that a person knows where to correct it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A flag of this command.
    Flag,
    /// An environment variable.
    Environment,
    /// What the stack's setup remembered.
    Remembered,
    /// The article's own value.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "from a flag",
            Self::Environment => "from the environment",
            Self::Remembered => "remembered by setup",
            Self::Default => "the default",
        })
    }
}

/// Every setting that `setup` takes and remembers, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// AWS region.
    Region,
    /// An AWS endpoint instead of the embedded service.
    EndpointUrl,
    /// EKS cluster.
    Cluster,
    /// Kubernetes namespace of the workload.
    Namespace,
    /// The work queue, before the stack's prefix.
    Queue,
    /// Messages per job: the trigger's target.
    QueueLength,
    /// Seconds between polls.
    PollingInterval,
    /// Jobs kept even without messages.
    MinReplicaCount,
    /// Most jobs.
    MaxReplicaCount,
    /// Scaling strategy.
    Strategy,
    /// The consumer's work: seconds of sleep.
    WorkSeconds,
    /// The queue's visibility timeout in seconds.
    VisibilityTimeout,
}

impl Key {
    /// All keys, in the order in which help lists them.
    pub const ALL: [Self; 12] = [
        Self::Region,
        Self::EndpointUrl,
        Self::Cluster,
        Self::Namespace,
        Self::Queue,
        Self::QueueLength,
        Self::PollingInterval,
        Self::MinReplicaCount,
        Self::MaxReplicaCount,
        Self::Strategy,
        Self::WorkSeconds,
        Self::VisibilityTimeout,
    ];

    /// The flag's name without dashes, which is also the name in the remembered file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::EndpointUrl => "endpoint-url",
            Self::Cluster => "cluster",
            Self::Namespace => "namespace",
            Self::Queue => "queue",
            Self::QueueLength => "queue-length",
            Self::PollingInterval => "polling-interval",
            Self::MinReplicaCount => "min-replica-count",
            Self::MaxReplicaCount => "max-replica-count",
            Self::Strategy => "strategy",
            Self::WorkSeconds => "work-seconds",
            Self::VisibilityTimeout => "visibility-timeout",
        }
    }

    /// The article's value, where there is one.
    #[must_use]
    pub fn default_value(self) -> Option<&'static str> {
        Some(match self {
            Self::Region => "us-east-1",
            Self::EndpointUrl => return None,
            Self::Cluster => "kedactl",
            Self::Namespace | Self::Strategy => "default",
            Self::Queue => "test-queue",
            Self::QueueLength => "1",
            Self::PollingInterval => "10",
            Self::MinReplicaCount => "0",
            Self::MaxReplicaCount => "100",
            Self::WorkSeconds => "30",
            Self::VisibilityTimeout => "60",
        })
    }
}

/// One layer of settings: the values that it gives, as text.
pub type Choices = BTreeMap<Key, String>;

/// Everything a backend needs to know, resolved and valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the demo runs.
    pub target: Target,
    /// The stack.
    pub stack: StackName,
    /// Where state is kept, with one folder for each stack.
    pub state_dir: PathBuf,
    /// Partition, region and account.
    pub place: Place,
    /// The names of the stack's objects.
    pub names: Names,
    /// An AWS endpoint instead of the embedded service.
    pub endpoint_url: Option<String>,
    /// How the queue is made.
    pub visibility_timeout: Duration,
    /// How the ScaledJob is made.
    pub scaling: Scaling,
    /// What setup should remember: every choice that is not a default.
    pub chosen: Choices,
}

/// The numbers of the ScaledJob that setup makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scaling {
    /// Messages per job.
    pub queue_length: i64,
    /// Seconds between polls.
    pub polling_interval: i32,
    /// Jobs kept even without messages.
    pub min_replica_count: i32,
    /// Most jobs.
    pub max_replica_count: i32,
    /// `default`, `custom`, `accurate` or `eager`.
    pub strategy: String,
    /// Seconds of work per message.
    pub work_seconds: u32,
}

impl Settings {
    /// Resolves `layers`, the strongest first, for `stack`.
    ///
    /// # Errors
    /// `Input`, naming the first field whose value cannot be used, the value, and where it came from.
    pub fn resolve(stack: StackName, state_dir: PathBuf, account: &str, layers: &[(Origin, Choices)]) -> Result<Self> {
        let pick = Pick { layers };
        let region = pick.text(Key::Region, is_region, "a region's name, such as us-east-1")?;
        let queue =
            pick.text(Key::Queue, is_queue_name, "1 to 80 letters, digits, hyphens and underscores, with an optional .fifo ending")?;
        let namespace = pick.text(Key::Namespace, is_dns_label, "a DNS label: lower-case letters, digits and inner hyphens, at most 63")?;
        let cluster = pick.text(Key::Cluster, is_cluster_name, "1 to 100 letters, digits, hyphens and underscores")?;
        let names = Names::new(&stack, &namespace, &cluster, &queue);
        if !is_queue_name(&names.dead_letter_queue) {
            return Err(Error::input(
                "queue",
                &queue,
                format!("the derived name `{}` is longer than 80 characters", names.dead_letter_queue),
            )
            .hint("choose a shorter --queue or --stack"));
        }
        let scaling = Scaling {
            queue_length: pick.number(Key::QueueLength, 1, i64::MAX)?,
            polling_interval: pick.number(Key::PollingInterval, 1, i64::from(i32::MAX))?.try_into().unwrap_or(i32::MAX),
            min_replica_count: pick.number(Key::MinReplicaCount, 0, i64::from(i32::MAX))?.try_into().unwrap_or(i32::MAX),
            max_replica_count: pick.number(Key::MaxReplicaCount, 1, i64::from(i32::MAX))?.try_into().unwrap_or(i32::MAX),
            strategy: pick.text(Key::Strategy, is_strategy, "one of default, custom, accurate, eager")?,
            work_seconds: pick.number(Key::WorkSeconds, 0, 43_200)?.try_into().unwrap_or(0),
        };
        let visibility = pick.number(Key::VisibilityTimeout, 0, 43_200)?;
        let endpoint_url = match pick.raw(Key::EndpointUrl) {
            Some((text, _)) if text.starts_with("http://") || text.starts_with("https://") => Some(text),
            Some((text, origin)) => return Err(invalid(Key::EndpointUrl, &text, origin, "a URL that starts with http:// or https://")),
            None => None,
        };
        Ok(Self {
            target: Target::Local,
            place: Place::new(&region, account),
            names,
            stack,
            state_dir,
            endpoint_url,
            visibility_timeout: Duration::from_secs(visibility.unsigned_abs()),
            scaling,
            chosen: pick.chosen(),
        })
    }

    /// URL of the queue called `name`, at the endpoint in force.
    #[must_use]
    pub fn queue_url(&self, name: &str) -> String {
        match &self.endpoint_url {
            Some(endpoint) => format!("{}/{}/{name}", endpoint.trim_end_matches('/'), self.place.account),
            None => self.place.queue_url(name),
        }
    }

    /// Whether AWS is this machine: the embedded service, or an endpoint on a loopback address. Then nothing costs money.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        let Some(url) = &self.endpoint_url else { return true };
        let authority = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).trim_matches(['[', ']']);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The folder of this stack's journal, objects, jobs and artifacts.
    #[must_use]
    pub fn stack_dir(&self) -> PathBuf {
        self.state_dir.join("stacks").join(self.stack.as_str())
    }
}

/// Reads keys through the layers.
struct Pick<'a> {
    layers: &'a [(Origin, Choices)],
}

impl Pick<'_> {
    fn raw(&self, key: Key) -> Option<(String, Origin)> {
        let given = self.layers.iter().find_map(|(origin, choices)| choices.get(&key).map(|text| (text.clone(), *origin)));
        given.or_else(|| key.default_value().map(|text| (text.to_owned(), Origin::Default)))
    }

    fn text(&self, key: Key, valid: fn(&str) -> bool, rule: &str) -> Result<String> {
        match self.raw(key) {
            Some((text, _)) if valid(&text) => Ok(text),
            Some((text, origin)) => Err(invalid(key, &text, origin, rule)),
            None => Ok(String::new()),
        }
    }

    fn number(&self, key: Key, least: i64, most: i64) -> Result<i64> {
        let Some((text, origin)) = self.raw(key) else { return Ok(least) };
        match text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(invalid(key, &text, origin, &format!("a whole number from {least} to {most}"))),
        }
    }

    fn chosen(&self) -> Choices {
        let differs = |key: &Key| self.raw(*key).filter(|(text, _)| Some(text.as_str()) != key.default_value());
        Key::ALL.iter().filter_map(|key| differs(key).map(|(text, _)| (*key, text))).collect()
    }
}

fn invalid(key: Key, text: &str, origin: Origin, rule: &str) -> Error {
    let error = Error::input(format_args!("--{}", key.name()), text, format!("it must be {rule}"));
    match origin {
        Origin::Flag | Origin::Default => error,
        Origin::Environment | Origin::Remembered => error.hint(format!("the value is {origin}; pass --{} to override it", key.name())),
    }
}

fn is_region(text: &str) -> bool {
    text.len() <= 32 && text.split('-').count() >= 3 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_queue_name(text: &str) -> bool {
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    text.len() <= 80 && !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_dns_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().last())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_cluster_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_strategy(text: &str) -> bool {
    matches!(text, "default" | "custom" | "accurate" | "eager")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(layers: &[(Origin, Choices)]) -> Result<Settings> {
        Settings::resolve(StackName::default(), PathBuf::from("/s"), "123456789012", layers)
    }

    fn one(key: Key, text: &str) -> Choices {
        Choices::from([(key, text.to_owned())])
    }

    #[test]
    fn defaults_are_the_articles() {
        let settings = resolve(&[]).expect("valid");
        assert_eq!(settings.names.queue, "test-queue");
        assert_eq!((settings.scaling.polling_interval, settings.scaling.work_seconds, settings.scaling.max_replica_count), (10, 30, 100));
        assert!(settings.chosen.is_empty());
    }

    #[test]
    fn a_stronger_layer_wins() {
        let layers = [(Origin::Flag, one(Key::Queue, "a")), (Origin::Remembered, one(Key::Queue, "b"))];
        assert_eq!(resolve(&layers).expect("valid").names.queue, "a");
    }

    #[test]
    fn only_loopback_endpoints_are_on_this_machine() {
        let at = |url: &str| resolve(&[(Origin::Flag, one(Key::EndpointUrl, url))]).expect("valid").is_on_this_machine();
        assert!(resolve(&[]).expect("valid").is_on_this_machine());
        assert!(at("http://127.0.0.1:5000") && at("http://localhost:5000/") && at("http://[::1]:5000"));
        assert!(!at("https://sqs.us-east-1.amazonaws.com") && !at("http://localhost.example.com") && !at("http://10.0.0.1:1"));
    }

    #[test]
    fn an_illegal_value_names_field_value_and_origin() {
        let error = resolve(&[(Origin::Environment, one(Key::Queue, "bad queue"))]).expect_err("illegal");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--queue `bad queue`"), "{error}");
        assert!(error.hint.expect("hint").contains("from the environment"));
    }
}
