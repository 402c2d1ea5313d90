//! Settings from layers: what wins, what follows, what is refused.

use super::*;

fn resolve(layers: &[(Origin, Choices)]) -> Result<Settings> {
    Settings::resolve(StackName::default(), PathBuf::from("/s"), "123456789012", layers)
}

fn one(key: Key, text: &str) -> Choices {
    Choices::from([(key, text.to_owned())])
}

#[test]
fn defaults_are_the_articles() {
    let settings = resolve(&[]).expect("valid");
    assert_eq!(settings.names.queue, "test-queue");
    assert_eq!((settings.scaling.polling_interval, settings.scaling.work_seconds, settings.scaling.max_replica_count), (10, 30, 100));
    assert!(settings.chosen.is_empty());
}

#[test]
fn a_stronger_layer_wins() {
    let layers = [(Origin::Flag, one(Key::Queue, "a")), (Origin::Remembered, one(Key::Queue, "b"))];
    assert_eq!(resolve(&layers).expect("valid").names.queue, "a");
}

#[test]
fn only_loopback_endpoints_are_on_this_machine() {
    let at = |url: &str| resolve(&[(Origin::Flag, one(Key::EndpointUrl, url))]).expect("valid").is_on_this_machine();
    assert!(resolve(&[]).expect("valid").is_on_this_machine());
    assert!(at("http://127.0.0.1:5000") && at("http://localhost:5000/") && at("http://[::1]:5000"));
    assert!(!at("https://sqs.us-east-1.amazonaws.com") && !at("http://localhost.example.com") && !at("http://10.0.0.1:1"));
}

#[test]
fn what_only_one_kind_has_is_refused_for_the_other() {
    assert_eq!(flags(&[(Key::Kind, "scaled-object"), (Key::CooldownPeriod, "0")]).expect("valid").scaling.cooldown_period, 0);
    for (given, words) in [
        (&[(Key::Kind, "deployment")][..], "invalid --kind `deployment`: it must be one of scaled-job, scaled-object"),
        (&[(Key::CooldownPeriod, "5")], "invalid --cooldown-period `5`: a ScaledJob has none"),
        (&[(Key::Kind, "scaled-object"), (Key::Strategy, "eager")], "invalid --strategy `eager`: a ScaledObject has none"),
        (&[(Key::Kind, "scaled-object"), (Key::MinReplicaCount, "9"), (Key::MaxReplicaCount, "8")], "--max-replica-count, which is 8"),
    ] {
        let error = flags(given).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
}

fn flags(given: &[(Key, &str)]) -> Result<Settings> {
    resolve(&[(Origin::Flag, given.iter().map(|(key, text)| (*key, (*text).to_owned())).collect())])
}

#[test]
fn what_is_named_tells_the_target() {
    let target = |given: &[(Key, &str)]| flags(given).expect("valid").target;
    assert_eq!(target(&[]), Target::Local);
    assert_eq!(target(&[(Key::Cluster, "video"), (Key::Region, "eu-west-1")]), Target::Eks);
    assert_eq!(target(&[(Key::Context, "kind-video"), (Key::Region, "eu-west-1")]), Target::Cluster);
    assert_eq!(target(&[(Key::Target, "cluster"), (Key::Cluster, "video"), (Key::Region, "eu-west-1")]), Target::Cluster);
}

#[test]
fn the_way_to_authenticate_follows_the_target() {
    let auth = |given: &[(Key, &str)]| flags(given).expect("valid").auth;
    let region = (Key::Region, "eu-west-1");
    assert_eq!(auth(&[]), Auth::Irsa);
    assert_eq!(auth(&[region, (Key::Context, "kind-video")]), Auth::Secret);
    assert_eq!(auth(&[region, (Key::Cluster, "video")]), Auth::Irsa);
    assert_eq!(auth(&[region, (Key::Cluster, "video"), (Key::Auth, "pod-identity")]), Auth::PodIdentity);
}

#[test]
fn contradictions_name_the_flag() {
    let region = (Key::Region, "eu-west-1");
    let cases: [(&[(Key, &str)], &str); 7] = [
        (&[(Key::Target, "eks"), region], "--target `eks`"),
        (&[(Key::Target, "mars")], "--target `mars`"),
        (&[(Key::Target, "local"), (Key::Context, "x")], "--context `x`"),
        (&[(Key::Auth, "secret")], "--auth `secret`"),
        (&[(Key::Controller, "helm")], "--controller `helm`"),
        (&[(Key::Context, "x"), region, (Key::Auth, "pod-identity")], "--auth `pod-identity`"),
        (&[(Key::Context, "x")], "no AWS region"),
    ];
    for (given, named) in cases {
        let error = flags(given).expect_err(named);
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn away_from_this_machine_every_choice_is_remembered() {
    let aws = (Origin::Aws, Choices::from([(Key::Region, "us-east-1".to_owned()), (Key::Account, "123456789012".to_owned())]));
    let settings = resolve(&[(Origin::Flag, one(Key::Cluster, "video")), aws]).expect("valid");
    let chosen: Vec<(&str, &str)> = settings.chosen.iter().map(|(key, text)| (key.name(), text.as_str())).collect();
    assert_eq!(chosen, [("target", "eks"), ("region", "us-east-1"), ("account", "123456789012"), ("cluster", "video")]);
    assert_eq!((settings.aws(), settings.eks_cluster()), (Aws::Real, Some("video")));
}

#[test]
fn an_illegal_value_names_field_value_and_origin() {
    let error = resolve(&[(Origin::Environment, one(Key::Queue, "bad queue"))]).expect_err("illegal");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("--queue `bad queue`"), "{error}");
    assert!(error.hint.expect("hint").contains("from the environment"));
}
