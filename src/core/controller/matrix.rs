//! Which KEDA goes with which Kubernetes, as KEDA publishes it.

use super::version::Version;

/// The release that is installed when none is named; its chart bears the same number.
pub const PINNED: &str = "2.20.2";
/// Releases that are named as the way out where the pinned one does not fit, the newest first.
const OTHERS: &[&str] = &["2.21.1", "2.17.1", "2.14.0", "2.11.0"];
/// KEDA's minor of major 2, and the first and last minor of Kubernetes 1 that it was tested with.
///
/// Source: the compatibility table of <https://keda.sh/docs/latest/operate/cluster/>; it begins with 2.7.
const TABLE: &[(u32, u32, u32)] = &[
    (7, 17, 25),
    (8, 17, 25),
    (9, 23, 25),
    (10, 24, 26),
    (11, 25, 27),
    (12, 26, 28),
    (13, 27, 29),
    (14, 27, 29),
    (15, 28, 30),
    (16, 29, 31),
    (17, 30, 32),
    (18, 31, 33),
    (19, 32, 34),
    (20, 33, 35),
    (21, 34, 36),
];

/// How a KEDA and a Kubernetes go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// KEDA's authors tested it.
    Tested,
    /// One of them is newer than the table, or its version cannot be read: nobody here knows.
    Unknown(String),
    /// KEDA's authors name other versions.
    Unsupported(String),
}

/// Why something cannot be done, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: String,
    /// The way out, usually a command.
    pub hint: String,
}

/// How KEDA `keda` and Kubernetes `server` go together; both as they call themselves.
#[must_use]
pub fn fit(keda: &str, server: &str) -> Fit {
    let (Some(release), Some(kubernetes)) = (Version::parse(keda), Version::parse(server)) else {
        return Fit::Unknown(format!("KEDA `{keda}` and Kubernetes `{server}` cannot be compared"));
    };
    let newest = TABLE.last().map_or(0, |row| row.2);
    let Some((_, first, last)) = TABLE.iter().find(|row| Version::new(2, row.0) == release) else {
        return match TABLE.first() {
            Some(oldest) if release < Version::new(2, oldest.0) => {
                Fit::Unknown(format!("KEDA {release} is older than the table of tested versions"))
            }
            _ => Fit::Unknown(format!("KEDA {release} is newer than the table of tested versions")),
        };
    };
    if (Version::new(1, *first)..=Version::new(1, *last)).contains(&kubernetes) {
        Fit::Tested
    } else if kubernetes > Version::new(1, newest) {
        Fit::Unknown(format!(
            "Kubernetes {kubernetes} is newer than the table of tested versions; KEDA {release} was tested up to 1.{last}"
        ))
    } else {
        Fit::Unsupported(format!("KEDA {keda} supports Kubernetes 1.{first} to 1.{last}, and this cluster is {server}"))
    }
}

/// Whether KEDA `keda` may be installed on Kubernetes `server`; gives what is worth a warning.
///
/// # Errors
/// What does not fit, and which release does.
pub fn check(keda: &str, server: &str) -> Result<Option<String>, Refusal> {
    match fit(keda, server) {
        Fit::Tested => Ok(None),
        Fit::Unknown(why) => Ok(Some(why)),
        Fit::Unsupported(why) => {
            let fitting = std::iter::once(&PINNED).chain(OTHERS).find(|release| fit(release, server) == Fit::Tested);
            let other = "`--controller existing` with a KEDA that you installed, or `--controller in-process`";
            let hint = match fitting {
                Some(release) => {
                    format!("KEDA {release} fits: `--controller manifest --keda-manifest {}`; or use {other}", release_url(release))
                }
                None => format!("upgrade the cluster, or use {other}"),
            };
            Err(Refusal { why, hint })
        }
    }
}

/// Where KEDA publishes the manifest of `release`.
#[must_use]
pub fn release_url(release: &str) -> String {
    format!("https://github.com/kedacore/keda/releases/download/v{release}/keda-{release}.yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_release_is_in_the_table_and_so_are_the_others() {
        for release in OTHERS.iter().chain([&PINNED]) {
            let version = Version::parse(release).expect("a version");
            assert!(TABLE.iter().any(|row| Version::new(2, row.0) == version), "{release}");
        }
        assert!(TABLE.windows(2).all(|rows| rows[0].0 < rows[1].0 && rows[0].2 <= rows[1].2));
    }

    #[test]
    fn what_was_tested_is_accepted_silently() {
        assert_eq!(check("2.20.2", "v1.33.1-eks-1234"), Ok(None));
        assert_eq!(check("2.8.1", "v1.20.2"), Ok(None));
    }

    #[test]
    fn what_does_not_fit_names_both_versions_and_one_that_fits() {
        let old = check("2.20.2", "v1.31.4").expect_err("too old a cluster");
        assert!(old.why.contains("2.20.2") && old.why.contains("v1.31.4") && old.why.contains("1.33 to 1.35"), "{}", old.why);
        assert!(old.hint.contains("keda-2.17.1.yaml"), "{}", old.hint);
        let new = check("2.16.1", "v1.36.0").expect_err("too new a cluster");
        assert!(new.hint.contains("keda-2.21.1.yaml"), "{}", new.hint);
        let ancient = check(PINNED, "v1.20.2").expect_err("far too old");
        assert!(ancient.hint.contains("in-process") && !ancient.hint.contains("fits"), "{}", ancient.hint);
    }

    #[test]
    fn what_nobody_knows_is_warned_about() {
        for (keda, server) in [("2.99.0", "v1.33.0"), ("2.20.2", "v1.99.0"), ("main", "v1.33.0"), ("2.6.1", "v1.20.2")] {
            assert!(check(keda, server).expect("allowed").is_some(), "{keda} on {server}");
        }
    }
}
