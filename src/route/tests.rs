use serde_json::json;

use super::*;
use crate::corpus::samples;
use crate::desired;

pub(crate) fn settings(more: &str) -> Settings {
    let mut text = "[organization]\nid='o-a1b2c3d4e5'\nmanagement_role_arn='arn:aws:iam::111111111111:role/orgwatch-member'\n[central]\naccount_id='222222222222'\n".to_owned();
    if !more.contains("[[alert]]") {
        text.push_str("[[alert]]\nname='iam-changes'\nsubscriptions=[{protocol='email',endpoint='security@example.com'}]\n");
    }
    crate::config::parse(&format!("{text}{more}"), []).unwrap().settings
}

pub(crate) fn delete_user() -> Value {
    samples().into_iter().find(|sample| sample.name == "a user is deleted").unwrap().event
}

pub(crate) fn ask(settings: &Settings, event: &Value) -> Route {
    let organization = settings.organization.id.clone().unwrap();
    let world = desired::world(settings, &organization, now()).unwrap();
    route(settings, &world, event).unwrap()
}

fn now() -> jiff::Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn reached(route: &Route) -> Vec<&str> {
    let alerts = route.alerts.iter().filter(|rule| route.forwarded && rule.why_not.is_none());
    alerts.map(|rule| rule.rule.as_str()).collect()
}

/// The rule of this name; the guard has some of its own beside it.
fn rule<'r>(rules: &'r [Judged], name: &str) -> &'r Judged {
    rules.iter().find(|rule| rule.rule == format!("orgwatch-{name}")).unwrap()
}

#[test]
fn an_iam_change_is_forwarded_and_delivered_as_a_text_that_names_it() {
    let route = ask(&settings(""), &delete_user());
    assert!(route.forwarded);
    assert_eq!(reached(&route), ["orgwatch-iam-changes"]);
    let text = rule(&route.alerts, "iam-changes").delivers[0].text.as_deref().unwrap();
    for part in ["DeleteUser", "111122223333", "offboarding"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn what_is_not_forwarded_says_at_which_field_it_fails() {
    let mut event = delete_user();
    event["detail"]["eventName"] = json!("GetUser");
    let route = ask(&settings(""), &event);
    assert!(!route.forwarded && reached(&route).is_empty());
    let why = rule(&route.senders, "iam-changes").why_not.as_ref().unwrap().to_string();
    assert!(why.starts_with("`detail.eventName` is \"GetUser\""), "{why}");
}

#[test]
fn a_reading_call_needs_a_rule_that_takes_reading_calls() {
    let mut event = delete_user();
    event["detail"]["eventName"] = json!("ListUsers");
    let with = |reads: bool| {
        let watch = format!("[[watch]]\nname='any'\npreset='iam-any'\nread_events={reads}\n");
        ask(
            &settings(&format!(
                "{watch}[[alert]]\nname='any'\nformat='raw'\nsubscriptions=[{{protocol='email',endpoint='a@example.com'}}]\n"
            )),
            &event,
        )
    };
    assert_eq!(rule(&with(false).senders, "any").why_not, Some(WhyNot::OnlyReads));
    assert_eq!(reached(&with(true)), ["orgwatch-any"]);
}

#[test]
fn a_watch_of_other_accounts_or_regions_says_so() {
    let mut event = delete_user();
    event["region"] = json!("eu-central-1");
    let route = ask(&settings(""), &event);
    assert_eq!(route.elsewhere[0].why, "it has no rule in eu-central-1");
    assert!(!route.forwarded);
    assert_eq!(rule(&route.alerts, "iam-changes").why_not, None, "the alert is judged all the same");
    let one = settings(
        "[[watch]]\nname='iam-changes'\npreset='iam-changes'\naccounts=['444455556666', 'management']\n",
    );
    assert_eq!(ask(&one, &delete_user()).elsewhere[0].why, "it is for other accounts than 111122223333");
    event["region"] = json!("us-east-1");
    event["account"] = json!("111111111111");
    assert!(ask(&one, &event).forwarded, "the management account");
}

#[test]
fn an_alert_that_is_limited_to_accounts_says_whose_event_it_is() {
    let limited = settings(
        "[[alert]]\nname='iam-changes'\nexclude_accounts=['111122223333']\nsubscriptions=[{protocol='email',endpoint='a@example.com'}]\n",
    );
    let route = ask(&limited, &delete_user());
    assert!(route.forwarded && reached(&route).is_empty());
    assert!(
        rule(&route.alerts, "iam-changes")
            .why_not
            .as_ref()
            .unwrap()
            .to_string()
            .contains("`account` is \"111122223333\"")
    );
}

#[test]
fn an_event_of_no_account_or_region_is_refused() {
    let settings = settings("");
    let world = desired::world(&settings, &settings.organization.id.clone().unwrap(), now()).unwrap();
    for (field, value) in [("account", json!("x")), ("account", json!(1)), ("region", json!(null))] {
        let mut event = delete_user();
        event[field] = value;
        assert!(route(&settings, &world, &event).unwrap_err().contains(field));
    }
}

/// Whatever the event, the answer is one that can be printed, and each alert gets what its watch's preset matches.
#[test]
fn every_event_of_the_corpus_is_answered_and_reaches_the_alerts_of_the_presets_that_match_it() {
    let watch = |preset: &str| {
        let name = preset.replace('.', "-").replace("cis-4-", "cis-chapter-");
        let regions = "['us-east-1','eu-central-1','eu-west-1','ap-southeast-2']";
        let accounts = "['111122223333','111111111111','222222222222','333333333333','444455556666']";
        format!(
            "[[watch]]\nname='{name}-x'\npreset='{preset}'\nregions={regions}\nread_events=true\naccounts={accounts}\n\
             [[alert]]\nname='{name}-x'\nwatches=['{name}-x']\nown_writes='show'\nsubscriptions=[{{protocol='email',endpoint='a@example.com'}}]\n"
        )
    };
    for preset in presets::all() {
        let settings = settings(&watch(&preset.name));
        for sample in samples().iter().filter(|sample| {
            !sample.event["region"].as_str().unwrap().starts_with("cn-")
                && !sample.event["region"].as_str().unwrap().starts_with("us-gov")
        }) {
            let route = ask(&settings, &sample.event);
            let arrives = reached(&route).iter().any(|rule| rule.contains("-x"));
            assert_eq!(arrives, sample.presets.contains(&preset.name), "{}: {}", preset.name, sample.name);
            for delivery in
                route.alerts.iter().filter(|rule| rule.rule.contains("-x")).flat_map(|rule| &rule.delivers)
            {
                assert!(delivery.text.as_ref().is_some_and(|text| !text.is_empty()), "{}", sample.name);
            }
        }
    }
}

#[test]
fn what_an_alert_leaves_out_on_purpose_is_told() {
    let by = |role: &str| {
        let mut event = delete_user();
        event["detail"]["userIdentity"] = serde_json::json!({ "type": "AssumedRole",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/x"), "sessionContext": { "sessionIssuer": {
                "arn": format!("arn:aws:iam::111122223333:role/{role}") } } });
        event
    };
    let settings = settings(
        "[[alert]]\nname='quiet'\nsubscriptions=[{protocol='email',endpoint='security@example.com'}]\n\
         [[alert.suppress]]\nprincipal_arn='arn:aws:iam::111122223333:role/deploy-*'\nreason='pipeline'\nowner='platform'\n\
         expires='2027-03-31'\n[[alert]]\nname='loud'\nsubscriptions=[{protocol='email',endpoint='a@example.com'}]\n",
    );
    let route = ask(&settings, &by("deploy-web"));
    assert_eq!(reached(&route), ["orgwatch-loud"]);
    assert_eq!(
        route.notes,
        ["alert quiet does not deliver it: a suppression hides it, and it is only counted"]
    );
    let route = ask(&settings, &by("admin"));
    assert_eq!((reached(&route), route.notes.len()), (vec!["orgwatch-loud", "orgwatch-quiet"], 0));
}
