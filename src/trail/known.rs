//! What is known of the accounts' trails, and when it is looked at again. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{NOT_PROBED, Need, Presence, Reading, Selectors, judge};
use crate::model::error::CloudError;
use crate::model::ids::AccountId;

/// So many accounts are looked at in their first pass; more are spread over the interval, three calls each.
const AT_ONCE: usize = 500;
/// How soon a new account is looked at again that seems to have no trail: an organization's trail reaches it late.
const AGAIN_IN_GRACE: SignedDuration = SignedDuration::from_mins(1);

/// How soon a reading is repeated that AWS did not answer.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

fn signed(interval: Duration) -> SignedDuration {
    SignedDuration::try_from(interval).unwrap_or(SignedDuration::from_hours(1))
}

/// Whether the same question may be answered a little later.
fn may_pass(error: &CloudError) -> bool {
    use crate::model::error::ErrorClass::{
        Conflict, Credentials, NotFound, NotReady, Throttled, Unreachable,
    };
    matches!(error.class, Conflict | Credentials | NotFound | NotReady | Throttled | Unreachable)
}

/// What was read in one account.
#[derive(Clone, Debug)]
struct Entry {
    due_at: Timestamp,
    /// None: nobody looked yet.
    read: Option<Result<Arc<Vec<Reading>>, CloudError>>,
}

/// What is known of one trail, whoever could read it.
#[derive(Clone, Debug, Default)]
struct Answer {
    logging: Option<(Timestamp, bool)>,
    selectors: Option<(Timestamp, Selectors)>,
}

/// Readings with what others could read of the same trails, for as long as many accounts are looked through.
#[derive(Debug, Default)]
pub struct Filled(Vec<(Readings, Readings)>);

/// Readings that many accounts share.
pub type Readings = Arc<Vec<Reading>>;

/// What is known of the accounts' trails.
#[derive(Clone, Debug)]
pub struct Trails {
    interval: SignedDuration,
    accounts: BTreeMap<AccountId, Entry>,
    /// By ARN. Who may not read an organization's trail is answered by those who may: its owner, above all.
    answers: BTreeMap<String, Answer>,
    /// Readings that many accounts share.
    shared: Vec<Arc<Vec<Reading>>>,
}

impl Trails {
    /// Nothing is known yet; each account is looked at once in `interval`.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval: signed(interval),
            accounts: BTreeMap::new(),
            answers: BTreeMap::new(),
            shared: Vec::new(),
        }
    }

    /// Looks at each account once in `interval` from the next look on.
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = signed(interval);
    }

    /// Whether it is time to look at an account's trails. Among many accounts, those that nobody looked at yet are spread
    /// over the interval by `jitter`, unless somebody waits for the answer.
    pub fn is_due(
        &mut self,
        account: &AccountId,
        accounts: usize,
        somebody_waits: bool,
        now: Timestamp,
        jitter: f64,
    ) -> bool {
        if let Some(entry) = self.accounts.get(account) {
            return entry.due_at <= now || (somebody_waits && entry.read.is_none());
        }
        let spread = accounts > AT_ONCE && !somebody_waits;
        let due_at = if spread { now + self.interval.mul_f64(jitter) } else { now };
        self.accounts.insert(account.clone(), Entry { due_at, read: None });
        due_at <= now
    }

    /// Takes over what was read. Answers whether that is news to other accounts as well.
    pub fn take(
        &mut self,
        account: &AccountId,
        read: Result<Vec<Reading>, CloudError>,
        in_grace: bool,
        now: Timestamp,
        jitter: f64,
    ) -> bool {
        let mut news = false;
        for reading in read.iter().flatten() {
            news |= self.answer(reading, now);
        }
        let passes = match &read {
            Ok(readings) => readings.iter().any(|reading| {
                let failed = [
                    reading.logging.as_ref().and_then(|r| r.as_ref().err()),
                    reading.selectors.as_ref().and_then(|r| r.as_ref().err()),
                ];
                failed.into_iter().flatten().any(may_pass)
            }),
            Err(error) => may_pass(error),
        };
        let read = read.map(|readings| self.share(readings));
        let pause = match () {
            () if in_grace => AGAIN_IN_GRACE,
            () if passes => AGAIN.min(self.interval),
            () => self.interval.mul_f64(0.9 + 0.1 * jitter),
        };
        self.accounts.insert(account.clone(), Entry { due_at: now + pause, read: Some(read) });
        news
    }

    /// Remembers what a trail answered, for those whom it does not.
    fn answer(&mut self, reading: &Reading, now: Timestamp) -> bool {
        if !reading.trail.organization {
            return false;
        }
        let answer = self.answers.entry(reading.trail.arn.clone()).or_default();
        let before = answer.clone();
        if let Some(Ok(logging)) = reading.logging {
            answer.logging = Some((now, logging));
        }
        if let Some(Ok(selectors)) = &reading.selectors {
            answer.selectors = Some((now, selectors.clone()));
        }
        let logging = |answer: &Answer| answer.logging.map(|(_, logging)| logging);
        let selectors = |answer: &Answer| answer.selectors.clone().map(|(_, selectors)| selectors);
        logging(&before) != logging(answer) || selectors(&before) != selectors(answer)
    }

    fn share(&mut self, readings: Vec<Reading>) -> Arc<Vec<Reading>> {
        if let Some(shared) = self.shared.iter().find(|shared| ***shared == readings) {
            return Arc::clone(shared);
        }
        // Few sorts of accounts are usual; what nobody holds any more makes room.
        self.shared.retain(|shared| Arc::strong_count(shared) > 1);
        let shared = Arc::new(readings);
        if self.shared.len() < 64 {
            self.shared.push(Arc::clone(&shared));
        }
        shared
    }

    /// Whether an account's trails log what is needed, by what it could read itself, and else by what others could.
    pub fn presence(&self, account: &AccountId, need: &Need, now: Timestamp) -> Presence {
        let read = self.accounts.get(account).and_then(|entry| entry.read.as_ref());
        match read {
            None => Presence::Unknown(NOT_PROBED, "its trails were not looked at yet".to_owned()),
            Some(Err(error)) => {
                Presence::Unknown(super::UNREADABLE, format!("its trails could not be read: {error}"))
            }
            Some(Ok(readings)) => {
                let filled: Vec<Reading> = readings.iter().map(|reading| self.fill(reading, now)).collect();
                judge(need, &filled)
            }
        }
    }

    /// What was read of an account's trails, with what others could read of the same ones; none as long as nobody looked.
    /// Readings that many accounts share are shared here too.
    pub fn readings(
        &self,
        account: &AccountId,
        filled: &mut Filled,
        now: Timestamp,
    ) -> Option<Result<Arc<Vec<Reading>>, CloudError>> {
        match self.accounts.get(account)?.read.as_ref()? {
            Err(error) => Some(Err(error.clone())),
            Ok(readings) => {
                let known = filled.0.iter().rev().find(|(of, _)| Arc::ptr_eq(of, readings));
                if let Some((_, filled)) = known {
                    return Some(Ok(Arc::clone(filled)));
                }
                let all = Arc::new(readings.iter().map(|reading| self.fill(reading, now)).collect());
                filled.0.push((Arc::clone(readings), Arc::clone(&all)));
                Some(Ok(all))
            }
        }
    }

    /// A reading with what others could read of the same trail lately.
    fn fill(&self, reading: &Reading, now: Timestamp) -> Reading {
        let mut filled = reading.clone();
        let Some(answer) = self.answers.get(&reading.trail.arn) else { return filled };
        let fresh = |at: Timestamp| now.duration_since(at) <= self.interval * 3;
        if let (Some(Err(_)) | None, Some((_, logging))) =
            (&filled.logging, answer.logging.filter(|(at, _)| fresh(*at)))
        {
            filled.logging = Some(Ok(logging));
        }
        if let (Some(Err(_)) | None, Some((_, selectors))) =
            (&filled.selectors, answer.selectors.as_ref().filter(|(at, _)| fresh(*at)))
        {
            filled.selectors = Some(Ok(selectors.clone()));
        }
        filled
    }

    /// Forgets accounts that are no longer there.
    pub fn retain(&mut self, wanted: impl Fn(&AccountId) -> bool) {
        self.accounts.retain(|account, _| wanted(account));
    }
}
