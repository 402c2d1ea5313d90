//! What a run makes so that its triggers can be read: an identity like KEDA's, of its own, and the sources that they name.

use std::sync::Arc;

use aws_config::SdkConfig;

use super::{Attachment, Cluster, Holder, Issuer, ManagedPolicy, OidcProvider, Role, Shared, Wording, source};
use crate::core::{needs::Order, ports::Resource, settings::Settings, stack::Place};

/// What `order` makes, in the order in which it is made, in the name of the stack that `settings` describe; `config` gives the way
/// to a region. The cluster and its issuer come first: KEDA's tokens are theirs.
#[must_use]
pub fn trial(config: &dyn Fn(&str) -> SdkConfig, settings: &Settings, order: &Order) -> Vec<Box<dyn Resource>> {
    let own = config(&settings.place.region);
    let shared = Arc::new(Shared::new(&own, settings, &Issuer::new(&own, settings, None)));
    let mut all: Vec<Box<dyn Resource>> = Vec::new();
    if !order.roles.is_empty() {
        all.push(Box::new(Cluster { shared: shared.clone() }));
        all.push(Box::new(OidcProvider { shared: shared.clone() }));
    }
    for wanted in &order.roles {
        let (shared, role, path) = (|| shared.clone(), wanted.name.clone(), wanted.path.clone());
        let trust = Wording::Written(written(&wanted.trust));
        if let Some((name, document)) = &wanted.policy {
            let wording = Wording::Written(written(document));
            all.push(Box::new(ManagedPolicy { shared: shared(), name: name.clone(), wording, file: "policy.json" }));
        }
        all.push(Box::new(Role { shared: shared(), name: role.clone(), path, wording: trust, file: "trust-policy.json" }));
        if let Some((policy, _)) = &wanted.policy {
            all.push(Box::new(Attachment { shared: shared(), policy: policy.clone(), holder: Holder::Role(role) }));
        }
    }
    for located in &order.sources {
        let place = Place::new(&located.region, &settings.place.account);
        let (config, settings) = (config(&located.region), Settings { place, ..settings.clone() });
        all.push(source(&config, &settings, &Issuer::new(&config, &settings, None), &located.source));
    }
    all
}

fn written(document: &crate::core::iam::Document) -> String {
    document.to_value().to_string()
}
