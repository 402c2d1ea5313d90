//! The naive way, as a process of its own: every poll at the same moment, every trigger asked for by itself, a client for each.

use std::{path::Path, sync::Arc, time::Duration};

use kedactl::{
    backend::{
        Backend,
        aws::{
            config::{Wire, administrator},
            scalers::AwsScalers,
            shared::SharedIdentities,
        },
        manifests,
        run::Post,
        settle,
    },
    core::{
        event::Fanout,
        ops::{
            run::{self, Member, Mine},
            watch::{Ports, Until, Watching},
        },
        ports::Scalers,
        settings::{Choices, Key, ScalingKind},
        stack::StackName,
    },
};
use tokio_util::sync::CancellationToken;

/// Scales the objects of `manifest` as the environment says.
pub(crate) fn run(manifest: &Path) {
    tokio::runtime::Runtime::new().expect("a runtime starts").block_on(scale(manifest));
}

async fn scale(manifest: &Path) {
    let variable = |name: &str| std::env::var(name).expect("its parent sets it");
    let (state, url) = (variable("KEDACTL_STATE_DIR"), variable("KEDACTL_ENDPOINT_URL"));
    let choices = Choices::from([(Key::EndpointUrl, url.clone())]);
    let settings = settle(&StackName::default(), state.as_ref(), choices, Choices::new()).await.expect("settings");
    let manifests = manifests::load(&[manifest.to_owned()], &settings.names.namespace).expect("manifests");
    let backend = Backend::connect(&settings).expect("a backend");
    let trial = backend.trial([vec!["/bin/true".to_owned()], vec!["/bin/true".to_owned()]], 1.0).await.expect("a folder");
    let posts = backend.posts(&manifests, &[], Some(&trial), &backend).await.expect("objects");
    let reporter = Fanout(vec![backend.run_journal().expect("a journal")]);
    let scalers: Vec<Arc<dyn Scalers>> = posts
        .iter()
        .map(|post| -> Arc<dyn Scalers> {
            Arc::new(AwsScalers {
                identities: Arc::new(SharedIdentities::new(Wire::network(Some(url.clone())), administrator(), None)),
                namespace: post.key.namespace.clone(),
                objects: post.objects.clone(),
                keda_namespace: settings.names.keda_namespace.clone(),
                keda_objects: post.objects.clone(),
            })
        })
        .collect();
    let refresh = run::refresh(posts.len());
    let members: Vec<Member<'_>> = posts.iter().zip(&scalers).map(|(post, scalers)| member(post, &**scalers, &reporter, refresh)).collect();
    let seconds = Duration::from_secs(variable("KEDACTL_BENCH_SECONDS").parse().expect("a number"));
    run::run(&members, Some(seconds), &CancellationToken::new()).await;
    drop(members);
    trial.end().await.expect("ended");
}

fn member<'a>(post: &'a Post, scalers: &'a dyn Scalers, reporter: &'a Fanout, refresh: Duration) -> Member<'a> {
    Member {
        about: post.about.clone(),
        ports: Ports { objects: &*post.objects, jobs: &*post.jobs, workloads: &*post.workloads, lease: &Mine, scalers, reporter },
        watching: Watching {
            kind: ScalingKind::ScaledJob,
            object: post.key.name.clone(),
            pace: 1.0,
            until: Until::Cancelled,
            lasts: None,
            refresh,
            first: None,
        },
        offset: Duration::ZERO,
    }
}
