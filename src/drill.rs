//! Drills: events marked as such that go through an alert's own rule, in its format, to everybody who is subscribed. Pure.

use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::config::DrillSchedule;
use crate::model::ids::{AccountId, Installation};

/// The source of a drill's event.
pub const SOURCE: &str = "orgwatch.drill";
/// The detail type of a drill's event.
pub const DETAIL_TYPE: &str = "orgwatch drill";
/// What every message of a drill begins with. It stands in the event: templates begin with its place, which is empty in
/// every other event.
pub const WORDS: &str = "DRILL, no action needed. ";
/// Where the words stand in a drill's event.
pub const PATH: &str = "$.detail.orgwatchDrill";

/// The part of an alert's pattern that takes the alert's own drills and nothing else. Whoever the bus admits can put events
/// of this source there; that they come from the central account, EventBridge says, and nobody can write.
pub fn arm(alert: &str, central: &AccountId) -> Value {
    json!({ "source": [SOURCE], "account": [central], "detail": { "alert": [alert] } })
}

/// The detail of a drill's event, shaped like CloudTrail's so that every format has something to show.
pub fn detail(installation: &Installation, alert: &str) -> Value {
    json!({
        "orgwatchDrill": WORDS,
        "alert": alert,
        "eventSource": "orgwatch",
        "eventName": "Drill",
        "userIdentity": { "type": "orgwatch", "arn": installation.as_str() },
        "requestParameters": { "alert": alert },
    })
}

/// The hour at which drills go out, in UTC: people are at work in most of the world then.
const AT_HOUR: i8 = 9;

/// When the next drill goes out after a moment; none where none does by itself.
///
/// A moment of the calendar and not so long after the last one: a daemon that starts anew drills nobody.
pub fn next(schedule: DrillSchedule, after: Timestamp) -> Option<Timestamp> {
    let wanted = |date: jiff::civil::Date| match schedule {
        DrillSchedule::Off | DrillSchedule::OnRequest => false,
        DrillSchedule::Daily => true,
        DrillSchedule::Weekly => date.weekday() == Weekday::Monday,
        DrillSchedule::Monthly => date.day() == 1,
    };
    let mut date = after.to_zoned(TimeZone::UTC).date();
    // Longer than the longest month.
    for _ in 0..=32 {
        if wanted(date) {
            let at = date.to_datetime(time(AT_HOUR, 0, 0, 0)).to_zoned(TimeZone::UTC).ok()?.timestamp();
            if at > after {
                return Some(at);
            }
        }
        date = date.checked_add(1.day()).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_drill_is_a_moment_of_the_calendar() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let next = |schedule, after: &str| next(schedule, at(after));
        // A Saturday.
        let now = "2026-11-28T20:00:00Z";
        assert_eq!(next(DrillSchedule::Off, now), None);
        assert_eq!(next(DrillSchedule::OnRequest, now), None);
        assert_eq!(next(DrillSchedule::Daily, now), Some(at("2026-11-29T09:00:00Z")));
        assert_eq!(next(DrillSchedule::Daily, "2026-11-28T08:59:59Z"), Some(at("2026-11-28T09:00:00Z")));
        assert_eq!(next(DrillSchedule::Weekly, now), Some(at("2026-11-30T09:00:00Z")));
        assert_eq!(next(DrillSchedule::Weekly, "2026-11-30T09:00:00Z"), Some(at("2026-12-07T09:00:00Z")));
        assert_eq!(next(DrillSchedule::Monthly, now), Some(at("2026-12-01T09:00:00Z")));
        assert_eq!(next(DrillSchedule::Monthly, "2026-12-01T10:00:00Z"), Some(at("2027-01-01T09:00:00Z")));
    }

    #[test]
    fn an_alert_takes_its_own_drills_from_the_central_account_alone() {
        let central: AccountId = "222222222222".parse().unwrap();
        let matcher = crate::pattern::matching::Matcher::of(&arm("a", &central)).unwrap();
        let installation: Installation = "orgwatch".parse().unwrap();
        let takes = |source: &str, account: &str, alert: &str| {
            let event =
                json!({ "source": source, "account": account, "detail": detail(&installation, alert) });
            matcher.verdict(&event).is_ok()
        };
        assert!(takes(SOURCE, "222222222222", "a"));
        assert!(!takes(SOURCE, "333333333333", "a"));
        assert!(!takes(SOURCE, "222222222222", "b"));
        assert!(!takes("orgwatch.canary", "222222222222", "a"));
    }
}
