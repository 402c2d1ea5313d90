//! What is done about KEDA, given what was found and what was asked for.

use super::{
    found::{Found, Install, Origin},
    matrix::Refusal,
};
use crate::core::settings::Controller;

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// How KEDA is to come about.
    pub controller: Controller,
    /// The namespace that KEDA is expected in.
    pub keda_namespace: &'a str,
    /// The workload's namespace, which KEDA must look at.
    pub namespace: &'a str,
    /// The stack.
    pub stack: &'a str,
    /// Whether helm is there.
    pub helm: Program,
}

/// Whether a program is on the PATH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

/// What installs KEDA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installer {
    /// The helm program, with KEDA's chart.
    Helm,
    /// Server-side apply of KEDA's release manifest.
    Manifest,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// There is none: install it.
    Install(Installer),
    /// This stack installed it, in whole or in part: see that it is whole.
    Ours(Installer, Box<Install>),
    /// Somebody else installed it: use it.
    Use(Box<Install>),
}

/// Decides.
///
/// # Errors
/// Why there is nothing that can be done, and the way out.
pub fn choose(wish: &Wish<'_>, found: &Found) -> Result<Choice, Refusal> {
    let refused = |why: String, hint: String| Err(Refusal { why, hint });
    let install = match found.installs.as_slice() {
        [] => return absent(wish, found),
        [one] => one,
        several => {
            let list: Vec<String> = several.iter().map(Install::describe).collect();
            return refused(
                format!("there are {} KEDA operators, which would fight over the same objects: {}", several.len(), list.join("; ")),
                "remove all but one, or use `--controller in-process`".to_owned(),
            );
        }
    };
    if install.namespace != wish.keda_namespace {
        return refused(
            format!("{} is not in namespace `{}`", install.describe(), wish.keda_namespace),
            format!("pass `--keda-namespace {}`", install.namespace),
        );
    }
    if !install.watch.covers(wish.namespace) {
        return refused(
            format!("{} does not look at namespace `{}` (WATCH_NAMESPACE)", install.describe(), wish.namespace),
            "use a --namespace that it looks at, or let it look at all: set WATCH_NAMESPACE to an empty value".to_owned(),
        );
    }
    if let Origin::Helm { release, status: Some(status) } = &install.origin
        && status.starts_with("pending")
    {
        return refused(format!("the helm release `{release}` is {status}"), unfinished(release, &install.namespace));
    }
    if install.stack.as_deref() != Some(wish.stack) {
        return Ok(Choice::Use(Box::new(install.clone())));
    }
    let installer = if matches!(install.origin, Origin::Helm { .. }) { Installer::Helm } else { Installer::Manifest };
    Ok(Choice::Ours(installer, Box::new(install.clone())))
}

fn absent(wish: &Wish<'_>, found: &Found) -> Result<Choice, Refusal> {
    let refused = |why: String, hint: &str| Err(Refusal { why, hint: hint.to_owned() });
    if wish.controller == Controller::Existing {
        return refused("no KEDA was found in any namespace".to_owned(), "use `--controller helm`, `manifest` or `in-process`");
    }
    if let Some(service) = &found.external_metrics
        && !service.contains("/keda-")
    {
        return refused(
            format!("the external metrics of this cluster belong to another adapter, `{service}`, and KEDA would take them away from it"),
            "use `--controller in-process`, or remove that adapter",
        );
    }
    if let Some((namespace, release, status)) =
        found.pending.iter().find(|(namespace, release, _)| namespace == wish.keda_namespace && release == "keda")
    {
        return refused(format!("the helm release `{release}` is {status}"), &unfinished(release, namespace));
    }
    match (wish.controller, wish.helm) {
        (Controller::Helm, Program::Absent) => {
            refused("the program `helm` is not on the PATH".to_owned(), "install helm, or use `--controller manifest`")
        }
        (Controller::Helm | Controller::Auto, Program::Present) => Ok(Choice::Install(Installer::Helm)),
        _ => Ok(Choice::Install(Installer::Manifest)),
    }
}

/// What to do about a release whose helm was stopped half way.
fn unfinished(release: &str, namespace: &str) -> String {
    format!(
        "a helm was stopped half way: run `helm rollback {release} --namespace {namespace}`, or for a first install \
         `helm uninstall {release} --namespace {namespace}`; then run this again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::controller::Watch;

    const WISH: Wish<'static> =
        Wish { controller: Controller::Auto, keda_namespace: "keda", namespace: "default", stack: "demo", helm: Program::Absent };

    fn install() -> Install {
        Install::usual(Watch::All)
    }

    fn found(installs: Vec<Install>) -> Found {
        Found { server: "v1.30.0".into(), installs, definitions: vec![], external_metrics: None, pending: vec![] }
    }

    #[test]
    fn without_a_keda_helm_is_preferred_where_it_is() {
        let choose = |controller, helm| choose(&Wish { controller, helm, ..WISH }, &found(vec![]));
        assert_eq!(choose(Controller::Auto, Program::Absent), Ok(Choice::Install(Installer::Manifest)));
        assert_eq!(choose(Controller::Auto, Program::Present), Ok(Choice::Install(Installer::Helm)));
        assert_eq!(choose(Controller::Manifest, Program::Present), Ok(Choice::Install(Installer::Manifest)));
        assert!(choose(Controller::Helm, Program::Absent).expect_err("no helm").why.contains("helm"));
        assert!(choose(Controller::Existing, Program::Present).expect_err("no keda").why.contains("no KEDA"));
    }

    #[test]
    fn a_keda_that_is_there_is_used_however_it_came() {
        for controller in [Controller::Auto, Controller::Helm, Controller::Manifest, Controller::Existing] {
            let chosen = choose(&Wish { controller, ..WISH }, &found(vec![install()]));
            assert_eq!(chosen, Ok(Choice::Use(Box::new(install()))));
        }
        let ours = Install { stack: Some("demo".into()), ..install() };
        assert_eq!(choose(&WISH, &found(vec![ours.clone()])), Ok(Choice::Ours(Installer::Manifest, Box::new(ours))));
        let others = Install { stack: Some("other".into()), ..install() };
        assert!(matches!(choose(&WISH, &found(vec![others])), Ok(Choice::Use(_))));
    }

    #[test]
    fn what_stands_in_the_way_is_named_with_the_way_out() {
        let elsewhere = Install { namespace: "scaling".into(), ..install() };
        let blind = Install { watch: Watch::Only(vec!["a".into()]), ..install() };
        let half = Install { origin: Origin::Helm { release: "keda".into(), status: Some("pending-install".into()) }, ..install() };
        let cases = [
            (vec![install(), elsewhere.clone()], "2 KEDA operators", "remove all but one"),
            (vec![elsewhere], "not in namespace `keda`", "--keda-namespace scaling"),
            (vec![blind], "does not look at namespace `default`", "WATCH_NAMESPACE"),
            (vec![half], "pending-install", "helm rollback keda --namespace keda"),
        ];
        for (installs, why, hint) in cases {
            let refusal = choose(&WISH, &found(installs)).expect_err(why);
            assert!(refusal.why.contains(why) && refusal.hint.contains(hint), "{refusal:?}");
        }
    }

    #[test]
    fn another_adapter_of_external_metrics_is_never_pushed_aside() {
        let taken = Found { external_metrics: Some("monitoring/prometheus-adapter".into()), ..found(vec![]) };
        let refusal = choose(&WISH, &taken).expect_err("a clash");
        assert!(refusal.why.contains("monitoring/prometheus-adapter"), "{refusal:?}");
        let left_over = Found { external_metrics: Some("keda/keda-operator-metrics-apiserver".into()), ..found(vec![]) };
        assert!(choose(&WISH, &left_over).is_ok());
    }
}
