//! The hosts of AWS that an installation talks to, and the time that they tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Serialize, Serializer};

use super::{Code, Finding, Knock, Mend, SKEW};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::Region;
use crate::world::World;

/// A service that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the service of that name")]
pub enum Service {
    Sts,
    Organizations,
    Iam,
    Account,
    CloudTrail,
    CloudWatch,
    Events,
    Kms,
    Logs,
    Sns,
    Sqs,
}

impl Service {
    /// The service as AWS's command line calls it, as in errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Organizations => "organizations",
            Self::Iam => "iam",
            Self::Account => "account",
            Self::CloudTrail => "cloudtrail",
            Self::CloudWatch => "cloudwatch",
            Self::Events => "events",
            Self::Kms => "kms",
            Self::Logs => "logs",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Every service and Region that is called: those of the partition, of the central side, and of members with rules in
/// `regions`. Which hosts these are the SDK says, by its own table and the environment.
pub fn hosts(world: &World, trails: bool, regions: &BTreeSet<Region>) -> BTreeSet<(Service, Region)> {
    let (partition, central) = (world.partition, &world.central_region);
    let home = partition.iam_events_region();
    let mut hosts = BTreeSet::from([
        (Service::Sts, partition.sts_region()),
        (Service::Organizations, partition.organizations_region()),
        (Service::Iam, home.clone()),
        (Service::Account, home.clone()),
        (Service::Events, central.clone()),
        (Service::Sns, central.clone()),
        (Service::Sqs, central.clone()),
        // What CloudWatch counts of alerts is read whatever the settings say.
        (Service::CloudWatch, central.clone()),
    ]);
    if trails {
        hosts.insert((Service::CloudTrail, home.clone()));
    }
    if !crate::keys::all(world).is_empty() {
        hosts.insert((Service::Kms, central.clone()));
    }
    if world.installed.is_some() {
        hosts.extend([(Service::CloudTrail, central.clone()), (Service::Logs, central.clone())]);
    }
    for region in regions {
        // Each rule needs a dead-letter queue in its own Region.
        hosts.extend([(Service::Events, region.clone()), (Service::Sqs, region.clone())]);
    }
    hosts
}

/// Which services no answer came from.
pub(super) struct Reach(BTreeSet<(&'static str, Region)>);

impl Reach {
    pub(super) fn of(knocks: &[Knock]) -> Self {
        let silent = knocks.iter().filter(|knock| knock.answer.is_err());
        Self(silent.map(|knock| (knock.service.name(), knock.region.clone())).collect())
    }

    /// Whether a call failed because its host cannot be reached at all, which is told already.
    pub(super) fn explains(&self, error: &CloudError) -> bool {
        let region = error.region.as_ref();
        error.class == ErrorClass::Unreachable
            && self.0.iter().any(|(service, of)| *service == error.service && region.is_none_or(|r| r == of))
    }
}

/// Hosts that do not answer, by what was said instead; and a clock that is off by what all others say.
pub(super) fn judge(knocks: &[Knock]) -> Vec<Finding> {
    let mut silent: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for knock in knocks {
        if let Err(why) = &knock.answer {
            silent.entry(why).or_default().insert(&knock.host);
        }
    }
    let mut findings: Vec<Finding> = silent
        .into_iter()
        .map(|(why, hosts)| {
            let hosts: Vec<&str> = hosts.into_iter().collect();
            Finding::new(
                Code::UnreachableHost,
                format!("no answer from {}: {why}", hosts.join(", ")),
                Mend::say(
                    "let HTTPS out to these hosts, or set HTTPS_PROXY and NO_PROXY; for a certificate of your own set \
                     AWS_CA_BUNDLE; a VPC endpoint needs its private DNS name",
                ),
            )
        })
        .collect();
    findings.extend(skew(knocks));
    findings
}

/// A clock that is off, by the host that it differs least from: a cache in between may tell an old time.
pub(super) fn skew(knocks: &[Knock]) -> Option<Finding> {
    let told = knocks.iter().filter_map(|knock| knock.answer.as_ref().ok().copied().flatten());
    let least = told.min_by_key(|by| by.unsigned_abs())?;
    if least.abs() <= SKEW {
        return None;
    }
    let way = if least.is_positive() { "ahead of" } else { "behind" };
    let amount = humantime::format_duration(std::time::Duration::from_secs(least.unsigned_abs().as_secs()));
    Some(Finding::new(
        Code::ClockSkew,
        format!("this machine's clock is {amount} {way} AWS's; AWS refuses what is off by five minutes"),
        Mend::say("set the clock by a time service").command("timedatectl set-ntp true"),
    ))
}
