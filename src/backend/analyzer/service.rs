//! A Service's address as Kubernetes tells it to every pod of the namespace: it needs no cluster DNS.

/// `url` with the name of a Service replaced by the address that `variable` gives for it, as in
/// `RESULT_ANALYZER_SERVICE_SERVICE_HOST`; as it is where there is none.
#[must_use]
pub fn resolve(url: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let Ok(mut parsed) = reqwest::Url::parse(url) else { return url.to_owned() };
    let Some(host) = parsed.host_str().filter(|host| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')) else {
        return url.to_owned();
    };
    let name = format!("{}_SERVICE_HOST", host.to_uppercase().replace('-', "_"));
    match variable(&name).and_then(|address| address.parse().ok()) {
        Some(address) if parsed.set_ip_host(address).is_ok() => parsed.to_string(),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str, address: &str) -> String {
        resolve(url, |name| (name == "RESULT_ANALYZER_SERVICE_SERVICE_HOST").then(|| address.to_owned()))
    }

    #[test]
    fn a_service_of_the_namespace_is_reached_by_its_address() {
        assert_eq!(at("http://result-analyzer-service:8080", "10.0.0.7"), "http://10.0.0.7:8080/");
        assert_eq!(at("http://result-analyzer-service:8080", "fd00::7"), "http://[fd00::7]:8080/");
    }

    #[test]
    fn any_other_url_stays_as_it_is() {
        for url in ["http://other:8080", "http://result-analyzer-service.video.svc:8080", "http://127.0.0.1:1", "nonsense"] {
            assert_eq!(at(url, "10.0.0.7"), url);
        }
        assert_eq!(at("http://result-analyzer-service:8080", ""), "http://result-analyzer-service:8080");
    }
}
