use serde_json::{Value, json};

use super::*;
use crate::inventory::{Account, AccountState};
use crate::world::fixture::{self, CENTRAL, MANAGEMENT, id, member_id, settings};

const OUTER: &str = "ou-ab12-outer000";
const INNER: &str = "ou-ab12-inner000";

/// Everybody, the first member below an inner unit too.
fn everybody() -> BTreeMap<AccountId, Known> {
    let mut everybody = fixture::everybody(2);
    everybody.get_mut(&member_id(1)).unwrap().account.path.as_mut().unwrap().push(INNER.parse().unwrap());
    everybody
}

fn targets_of(settings: &Settings, known: &BTreeMap<AccountId, Known>, enforce_all: bool) -> Targets {
    targets(settings, &fixture::world(settings), known, &id(MANAGEMENT), enforce_all, &Regions::default())
}

/// The watches of an account's member targets, by Region.
fn watched(targets: &Targets, account: &AccountId) -> BTreeMap<String, Vec<String>> {
    targets
        .values()
        .filter(|t| t.key.side == Side::Member && t.account() == account)
        .map(|t| (t.region().to_string(), t.watches.iter().map(|w| w.name.clone()).collect()))
        .collect()
}

fn watching(text: &str) -> BTreeMap<AccountId, BTreeMap<String, Vec<String>>> {
    let targets = targets_of(&settings(text), &everybody(), true);
    [id(MANAGEMENT), id(CENTRAL), member_id(1), member_id(2)]
        .into_iter()
        .map(|id| (id.clone(), watched(&targets, &id)))
        .collect()
}

/// Accounts that a watch is for; the others have a target without watches.
fn whose(text: &str) -> Vec<AccountId> {
    watching(text)
        .into_iter()
        .filter(|(_, watched)| watched.values().any(|names| !names.is_empty()))
        .map(|(id, _)| id)
        .collect()
}

#[test]
fn the_central_account_is_a_member_too_and_the_management_account_only_with_a_role_of_its_own() {
    assert_eq!(whose(""), [id(CENTRAL), member_id(1), member_id(2)]);
    let with_role = "[organization]\nmanagement_role_arn = 'arn:aws:iam::111111111111:role/x'\n";
    assert_eq!(whose(with_role), [id(MANAGEMENT), id(CENTRAL), member_id(1), member_id(2)]);
    let settings = settings(with_role);
    let targets = targets_of(&settings, &everybody(), true);
    let target = |account| &targets[&fixture::key(Side::Member, account)];
    assert!(matches!(&target(id(MANAGEMENT)).reach, Reach::Management(role) if role.name() == "x"));
    assert!(matches!(&target(member_id(1)).reach, Reach::Member(role) if role.name() == "orgwatch-member"));
    assert!(matches!(&target(id(CENTRAL)).reach, Reach::Member(_)));
    // There no right to write IAM is held, so the role is only looked at.
    assert!(!target(id(MANAGEMENT)).writes_role);
    assert!(target(member_id(1)).writes_role && target(id(CENTRAL)).writes_role);
}

#[test]
fn the_central_side_is_reached_with_our_own_credentials_or_with_a_role() {
    assert_eq!(fixture::central(&settings("")).reach, Reach::Ambient);
    let with_role = settings(&format!("[central]\nrole_arn = 'arn:aws:iam::{CENTRAL}:role/c'\n"));
    assert!(matches!(&fixture::central(&with_role).reach, Reach::Central(role) if role.name() == "c"));
}

#[test]
fn a_role_that_somebody_else_keeps_is_not_ours_to_write() {
    assert!(!fixture::member(&settings("[member]\nforwarding_role = 'existing'\n")).writes_role);
}

#[test]
fn a_watch_is_for_the_accounts_and_units_that_it_names() {
    let watch = |scope: &str| whose(&format!("[[watch]]\nname = 'w'\npreset = 'iam-changes'\n{scope}\n"));
    let (first, second) = (member_id(1), member_id(2));
    assert_eq!(watch(&format!("include_ous = ['{INNER}']")), std::slice::from_ref(&first));
    assert_eq!(watch(&format!("exclude_ous = ['{INNER}']")), [id(CENTRAL), second.clone()]);
    assert_eq!(
        watch(&format!("include_ous = ['{OUTER}']\nexclude_ous = ['{INNER}']")),
        [id(CENTRAL), second.clone()]
    );
    assert_eq!(watch(&format!("accounts = ['{second}']")), [second]);
    assert_eq!(watch("accounts = ['management']"), [] as [AccountId; 0]);
    let role = "[organization]\nmanagement_role_arn = 'arn:aws:iam::111111111111:role/x'\n";
    let text = format!("{role}[[watch]]\nname = 'w'\npreset = 'iam-changes'\naccounts = ['management']\n");
    assert_eq!(whose(&text), [id(MANAGEMENT)]);
}

#[test]
fn each_region_of_a_watch_is_a_target_and_the_roles_are_kept_with_one_of_them() {
    let text = "[[watch]]\nname = 'iam'\npreset = 'iam-changes'\n\
                [[watch]]\nname = 's3'\npattern = '{\"source\":[\"aws.s3\"]}'\nregions = ['eu-central-1', 'us-east-1']\n";
    let watched = watching(text).remove(&member_id(1)).unwrap();
    assert_eq!(watched["us-east-1"], ["iam", "s3"]);
    assert_eq!(watched["eu-central-1"], ["s3"]);
    let homes = |text: &str| {
        let targets = targets_of(&settings(text), &everybody(), true);
        let of_first = targets.into_values().filter(|t| t.account() == &member_id(1) && t.roles_here);
        of_first.map(|t| t.key.region.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(homes(text), ["us-east-1"]);
    let elsewhere = "[[watch]]\nname = 's3'\npattern = '{\"source\":[\"aws.s3\"]}'\nregions = ['eu-west-1', 'eu-central-1']\n";
    assert_eq!(homes(elsewhere), ["eu-central-1"]);
    // Each Region with rules has a central target for its dead letters, and so has the bus.
    let central: Vec<_> = targets_of(&settings(elsewhere), &everybody(), true)
        .into_keys()
        .filter(|key| key.side == Side::Central)
        .map(|key| key.region.to_string())
        .collect();
    assert_eq!(central, ["eu-central-1", "eu-west-1", "us-east-1"]);
}

#[test]
fn excluded_and_inactive_accounts_get_nothing() {
    let mut known = everybody();
    known.get_mut(&member_id(1)).unwrap().standing = Standing::Excluded;
    known.get_mut(&member_id(2)).unwrap().standing = Standing::Inactive;
    let targets = targets_of(&settings(""), &known, true);
    assert!(watched(&targets, &member_id(1)).is_empty());
    assert!(watched(&targets, &member_id(2)).is_empty());
}

#[test]
fn an_excluded_account_is_left_where_that_is_asked_for_and_every_watch_looked_for() {
    let mut known = everybody();
    known.get_mut(&member_id(1)).unwrap().standing = Standing::Excluded;
    known.get_mut(&member_id(2)).unwrap().standing = Standing::Inactive;
    let text = format!(
        "[organization]\non_exclude = 'remove'\n[[watch]]\nname = 'w'\npreset = 'iam-changes'\naccounts = ['{CENTRAL}']\n"
    );
    let targets = targets_of(&settings(&text), &known, true);
    let leaving: Vec<_> = targets.values().filter(|t| t.leaving).map(|t| t.account().clone()).collect();
    assert_eq!(leaving, [member_id(1)]);
    assert_eq!(watched(&targets, &member_id(1))["us-east-1"], ["w"]);
}

#[test]
fn an_override_for_the_account_goes_before_one_for_its_innermost_unit() {
    let enforced = |overrides: &str, mode: &str, enforce_all| {
        let text = format!("[reconcile]\nmode = '{mode}'\n{overrides}");
        let targets = targets_of(&settings(&text), &everybody(), enforce_all);
        let of = |account| targets[&fixture::key(Side::Member, account)].enforce;
        (of(member_id(1)), of(member_id(2)))
    };
    let ou = |ou: &str, mode: &str| format!("[[reconcile.override]]\nou = '{ou}'\nmode = '{mode}'\n");
    let account =
        |n, mode: &str| format!("[[reconcile.override]]\naccount = '{}'\nmode = '{mode}'\n", member_id(n));
    assert_eq!(enforced("", "observe", false), (false, false));
    assert_eq!(enforced("", "enforce", false), (true, true));
    assert_eq!(enforced("", "observe", true), (true, true));
    assert_eq!(enforced(&ou(INNER, "enforce"), "observe", false), (true, false));
    let nested = ou(OUTER, "observe") + &ou(INNER, "enforce");
    assert_eq!(enforced(&nested, "enforce", false), (true, false));
    // Overrides bind a command that was told to write as well.
    assert_eq!(enforced(&nested, "observe", true), (true, false));
    let with_account = nested + &account(1, "observe") + &account(2, "enforce");
    assert_eq!(enforced(&with_account, "enforce", false), (false, true));
}

#[test]
fn an_override_for_the_central_account_holds_for_the_central_side_too() {
    let text = format!(
        "[reconcile]\nmode = 'enforce'\n[[reconcile.override]]\naccount = '{CENTRAL}'\nmode = 'observe'\n"
    );
    let settings = settings(&text);
    assert!(!fixture::central(&settings).enforce);
    // Before the organization was listed the mode alone decides.
    let key = fixture::key(Side::Central, id(CENTRAL));
    assert!(targets_of(&settings, &BTreeMap::new(), false)[&key].enforce);
}

/// The patterns of the alerts, with what orgwatch writes.
fn alerts(text: &str) -> Vec<Value> {
    let text = text.replace("[[alert]]\n", "[[alert]]\nown_writes = 'show'\n");
    let alerts = fixture::world(&settings(&text)).alerts.into_iter();
    alerts.flat_map(|alert| alert.rules.shown).map(|rule| rule.pattern).collect()
}

const TWO: &str = "[[watch]]\nname = 'a'\npattern = '{\"source\":[\"aws.s3\"]}'\n\
                   [[watch]]\nname = 'b'\npattern = '{\"source\":[\"aws.ec2\"]}'\nread_events = true\n";

#[test]
fn several_watches_of_an_alert_stand_side_by_side() {
    let text = format!("{TWO}[[alert]]\nname = 'all'\n[[alert]]\nname = 'one'\nwatches = ['a']\n");
    assert_eq!(
        alerts(&text),
        [
            json!({ "$or": [{ "source": ["aws.ec2"] }, { "source": ["aws.s3"] }] }),
            json!({ "source": ["aws.s3"] }),
        ]
    );
    let world = fixture::world(&settings(&text));
    assert_eq!(world.alerts.iter().map(|a| a.read_events).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn an_alert_is_limited_to_accounts() {
    let one =
        |limits: &str| alerts(&format!("{TWO}[[alert]]\nname = 'x'\nwatches = ['a']\n{limits}")).remove(0);
    let (a, b) = ("300000000001", "300000000002");
    assert_eq!(
        one(&format!("accounts = ['{b}', '{a}']")),
        json!({ "source": ["aws.s3"], "account": [a, b] })
    );
    assert_eq!(
        one(&format!("exclude_accounts = ['{a}']")),
        json!({ "source": ["aws.s3"], "account": [{ "anything-but": [a] }] })
    );
    assert_eq!(
        one(&format!("accounts = ['{a}', '{b}']\nexclude_accounts = ['{a}']")),
        json!({ "source": ["aws.s3"], "account": [b] })
    );
    let both = alerts(&format!("{TWO}[[alert]]\nname = 'x'\naccounts = ['{a}']")).remove(0);
    assert_eq!(both, json!({ "source": ["aws.ec2", "aws.s3"], "account": [a] }));
}

#[test]
fn an_alert_goes_to_a_topic_of_ours_or_to_one_that_is_named() {
    let text =
        "[[alert]]\nname = 'x'\n[[alert]]\nname = 'y'\ntopic = 'arn:aws:sns:us-east-1:222222222222:t'\n";
    let world = fixture::world(&settings(text));
    let topics: Vec<_> = world.alerts.iter().map(|a| (a.topic_arn.as_str(), a.topic.is_some())).collect();
    assert_eq!(
        topics,
        [
            ("arn:aws:sns:us-east-1:222222222222:orgwatch-x", true),
            ("arn:aws:sns:us-east-1:222222222222:t", false)
        ]
    );
}

#[test]
fn what_is_adopted_without_a_place_is_beside_the_bus() {
    let text =
        "[reconcile]\nadopt = ['topic:orgwatch-x', 'sender_rule:300000000001/eu-central-1/orgwatch-w']\n";
    let adopt = fixture::world(&settings(text)).adopt;
    let place = |account: &str, region: &str, kind: &str, name: &str| {
        (id(account), region.parse().unwrap(), kind.to_owned(), name.to_owned())
    };
    assert_eq!(
        adopt,
        BTreeSet::from([
            place(CENTRAL, "us-east-1", "topic", "orgwatch-x"),
            place("300000000001", "eu-central-1", "sender_rule", "orgwatch-w"),
        ])
    );
}

#[test]
fn the_ownership_tag_cannot_be_configured_away() {
    let world = fixture::world(&settings("tags = { team = 'security' }\n"));
    assert_eq!(world.owner_tags().get(crate::world::OWNER_TAG).map(String::as_str), Some("orgwatch"));
    assert_eq!(world.owner_tags().get("team").map(String::as_str), Some("security"));
}

#[test]
fn the_filter_is_the_one_of_the_configuration() {
    let text = format!("[organization]\nexclude_ous = ['{OUTER}']\nexclude_tags = {{ orgwatch = 'off' }}\n");
    let filter = filter(&settings(&text));
    assert!(filter.needs_tags());
    let suspended = Account { state: AccountState::Other("SUSPENDED"), ..fixture::account(member_id(1)) };
    assert_eq!(filter.decide(&suspended).standing, Standing::Inactive);
    assert_eq!(filter.decide(&fixture::account(member_id(1))).standing, Standing::Excluded);
}

#[test]
fn a_watch_of_every_region_is_where_an_account_has_one_and_we_may_work() {
    let text = "[organization]\nregions = ['us-east-1', 'eu-west-1', 'af-south-1']\n\
                [[watch]]\nname = 's3'\npattern = '{\"source\":[\"aws.s3\"]}'\nregions = ['all']\n";
    let settings = settings(text);
    let mut places = Regions::default();
    let read = |names: &[&str]| Ok(names.iter().map(|name| name.parse().unwrap()).collect());
    places.take(&member_id(1), read(&["us-east-1", "eu-west-1", "us-west-2"]), fixture::at(0), 0.0);
    let targets = |places: &Regions| {
        targets(&settings, &fixture::world(&settings), &everybody(), &id(MANAGEMENT), true, places)
    };
    let found = targets(&places);
    assert_eq!(watched(&found, &member_id(1)).into_keys().collect::<Vec<_>>(), ["eu-west-1", "us-east-1"]);
    // What nobody knows of the other one is not taken to be all or nothing.
    assert_eq!(watched(&found, &member_id(2)).into_keys().collect::<Vec<_>>(), ["us-east-1"]);
    let central = |targets: &Targets| {
        let of_central = targets.keys().filter(|key| key.side == Side::Central);
        of_central.map(|key| key.region.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(central(&found), ["eu-west-1", "us-east-1"]);
    // Where the central account has no such Region, rules have no queue for what they cannot deliver.
    places.take(&id(CENTRAL), read(&["us-east-1"]), fixture::at(0), 0.0);
    let found = targets(&places);
    assert_eq!(central(&found), ["us-east-1"]);
    let dead_letters: BTreeMap<String, bool> = found
        .values()
        .filter(|target| target.account() == &member_id(1))
        .map(|target| (target.region().to_string(), target.dead_letters))
        .collect();
    assert_eq!(
        dead_letters,
        BTreeMap::from([("eu-west-1".to_owned(), false), ("us-east-1".to_owned(), true)])
    );
}

#[test]
fn what_is_left_somewhere_is_a_target_in_which_nothing_is_wanted() {
    let settings = settings("");
    let world = fixture::world(&settings);
    let mut places = Regions::default();
    let key = |side, account, region: &str| TargetKey { side, account, region: region.parse().unwrap() };
    places.leave(&key(Side::Member, member_id(1), "eu-west-1"));
    places.leave(&key(Side::Central, id(CENTRAL), "eu-west-1"));
    places.leave(&key(Side::Member, id(MANAGEMENT), "eu-west-1"));
    let left = left(&settings, &world, &everybody(), &id(MANAGEMENT), true, &places);
    let kinds: Vec<_> = left
        .values()
        .map(|target| {
            crate::kinds::KINDS.iter().map(|kind| kind.desired(&world, target).len()).sum::<usize>()
        })
        .collect();
    // The management account has no role of its own here, and gets no call.
    assert_eq!(kinds, [0, 0]);
    assert!(left.values().all(|target| !target.roles_here && target.enforce && !target.leaving));
}
