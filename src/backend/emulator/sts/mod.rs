//! STS: who one is, and becoming a role.

mod assume;
mod credentials;
#[cfg(test)]
mod tests;
mod web_identity;

use bytes::Bytes;
use http::Response;
use rusqlite::Connection;

use super::{
    ACCOUNT, Emulator,
    error::ServiceError,
    iam::{Ask, Xml, authenticate},
    request::Call,
};

/// Answers one call.
pub(crate) async fn handle(emulator: &Emulator, call: &Call) -> Result<Response<Bytes>, ServiceError> {
    let ask = Ask::new(call, emulator.clock.now().as_second());
    let xml = match call.action.as_str() {
        "GetCallerIdentity" => emulator.store.read(move |connection| caller_identity(connection, &ask)).await?,
        "AssumeRole" => emulator.store.write(move |transaction| assume::assume_role(transaction, &ask)).await?,
        "AssumeRoleWithWebIdentity" => emulator.store.write(move |transaction| web_identity::assume_role(transaction, &ask)).await?,
        other => {
            let message = format!("Could not find operation {other} for version 2011-06-15");
            return Err(ServiceError::new("InvalidAction", message));
        }
    };
    Ok(xml.respond(call))
}

/// Anyone may ask who they are.
fn caller_identity(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let caller = authenticate(connection, &ask.call, ask.now)?;
    let (id, arn) = (caller.user_id(&ask.place), caller.arn(&ask.place));
    let mut xml = Xml::default();
    xml.text("UserId", id).text("Account", ACCOUNT).text("Arn", arn);
    Ok(xml)
}
