use super::*;

fn findings(text: &str) -> Vec<Finding> {
    Pattern::parse(text).unwrap().findings()
}

/// The codes and paths found in a pattern that is in order apart from its `eventName`.
fn event_name(alternatives: &str) -> Vec<(&'static str, String, String)> {
    findings(&format!(r#"{{"source":["aws.iam"],"detail":{{"eventName":{alternatives}}}}}"#))
        .into_iter()
        .map(|f| (f.code, f.path, f.mend))
        .collect()
}

#[test]
fn a_sound_pattern_has_no_findings() {
    assert_eq!(
        event_name(
            r#"["DeleteUser", {"prefix":"Put"}, {"anything-but":{"prefix":["Get","List"]}}, {"exists":true}]"#
        ),
        []
    );
    assert_eq!(findings(r#"{"source":[{"prefix":"aws."}],"$or":[{"account":["1"]},{"region":["x"]}]}"#), []);
}

#[test]
fn a_star_in_a_plain_text_is_named_with_the_operator_that_was_meant() {
    for (text, mend) in [
        ("\"Add*\"", r#"{"prefix": "Add"}"#),
        ("\"*Policy\"", r#"{"suffix": "Policy"}"#),
        ("\"Put*Policy\"", r#"{"wildcard": "Put*Policy"}"#),
        ("\"*\"", r#"{"exists": true}"#),
        (r#"{"prefix":"Add*"}"#, r#"{"prefix": "Add"}"#),
        (r#"{"anything-but":["Get*"]}"#, r#"{"anything-but": {"prefix": "Get"}}"#),
        (r#"{"anything-but":{"prefix":"Get*"}}"#, r#"{"anything-but": {"prefix": "Get"}}"#),
    ] {
        let found = event_name(&format!("[\"DeleteUser\", {text}]"));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].0, found[0].1.as_str()), ("E-pattern-literal-star", "detail.eventName[1]"));
        assert!(found[0].2.contains(mend), "{text}: {}", found[0].2);
    }
}

#[test]
fn a_wildcard_operator_is_no_literal_star_but_costs_a_rule_of_thirty() {
    assert_eq!(event_name(r#"[{"wildcard":"Put*Policy"}]"#)[0].0, "W-pattern-wildcard");
    assert_eq!(event_name(r#"[{"anything-but":{"wildcard":"Put*"}}]"#)[0].0, "W-pattern-wildcard");
}

#[test]
fn a_field_without_a_list_is_refused() {
    for bare in ["\"DeleteUser\"", "5", "null", "{}"] {
        assert_eq!(event_name(bare)[0].0, "E-pattern-not-a-list", "{bare}");
    }
    assert_eq!(event_name("[]")[0].0, "E-pattern-empty-list");
    assert_eq!(event_name("[[\"DeleteUser\"]]")[0].0, "E-pattern-nested-list");
}

#[test]
fn an_unknown_operator_and_two_in_one_object_are_refused() {
    assert_eq!(event_name(r#"[{"prefx":"Add"}]"#)[0].0, "E-pattern-unknown-operator");
    assert_eq!(event_name(r#"[{"prefix":"Add","suffix":"User"}]"#)[0].0, "E-pattern-unknown-operator");
}

#[test]
fn a_pattern_must_name_whose_events_it_means() {
    for forgeable in [
        r#"{"detail":{"eventName":["DeleteUser"]}}"#,
        r#"{"source":[{"anything-but":"aws.iam"}]}"#,
        r#"{"source":[{"prefix":""}]}"#,
        r#"{"source":[{"prefix":"aws"}]}"#,
        r#"{"source":[{"equals-ignore-case":"aws.iam"}]}"#,
        r#"{"source":["aws.iam",{"exists":true}]}"#,
        r#"{"$or":[{"source":["aws.iam"]},{"account":["1"]}]}"#,
    ] {
        assert!(findings(forgeable).iter().any(|f| f.code == "E-pattern-no-source"), "{forgeable}");
    }
    for named in [
        r#"{"source":["aws.iam","my.app"]}"#,
        r#"{"source":[{"prefix":"aws."}]}"#,
        r#"{"$or":[{"source":["aws.iam"]},{"source":["aws.sts"]}]}"#,
    ] {
        assert_eq!(findings(named), [], "{named}");
    }
}

#[test]
fn a_field_that_no_event_has_at_its_top_is_refused() {
    let found = findings(r#"{"source":["aws.iam"],"eventName":["DeleteUser"]}"#);
    assert_eq!((found[0].code, found[0].path.as_str()), ("E-pattern-unknown-field", "eventName"));
}

#[test]
fn an_or_that_would_be_taken_for_a_field_is_refused() {
    for or in [r#"[{"account":["1"]}]"#, r#"["x","y"]"#, "[]"] {
        let found = findings(&format!(r#"{{"source":["aws.iam"],"$or":{or}}}"#));
        assert_eq!(found[0].code, "E-pattern-or", "{or}");
    }
}

#[test]
fn a_field_beside_an_or_that_holds_it_again_is_refused() {
    let found = findings(
        r#"{"source":["aws.iam"],"detail":{"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]},"$or":[{"account":["1"]},{"detail":{"a":["4"]}}]}"#,
    );
    let overwritten: Vec<&str> =
        found.iter().filter(|f| f.code == "E-pattern-overwritten").map(|f| f.path.as_str()).collect();
    assert_eq!(overwritten, ["$or[1].detail.a", "detail.$or[0].a"]);
}

#[test]
fn the_quota_counts_the_characters_of_the_shortest_form() {
    let pattern = |n: usize| {
        format!(r#"{{ "source": ["aws.iam"], "detail": {{"userAgent": ["{}"]}} }}"#, "ü".repeat(n))
    };
    let overhead = Pattern::parse(&pattern(0)).unwrap().compact().chars().count();
    assert_eq!(findings(&pattern(MAX_CHARACTERS - overhead)), []);
    assert_eq!(findings(&pattern(MAX_CHARACTERS - overhead + 1))[0].code, "E-pattern-too-long");
}

/// As it stands in the blog and its copies.
const BLOG: &str = r#"{
    "source": ["aws.iam"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventSource": ["iam.amazonaws.com"],
        "eventName": ["Add*", "Attach*", "Change*", "Create*", "Deactivate*", "Delete*", "Detach*", "Enable*", "Put*",
                      "Remove*", "Set*", "Update*", "Upload*"]
    }
}"#;

#[test]
fn the_pattern_that_is_copied_everywhere_and_never_fires_is_refused_with_its_mend() {
    let found = findings(BLOG);
    assert_eq!(found.len(), 13);
    assert!(found.iter().all(|f| f.code == "E-pattern-literal-star" && f.severity == Severity::Error));
    assert!(found[0].mend.starts_with(r#"write {"prefix": "Add"}"#), "{}", found[0].mend);
    let mended = BLOG.replace('*', "");
    let mended = (0..13).fold(mended, |text, i| {
        let verb = found[i].message.split('"').nth(1).unwrap().trim_end_matches('*');
        text.replace(&format!("\"{verb}\""), &format!(r#"{{"prefix": "{verb}"}}"#))
    });
    assert_eq!(findings(&mended), []);
}

/// Each mistake that EventBridge takes in silence, and each that it refuses, with the code that names it.
#[test]
fn every_mistake_has_its_code_and_a_mend() {
    let iam = |name: &str| format!(r#"{{"source":["aws.iam"],"detail":{{"eventName":[{name}]}}}}"#);
    let detail = |fields: &str| format!(r#"{{"source":["aws.iam"],"detail":{{{fields}}}}}"#);
    let rows: Vec<(String, &str)> = vec![
        // Literal stars.
        (iam(r#""Add*""#), "E-pattern-literal-star"),
        (iam(r#"{"prefix":"Add*"}"#), "E-pattern-literal-star"),
        (iam(r#"{"suffix":"*Policy"}"#), "E-pattern-literal-star"),
        (iam(r#"{"anything-but":["Get*"]}"#), "E-pattern-literal-star"),
        (iam(r#"{"prefix":{"equals-ignore-case":"add*"}}"#), "E-pattern-literal-star"),
        (r#"{"source":["aws.iam"],"account":["*"]}"#.into(), "E-pattern-literal-star"),
        (r#"{"source":["aws.*"]}"#.into(), "E-pattern-literal-star"),
        // Complexity and the budget of wildcards.
        (iam(r#"{"wildcard":"Put*Policy"}"#), "W-pattern-wildcard"),
        (iam(r#"{"wildcard":"*a*b*c*"}"#), "W-pattern-complex"),
        (iam(r#"{"wildcard":"Put**"}"#), "E-pattern-bad-operand"),
        (iam(r#"{"wildcard":"Put\\x"}"#), "E-pattern-bad-operand"),
        // `$or`.
        (r#"{"source":["aws.iam"],"$or":[{"account":["1"]}]}"#.into(), "E-pattern-or"),
        (r#"{"source":["aws.iam"],"$or":{"account":["1"]}}"#.into(), "E-pattern-or"),
        (r#"{"source":["aws.iam"],"$or":[{"prefix":"a"},{"account":["1"]}]}"#.into(), "E-pattern-or"),
        (
            r#"{"source":["aws.iam"],"$or":[{"detail":{"numeric":["x"]}},{"account":["1"]}]}"#.into(),
            "E-pattern-or",
        ),
        (
            r#"{"source":["aws.iam"],"$or":[{"source":["aws.s3"]},{"account":["1"]}]}"#.into(),
            "E-pattern-overwritten",
        ),
        (
            r#"{"source":["aws.iam"],"detail":{"$or":[{"awsRegion":["x"]},{"eventType":["y"]}]},"$or":[{"account":["1"]},{"detail":{"awsRegion":["z"]}}]}"#.into(),
            "E-pattern-overwritten",
        ),
        (
            detail(r#""eventName":["CreateUser"]"#).replacen('}', r#"},"detail.eventName":["DeleteUser"]"#, 1),
            "E-pattern-overwritten",
        ),
        (
            r#"{"source":["aws.iam"],"$or":[{"account":["1"]},{"region":["a"]}],"$or":[{"id":["1"]},{"time":["2"]}]}"#.into(),
            "E-pattern-duplicate-key",
        ),
        (detail(r#""eventName":["CreateUser"],"eventName":["DeleteUser"]"#), "E-pattern-duplicate-key"),
        // Presence.
        (detail(r#""userIdentity":[{"exists":true}]"#), "E-pattern-not-a-leaf"),
        (detail(r#""requestParameters":[{"exists":false}]"#), "E-pattern-not-a-leaf"),
        (detail(r#""userIdentity":{"sessionContext":["x"]}"#), "E-pattern-not-a-leaf"),
        (detail(r#""errorCode":[{"anything-but":"AccessDenied"}]"#), "W-pattern-absent-field"),
        (detail(r#""eventName":[{"exists":"yes"}]"#), "E-pattern-bad-operand"),
        // What is no list, and what ARNs and names are not.
        (detail(r#""eventName":"CreateUser""#), "E-pattern-not-a-list"),
        (detail(r#""eventName":[]"#), "E-pattern-empty-list"),
        (detail(r#""eventName":[["CreateUser"]]"#), "E-pattern-nested-list"),
        // Operators and operands.
        (iam(r#"{"prefx":"Add"}"#), "E-pattern-unknown-operator"),
        (iam(r#"{"starts-with":"Add"}"#), "E-pattern-unknown-operator"),
        (iam(r#"{"prefix":"Add","suffix":"User"}"#), "E-pattern-unknown-operator"),
        (iam(r#"{"anything-but":{"numeric":["=",1]}}"#), "E-pattern-unknown-operator"),
        (iam(r#"{"prefix":["Add","Put"]}"#), "E-pattern-bad-operand"),
        (iam(r#"{"anything-but":{"prefix":""}}"#), "E-pattern-bad-operand"),
        (iam(r#"{"anything-but":["a",1]}"#), "E-pattern-bad-operand"),
        (iam(r#"{"anything-but":null}"#), "E-pattern-bad-operand"),
        (detail(r#""n":[{"numeric":[">",5,"<",1]}]"#), "E-pattern-bad-operand"),
        (detail(r#""n":[{"numeric":["<",5,">",1]}]"#), "E-pattern-bad-operand"),
        (detail(r#""n":[{"numeric":[">","5"]}]"#), "E-pattern-bad-operand"),
        (detail(r#""n":[{"numeric":"5"}]"#), "E-pattern-bad-operand"),
        (detail(r#""sourceIPAddress":[{"cidr":"10.0.0.0"}]"#), "E-pattern-bad-operand"),
        (detail(r#""sourceIPAddress":[{"cidr":"10.0.0.0/33"}]"#), "E-pattern-bad-operand"),
        (detail(r#""sourceIPAddress":[{"cidr":"10.0.0/8"}]"#), "E-pattern-bad-operand"),
        // Names.
        (iam(r#""DeletUser""#), "E-pattern-unknown-event"),
        (iam(r#""deleteUser""#), "E-pattern-unknown-event"),
        (iam(r#"{"prefix":"Crate"}"#), "E-pattern-unknown-event"),
        (iam(r#"{"suffix":"Polcy"}"#), "E-pattern-unknown-event"),
        (detail(r#""eventname":["CreateUser"]"#), "E-pattern-field-case"),
        (detail(r#""userIdentity":{"Type":["Root"]}"#), "E-pattern-field-case"),
        (r#"{"source":["aws.iam"],"eventName":["CreateUser"]}"#.into(), "E-pattern-unknown-field"),
        (r#"{"source":["iam.amazonaws.com"]}"#.into(), "E-pattern-service-name"),
        (detail(r#""eventSource":["aws.iam"]"#), "E-pattern-service-name"),
        (detail(r#""eventSource":["s3.amazonaws.com"]"#), "E-pattern-contradiction"),
        (
            r#"{"source":["aws.iam"],"detail-type":["AWS API Call via Cloudtrail"]}"#.into(),
            "E-pattern-detail-type",
        ),
        (
            r#"{"source":["aws.signin"],"detail-type":["AWS Console Sign In via CloudTrail"]}"#.into(),
            "W-pattern-sign-in-type",
        ),
        // Whose events.
        (r#"{"detail":{"eventName":["DeleteUser"]}}"#.into(), "E-pattern-no-source"),
        (r#"{"source":[{"prefix":"aws"}]}"#.into(), "E-pattern-no-source"),
        (r#"{"source":[{"anything-but":"aws.iam"}]}"#.into(), "E-pattern-no-source"),
        // Size.
        (iam(&format!(r#"{{"equals-ignore-case":"{}"}}"#, "x".repeat(2100))), "E-pattern-too-long"),
        // No pattern at all.
        ("".into(), "E-pattern-not-json"),
        ("[]".into(), "E-pattern-not-an-object"),
    ];
    for (text, code) in rows {
        let found = match Pattern::parse(&text) {
            Ok(pattern) => pattern.findings(),
            Err(found) => found,
        };
        let finding = found.iter().find(|f| f.code == code);
        let finding = finding.unwrap_or_else(|| panic!("{text}: {code} is not among {found:#?}"));
        assert_eq!(finding.severity == Severity::Error, code.starts_with("E-"), "{text}");
        assert!(!finding.message.is_empty() && !finding.mend.is_empty(), "{text}");
        let others: Vec<&Finding> = found
            .iter()
            .filter(|f| {
                f.code != code && f.severity == Severity::Error && f.code != "E-pattern-unknown-event"
            })
            .collect();
        assert!(others.is_empty(), "{text}: beside {code} {others:#?}");
    }
}

/// What the check lets pass is taken by the engine, and what it refuses as malformed is refused there too.
#[test]
fn the_check_and_the_matcher_agree_on_what_is_malformed() {
    for (text, refused) in [
        (r#"{"source":["aws.iam"],"detail":{"eventName":[{"prefx":"x"}]}}"#, true),
        (r#"{"source":["aws.iam"],"detail":{"n":[{"numeric":["<",1]}]}}"#, false),
        (r#"{"source":["aws.iam"],"detail":{}}"#, true),
    ] {
        let pattern = Pattern::parse(text).unwrap();
        assert_eq!(pattern.matcher().is_err(), refused, "{text}");
        assert_eq!(pattern.findings().iter().any(|f| f.severity == Severity::Error), refused, "{text}");
    }
}

#[test]
fn a_misspelt_operation_gets_the_one_that_was_meant_and_the_date_of_the_list() {
    let found = &event_name(r#"["DeletUser"]"#)[0];
    assert_eq!((found.0, found.1.as_str()), ("E-pattern-unknown-event", "detail.eventName[0]"));
    assert!(
        found.2.starts_with("did you mean `DeleteUser`? for an operation newer than the list of 20"),
        "{}",
        found.2
    );
    // And that way works.
    assert_eq!(event_name(r#"[{"equals-ignore-case":"NewVerb"}]"#), []);
}
