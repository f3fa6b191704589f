//! Whether a key can be used for what is encrypted with it.

use jiff::SignedDuration;

use super::{Key, KeyState, Place};
use crate::access::{Asker, Resource};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::service::events;
use crate::world::World;

/// AWS: what is put into a topic, queue or bus takes a new data key, or one that must be decrypted.
const TO_PUT: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];

/// Something that is encrypted with a customer's key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cipher<'a> {
    /// The key, by id or ARN.
    pub(crate) key: &'a str,
    /// The account of what is encrypted.
    pub(crate) account: &'a str,
    /// Its Region.
    pub(crate) region: &'a str,
    /// The service that keeps it: `sns`, `sqs`, `events`.
    pub(crate) service: &'a str,
    /// The key of the encryption context, without `kms:EncryptionContext:`, and its value: the ARN of what is encrypted.
    pub(crate) context: (&'a str, &'a str),
}

impl Cipher<'_> {
    /// The key, if it can be used at all.
    fn key<'w>(&self, world: &'w World) -> Result<(Place, &'w Key), &'static str> {
        let place =
            Place::of(self.key, self.account, self.region).filter(|place| place.region == self.region);
        let place = place.ok_or("KmsNotFound")?;
        let key = place.find(world).ok_or("KmsNotFound")?;
        match key.state {
            KeyState::Enabled if key.spec == "SYMMETRIC_DEFAULT" => Ok((place, key)),
            KeyState::Enabled => Err("KmsInvalidKeyUsage"),
            KeyState::Disabled => Err("KmsDisabled"),
            KeyState::PendingDeletion(_) => Err("KmsInvalidState"),
        }
    }

    /// What KMS is told of the use: by whose account, and by way of which service, where a service uses it for somebody.
    fn circumstances(&self, world: &World, by: Option<&str>) -> Context {
        let (name, value) = self.context;
        let mut context = Context::from([
            (format!("kms:encryptioncontext:{}", name.to_lowercase()), vec![value.to_owned()]),
            ("kms:encryptioncontextkeys".to_owned(), vec![name.to_owned()]),
        ]);
        if let Some(account) = by {
            context.insert("kms:calleraccount".to_owned(), vec![account.to_owned()]);
            let host = format!("{}.{}.{}", self.service, self.region, world.partition.dns_suffix);
            context.insert("kms:viaservice".to_owned(), vec![host]);
        }
        context
    }
}

/// Whether a service, or a role that it assumed, may put something there.
///
/// AWS: of a service that delivers to a topic or queue, KMS is not told for which account or rule it does so, so the keys
/// `aws:SourceArn`, `aws:SourceAccount` and `aws:SourceOrgID` are absent there; of a bus they are present.
///
/// # Errors
/// How SQS calls the reason: `KmsNotFound`, `KmsDisabled`, `KmsInvalidState`, `KmsInvalidKeyUsage`, `KmsAccessDenied`.
pub(crate) fn may(
    world: &World,
    cipher: Cipher<'_>,
    asker: &Asker,
    lag: SignedDuration,
) -> Result<(), &'static str> {
    let (place, key) = cipher.key(world)?;
    let asker = match asker {
        Asker::Service { service, .. } if cipher.service != "events" => Asker::Service {
            service: service.clone(),
            source_account: String::new(),
            source_arn: String::new(),
        },
        other => other.clone(),
    };
    let by = match &asker {
        Asker::Role { account, .. } => Some(account.as_str()),
        Asker::Service { .. } => None,
    };
    let context = cipher.circumstances(world, by);
    let resource = Resource { arn: &key.arn, owner: &place.account, policy: Some(&key.policy.policy) };
    for action in TO_PUT {
        world.asker_may(&asker, action, resource, context.clone(), lag).map_err(|_| "KmsAccessDenied")?;
    }
    Ok(())
}

/// Whether the caller of a service may do these actions with the key of what the service keeps.
///
/// # Errors
/// As [`may`].
pub(crate) fn caller_may(
    world: &World,
    cipher: Cipher<'_>,
    call: &Call,
    actions: &[&str],
) -> Result<(), &'static str> {
    let (place, key) = cipher.key(world)?;
    let context = cipher.circumstances(world, Some(&call.caller.account));
    for action in actions {
        let resource = Resource { arn: &key.arn, owner: &place.account, policy: Some(&key.policy.policy) };
        world
            .authorize_at(call, action, resource, context.clone())
            .map_err(|_: Refusal| "KmsAccessDenied")?;
    }
    Ok(())
}

/// Whether EventBridge finds a key and may look at it, as it does before a bus or archive is given one.
pub(crate) fn is_known_to_events(world: &World, key: &str, account: &str, region: &str) -> bool {
    let place = Place::of(key, account, region).filter(|place| place.region == region);
    let Some((place, key)) = place.and_then(|place| Some((place.clone(), place.find(world)?))) else {
        return false;
    };
    let asker = Asker::Service {
        service: events::PRINCIPAL.to_owned(),
        source_account: account.to_owned(),
        source_arn: String::new(),
    };
    let resource = Resource { arn: &key.arn, owner: &place.account, policy: Some(&key.policy.policy) };
    let admitted =
        world.asker_may(&asker, "kms:DescribeKey", resource, Context::new(), SignedDuration::ZERO).is_ok();
    admitted && key.spec == "SYMMETRIC_DEFAULT" && key.state == KeyState::Enabled
}
