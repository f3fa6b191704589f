use serde_json::{Map, Value, json};

use super::{Transform, Vars};

fn event() -> Value {
    json!({
        "version": "0", "id": "7bf7", "detail-type": "Change", "source": "aws.iam", "account": "123456789012",
        "time": "2026-11-20T21:29:54Z", "region": "us-east-1", "resources": ["arn:one", "arn:two"],
        "detail": {
            "state": "RUNNING", "ok": true, "count": 3, "nothing": null, "severity": ["HIGH"],
            "who": {"acc_id": "0a78", "sf_id": "baz"}, "quoted": "say \"hi\"", "instance-id": "i-01",
            "list": [{"n": 1}, {"n": 2}],
        },
    })
}

fn vars() -> Vars {
    Vars {
        rule_arn: "arn:aws:events:us-east-1:1:rule/r".to_owned(),
        rule_name: "r".to_owned(),
        ingestion_time: "2026-11-20T21:29:55Z".to_owned(),
    }
}

fn target(members: Value) -> Map<String, Value> {
    let mut target = members.as_object().unwrap().clone();
    target.insert("Id".to_owned(), json!("t1"));
    target
}

fn parse(members: Value) -> Result<Transform, String> {
    Transform::parse(&target(members))
}

fn template(template: &str) -> Value {
    let paths = json!({
        "state": "$.detail.state", "ok": "$.detail.ok", "count": "$.detail.count", "nothing": "$.detail.nothing",
        "severity": "$.detail.severity", "who": "$.detail.who", "quoted": "$.detail.quoted",
        "instance": "$.detail.instance-id", "first": "$.detail.list[0].n", "each": "$.detail.list[*].n",
        "absent": "$.detail.absent", "bracket": "$['detail']['state']", "type": "$.detail-type",
    });
    json!({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}})
}

fn delivered(text: &str) -> Option<String> {
    parse(template(text)).unwrap_or_else(|message| panic!("{text}: {message}")).delivered(&event(), &vars())
}

#[test]
fn without_a_transformation_the_event_comes_as_compact_json_in_the_order_of_its_envelope() {
    let text = parse(json!({})).unwrap().apply(&event(), &vars());
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), event());
    assert!(
        text.starts_with(
            r#"{"version":"0","id":"7bf7","detail-type":"Change","source":"aws.iam","account":"#
        ),
        "{text}"
    );
    assert_eq!(Transform::default().apply(&event(), &vars()), text);
}

#[test]
fn an_input_replaces_the_event_as_it_is_written() {
    let input = r#"{ "a" : 1 }"#;
    assert_eq!(parse(json!({"Input": input})).unwrap().apply(&event(), &vars()), input);
    assert_eq!(parse(json!({"Input": "hello"})), Err("JSON syntax error in input for target t1.".to_owned()));
}

#[test]
fn an_input_path_delivers_the_part_as_json() {
    let part = |path: &str| parse(json!({"InputPath": path})).unwrap().apply(&event(), &vars());
    assert_eq!(part("$.detail.who"), r#"{"acc_id":"0a78","sf_id":"baz"}"#);
    assert_eq!(part("$.detail.state"), r#""RUNNING""#);
    assert_eq!(part("$.resources[1]"), r#""arn:two""#);
    assert_eq!(part("$.detail.list[*].n"), "[1,2]");
    assert_eq!(part("$"), Transform::default().apply(&event(), &vars()));
    assert_eq!(part("$.absent"), "null");
    assert_eq!(parse(json!({"InputPath": "detail"})), Err("Invalid InputPath for target t1.".to_owned()));
}

#[test]
fn only_one_transformation_may_be_given() {
    let mut both = template("\"x\"");
    both["InputPath"] = json!("$.detail");
    let refused = "Only one of Input, InputPath, or InputTransformer must be provided for target t1.";
    assert_eq!(parse(both), Err(refused.to_owned()));
    assert_eq!(parse(json!({"Input": "1", "InputPath": "$"})), Err(refused.to_owned()));
}

#[test]
fn text_keeps_its_quotes_and_takes_values_as_they_are() {
    for (template, text) in [
        (r#""instance <instance> is in <state>""#, r#""instance i-01 is in RUNNING""#),
        (r#""instance \"<instance>\" is <state>""#, r#""instance \"i-01\" is RUNNING""#),
        (
            "\"<severity> one\"\n\"<who> two\"\n\"<absent> three\"",
            "\"[HIGH] one\"\n\"{acc_id:0a78,sf_id:baz} two\"\n\" three\"",
        ),
        (r#""Command is <ok>, <count> times!""#, r#""Command is true, 3 times!""#),
        (r#""{[/braces of <type>""#, r#""{[/braces of Change""#),
        (r#""<quoted>""#, r#""say "hi"""#),
        (r#""2 < 3""#, r#""2 < 3""#),
        (
            r#""<aws.events.rule-name> at <aws.events.event.ingestion-time> by <aws.events.rule-arn>""#,
            r#""r at 2026-11-20T21:29:55Z by arn:aws:events:us-east-1:1:rule/r""#,
        ),
    ] {
        assert_eq!(delivered(template).as_deref(), Some(text), "{template}");
    }
}

#[test]
fn json_takes_values_as_json_outside_quotes_and_as_text_inside() {
    for (template, text) in [
        (
            "{\n  \"instance\" : <instance>,\n  \"state\": [ 9, <state>, true ]\n}",
            r#"{"instance":"i-01","state":[9,"RUNNING",true]}"#,
        ),
        (
            r#"{"a": "<state>", "b": "users/<instance>/x/<instance> y"}"#,
            r#"{"a":"RUNNING","b":"users/i-01/x/i-01 y"}"#,
        ),
        (
            r#"{"a": <who>, "b": <severity>, "c": <ok>, "d": <count>, "e": <nothing>}"#,
            r#"{"a":{"acc_id":"0a78","sf_id":"baz"},"b":["HIGH"],"c":true,"d":3,"e":null}"#,
        ),
        (r#"{"a": <absent>, "b": "<absent>", "c": <bracket>}"#, r#"{"a":"","b":"","c":""}"#),
        (r#"{"a": <quoted>, "b": <first>, "c": <each>}"#, r#"{"a":"say \"hi\"","b":1,"c":[1,2]}"#),
        ("<who>", r#"{"acc_id":"0a78","sf_id":"baz"}"#),
        (r#"{"rule": <aws.events.rule-name>}"#, r#"{"rule":"r"}"#),
    ] {
        assert_eq!(delivered(template).as_deref(), Some(text), "{template}");
    }
}

#[test]
fn the_event_can_be_put_into_json() {
    let text = delivered(r#"{"e": <aws.events.event>, "j": <aws.events.event.json>}"#).unwrap();
    let text: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text["j"], event());
    let mut head = event();
    let fields = head.as_object_mut().unwrap();
    fields.remove("detail");
    let kind = fields.remove("detail-type").unwrap();
    fields.insert("detailType".to_owned(), kind);
    assert_eq!(text["e"], head);
}

#[test]
fn what_makes_json_invalid_is_lost_without_an_error() {
    for template in [
        r#"{"a": "<who>"}"#,
        r#"{"a": "<severity>"}"#,
        r#"{"a": "users/<who>", "b": <who>}"#,
        r#"{"a": "<quoted>"}"#,
        r#"{"a": "<aws.events.event.json>"}"#,
    ] {
        assert_eq!(delivered(template), None, "{template}");
    }
}

#[test]
fn malformed_templates_are_refused() {
    for text in [
        "no quotes <state>",
        "<severity> single list item",
        r#""one" two"#,
        r#""unclosed <state>"#,
        r#"{"a": <state>"#,
        r#"{<state>: 1}"#,
        r#"{"<state>": 1}"#,
        r#"{"a": 1<count>}"#,
        " ",
    ] {
        let refused = parse(template(text)).expect_err(text);
        assert_eq!(refused, format!("Invalid InputTemplate for target t1 : [Source: (String)\"{text}\"]."));
    }
    for (text, name) in [("\"<other>\"", "other"), ("{\"a\": <aws.events.event.id>}", "aws.events.event.id")]
    {
        let refused = format!("InputTemplate for target t1 contains invalid placeholder {name}.");
        assert_eq!(parse(template(text)), Err(refused));
    }
}

#[test]
fn the_limits_of_an_input_transformer_are_kept() {
    let paths = |names: Vec<String>| -> Value {
        names.into_iter().map(|name| (name, json!("$.id"))).collect::<Map<_, _>>().into()
    };
    let with = |paths: Value, template: &str| {
        parse(json!({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}))
    };
    let numbered = |count: usize| paths((0..count).map(|n| format!("n{n}")).collect());
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    assert!(with(numbered(100), &text(8192)).is_ok());
    let constraint = "failed to satisfy constraint: Member must have length";
    assert!(with(numbered(101), "\"x\"").unwrap_err().contains(constraint));
    assert!(with(json!({}), &text(8193)).unwrap_err().contains(constraint));
    assert!(with(json!({}), "").unwrap_err().contains(constraint));
    assert!(with(json!({"a": "$.".repeat(200)}), "\"x\"").unwrap_err().contains(constraint));
    assert!(parse(json!({"Input": text(8193)})).unwrap_err().contains(constraint));
    assert!(parse(json!({"InputPath": "$".repeat(257)})).unwrap_err().contains(constraint));
    assert!(with(paths(vec!["a b".to_owned()]), "\"x\"").unwrap_err().contains("regular expression"));
    assert!(
        with(paths(vec!["aws.events.rule-arn".to_owned()]), "\"x\"")
            .unwrap_err()
            .contains("regular expression")
    );
    assert!(with(paths(vec!["AWSname".to_owned()]), "\"x\"").unwrap_err().contains("reserved key AWSname"));
}
