//! An EKS cluster for one test: a real API server that believes tokens as aws-iam-authenticator does, in front of it an
//! EKS that names its endpoint, and all else of AWS from the embedded services.

use std::{
    env, fs,
    io::{self, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use aws_credential_types::Credentials;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use kedactl::{backend::aws::token::token, core::stack::Place};
use serde_json::{Value, json};

use super::{Server, Stack, faulty::Request, skipped};

/// The region of everything.
const REGION: &str = "us-east-1";
/// The issuer that EKS tells.
const ISSUER: &str = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF";

/// What EKS and the authenticator say, and what the authenticator saw.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The status of the cluster called `video`; `None` while there is no such cluster.
    pub(crate) status: Option<&'static str>,
    /// The issuer without `https://`; `None` for a cluster without one.
    pub(crate) issuer: Option<&'static str>,
    /// The cluster's name in the authenticator's own settings.
    pub(crate) id: &'static str,
    /// How many of the next tokens are refused, whatever they are.
    pub(crate) refusals: usize,
    /// How many tokens were believed, and how many were not.
    pub(crate) tokens: (usize, usize),
}

/// The cluster. Dropping it ends the API server.
pub(crate) struct Eks {
    /// The endpoint of AWS.
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
    own: Option<Own>,
    server: Server,
    _services: Stack,
}

/// The API server's folder and its client.
struct Own {
    dir: tempfile::TempDir,
    kubectl: PathBuf,
}

impl Eks {
    /// One with an API server; `None`, counted as skipped, where none can be started.
    pub(crate) fn start() -> Option<Self> {
        let Some(assets) = env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()) else {
            skipped("no API server: KUBEBUILDER_ASSETS is not set");
            return None;
        };
        let mut eks = Self::without_server();
        let dir = tempfile::Builder::new().prefix("ke.").tempdir_in("/tmp").expect("a folder");
        let webhook = dir.path().join("webhook");
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("{}/authenticate", eks.url)}}],
            "users": [{"name": "u", "user": {}}], "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        });
        fs::write(&webhook, text.to_string()).expect("written");
        let flags = format!(
            "--authentication-token-webhook-config-file={} --authentication-token-webhook-version=v1 \
             --authentication-token-webhook-cache-ttl=0s",
            webhook.display()
        );
        let own = Own { dir, kubectl: Path::new(&assets).join("kubectl") };
        let started = own.script("up").env("KEDACTL_TEST_PLAIN", "1").env("KEDACTL_TEST_API_FLAGS", flags).output().expect("it starts");
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        let kubeconfig = fs::read_to_string(own.kubeconfig()).expect("tests/cluster wrote it");
        let endpoint = kubeconfig.split('"').find(|text| text.starts_with("https://")).expect("a server").to_owned();
        let authority = fs::read(own.dir.path().join("pki/apiserver.crt")).expect("its certificate");
        eks.own = Some(own);
        eks.url = listen(&eks.server.url, &endpoint, &authority, eks.seen.clone());
        Some(eks)
    }

    /// One whose API server must not be reached: nobody listens where EKS says that it is.
    fn without_server() -> Self {
        let services = Stack::new();
        let server = Server::start(&services);
        let seen = Seen { status: Some("ACTIVE"), issuer: Some(ISSUER), id: "video", refusals: 0, tokens: (0, 0) };
        let seen = Arc::new(Mutex::new(seen));
        let url = listen(&server.url, "https://127.0.0.1:1", b"", seen.clone());
        Self { url, seen, own: None, server, _services: services }
    }

    /// A stack of its own, with nothing but an endpoint and credentials in its environment.
    pub(crate) fn stack(&self) -> Stack {
        let keys = Stack::new().with("AWS_ACCESS_KEY_ID", "local").with("AWS_SECRET_ACCESS_KEY", "local");
        keys.with("KEDACTL_ENDPOINT_URL", &self.url)
    }

    /// The address of the embedded services themselves.
    pub(crate) fn services(&self) -> &str {
        &self.server.url
    }

    /// Changes what EKS and the authenticator say.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().expect("no thread panics with it"));
    }

    /// How many tokens were believed, and how many were not.
    pub(crate) fn tokens(&self) -> (usize, usize) {
        self.seen.lock().expect("no thread panics with it").tokens
    }

    /// The kubeconfig of the cluster's own administrator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.own.as_ref().expect("there is an API server").kubeconfig()
    }

    /// `kubectl ARGS` as the cluster's own administrator.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        let own = self.own.as_ref().expect("there is an API server");
        let output = Command::new(&own.kubectl).arg("--kubeconfig").arg(own.kubeconfig()).args(args).output().expect("kubectl starts");
        assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

impl Own {
    fn script(&self, verb: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster"));
        command.arg(verb).arg(self.dir.path()).env_remove("KEDACTL_TEST_WITH_NODE");
        command
    }

    fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.script("down").output();
    }
}

/// Starts EKS and the authenticator, in front of `upstream`.
fn listen(upstream: &str, endpoint: &str, authority: &[u8], seen: Arc<Mutex<Seen>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let upstream = upstream.trim_start_matches("http://").to_owned();
    let cluster = json!({ "endpoint": endpoint, "certificateAuthority": { "data": STANDARD.encode(authority) } });
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (seen, upstream, cluster) = (seen.clone(), upstream.clone(), cluster.clone());
            thread::spawn(move || serve(client, &upstream, &cluster, &seen).err());
        }
    });
    url
}

fn serve(mut client: TcpStream, upstream: &str, cluster: &Value, seen: &Mutex<Seen>) -> io::Result<()> {
    let request = Request::read(&mut BufReader::new(client.try_clone()?))?;
    let line = request.head.lines().next().unwrap_or_default().to_owned();
    if line.starts_with("POST /authenticate") {
        return client.write_all(answer(200, "", &review(&request.body, upstream, seen)).as_bytes());
    }
    if !line.starts_with("GET /clusters/video ") {
        return io::copy(&mut request.send(upstream)?, &mut client).map(drop);
    }
    let seen = seen.lock().expect("no thread panics with it").clone();
    let text = match seen.status {
        Some(status) => answer(200, "", &json!({ "cluster": described(cluster, status, seen.issuer) })),
        None => answer(404, "x-amzn-errortype: ResourceNotFoundException\r\n", &json!({ "message": "No cluster found for name: video." })),
    };
    client.write_all(text.as_bytes())
}

fn described(cluster: &Value, status: &str, issuer: Option<&str>) -> Value {
    let mut described = cluster.clone();
    described["name"] = "video".into();
    described["arn"] = "arn:aws:eks:us-east-1:123456789012:cluster/video".into();
    described["version"] = "1.33".into();
    described["status"] = status.into();
    described["resourcesVpcConfig"] = json!({ "subnetIds": [], "endpointPublicAccess": true });
    if let Some(issuer) = issuer {
        described["identity"] = json!({ "oidc": { "issuer": format!("https://{issuer}") } });
    }
    described
}

fn answer(status: u16, fields: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{fields}connection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// The answer to a `TokenReview`.
fn review(body: &[u8], upstream: &str, seen: &Mutex<Seen>) -> Value {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut seen = seen.lock().expect("no thread panics with it");
    let caller = if seen.refusals > 0 {
        seen.refusals -= 1;
        None
    } else {
        believed(review["spec"]["token"].as_str().unwrap_or_default(), upstream, seen.id)
    };
    let status = if let Some(arn) = caller {
        seen.tokens.0 += 1;
        json!({ "authenticated": true, "user": { "username": arn, "groups": ["system:masters"] } })
    } else {
        seen.tokens.1 += 1;
        json!({ "authenticated": false })
    };
    json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status })
}

/// The ARN of the caller whom `text` is the token of, for the cluster called `id`.
fn believed(text: &str, upstream: &str, id: &str) -> Option<String> {
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(text.strip_prefix("k8s-aws-v1.")?).ok()?).ok()?;
    let path = url.strip_prefix("https://sts.us-east-1.amazonaws.com/?")?;
    let field = |name: &str| path.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let asks = field("Action") == Some("GetCallerIdentity") && field("X-Amz-SignedHeaders") == Some("host%3Bx-k8s-aws-id");
    // The embedded STS looks up the key and leaves the signature: the cluster's name in it is compared here.
    let signed = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", field("X-Amz-Date")?).ok()?.to_datetime().ok()?;
    let signed = signed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    let keys = Credentials::new("local", "local", None, None, "test");
    if !asks || token(&keys, &Place::new(REGION, "123456789012"), id, signed.into()).ok()? != text {
        return None;
    }
    let mut server = TcpStream::connect(upstream).ok()?;
    let head = "host: sts.us-east-1.amazonaws.com\r\naccept: application/json\r\nconnection: close";
    server.write_all(format!("GET /?{path} HTTP/1.1\r\n{head}\r\nx-k8s-aws-id: {id}\r\n\r\n").as_bytes()).ok()?;
    let mut text = String::new();
    server.read_to_string(&mut text).ok()?;
    let arn = text.split_once("<Arn>")?.1.split_once("</Arn>")?.0;
    text.starts_with("HTTP/1.1 200").then(|| arn.to_owned())
}
