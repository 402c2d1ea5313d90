//! What the stack's trigger watches, as it is now: asked as KEDA asks, in the person's own name.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    Backend, Identity,
    aws::{clients::Clients, metric::metric},
};
use crate::core::{
    error::{Error, Kind, Result},
    facts::Facts,
    keda::{authorization::AwsAuthorization, metadata::Sources, trigger::TriggerMetadata},
    ports::Metric,
    settings::ScalingKind,
    template::Template,
};

impl Backend {
    /// What reads the source of the stack's trigger; `None` where there is no such source yet.
    ///
    /// # Errors
    /// When AWS cannot be asked.
    pub async fn watched(&self) -> Result<Option<Arc<dyn Metric>>> {
        let metadata = self.trigger_metadata()?;
        let clients = Clients::new(self.sdk(Identity::Administrator).await?);
        match metric(0, metadata, AwsAuthorization::Operator, &clients).await {
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            built => built,
        }
    }

    /// The trigger's parameters, from the manifest that setup makes.
    fn trigger_metadata(&self) -> Result<TriggerMetadata> {
        let template = match self.settings.kind {
            ScalingKind::ScaledJob => Template::ScaledJob,
            ScalingKind::ScaledObject => Template::ScaledObject,
        };
        let fault = |why: String| Error::failed(format!("could not read the template {template:?}"), why);
        let text = template.render(&Facts::new(&self.settings, ""))?;
        let object: Value = serde_saphyr::from_str(&text).map_err(|error| fault(error.to_string()))?;
        let trigger: BTreeMap<String, String> =
            serde_json::from_value(object["spec"]["triggers"][0]["metadata"].clone()).map_err(|error| fault(error.to_string()))?;
        let none = BTreeMap::new();
        TriggerMetadata::parse(self.settings.trigger.word(), None, Sources { trigger: &trigger, auth: &none, env: &none })
    }
}
