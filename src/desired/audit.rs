//! The target of the account that holds the trail's log group, where metric filters and alarms stand. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::enforces;
use crate::compliance::place::{LOG_GROUP_ELSEWHERE, LogGroup, NO_ROLE, Place, ROLE_ELSEWHERE};
use crate::compliance::{Installed, Theme};
use crate::config::{Mode, Settings};
use crate::inventory::Known;
use crate::model::ids::{AccountId, Region};
use crate::model::resource::Note;
use crate::model::target::{Side, TargetKey};
use crate::world::{Alert, Reach, Target, Targets, World};

/// The filters and alarms that the settings ask for; none where nobody looks after them.
pub(super) fn installed(settings: &Settings, alerts: &[Alert]) -> Option<Installed> {
    let themes: Vec<&'static Theme> = settings.compliance.metric_alarms.as_ref()?.0.clone();
    let told = settings.alert_of_alarms();
    let alert = alerts.iter().find(|alert| told.is_some_and(|told| told.name == alert.name));
    Some(Installed {
        // Without anybody to tell, which the settings do not allow, there is nothing to install.
        themes: if alert.is_some() { themes } else { Vec::new() },
        topic_arn: alert.map(|alert| alert.topic_arn.clone()).unwrap_or_default(),
    })
}

/// Adds the target of the log group's account, and tells the target of the central bus whose alarms its topic takes.
pub fn audit(
    targets: &mut Targets,
    settings: &Settings,
    world: &World,
    known: &BTreeMap<AccountId, Known>,
    management: &AccountId,
    enforce_all: bool,
    place: Option<&Place>,
) {
    let (Some(_), Some(place)) = (&world.installed, place) else { return };
    let (place, reach) = usable(settings, world, management, place);
    let place = Arc::new(place);
    // As long as nobody knows where the alarms are, this is told by the central account.
    let (account, region): (AccountId, Region) = place.group().map_or_else(
        || (world.central.clone(), world.central_region.clone()),
        |at| (at.account.clone(), at.region.clone()),
    );
    let given = if enforce_all { Mode::Enforce } else { settings.reconcile.mode };
    let enforce =
        known.get(&account).map_or(given == Mode::Enforce, |known| enforces(settings, known, given));
    for target in targets.values_mut().filter(|target| target.holds_bus(world)) {
        target.place = Some(Arc::clone(&place));
    }
    let key = TargetKey { side: Side::Audit, account, region };
    let target = Target {
        key: key.clone(),
        reach,
        watches: Vec::new(),
        roles_here: false,
        watched: true,
        dead_letters: false,
        writes_role: false,
        enforce,
        leaving: false,
        place: Some(place),
    };
    targets.insert(key, target);
}

/// The place as far as alarms there can be kept and tell anybody, and how its account is entered.
fn usable(settings: &Settings, world: &World, management: &AccountId, place: &Place) -> (Place, Reach) {
    let central = || settings.central.role_arn.clone().map_or(Reach::Ambient, Reach::Central);
    let Some(group) = place.group() else { return (place.clone(), central()) };
    if group.region != world.central_region {
        return (Place::Nowhere(elsewhere(group, &world.central_region)), central());
    }
    if group.account == world.central {
        return (place.clone(), central());
    }
    let Some(role) = &settings.compliance.role_arn else {
        return (Place::Nowhere(no_role(group)), central());
    };
    if *role.account() != group.account {
        let message = format!(
            "the trail's log group is {group}, and `compliance.role_arn` names a role of account {}; name one of {}",
            role.account(),
            group.account
        );
        return (Place::Nowhere(Note::new(ROLE_ELSEWHERE, message)), central());
    }
    let reach = if group.account == *management {
        Reach::Management(role.clone())
    } else {
        Reach::Member(role.clone())
    };
    (place.clone(), reach)
}

fn elsewhere(group: &LogGroup, central: &Region) -> Note {
    let message = format!(
        "the trail's log group is {group}, and the topic is in {central}: an alarm tells topics of its own Region alone. Give \
         the trail a log group in {central}, or set `central.region` to {}",
        group.region
    );
    Note::new(LOG_GROUP_ELSEWHERE, message)
}

fn no_role(group: &LogGroup) -> Note {
    let message = format!(
        "the trail's log group is {group}, where no role of orgwatch is; install \
         deploy/cloudformation/alarms-role.yaml there and name its role in `compliance.role_arn`"
    );
    Note::new(NO_ROLE, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{self, CENTRAL, MANAGEMENT};

    const ROLE: &str = "role_arn = 'arn:aws:iam::111111111111:role/orgwatch-alarms'\n";

    fn group(account: &str, region: &str) -> Place {
        let arn = format!("arn:aws:logs:{region}:{account}:log-group:trail:*");
        Place::At(LogGroup::parse(&arn).unwrap())
    }

    /// The targets of a configuration, with the trail's log group there.
    fn targets(more: &str, place: Option<&Place>) -> Targets {
        let settings = fixture::settings(&format!("[compliance]\n{more}"));
        let world = fixture::world(&settings);
        let mut targets = fixture::targets(&settings, 1);
        let (known, management) = (fixture::everybody(1), fixture::id(MANAGEMENT));
        audit(&mut targets, &settings, &world, &known, &management, true, place);
        targets
    }

    fn one(targets: &Targets) -> &Target {
        let mut found = targets.values().filter(|target| target.key.side == Side::Audit);
        let one = found.next().unwrap();
        assert!(found.next().is_none());
        one
    }

    /// Why nothing is installed, as the target says that stands for it in the central account.
    fn lack(more: &str, place: &Place) -> &'static str {
        let targets = targets(&format!("metric_alarms = ['cis-4.4']\n{more}"), Some(place));
        let target = one(&targets);
        assert_eq!((target.account().as_str(), &target.reach), (CENTRAL, &Reach::Ambient));
        match target.place.as_deref() {
            Some(Place::Nowhere(note)) => note.reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn where_no_alarms_are_asked_for_nobody_looks() {
        let place = group(CENTRAL, "us-east-1");
        assert!(targets("", Some(&place)).keys().all(|key| key.side != Side::Audit));
        assert!(targets("metric_alarms = ['cis-4']\n", None).keys().all(|key| key.side != Side::Audit));
        // Where none is wanted any more, what is left is still seen.
        assert_eq!(one(&targets("metric_alarms = []\n", Some(&place))).account().as_str(), CENTRAL);
    }

    #[test]
    fn the_central_account_is_entered_as_ever_and_another_one_by_the_role_that_is_for_it() {
        let of = |place: &Place, more: &str| {
            let targets = targets(&format!("metric_alarms = ['cis-4.4']\n{more}"), Some(place));
            let bus = targets.values().find(|target| target.key.side == Side::Central).unwrap();
            let target = one(&targets);
            assert_eq!(bus.place, target.place, "the topic is told whose alarms it takes");
            (target.account().to_string(), target.reach.clone())
        };
        let role = |account: &str| format!("arn:aws:iam::{account}:role/orgwatch-alarms");
        let member = fixture::member_id(1).to_string();
        assert_eq!(of(&group(CENTRAL, "us-east-1"), ROLE), (CENTRAL.to_owned(), Reach::Ambient));
        assert_eq!(
            of(&group(MANAGEMENT, "us-east-1"), ROLE),
            (MANAGEMENT.to_owned(), Reach::Management(role(MANAGEMENT).parse().unwrap()))
        );
        assert_eq!(
            of(&group(&member, "us-east-1"), &format!("role_arn = '{}'\n", role(&member))),
            (member.clone(), Reach::Member(role(&member).parse().unwrap()))
        );
    }

    #[test]
    fn what_stands_in_the_way_is_told_in_the_central_account() {
        assert_eq!(lack("", &group(MANAGEMENT, "us-east-1")), NO_ROLE);
        assert_eq!(lack(ROLE, &group(CENTRAL, "eu-west-1")), LOG_GROUP_ELSEWHERE);
        let member = fixture::member_id(1);
        assert_eq!(lack(ROLE, &group(member.as_str(), "us-east-1")), ROLE_ELSEWHERE);
        assert_eq!(lack("", &Place::of_trails(&[])), crate::compliance::place::NO_ORGANIZATION_TRAIL);
    }
}
