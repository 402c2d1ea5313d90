//! Versions of KEDA and of Kubernetes, as far as their compatibility needs them.

use std::fmt;

use serde::Serialize;

/// Major and minor: what the table of compatible versions tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Version {
    /// The major version.
    pub major: u32,
    /// The minor version.
    pub minor: u32,
}

impl Version {
    /// The version `major.minor`.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads `v1.33.1-eks-1234`, `1.33+` or `2.20.2`; `None` when it does not begin with two numbers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().trim_start_matches('v').split('.');
        let digits = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
        Some(Self { major: parts.next()?.parse().ok()?, minor: digits(parts.next()?)? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_and_images_write_them() {
        for text in ["v1.33.1-eks-1234", "1.33+", "1.33", " v1.33.0"] {
            assert_eq!(Version::parse(text), Some(Version::new(1, 33)), "{text}");
        }
        for text in ["", "latest", "main", "v1", "1.x"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert!(Version::new(2, 9) < Version::new(2, 10));
    }
}
