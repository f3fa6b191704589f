//! What alerts do not deliver, as their rules `<installation>-<alert>-hidden` tell it: counted, and the latest kept.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::Seen;
use crate::model::call::Transformer;
use crate::model::ids::{AccountId, Region};

/// What such a message says it comes from. Nothing but a rule of ours can send it into the inbox.
pub const SOURCE: &str = "orgwatch.hidden";

/// So many events in a second are looked at; of more only the number is kept.
const SAMPLED: u32 = 10;
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// So many of the latest are kept for each alert.
const LATEST: usize = 10;

/// An event that an alert did not deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HiddenEvent {
    /// EventBridge's id of the event, the same however often it delivers it.
    #[serde(skip)]
    pub id: String,
    /// The alert, without the installation's name.
    #[serde(skip)]
    pub alert: String,
    /// CloudTrail's name of what was done; empty where the event has none.
    pub event_name: String,
    /// Where it was done.
    pub account: AccountId,
    /// The Region in which it appeared.
    pub region: Region,
    /// When.
    pub at: Timestamp,
}

/// What a counting rule tells instead of the event: these keys, and nothing that somebody could have written.
pub fn transformer(alert: &str) -> Transformer {
    let paths = [
        ("account", "$.account"),
        ("event_name", "$.detail.eventName"),
        ("id", "$.id"),
        ("region", "$.region"),
        ("time", "$.time"),
    ];
    let own = |text: &str| Value::from(text).to_string();
    let told: Vec<String> = paths.iter().map(|(name, _)| format!("\"{name}\":<{name}>")).collect();
    Transformer {
        template: format!("{{\"source\":{},\"alert\":{},{}}}", own(SOURCE), own(alert), told.join(",")),
        paths: paths.into_iter().map(|(name, path)| (name.to_owned(), path.to_owned())).collect(),
    }
}

/// What was counted of one alert since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// How many events.
    pub events: u64,
    /// When the latest of them came.
    pub last_at: Option<Timestamp>,
    /// The latest that were looked at, newest first.
    pub latest: VecDeque<HiddenEvent>,
}

/// Counts by alert. Bounded by the alerts that somebody counts here.
#[derive(Debug, Default)]
pub struct Hidden {
    by_alert: BTreeMap<String, Counted>,
    seen: Seen,
    second: Option<Timestamp>,
    in_second: u32,
}

impl Hidden {
    /// One more event; answers whether it is new.
    pub fn event(&mut self, event: HiddenEvent, now: Timestamp) -> bool {
        if !self.seen.is_new(&format!("{} {}", event.alert, event.id)) {
            return false;
        }
        if self.second.is_none_or(|second| now.duration_since(second) >= SECOND) {
            (self.second, self.in_second) = (Some(now), 0);
        }
        self.in_second = self.in_second.saturating_add(1);
        let counted = self.by_alert.entry(event.alert.clone()).or_default();
        counted.events += 1;
        counted.last_at = Some(now);
        if self.in_second <= SAMPLED {
            counted.latest.push_front(event);
            counted.latest.truncate(LATEST);
        }
        true
    }

    /// What was counted of an alert.
    pub fn of(&self, alert: &str) -> Counted {
        self.by_alert.get(alert).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::{Message, parse};
    use crate::world::fixture::{at, member_id};

    fn event(id: usize, alert: &str) -> HiddenEvent {
        HiddenEvent {
            id: id.to_string(),
            alert: alert.to_owned(),
            event_name: format!("Event{id}"),
            account: member_id(1),
            region: "us-east-1".parse().unwrap(),
            at: at(0),
        }
    }

    #[test]
    fn each_event_counts_once_for_each_alert_however_often_it_is_told() {
        let mut hidden = Hidden::default();
        assert!(hidden.event(event(1, "a"), at(1)));
        assert!(!hidden.event(event(1, "a"), at(2)));
        assert!(hidden.event(event(1, "b"), at(3)));
        assert!(hidden.event(event(2, "a"), at(4)));
        assert_eq!((hidden.of("a").events, hidden.of("b").events, hidden.of("c").events), (2, 1, 0));
        assert_eq!((hidden.of("a").last_at, hidden.of("c").last_at), (Some(at(4)), None));
        let names: Vec<String> = hidden.of("a").latest.into_iter().map(|event| event.event_name).collect();
        assert_eq!(names, ["Event2", "Event1"]);
    }

    #[test]
    fn of_more_than_ten_in_a_second_only_the_number_is_kept() {
        let mut hidden = Hidden::default();
        (0..1000).for_each(|id| assert!(hidden.event(event(id, "a"), at(1))));
        let counted = hidden.of("a");
        assert_eq!((counted.events, counted.latest.len()), (1000, 10));
        assert_eq!(counted.latest[0].event_name, "Event9", "what came later in the second was not looked at");
        hidden.event(event(1000, "a"), at(2));
        assert_eq!(hidden.of("a").latest[0].event_name, "Event1000");
        assert_eq!(hidden.of("a").latest.len(), 10);
    }

    #[test]
    fn what_a_counting_rule_sends_is_read_as_what_it_tells() {
        use orgwatch_sim::transform::{Transform, Vars};
        use serde_json::json;
        let Transformer { paths, template } = transformer("iam-changes");
        let target = json!({ "Id": "inbox", "InputTransformer": { "InputPathsMap": paths, "InputTemplate": template } });
        let transform = Transform::parse(target.as_object().unwrap()).unwrap();
        let mut source = json!({
            "id": "e-1", "source": "aws.iam", "account": "333333333333", "region": "us-east-1",
            "time": "2026-11-20T12:00:00Z", "detail": { "eventName": "TagRole" },
        });
        let sent = transform.delivered(&source, &Vars::default()).unwrap();
        let Message::Hidden(read) = parse(&sent) else { panic!("{sent}") };
        assert_eq!((read.alert.as_str(), read.id.as_str()), ("iam-changes", "e-1"));
        assert_eq!((read.event_name.as_str(), read.account.as_str()), ("TagRole", "333333333333"));
        source["detail"] = json!({});
        let sent = transform.delivered(&source, &Vars::default()).unwrap();
        assert!(matches!(parse(&sent), Message::Hidden(read) if read.event_name.is_empty()), "{sent}");
        source["account"] = "33".into();
        let sent = transform.delivered(&source, &Vars::default()).unwrap();
        assert_eq!(parse(&sent), Message::Foreign("Malformed"));
    }
}
