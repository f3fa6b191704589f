//! How long answers take.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::span::Span;

/// A distribution of delays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Distribution {
    /// Always the same.
    Fixed(Span),
    /// Anything from `min` to `max`, evenly.
    Uniform {
        /// The least.
        min: Span,
        /// The most.
        max: Span,
    },
    /// Half of them below `median`, and one in a hundred above `p99`: services answer like that, with a long tail.
    LogNormal {
        /// The middle one.
        median: Span,
        /// The one that a hundredth exceeds.
        p99: Span,
    },
}

/// Where the standard normal distribution has a hundredth left.
const P99: f64 = 2.326_347_9;
/// How far into the tail a delay may lie, in standard deviations: one in 30,000 lies beyond it.
const TAIL: f64 = 4.0;

impl Distribution {
    /// Whether its figures make sense.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Self::Uniform { min, max } if max < min => Err(format!("max {max} is below min {min}")),
            Self::LogNormal { median, .. } if median.0.is_zero() => {
                Err("a median of zero has no log-normal distribution; use fixed".to_owned())
            }
            Self::LogNormal { median, p99 } if p99 < median => {
                Err(format!("p99 {p99} is below the median {median}"))
            }
            _ => Ok(()),
        }
    }

    /// One delay, by chance.
    pub fn draw(&self, rng: &mut StdRng) -> Duration {
        match *self {
            Self::Fixed(span) => span.0,
            Self::Uniform { min, max } if max <= min => min.0,
            Self::Uniform { min, max } => rng.random_range(min.0..=max.0),
            Self::LogNormal { median, p99 } => {
                let (median, p99) = (median.0.as_secs_f64(), p99.0.as_secs_f64());
                let deviation = (p99 / median).ln() / P99;
                let seconds = median * (deviation * normal(rng).clamp(-TAIL, TAIL)).exp();
                Duration::try_from_secs_f64(seconds).unwrap_or_default()
            }
        }
    }
}

/// A draw from the standard normal distribution (Box and Muller).
fn normal(rng: &mut StdRng) -> f64 {
    let distance = 1.0 - rng.random::<f64>();
    let angle: f64 = rng.random();
    (-2.0 * distance.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_log_normal_delay_has_its_median_and_its_tail() {
        let distribution =
            Distribution::LogNormal { median: Span::from_millis(20), p99: Span::from_millis(200) };
        distribution.check().unwrap();
        let mut rng = StdRng::seed_from_u64(1);
        let mut drawn: Vec<_> = (0..20_000).map(|_| distribution.draw(&mut rng).as_secs_f64()).collect();
        drawn.sort_by(f64::total_cmp);
        assert!((0.019..0.021).contains(&drawn[10_000]), "median {}", drawn[10_000]);
        assert!((0.17..0.23).contains(&drawn[19_800]), "p99 {}", drawn[19_800]);
    }

    #[test]
    fn a_uniform_delay_stays_within_its_bounds() {
        let distribution = Distribution::Uniform { min: Span::from_millis(5), max: Span::from_millis(9) };
        let mut rng = StdRng::seed_from_u64(1);
        let drawn: Vec<_> = (0..1000).map(|_| distribution.draw(&mut rng)).collect();
        assert!(drawn.iter().all(|delay| (5..=9).contains(&delay.as_millis())));
        assert!(drawn.iter().any(|delay| delay.as_millis() >= 8));
    }

    #[test]
    fn figures_that_make_no_sense_are_refused() {
        let wrong = [
            Distribution::Uniform { min: Span::from_millis(2), max: Span::from_millis(1) },
            Distribution::LogNormal { median: Span::from_millis(2), p99: Span::from_millis(1) },
            Distribution::LogNormal { median: Span::from_millis(0), p99: Span::from_millis(1) },
        ];
        assert!(wrong.iter().all(|distribution| distribution.check().is_err()));
    }

    #[test]
    fn delays_are_written_as_people_write_them() {
        let read: Vec<Distribution> = serde_json::from_str(
            r#"[{"fixed": "20ms"}, {"fixed": 1.5}, {"uniform": {"min": "1ms", "max": "1s"}},
                {"log-normal": {"median": "20ms", "p99": "1m 30s"}}]"#,
        )
        .unwrap();
        assert_eq!(read[0], Distribution::Fixed(Span::from_millis(20)));
        assert_eq!(read[1], Distribution::Fixed(Span::from_millis(1500)));
        assert_eq!(serde_json::to_value(read[3]).unwrap()["log-normal"]["p99"], "1m 30s");
        assert!(serde_json::from_str::<Distribution>(r#"{"fixed": -1}"#).is_err());
    }
}
