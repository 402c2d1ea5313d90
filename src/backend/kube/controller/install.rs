//! KEDA itself as a resource: whichever way it comes, others may scale by it, and only the stack that installed it removes it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::{Order, helm::Helm, manifest, reach::Reach, source};
use crate::core::{
    controller::{Choice, Found, Install, Installer, Origin, Program, Refusal, Release, Wish, check, choose, release_url},
    error::{Error, Kind, Result},
    managed::{Managed, drifted},
    plan::{Difference, Observed, ResourceId, Scope},
    readiness::Readiness,
    settings::Controller,
};

/// Longer than helm's own wait.
const PATIENCE: Duration = Duration::from_secs(330);
/// KEDA's kinds that scale, of which none may be left when KEDA goes.
const SCALING: &[&str] = &["ScaledJob", "ScaledObject"];

/// KEDA on a cluster.
pub(super) struct Keda {
    reach: Reach,
    order: Order,
    helm: Helm,
    release: OnceCell<Release>,
}

impl Keda {
    pub(super) fn new(reach: Reach, order: Order) -> Self {
        let helm = Helm::new(&reach.cluster, &reach.namespace, order.helm.clone());
        let helm = helm.with(&order.release, order.values.clone(), order.folder.clone());
        Self { reach, order, helm, release: OnceCell::new() }
    }

    fn wish(&self) -> Wish<'_> {
        let settings = &self.order.settings;
        Wish {
            controller: settings.controller,
            keda_namespace: &settings.names.keda_namespace,
            namespace: &settings.names.namespace,
            stack: settings.stack.as_str(),
            helm: if self.order.helm.is_some() { Program::Present } else { Program::Absent },
        }
    }

    /// Where the release manifest is: what was given, or the pinned release.
    fn place(&self) -> String {
        self.order.settings.keda_manifest.clone().unwrap_or_else(|| release_url(&self.order.release))
    }

    /// The release manifest, read once.
    async fn release(&self) -> Result<&Release> {
        let read = async || {
            let place = self.place();
            let release = Release::read(&source::read(&place).await?, &place, self.order.stack(), &self.reach.namespace)?;
            release.check_sha256(self.order.settings.keda_manifest_sha256.as_deref())?;
            Ok(release)
        };
        self.release.get_or_try_init(read).await
    }

    /// What stands in the way of installing by `installer` on the server in `found`, if anything does.
    async fn obstacle(&self, installer: Installer, found: &Found) -> Result<Option<Refusal>> {
        let given = self.order.settings.keda_manifest.is_some() && installer == Installer::Manifest;
        let version = if given {
            match self.release().await {
                Ok(release) => release.version.clone().unwrap_or_default(),
                Err(error) => {
                    let hint = error.hint.clone().unwrap_or_default();
                    return Ok(Some(Refusal { why: error.to_string(), hint }));
                }
            }
        } else {
            self.order.release.clone()
        };
        Ok(check(&version, &found.server).err())
    }

    /// How the KEDA that we installed differs from one that works.
    async fn differences(&self, installer: Installer, install: &Install) -> Result<Vec<Difference>> {
        let differ = |field: &str, actual: String, wanted: &str| Difference { field: field.to_owned(), actual, wanted: wanted.to_owned() };
        let mut found = Vec::new();
        match (installer, &install.origin) {
            (Installer::Helm, Origin::Helm { status: Some(status), .. }) if status != "deployed" => {
                found.push(differ("helm release", status.clone(), "deployed"));
            }
            (Installer::Manifest, _) => {
                let applied = install.release.clone().unwrap_or_default();
                let wanted = self.wanted_digest().await?;
                if applied.is_empty() || wanted.as_ref().is_some_and(|wanted| *wanted != applied) {
                    found.push(differ("release", applied, wanted.as_deref().unwrap_or("applied")));
                }
            }
            _ => {}
        }
        for (name, state) in manifest::unavailable(&self.reach, self.order.stack()).await? {
            if let Readiness::Waiting(why) | Readiness::Failed(why) = state {
                found.push(differ(&format!("deployment {name}"), why, "available"));
            }
        }
        Ok(found)
    }

    /// The digest that the manifest in force must have, where that is known without a download.
    async fn wanted_digest(&self) -> Result<Option<String>> {
        let settings = &self.order.settings;
        match (&settings.keda_manifest_sha256, &settings.keda_manifest) {
            (Some(digest), _) => Ok(Some(digest.clone())),
            (None, Some(place)) if !source::is_remote(place) => match self.release().await {
                Ok(release) => Ok(Some(release.sha256.clone())),
                // The file may be gone by now; KEDA is there.
                Err(_) => Ok(None),
            },
            _ => Ok(None),
        }
    }

    async fn bring_about(&self) -> Result<()> {
        let found = self.reach.find().await?;
        if self.helm.is_at_work() {
            return self.helm.install().await;
        }
        let installer = match choose(&self.wish(), &found).map_err(|refusal| self.refused(refusal))? {
            Choice::Install(installer) => {
                let left = manifest::owned(&self.reach, self.order.stack()).await?;
                // What a stopped run has begun is completed the same way.
                if left.is_empty() { installer } else { Installer::Manifest }
            }
            Choice::Ours(installer, install) if self.differences(installer, &install).await?.iter().all(is_waiting) => {
                return manifest::check_available(&self.reach, self.order.stack()).await;
            }
            Choice::Ours(installer, _) => installer,
            Choice::Use(_) => return Ok(()),
        };
        if let Some(refusal) = self.obstacle(installer, &found).await? {
            return Err(self.refused(refusal));
        }
        match installer {
            Installer::Helm => self.helm.install().await,
            Installer::Manifest => manifest::install(&self.reach, self.release().await?, self.order.stack()).await,
        }
    }

    fn refused(&self, refusal: Refusal) -> Error {
        Error::failed(format!("could not set up {}", Managed::id(self)), refusal.why).hint(refusal.hint)
    }

    /// Refuses to remove KEDA while anything still scales by it: its definitions take every such object with them.
    async fn check_unused(&self) -> Result<()> {
        let mut left = Vec::new();
        for kind in SCALING {
            for object in self.reach.everywhere(kind, "").await? {
                let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
                left.push(format!("{kind} {}/{}", text("namespace"), text("name")));
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let shown: Vec<&str> = left.iter().take(5).map(String::as_str).collect();
        let more = if left.len() > shown.len() { format!(" and {} more", left.len() - shown.len()) } else { String::new() };
        let why = format!("{}{more} would be deleted with it", shown.join(", "));
        Err(Error::new(Kind::Busy, "KEDA was left alone", why)
            .hint("delete them first, or keep KEDA: run `kedactl teardown` without --controller"))
    }
}

/// Whether `difference` goes away by itself: nothing must be applied for it.
fn is_waiting(difference: &Difference) -> bool {
    difference.wanted == "available"
}

#[async_trait]
impl Managed for Keda {
    fn id(&self) -> ResourceId {
        ResourceId::new("keda", self.reach.namespace.clone())
    }

    fn scope(&self) -> Scope {
        Scope::Controller
    }

    fn patience(&self) -> Option<Duration> {
        Some(PATIENCE)
    }

    fn replaces(&self) -> Vec<String> {
        let helm = self.order.helm.is_some();
        match self.order.settings.controller {
            Controller::Existing | Controller::InProcess => Vec::new(),
            Controller::Manifest => vec![format!("kubectl apply --server-side -f {}", self.place())],
            Controller::Auto if !helm => vec![format!("kubectl apply --server-side -f {}", self.place())],
            Controller::Auto | Controller::Helm => vec![self.helm.replaces()],
        }
    }

    async fn look(&self) -> Result<Observed> {
        if self.helm.is_at_work() {
            let difference = Difference { field: "helm".to_owned(), actual: "at work".to_owned(), wanted: "done".to_owned() };
            return Ok(drifted(vec![difference]));
        }
        let found = self.reach.find().await?;
        match choose(&self.wish(), &found) {
            Err(Refusal { why, hint }) => Ok(Observed::Refused { why, hint }),
            Ok(Choice::Use(install)) => Ok(Observed::Foreign { why: install.describe() }),
            Ok(Choice::Ours(installer, install)) => Ok(drifted(self.differences(installer, &install).await?)),
            Ok(Choice::Install(installer)) => {
                let left = manifest::owned(&self.reach, self.order.stack()).await?;
                if !left.is_empty() {
                    let actual = format!("{} of its objects", left.len());
                    return Ok(drifted(vec![Difference { field: "release".to_owned(), actual, wanted: "applied".to_owned() }]));
                }
                Ok(match self.obstacle(installer, &found).await? {
                    Some(Refusal { why, hint }) => Observed::Refused { why, hint },
                    None => Observed::Absent,
                })
            }
        }
    }

    async fn create(&self) -> Result<()> {
        self.bring_about().await
    }

    async fn repair(&self, _differences: &[Difference]) -> Result<()> {
        self.bring_about().await
    }

    async fn remove(&self) -> Result<()> {
        self.check_unused().await?;
        let found = self.reach.find().await?;
        let ours = found.installs.iter().find(|install| install.stack.as_deref() == Some(self.order.stack()));
        if let Some(Origin::Helm { release, .. }) = ours.map(|install| &install.origin) {
            self.helm.uninstall(release).await?;
        }
        manifest::uninstall(&self.reach, self.order.stack()).await
    }
}
