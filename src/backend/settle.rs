//! Which settings are in force: flags, environment, what is remembered, and what AWS's own configuration says.

use std::path::Path;

use super::{
    Backend, Identity,
    aws::{self, config::Own},
    emulator::ACCOUNT,
    kube::Cluster,
    memory,
};
use crate::core::{
    error::Result,
    ops::target::check_movable,
    settings::{self, Choices, Key, Layer, Origin, Settings, Target},
    stack::StackName,
};

/// The settings in force for `stack`: `flags` over `environment` over what setup remembered over AWS's own
/// configuration. Away from this machine STS is asked for the account, unless some layer names it.
///
/// # Errors
/// `Input` when a value cannot be used; `State` when what was remembered cannot be read; STS's fault.
pub async fn settle(stack: &StackName, state_dir: &Path, flags: Choices, environment: Choices) -> Result<Settings> {
    let mut layers = layers(stack, state_dir, flags, environment).await?;
    let given = |key| settings::given(&layers, key).map(|(text, _)| text);
    if let (true, Some(region), None) = (settings::target(&layers)? != Target::Local, given(Key::Region), given(Key::Account)) {
        let own = Own { profile: given(Key::Profile), endpoint_url: given(Key::EndpointUrl) };
        let account = aws::surroundings::caller(&own, &region).await?.account;
        layers.push((Origin::Aws, Choices::from([(Key::Account, account)])));
    }
    Settings::resolve(stack.clone(), state_dir.to_owned(), ACCOUNT, &layers)
}

/// Where settings of `stack` come from, the strongest first. Asks nobody: the account may be missing.
///
/// # Errors
/// `Input` when the layers contradict each other; `State` when what was remembered cannot be read.
pub async fn layers(stack: &StackName, state_dir: &Path, flags: Choices, environment: Choices) -> Result<Vec<Layer>> {
    let mut layers = vec![(Origin::Flag, flags), (Origin::Environment, environment)];
    let remembered = memory::remembered(state_dir, stack)?;
    let asked = settings::given(&layers, Key::Target).map(|(text, _)| text);
    // What was chosen for one target says nothing about another.
    if remembered.0 != Origin::Chosen || asked.is_none() || asked.as_ref() == remembered.1.get(&Key::Target) {
        layers.push(remembered);
    }
    if settings::target(&layers)? != Target::Local {
        let profile = settings::given(&layers, Key::Profile).map(|(text, _)| text);
        let mut found = vec![(Key::EndpointUrl, aws::surroundings::endpoint_url())];
        if settings::given(&layers, Key::Region).is_none() {
            found.push((Key::Region, aws::surroundings::region(profile.as_deref()).await));
        }
        let found = found.into_iter().filter_map(|(key, text)| text.map(|text| (key, text)));
        layers.push((Origin::Aws, found.collect()));
    }
    Ok(layers)
}

/// Writes what later commands shall use for `stack`, which is not set up; no choices mean the local target.
///
/// # Errors
/// `Input` when the stack is set up elsewhere; `State` when the file cannot be written.
pub fn choose(stack: &StackName, state_dir: &Path, choices: &Choices) -> Result<()> {
    let (origin, remembered) = memory::remembered(state_dir, stack)?;
    if origin == Origin::Remembered {
        let layers = [(origin, remembered)];
        let previous = Settings::resolve(stack.clone(), state_dir.to_owned(), ACCOUNT, &layers)?;
        return check_movable(&previous, choices);
    }
    memory::choose(state_dir, stack, choices)
}

/// Looks whether the cluster, the context and the region that `choices` name for `stack` are there.
///
/// # Errors
/// `Input` or `NotFound`, naming what is not; `Denied` and `Unavailable` when it cannot be looked for.
pub async fn check_there(stack: &StackName, state_dir: &Path, choices: &Choices) -> Result<()> {
    let layers = vec![(Origin::Flag, choices.clone())];
    if settings::target(&layers)? == Target::Local {
        return Ok(());
    }
    if let (Target::Cluster, context) | (_, context @ Some(_)) = (settings::target(&layers)?, choices.get(&Key::Context)) {
        Cluster::of_context(context.map(String::as_str)).await?;
    }
    let Some(cluster) = choices.get(&Key::Cluster) else { return Ok(()) };
    let settings = settle(stack, state_dir, choices.clone(), Choices::new()).await?;
    let sdk = Backend::connect(&settings)?.sdk(Identity::Administrator).await?;
    aws::eks::describe(&sdk, cluster).await.map(drop)
}

/// Every stack that `state_dir` remembers, by name, with what it remembers of it.
///
/// # Errors
/// `State` when the folder cannot be read.
pub fn stacks(state_dir: &Path) -> Result<Vec<(StackName, Layer)>> {
    memory::stacks(state_dir)
}
