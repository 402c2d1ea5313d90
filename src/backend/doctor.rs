//! What `doctor` looks at: this machine, AWS, the cluster, KEDA, and what other stacks left.

use jiff::Timestamp;

use super::{
    Backend, Identity,
    aws::{permissions, surroundings},
    kube, machine,
};
use crate::core::{
    check::Check,
    error::Result,
    ops::{
        doctor::{Examination, Stage, clock, fault, leftovers, objects, rights},
        setup::plan,
    },
    ports::Census,
    settings::{Aws, Settings, Target, TriggerKind},
};

impl Backend {
    /// Everything that must be right for the stack, before its setup and after it.
    #[must_use]
    pub fn examinations(&self) -> Vec<Examination<'_>> {
        let mut all = vec![
            Examination { part: "this machine", checks: Box::pin(async { machine::checks(&self.settings.state_dir) }) },
            Examination { part: "AWS", checks: Box::pin(self.examine_aws()) },
        ];
        if self.settings.target != Target::Local {
            all.push(Examination { part: "cluster", checks: Box::pin(self.examine_cluster()) });
            all.push(Examination { part: "KEDA", checks: Box::pin(self.examine_keda()) });
        }
        all.push(Examination { part: "identities", checks: Box::pin(self.examine_identities()) });
        all.push(Examination { part: "objects", checks: Box::pin(self.examine_objects()) });
        all.push(Examination { part: "leftovers", checks: Box::pin(self.examine_leftovers()) });
        all
    }

    async fn examine_aws(&self) -> Vec<Check> {
        let Settings { place, .. } = &self.settings;
        let mut checks = vec![Check::passed("a region is chosen", format!("{} (partition {})", place.region, place.partition))];
        let name = "the credentials are accepted";
        if self.settings.aws() == Aws::Embedded {
            checks.push(Check::passed(name, format!("the embedded account {}", place.account)));
        } else {
            match surroundings::caller(&self.own(), &place.region).await {
                Ok(caller) => {
                    checks.push(Check::passed(name, format!("{} ({})", caller.arn, self.source())));
                    checks.push(self.account(&caller.account));
                    checks.push(clock("AWS", caller.clock_skew));
                    checks.push(match self.sdk(Identity::Administrator).await {
                        Ok(config) => {
                            permissions::check(&config, &caller, self.settings.trigger, self.settings.eks_cluster().is_some()).await
                        }
                        Err(error) => fault("AWS allows what setup needs", &error),
                    });
                }
                Err(error) => {
                    checks.push(fault(name, &error));
                    return checks;
                }
            }
        }
        let name = "SQS answers";
        checks.push(match self.depth().await {
            Ok(detail) => Check::passed(name, detail),
            Err(error) => fault(name, &error),
        });
        let trigger = self.settings.trigger;
        if trigger != TriggerKind::Sqs {
            let name = format!("the {} answers", trigger.source_word());
            checks.push(match self.measured().await {
                Ok(detail) => Check::passed(name, detail),
                Err(error) => fault(&name, &error),
            });
        }
        checks
    }

    fn account(&self, actual: &str) -> Check {
        let (name, wanted) = ("the account is the stack's", &self.settings.place.account);
        if actual == wanted {
            return Check::passed(name, actual);
        }
        let detail = format!("the credentials are of {actual}, the stack is in {wanted}");
        Check::failed(name, detail).repair(format!("use a --profile of account {wanted}"))
    }

    /// Where the credentials come from, as far as AWS's own variables tell.
    fn source(&self) -> String {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match self.settings.profile.clone().or_else(|| set("AWS_PROFILE")) {
            Some(profile) if self.settings.profile.is_some() || set("AWS_ACCESS_KEY_ID").is_none() => format!("profile {profile}"),
            _ if set("AWS_ACCESS_KEY_ID").is_some() => "from the environment".to_owned(),
            _ if self.settings.is_on_this_machine() => "an emulator takes any keys".to_owned(),
            _ => "from the default profile, the pod or the instance".to_owned(),
        }
    }

    /// The work queue's depth; that there is none yet is an answer, too.
    async fn depth(&self) -> Result<String> {
        match self.queue(Identity::Administrator, None).await?.depth().await {
            Ok(depth) => Ok(format!("{}: {} messages", self.settings.names.queue, depth.total())),
            Err(error) if error.kind == crate::core::error::Kind::NotFound => Ok("the queue is made by setup".to_owned()),
            Err(error) => Err(error),
        }
    }

    /// What the trigger reads at its source; that there is none yet is an answer, too.
    async fn measured(&self) -> Result<String> {
        let trigger = self.settings.trigger;
        let reading = match self.watched().await? {
            Some(metric) => metric.read().await,
            None => return Ok("it is made by setup".to_owned()),
        };
        match reading {
            Ok(reading) => Ok(format!("{}: {}", trigger.named(&self.settings.names).name(), trigger.counted(reading.value))),
            Err(error) if error.kind == crate::core::error::Kind::NotFound => Ok("it is made by setup".to_owned()),
            Err(error) => Err(error),
        }
    }

    async fn examine_cluster(&self) -> Vec<Check> {
        let mut checks = match self.preconditions().await {
            Ok(checks) => checks,
            Err(error) => return vec![fault("the EKS cluster is active", &error)],
        };
        let name = "the cluster can be reached";
        let cluster = match self.cluster().await {
            Ok(cluster) => cluster,
            Err(error) => return [checks, vec![fault(name, &error)]].concat(),
        };
        // `/version` is open to everybody: only the second question shows that the credentials are good.
        match (cluster.version().await, cluster.check().await) {
            (Ok(version), Ok(())) => checks.push(Check::passed(name, format!("{} is {version}", cluster.server()))),
            (Err(error), _) | (_, Err(error)) => return [checks, vec![fault(name, &error)]].concat(),
        }
        if let Ok(Some(seconds)) = kube::skew(cluster).await {
            checks.push(clock("the API server", seconds));
        }
        let namespace = self.settings.names.namespace.as_str();
        checks.push(self.namespace(namespace).await);
        let name = "Kubernetes allows what setup needs";
        checks.push(match kube::refused(cluster, namespace).await {
            Ok((asked, refused)) => {
                let repair = format!("kubectl create rolebinding kedactl --clusterrole admin --user NAME --namespace {namespace}");
                rights(name, asked, &refused, &repair)
            }
            Err(error) => fault(name, &error),
        });
        checks
    }

    /// What setup claims of KEDA. Before setup nothing of it is wrong: setup makes it.
    async fn examine_keda(&self) -> Vec<Check> {
        match self.controller_checks().await {
            Ok(checks) if self.is_set_up() => checks,
            Ok(checks) => checks.into_iter().map(|check| if check.is_failed() { before_setup(check) } else { check }).collect(),
            Err(error) => vec![Check::skipped("KEDA works", format!("not looked at: {error}"))],
        }
    }

    /// Whether setup has run, as this machine remembers it.
    pub(super) fn is_set_up(&self) -> bool {
        self.previous().is_ok_and(|previous| previous.is_some())
    }

    /// Whether every object of the stack is as setup makes it.
    async fn examine_objects(&self) -> Vec<Check> {
        let name = "every object is as setup makes it";
        let plan = match self.resources().await {
            Ok(resources) => plan(&resources).await,
            Err(error) => Err(error),
        };
        match plan {
            Ok(plan) => objects(&plan, if self.is_set_up() { Stage::Set } else { Stage::Before }),
            Err(error) => vec![fault(name, &error)],
        }
    }

    async fn namespace(&self, namespace: &str) -> Check {
        let name = format!("namespace {namespace} can be used");
        let object = match self.objects().await {
            Ok(objects) => objects.get("Namespace", namespace).await,
            Err(error) => Err(error),
        };
        match object {
            Ok(None) => Check::passed(name, "it is made by setup"),
            Ok(Some(object)) if object["metadata"]["deletionTimestamp"].is_string() => {
                Check::failed(name, "it is being deleted").repair(format!("kubectl wait --for delete namespace/{namespace}"))
            }
            Ok(Some(_)) => Check::passed(name, "it is there"),
            Err(error) => fault(&name, &error),
        }
    }

    async fn examine_leftovers(&self) -> Vec<Check> {
        let name = "nothing is left of expired stacks";
        match self.census().await {
            Ok(census) => match census.sweep().await {
                Ok(sweep) => leftovers(&sweep, Timestamp::now()),
                Err(error) => vec![fault(name, &error)],
            },
            Err(error) => vec![Check::skipped(name, format!("not looked at: {error}"))],
        }
    }
}

fn before_setup(check: Check) -> Check {
    let detail = if check.detail.is_empty() { "setup sees to it".to_owned() } else { format!("{}; setup sees to it", check.detail) };
    Check::skipped(check.name, detail)
}
