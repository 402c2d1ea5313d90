//! The SDK's HTTP client whose other end is the embedded service: no port, no copy of the queue's rules.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;

use super::Emulator;

impl Emulator {
    /// An HTTP client for the SDK that calls this service in process.
    ///
    /// The endpoint given beside it only appears in queue URLs; nothing is dialled.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(InProcess { emulator: self.clone(), read_timeout: None })
    }
}

/// The client and, once it knows its timeout, the connector.
#[derive(Debug, Clone)]
struct InProcess {
    emulator: Emulator,
    read_timeout: Option<Duration>,
}

impl HttpClient for InProcess {
    fn http_connector(&self, settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self { emulator: self.emulator.clone(), read_timeout: settings.read_timeout() })
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { emulator, read_timeout } = self.clone();
        HttpConnectorFuture::new(async move {
            let exchange = exchange(emulator, request);
            match read_timeout {
                Some(limit) => tokio::time::timeout(limit, exchange).await.map_err(|slow| ConnectorError::timeout(slow.into()))?,
                None => exchange.await,
            }
        })
    }
}

async fn exchange(emulator: Emulator, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = match body.bytes() {
        Some(bytes) => Bytes::copy_from_slice(bytes),
        None => body.collect().await.map_err(ConnectorError::user)?.to_bytes(),
    };
    let response = emulator.handle(http::Request::from_parts(parts, body)).await;
    HttpResponse::try_from(response.map(SdkBody::from)).map_err(|error| ConnectorError::other(error.into(), None))
}
