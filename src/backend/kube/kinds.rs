//! The kinds that the demo and KEDA's release touch: group, version, plural and scope.

use kube::core::{ApiResource, GroupVersionKind};

/// Whether objects of a kind live in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// They do.
    Namespaced,
    /// They belong to the whole cluster.
    Cluster,
}

/// What to write into a URL for one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KindEntry {
    /// Group, version, kind and plural.
    pub(super) resource: ApiResource,
    /// Where its objects live.
    pub(super) scope: Scope,
}

use Scope::{Cluster, Namespaced};

/// Kind, `apiVersion`, plural, scope.
const KINDS: &[(&str, &str, &str, Scope)] = &[
    ("APIService", "apiregistration.k8s.io/v1", "apiservices", Cluster),
    ("ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", Cluster),
    ("ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings", Cluster),
    ("ClusterTriggerAuthentication", "keda.sh/v1alpha1", "clustertriggerauthentications", Cluster),
    ("ConfigMap", "v1", "configmaps", Namespaced),
    ("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", Cluster),
    ("DaemonSet", "apps/v1", "daemonsets", Namespaced),
    ("Deployment", "apps/v1", "deployments", Namespaced),
    ("Endpoints", "v1", "endpoints", Namespaced),
    ("Event", "v1", "events", Namespaced),
    ("Job", "batch/v1", "jobs", Namespaced),
    ("Lease", "coordination.k8s.io/v1", "leases", Namespaced),
    ("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", Cluster),
    ("Namespace", "v1", "namespaces", Cluster),
    ("Node", "v1", "nodes", Cluster),
    ("Pod", "v1", "pods", Namespaced),
    ("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", Namespaced),
    ("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses", Cluster),
    ("ReplicaSet", "apps/v1", "replicasets", Namespaced),
    ("Role", "rbac.authorization.k8s.io/v1", "roles", Namespaced),
    ("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", Namespaced),
    ("ScaledJob", "keda.sh/v1alpha1", "scaledjobs", Namespaced),
    ("ScaledObject", "keda.sh/v1alpha1", "scaledobjects", Namespaced),
    ("Secret", "v1", "secrets", Namespaced),
    ("Service", "v1", "services", Namespaced),
    ("ServiceAccount", "v1", "serviceaccounts", Namespaced),
    ("StatefulSet", "apps/v1", "statefulsets", Namespaced),
    ("TriggerAuthentication", "keda.sh/v1alpha1", "triggerauthentications", Namespaced),
    ("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", Cluster),
];

/// The entry of `kind`; `api_version`, where a manifest gives one, must be the table's own or `None` is returned.
pub(super) fn known(kind: &str, api_version: Option<&str>) -> Option<KindEntry> {
    let (kind, own, plural, scope) = KINDS.iter().find(|(name, ..)| *name == kind)?;
    if api_version.is_some_and(|asked| asked != *own) {
        return None;
    }
    let resource = ApiResource::from_gvk_with_plural(&gvk(own, kind), plural);
    Some(KindEntry { resource, scope: *scope })
}

/// Group, version and kind of `api_version` (`v1`, `apps/v1`) and `kind`.
pub(super) fn gvk(api_version: &str, kind: &str) -> GroupVersionKind {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    GroupVersionKind::gvk(group, version, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_kind_once() {
        assert!(KINDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_kind_of_another_group_is_not_ours() {
        assert_eq!(known("Job", Some("batch/v1")).expect("known").resource.plural, "jobs");
        assert_eq!(known("Service", Some("serving.knative.dev/v1")), None);
        assert_eq!(known("Widget", None), None);
    }
}
