//! `AssumeRoleWithWebIdentity`: unsigned; the token itself is the proof, and it is really verified.

use rusqlite::Connection;

use super::credentials::Wanted;
use crate::{
    backend::emulator::{
        ACCOUNT,
        error::ServiceError,
        iam::{Ask, Role, Xml, clients_of, parse_stored, without_scheme},
        tokens::{self, Claims},
    },
    core::iam::{Caller, Context, trust_allows},
};

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

pub(super) fn assume_role(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let wanted = Wanted::read(ask)?;
    let token = ask.required("WebIdentityToken")?;
    let claims = tokens::peek(token)?;
    let clients = clients_of(connection, &claims.iss)?
        .ok_or_else(|| tokens::invalid(&format!("No OpenIDConnect provider found in your account for {}", claims.iss)))?;
    tokens::verify(connection, token, &claims, ask.now)?;
    let audience = claims.aud.list().iter().find(|audience| clients.contains(audience));
    let audience = audience.ok_or_else(|| tokens::invalid("Incorrect token audience"))?;
    let provider = ask.place.iam_arn(&format!("oidc-provider/{}", without_scheme(&claims.iss)));
    let role = trusted(connection, &wanted, &provider, &context(&claims, wanted.session_name))?;
    let issued = wanted.issue(connection, ask, &role, None, &[])?;
    let mut xml = Xml::default();
    xml.text("SubjectFromWebIdentityToken", &claims.sub).text("Audience", audience).text("Provider", &provider);
    issued.write(&mut xml, ask);
    Ok(xml)
}

/// The role, if it exists and trusts the provider's token; AWS does not tell which of both failed.
fn trusted(connection: &Connection, wanted: &Wanted<'_>, provider: &str, context: &Context) -> Result<Role, ServiceError> {
    let refused = || ServiceError::new("AccessDenied", format!("Not authorized to perform {ACTION}")).status(403);
    let role = Role::by_arn(connection, wanted.role_arn, ACCOUNT)?.ok_or_else(refused)?;
    let trust = parse_stored(&role.trust)?;
    if trust_allows(&trust, Caller::Federated(provider), ACTION, context).is_allowed() { Ok(role) } else { Err(refused()) }
}

fn context(claims: &Claims, session_name: &str) -> Context {
    let issuer = without_scheme(&claims.iss);
    let context = Context::new().with(&format!("{issuer}:sub"), &claims.sub).with("sts:RoleSessionName", session_name);
    claims.aud.list().iter().fold(context, |context, audience| context.with(&format!("{issuer}:aud"), audience))
}
