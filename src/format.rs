//! What an alert sends to its topic: one template for all events, from paths that an event may not have. Pure.
//!
//! EventBridge leaves the place of an absent path empty, puts values into quoted parts as they are, and silently drops
//! what is then no JSON. So every line of text reads well with an empty place, and inside quotes of JSON stand only
//! values that cannot hold a quote.

use serde_json::{Value, json};

use crate::config::Format;
use crate::drill;
use crate::model::call::Transformer;
use crate::model::partition::Partition;

/// The fields that templates use, by the names that they have there.
const PATHS: [(&str, &str); 16] = [
    ("account", "$.account"),
    ("action", "$.detail.eventName"),
    ("actor", "$.detail.userIdentity.arn"),
    ("address", "$.detail.sourceIPAddress"),
    ("drill", drill::PATH),
    ("error", "$.detail.errorCode"),
    ("event", "$.detail.eventID"),
    ("invoker", "$.detail.userIdentity.invokedBy"),
    ("issuer", "$.detail.userIdentity.sessionContext.sessionIssuer.arn"),
    ("parameters", "$.detail.requestParameters"),
    ("region", "$.region"),
    ("request", "$.detail.requestID"),
    ("service", "$.detail.eventSource"),
    ("source", "$.source"),
    ("time", "$.time"),
    ("type", "$.detail.userIdentity.type"),
];

/// What a message says of the alert that it is about.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// The alert's name.
    pub alert: &'a str,
    /// How urgent, in the user's own word, which holds nothing that would have to be escaped.
    pub severity: Option<&'a str>,
    /// Whose console the links lead to.
    pub partition: Partition,
    /// Whether the alert takes drills: then there is a place at the beginning for what a drill says of itself.
    pub drills: bool,
}

impl Heading<'_> {
    /// The place for what a drill says of itself; empty in every other event.
    fn drill(&self) -> &'static str {
        if self.drills { "<drill>" } else { "" }
    }
}

/// The input transformer of a format; none where the event goes out as it came.
pub fn transformer(format: Format, heading: &Heading<'_>) -> Option<Transformer> {
    let template = match format {
        Format::Text => text(heading),
        Format::Json => json_template(&fields(heading)),
        Format::Chat => json_template(&chat(heading)),
        Format::Raw => return None,
    };
    let used = |name: &str| template.contains(&format!("<{name}>"));
    let paths = PATHS.iter().filter(|(name, _)| used(name));
    Some(Transformer {
        paths: paths.map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect(),
        template,
    })
}

/// What a person reads; the first line is what a phone shows.
fn text(heading: &Heading<'_>) -> String {
    let severity = heading.severity.map(|s| format!(", severity {s}")).unwrap_or_default();
    let lines = [
        format!("{}Account <account>: <source> <action>", heading.drill()),
        "Who: <type> <actor> <invoker>".to_owned(),
        "From: <address>".to_owned(),
        "What: <service> <action> <parameters>".to_owned(),
        "When: <time>, in <region>".to_owned(),
        "Error code, if it did not succeed: <error>".to_owned(),
        format!("Alert: {}{severity}; CloudTrail event <event>", heading.alert),
        format!("The event: {}", heading.partition.event_link("<region>", "<event>")),
        format!("The account: {}", heading.partition.account_link("<account>")),
    ];
    // One quoted text a line is how EventBridge wants a message of several lines.
    lines.iter().map(|line| Value::from(line.as_str()).to_string()).collect::<Vec<_>>().join("\n")
}

/// What a program reads: these keys in every message, an empty text where the event has nothing.
fn fields(heading: &Heading<'_>) -> Vec<(&'static str, String)> {
    let own = |text: &str| Value::from(text).to_string();
    let value = |name: &str| format!("<{name}>");
    let drill = heading.drills.then(|| ("drill", value("drill")));
    let fields = vec![
        ("alert", own(heading.alert)),
        ("severity", own(heading.severity.unwrap_or_default())),
        ("account", value("account")),
        ("region", value("region")),
        ("time", value("time")),
        ("source", value("source")),
        ("event_source", value("service")),
        ("event_name", value("action")),
        ("event_id", value("event")),
        ("request_id", value("request")),
        ("actor", value("actor")),
        ("actor_type", value("type")),
        ("actor_role", value("issuer")),
        ("invoked_by", value("invoker")),
        ("source_ip", value("address")),
        ("error_code", value("error")),
        ("request_parameters", value("parameters")),
        ("event_url", own(&heading.partition.event_link("<region>", "<event>"))),
        ("account_url", own(&heading.partition.account_link("<account>"))),
    ];
    drill.into_iter().chain(fields).collect()
}

/// The custom notification of AWS's chat service. Parameters are not in it: it takes texts alone, and an object is none.
fn chat(heading: &Heading<'_>) -> Vec<(&'static str, String)> {
    let severity = heading.severity.map(|s| format!(" ({s})")).unwrap_or_default();
    let content = json!({
        "textType": "client-markdown",
        "title": format!("{}Account <account>: <source> <action>{severity}", heading.drill()),
        "description": format!(
            "*Who:* <type> <actor> <invoker>\n*From:* <address>\n*What:* <service> <action>\n*When:* <time>, in <region>\n\
             *Error code, if it did not succeed:* <error>\n*Event:* {}",
            heading.partition.event_link("<region>", "<event>")
        ),
        "nextSteps": [format!("Open the account: {}", heading.partition.account_link("<account>"))],
        "keywords": [heading.alert],
    });
    let metadata =
        json!({ "summary": "<drill>Account <account>: <source> <action>", "eventType": heading.alert });
    vec![
        ("version", json!("1.0").to_string()),
        ("source", json!("custom").to_string()),
        ("id", json!("<event>").to_string()),
        ("content", content.to_string()),
        ("metadata", metadata.to_string()),
    ]
}

/// An object whose values are JSON, or placeholders that stand for it.
fn json_template(fields: &[(&'static str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

#[cfg(test)]
mod tests {
    use orgwatch_sim::transform::{Transform, Vars};

    use super::*;

    fn heading() -> Heading<'static> {
        Heading { alert: "iam-changes", severity: Some("high"), partition: Partition::Aws, drills: false }
    }

    /// What a topic gets of an event, as the simulator's EventBridge makes it.
    fn sent(format: Format, event: &Value) -> String {
        sent_under(&heading(), format, event)
    }

    fn sent_under(heading: &Heading<'_>, format: Format, event: &Value) -> String {
        let transformer = transformer(format, heading).unwrap();
        let target = json!({ "Id": "topic", "InputTransformer": {
            "InputPathsMap": transformer.paths, "InputTemplate": transformer.template } });
        let transform = Transform::parse(target.as_object().unwrap()).unwrap();
        transform.delivered(event, &Vars::default()).expect("AWS would drop it in silence")
    }

    fn event() -> Value {
        json!({
            "version": "0", "id": "1", "source": "aws.iam", "account": "333333333333", "region": "us-east-1",
            "time": "2026-11-20T12:00:00Z", "detail": {
                "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "sourceIPAddress": "198.51.100.7",
                "eventID": "0d3c7d47-9f3c-4d1c-9d67-2d8d2a5d8f61", "requestID": "r-1",
                "requestParameters": { "userName": "mallory", "tags": [{ "key": "say \"hi\"", "value": "x" }] },
                "userIdentity": {
                    "type": "AssumedRole", "arn": "arn:aws:sts::333333333333:assumed-role/admin/eve",
                    "sessionContext": { "sessionIssuer": { "arn": "arn:aws:iam::333333333333:role/admin" } },
                },
            },
        })
    }

    #[test]
    fn a_person_reads_who_did_what_where_and_follows_two_links() {
        insta::assert_snapshot!(sent(Format::Text, &event()));
    }

    #[test]
    fn the_document_shows_what_readers_get_of_this_event() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/alerts.md")).unwrap();
        let shown = |format: Format| {
            let section = page.split(&format!("\n### {format}\n")).nth(1).expect("each format has a section");
            let block = section.split("```").nth(1).expect("which shows a message");
            block.split_once('\n').expect("after what kind of text it is").1.trim_end()
        };
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(shown(Format::Text), sent(Format::Text, &event()));
        for format in [Format::Json, Format::Chat] {
            assert_eq!(json(shown(format)), json(&sent(format, &event())), "{format}");
        }
        assert_eq!(json(shown(Format::Raw)), event());
    }

    #[test]
    fn each_line_reads_well_where_the_event_has_nothing() {
        let bare = json!({ "source": "aws.s3", "account": "333333333333", "region": "us-east-1",
                           "time": "2026-11-20T12:00:00Z", "detail": {} });
        insta::assert_snapshot!(sent(Format::Text, &bare));
    }

    #[test]
    fn a_program_finds_the_same_keys_in_every_message() {
        let keys = |event: &Value| {
            let sent: Value = serde_json::from_str(&sent(Format::Json, event)).unwrap();
            sent.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(&event()), keys(&json!({ "detail": {} })));
        let sent: Value = serde_json::from_str(&sent(Format::Json, &event())).unwrap();
        insta::assert_json_snapshot!(sent);
    }

    #[test]
    fn the_chat_service_gets_its_custom_notification_whatever_the_event() {
        for event in [event(), json!({ "detail": {} })] {
            let sent: Value = serde_json::from_str(&sent(Format::Chat, &event)).unwrap();
            assert_eq!((&sent["version"], &sent["source"]), (&json!("1.0"), &json!("custom")));
            assert!(!sent["content"]["description"].as_str().unwrap().is_empty());
        }
        let sent: Value = serde_json::from_str(&sent(Format::Chat, &event())).unwrap();
        insta::assert_json_snapshot!(sent);
    }

    #[test]
    fn a_drill_says_so_before_anything_else_and_other_events_are_as_ever() {
        let installation = "orgwatch".parse().unwrap();
        let drill = json!({
            "source": drill::SOURCE, "account": "222222222222", "region": "us-east-1", "time": "2026-11-20T12:00:00Z",
            "detail": drill::detail(&installation, "iam-changes"),
        });
        let taking = Heading { drills: true, ..heading() };
        assert!(sent_under(&taking, Format::Text, &drill).trim_start_matches('"').starts_with(drill::WORDS));
        let json: Value = serde_json::from_str(&sent_under(&taking, Format::Json, &drill)).unwrap();
        assert_eq!(json["drill"], drill::WORDS);
        let chat: Value = serde_json::from_str(&sent_under(&taking, Format::Chat, &drill)).unwrap();
        assert!(chat["content"]["title"].as_str().unwrap().starts_with(drill::WORDS));
        for format in [Format::Text, Format::Chat] {
            assert_eq!(sent_under(&taking, format, &event()), sent(format, &event()));
        }
        let json: Value = serde_json::from_str(&sent_under(&taking, Format::Json, &event())).unwrap();
        assert_eq!(json["drill"], "");
    }

    #[test]
    fn templates_fit_into_what_eventbridge_takes() {
        let long = "x".repeat(64);
        for format in [Format::Text, Format::Json, Format::Chat] {
            for partition in [Partition::Aws, Partition::China, Partition::GovCloud, Partition::Sovereign] {
                let heading = Heading { alert: &long, severity: Some(&long), partition, drills: true };
                let transformer = transformer(format, &heading).unwrap();
                assert!(transformer.template.len() < 8192 && transformer.paths.len() <= 100);
            }
        }
        assert_eq!(transformer(Format::Raw, &heading()), None);
    }
}
