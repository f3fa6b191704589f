//! What each alert delivers: its watches, limited to accounts, narrowed, without what is ours and what is hidden.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CannotCombine, arms, own, suppress};
use crate::config::{Alert, OwnWrites, Settings, Suppress, Watch};
use crate::document;
use crate::pattern::MAX_CHARACTERS;
use crate::pattern::algebra::{CannotEmit, CannotSay, Events};

/// One rule of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its pattern in normal form.
    pub pattern: Value,
    /// Whether it delivers. A rule that is needed only as long as something is suppressed stays, disabled, when that
    /// has ended, so that nothing is left to be taken away by hand.
    pub enabled: bool,
}

/// The rules of an alert. No event matches two of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRules {
    /// Those that deliver to its topic; the first is named like the alert, the others end in `-2`, `-3`.
    pub shown: Vec<Rule>,
    /// Those that count what is hidden; empty unless something is suppressed, or was.
    pub hidden: Vec<Rule>,
}

/// The rules of an alert at a moment.
///
/// # Errors
/// The settings ask for what patterns cannot say.
pub fn alert(settings: &Settings, alert: &Alert, now: Timestamp) -> Result<AlertRules, CannotCombine> {
    let index = settings.alerts.iter().position(|other| other.name == alert.name).unwrap_or_default();
    let whole = Whole { settings, alert, path: format!("alert[{index}]") };
    let arms = arms::of_alert(&alert.name, settings);
    let room = MAX_CHARACTERS.saturating_sub(arms::room(&arms));
    let mut shown = if whole.is_plain() { whole.as_written(room)? } else { whole.narrowed(now, room)? };
    if let Some(first) = shown.first_mut() {
        first.pattern = arms::with_arms(&first.pattern, &arms);
    }
    Ok(AlertRules { shown, hidden: whole.hidden(now)? })
}

/// The watches of an alert.
pub(super) fn watches<'a>(
    settings: &'a Settings,
    alert: &'a Alert,
) -> impl Iterator<Item = (usize, &'a Watch)> {
    settings.watches.iter().enumerate().filter(|(_, watch)| alert.watches.contains(&watch.name))
}

struct Whole<'a> {
    settings: &'a Settings,
    alert: &'a Alert,
    path: String,
}

type Step<'a> = &'a dyn Fn(&Events) -> Result<Events, CannotSay>;

impl Whole<'_> {
    /// Whether nothing is taken from the watches.
    fn is_plain(&self) -> bool {
        let Alert { accounts, exclude_accounts, pattern, own_writes, suppress, .. } = self.alert;
        accounts.is_empty()
            && exclude_accounts.is_empty()
            && pattern.is_none()
            && suppress.is_empty()
            && *own_writes == OwnWrites::Show
    }

    /// The patterns as the watches have them, side by side and whole.
    fn as_written(&self, room: usize) -> Result<Vec<Rule>, CannotCombine> {
        let all: Vec<&Watch> = watches(self.settings, self.alert).map(|(_, watch)| watch).collect();
        let own: Vec<Watch> = all.iter().map(|watch| (*watch).clone()).collect();
        let widest: Vec<&Value> = all
            .iter()
            .filter(|watch| super::contained_in(watch, &own).is_empty())
            .map(|watch| watch.pattern.value())
            .collect();
        let pattern = match widest.as_slice() {
            [one] => (*one).clone(),
            several => json!({ "$or": several }),
        };
        if pattern.to_string().chars().count() <= room {
            return Ok(vec![Rule { pattern: document::normal_pattern(pattern), enabled: true }]);
        }
        let whole = self.watched()?;
        self.rules(&whole, &whole, room, "watches")
    }

    fn narrowed(&self, now: Timestamp, room: usize) -> Result<Vec<Rule>, CannotCombine> {
        let delivered = self.delivered()?;
        let left = |of: &[&Suppress]| {
            self.step(&delivered, "suppress", &|events| suppress::left(self.settings, events, of))
        };
        self.rules(&left(&self.active(now))?, &left(&self.all())?, room, "suppress")
    }

    fn hidden(&self, now: Timestamp) -> Result<Vec<Rule>, CannotCombine> {
        if self.alert.suppress.is_empty() {
            return Ok(Vec::new());
        }
        let delivered = self.delivered()?;
        let hidden = |of: &[&Suppress]| {
            self.step(&delivered, "suppress", &|events| suppress::hidden(self.settings, events, of))
        };
        let (active, all) = (hidden(&self.active(now))?, hidden(&self.all())?);
        if all.is_empty() {
            return Ok(Vec::new());
        }
        self.rules(&active, &all, MAX_CHARACTERS, "suppress")
    }

    /// Everything that the alert would deliver if nothing were suppressed.
    fn delivered(&self) -> Result<Events, CannotCombine> {
        let (settings, alert) = (self.settings, self.alert);
        let mut events = self.watched()?;
        if !alert.accounts.is_empty() {
            // One list says both: who is in, less who is out.
            let accounts: Vec<&str> =
                alert.accounts.difference(&alert.exclude_accounts).map(|id| id.as_str()).collect();
            let limit = Events::with("account", accounts);
            events = self.step(&events, "accounts", &|events| events.and(&limit))?;
        } else if !alert.exclude_accounts.is_empty() {
            let out = Events::with("account", alert.exclude_accounts.iter().map(|id| id.as_str()));
            events = self.step(&events, "exclude_accounts", &|events| events.minus(&out))?;
        }
        if let Some(pattern) = &alert.pattern {
            let narrower =
                Events::of(pattern.value()).map_err(|reason| self.cannot("pattern", "itself", reason))?;
            events = self.step(&events, "pattern", &|events| events.and(&narrower))?;
        }
        if alert.own_writes == OwnWrites::Hide {
            events = self.step(&events, "own_writes", &|events| own::without_writes(events, settings))?;
        }
        Ok(events)
    }

    fn watched(&self) -> Result<Events, CannotCombine> {
        let mut events = Events::none();
        for (i, watch) in watches(self.settings, self.alert) {
            let of_watch = Events::of(watch.pattern.value()).map_err(|reason| CannotCombine {
                place: format!("watch[{i}].pattern"),
                other: "itself".to_owned(),
                reason: reason.into(),
            })?;
            events = events.or(&of_watch);
        }
        Ok(events)
    }

    /// Narrows `events`; where that cannot be said, names the watch that it cannot be said of.
    fn step(&self, events: &Events, key: &str, step: Step<'_>) -> Result<Events, CannotCombine> {
        step(events).map_err(|reason| {
            let fails = |(_, watch): &(usize, &Watch)| {
                Events::of(watch.pattern.value()).is_ok_and(|events| step(&events).is_err())
            };
            let watch = watches(self.settings, self.alert).find(fails);
            let other = watch.map_or_else(
                || format!("what else {} asks for", self.path),
                |(i, watch)| {
                    format!("watch[{i}].{}", if watch.preset.is_some() { "preset" } else { "pattern" })
                },
            );
            self.cannot(key, &other, reason)
        })
    }

    fn cannot(&self, key: &str, other: &str, reason: impl Into<CannotEmit>) -> CannotCombine {
        CannotCombine {
            place: format!("{}.{key}", self.path),
            other: other.to_owned(),
            reason: reason.into(),
        }
    }

    /// Rules for what is meant now. As many as there would be if everything were suppressed that the settings have,
    /// those that are not needed disabled.
    fn rules(
        &self,
        now: &Events,
        always: &Events,
        room: usize,
        key: &str,
    ) -> Result<Vec<Rule>, CannotCombine> {
        let patterns = |events: &Events| {
            if events.is_empty() {
                return Ok(Vec::new());
            }
            events.patterns(room).map_err(|reason| self.cannot(key, "the size of a pattern", reason))
        };
        let (now, always) = (patterns(now)?, patterns(always)?);
        if now.is_empty() && always.is_empty() {
            return Err(self.cannot(key, "what is left of its watches", CannotEmit::Nothing));
        }
        let enabled = now.len();
        let rest = always.into_iter().skip(enabled);
        let rule = |(i, pattern)| Rule { pattern: document::normal_pattern(pattern), enabled: i < enabled };
        Ok(now.into_iter().chain(rest).enumerate().map(rule).collect())
    }

    fn all(&self) -> Vec<&Suppress> {
        self.alert.suppress.iter().collect()
    }

    fn active(&self, now: Timestamp) -> Vec<&Suppress> {
        self.alert.suppress.iter().filter(|suppress| suppress.is_active(now)).collect()
    }
}
