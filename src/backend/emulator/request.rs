//! One HTTP request as the services see it: which service, which caller, which action.

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Method, Request};

use super::error::ServiceError;

/// Longest body that a compressed one may become, in bytes.
const MOST_INFLATED: u64 = 16 * 1024 * 1024;

/// A service and its wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// SQS, AWS JSON 1.0.
    SqsJson,
    /// SQS, the legacy query protocol.
    SqsQuery,
    /// IAM, query.
    Iam,
    /// STS, query.
    Sts,
    /// EKS, REST JSON.
    Eks,
    /// Kinesis, AWS JSON 1.1.
    Kinesis,
    /// DynamoDB, AWS JSON 1.0.
    DynamoDb,
    /// DynamoDB Streams, AWS JSON 1.0.
    DynamoDbStreams,
    /// CloudWatch, Smithy's RPC v2 on CBOR.
    CloudWatchCbor,
    /// CloudWatch, AWS JSON 1.0.
    CloudWatchJson,
    /// CloudWatch, query.
    CloudWatchQuery,
}

impl Service {
    /// The service and the action that `x-amz-target` names.
    fn targeted(target: &str) -> Option<(Self, &str)> {
        let (prefix, action) = target.split_once('.')?;
        let service = match prefix {
            "AmazonSQS" => Self::SqsJson,
            "GraniteServiceVersion20100801" => Self::CloudWatchJson,
            "Kinesis_20131202" => Self::Kinesis,
            "DynamoDB_20120810" => Self::DynamoDb,
            "DynamoDBStreams_20120810" => Self::DynamoDbStreams,
            _ => return None,
        };
        Some((service, action))
    }

    /// XML namespace of the query services' answers.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::CloudWatchQuery => "http://monitoring.amazonaws.com/doc/2010-08-01/",
            _ => "http://queue.amazonaws.com/doc/2012-11-05/",
        }
    }
}

/// A routed request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Where it goes.
    pub service: Service,
    /// The action (`SendMessage`); empty for REST services.
    pub action: String,
    /// HTTP method.
    pub method: Method,
    /// Percent-encoded path.
    pub path: String,
    /// Query parameters or form fields, decoded, in order.
    pub fields: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
    /// The access key that signed it; absent when unsigned.
    pub access_key: Option<String>,
    /// The session token, if any.
    pub session_token: Option<String>,
    /// The region of the signature, or `us-east-1`.
    pub region: String,
    /// `scheme://host[:port]` that the client used, for URLs in answers.
    pub origin: String,
}

impl Call {
    /// Routes by `x-amz-target`, then by the service in the `SigV4` scope, then by the form field `Action`.
    ///
    /// # Errors
    /// When nothing tells which service is meant.
    pub fn parse(request: Request<Bytes>) -> Result<Self, (Service, ServiceError)> {
        let (parts, body) = request.into_parts();
        let body = plain(&parts.headers, body)?;
        let is_form = header(&parts.headers, "content-type").starts_with("application/x-www-form-urlencoded");
        let mut fields: Vec<(String, String)> = decode(parts.uri.query().unwrap_or_default().as_bytes());
        if is_form {
            fields.extend(decode(&body));
        }
        let scope = Scope::parse(&parts.headers, &fields);
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let session_token = match header(&parts.headers, "x-amz-security-token") {
            "" => field("X-Amz-Security-Token"),
            token => Some(token.to_owned()),
        };
        let target = header(&parts.headers, "x-amz-target");
        let (service, action) = if let Some((service, action)) = Service::targeted(target) {
            (service, action.to_owned())
        } else if let Some(action) = parts.uri.path().strip_prefix("/service/GraniteServiceVersion20100801/operation/") {
            (Service::CloudWatchCbor, action.to_owned())
        } else {
            let action = field("Action").unwrap_or_default();
            let service = match (scope.service.as_str(), action.as_str()) {
                ("sqs", _) => Service::SqsQuery,
                ("iam", _) => Service::Iam,
                ("eks", _) => Service::Eks,
                ("monitoring", _) => Service::CloudWatchQuery,
                ("sts", _) | (_, "AssumeRoleWithWebIdentity" | "AssumeRole" | "GetCallerIdentity" | "AssumeRoleWithSAML") => Service::Sts,
                (_, _) if parts.uri.path().starts_with("/clusters") => Service::Eks,
                (_, "") => {
                    let error = ServiceError::new(
                        "MissingAction",
                        "the request names no AWS service: it has no x-amz-target, no signature and no Action",
                    );
                    return Err((Service::SqsJson, error));
                }
                _ => Service::SqsQuery,
            };
            (service, action)
        };
        let host = match header(&parts.headers, "host") {
            "" => parts.uri.host().unwrap_or("localhost").to_owned(),
            host => host.to_owned(),
        };
        let scheme = parts.uri.scheme_str().unwrap_or("http");
        Ok(Self {
            service,
            action,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            fields,
            body,
            access_key: scope.access_key,
            session_token,
            region: scope.region,
            origin: format!("{scheme}://{host}"),
        })
    }

    /// The first field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The body as it was before the client compressed it, as newer SDKs do with large ones.
fn plain(headers: &HeaderMap, body: Bytes) -> Result<Bytes, (Service, ServiceError)> {
    if !header(headers, "content-encoding").eq_ignore_ascii_case("gzip") {
        return Ok(body);
    }
    let mut plain = Vec::new();
    let read = GzDecoder::new(&body[..]).take(MOST_INFLATED + 1).read_to_end(&mut plain);
    let refused = |message: String| (Service::SqsJson, ServiceError::new("SerializationException", message));
    match read {
        Ok(length) if length as u64 > MOST_INFLATED => Err(refused(format!("the body is longer than {MOST_INFLATED} bytes"))),
        Ok(_) => Ok(plain.into()),
        Err(error) => Err(refused(format!("the body is not gzip: {error}"))),
    }
}

fn decode(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// The credential scope of a `SigV4` signature, in the `Authorization` header or a presigned URL.
struct Scope {
    access_key: Option<String>,
    region: String,
    service: String,
}

impl Scope {
    fn parse(headers: &HeaderMap, fields: &[(String, String)]) -> Self {
        let authorization = header(headers, "authorization");
        let signed = authorization.split("Credential=").nth(1).and_then(|rest| rest.split(',').next());
        let presigned = fields.iter().find(|(key, _)| key == "X-Amz-Credential").map(|(_, value)| value.as_str());
        let credential = signed.or(presigned).unwrap_or_default();
        let parts: Vec<&str> = credential.trim().split('/').collect();
        match parts[..] {
            [key, _date, region, service, "aws4_request"] => {
                Self { access_key: Some(key.to_owned()), region: region.to_owned(), service: service.to_owned() }
            }
            _ => Self { access_key: None, region: "us-east-1".to_owned(), service: String::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
        let mut builder = Request::builder().method("POST").uri("http://localhost:4566/");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::from(body.to_owned())).expect("valid request")
    }

    #[test]
    fn target_header_wins_over_signature() {
        let call = Call::parse(request(&[("x-amz-target", "AmazonSQS.SendMessage")], "{}")).expect("routed");
        assert_eq!((call.service, call.action.as_str()), (Service::SqsJson, "SendMessage"));
    }

    #[test]
    fn signature_scope_names_service_region_and_key() {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/iam/aws4_request, SignedHeaders=host, Signature=0";
        let headers = [("authorization", authorization), ("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let call = Call::parse(request(&headers, "Action=GetRole&RoleName=a%2Bb")).expect("routed");
        assert_eq!((call.service, call.region.as_str(), call.access_key.as_deref()), (Service::Iam, "eu-west-1", Some("AKID")));
        assert_eq!(call.field("RoleName"), Some("a+b"));
    }

    #[test]
    fn unsigned_web_identity_goes_to_sts() {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let call = Call::parse(request(&headers, "Action=AssumeRoleWithWebIdentity")).expect("routed");
        assert_eq!(call.service, Service::Sts);
    }
}
