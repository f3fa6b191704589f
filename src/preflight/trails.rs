//! Trails that do not log what the watches wait for.

use super::{AccountSeen, Code, Finding, Mend};
use crate::trail::{self, Presence};

pub(super) fn judge(account: &AccountSeen) -> Option<Finding> {
    let (code, message) = match account.trail.as_ref()? {
        Presence::Present(_) => return None,
        Presence::Unknown(reason, _) if *reason == trail::NOT_PROBED => return None,
        Presence::Unknown(_, message) => (Code::TrailUnclear, message),
        Presence::Missing(reason, message) => (code(reason), message),
    };
    // Messages end with what to do, which is told in our own form.
    let found = message.split("; ").next().unwrap_or(message).to_owned();
    Some(Finding::new(code, found, mend(code, message)).of(&account.id))
}

fn code(reason: &str) -> Code {
    match reason {
        trail::TRAIL_STOPPED => Code::TrailStopped,
        trail::TRAIL_ELSEWHERE => Code::TrailElsewhere,
        trail::NO_GLOBAL_EVENTS => Code::TrailWithoutGlobalEvents,
        trail::NO_MANAGEMENT_EVENTS => Code::TrailWithoutManagementEvents,
        trail::EXCLUDES_EVENTS => Code::TrailExcludesEvents,
        _ => Code::NoTrail,
    }
}

fn mend(code: Code, message: &str) -> Mend {
    let arn = message.split_whitespace().find(|word| word.starts_with("arn:"));
    let arn = arn.map_or("<trail>", |arn| arn.trim_end_matches([',', ';', ':']));
    let region = arn.split(':').nth(3).map(|region| format!(" --region {region}")).unwrap_or_default();
    let owner = || {
        let account = arn.split(':').nth(4);
        account.map_or_else(
            || "in the trail's account".to_owned(),
            |account| format!("in account {account}, which owns the trail"),
        )
    };
    match code {
        Code::NoTrail => Mend::say("in the management account: make an organization trail, and start it").command(
            "aws cloudtrail create-trail --name organization-trail --s3-bucket-name <bucket> --is-organization-trail \
             --is-multi-region-trail && aws cloudtrail start-logging --name organization-trail",
        ),
        Code::TrailStopped => {
            Mend::say(owner()).command(format!("aws cloudtrail start-logging --name {arn}{region}"))
        }
        Code::TrailElsewhere | Code::TrailWithoutGlobalEvents => Mend::say(format!("{}: let it log everywhere", owner()))
            .command(format!("aws cloudtrail update-trail --name {arn} --is-multi-region-trail{region}")),
        Code::TrailUnclear => Mend::say(
            "look at the trail's event selectors in the account that owns it; docs/regions-and-trails.md says what is needed",
        )
        .command(format!("aws cloudtrail get-event-selectors --trail-name {arn}{region}")),
        _ => Mend::say(format!("{}: let it log all management events", owner())).command(format!(
            "aws cloudtrail put-event-selectors --trail-name {arn}{region} --event-selectors \
             '[{{\"ReadWriteType\":\"All\",\"IncludeManagementEvents\":true}}]'"
        )),
    }
}
