//! Where KEDA's release manifest comes from: a file, or an https address.

use std::{path::Path, time::Duration};

use http_body_util::{BodyExt, Limited};

use crate::{
    backend::tls,
    core::error::{Error, Kind, Result, innermost},
};

/// The longest manifest that is read, in bytes; KEDA's has about 1 MB.
const LONGEST: usize = 16 * 1024 * 1024;
/// How long a download may take.
const LIMIT: Duration = Duration::from_mins(1);
/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Whether `place` must be downloaded.
pub(super) fn is_remote(place: &str) -> bool {
    place.contains("://")
}

/// The text of the manifest at `place`, an https address or a path. Proxies are taken from the environment.
///
/// # Errors
/// `Input` when it is neither or cannot be read; `Unavailable` when the download may succeed later.
pub(super) async fn read(place: &str) -> Result<String> {
    let bytes = if is_remote(place) { download(place).await? } else { open(Path::new(place)).await? };
    String::from_utf8(bytes).map_err(|_| refused(place, "it is not text"))
}

fn refused(place: &str, why: impl Into<String>) -> Error {
    Error::input("--keda-manifest", place, why).hint("name a file, or an https address")
}

async fn open(path: &Path) -> Result<Vec<u8>> {
    let place = path.to_string_lossy();
    let unreadable = |error: std::io::Error| refused(&place, error.to_string());
    if tokio::fs::metadata(path).await.map_err(unreadable)?.len() > LONGEST as u64 {
        return Err(refused(&place, format!("it is longer than {} MB", LONGEST / 1024 / 1024)));
    }
    tokio::fs::read(path).await.map_err(unreadable)
}

async fn download(address: &str) -> Result<Vec<u8>> {
    let url = reqwest::Url::parse(address).map_err(|error| refused(address, error.to_string()))?;
    if url.scheme() != "https" {
        return Err(refused(address, "only https is downloaded"));
    }
    tls::install();
    let fault = |kind, why: String| {
        Error::new(kind, format!("could not download `{address}`"), why).hint("download it yourself and pass `--keda-manifest FILE`")
    };
    let client = reqwest::Client::builder().https_only(true).connect_timeout(CONNECT_LIMIT).timeout(LIMIT).build();
    let client = client.map_err(|error| fault(Kind::Failed, error.to_string()))?;
    let passing = |error: reqwest::Error| fault(Kind::Unavailable, innermost(&error));
    let response = client.get(url).send().await.map_err(passing)?;
    let status = response.status();
    if !status.is_success() {
        let kind = if status.is_server_error() || status.as_u16() == 429 { Kind::Unavailable } else { Kind::Input };
        return Err(fault(kind, format!("the server answered {status}")));
    }
    let body = Limited::new(reqwest::Body::from(response), LONGEST).collect().await;
    body.map(|body| body.to_bytes().to_vec()).map_err(|error| fault(Kind::Unavailable, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_files_and_https_are_read() {
        for (place, why) in
            [("http://127.0.0.1/keda.yaml", "only https"), ("ftp://host/x", "only https"), ("/no/such/file", "No such file")]
        {
            let error = read(place).await.expect_err(place);
            assert!(error.exit_code() == 2 && error.why.contains(why), "{error}");
        }
    }

    #[tokio::test]
    async fn a_file_is_read_whole() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "kind: X\n").expect("written");
        assert_eq!(read(&file.path().to_string_lossy()).await.expect("read"), "kind: X\n");
    }
}
