use crate::config::tests::{all_codes, codes, settings};

#[test]
fn a_key_is_one_of_the_central_region_and_no_alias_and_for_a_topic_of_ours() {
    let found = |central: &str, alert: &str| {
        codes(&format!("[central]\nkms_key_arn = '{central}'\n[[alert]]\nname = 'x'\n{alert}"))
    };
    let key = "arn:aws:kms:us-east-1:444444444444:key/mrk-1";
    let of_alert = format!("kms_key_arn = '{key}'");
    assert!(found(key, &of_alert).is_empty());
    assert!(found("", "kms_key_arn = 'off'").is_empty());
    for other in [
        "arn:aws:kms:eu-west-1:222222222222:key/1",
        "arn:aws:kms:us-east-1:222222222222:alias/x",
        "arn:aws:kms:us-east-1::key/1",
        "arn:aws:sns:us-east-1:222222222222:key/1",
        "arn:aws-cn:kms:us-east-1:222222222222:key/1",
    ] {
        assert_eq!(found(other, ""), ["E-not-a-key central.kms_key_arn"], "{other}");
        let alert = format!("kms_key_arn = '{other}'");
        assert_eq!(found("", &alert), ["E-not-a-key alert[0].kms_key_arn"], "{other}");
    }
    let foreign = format!("{of_alert}\ntopic = 'arn:aws:sns:us-east-1:222222222222:security'");
    assert_eq!(found("", &foreign), ["E-not-our-topic alert[0].kms_key_arn"]);
}

#[test]
fn everything_is_of_one_partition() {
    assert_eq!(
        codes(
            "[organization]\nregions = ['cn-north-1']\nreader_role_arn = 'arn:aws:iam::111111111111:role/r'"
        ),
        [
            "E-partitions organization.regions",
            "E-region-not-allowed central.region",
            "E-region-not-allowed watch[0].regions"
        ]
    );
    assert_eq!(
        codes("[[watch]]\nname='x'\npreset='iam-any'\nregions=['xx-moon-1','us-east-1']"),
        ["E-unknown-region watch[0].regions"]
    );
}

#[test]
fn where_regions_are_allowed_by_name_central_and_watches_keep_to_them() {
    let organization = "[organization]\nregions = ['us-east-1', 'eu-central-1']\n";
    settings(organization);
    let mut with_central =
        settings(&format!("{organization}[[watch]]\nname='x'\npreset='iam-any'\nregions=['us-east-1']"));
    assert_eq!(with_central.watches.remove(0).regions.named().count(), 1);
    assert_eq!(
        codes(&format!(
            "{organization}[[watch]]\nname='x'\npreset='iam-any'\nregions=['us-east-1','us-west-2']"
        )),
        ["E-region-not-allowed watch[0].regions"]
    );
    assert_eq!(
        codes("[organization]\nregions = ['eu-central-1']"),
        ["E-region-not-allowed central.region", "E-region-not-allowed watch[0].regions"]
    );
}

#[test]
fn a_watch_of_iam_where_its_events_never_appear_is_refused() {
    assert_eq!(
        codes("[[watch]]\nname='x'\npreset='iam-changes'\nregions=['eu-central-1']"),
        ["E-silent-region watch[0].regions"]
    );
    assert!(
        codes("[[watch]]\nname='x'\npattern='{\"source\":[\"aws.s3\"]}'\nregions=['eu-central-1']")
            .is_empty()
    );
}

#[test]
fn more_watches_with_wildcards_than_a_bus_takes_are_refused() {
    let watches = |n: usize| {
        (0..n).fold(String::new(), |text, n| {
            let pattern = format!(r#"{{"source":["app.{n}"],"detail":{{"a":[{{"wildcard":"x*y"}}]}}}}"#);
            format!("{text}[[watch]]\nname='w{n}x'\npattern='{pattern}'\n")
        })
    };
    assert_eq!(codes(&watches(30)), [""; 0]);
    assert_eq!(codes(&watches(31)), ["E-wildcard-rules watch"]);
}

#[test]
fn a_pattern_of_every_region_that_is_heard_in_one_is_doubtful_and_so_is_one_of_one_heard_in_all() {
    let of = |rest: &str| all_codes(&format!("[[watch]]\nname='x'\n{rest}"));
    let s3 = "pattern='{\"source\":[\"aws.s3\"]}'\n";
    assert_eq!(of(s3), ["W-one-region watch[0].regions"]);
    assert_eq!(of(&format!("{s3}regions=['us-east-1']")), [""; 0]);
    assert_eq!(of(&format!("{s3}regions=['all']")), [""; 0]);
    assert_eq!(of("preset='iam-any'\nregions=['all']"), ["W-every-region watch[0].regions"]);
}

#[test]
fn a_topic_stands_beside_the_rule() {
    for (topic, fine) in [
        ("arn:aws:sns:us-east-1:222222222222:t", true),
        ("arn:aws:sns:eu-central-1:222222222222:t", false),
        ("arn:aws:sns:us-east-1:333333333333:t", false),
        ("arn:aws:sqs:us-east-1:222222222222:t", false),
        ("arn:aws-cn:sns:us-east-1:222222222222:t", false),
    ] {
        let found = codes(&format!("[[alert]]\nname='x'\ntopic='{topic}'"));
        assert_eq!(found.is_empty(), fine, "{topic}: {found:?}");
    }
}

#[test]
fn alarms_for_auditors_tell_an_alert_that_is_there_and_stand_beside_its_topic() {
    let group = |account: &str, region: &str| {
        format!("log_group_arn = 'arn:aws:logs:{region}:{account}:log-group:trail'\n")
    };
    let of = |text: &str| {
        codes(&format!("[compliance]\nmetric_alarms = ['cis-4.4']\n{text}[[alert]]\nname = 'people'"))
    };
    let role = "role_arn = 'arn:aws:iam::111111111111:role/orgwatch-alarms'\n";
    assert_eq!(of(""), [""; 0]);
    assert_eq!(of("alert = 'people'\n"), [""; 0]);
    assert_eq!(of("alert = 'nobody'\n"), ["E-unknown-alert compliance.alert"]);
    assert_eq!(codes("[compliance]\nmetric_alarms = ['cis-4.4']"), ["E-no-alert compliance.metric_alarms"]);
    assert_eq!(codes("[compliance]\nmetric_alarms = []"), [""; 0]);
    assert_eq!(of(&group("222222222222", "us-east-1")), [""; 0]);
    assert_eq!(of(&format!("{}{role}", group("111111111111", "us-east-1"))), [""; 0]);
    assert_eq!(of(&group("111111111111", "us-east-1")), ["E-missing-key compliance.role_arn"]);
    assert_eq!(
        of(&format!("{}{role}", group("333333333333", "us-east-1"))),
        ["E-other-account compliance.role_arn"]
    );
    assert_eq!(of(&group("222222222222", "eu-west-1")), ["E-other-region compliance.log_group_arn"]);
    assert_eq!(of(&role.replace(":aws:", ":aws-cn:")), ["E-partitions compliance.role_arn"]);
}

#[test]
fn what_is_risky_is_said_and_accepted() {
    let found =
        crate::config::parse("[central]\naccount_id='222222222222'\n[member]\npermissions_boundary=''", [])
            .unwrap();
    let found: Vec<&str> = found.warnings.iter().map(|problem| problem.code).collect();
    assert_eq!(found, ["W-no-organization-id", "W-no-boundary", "W-no-alert"]);
}
