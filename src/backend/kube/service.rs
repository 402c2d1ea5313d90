//! A Service of the cluster, reached through the API server's proxy: no port-forward, no load balancer.

use axum::{Router, body::Body, extract::Request, response::Response};
use http::StatusCode;
use http_body_util::BodyExt;
use kube::Client;

use super::client::Cluster;

/// The Service's port, by its name in our manifests.
const PORT: &str = "http";
/// The longest request that is passed on, in bytes.
const LONGEST: usize = 1 << 20;

/// Whatever is asked of this router is asked of the Service called `service` in `namespace`.
pub fn router(cluster: &Cluster, namespace: &str, service: &str) -> Router {
    let (client, base) = (cluster.client(), format!("/api/v1/namespaces/{namespace}/services/{service}:{PORT}/proxy"));
    Router::new().fallback(move |request: Request| pass(client.clone(), base.clone(), request))
}

async fn pass(client: Client, base: String, request: Request) -> Response {
    match forward(&client, &base, request).await {
        Ok(response) => response,
        Err(why) => {
            let body = serde_json::json!({ "error": why }).to_string();
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

async fn forward(client: &Client, base: &str, request: Request) -> Result<Response, String> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let body = axum::body::to_bytes(body, LONGEST).await.map_err(|error| error.to_string())?;
    let mut onward = http::Request::builder().method(head.method).uri(format!("{base}{path}"));
    if !body.is_empty() {
        onward = onward.header(http::header::CONTENT_TYPE, "application/json");
    }
    let onward = onward.body(kube::client::Body::from(body.to_vec())).map_err(|error| error.to_string())?;
    let answer = client.send(onward).await.map_err(|error| error.to_string())?;
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = head.status;
    Ok(response)
}
