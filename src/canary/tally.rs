//! What became of the canaries of all accounts, hour by hour. Pure and bounded by time and Regions.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::history::Canaries;
use crate::model::ids::Region;
use crate::model::view::CanaryHour;

/// How far back hours are shown.
pub const SHOWN: SignedDuration = SignedDuration::from_hours(48);

/// The canaries of the latest hours, and those that the history has not been told of.
#[derive(Debug, Default)]
pub struct Tally {
    hours: BTreeMap<Timestamp, Canaries>,
    untold: BTreeMap<(String, Timestamp), Canaries>,
}

fn none(region: &str, hour: Timestamp) -> Canaries {
    let region = region.to_owned();
    Canaries { region, hour, sent: 0, returned: 0, latency_sum_ms: 0, latency_max_ms: 0 }
}

fn add(to: &mut Canaries, more: &Canaries) {
    to.sent += more.sent;
    to.returned += more.returned;
    to.latency_sum_ms += more.latency_sum_ms;
    to.latency_max_ms = to.latency_max_ms.max(more.latency_max_ms);
}

impl Tally {
    /// A canary went out.
    pub fn sent(&mut self, region: &Region, at: Timestamp) {
        self.count(Canaries { sent: 1, ..none(region.as_str(), at) });
    }

    /// A canary came back; it counts in the hour in which it was sent.
    pub fn returned(&mut self, region: &Region, sent_at: Timestamp, took: SignedDuration) {
        let latency = u64::try_from(took.as_millis()).unwrap_or_default();
        let back = none(region.as_str(), sent_at);
        self.count(Canaries { returned: 1, latency_sum_ms: latency, latency_max_ms: latency, ..back });
    }

    /// Takes over what an earlier process told the history.
    pub fn resume(&mut self, kept: &[Canaries]) {
        for canaries in kept {
            self.show(canaries);
        }
    }

    /// What the history has not been told of; it is told then.
    pub fn untold(&mut self) -> Vec<Canaries> {
        std::mem::take(&mut self.untold).into_values().collect()
    }

    /// The latest hours in which any was sent, oldest first.
    pub fn view(&self, now: Timestamp) -> Vec<CanaryHour> {
        let first = now.saturating_sub(SHOWN).unwrap_or(Timestamp::MIN);
        self.hours.range(first..).map(|(began, counted)| hour(*began, counted)).collect()
    }

    fn count(&mut self, canaries: Canaries) {
        self.show(&canaries);
        let key = (canaries.region.clone(), canaries.hour_begins());
        add(self.untold.entry(key).or_insert_with(|| none(&canaries.region, canaries.hour)), &canaries);
    }

    fn show(&mut self, canaries: &Canaries) {
        let began = canaries.hour_begins();
        add(self.hours.entry(began).or_insert_with(|| none("", began)), canaries);
        if let Some((latest, _)) = self.hours.last_key_value() {
            let first = latest.saturating_sub(SHOWN).unwrap_or(Timestamp::MIN);
            self.hours.retain(|began, _| *began >= first);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of canaries are far fewer than a float counts")]
fn hour(began: Timestamp, counted: &Canaries) -> CanaryHour {
    let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
    let back = counted.returned > 0;
    CanaryHour {
        began,
        sent: counted.sent,
        returned: counted.returned,
        mean_seconds: back.then(|| seconds(counted.latency_sum_ms) / counted.returned as f64),
        max_seconds: back.then(|| seconds(counted.latency_max_ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{at, region};

    const HOUR: i64 = 3_600;

    #[test]
    fn a_canary_counts_in_the_hour_in_which_it_was_sent_whenever_it_comes_back() {
        let mut tally = Tally::default();
        tally.sent(&region(), at(HOUR - 1));
        tally.sent(&region(), at(HOUR - 1));
        tally.returned(&region(), at(HOUR - 1), SignedDuration::from_secs(3));
        tally.sent(&region(), at(HOUR));
        let view = tally.view(at(HOUR + 5));
        assert_eq!(view.iter().map(|hour| (hour.sent, hour.returned)).collect::<Vec<_>>(), [(2, 1), (1, 0)]);
        assert_eq!((view[0].mean_seconds, view[1].mean_seconds), (Some(3.0), None));
        let told: Vec<_> = tally.untold().iter().map(|told| (told.sent, told.returned)).collect();
        assert_eq!(told, [(2, 1), (1, 0)]);
        assert!(tally.untold().is_empty());
    }

    #[test]
    fn the_hours_of_an_earlier_process_are_shown_and_not_told_again() {
        let kept = Canaries {
            sent: 5,
            returned: 4,
            latency_sum_ms: 8_000,
            latency_max_ms: 5_000,
            ..none("eu-west-1", at(0))
        };
        let mut tally = Tally::default();
        tally.resume(&[kept]);
        tally.sent(&region(), at(7));
        let view = tally.view(at(8));
        assert_eq!((view[0].sent, view[0].mean_seconds, view[0].max_seconds), (6, Some(2.0), Some(5.0)));
        assert_eq!(tally.untold().iter().map(|told| told.sent).sum::<u64>(), 1);
    }

    #[test]
    fn hours_of_long_ago_are_forgotten() {
        let mut tally = Tally::default();
        for hour in 0..100 {
            tally.sent(&region(), at(hour * HOUR));
        }
        assert_eq!(tally.hours.len(), 49);
        assert_eq!(tally.view(at(200 * HOUR)), []);
    }
}
