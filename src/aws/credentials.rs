//! One set of credentials for each role, kept by ourselves and renewed before it ends.
//!
//! The SDK's own cache holds 64 identities and evicts at random; an organization has thousands.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::SharedCredentialsProvider;
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::session_policy;
use super::sts::AssumeRole;
use super::{Access, Cloud, Session};
use crate::clock::Clock;
use crate::model::error::CloudError;
use crate::model::ids::{AccountId, Region, RoleArn};
use crate::model::plan::Change;
use crate::model::target::Side;
use crate::pace::Pace;
use crate::world::{Reach, Target, World};

/// AssumeRole calls a second. STS allows 600 to an account and Region, shared with everybody in it; three
/// quarters of that start ten thousand accounts within half a minute and leave the rest to others.
const ASSUME_ROLE_PER_SECOND: NonZeroU32 = NonZeroU32::new(450).unwrap();
/// How many of them may go out at once, so that the first second stays below the quota too.
const ASSUME_ROLE_BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// How sessions are asked for.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// The account that the program's own credentials belong to.
    pub home: AccountId,
    /// The Region of the STS endpoint.
    pub sts_region: Region,
    /// The central account's role, if the program runs elsewhere. Every other role is assumed from it, as their trust
    /// names principals of the central account.
    pub central: Option<RoleArn>,
    /// The role that stands before all members.
    pub via: Option<RoleArn>,
    /// What members want to hear before they let us in.
    pub external_id: Option<SecretString>,
    /// Who we say we are, for members that ask.
    pub source_identity: Option<String>,
    /// How long a session lasts.
    pub duration: Duration,
    /// The name of our sessions in AWS's records.
    pub session_name: String,
}

/// Sessions by role and session policy. A lock for each, so that one account's renewal keeps no other waiting.
#[derive(Default)]
struct Sessions {
    /// Thousands of sessions share a few policies.
    policies: BTreeSet<Arc<str>>,
    by_role: HashMap<(RoleArn, Arc<str>), Cell>,
}

type Cell = Arc<Mutex<Option<Held>>>;

impl Sessions {
    fn cell(&mut self, role: &RoleArn, policy: &str) -> Cell {
        let policy = self.policies.get(policy).cloned().unwrap_or_else(|| {
            let policy: Arc<str> = policy.into();
            self.policies.insert(Arc::clone(&policy));
            policy
        });
        Arc::clone(self.by_role.entry((role.clone(), policy)).or_default())
    }
}

/// Which role is assumed, which decides from where and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    Central,
    Via,
    Reader,
    Management,
    Member,
}

fn hop(reach: &Reach) -> Option<(&RoleArn, Hop)> {
    match reach {
        Reach::Ambient => None,
        Reach::Central(role) => Some((role, Hop::Central)),
        Reach::Management(role) => Some((role, Hop::Management)),
        Reach::Member(role) => Some((role, Hop::Member)),
    }
}

struct Held {
    credentials: SharedCredentialsProvider,
    renew_at: SystemTime,
}

/// Hands out sessions.
pub struct Broker {
    cloud: Cloud,
    settings: SessionSettings,
    clock: Clock,
    pace: Pace,
    held: std::sync::Mutex<Sessions>,
}

impl Broker {
    /// A broker that holds nothing yet.
    pub fn new(cloud: Cloud, settings: SessionSettings, clock: Clock) -> Self {
        let pace = Pace::with_burst(ASSUME_ROLE_PER_SECOND, ASSUME_ROLE_BURST);
        Self { cloud, settings, clock, pace, held: std::sync::Mutex::default() }
    }

    /// A session of the program's own credentials that only reads.
    pub fn ambient(&self) -> Session {
        Session {
            account: self.settings.home.clone(),
            region: self.settings.sts_region.clone(),
            access: Access::Read,
            credentials: None,
        }
    }

    /// A session of the central account for questions that need no right.
    pub async fn central(&self, role: Option<&RoleArn>, region: &Region) -> Result<Session, CloudError> {
        let credentials = match role {
            None => None,
            Some(role) => Some(self.held(role, session_policy::reads(Side::Central), Hop::Central).await?),
        };
        Ok(Session {
            account: self.settings.home.clone(),
            region: region.clone(),
            access: Access::Read,
            credentials,
        })
    }

    /// A session that looks at a target.
    pub async fn read(&self, target: &Target) -> Result<Session, CloudError> {
        let policy = session_policy::reads(target.key.side);
        let credentials = match hop(&target.reach) {
            None => None,
            Some((role, hop)) => Some(self.held(role, policy, hop).await?),
        };
        Ok(Session {
            account: target.account().clone(),
            region: target.region().clone(),
            access: Access::Read,
            credentials,
        })
    }

    /// A session that makes the due changes of a plan, and cannot make others where a role is assumed.
    pub async fn write(
        &self,
        world: &World,
        target: &Target,
        due: &[&Change],
    ) -> Result<Session, CloudError> {
        let policy = session_policy::writes(world, target, due.iter().copied());
        let credentials = match hop(&target.reach) {
            None => None,
            Some((role, hop)) => Some(self.assume(role, policy, hop).await?.0),
        };
        Ok(Session {
            account: target.account().clone(),
            region: target.region().clone(),
            access: Access::Write,
            credentials,
        })
    }

    /// A session that receives and deletes messages of the inbox in the central account.
    pub async fn inbox(&self, world: &World) -> Result<Session, CloudError> {
        let credentials = match &self.settings.central {
            None => None,
            Some(role) => Some(self.held(role, session_policy::inbox(world), Hop::Central).await?),
        };
        Ok(Session {
            account: world.central.clone(),
            region: world.central_region.clone(),
            access: Access::Inbox,
            credentials,
        })
    }

    /// A session that sends canaries to the default bus of a member, and can send nothing else.
    pub async fn canary(&self, world: &World, target: &Target) -> Result<Session, CloudError> {
        let credentials = match hop(&target.reach) {
            None => None,
            Some((role, hop)) => Some(self.held(role, session_policy::canary(world, target), hop).await?),
        };
        Ok(Session {
            account: target.account().clone(),
            region: target.region().clone(),
            access: Access::Send,
            credentials,
        })
    }

    /// A session that puts orgwatch's own events on the central bus, and can send nothing else.
    pub async fn own_events(&self, world: &World) -> Result<Session, CloudError> {
        let credentials = match &self.settings.central {
            None => None,
            Some(role) => Some(self.held(role, session_policy::own_events(world), Hop::Central).await?),
        };
        Ok(Session {
            account: world.central.clone(),
            region: world.central_region.clone(),
            access: Access::Send,
            credentials,
        })
    }

    /// A session that looks through the dead letters of a Region of the central account, or delivers them too.
    pub async fn letters(
        &self,
        world: &World,
        region: &Region,
        deliver: bool,
    ) -> Result<Session, CloudError> {
        let credentials = match &self.settings.central {
            None => None,
            Some(role) => {
                let policy = session_policy::letters(world, region, deliver);
                Some(self.held(role, policy, Hop::Central).await?)
            }
        };
        Ok(Session {
            account: world.central.clone(),
            region: region.clone(),
            access: if deliver { Access::Delivery } else { Access::Letters },
            credentials,
        })
    }

    /// A session that discovers the organization.
    pub async fn organization(
        &self,
        reader: Option<&RoleArn>,
        region: &Region,
    ) -> Result<Session, CloudError> {
        let (account, credentials) = match reader {
            None => (self.settings.home.clone(), None),
            Some(role) => (
                role.account().clone(),
                Some(self.held(role, session_policy::organization(), Hop::Reader).await?),
            ),
        };
        Ok(Session { account, region: region.clone(), access: Access::Read, credentials })
    }

    /// Forgets what is held for a target, because AWS no longer takes it: its role may have been made again.
    pub fn forget(&self, target: &Target) {
        if let Some((role, _)) = hop(&target.reach) {
            let mut held = self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            held.by_role.retain(|(of, _), _| of != role);
        }
    }

    async fn held(
        &self,
        role: &RoleArn,
        policy: String,
        hop: Hop,
    ) -> Result<SharedCredentialsProvider, CloudError> {
        let cell = {
            let mut held = self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            held.cell(role, &policy)
        };
        let mut held = cell.lock().await;
        let now = SystemTime::from(self.clock.now());
        if let Some(held) = held.as_ref().filter(|h| now < h.renew_at) {
            return Ok(held.credentials.clone());
        }
        let (credentials, ends) = Box::pin(self.assume(role, policy, hop)).await?;
        *held = Some(Held {
            credentials: credentials.clone(),
            renew_at: renewal(ends, self.settings.duration, self.clock.jitter()),
        });
        Ok(credentials)
    }

    async fn assume(
        &self,
        role: &RoleArn,
        policy: String,
        hop: Hop,
    ) -> Result<(SharedCredentialsProvider, SystemTime), CloudError> {
        // Each role trusts the one before it: the central account's, then the one that stands before all members.
        let before = match hop {
            Hop::Central => None,
            Hop::Member if self.settings.via.is_some() => {
                self.settings.via.as_ref().map(|via| (via, Hop::Via))
            }
            Hop::Via | Hop::Reader | Hop::Management | Hop::Member => {
                self.settings.central.as_ref().map(|central| (central, Hop::Central))
            }
        };
        let with = match before {
            None => self.ambient(),
            Some((before, its)) => Session {
                account: before.account().clone(),
                credentials: Some(self.held(before, session_policy::assume(role.partition()), its).await?),
                ..self.ambient()
            },
        };
        let asks = matches!(hop, Hop::Member | Hop::Management);
        let ask = AssumeRole {
            role,
            session_name: &self.settings.session_name,
            external_id: self.settings.external_id.as_ref().filter(|_| asks),
            source_identity: self.settings.source_identity.as_deref().filter(|_| asks),
            seconds: i32::try_from(self.settings.duration.as_secs()).unwrap_or(3600),
            policy: Some(policy),
        };
        self.pace.ready().await;
        let (credentials, ends) = self.cloud.assume_role(&with, &ask).await?;
        Ok((SharedCredentialsProvider::new(credentials), ends))
    }
}

/// Between a sixth and a third of the session before its end, by `jitter`, so that a thousand sessions that began
/// together do not end together.
fn renewal(ends: SystemTime, duration: Duration, jitter: f64) -> SystemTime {
    ends - duration.mul_f64((1.0 + jitter) / 6.0)
}
