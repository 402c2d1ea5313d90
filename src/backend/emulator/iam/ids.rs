//! Unique ids and secrets, made as AWS makes them.

use ring::rand::{SecureRandom, SystemRandom};

use crate::backend::emulator::error::ServiceError;

const ID: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `prefix` and 17 characters more: `AROA..` a role, `AIDA..` a user, `ANPA..` a managed policy;
/// 16 more: `ASIA..` a session's key, `AKIA..` a user's.
pub(crate) fn unique_id(prefix: &str) -> Result<String, ServiceError> {
    let length = if matches!(prefix, "ASIA" | "AKIA") { 16 } else { 17 };
    Ok(prefix.to_owned() + &random(ID, length)?)
}

/// `length` characters that nobody can guess.
pub(crate) fn secret(length: usize) -> Result<String, ServiceError> {
    random(SECRET, length)
}

/// Characters of an alphabet whose size divides 256, so that each is equally likely.
fn random(alphabet: &[u8], length: usize) -> Result<String, ServiceError> {
    let mut bytes = vec![0; length];
    let fault = |_| ServiceError::new("InternalFailure", "the system gave no random numbers").status(500);
    SystemRandom::new().fill(&mut bytes).map_err(fault)?;
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}
