//! `kedactl teardown --controller`: KEDA goes only when it is named, and never from under what scales by it.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn teardown_leaves_keda_until_it_is_named_and_nothing_scales_by_it() {
    let Some(own) = Own::with_controllers() else { return };
    let _kubelet = Kubelet::new(&own).await;
    let place = own.release(|text| text);
    let given = [(Key::Controller, "manifest"), (Key::KedaManifest, place.as_str()), (Key::Auth, "secret")];
    set_up(&own.resources(&given).await).await.expect("installed");
    let aws = Stack::new();
    let server = Server::start(&aws);
    let stack = own.stack(&server.url).with("KEDACTL_CONTROLLER", "manifest").with("KEDACTL_KEDA_MANIFEST", &place);
    let is_there = || own.kubectl(&["get", "namespace", "keda", "--ignore-not-found", "--output", "name"]).trim() == "namespace/keda";
    let kept = stack.json(["teardown", "--shared", "--yes"]);
    assert_eq!((&kept["controllers"], &kept["left"]), (&json!([{ "kind": "keda", "name": "keda" }]), &json!([])), "{kept}");
    assert!(is_there());
    own.objects("default").await.apply(&scaled_job()).await.expect("applied");
    let refused = stack.run(["teardown", "--controller", "--yes"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stdout.contains("ScaledJob default/still-here") && is_there(), "{refused}");
    own.kubectl(&["delete", "scaledjob", "still-here"]);
    let gone = stack.ok(["teardown", "--controller", "--yes"]);
    assert!(gone.stdout.contains("0 left") && !is_there(), "{gone}");
    assert_eq!(own.kubectl(&["get", "crd", "--output", "name"]), "");
}
