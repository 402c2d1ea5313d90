//! Creating against an API server that answers badly.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use kube::client::Body;
use serde_json::json;

use super::*;

/// What becomes of one request.
#[derive(Clone, Copy)]
enum Answer {
    Created,
    Lost,
    Status(u16, &'static str),
}

type Asked = Arc<Mutex<Vec<String>>>;

/// Jobs of an API server that answers so, in order; and the names that it was asked to create.
fn server(answers: &[Answer]) -> (KubeJobs, Asked) {
    let asked = Asked::default();
    let (told, answers) = (asked.clone(), Arc::new(Mutex::new(answers.iter().copied().collect::<VecDeque<_>>())));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (told, answers) = (told.clone(), answers.clone());
        async move {
            let body = request.into_body().collect_bytes().await?;
            let job: Value = serde_json::from_slice(&body)?;
            told.lock().expect("not poisoned").push(job["metadata"]["name"].as_str().unwrap_or_default().to_owned());
            let answer = answers.lock().expect("not poisoned").pop_front();
            let (code, reason) = match answer {
                Some(Answer::Created) | None => (201, ""),
                Some(Answer::Lost) => return Err(tower::BoxError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset))),
                Some(Answer::Status(code, reason)) => (code, reason),
            };
            let status =
                json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": "no", "code": code });
            let body = if code == 201 { job } else { status };
            Ok(Response::builder().status(code).body(Body::from(body.to_string().into_bytes()))?)
        }
    });
    let workload = Workload { client: kube::Client::new(service, "video"), namespace: "video".to_owned() };
    (KubeJobs { workload, stack: StackName::default(), owners: Owners::Named }, asked)
}

fn spec(prefix: &str) -> JobSpec {
    let manifest = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "generateName": prefix } });
    JobSpec { scaled_job: "encoder".into(), generation: 1, manifest, env: BTreeMap::new() }
}

fn names(asked: &Asked) -> Vec<String> {
    asked.lock().expect("not poisoned").clone()
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_asked_for_again_and_is_there_once() {
    let (jobs, asked) = server(&[Answer::Lost, Answer::Status(409, "AlreadyExists")]);
    let name = jobs.create(&spec("encoder-")).await.expect("it was created the first time");
    assert_eq!(names(&asked), [name.clone(), name]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_another_job_has_is_changed() {
    let (jobs, asked) = server(&[Answer::Status(409, "AlreadyExists"), Answer::Created]);
    let name = jobs.create(&spec("encoder-")).await.expect("created");
    let names = names(&asked);
    assert_eq!((names.len(), &names[1]), (2, &name));
    assert_ne!(names[0], names[1]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_too_busy_is_asked_again_and_a_refusal_is_final() {
    let (busy, asked) = server(&[Answer::Status(429, "TooManyRequests"), Answer::Status(500, "InternalError"), Answer::Created]);
    busy.create(&spec("encoder-")).await.expect("created in the end");
    assert_eq!(names(&asked).len(), 3);
    let (strict, asked) = server(&[Answer::Status(403, "Forbidden")]);
    strict.create(&spec("encoder-")).await.expect_err("refused");
    assert_eq!(names(&asked).len(), 1);
}

#[tokio::test]
async fn names_are_as_long_as_the_server_would_make_them() {
    let (jobs, _) = server(&[]);
    let (short, _) = jobs.named(&spec("encoder-"));
    assert!(short.starts_with("encoder-") && short.len() == 13, "{short}");
    let (long, _) = jobs.named(&spec(&"x".repeat(80)));
    assert_eq!(long.len(), 63);
}
