//! A cluster's OIDC issuer: its URL and its ES256 key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use crate::backend::emulator::error::ServiceError;

/// The issuer of one cluster. Not `Debug`: it holds the private key.
pub(crate) struct Issuer {
    /// With `https://`.
    pub(crate) url: String,
    /// PKCS #8.
    pub(crate) private_key: Vec<u8>,
    /// The uncompressed point.
    pub(crate) public_key: Vec<u8>,
}

impl Issuer {
    /// A new key for `url`.
    pub(super) fn generate(url: String) -> Result<Self, ServiceError> {
        let fault = |_| ServiceError::new("ServerException", "no key could be made").status(500);
        let random = SystemRandom::new();
        let private_key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(fault)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private_key.as_ref(), &random)
            .map_err(|_| ServiceError::new("ServerException", "the key that was made could not be read").status(500))?;
        Ok(Self { url, private_key: private_key.as_ref().to_vec(), public_key: pair.public_key().as_ref().to_vec() })
    }

    /// The issuer with this URL.
    pub(crate) fn find(connection: &Connection, url: &str) -> Result<Option<Self>, ServiceError> {
        let mut query = connection.prepare_cached("SELECT private_key, public_key FROM eks_cluster WHERE issuer = ?1")?;
        let found = query.query_row([url], |row| Ok(Self { url: url.to_owned(), private_key: row.get(0)?, public_key: row.get(1)? }));
        Ok(found.optional()?)
    }
}

/// The `kid` of a public key: its digest, as Kubernetes makes it.
pub(crate) fn key_id(public_key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(public_key))
}
