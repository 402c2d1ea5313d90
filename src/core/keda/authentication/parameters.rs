//! The parameters that a TriggerAuthentication gives, source by source: a later source replaces what an earlier one gave.

use std::collections::BTreeMap;

use super::{Objects, Question, Resolved};
use crate::core::{
    error::Result,
    keda::{
        environment::{self, Lookup, SecretAccess, Store},
        manifest::trigger_authentication::{KINDS, KeyRef, TriggerAuthenticationSpec, Variable},
    },
};

/// The way out where a source cannot be read.
const INSTEAD: &str = "put the values into a Secret and name it in secretTargetRef, or give the trigger a value with `--assume NAME=VALUE`";

/// Parameters and identity as the reference alone gives them.
pub(super) fn resolve(question: &Question<'_>, objects: Objects<'_>) -> Result<Resolved> {
    let mut reader = Reader { question, objects, resolved: Resolved::default() };
    if let Some(spec) = question.spec() {
        reader.take(spec)?;
    } else if question.reference.is_some() {
        reader.note_missing();
    }
    Ok(reader.resolved)
}

struct Reader<'a> {
    question: &'a Question<'a>,
    objects: Objects<'a>,
    resolved: Resolved,
}

impl Reader<'_> {
    fn take(&mut self, spec: &TriggerAuthenticationSpec) -> Result<()> {
        self.resolved.identity = spec.pod_identity.clone().unwrap_or_default();
        for variable in &spec.env {
            self.variable(variable);
        }
        if !spec.file_path.is_empty() {
            return self.file();
        }
        for (store, list, lookup) in [
            (Store::ConfigMap, &spec.config_map_target_ref, self.objects.referenced),
            (Store::Secret, &spec.secret_target_ref, self.objects.referenced),
        ] {
            for key in list {
                self.key(store, key, lookup);
            }
        }
        let vault = spec.hashi_corp_vault.as_ref().is_some_and(|vault| !vault.secrets.is_empty());
        let key_vault = spec.azure_key_vault.as_ref().is_some_and(|vault| !vault.secrets.is_empty());
        for (field, is_given) in [("spec.hashiCorpVault", vault), ("spec.azureKeyVault", key_vault)] {
            if is_given {
                return Err(self.question.refused(field, "this source cannot be read from here").hint(INSTEAD));
            }
        }
        self.note_unreadable(spec);
        for bound in &spec.bound_service_account_token {
            let account = &bound.service_account_name;
            let token = (self.objects.token)(account);
            if token.is_none() {
                let why = format!("no token of service account `{account}` can be had in namespace `{}`", self.namespace());
                self.note("boundServiceAccountToken", &why, &bound.parameter);
            }
            self.give(&bound.parameter, token.unwrap_or_default());
        }
        Ok(())
    }

    /// What KEDA goes on without when it cannot be read.
    fn note_unreadable(&mut self, spec: &TriggerAuthenticationSpec) {
        let google = spec.gcp_secret_manager.iter().flat_map(|manager| manager.secrets.iter().map(|secret| &secret.parameter));
        let amazon = spec.aws_secret_manager.iter().flat_map(|manager| manager.secrets.iter().map(|secret| &secret.parameter));
        let all = google.map(|parameter| ("gcpSecretManager", parameter)).chain(amazon.map(|parameter| ("awsSecretManager", parameter)));
        for (field, parameter) in all {
            self.resolved.notes.push(format!(
                "spec.{field} of {} cannot be read from here, so that the parameter `{parameter}` is not given: {INSTEAD}",
                self.question.shown()
            ));
        }
        if spec.oauth2.is_some() {
            let shown = self.question.shown();
            self.resolved.notes.push(format!("spec.oauth2 of {shown} is passed over: no trigger that can be read here takes it"));
        }
    }

    fn variable(&mut self, variable: &Variable) {
        let Variable { parameter, name, container_name } = variable;
        let container = container_name.as_deref();
        let value = match self.question.pod {
            None => Err("the workload has no pod template".to_owned()),
            Some(pod) => match environment::resolve(pod, container, SecretAccess::Allowed, self.objects.own) {
                Ok(mut env) => env.remove(name).ok_or_else(|| {
                    let container = container
                        .filter(|name| !name.is_empty())
                        .map_or("the first container".to_owned(), |name| format!("container `{name}`"));
                    format!("{container} has no variable `{name}`")
                }),
                Err(error) => Err(error.to_string()),
            },
        };
        let value = value.unwrap_or_else(|why| {
            self.note("env", &why, parameter);
            String::new()
        });
        self.give(parameter, value);
    }

    /// A file of KEDA's operator, which nobody else has.
    fn file(&self) -> Result<()> {
        let question = self.question;
        let field = "spec.filePath";
        Err(if question.is_cluster_wide() {
            question.refused(field, "it names a file in the pod of KEDA's operator, which cannot be read from here").hint(INSTEAD)
        } else {
            question.refused(field, "only a ClusterTriggerAuthentication may have one").hint(format!("make it a {}", KINDS[1]))
        })
    }

    fn key(&mut self, store: Store, target: &KeyRef, lookup: &Lookup<'_>) {
        let KeyRef { parameter, name, key } = target;
        let is_complete = !name.is_empty() && !key.is_empty() && !self.namespace().is_empty();
        let data = if is_complete { lookup(store, name) } else { None };
        let kind = store.kind();
        let value = match data.map(|mut data: BTreeMap<String, String>| data.remove(key)) {
            _ if !is_complete => Err(format!("a {kind} is read by its name and a key")),
            None => Err(format!("there is no {kind} `{name}` in namespace `{}`", self.namespace())),
            Some(None) => Err(format!("{kind} `{name}` in namespace `{}` has no key `{key}`", self.namespace())),
            Some(Some(value)) => Ok(value),
        };
        let value = value.unwrap_or_else(|why| {
            let field = if store == Store::Secret { "secretTargetRef" } else { "configMapTargetRef" };
            self.note(field, &why, parameter);
            String::new()
        });
        self.give(parameter, value);
    }

    fn namespace(&self) -> &str {
        self.question.referenced_namespace()
    }

    fn give(&mut self, parameter: &str, value: String) {
        self.resolved.parameters.insert(parameter.to_owned(), value);
    }

    fn note(&mut self, field: &str, why: &str, parameter: &str) {
        let shown = self.question.shown();
        self.resolved.notes.push(format!("spec.{field} of {shown}: {why}; the parameter `{parameter}` is empty"));
    }

    fn note_missing(&mut self) {
        let question = self.question;
        let place = if question.is_cluster_wide() { String::new() } else { format!(" in namespace `{}`", question.namespace) };
        self.resolved.notes.push(format!("there is no {}{place}: the trigger goes without it", question.shown()));
    }
}
