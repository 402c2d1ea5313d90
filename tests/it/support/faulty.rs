//! A small HTTP proxy that breaks what passes through it: refusals, lost answers, half answers, cut streams.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed; the server never sees the request.
    Unseen,
    /// The server does what was asked, and its answer is lost.
    Unanswered,
    /// The server does what was asked, and half of its answer arrives.
    Half,
    /// The service says that there were too many requests.
    Throttled,
    /// The service fails.
    Broken,
    /// The service refuses for good.
    Denied,
    /// The service no longer takes the token.
    Expired,
    /// The API server has forgotten where the watch wants to go on from, and answers so.
    Gone,
    /// The same, said within the stream.
    GoneWithin,
    /// The stream ends in the middle of the first thing that it says.
    Torn,
}

/// Decides about a request by its number, counted from 0, and its first line.
type Plan = Box<dyn Fn(usize, &str) -> Option<Fault> + Send>;

/// The proxy. It ends with the process.
pub(crate) struct Faulty {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    plan: Plan,
    seen: usize,
    broken: usize,
}

impl Faulty {
    /// Starts one in front of `upstream` (`http://HOST:PORT`) which breaks nothing yet.
    pub(crate) fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let state = Arc::new(Mutex::new(State { plan: Box::new(|_, _| None), seen: 0, broken: 0 }));
        let upstream = upstream.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (shared, upstream) = (shared.clone(), upstream.clone());
                // Who closes early is one of the things that are tested.
                thread::spawn(move || serve(client, &upstream, &shared).err());
            }
        });
        Self { url, state }
    }

    /// From now on `plan` decides; requests are counted from 0 again.
    pub(crate) fn plan(&self, plan: impl Fn(usize, &str) -> Option<Fault> + Send + 'static) {
        *self.state.lock().expect("no thread panics with it") = State { plan: Box::new(plan), seen: 0, broken: 0 };
    }

    /// From now on nothing is broken. Returns how many requests there were since the last plan, and how many of them broke.
    pub(crate) fn mend(&self) -> (usize, usize) {
        let mut state = self.state.lock().expect("no thread panics with it");
        let counts = (state.seen, state.broken);
        *state = State { plan: Box::new(|_, _| None), seen: 0, broken: 0 };
        counts
    }
}

/// What an API server says in a watch whose beginning it has forgotten.
const GONE_WITHIN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
    {\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\
    \"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}}\n";

/// Hands on the head, and half of what comes first after it.
fn tear(mut server: TcpStream, client: &mut TcpStream) -> io::Result<()> {
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = server.read(&mut part)?;
        if read == 0 {
            return Ok(());
        }
        let before = answer.len();
        answer.extend_from_slice(&part[..read]);
        match answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) {
            Some(end) if end < answer.len() => {
                let half = end + (answer.len() - end) / 2;
                return client.write_all(&answer[before..half.max(before)]);
            }
            _ => client.write_all(&answer[before..])?,
        }
    }
}

/// One request: its head without the empty line, and its body.
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

fn serve(mut client: TcpStream, upstream: &str, state: &Mutex<State>) -> io::Result<()> {
    let request = Request::read(&mut BufReader::new(client.try_clone()?))?;
    let fault = {
        let mut state = state.lock().expect("no thread panics with it");
        let line = request.head.lines().next().unwrap_or_default();
        let fault = (state.plan)(state.seen, line);
        state.seen += 1;
        state.broken += usize::from(fault.is_some());
        fault
    };
    match fault {
        Some(Fault::Unseen) => Ok(()),
        Some(Fault::Unanswered) => request.send(upstream)?.read_to_end(&mut Vec::new()).map(drop),
        Some(Fault::Half) => {
            let mut answer = Vec::new();
            request.send(upstream)?.read_to_end(&mut answer)?;
            client.write_all(&answer[..answer.len() * 2 / 3])
        }
        Some(Fault::Torn) => tear(request.send(upstream)?, &mut client),
        Some(Fault::GoneWithin) => client.write_all(GONE_WITHIN),
        Some(fault) => client.write_all(request.refusal(fault).as_bytes()),
        None => io::copy(&mut request.send(upstream)?, &mut client).map(drop),
    }
}

impl Request {
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.trim().is_empty() {
                break;
            }
            // One request for each connection: each is decided about on its own.
            if !line.to_lowercase().starts_with("connection:") {
                head.push_str(&line);
            }
        }
        let mut request = Self { head, body: Vec::new() };
        let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        from.take(length).read_to_end(&mut request.body)?;
        Ok(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Sends it on; what is read from the connection is the whole answer.
    pub(super) fn send(&self, upstream: &str) -> io::Result<TcpStream> {
        let mut server = TcpStream::connect(upstream)?;
        server.write_all(self.head.as_bytes())?;
        server.write_all(b"connection: close\r\n\r\n")?;
        server.write_all(&self.body)?;
        Ok(server)
    }

    /// The answer of a service that refuses, in the words of the protocol that was spoken to it.
    fn refusal(&self, fault: Fault) -> String {
        let (status, code, reason) = match fault {
            Fault::Throttled => (429, "ThrottlingException", "TooManyRequests"),
            Fault::Denied => (403, "AccessDeniedException", "Forbidden"),
            Fault::Expired => (401, "ExpiredTokenException", "Unauthorized"),
            Fault::Gone => (410, "Gone", "Expired"),
            _ => (500, "InternalFailure", "InternalError"),
        };
        let form = self.header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
        let aws = self.header("authorization").is_some_and(|text| text.starts_with("AWS4"));
        let (kind, body) = if form {
            let code = code.trim_end_matches("Exception");
            (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>refused on purpose</Message></Error></ErrorResponse>"
                ),
            )
        } else if aws {
            ("application/x-amz-json-1.0", serde_json::json!({ "__type": code, "message": "refused on purpose" }).to_string())
        } else {
            let status = serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "reason": reason, "message": "refused on purpose",
            });
            ("application/json", status.to_string())
        };
        // AWS throttles with 400, Kubernetes with 429.
        let status = if aws && fault == Fault::Throttled { 400 } else { status };
        let retry = if fault == Fault::Throttled { "retry-after: 0\r\n" } else { "" };
        let error = if aws && !form { format!("x-amzn-errortype: {code}\r\n") } else { String::new() };
        let length = body.len();
        format!(
            "HTTP/1.1 {status} Refused\r\ncontent-type: {kind}\r\n{retry}{error}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    }
}
