//! A queue's URL that somebody gave: it must be of the account and the region in force.

use super::{
    error::{Error, Result},
    stack::Place,
};

/// Whether a queue at `url` can be reached from `place`. URLs of other hosts than AWS's are anybody's, and pass.
///
/// # Errors
/// `Input`, naming the region or the account that does not fit.
pub fn check(url: &str, place: &Place) -> Result<()> {
    let Some((host, path)) = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')) else { return Ok(()) };
    let Some((region, suffix)) = region_of(host) else { return Ok(()) };
    let refused = |why: String, hint: String| Err(Error::input("queue URL", url, why).hint(hint));
    if region != place.region || suffix != place.dns_suffix() {
        let why = format!("it is in {region}, and the region in force is {}", place.region);
        return refused(why, format!("pass --region {region}, or the URL of a queue in {}", place.region));
    }
    let account = path.split('/').next().unwrap_or_default();
    if account != place.account {
        let why = format!("it is of account {account}, and the credentials are of {}", place.account);
        return refused(why, format!("choose a --profile of account {account}, or the URL of a queue of {}", place.account));
    }
    Ok(())
}

/// The account in a queue's URL, whatever host that has; `None` for a bare name.
#[must_use]
pub fn account(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.trim_end_matches('/').rsplit('/').nth(1).filter(|account| is_account(account))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Region and DNS suffix of an endpoint of SQS, the legacy form among them.
fn region_of(host: &str) -> Option<(&str, &str)> {
    let rest = host.strip_prefix("sqs-fips.").or_else(|| host.strip_prefix("sqs."));
    let at = host.find(".amazonaws.com")?;
    let region = match rest {
        Some(rest) => rest.split('.').next()?,
        None => host[..at].strip_suffix(".queue")?,
    };
    Some((region, &host[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str, region: &str) -> Option<String> {
        check(url, &Place::new(region, "123456789012")).err().map(|error| error.why)
    }

    #[test]
    fn a_queue_of_this_account_and_region_passes_in_every_partition() {
        for region in ["us-east-1", "cn-north-1", "us-gov-west-1"] {
            let place = Place::new(region, "123456789012");
            assert_eq!(refusal(&place.queue_url("q"), region), None);
        }
        assert_eq!(refusal("https://eu-west-1.queue.amazonaws.com/123456789012/q", "eu-west-1"), None);
        assert_eq!(refusal("http://127.0.0.1:4566/000000000000/q", "eu-west-1"), None);
        assert_eq!(refusal("q", "eu-west-1"), None);
    }

    #[test]
    fn another_region_account_or_partition_is_named() {
        let region = refusal("https://sqs.eu-west-1.amazonaws.com/123456789012/q", "us-east-1").expect("another region");
        assert!(region.contains("eu-west-1") && region.contains("us-east-1"), "{region}");
        let account = refusal("https://sqs.us-east-1.amazonaws.com/210987654321/q", "us-east-1").expect("another account");
        assert!(account.contains("210987654321"), "{account}");
        assert!(refusal("https://sqs.cn-north-1.amazonaws.com/123456789012/q", "cn-north-1").is_some());
    }
}
