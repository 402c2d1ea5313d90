//! Which cluster the kubeconfig means: several files, a context by name, or the pod that this runs in.

use std::{env, path::PathBuf};

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::proxy;
use crate::core::error::{Error, Kind, Result};

/// A context's cluster and credentials.
pub(super) struct Chosen {
    /// How to reach it.
    pub(super) config: Config,
    /// The context's name; absent within a pod.
    pub(super) context: Option<String>,
}

/// The cluster of `context`, or of the current context, or of the pod that this runs in.
pub(super) async fn choose(context: Option<&str>) -> Result<Chosen> {
    let files = files();
    if files.is_empty() && context.is_none() {
        let config = Config::incluster().map_err(|_| nothing())?;
        return Ok(Chosen { config, context: None });
    }
    choose_from(&files, context).await
}

/// The cluster of `context`, or of the current context, in `files`.
pub(super) async fn choose_from(files: &[PathBuf], context: Option<&str>) -> Result<Chosen> {
    let merged = files.iter().try_fold(Kubeconfig::default(), |merged, file| merged.merge(Kubeconfig::read_from(file)?));
    let kubeconfig = merged.map_err(|error| unusable(&error))?;
    let named = context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone());
    let Some(name) = named.filter(|name| !name.is_empty()) else { return Err(nothing()) };
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    if !known.contains(&name.as_str()) {
        let why = if known.is_empty() { "the kubeconfig has no contexts".to_owned() } else { format!("there are: {}", known.join(", ")) };
        return Err(Error::input("context", &name, why).hint("see `kubectl config get-contexts`, then use `--context NAME`"));
    }
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let own_proxy = has_own_proxy(&kubeconfig, &name);
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| unusable(&error))?;
    if !own_proxy {
        config.proxy_url = proxy::of_environment(&config.cluster_url);
    }
    Ok(Chosen { config, context: Some(name) })
}

/// Whether the cluster of `context` says itself which proxy leads to it.
fn has_own_proxy(kubeconfig: &Kubeconfig, context: &str) -> bool {
    let context = kubeconfig.contexts.iter().find(|named| named.name == context).and_then(|named| named.context.as_ref());
    let cluster = context.and_then(|context| kubeconfig.clusters.iter().find(|named| named.name == context.cluster));
    let proxy = cluster.and_then(|named| named.cluster.as_ref()?.proxy_url.as_ref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

/// The kubeconfig files that exist: those that `KUBECONFIG` lists, or the one in the home directory.
fn files() -> Vec<PathBuf> {
    let listed = env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    let paths: Vec<PathBuf> = match listed {
        Some(list) => env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    };
    paths.into_iter().filter(|path| path.exists()).collect()
}

fn nothing() -> Error {
    Error::new(Kind::Input, "could not choose a cluster", "no kubeconfig names a current context, and this is no pod")
        .hint("set KUBECONFIG, or use `--context NAME`: see `kubectl config get-contexts`")
}

fn unusable(error: &KubeconfigError) -> Error {
    let error = Error::new(Kind::Input, "could not use the kubeconfig", error.to_string());
    error.hint("see `kubectl config view`, or use `--context NAME`")
}
