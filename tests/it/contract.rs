//! What every backend keeps to: the embedded service always, moto's server where there is one.

mod authentication;
mod metrics;
mod modes;
mod objects;
mod queue;
mod recorded;
mod resources;
mod rights;
mod sinks;
mod sources;
mod token;

use std::{
    collections::BTreeMap,
    fs::File,
    sync::atomic::{AtomicU32, Ordering},
};

use aws_config::SdkConfig;
use kedactl::{
    backend::{
        Backend,
        aws::config::{Wire, administrator, configure},
        emulator::{ACCOUNT, Emulator},
    },
    core::settings::{Choices, Key, Origin, Settings},
};

use crate::support::{moto_url, skipped};

/// One AWS, with a stack of its own in it.
struct World {
    name: &'static str,
    backend: Backend,
    /// The administrator's way around the backend.
    sdk: SdkConfig,
    _state: tempfile::TempDir,
    /// moto gives every cluster the same issuer, so that stacks share the provider: one test at a time.
    _turn: Option<File>,
}

impl World {
    /// The embedded service, over a file of its own.
    fn embedded() -> Self {
        Self::new("embedded", None, None)
    }

    /// The server at `url`, as if nobody had used it before.
    async fn moto(url: String) -> Self {
        let path = std::env::temp_dir().join(format!("kedactl-{}.lock", url.replace(|c: char| !c.is_ascii_alphanumeric(), "-")));
        let turn = File::create(path).expect("the temporary directory is writable");
        turn.lock().expect("locked");
        let world = Self::new("moto", Some(url), Some(turn));
        let iam = aws_sdk_iam::Client::new(&world.sdk);
        let providers = iam.list_open_id_connect_providers().send().await.expect("listed").open_id_connect_provider_list;
        for arn in providers.unwrap_or_default().into_iter().filter_map(|provider| provider.arn) {
            iam.delete_open_id_connect_provider().open_id_connect_provider_arn(arn).send().await.expect("deleted");
        }
        world
    }

    fn new(name: &'static str, endpoint: Option<String>, turn: Option<File>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let state = tempfile::tempdir().expect("the temporary directory is writable");
        // Unique, as moto's server is one for all tests.
        let stack = format!("t{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut flags = Choices::from([(Key::Target, "local".to_owned()), (Key::Cluster, format!("{stack}-cluster"))]);
        flags.extend(endpoint.clone().map(|url| (Key::EndpointUrl, url)));
        let stack = stack.parse().expect("a legal name");
        let settings = Settings::resolve(stack, state.path().to_owned(), ACCOUNT, &[(Origin::Flag, flags)]).expect("valid");
        let wire = if let Some(url) = endpoint {
            Wire::network(Some(url))
        } else {
            let emulator = Emulator::open(&state.path().join("aws.db")).expect("opened");
            Wire::over(emulator.http_client())
        };
        let sdk = configure(&wire, &settings.place.region, Some(administrator()));
        Self { name, backend: Backend::connect(&settings).expect("connected"), sdk, _state: state, _turn: turn }
    }

    fn settings(&self) -> &Settings {
        self.backend.settings()
    }

    fn tags(stack: Option<&str>) -> BTreeMap<String, String> {
        stack.map(|stack| ("kedactl:stack".to_owned(), stack.to_owned())).into_iter().collect()
    }
}

/// Every AWS that there is here.
async fn worlds() -> Vec<World> {
    let mut worlds = vec![World::embedded()];
    match moto_url() {
        Some(url) => worlds.push(World::moto(url).await),
        None => skipped("the same on moto: no KEDACTL_MOTO_URL"),
    }
    worlds
}
