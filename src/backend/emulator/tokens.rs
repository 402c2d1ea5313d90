//! Service account tokens as a cluster's OIDC issuer would sign them.
