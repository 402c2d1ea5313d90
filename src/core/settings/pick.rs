//! Reads keys through the layers, and says what is wrong with a value.

use serde::de::DeserializeOwned;

use super::{Auth, Choices, Controller, Key, Layer, Origin, Scaling, ScalingKind, Target, TriggerKind, given};
use crate::core::error::{Error, Kind, Result};

/// The target that `layers` ask for: the one they name; else EKS where they name a cluster, and any cluster where they
/// name a context; else this machine.
///
/// # Errors
/// `Input` when there is no such target, or it contradicts what else is given.
pub fn target(layers: &[Layer]) -> Result<Target> {
    let pick = Pick { layers };
    let named = |key: Key| given(layers, key).is_some();
    let target = match given(layers, Key::Target) {
        Some(_) => pick.one_of(Key::Target, "local, cluster, eks")?,
        None if named(Key::Cluster) => Target::Eks,
        None if named(Key::Context) => Target::Cluster,
        None => Target::Local,
    };
    if target == Target::Eks && !named(Key::Cluster) {
        return Err(
            Error::input("--target", "eks", "it needs the cluster's name").hint("pass --cluster NAME; `aws eks list-clusters` has them")
        );
    }
    for key in [Key::Context, Key::Profile, Key::KedaManifest, Key::Image] {
        if let Some((text, origin)) = given(layers, key).filter(|_| target == Target::Local) {
            return Err(contradiction(key, &text, origin, "the target is local").hint("pass --target cluster or --target eks"));
        }
    }
    Ok(target)
}

fn contradiction(key: Key, text: &str, origin: Origin, why: &str) -> Error {
    let origin = if origin == Origin::Flag { String::new() } else { format!(" (the value is {origin})") };
    Error::input(format_args!("--{}", key.name()), text, format!("{why}{origin}"))
}

/// Which AWS, as far as the layers tell.
pub(super) struct RealWorld {
    pub(super) region: String,
    pub(super) endpoint_url: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) account: Option<String>,
}

/// Reads keys through the layers.
pub(super) struct Pick<'a> {
    pub(super) layers: &'a [Layer],
}

impl Pick<'_> {
    pub(super) fn real_world(&self, target: Target) -> Result<RealWorld> {
        let url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
        let endpoint_url = self.optional(Key::EndpointUrl, url, "a URL that starts with http:// or https://")?;
        if target != Target::Local && endpoint_url.is_none() && given(self.layers, Key::Region).is_none() {
            return Err(Error::new(Kind::Input, "no AWS region", "no flag, variable or profile names one")
                .hint("pass --region NAME, or set AWS_REGION"));
        }
        Ok(RealWorld {
            region: self.text(Key::Region, is_region, "a region's name, such as us-east-1")?,
            endpoint_url,
            profile: self.optional(Key::Profile, is_plain, "a profile's name, without control characters")?,
            account: self.optional(Key::Account, is_account, "twelve digits")?,
        })
    }

    pub(super) fn auth(&self, target: Target) -> Result<Auth> {
        let has_cluster = given(self.layers, Key::Cluster).is_some();
        let Some((text, origin)) = given(self.layers, Key::Auth) else {
            return Ok(if target == Target::Cluster && !has_cluster { Auth::Secret } else { Auth::Irsa });
        };
        let auth = self.one_of(Key::Auth, "irsa, pod-identity, secret")?;
        if target == Target::Local && auth != Auth::Irsa {
            return Err(contradiction(Key::Auth, &text, origin, "the local target has web identity only")
                .hint("leave it out, or pass --target cluster"));
        }
        if target == Target::Cluster && auth == Auth::PodIdentity && !has_cluster {
            return Err(contradiction(Key::Auth, &text, origin, "EKS Pod Identity needs an EKS cluster")
                .hint("pass --cluster NAME, or --auth secret"));
        }
        Ok(auth)
    }

    pub(super) fn controller(&self, target: Target) -> Result<Controller> {
        let controller = self.one_of(Key::Controller, "auto, helm, manifest, existing, in-process")?;
        if target == Target::Local {
            return match given(self.layers, Key::Controller) {
                Some((text, origin)) if !matches!(controller, Controller::Auto | Controller::InProcess) => {
                    Err(contradiction(Key::Controller, &text, origin, "the local target scales in process")
                        .hint("leave it out, or pass --target cluster"))
                }
                _ => Ok(Controller::InProcess),
            };
        }
        let from_manifest = controller == Controller::Auto && given(self.layers, Key::KedaManifest).is_some();
        Ok(if from_manifest { Controller::Manifest } else { controller })
    }

    /// What is scaled.
    ///
    /// # Errors
    /// `Input` when there is no such kind, or a setting is given that the kind has no use for.
    pub(super) fn kind(&self) -> Result<ScalingKind> {
        let kind = self.one_of(Key::Kind, "scaled-job, scaled-object")?;
        let (key, others) = match kind {
            ScalingKind::ScaledJob => (Key::CooldownPeriod, "a ScaledJob has none: its jobs end by themselves"),
            ScalingKind::ScaledObject => (Key::Strategy, "a ScaledObject has none: the HPA decides"),
        };
        match given(self.layers, key) {
            Some((text, origin)) if Some(text.as_str()) != key.default_value() => {
                Err(contradiction(key, &text, origin, others).hint("leave it out, or choose another --kind"))
            }
            _ => Ok(kind),
        }
    }

    /// What it is scaled by.
    ///
    /// # Errors
    /// `Input` when there is no such trigger.
    pub(super) fn trigger(&self) -> Result<TriggerKind> {
        self.one_of(Key::Trigger, &TriggerKind::ALL.map(TriggerKind::word).join(", "))
    }

    /// KEDA's CRD refuses a ScaledObject whose least is more than its most; a ScaledJob then has as many as its most.
    pub(super) fn bounds(&self, kind: ScalingKind, scaling: &Scaling) -> Result<()> {
        let Scaling { min_replica_count: least, max_replica_count: most, .. } = *scaling;
        if kind == ScalingKind::ScaledJob || least <= most {
            return Ok(());
        }
        let (text, origin) = self.raw(Key::MinReplicaCount).unwrap_or_else(|| (least.to_string(), Origin::Default));
        Err(contradiction(Key::MinReplicaCount, &text, origin, &format!("it must be at most --max-replica-count, which is {most}")))
    }

    fn raw(&self, key: Key) -> Option<(String, Origin)> {
        given(self.layers, key).or_else(|| key.default_value().map(|text| (text.to_owned(), Origin::Default)))
    }

    pub(super) fn optional(&self, key: Key, valid: impl Fn(&str) -> bool, rule: &str) -> Result<Option<String>> {
        match given(self.layers, key) {
            Some((text, origin)) if !valid(&text) => Err(invalid(key, &text, origin, rule)),
            found => Ok(found.map(|(text, _)| text)),
        }
    }

    /// One of the words of an enumeration, which `words` lists.
    pub(super) fn one_of<T: DeserializeOwned>(&self, key: Key, words: &str) -> Result<T> {
        let (text, origin) = self.raw(key).unwrap_or_else(|| (String::new(), Origin::Default));
        serde_json::from_value(text.as_str().into()).map_err(|_| invalid(key, &text, origin, &format!("one of {words}")))
    }

    pub(super) fn text(&self, key: Key, valid: fn(&str) -> bool, rule: &str) -> Result<String> {
        match self.raw(key) {
            Some((text, _)) if valid(&text) => Ok(text),
            Some((text, origin)) => Err(invalid(key, &text, origin, rule)),
            None => Ok(String::new()),
        }
    }

    pub(super) fn number(&self, key: Key, least: i64, most: i64) -> Result<i64> {
        let Some((text, origin)) = self.raw(key) else { return Ok(least) };
        match text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(invalid(key, &text, origin, &format!("a whole number from {least} to {most}"))),
        }
    }

    /// Away from this machine even what equals a default is remembered: where it came from may say otherwise tomorrow.
    pub(super) fn chosen(&self, target: Target) -> Choices {
        let differs =
            |key: Key| given(self.layers, key).filter(|(text, _)| target != Target::Local || Some(text.as_str()) != key.default_value());
        let mut chosen: Choices = Key::ALL.into_iter().filter_map(|key| differs(key).map(|(text, _)| (key, text))).collect();
        if target != Target::Local {
            chosen.insert(Key::Target, target.word().to_owned());
        }
        chosen
    }
}

fn invalid(key: Key, text: &str, origin: Origin, rule: &str) -> Error {
    let error = Error::input(format_args!("--{}", key.name()), text, format!("it must be {rule}"));
    match origin {
        Origin::Flag | Origin::Default => error,
        Origin::Environment | Origin::Remembered | Origin::Chosen | Origin::Aws => {
            error.hint(format!("the value is {origin}; pass --{} to override it", key.name()))
        }
    }
}

fn is_region(text: &str) -> bool {
    text.len() <= 32 && text.split('-').count() >= 3 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(super) fn is_queue_name(text: &str) -> bool {
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    text.len() <= 80 && !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

pub(super) fn is_dns_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().last())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(super) fn is_cluster_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// A name or a path that somebody else made the rules for.
pub(super) fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// The characters of an image's name, tag and digest.
pub(super) fn is_image(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
    text.len() <= 255 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(legal)
}

pub(super) fn is_strategy(text: &str) -> bool {
    matches!(text, "default" | "custom" | "accurate" | "eager")
}
