//! Resolves settings and inventory into what must hold and where. Pure.

mod audit;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

pub use self::audit::audit;
use crate::compile::{self, AlertRules, CannotCombine, Rule};
use crate::config::{
    self, Alert as AlertSettings, Delivery, DrillSchedule, Format, ForwardingRole, Mode, OverrideScope,
    Senders, Settings, UnknownSubscriptions,
};
use crate::config::{OnExclude, Watch as WatchSettings, WatchAccounts, WatchRegions};
use crate::document;
use crate::guard;
use crate::inventory::{Filter, Known};
use crate::model::ids::{AccountId, OrganizationId, OuId, Region, RoleArn};
use crate::model::target::{Side, TargetKey};
use crate::model::view::Standing;
use crate::news;
use crate::presets;
use crate::regions::Regions;
use crate::world::{Alert, Forwarder, Guard, Health, Reach, Target, Targets, Topic, Watch, World};

/// The accounts that are wanted.
pub fn filter(settings: &Settings) -> Filter {
    let organization = &settings.organization;
    Filter {
        include_ous: organization.include_ous.clone(),
        exclude_ous: organization.exclude_ous.clone(),
        exclude_accounts: organization.exclude_accounts.clone(),
        include_tags: organization.include_tags.clone(),
        exclude_tags: organization.exclude_tags.clone(),
    }
}

/// What must hold at this moment, once the organization is known.
pub fn world(
    settings: &Settings,
    organization: &OrganizationId,
    now: Timestamp,
) -> Result<World, CannotCombine> {
    let partition = settings.partition();
    let central_region = settings.central_region();
    let central = settings.central.account_id.clone();
    let mut tags = settings.tags.clone();
    tags.insert(crate::world::OWNER_TAG.to_owned(), settings.installation.to_string());
    let mut world = World {
        installation: settings.installation.clone(),
        partition,
        organization: organization.clone(),
        central: central.clone(),
        central_region: central_region.clone(),
        tags: Arc::new(tags),
        forwarder: Forwarder {
            role_name: settings.member.forwarding_role_name.clone(),
            managed: settings.member.forwarding_role == ForwardingRole::Managed,
            boundary: settings.member.permissions_boundary.clone(),
        },
        only_forwarders: settings.central.senders == Senders::ForwardingRoles,
        key: settings.central.kms_key_arn.as_ref().map(ToString::to_string),
        archive_days: settings.central.archive_retention.map(config::days),
        canary: settings.canary.interval.is_some(),
        drills: settings.drill.schedule != DrillSchedule::Off,
        watches: settings.watches.iter().map(|watch| Arc::new(resolved(settings, watch))).collect(),
        alerts: Vec::new(),
        guard: None,
        health: None,
        installed: None,
        inbox: settings.guard.enabled
            || settings.canary.interval.is_some()
            || settings.notify.alert.is_some()
            || settings.alerts.iter().any(|alert| !alert.suppress.is_empty()),
        member_roles: member_roles(settings),
        central_role: settings
            .central
            .role_arn
            .as_ref()
            .map_or_else(|| format!("{}-task", settings.installation), |role| role.name().to_owned()),
        adopt: settings
            .reconcile
            .adopt
            .iter()
            .map(|adopt| {
                let account = adopt.account.clone().unwrap_or_else(|| central.clone());
                let region = adopt.region.clone().unwrap_or_else(|| central_region.clone());
                (account, region, adopt.kind.clone(), adopt.name.clone())
            })
            .collect(),
    };
    world.alerts = settings
        .alerts
        .iter()
        .map(|alert| delivered(settings, &world, alert, now))
        .collect::<Result<_, _>>()?;
    world.installed = audit::installed(settings, &world.alerts);
    let pattern = guard::pattern::tamper(&world);
    let tamper = || built_in(&world, guard::TAMPER, &settings.guard.alert, pattern);
    world.guard = settings.guard.enabled.then(tamper).map(|alert| Guard { alert });
    let health = |told: &String| built_in(&world, news::HEALTH, told, news::pattern(&central));
    world.health = settings.notify.alert.as_ref().map(health).map(|alert| Health { alert });
    Ok(world)
}

/// The same as far as it can be known offline. Rules and keys name the central account alone; whose organization it is makes
/// no difference to what they let through.
pub fn offline(settings: &Settings, now: Timestamp) -> Result<World, CannotCombine> {
    #[expect(clippy::expect_used, reason = "a constant of the right form")]
    let nobody = || "o-0000000000".parse().expect("the form of an organization's id");
    let organization = settings.organization.id.clone().unwrap_or_else(nobody);
    world(settings, &organization, now)
}

/// Names, without paths, of the roles that we enter members with.
fn member_roles(settings: &Settings) -> BTreeSet<String> {
    let bare = settings.member.role_name.rsplit('/').next().unwrap_or_default().to_owned();
    let management = settings.organization.management_role_arn.as_ref();
    management.map(|role| role.name().to_owned()).into_iter().chain([bare]).collect()
}

/// A built-in alert: to the people of the alert `told`, if the settings have it, or else to everybody who is told anything.
fn built_in(world: &World, own: &str, told: &str, pattern: Value) -> Alert {
    let named = world.alerts.iter().find(|alert| alert.name == told);
    let name = world.named(own);
    let topic = named.is_none().then(|| Topic {
        name: name.clone(),
        display_name: None,
        subscriptions: world
            .alerts
            .iter()
            .filter_map(|alert| alert.topic.as_ref())
            .flat_map(|topic| topic.subscriptions.clone())
            .map(|(who, mut attributes)| {
                // What is asked of an alert's messages says nothing of these.
                attributes.retain(|name, _| !name.starts_with("FilterPolicy"));
                (who, attributes)
            })
            .collect(),
        remove_unknown: false,
        key: world.key.clone(),
    });
    Alert {
        name: own.to_owned(),
        rules: AlertRules {
            shown: vec![Rule { pattern: document::normal_pattern(pattern), enabled: true }],
            hidden: Vec::new(),
        },
        read_events: false,
        topic_arn: named.map_or_else(
            || world.arn("sns", &world.central_region, &world.central, &name),
            |alert| alert.topic_arn.clone(),
        ),
        topic,
        by_role: false,
        severity: None,
        format: Format::Text,
    }
}

/// A watch as its targets have it.
fn resolved(settings: &Settings, watch: &WatchSettings) -> Watch {
    let rule = format!("{}-{}", settings.installation, watch.name);
    Watch {
        name: watch.name.clone(),
        pattern: compile::sender(watch.pattern.value(), &rule, settings.canary.interval.is_some()),
        read_events: watch.read_events,
        contained_in: compile::contained_in(watch, &settings.watches),
    }
}

/// The Regions in which an account has sender rules of a watch: those that the watch names, every one that the account
/// has enabled and we may work in, the one that its preset needs, else the one where IAM's events appear.
///
/// That one is enabled in every account, so it is certain before anybody could read which ones an account has.
fn regions(
    settings: &Settings,
    watch: &WatchSettings,
    enabled: Option<&BTreeSet<Region>>,
) -> BTreeSet<Region> {
    let partition = settings.partition();
    match &watch.regions {
        WatchRegions::Only(named) => named.clone(),
        _ if watch.everywhere() => {
            let home = || BTreeSet::from([partition.iam_events_region()]);
            let all = enabled.cloned().unwrap_or_else(home);
            all.into_iter().filter(|region| is_allowed(settings, region)).collect()
        }
        WatchRegions::Needed | WatchRegions::All => {
            let preset = watch.preset.as_deref().and_then(presets::by_name);
            let one = preset.and_then(|preset| preset.regions.one(partition));
            BTreeSet::from([one.unwrap_or_else(|| partition.iam_events_region())])
        }
    }
}

/// Whether we may work in a Region.
pub fn is_allowed(settings: &Settings, region: &Region) -> bool {
    let allowed = &settings.organization.regions;
    allowed.is_empty() || allowed.contains(region)
}

/// The moments after `now` at which something else must hold although nobody changed anything: suppressions end.
pub fn next_end(settings: &Settings, now: Timestamp) -> Option<Timestamp> {
    let ends = settings.alerts.iter().flat_map(|alert| &alert.suppress).map(crate::config::Suppress::ends);
    ends.filter(|end| *end > now).min()
}

/// An alert as the central account has it.
fn delivered(
    settings: &Settings,
    world: &World,
    alert: &AlertSettings,
    now: Timestamp,
) -> Result<Alert, CannotCombine> {
    let name = world.named(&alert.name);
    let topic = alert.topic.is_none().then(|| Topic {
        name: name.clone(),
        display_name: alert.display_name.clone(),
        subscriptions: alert
            .subscriptions
            .iter()
            .map(|s| ((s.protocol.as_str().to_owned(), s.endpoint.shown().to_owned()), s.attributes()))
            .collect(),
        remove_unknown: alert.unknown_subscriptions == UnknownSubscriptions::Remove,
        key: alert.kms_key_arn.as_ref().map(ToString::to_string),
    });
    Ok(Alert {
        name: alert.name.clone(),
        rules: compile::alert(settings, alert, now)?,
        read_events: settings.watches.iter().any(|w| w.read_events && alert.watches.contains(&w.name)),
        topic_arn: alert.topic.as_ref().map_or_else(
            || world.arn("sns", &world.central_region, &world.central, &name),
            ToString::to_string,
        ),
        topic,
        by_role: alert.delivery == Delivery::Role,
        severity: alert.severity.clone(),
        format: alert.format,
    })
}

/// Every target: the central ones, and each wanted account that has a watch and a way in.
///
/// `enforce_all` is for a command that was told to write; overrides bind it all the same.
pub fn targets(
    settings: &Settings,
    world: &World,
    known: &BTreeMap<AccountId, Known>,
    management: &AccountId,
    enforce_all: bool,
    places: &Regions,
) -> Targets {
    let mut targets = Targets::new();
    let given = if enforce_all { Mode::Enforce } else { settings.reconcile.mode };
    for known in known.values() {
        let leaving =
            known.standing == Standing::Excluded && settings.organization.on_exclude == OnExclude::Remove;
        if known.standing != Standing::Active && !leaving {
            continue;
        }
        let enforce = enforces(settings, known, given);
        for target in member(settings, world, known, management, enforce, leaving, places) {
            targets.insert(target.key.clone(), target);
        }
    }
    // Where nobody is known yet, the watches' own Regions count.
    let of_watches = settings.watches.iter().flat_map(|watch| regions(settings, watch, None));
    let senders = targets.values().filter(|target| !target.watches.is_empty());
    let with_rules = of_watches.chain(senders.map(|target| target.region().clone()));
    let central: BTreeSet<Region> = with_rules
        .filter(|region| has_dead_letters(world, places, region))
        .chain([world.central_region.clone()])
        .collect();
    for region in central {
        let target = central_target(settings, world, known, region, given, true);
        targets.insert(target.key.clone(), target);
    }
    targets
}

/// The targets that nobody wants any more, and in which something of ours was found, or may be.
pub fn left(
    settings: &Settings,
    world: &World,
    known: &BTreeMap<AccountId, Known>,
    management: &AccountId,
    enforce_all: bool,
    places: &Regions,
) -> Targets {
    let given = if enforce_all { Mode::Enforce } else { settings.reconcile.mode };
    let of_key = |key: &TargetKey| {
        if key.side == Side::Central {
            return Some(central_target(settings, world, known, key.region.clone(), given, false));
        }
        let known = known.get(&key.account).filter(|known| known.standing == Standing::Active)?;
        let home =
            member(settings, world, known, management, enforces(settings, known, given), false, places);
        let home = home.into_iter().next()?;
        Some(Target { key: key.clone(), watches: Vec::new(), roles_here: false, ..home })
    };
    places.left().iter().filter_map(of_key).map(|target| (target.key.clone(), target)).collect()
}

/// Whether there is a dead-letter queue for the rules of a Region. It stands in the central account, which need not
/// have enabled each Region that a member has.
fn has_dead_letters(world: &World, places: &Regions, region: &Region) -> bool {
    places.enabled(&world.central).is_none_or(|enabled| enabled.contains(region))
}

fn central_target(
    settings: &Settings,
    world: &World,
    known: &BTreeMap<AccountId, Known>,
    region: Region,
    given: Mode,
    wanted: bool,
) -> Target {
    Target {
        key: TargetKey { side: Side::Central, account: world.central.clone(), region },
        reach: settings.central.role_arn.clone().map_or(Reach::Ambient, Reach::Central),
        watches: Vec::new(),
        roles_here: false,
        watched: wanted,
        dead_letters: wanted,
        writes_role: false,
        enforce: known.get(&world.central).map_or(given == Mode::Enforce, |k| enforces(settings, k, given)),
        leaving: false,
        place: None,
    }
}

/// How a member is reached; none for a management account without a role of its own.
pub fn reach(settings: &Settings, account: &AccountId, management: &AccountId) -> Option<Reach> {
    if account == management {
        return settings.organization.management_role_arn.clone().map(Reach::Management);
    }
    Some(Reach::Member(RoleArn::new(settings.partition(), account.clone(), &settings.member.role_name)))
}

/// The targets of one member: a Region each, of which the first keeps the account's roles.
pub fn member(
    settings: &Settings,
    world: &World,
    known: &Known,
    management: &AccountId,
    enforce: bool,
    leaving: bool,
    places: &Regions,
) -> Vec<Target> {
    let account = &known.account.id;
    let enabled = places.enabled(account);
    let Some(reach) = reach(settings, account, management) else { return Vec::new() };
    let mut by_region: BTreeMap<Region, Vec<Arc<Watch>>> = BTreeMap::new();
    let all = settings.watches.iter().filter(|watch| leaving || watches(watch, known, management));
    let resolved = |watch: &WatchSettings| world.watches.iter().find(|resolved| resolved.name == watch.name);
    for (watch, resolved) in all.filter_map(|watch| Some((watch, resolved(watch)?))) {
        for region in regions(settings, watch, enabled) {
            by_region.entry(region).or_default().push(Arc::clone(resolved));
        }
    }
    // Also where no watch is left: what was installed for one is seen there as an orphan, and not forgotten.
    let watched = !by_region.is_empty();
    let iam = world.partition.iam_events_region();
    let anywhere = |watch: &WatchSettings| regions(settings, watch, enabled).contains(&iam);
    if by_region.is_empty() || settings.watches.iter().any(anywhere) {
        by_region.entry(iam.clone()).or_default();
    }
    let home = if by_region.contains_key(&iam) { Some(iam) } else { by_region.keys().next().cloned() };
    let target = |(region, watches): (Region, Vec<Arc<Watch>>)| Target {
        reach: reach.clone(),
        watches,
        roles_here: Some(&region) == home.as_ref(),
        watched,
        dead_letters: has_dead_letters(world, places, &region),
        writes_role: world.forwarder.managed && account != management,
        enforce,
        leaving,
        place: None,
        key: TargetKey { side: Side::Member, account: account.clone(), region },
    };
    by_region.into_iter().map(target).collect()
}

/// Whether a watch is for this account.
fn watches(watch: &WatchSettings, known: &Known, management: &AccountId) -> bool {
    let below = |ous: &BTreeSet<OuId>| known.account.units().iter().any(|ou| ous.contains(ou));
    let id = &known.account.id;
    let named = match &watch.accounts {
        WatchAccounts::All => true,
        WatchAccounts::Only { ids, management: with_management } => {
            ids.contains(id) || (*with_management && id == management)
        }
    };
    named && (watch.include_ous.is_empty() || below(&watch.include_ous)) && !below(&watch.exclude_ous)
}

/// Whether an account may be written in, given what holds where no override says otherwise.
pub fn enforces(settings: &Settings, known: &Known, given: Mode) -> bool {
    mode_of(settings, &known.account.id, known.account.units()).unwrap_or(given) == Mode::Enforce
}

/// What an override says of an account: one of its own before one of its innermost unit.
fn mode_of(settings: &Settings, account: &AccountId, path: &[OuId]) -> Option<Mode> {
    let overrides = &settings.reconcile.overrides;
    let own = overrides.iter().find(|o| matches!(&o.scope, OverrideScope::Account(id) if id == account));
    let inner = || {
        path.iter()
            .rev()
            .find_map(|ou| overrides.iter().find(|o| matches!(&o.scope, OverrideScope::Ou(id) if id == ou)))
    };
    own.or_else(inner).map(|o| o.mode)
}

#[cfg(test)]
mod tests;
