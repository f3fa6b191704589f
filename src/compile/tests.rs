//! Compiled rules mean what the settings ask for, as the simulator's engine judges.

use jiff::Timestamp;
use orgwatch_sim::pattern::Pattern;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::Settings;
use crate::pattern::MAX_CHARACTERS;
use crate::presets;
use crate::world::fixture::{self, settings};

const PIPELINE: &str = "principal_arn = 'arn:aws:iam::300000000001:role/ci/deploy-*'\nreason = 'pipeline'\n\
                        owner = 'platform'\nexpires = '2027-03-31'\n";

fn now() -> Timestamp {
    fixture::at(0)
}

fn rules(settings: &Settings) -> AlertRules {
    alert(settings, &settings.alerts[0], now()).unwrap_or_else(|error| panic!("{error}"))
}

fn matches(rule: &Rule, event: &Value) -> bool {
    let text = rule.pattern.to_string();
    assert!(text.chars().count() <= MAX_CHARACTERS, "{text}");
    rule.enabled && Pattern::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}")).matches(event)
}

/// How many rules deliver the event, and how many count it as hidden.
fn reached(rules: &AlertRules, event: &Value) -> (usize, usize) {
    let count = |rules: &[Rule]| rules.iter().filter(|rule| matches(rule, event)).count();
    (count(&rules.shown), count(&rules.hidden))
}

/// A call of IAM as EventBridge has it.
fn call(account: &str, name: &str, actor: Value, parameters: Value) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": account, "time": "2026-11-20T12:00:00Z", "region": "us-east-1", "resources": [],
        "detail": {
            "eventSource": "iam.amazonaws.com", "eventName": name, "userIdentity": actor,
            "requestParameters": parameters,
        },
    })
}

fn session(account: &str, role: &str) -> Value {
    let name = role.rsplit('/').next().unwrap();
    json!({
        "type": "AssumedRole",
        "arn": format!("arn:aws:sts::{account}:assumed-role/{name}/session"),
        "sessionContext": { "sessionIssuer": {
            "type": "Role", "arn": format!("arn:aws:iam::{account}:role/{role}"), "userName": name } },
    })
}

const MEMBER: &str = "300000000001";

#[test]
fn what_nothing_is_taken_from_stays_as_it_was_written() {
    let text = "[[watch]]\nname = 'a'\npattern = '{\"source\":[\"aws.s3\"]}'\n\
                [[watch]]\nname = 'b'\npattern = '{\"source\":[\"aws.ec2\"]}'\n\
                [[alert]]\nname = 'x'\nown_writes = 'show'\n";
    let rules = rules(&settings(text));
    assert_eq!(
        rules.shown,
        [Rule {
            pattern: json!({ "$or": [{ "source": ["aws.ec2"] }, { "source": ["aws.s3"] }] }),
            enabled: true
        }]
    );
    assert_eq!(rules.hidden, []);
}

#[test]
fn what_orgwatch_writes_on_its_own_objects_is_hidden_and_nothing_else_of_its_role_or_on_its_objects() {
    let rules = rules(&settings(""));
    let own = session(MEMBER, "orgwatch-member");
    let role = |name: &str| json!({ "roleName": name });
    for (event, delivered) in [
        (call(MEMBER, "CreateRole", own.clone(), role("orgwatch-forwarder")), 0),
        (call(MEMBER, "CreateRole", own.clone(), role("backdoor")), 1),
        (call(MEMBER, "CreateUser", own, json!({ "userName": "mallory" })), 1),
        (call(MEMBER, "DeleteRole", session(MEMBER, "admin"), role("orgwatch-forwarder")), 1),
        (call(MEMBER, "DeleteRole", json!({ "type": "Root" }), Value::Null), 1),
        (call(MEMBER, "GetRole", session(MEMBER, "admin"), role("x")), 0),
    ] {
        assert_eq!(reached(&rules, &event), (delivered, 0), "{event}");
    }
}

#[test]
fn a_suppressed_principal_is_hidden_and_counted_but_for_what_concerns_itself_or_us() {
    let config = settings(&format!("[[alert]]\nname = 'x'\n[[alert.suppress]]\n{PIPELINE}"));
    let rules = rules(&config);
    let pipeline = || session(MEMBER, "ci/deploy-web");
    let role = |name: &str| json!({ "roleName": name });
    for (event, expected) in [
        (call(MEMBER, "CreateRole", pipeline(), role("app")), (0, 1)),
        (call(MEMBER, "TagUser", pipeline(), json!({ "userName": "app" })), (0, 1)),
        (call(MEMBER, "TagUser", pipeline(), Value::Null), (0, 1)),
        // Another principal, another account, another path.
        (call(MEMBER, "CreateRole", session(MEMBER, "ci/admin"), role("app")), (1, 0)),
        (call("300000000002", "CreateRole", session("300000000002", "ci/deploy-web"), role("app")), (1, 0)),
        (call("300000000002", "CreateRole", pipeline(), role("app")), (1, 0)),
        (call(MEMBER, "CreateRole", session(MEMBER, "deploy-web"), role("app")), (1, 0)),
        // No session, nobody named, no parameters.
        (call(MEMBER, "CreateRole", json!({ "type": "Root" }), role("app")), (1, 0)),
        (call(MEMBER, "CreateRole", Value::Null, Value::Null), (1, 0)),
        // It makes or changes a principal that is suppressed, by itself too.
        (call(MEMBER, "CreateRole", session(MEMBER, "ci/admin"), role("deploy-web")), (1, 0)),
        (call(MEMBER, "CreateRole", pipeline(), role("deploy-evil")), (1, 0)),
        (call(MEMBER, "UpdateAssumeRolePolicy", pipeline(), role("deploy-web")), (1, 0)),
        (call(MEMBER, "AttachRolePolicy", pipeline(), role("deploy-web")), (1, 0)),
        (call(MEMBER, "PutRolePermissionsBoundary", pipeline(), role("deploy-web")), (1, 0)),
        // Our own objects.
        (call(MEMBER, "DeleteRole", pipeline(), role("orgwatch-forwarder")), (1, 0)),
        (
            call(
                MEMBER,
                "DeletePolicy",
                pipeline(),
                json!({ "policyArn": "arn:aws:iam::300000000001:policy/orgwatch-boundary" }),
            ),
            (1, 0),
        ),
    ] {
        assert_eq!(reached(&rules, &event), expected, "{event}");
    }
}

#[test]
fn a_suppression_of_some_events_hides_no_other_ones() {
    let config = settings(&format!(
        "[[alert]]\nname = 'x'\n[[alert.suppress]]\nevent_names = ['TagRole']\n{PIPELINE}"
    ));
    let rules = rules(&config);
    let role = json!({ "roleName": "app" });
    let by = |name: &str| call(MEMBER, name, session(MEMBER, "ci/deploy-web"), role.clone());
    assert_eq!(reached(&rules, &by("TagRole")), (0, 1));
    assert_eq!(reached(&rules, &by("TagRoles")), (1, 0));
    assert_eq!(reached(&rules, &by("GetRole")), (0, 0));
}

#[test]
fn what_has_ended_is_delivered_again_by_the_same_rules_and_the_counting_one_rests() {
    let config = settings(&format!("[[alert]]\nname = 'x'\n[[alert.suppress]]\n{PIPELINE}"));
    let event = call(MEMBER, "CreateRole", session(MEMBER, "ci/deploy-web"), json!({ "roleName": "app" }));
    let last = "2027-03-31T23:59:59Z".parse().unwrap();
    let over = "2027-04-01T00:00:00Z".parse().unwrap();
    let at = |now| alert(&config, &config.alerts[0], now).unwrap();
    assert_eq!(reached(&at(last), &event), (0, 1));
    assert_eq!(reached(&at(over), &event), (1, 0));
    assert_eq!((at(over).shown.len(), at(over).hidden.len()), (at(last).shown.len(), at(last).hidden.len()));
    assert_eq!(crate::desired::next_end(&config, last), Some(over));
    assert_eq!(crate::desired::next_end(&config, over), None);
}

#[test]
fn many_suppressions_become_several_rules_of_which_one_matches() {
    let mut text = "[[alert]]\nname = 'x'\n".to_owned();
    let account = |n: u64| fixture::member_id(n).to_string();
    for n in 1..=20 {
        let arn = format!("arn:aws:iam::{}:role/ci/deploy-*", account(n));
        text += &format!(
            "[[alert.suppress]]\n{}",
            PIPELINE.replace("arn:aws:iam::300000000001:role/ci/deploy-*", &arn)
        );
    }
    let rules = rules(&settings(&text));
    assert!(rules.shown.len() > 1 && rules.hidden.len() > 1, "{} {}", rules.shown.len(), rules.hidden.len());
    for n in [1, 7, 20, 21] {
        let (here, elsewhere) = (account(n), account(n + 1));
        let role = json!({ "roleName": "app" });
        let suppressed = usize::from(n <= 20);
        let own = call(&here, "CreateRole", session(&here, "ci/deploy-x"), role.clone());
        assert_eq!(reached(&rules, &own), (1 - suppressed, suppressed), "{own}");
        let other = call(&elsewhere, "CreateRole", session(&here, "ci/deploy-x"), role);
        assert_eq!(reached(&rules, &other), (1, 0), "{other}");
        let itself =
            call(&here, "CreateRole", session(&here, "ci/deploy-x"), json!({ "roleName": "deploy-y" }));
        assert_eq!(reached(&rules, &itself), (1, 0), "{itself}");
    }
}

#[test]
fn a_watch_within_another_has_no_rule_where_both_are_watched_and_its_events_come_once() {
    let config = settings(
        "[[watch]]\nname = 'all'\npreset = 'iam-changes'\n[[watch]]\nname = 'one'\npreset = 'iam-user-deletion'\n\
         [[watch]]\nname = 'cis'\npreset = 'cis-4.4'\n[[watch]]\nname = 'reads'\npreset = 'cis-4.4'\nread_events = true\n",
    );
    let contained = |i: usize| contained_in(&config.watches[i], &config.watches);
    assert_eq!(contained(0), Vec::<String>::new());
    assert_eq!(contained(1), ["all"]);
    assert_eq!(contained(2), ["all", "reads"]);
    // Calls that only read come through no rule that does not ask for them.
    assert_eq!(contained(3), Vec::<String>::new());
    let rules = rules(&settings(
        "[[watch]]\nname = 'all'\npreset = 'iam-changes'\n[[watch]]\nname = 'one'\npreset = 'iam-user-deletion'\n",
    ));
    let event = call(MEMBER, "DeleteUser", session(MEMBER, "admin"), json!({ "userName": "x" }));
    assert_eq!(reached(&rules, &event), (1, 0));
}

fn codes(text: &str) -> Vec<String> {
    problems(&settings(text), now()).into_iter().map(|p| format!("{} {}", p.code, p.path)).collect()
}

#[test]
fn what_cannot_be_combined_names_both_places() {
    let watch =
        |pattern: &str| format!("[[watch]]\nname = 'w'\npattern = '{pattern}'\n[[alert]]\nname = 'x'\n");
    let listed =
        watch(r#"{"source":["aws.s3"],"resources":["a"]}"#) + "pattern = '{\"resources\":[\"b\"]}'\n";
    assert_eq!(codes(&listed), ["E-cannot-combine alert[0].pattern"]);
    let error = alert(&settings(&listed), &settings(&listed).alerts[0], now()).unwrap_err();
    assert_eq!((error.place.as_str(), error.other.as_str()), ("alert[0].pattern", "watch[0].pattern"));
    // Two conditions on one field that one can say are one.
    assert_eq!(
        codes(
            &(watch(r#"{"source":["aws.s3"],"account":["300000000001"]}"#)
                + "exclude_accounts = ['300000000002']\n")
        ),
        Vec::<String>::new()
    );
    let nothing =
        watch(r#"{"source":["aws.s3"],"account":["300000000001"]}"#) + "accounts = ['300000000002']\n";
    assert_eq!(codes(&nothing), ["E-cannot-combine alert[0].suppress"]);
}

#[test]
fn every_preset_compiles_to_patterns_without_findings_with_drills_suppressions_and_accounts() {
    for preset in presets::all() {
        let watch =
            format!("[drill]\nschedule = 'weekly'\n[[watch]]\nname = 'w'\npreset = '{}'\n", preset.name);
        let more = ["", "own_writes = 'show'\n", "exclude_accounts = ['300000000002']\n"]
            .map(|more| format!("{watch}[[alert]]\nname = 'x'\n{more}"));
        let noise = format!("{watch}[[alert]]\nname = 'x'\n[[alert.suppress]]\n{PIPELINE}");
        for text in more.iter().chain([&noise]) {
            let unsound: Vec<String> =
                codes(text).into_iter().filter(|code| code.starts_with("E-")).collect();
            assert_eq!(unsound, Vec::<String>::new(), "{text}");
        }
    }
}

#[test]
fn a_compiled_pattern_goes_through_the_same_check_as_a_written_one() {
    let rule = |pattern: Value| Rule { pattern, enabled: true };
    let shown =
        vec![rule(json!({ "source": ["aws.iam"] })), rule(json!({ "detail": { "eventName": ["x"] } }))];
    let hidden = vec![rule(json!({ "source": ["aws.iam"], "detail": { "eventName": ["Add*"] } }))];
    let found = check::unsound(3, "x", &AlertRules { shown, hidden });
    let told: Vec<_> = found.iter().map(|p| (p.code, p.path.as_str(), p.found.contains("-hidden"))).collect();
    assert!(told.contains(&("E-pattern-no-source", "alert[3]", false)), "{found:?}");
    assert!(told.contains(&("E-pattern-literal-star", "alert[3]", true)), "{found:?}");
}

#[test]
fn watches_that_overlap_or_are_the_same_are_told() {
    let two = |a: &str, b: &str| format!("[[watch]]\nname='a'\npreset='{a}'\n[[watch]]\nname='b'\n{b}");
    let any =
        "pattern='{\"detail-type\":[\"AWS API Call via CloudTrail\"],\"source\":[\"aws.iam\",\"aws.iam\"]}'";
    assert_eq!(codes(&two("iam-any", any)), ["E-same-pattern watch[1]"]);
    assert_eq!(
        codes(&two(
            "cis-4.4",
            "pattern='{\"source\":[\"aws.iam\"],\"detail\":{\"eventName\":[{\"suffix\":\"UserPolicy\"}]}}'"
        )),
        ["W-overlap watch[1]"]
    );
    assert_eq!(codes(&two("cis-4.4", "preset='iam-user-deletion'")), Vec::<String>::new());
    assert_eq!(codes(&two("iam-changes", "preset='iam-user-deletion'")), Vec::<String>::new());
}

#[test]
fn an_end_is_within_400_days_and_told_14_days_before() {
    let ends = |day: &str| {
        codes(&format!("[[alert]]\nname = 'x'\n[[alert.suppress]]\n{}", PIPELINE.replace("2027-03-31", day)))
    };
    // It is the 15th of January 2027.
    assert_eq!(ends("2027-03-31"), Vec::<String>::new());
    assert_eq!(ends("2028-03-01"), ["E-suppress-too-long alert[0].suppress[0].expires"]);
    assert_eq!(ends("2027-01-28"), ["W-suppress-ends-soon alert[0].suppress[0].expires"]);
    assert_eq!(ends("2027-01-14"), ["W-suppress-ended alert[0].suppress[0].expires"]);
}

#[test]
fn an_alert_whose_counting_rule_would_have_too_long_a_name_is_refused() {
    let named = |length: usize| {
        codes(&format!("[[alert]]\nname = '{}'\n[[alert.suppress]]\n{PIPELINE}", "x".repeat(length)))
    };
    // "orgwatch-" and "-hidden" are 16 of the 64 characters.
    assert_eq!(named(48), Vec::<String>::new());
    assert_eq!(named(49), ["E-bad-name alert[0].name"]);
}

/// Suppressions over few accounts, roles and events, so that they meet.
fn suppressions() -> impl Strategy<Value = Vec<String>> {
    let one = (1_u64..4, "(a|b|a\\*|ab)", prop::option::of("(TagRole|CreateRole)"), prop::option::of(1_u64..4), prop::bool::weighted(0.1))
        .prop_map(|(own, role, event, account, any)| {
            let own = if any { "*".to_owned() } else { fixture::member_id(own).to_string() };
            let event = event.map(|e| format!("event_names = ['{e}']\n")).unwrap_or_default();
            let account = account.map(|n| format!("accounts = ['{}']\n", fixture::member_id(n))).unwrap_or_default();
            format!(
                "[[alert.suppress]]\nprincipal_arn = 'arn:aws:iam::{own}:role/{role}'\nany_account = true\n{event}{account}\
                 reason = 'r'\nowner = 'o'\nexpires = '2027-03-31'\n"
            )
        });
    prop::collection::vec(one, 0..4)
}

fn happening() -> impl Strategy<Value = Value> {
    let role = "(a|b|ab|ax|c|orgwatch-member)";
    let object = prop::option::of("(a|b|ab|c|orgwatch-forwarder)");
    (1_u64..5, 1_u64..5, role, "(TagRole|CreateRole|DeleteUser|GetRole)", object, any::<bool>()).prop_map(
        |(account, own, role, name, object, somebody)| {
            let (account, own) =
                (fixture::member_id(account).to_string(), fixture::member_id(own).to_string());
            let actor = if somebody { session(&own, &role) } else { json!({ "type": "Root" }) };
            call(&account, &name, actor, object.map_or(Value::Null, |name| json!({ "roleName": name })))
        },
    )
}

/// Whether a glob of one trailing star means the text.
fn globbed(glob: &str, text: &str) -> bool {
    glob.strip_suffix('*').map_or(glob == text, |start| text.starts_with(start))
}

/// What should happen to an event, in plain words: (delivered, hidden).
fn intended(config: &Settings, event: &Value) -> (usize, usize) {
    let detail = &event["detail"];
    let name = detail["eventName"].as_str().unwrap();
    let issuer =
        detail["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"].as_str().unwrap_or_default();
    let object = detail["requestParameters"]["roleName"].as_str().unwrap_or_default();
    let account = event["account"].as_str().unwrap();
    let alert = &config.alerts[0];
    let ours = object.starts_with("orgwatch-");
    let own_write = ours && issuer.ends_with(":role/orgwatch-member");
    if name.starts_with("Get") || own_write {
        return (0, 0);
    }
    let about_itself =
        alert.suppress.iter().any(|s| !object.is_empty() && globbed(s.principal.name(), object));
    let suppressed = alert.suppress.iter().any(|s| {
        let (own, role) = issuer.split_once(":role/").unwrap_or_default();
        let own = own.rsplit(':').next().unwrap_or_default();
        let by = !issuer.is_empty()
            && s.principal.account().is_none_or(|account| account.as_str() == own)
            && globbed(s.principal.name(), role);
        let here =
            s.where_it_counts().is_none_or(|accounts| accounts.iter().any(|id| id.as_str() == account));
        by && here && (s.event_names.is_empty() || s.event_names.contains(name))
    });
    let hidden = suppressed && !ours && !about_itself;
    (usize::from(!hidden), usize::from(hidden))
}

proptest! {
    #![proptest_config(fixture::cases(40))]

    #[test]
    fn every_event_is_delivered_once_or_counted_once_as_the_settings_say(
        suppressed in suppressions(), events in prop::collection::vec(happening(), 20),
    ) {
        let config = settings(&format!("[[alert]]\nname = 'x'\n{}", suppressed.concat()));
        // Not at all, where it cannot be exact.
        let Ok(rules) = alert(&config, &config.alerts[0], now()) else { return Ok(()) };
        let unsound: Vec<String> = problems(&config, now()).iter().filter(|p| !p.is_warning()).map(ToString::to_string).collect();
        prop_assert_eq!(unsound, Vec::<String>::new(), "{:?}", suppressed);
        for event in &events {
            prop_assert_eq!(reached(&rules, event), intended(&config, event), "{:?}\n{}", suppressed, event);
        }
    }
}
