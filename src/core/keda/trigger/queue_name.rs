//! The queue's name in a queue URL, by the rules of Go's request-URI parser that KEDA relies on.

/// Finds the name of the queue in `url`.
///
/// Text that is no request URI is the name itself. A URI must have the path `/<anything>/<name>`, so that a deeper path, a
/// trailing slash and a scheme without path have no name: `None`.
#[must_use]
pub fn queue_name(url: &str) -> Option<String> {
    let Some(path) = request_path(url) else { return Some(url.to_owned()) };
    let mut parts = path.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(_), Some(name), None) if !name.is_empty() => Some(name.to_owned()),
        _ => None,
    }
}

/// The decoded path of a request URI; `None` for what is none.
fn request_path(text: &str) -> Option<String> {
    if text.is_empty() || text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return None;
    }
    if text == "*" {
        return Some(text.to_owned());
    }
    let (scheme, rest) = split_scheme(text)?;
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if !rest.starts_with('/') {
        return scheme.then(String::new);
    }
    let path = match rest.strip_prefix("//").filter(|_| scheme) {
        Some(authority) => {
            let end = authority.find('/').unwrap_or(authority.len());
            is_authority(&authority[..end]).then_some(&authority[end..])?
        }
        None => rest,
    };
    decode(path)
}

/// Whether there is a scheme, and what follows it; `None` for a colon without scheme.
fn split_scheme(text: &str) -> Option<(bool, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'));
    match end.filter(|end| text[*end..].starts_with(':')) {
        Some(0) => None,
        Some(end) if text.starts_with(|c: char| c.is_ascii_alphabetic()) => Some((true, &text[end + 1..])),
        _ => Some((false, text)),
    }
}

fn is_authority(authority: &str) -> bool {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    user.is_none_or(is_user) && is_host(host)
}

fn is_user(user: &str) -> bool {
    user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b)) && decode(user).is_some()
}

fn is_host(host: &str) -> bool {
    if let Some(literal) = host.strip_prefix('[') {
        let Some((address, port)) = literal.rsplit_once(']') else { return false };
        let address = address.split_once("%25").map_or(address, |(address, _)| address);
        return is_port(port) && address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
    is_port(port) && is_host_name(name)
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Percent signs may only stand for bytes beyond ASCII, or for themselves.
fn is_host_name(name: &str) -> bool {
    let plain = |b: u8| b >= 0x80 || b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&b);
    let escapes = name.split('%').skip(1);
    name.bytes().all(plain)
        && decode(name).is_some()
        && escapes.into_iter().all(|after| after.starts_with("25") || !after.starts_with(|c: char| c.is_ascii_digit() && c < '8'))
}

/// Percent-decodes; `None` for a `%` without two hexadecimal digits.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            decoded.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits fit a byte"));
        } else {
            decoded.push(byte);
        }
    }
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_third_part_of_the_path_is_the_name() {
        for url in ["https://sqs.us-east-1.amazonaws.com/123456789012/q", "http://[::1]:4566/1/q?x=/y", "https:/1/q", "ftp://u:p@h:1/x/q"] {
            assert_eq!(queue_name(url).as_deref(), Some("q"), "{url}");
        }
    }

    #[test]
    fn what_is_no_uri_is_the_name_itself() {
        for text in
            ["test-queue", "a/b/c", ":foo", "?x", "https://h/1/%zz", "https://h:port/1/q", "https://[::1/1/q", "https://a b/1/q", "1a:b"]
        {
            assert_eq!(queue_name(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_uri_without_name_has_none() {
        for url in
            ["https://h/1/q/", "/q", "//host/q", "arn:aws:sqs:us-east-1:1:q", "localhost:4566/1/q", "https://h/1/a%2Fb", "*", "https:1/q"]
        {
            assert_eq!(queue_name(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*", url in "[a-z]{0,5}:?/{0,3}[\\[\\]a-z0-9:@%]{0,12}/?[a-z%/?]{0,12}") {
            let _ = (queue_name(&text), queue_name(&url));
        }
    }
}
