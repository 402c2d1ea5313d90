//! The one TLS provider, chosen once for every client of this process.

/// Chooses ring; a provider that was chosen before stays.
pub fn install() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
