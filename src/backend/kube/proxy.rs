//! The proxy that the environment names for a cluster: `HTTPS_PROXY`, unless `NO_PROXY` or the loopback says otherwise.

use std::{env, net::IpAddr};

use http::Uri;

/// The proxy to reach `server` through, as curl and kubectl read the environment; a loopback address never has one.
pub(super) fn of_environment(server: &Uri) -> Option<Uri> {
    let variable = |names: [&str; 2]| names.into_iter().find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    let host = server.host()?.trim_matches(['[', ']']);
    if is_exempt(host, &variable(["NO_PROXY", "no_proxy"]).unwrap_or_default()) {
        return None;
    }
    let proxy = variable(["HTTPS_PROXY", "https_proxy"])?;
    let proxy = if proxy.contains("://") { proxy } else { format!("http://{proxy}") };
    proxy.parse().ok()
}

/// Whether `host` is reached without a proxy: by `list`, or because it is this machine.
fn is_exempt(host: &str, list: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| match address {
        _ if entry == "*" => true,
        Some(address) => contains(entry, address),
        None => {
            let name = entry.trim_start_matches('*').trim_start_matches('.');
            host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
        }
    })
}

/// Whether `entry`, an address or a network such as `10.0.0.0/8`, holds `address`.
fn contains(entry: &str, address: IpAddr) -> bool {
    let (network, length) = entry.split_once('/').map_or((entry, None), |(network, length)| (network, length.parse::<u32>().ok()));
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let Ok(network) = network.parse::<IpAddr>() else { return false };
    let ((network, width), (address, other)) = (bits(network), bits(address));
    let length = length.unwrap_or(width);
    width == other && length <= width && (length == 0 || (network ^ address) >> (128 - length) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_directly() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(is_exempt(host, ""), "{host}");
        }
        assert!(!is_exempt("10.0.0.1", ""));
    }

    #[test]
    fn names_networks_and_the_star_are_exempt() {
        let list = "example.com, .internal,*.local,10.0.0.0/8,192.168.1.7,fd00::/8";
        for host in ["example.com", "eks.example.com", "a.internal", "b.local", "10.200.3.4", "192.168.1.7", "fd12::1"] {
            assert!(is_exempt(host, list), "{host}");
        }
        for host in ["notexample.com", "11.0.0.1", "192.168.1.8", "fe80::1", "com"] {
            assert!(!is_exempt(host, list), "{host}");
        }
        assert!(is_exempt("anything", "*"));
    }
}
