//! How states, moments and values are put into words, marks and colours.

use jiff::Timestamp;
use serde_json::Value;

use crate::hops::HopState;
use crate::model::json::Json;
use crate::model::plan::Action;
use crate::model::resource::Verdict;
use crate::model::view::{Coverage, Snapshot};

/// A state in a word with a mark and a colour: neither of these stands alone for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Badge {
    pub(super) tone: &'static str,
    pub(super) mark: &'static str,
    pub(super) label: &'static str,
}

pub(super) const fn badge(tone: &'static str, mark: &'static str, label: &'static str) -> Badge {
    Badge { tone, mark, label }
}

/// The badge of a verdict, or of the standing in its place.
pub(super) fn of_verdict(label: &str) -> Badge {
    match label {
        "in_sync" => badge("ok", "✓", "in sync"),
        "drifted" => badge("warn", "≠", "drifted"),
        "foreign" => badge("bad", "!", "foreign"),
        "unknown" => badge("unknown", "?", "unknown"),
        "orphan" => badge("warn", "–", "orphan"),
        "excluded" => badge("dim", "○", "excluded"),
        "inactive" => badge("dim", "·", "inactive"),
        _ => badge("info", "…", "pending"),
    }
}

/// The badge of a resource's verdict.
pub(super) fn of_resource(verdict: &Verdict) -> Badge {
    of_verdict(verdict.label())
}

/// The badge of a coverage.
pub(super) fn of_coverage(coverage: &Coverage) -> Badge {
    match coverage {
        Coverage::Proven => badge("ok", "●", "proven"),
        Coverage::Configured => badge("ok", "✓", "configured"),
        Coverage::Pending => badge("info", "…", "pending"),
        Coverage::Broken => badge("bad", "✕", "broken"),
        Coverage::Unknown => badge("unknown", "?", "unknown"),
        Coverage::Uncovered => badge("dim", "○", "uncovered"),
    }
}

/// The badge of a hop.
pub(super) fn of_hop(state: &HopState) -> Badge {
    match state {
        HopState::Works => badge("ok", "✓", "works"),
        HopState::NotWatched => badge("dim", "○", "not watched"),
        HopState::Pending => badge("info", "…", "pending"),
        HopState::Unknown => badge("unknown", "?", "unknown"),
        HopState::Broken => badge("bad", "✕", "broken"),
    }
}

/// The badge of a condition's status.
pub(super) fn of_status(status: &str) -> Badge {
    match status {
        "True" => badge("ok", "✓", "true"),
        "False" => badge("bad", "✕", "false"),
        _ => badge("unknown", "?", "unknown"),
    }
}

/// What a change does, in a word.
pub(super) fn of_action(action: &Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}

/// The last part of an account's path: the unit or root that it is in.
pub(super) fn unit(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// What a root or unit is called, if that was read.
pub(super) fn unit_name<'s>(snapshot: &'s Snapshot, id: &str) -> Option<&'s str> {
    let name = snapshot.units.get(&id.parse().ok()?)?;
    Some(name.as_str()).filter(|name| !name.is_empty())
}

/// The names of the units on an account's path, as far as they are known, each after the one above it.
pub(super) fn unit_names(snapshot: &Snapshot, path: &str) -> Option<String> {
    let units = path.split('/').filter(|part| part.starts_with("r-") || part.starts_with("ou-"));
    let names: Vec<&str> = units.map(|id| unit_name(snapshot, id).unwrap_or(id)).collect();
    (path.split('/').any(|part| unit_name(snapshot, part).is_some())).then(|| names.join(" / "))
}

/// Tells how long ago something was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Timestamp);

impl Clock {
    /// A page that shows what was put together then. Asked for twice within some seconds it is the same twice; and where
    /// nothing new is read, its ages grow all the same.
    pub(super) fn of(taken_at: Timestamp) -> Self {
        const STEP: i64 = 10;
        let now = Timestamp::now().as_second();
        let now = Timestamp::from_second(now - now.rem_euclid(STEP));
        Self(now.map_or(taken_at, |now| now.max(taken_at)))
    }

    /// At this very moment.
    pub(super) fn exactly(now: Timestamp) -> Self {
        Self(now)
    }

    /// The time since `at` in its largest unit.
    pub(super) fn span(&self, at: &Timestamp) -> String {
        let seconds = self.0.duration_since(*at).as_secs().max(0);
        match seconds {
            0..120 => format!("{seconds} s"),
            120..7_200 => format!("{} min", seconds / 60),
            7_200..172_800 => format!("{} h", seconds / 3_600),
            _ => format!("{} days", seconds / 86_400),
        }
    }

    /// How long ago `at` was; or, of what is to come, how soon.
    pub(super) fn ago(&self, at: &Timestamp) -> String {
        match self.0.duration_since(*at).as_secs() {
            ..=-60 => format!("in {}", Self(*at).span(&self.0)),
            -59..1 => "just now".to_owned(),
            _ => format!("{} ago", self.span(at)),
        }
    }

    /// The moment itself, to the second.
    pub(super) fn at(&self, at: &Timestamp) -> String {
        at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    /// The time of the day, to be read in a list of one day; older moments with their day.
    pub(super) fn short(&self, at: &Timestamp) -> String {
        let (today, day) = (self.0.strftime("%F").to_string(), at.strftime("%F").to_string());
        if today == day { at.strftime("%T").to_string() } else { at.strftime("%b %-d %R").to_string() }
    }
}

/// A value as a person reads it; none where the field is not there.
pub(super) fn text(value: &Json) -> Option<String> {
    match value.value() {
        Value::Null => None,
        // An empty text would be seen as nothing, and quotes elsewhere as part of the text.
        Value::String(text) if !text.is_empty() => Some(text),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_of_time_is_told_in_its_largest_unit() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let ago = |seconds| Clock(now).ago(&(now - SignedDuration::from_secs(seconds)));
        assert_eq!(
            [-5, 0, 41, 119, 120, 7_199, 7_200, 172_800].map(ago),
            [
                "just now",
                "just now",
                "41 s ago",
                "119 s ago",
                "2 min ago",
                "119 min ago",
                "2 h ago",
                "2 days ago"
            ]
        );
        assert_eq!(Clock(now).at(&now), "2026-11-20 12:00:00 UTC");
        assert_eq!(ago(-86_400 * 10), "in 10 days");
        let short = |seconds| Clock(now).short(&(now - SignedDuration::from_secs(seconds)));
        assert_eq!([60, 86_400].map(short), ["11:59:00", "Nov 19 12:00"]);
    }

    #[test]
    fn an_empty_text_is_told_from_an_absent_one() {
        assert_eq!(text(&json!("ENABLED").into()).as_deref(), Some("ENABLED"));
        assert_eq!(text(&json!("").into()).as_deref(), Some("\"\""));
        assert_eq!(text(&json!(["a"]).into()).as_deref(), Some("[\"a\"]"));
        assert_eq!(text(&Json::default()), None);
    }

    #[test]
    fn every_state_has_a_mark_and_a_word_of_its_own() {
        let verdicts = crate::http::select::VERDICTS.map(of_verdict);
        let coverages = Coverage::ALL.each_ref().map(of_coverage);
        for badges in [&verdicts[..], &coverages[..]] {
            for (i, one) in badges.iter().enumerate() {
                assert!(
                    badges[i + 1..].iter().all(|b| b.mark != one.mark && b.label != one.label),
                    "{one:?}"
                );
            }
        }
    }
}
