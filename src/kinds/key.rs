//! Customers' keys: looked at, and never written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::{Cloud, Session};
use crate::keys::{self, Answer};
use crate::model::call::Call;
use crate::model::error::{CloudError, ErrorClass};
use crate::model::resource::{KindName, Note};
use crate::model::target::Side;
use crate::world::{Target, World};

/// The name of the kind.
pub(crate) const NAME: KindName = "kms_key";
/// Whether the key lets in who needs it, its owner has to see to.
pub(crate) const KEY_NOT_VERIFIED: &str = "KeyNotVerified";
/// Whether the key lets in who needs it depends on conditions of which nobody here knows whether they hold.
pub(crate) const KEY_UNCLEAR: &str = "KeyUnclear";

/// What a key does for us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeySpec {
    /// AWS's word for its state, or why it cannot be used at all.
    state: String,
    /// Whether its policy lets each service do what it has to, by the service and what for.
    uses: BTreeMap<String, String>,
}

const ENABLED: &str = "Enabled";
const ALLOWED: &str = "allowed";

pub(super) struct Key;

impl Kind for Key {
    type Spec = KeySpec;
    const NAME: KindName = NAME;
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, KeySpec> {
        if !target.holds_bus(world) {
            return BTreeMap::new();
        }
        keys::all(world).into_iter().map(|arn| (arn.to_owned(), wanted(world, arn))).collect()
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        _: &Scope,
    ) -> Sights<KeySpec> {
        let mut sights = Sights::new();
        if !target.holds_bus(world) {
            return sights;
        }
        for arn in keys::all(world) {
            let sight = match look(cloud, session, world, arn).await {
                Ok(seen) => Sight::Present(seen),
                Err(error) => Sight::Unknown(error),
            };
            sights.insert(arn.to_owned(), sight);
        }
        sights
    }

    /// Nobody but its owner changes a key.
    fn mend(_: &World, _: &Target, _: &str, _: &KeySpec, _: Option<&Seen<KeySpec>>) -> Vec<Call> {
        Vec::new()
    }

    fn removal(_: &World, _: &Target, _: &str, _: &Seen<KeySpec>) -> Removal {
        Removal { calls: Vec::new(), hold: None }
    }
}

/// A key that does all that it has to.
fn wanted(world: &World, arn: &str) -> KeySpec {
    let uses = keys::uses(world, arn).iter().map(|usage| (usage.label(), ALLOWED.to_owned())).collect();
    KeySpec { state: ENABLED.to_owned(), uses }
}

/// Where KMS tells us nothing of the key or of its policy, that is no failure: whoever owns it has to look.
async fn look(
    cloud: &Cloud,
    session: &Session,
    world: &World,
    arn: &str,
) -> Result<Seen<KeySpec>, CloudError> {
    if !keys::is_readable(world, arn) {
        return Ok(unread(world, arn, "KMS tells its policy to its own account alone"));
    }
    let key = match cloud.describe_key(session, arn).await {
        Ok(key) => key,
        Err(error) if error.class == ErrorClass::NotFound => return Ok(in_state("NotFound")),
        Err(error) if is_refusal(&error) => return Ok(unread(world, arn, &error.to_string())),
        Err(error) => return Err(error),
    };
    if key.spec != "SYMMETRIC_DEFAULT" {
        return Ok(in_state(&format!("{}, of the kind {}", key.state, key.spec)));
    }
    let policy = match cloud.key_policy(session, arn).await {
        Ok(policy) => policy,
        Err(error) if error.class == ErrorClass::NotFound => return Ok(in_state("NotFound")),
        Err(error) if is_refusal(&error) => {
            let mut seen = unread(world, arn, &error.to_string());
            seen.spec.state = key.state;
            return Ok(seen);
        }
        Err(error) => return Err(error),
    };
    Ok(judged(world, arn, key.state, &policy))
}

fn is_refusal(error: &CloudError) -> bool {
    matches!(error.class, ErrorClass::Denied | ErrorClass::DeniedByScp)
}

/// What the key's policy says of each use.
fn judged(world: &World, arn: &str, state: String, policy: &str) -> Seen<KeySpec> {
    let policy: Value = serde_json::from_str(policy).unwrap_or(Value::Null);
    let (mut uses, mut notes) = (BTreeMap::new(), Vec::new());
    for usage in keys::uses(world, arn) {
        let told = match keys::ask(&policy, arn, &usage) {
            Answer::Lets => ALLOWED.to_owned(),
            Answer::Refuses(why) => why,
            Answer::Unclear(why) => {
                notes.push(Note::new(KEY_UNCLEAR, format!("for {}, key {arn}: {why}", usage.purpose)));
                ALLOWED.to_owned()
            }
        };
        uses.insert(usage.label(), told);
    }
    if uses.values().any(|told| told != ALLOWED) {
        notes.push(Note::new(KEY_REFUSES, format!("the policy of key {arn} needs {}", needed(world, arn))));
    }
    Seen { spec: KeySpec { state, uses }, mark: Mark::Ours, notes }
}

/// The key does not let in who needs it.
pub(crate) const KEY_REFUSES: &str = "KeyRefuses";

fn unread(world: &World, arn: &str, why: &str) -> Seen<KeySpec> {
    let message = format!(
        "whether key {arn} lets in who needs it could not be read ({why}); its owner has to see that its policy has {}",
        needed(world, arn)
    );
    Seen { spec: wanted(world, arn), mark: Mark::Ours, notes: vec![Note::new(KEY_NOT_VERIFIED, message)] }
}

fn in_state(state: &str) -> Seen<KeySpec> {
    Seen {
        spec: KeySpec { state: state.to_owned(), uses: BTreeMap::new() },
        mark: Mark::Ours,
        notes: Vec::new(),
    }
}

/// The statements that the key's policy has to have, for its owner.
fn needed(world: &World, arn: &str) -> String {
    Value::Array(keys::statements(world, arn)).to_string()
}
