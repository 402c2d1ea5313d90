//! `target`: where the demo runs, which setting says so, and what may be chosen instead.

use serde::Serialize;

use super::setup::check_same_place;
use crate::core::{
    error::{Error, Result},
    settings::{Choices, Key, Layer, Origin, Settings, Target, given},
    stack::StackName,
};

/// The settings that say where the demo runs, in the order in which they are shown.
const SHOWN: [Key; 12] = [
    Key::Target,
    Key::Region,
    Key::Account,
    Key::Profile,
    Key::EndpointUrl,
    Key::Cluster,
    Key::Context,
    Key::Namespace,
    Key::KedaNamespace,
    Key::Auth,
    Key::AuthScope,
    Key::Controller,
];

/// Where one stack runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Whereabouts {
    /// The stack.
    pub stack: StackName,
    /// Whether setup has run: then only teardown can move it.
    pub is_set_up: bool,
    /// The target in force.
    pub target: Target,
    /// Every setting that matters, with where it came from.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name, which is also its flag's.
    pub name: &'static str,
    /// Its value; absent when there is none.
    pub value: Option<String>,
    /// Where it came from; absent when it follows from the others.
    pub origin: Option<Origin>,
}

/// Where the stack of `settings`, resolved from `layers`, runs.
#[must_use]
pub fn whereabouts(settings: &Settings, layers: &[Layer]) -> Whereabouts {
    let is_set_up = layers.iter().any(|(origin, _)| *origin == Origin::Remembered);
    let settings_shown = SHOWN.into_iter().map(|key| setting(settings, layers, key)).collect();
    Whereabouts { stack: settings.stack.clone(), is_set_up, target: settings.target, settings: settings_shown }
}

fn setting(settings: &Settings, layers: &[Layer], key: Key) -> Setting {
    let found = given(layers, key);
    let away = settings.target != Target::Local;
    let value = match key {
        Key::Target => Some(settings.target.word().to_owned()),
        Key::Region => Some(settings.place.region.clone()),
        // Away from this machine nobody knows it before STS is asked.
        Key::Account if away => found.as_ref().map(|(text, _)| text.clone()),
        Key::Account => Some(settings.place.account.clone()),
        Key::Profile => settings.profile.clone(),
        Key::EndpointUrl => settings.endpoint_url.clone(),
        Key::Cluster => settings.eks_cluster().map(str::to_owned),
        Key::Context => settings.context.clone(),
        Key::Namespace => Some(settings.names.namespace.clone()),
        Key::KedaNamespace => Some(settings.names.keda_namespace.clone()),
        Key::Auth => word(&settings.auth),
        Key::AuthScope => word(&settings.auth_scope),
        Key::Controller => word(&settings.controller),
        _ => None,
    };
    let as_given = found.filter(|(text, _)| value.as_deref() == Some(text));
    let is_default = value.is_some() && value.as_deref() == key.default_value();
    let origin = as_given.map(|(_, origin)| origin).or(is_default.then_some(Origin::Default));
    Setting { name: key.name(), value, origin }
}

fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

/// One stack that this machine remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remembered {
    /// Its name.
    pub stack: StackName,
    /// Whether setup has run; else it was only chosen where it shall.
    pub is_set_up: bool,
    /// Its target's word.
    pub target: String,
    /// Its region, where it is not the default.
    pub region: Option<String>,
    /// Its EKS cluster, or its context where there is none.
    pub cluster: Option<String>,
    /// When it expires, if it does (RFC 3339).
    pub expires_at: Option<String>,
}

/// What is remembered of each of `stacks`.
#[must_use]
pub fn remembered(stacks: &[(StackName, Layer)]) -> Vec<Remembered> {
    let one = |(stack, (origin, choices)): &(StackName, Layer)| {
        let text = |key: Key| choices.get(&key).cloned();
        Remembered {
            stack: stack.clone(),
            is_set_up: *origin == Origin::Remembered,
            target: text(Key::Target).unwrap_or_else(|| Target::default().word().to_owned()),
            region: text(Key::Region),
            cluster: text(Key::Cluster).or_else(|| text(Key::Context)),
            expires_at: text(Key::ExpiresAt),
        }
    };
    stacks.iter().map(one).collect()
}

/// Refuses to choose another place for a stack that is set up as `previous`; `wanted` is what was asked for.
///
/// # Errors
/// `Input`, naming the first setting that differs.
pub fn check_movable(previous: &Settings, wanted: &Choices) -> Result<()> {
    let layers = [(Origin::Flag, wanted.clone())];
    let target = crate::core::settings::target(&layers)?;
    if target != previous.target {
        let why = format!("stack `{}` is set up with `{}`", previous.stack, previous.target.word());
        let hint = "run `kedactl teardown` first, or use another stack: `kedactl target --stack NAME`";
        return Err(Error::input("target", target.word(), why).hint(hint));
    }
    let layers = [layers[0].clone(), (Origin::Remembered, previous.chosen.clone())];
    let moved = Settings::resolve(previous.stack.clone(), previous.state_dir.clone(), &previous.place.account, &layers)?;
    check_same_place(previous, &moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(given: &[(Key, &str)]) -> Choices {
        given.iter().map(|(key, text)| (*key, (*text).to_owned())).collect()
    }

    fn resolved(layers: &[Layer]) -> Settings {
        Settings::resolve(StackName::default(), "/s".into(), "123456789012", layers).expect("valid")
    }

    #[test]
    fn every_setting_names_where_it_came_from() {
        let layers = [
            (Origin::Flag, choices(&[(Key::Namespace, "video")])),
            (Origin::Environment, choices(&[(Key::Namespace, "other"), (Key::Region, "eu-west-1")])),
            (Origin::Chosen, choices(&[(Key::Target, "cluster"), (Key::Context, "kind-video")])),
        ];
        let found = whereabouts(&resolved(&layers), &layers);
        let origin = |name: &str| found.settings.iter().find(|one| one.name == name).map(|one| (one.value.as_deref(), one.origin));
        assert_eq!(origin("namespace"), Some((Some("video"), Some(Origin::Flag))));
        assert_eq!(origin("region"), Some((Some("eu-west-1"), Some(Origin::Environment))));
        assert_eq!(origin("context"), Some((Some("kind-video"), Some(Origin::Chosen))));
        assert_eq!(origin("auth"), Some((Some("secret"), None)), "it follows from the target");
        assert_eq!(origin("account"), Some((None, None)), "STS was not asked");
        assert_eq!(origin("controller"), Some((Some("auto"), Some(Origin::Default))));
        assert!(!found.is_set_up);
    }

    #[test]
    fn a_stack_that_is_set_up_stays_where_it_is() {
        let chosen = choices(&[(Key::Target, "eks"), (Key::Cluster, "video"), (Key::Region, "eu-west-1"), (Key::Account, "123456789012")]);
        let previous = resolved(&[(Origin::Remembered, chosen)]);
        let to = |given: &[(Key, &str)]| check_movable(&previous, &choices(given));
        to(&[(Key::Target, "eks"), (Key::Cluster, "video")]).expect("the same place");
        for elsewhere in [
            &[(Key::Target, "local")][..],
            &[(Key::Target, "eks"), (Key::Cluster, "other")],
            &[(Key::Target, "eks"), (Key::Cluster, "video"), (Key::Region, "us-east-1")],
        ] {
            let error = to(elsewhere).expect_err("elsewhere");
            assert_eq!(error.exit_code(), 2);
            assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("kedactl teardown")), "{error:?}");
        }
    }
}
