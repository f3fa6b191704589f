//! Credentials: making them, and forgetting them when they have ended.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use serde_json::{Value, json};

use super::Sessions;
use crate::call::{Refusal, Session};
use crate::policy::Policy;
use crate::service::iam::{Role, iso};
use crate::world::World;

/// How long credentials that have ended are still told from ones that never were (`ExpiredToken`).
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Credentials of a role's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret key. Signatures are not verified, so any other works too.
    pub secret_access_key: String,
    /// The token that must come with every call.
    pub session_token: String,
    /// When they end.
    pub expires_at: Timestamp,
}

impl Credentials {
    /// As answers carry them.
    pub(super) fn show(&self) -> Value {
        json!({
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key,
            "SessionToken": self.session_token,
            "Expiration": iso(self.expires_at),
        })
    }
}

/// What a session is opened with.
pub(super) struct Opening<'a> {
    pub(super) account: &'a str,
    pub(super) role: &'a Role,
    pub(super) name: &'a str,
    pub(super) policies: Vec<Arc<Policy>>,
    pub(super) source_identity: Option<String>,
    pub(super) chained: bool,
    pub(super) duration: SignedDuration,
}

/// Gives credentials of a role to nobody in particular: what tests, seeds and the admin interface act with.
///
/// Neither the role's trust nor the age of the role is asked for.
///
/// # Errors
/// `NoSuchEntity` if the account has no such role.
pub fn issue(
    world: &mut World,
    account: &str,
    role_name: &str,
    session_name: &str,
    policies: Vec<Arc<Policy>>,
    duration: SignedDuration,
) -> Result<Credentials, Refusal> {
    let role = world.accounts.get(account).and_then(|account| account.iam.current().roles.get(role_name));
    let role = role.cloned().ok_or_else(|| {
        let message = format!("The role with name {role_name} cannot be found.");
        Refusal::new(404, "NoSuchEntity", message)
    })?;
    let opening = Opening {
        account,
        role: &role,
        name: session_name,
        policies,
        source_identity: None,
        chained: false,
        duration,
    };
    Ok(open(world, opening))
}

/// Opens a session.
pub(super) fn open(world: &mut World, opening: Opening<'_>) -> Credentials {
    let now = world.now();
    // AWS tells the end in whole seconds.
    let end = Timestamp::from_second(now.as_second()).unwrap_or(now).saturating_add(opening.duration);
    let credentials = Credentials {
        access_key_id: access_key(world, "ASIA", opening.account),
        secret_access_key: secret(world, 30),
        session_token: format!("IQoJb3JpZ2luX2Vj{}", secret(world, 180)),
        expires_at: end.unwrap_or(Timestamp::MAX),
    };
    let session = Session {
        role_name: opening.role.name.clone(),
        role_id: opening.role.id.clone(),
        role_arn: opening.role.arn.clone(),
        name: opening.name.to_owned(),
        token: credentials.session_token.clone(),
        expires_at: credentials.expires_at,
        policies: opening.policies,
        source_identity: opening.source_identity,
        chained: opening.chained,
    };
    world.sessions.forget(now);
    world.sessions.remember(credentials.access_key_id.clone(), opening.account.to_owned(), session);
    credentials
}

impl Sessions {
    fn remember(&mut self, key: String, account: String, session: Session) {
        self.by_end.insert((session.expires_at, key.clone()));
        self.by_key.insert(key, (account, Arc::new(session)));
    }

    /// Forgets the sessions that ended long ago; costs nothing when there are none.
    fn forget(&mut self, now: Timestamp) {
        let long_ago = now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        while self.by_end.first().is_some_and(|(end, _)| *end < long_ago) {
            if let Some((_, key)) = self.by_end.pop_first() {
                self.by_key.remove(&key);
            }
        }
    }
}

/// A new access key of the account. AWS: the key holds the account's number, so it can be told from the key alone.
pub(crate) fn access_key(world: &mut World, prefix: &str, account: &str) -> String {
    let number: u128 = account.parse().unwrap_or(0) & 0xff_ffff_ffff;
    // 80 bits: one of AWS's own, 40 of the account, 39 of chance.
    let chance = u128::from(world.rng.random::<u64>() & 0x7f_ffff_ffff);
    let bits = (number << 39) | chance | (1 << 79);
    let mut key = prefix.to_owned();
    key.extend((0..16).rev().map(|place| {
        let letter = usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0);
        char::from(BASE32[letter])
    }));
    key
}

/// The account whose number the access key holds.
pub(super) fn account_of(key: &str) -> Option<String> {
    let letters = key.strip_prefix("ASIA").or_else(|| key.strip_prefix("AKIA"))?;
    if letters.len() != 16 {
        return None;
    }
    let mut bits = 0_u128;
    for letter in letters.bytes() {
        let value = BASE32.iter().position(|candidate| *candidate == letter)?;
        bits = (bits << 5) | u128::try_from(value).ok()?;
    }
    Some(format!("{:012}", (bits >> 39) & 0xff_ffff_ffff))
}

/// Random text in Base64 of so many bytes.
pub(crate) fn secret(world: &mut World, bytes: usize) -> String {
    let bytes: Vec<u8> = (0..bytes).map(|_| world.rng.random()).collect();
    STANDARD.encode(bytes)
}
