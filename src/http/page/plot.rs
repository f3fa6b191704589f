//! The canaries of the latest hours as a small plot: how long they took, and how many did not come back.

use jiff::{SignedDuration, Timestamp};

use crate::canary::tally::SHOWN;
use crate::model::view::CanaryHour;

/// The height of the plot; its width is one unit an hour.
const HEIGHT: f64 = 16.0;
/// The least seconds that the plot reaches up to: a difference of milliseconds is none that anybody must see.
const LEAST: f64 = 2.0;

/// A plot of hours, the latest at its right.
pub(super) struct Plot {
    pub(super) columns: Vec<Column>,
    pub(super) hours: i64,
    /// What the upper edge stands for, in seconds.
    pub(super) top: f64,
    pub(super) sent: u64,
    pub(super) lost: u64,
    /// The mean over all of them, in seconds.
    pub(super) mean: Option<f64>,
    pub(super) slowest: Option<f64>,
}

/// One hour.
pub(super) struct Column {
    pub(super) x: i64,
    /// Where the mean begins, and how high it is.
    pub(super) mean: (f64, f64),
    /// Where the slowest ends.
    pub(super) max: f64,
    /// How many did not come back.
    pub(super) lost: u64,
}

impl Plot {
    /// Of these hours, as they were at `now`; none where there is nothing to show.
    pub(super) fn of(hours: &[CanaryHour], now: Timestamp) -> Option<Self> {
        let sent: u64 = hours.iter().map(|hour| hour.sent).sum();
        if sent == 0 {
            return None;
        }
        let returned: u64 = hours.iter().map(|hour| hour.returned).sum();
        let slowest = hours.iter().filter_map(|hour| hour.max_seconds).max_by(f64::total_cmp);
        let weighted = |hour: &CanaryHour| Some(hour.mean_seconds? * as_float(hour.returned));
        let sum: f64 = hours.iter().filter_map(weighted).sum();
        let top = slowest.unwrap_or_default().max(LEAST);
        let first = now.saturating_sub(SHOWN).unwrap_or(Timestamp::MIN);
        let column = |hour: &CanaryHour| {
            let height = |seconds: f64| (seconds / top * HEIGHT).clamp(0.0, HEIGHT);
            let mean = hour.mean_seconds.map_or(0.0, height);
            Column {
                x: hour.began.duration_since(first).as_hours(),
                mean: (HEIGHT - mean, mean),
                max: HEIGHT - hour.max_seconds.map_or(0.0, height),
                // Those of the latest minutes may be on their way.
                lost: if now.duration_since(hour.began) > SignedDuration::from_mins(70) {
                    hour.sent.saturating_sub(hour.returned)
                } else {
                    0
                },
            }
        };
        let columns: Vec<Column> = hours.iter().map(column).collect();
        Some(Self {
            lost: columns.iter().map(|column| column.lost).sum(),
            columns,
            hours: SHOWN.as_hours(),
            top,
            sent,
            mean: (returned > 0).then(|| sum / as_float(returned)),
            slowest,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "canaries are far fewer than a float counts")]
fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(ago: i64, sent: u64, returned: u64, mean: f64, max: f64) -> CanaryHour {
        let began = now() - SignedDuration::from_hours(ago);
        let seconds = |seconds| (returned > 0).then_some(seconds);
        CanaryHour { began, sent, returned, mean_seconds: seconds(mean), max_seconds: seconds(max) }
    }

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_highest_column_reaches_the_top_and_an_hour_without_return_has_none() {
        let plot = Plot::of(&[hour(3, 4, 4, 2.0, 8.0), hour(2, 5, 0, 0.0, 0.0)], now()).unwrap();
        assert_eq!((plot.top, plot.columns[0].mean, plot.columns[0].max), (8.0, (12.0, 4.0), 0.0));
        assert_eq!((plot.columns[1].mean, plot.columns[1].max), ((16.0, 0.0), 16.0));
        assert_eq!((plot.columns[0].x, plot.columns[1].x), (45, 46));
        assert_eq!((plot.sent, plot.lost, plot.mean, plot.slowest), (9, 5, Some(2.0), Some(8.0)));
    }

    #[test]
    fn canaries_that_may_be_on_their_way_are_not_lost() {
        let plot = Plot::of(&[hour(1, 5, 3, 1.0, 1.5)], now()).unwrap();
        assert_eq!((plot.lost, plot.top), (0, 2.0));
    }

    #[test]
    fn where_none_was_sent_nothing_is_drawn() {
        assert!(Plot::of(&[], now()).is_none());
    }
}
