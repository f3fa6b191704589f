use super::*;
use crate::config::parse;
use crate::config::tests::{codes, settings};

const EMAIL: &str = "{ protocol = 'email', endpoint = 'security@example.com' }";

#[test]
fn an_alert_whose_accounts_are_all_excluded_is_refused_because_it_would_match_every_account() {
    let (a, b) = ("'300000000001'", "'300000000002'");
    let limits = |accounts: &str, excluded: &str| {
        codes(&format!("[[alert]]\nname='x'\naccounts=[{accounts}]\nexclude_accounts=[{excluded}]"))
    };
    assert_eq!(limits(a, a), ["E-no-account alert[0].exclude_accounts"]);
    assert_eq!(limits(a, &format!("{a},{b}")), ["E-no-account alert[0].exclude_accounts"]);
    assert!(limits(&format!("{a},{b}"), b).is_empty());
    assert!(limits("", a).is_empty());
}

#[test]
fn an_alert_without_watches_has_all_of_them() {
    let watches = "[[watch]]\nname='a'\npreset='cis-4.4'\n[[watch]]\nname='b'\npreset='iam-any'\n";
    let alert = |more: &str| settings(&format!("{watches}[[alert]]\nname='x'\n{more}")).alerts.remove(0);
    assert_eq!(alert("").watches, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    assert_eq!(alert("watches=['b']").watches, BTreeSet::from(["b".to_owned()]));
    assert_eq!(settings("[[alert]]\nname='x'").alerts[0].watches, BTreeSet::from(["iam-changes".to_owned()]));
    assert_eq!(
        codes(&format!("{watches}[[alert]]\nname='x'\nwatches=['c']")),
        ["E-unknown-watch alert[0].watches"]
    );
}

#[test]
fn an_alert_of_a_broken_watch_is_not_reported_as_well() {
    let found = codes("[[watch]]\nname='a'\npreset='nonsense'\n[[alert]]\nname='x'\nwatches=['a']");
    assert_eq!(found, ["E-unknown-preset watch[0].preset"]);
}

#[test]
fn an_endpoint_comes_from_the_file_or_from_a_file_of_its_own_and_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hook");
    std::fs::write(&path, "https://hooks.example.com/s3cret\n").unwrap();
    let settings = settings(&format!(
        "[[alert]]\nname='x'\nsubscriptions=[{EMAIL}, {{protocol='https', endpoint_file='{}'}}]",
        path.display()
    ));
    assert_eq!(settings.alerts[0].subscriptions[1].endpoint.reveal(), "https://hooks.example.com/s3cret");
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn no_problem_reveals_an_endpoint() {
    for subscriptions in [
        "[{protocol='https', endpoint='hooks.example.com/s3cret'}]",
        "[{protocol='https', endpoint='https://a.example/s3cret'}, {protocol='https', endpoint='https://a.example/s3cret'}]",
        "[{protocol='email', endpoint='https://a.example/s3cret'}]",
        "[{protocol='htps', endpoint='https://a.example/s3cret'}]",
        "[{protocol='https', endpont='https://a.example/s3cret'}]",
        "[{protocol='https', endpoint=['https://a.example/s3cret']}]",
        "['https://a.example/s3cret']",
        "'https://a.example/s3cret'",
        "[{protocol='https', endpoint='https://a.example/s3cret}]",
    ] {
        let error = parse(&format!("[[alert]]\nname='x'\nsubscriptions={subscriptions}"), []).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn the_same_endpoint_twice_is_refused() {
    assert_eq!(
        codes(&format!("[[alert]]\nname='x'\nsubscriptions=[{EMAIL}, {EMAIL}]")),
        ["E-duplicate-subscription alert[0].subscriptions[1]"]
    );
}

#[test]
fn an_endpoint_must_be_there_once_and_of_the_protocol() {
    for (subscription, code) in [
        ("{protocol='email'}", "E-missing-key alert[0].subscriptions[0].endpoint"),
        ("{endpoint='a@example.com'}", "E-missing-key alert[0].subscriptions[0].protocol"),
        ("{protocol='sms', endpoint='a@example.com'}", "E-bad-value alert[0].subscriptions[0].endpoint"),
        ("{protocol='fax', endpoint='1'}", "E-bad-value alert[0].subscriptions[0].protocol"),
        (
            "{protocol='email', endpoint='a@example.com', endpoint_file='x'}",
            "E-bad-value alert[0].subscriptions[0].endpoint_file",
        ),
        (
            "{protocol='email', endpoint='a@example.com', raw=true}",
            "E-bad-value alert[0].subscriptions[0].raw",
        ),
        (
            "{protocol='firehose', endpoint='arn:aws:firehose:us-east-1:222222222222:deliverystream/x'}",
            "E-bad-value alert[0].subscriptions[0].role_arn",
        ),
        (
            "{protocol='sqs', endpoint='arn:aws:sqs:us-east-1:222222222222:x', role_arn='arn:aws:iam::222222222222:role/x'}",
            "E-bad-value alert[0].subscriptions[0].role_arn",
        ),
        (
            "{protocol='sqs', endpoint='arn:aws:sqs:us-east-1:222222222222:x', filter='{\"account\":[\"1\"]}'}",
            "E-filter-needs-json alert[0].subscriptions[0].filter",
        ),
    ] {
        assert_eq!(codes(&format!("[[alert]]\nname='x'\nsubscriptions=[{subscription}]")), [code]);
    }
}

#[test]
fn a_topic_of_somebody_else_has_its_subscriptions_there() {
    let topic = "topic = 'arn:aws:sns:us-east-1:222222222222:security'";
    assert_eq!(
        settings(&format!("[[alert]]\nname='x'\n{topic}")).alerts[0].topic.as_ref().unwrap().resource,
        "security"
    );
    assert_eq!(
        codes(&format!("[[alert]]\nname='x'\n{topic}\nsubscriptions=[{EMAIL}]")),
        ["E-not-our-topic alert[0].subscriptions"]
    );
}

#[test]
fn attributes_are_those_that_differ_from_a_plain_subscription() {
    let one = |more: &str| {
        let text = format!(
            "[[alert]]\nname='x'\nformat='json'\nsubscriptions=[{{protocol='sqs', endpoint='arn:aws:sqs:us-east-1:222222222222:x'{more}}}]"
        );
        settings(&text).alerts[0].subscriptions[0].attributes()
    };
    assert!(one("").is_empty());
    let all = one(
        ", raw=true, filter='{\"account\":[\"2\",\"1\"]}', dead_letter='arn:aws:sqs:us-east-1:222222222222:y'",
    );
    assert_eq!(
        serde_json::to_value(all).unwrap(),
        json!({
            "FilterPolicy": { "account": ["1", "2"] }, "FilterPolicyScope": "MessageBody",
            "RawMessageDelivery": "true",
            "RedrivePolicy": { "deadLetterTargetArn": "arn:aws:sqs:us-east-1:222222222222:y" },
        })
    );
}

#[test]
fn a_format_that_does_not_exist_is_refused() {
    assert_eq!(codes("[[alert]]\nname='x'\nformat='html'"), ["E-bad-value alert[0].format"]);
    assert_eq!(settings("[[alert]]\nname='x'\nformat='raw'").alerts[0].format, Format::Raw);
}

#[test]
fn nothing_that_a_message_would_have_to_escape_gets_into_it() {
    assert_eq!(codes("[[alert]]\nname='x'\nseverity='\"<high>\"'"), ["E-bad-value alert[0].severity"]);
    assert_eq!(settings("[[alert]]\nname='x'\nseverity='high'").alerts[0].severity.as_deref(), Some("high"));
}
