//! Target `eks` from end to end: found by name alone, reached with a token made in process, and left without a trace.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kedactl::backend::kube::Cluster;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::support::{Eks, Output, Stack};

const ISSUER: &str = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF";

fn sdk(eks: &Eks) -> aws_config::SdkConfig {
    use kedactl::backend::aws::config::{Wire, administrator, configure};
    configure(&Wire::network(Some(eks.services().to_owned())), "us-east-1", Some(administrator()))
}

/// What there is in AWS.
#[derive(Debug, PartialEq, Eq)]
struct Account {
    queues: usize,
    roles: Vec<String>,
    providers: Vec<String>,
}

fn account(eks: &Eks) -> Account {
    let sdk = sdk(eks);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let iam = aws_sdk_iam::Client::new(&sdk);
        let queues = aws_sdk_sqs::Client::new(&sdk).list_queues().send().await.expect("listed").queue_urls.unwrap_or_default().len();
        let mut roles = Vec::new();
        for role in iam.list_roles().send().await.expect("listed").roles {
            roles.push(role.assume_role_policy_document.unwrap_or_default());
        }
        let listed = iam.list_open_id_connect_providers().send().await.expect("listed").open_id_connect_provider_list.unwrap_or_default();
        Account { queues, roles, providers: listed.into_iter().filter_map(|one| one.arn).collect() }
    })
}

fn nothing(account: &Account) -> bool {
    account.queues == 0 && account.roles.is_empty()
}

/// Runs `args`; meanwhile Deployments are said to be available, as they would be with a node.
fn with_a_node(eks: &Eks, stack: &Stack, args: &[&str]) -> Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let kubeconfig = eks.kubeconfig();
    runtime.spawn(async move {
        let client = Cluster::of_file(&kubeconfig, None).await.expect("a kubeconfig").client();
        let status = json!({ "status": {
            "observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1,
            "conditions": [{ "type": "Available", "status": "True" }] } });
        loop {
            let found = Api::<Deployment>::all(client.clone()).list(&ListParams::default()).await.map(|list| list.items);
            for one in found.unwrap_or_default() {
                let waits = one.status.is_none_or(|status| status.available_replicas.is_none());
                if let (true, Some(name), Some(namespace)) = (waits, one.metadata.name, one.metadata.namespace) {
                    let api = Api::<Deployment>::namespaced(client.clone(), &namespace);
                    let _ = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let output = stack.run(args);
    runtime.shutdown_background();
    output
}

#[test]
fn a_name_alone_reaches_the_cluster_with_a_token_and_nothing_is_left_after_teardown() {
    let Some(eks) = Eks::start() else { return };
    let stack = eks.stack();
    // The first token is refused: a new one is made.
    eks.change(|seen| seen.refusals = 1);
    let setup = with_a_node(&eks, &stack, &["setup", "--cluster", "video", "--auth", "irsa", "--controller", "in-process"]);
    assert_eq!(setup.code, Some(0), "{setup}");
    assert!(eks.tokens().0 > 0 && eks.tokens().1 == 1, "{:?}", eks.tokens());

    let made = account(&eks);
    assert!(made.providers.iter().any(|arn| arn.ends_with(ISSUER)), "{made:?}");
    let trusting = |part: &str| made.roles.iter().filter(|trust| trust.contains(part)).count();
    assert!(trusting("0123456789ABCDEF%3Asub") + trusting("0123456789ABCDEF:sub") > 0, "{made:?}");
    assert!(trusting("0123456789ABCDEF%3Aaud") + trusting("0123456789ABCDEF:aud") > 0, "{made:?}");
    let accounts = eks.kubectl(&["get", "serviceaccounts", "-A", "-o", "yaml"]);
    assert!(accounts.contains("eks.amazonaws.com/role-arn: arn:aws:iam::"), "{accounts}");

    // Later commands need no flag.
    let target = stack.json(["target"]);
    assert_eq!((&target["target"], &target["is_set_up"]), (&"eks".into(), &true.into()));
    assert_eq!(stack.json(["status"])["is_set_up"], true);
    stack.ok(["produce", "--count", "3"]);
    let again = stack.run(["setup", "--plan"]);
    assert_eq!(again.code, Some(0), "{again}");

    let torn = stack.ok(["teardown"]);
    let left = account(&eks);
    assert!(nothing(&left), "{torn}\n{left:?}");
    assert_eq!(left.providers, made.providers, "others may use the provider");

    // A queue's name is free again only a minute after its deletion.
    let flags = ["--auth", "irsa", "--controller", "in-process", "--queue", "videos"];
    let setup = with_a_node(&eks, &stack, &[&["setup", "--cluster", "video"], &flags[..]].concat());
    assert_eq!(setup.code, Some(0), "{setup}");
    let torn = stack.ok(["teardown", "--shared"]);
    let left = account(&eks);
    assert!(nothing(&left) && left.providers.is_empty(), "{torn}\n{left:?}");
}

#[test]
fn pod_identity_on_a_cluster_makes_associations_and_what_a_gone_cluster_leaves_in_aws_is_removed() {
    let Some(eks) = Eks::start() else { return };
    // The embedded EKS keeps associations of a cluster that it knows.
    let sdk = sdk(&eks);
    let client = aws_sdk_eks::Client::new(&sdk);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let vpc = aws_sdk_eks::types::VpcConfigRequest::builder().build();
    let role = "arn:aws:iam::123456789012:role/eks";
    runtime.block_on(client.create_cluster().name("video").role_arn(role).resources_vpc_config(vpc).send()).expect("made");

    let stack = eks.stack();
    let setup = with_a_node(&eks, &stack, &["setup", "--cluster", "video", "--auth", "pod-identity", "--controller", "in-process"]);
    assert_eq!(setup.code, Some(0), "{setup}");
    assert!(setup.stderr.contains("create-addon"), "the missing agent is named: {setup}");
    let listed = runtime.block_on(client.list_pod_identity_associations().cluster_name("video").send()).expect("listed");
    assert!(!listed.associations().is_empty());
    assert_eq!(account(&eks).providers, Vec::<String>::new());

    runtime.block_on(client.delete_cluster().name("video").send()).expect("deleted");
    eks.change(|seen| seen.status = None);
    let torn = stack.ok(["teardown"]);
    assert!(nothing(&account(&eks)), "{torn}");
    assert!(torn.stderr.contains("only AWS is cleaned"), "{torn}");
}

#[test]
fn a_token_for_another_cluster_is_refused_with_one_error_and_nothing_is_made() {
    let Some(eks) = Eks::start() else { return };
    eks.change(|seen| seen.id = "other");
    let refused = eks.stack().run(["setup", "--cluster", "video", "--auth", "irsa", "--controller", "in-process"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert_eq!(refused.stderr.matches("error:").count(), 1, "{refused}");
    assert!(eks.tokens().0 == 0 && nothing(&account(&eks)), "{refused}");
    assert!(!refused.stderr.contains("k8s-aws-v1.") && !refused.stderr.contains("X-Amz"), "{refused}");
}

#[test]
fn a_cluster_that_cannot_serve_is_one_clear_error_and_nothing_is_made() {
    type Change = fn(&mut crate::support::Seen);
    let cases: [(Change, i32, &str); 3] = [
        (|seen| seen.status = Some("CREATING"), 1, "CREATING"),
        (|seen| seen.status = None, 2, "there is no EKS cluster in us-east-1"),
        (|seen| (seen.status, seen.issuer) = (Some("ACTIVE"), None), 1, "has no OIDC issuer"),
    ];
    let Some(eks) = Eks::start() else { return };
    for (change, code, part) in cases {
        eks.change(change);
        let stack = eks.stack();
        let refused = stack.run(["setup", "--cluster", "video", "--auth", "irsa", "--controller", "in-process"]);
        assert_eq!(refused.code, Some(code), "{refused}");
        assert!(refused.stderr.contains(part) && refused.stderr.matches("error:").count() == 1, "{refused}");
        assert!(nothing(&account(&eks)) && !stack.stack_dir().exists(), "{refused}");
    }
}
