//! What is remembered of subscriptions, and what follows from it for those that wait or are gone.

use jiff::{SignedDuration, Timestamp};

use crate::kinds::topic::{SUBSCRIPTION_PENDING, SUSPENDED_BY_VOLUME};
use crate::model::resource::Note;

/// AWS sends a mail for each Subscribe, so nobody is asked twice within a day.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A second disappearance within this time is somebody's will.
const LOST_FOR_GOOD: SignedDuration = SignedDuration::from_hours(72);

/// What is remembered of one subscription.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// When we last asked for it.
    pub asked_at: Option<Timestamp>,
    /// Whether it was there since.
    pub seen: bool,
    /// When it was gone after having been there.
    pub lost: Vec<Timestamp>,
    /// Whether it was confirmed since we last asked for it.
    pub confirmed: bool,
    /// Since when it was seen to wait for its confirmation without interruption.
    pub waits_since: Option<Timestamp>,
    /// Since when it was seen to be gone without interruption.
    pub gone_since: Option<Timestamp>,
}

impl Asked {
    /// Why it is not asked for now, if it is not.
    pub(super) fn refusal(&self, now: Timestamp) -> Option<String> {
        if self.asked_at.is_some_and(|at| now.duration_since(at) < ASK_AGAIN_AFTER) && !self.seen {
            return Some("was asked for less than a day ago".to_owned());
        }
        let lately = self.lost.iter().filter(|at| now.duration_since(**at) < LOST_FOR_GOOD).count();
        let since = self.gone_since.unwrap_or(now);
        (self.seen && lately > 0)
            .then(|| format!("is gone for the second time within three days, seen so since {since:.0}"))
    }

    /// Notes that it is being asked for.
    pub fn asked(&mut self, now: Timestamp) {
        if self.seen {
            self.lost.push(now);
        }
        *self = Self { asked_at: Some(now), lost: std::mem::take(&mut self.lost), ..Self::default() };
    }

    /// Notes that it is there, confirmed or not.
    pub fn is_there(&mut self, waits: bool, now: Timestamp) {
        self.seen = true;
        self.gone_since = None;
        self.confirmed |= !waits;
        self.waits_since = waits.then(|| self.waits_since.unwrap_or(now));
    }

    /// Notes that it is not there.
    pub fn is_gone(&mut self, now: Timestamp) {
        self.waits_since = None;
        self.gone_since = Some(self.gone_since.unwrap_or(now));
    }

    /// A remark on a subscription that waits, with since when, and why if that is known.
    ///
    /// AWS sends an address of a mail back to be confirmed that gets more than 10 messages a second, and takes it away two
    /// days later: <https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html>.
    pub(super) fn told(&self, note: Note, now: Timestamp) -> Note {
        let since = self.waits_since.unwrap_or(now);
        let label = note.about.as_deref().unwrap_or_default();
        if note.reason != SUBSCRIPTION_PENDING {
            return note;
        }
        if self.confirmed && label.starts_with("email") {
            let message = format!(
                "{label} had been confirmed and waits for it again, seen so since {since:.0}: AWS suspends an address that \
                 gets more than 10 messages a second, and takes it away after 48 hours. Narrow the alert or add a queue, then \
                 subscribe the address to the topic again in the SNS console, which sends a new mail"
            );
            return Note { reason: SUSPENDED_BY_VOLUME, message, ..note };
        }
        Note { message: format!("{}; seen so since {since:.0}", note.message), ..note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = "email a@example.com";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn waits(label: &str) -> Note {
        Note { about: Some(label.to_owned()), ..Note::new(SUBSCRIPTION_PENDING, "is not confirmed") }
    }

    #[test]
    fn asking_again_for_what_was_there_counts_as_a_loss() {
        let mut asked = Asked::default();
        asked.asked(at(0));
        assert_eq!((asked.lost.len(), asked.seen), (0, false));
        asked.is_there(false, at(3));
        asked.is_gone(at(4));
        asked.asked(at(5));
        let lost = Asked { asked_at: Some(at(5)), lost: vec![at(5)], ..Asked::default() };
        assert_eq!(asked, lost);
    }

    #[test]
    fn what_waits_is_told_with_since_when_whatever_happens_in_between() {
        let mut asked = Asked::default();
        assert!(asked.told(waits(LABEL), at(60)).message.ends_with("since 1970-01-01T00:01:00Z"));
        asked.is_there(true, at(60));
        asked.is_there(true, at(120));
        let told = asked.told(waits(LABEL), at(180));
        assert_eq!(told.reason, SUBSCRIPTION_PENDING);
        assert!(told.message.ends_with("since 1970-01-01T00:01:00Z"), "{}", told.message);
    }

    #[test]
    fn a_mail_that_was_confirmed_and_waits_again_is_suspended_and_nothing_else_is() {
        let mut asked = Asked::default();
        asked.is_there(false, at(0));
        asked.is_there(true, at(60));
        let told = asked.told(waits(LABEL), at(120));
        assert_eq!(told.reason, SUSPENDED_BY_VOLUME);
        assert!(told.message.contains("since 1970-01-01T00:01:00Z"), "{}", told.message);
        assert_eq!(asked.told(waits("https example.com"), at(120)).reason, SUBSCRIPTION_PENDING);
        let other = Note::new("Other", "");
        assert_eq!(asked.told(other.clone(), at(120)), other);
        // Asked for again, it waits as any new one does.
        asked.asked(at(180));
        asked.is_there(true, at(240));
        assert_eq!(asked.told(waits(LABEL), at(300)).reason, SUBSCRIPTION_PENDING);
    }
}
