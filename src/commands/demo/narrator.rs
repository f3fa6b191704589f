//! Tells what happens, from what was recorded of it: the calls and mails of the simulated AWS, and what the daemon
//! shows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use orgwatch_sim::Simulator;
use orgwatch_sim::delivery::Received;
use orgwatch_sim::journal::Entry;
use orgwatch_sim::service::sns;
use orgwatch_sim::world::World;

use super::words;
use crate::model::resource::{Resource, ResourceId, Verdict};
use crate::model::target::TargetKey;
use crate::model::view::{AccountView, Snapshot};
use crate::render::story::{Line, Tally, Voice};

/// How long the security team takes to open a mail.
const CLICK: SignedDuration = SignedDuration::from_secs(1);
/// How long calls of the daemon wait to be told together with the drift that they mend.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);
/// At most so often is told how far the installation is.
const PROGRESS: SignedDuration = SignedDuration::from_secs(1);
/// So often is told how everything stands.
const STATUS: SignedDuration = SignedDuration::from_secs(20);

/// Calls of the daemon in an account that have not been told yet.
#[derive(Debug)]
struct Untold {
    operations: Vec<String>,
    since: Timestamp,
}

/// The narrator.
pub(super) struct Narrator {
    simulator: Simulator,
    began: Timestamp,
    /// The last call that was told.
    journal: u64,
    /// How many mails were told.
    mails: u64,
    /// Links that somebody is about to click: when, topic, endpoint.
    links: Vec<(Timestamp, String, String)>,
    names: BTreeMap<String, String>,
    /// Whether everything has been covered once; until then single calls are not told.
    installed: bool,
    progress: (Timestamp, usize),
    status: Timestamp,
    known: BTreeSet<String>,
    /// Accounts on their way to being covered, with when they joined.
    newcomers: BTreeMap<String, Timestamp>,
    writes: BTreeMap<String, Untold>,
    /// Since when something is wrong in an account.
    wrong_since: BTreeMap<String, Timestamp>,
    drifted: BTreeSet<(TargetKey, ResourceId)>,
    pub(super) tally: Tally,
}

impl Narrator {
    /// A narrator of what happens from `now` on.
    pub(super) fn new(simulator: Simulator, now: Timestamp) -> Self {
        let (journal, mails) = {
            let world = simulator.world();
            (world.journal.last(), world.outbox.totals().values().sum())
        };
        Self {
            simulator,
            began: now,
            journal,
            mails,
            links: Vec::new(),
            names: BTreeMap::new(),
            installed: false,
            progress: (now, 0),
            status: now,
            known: BTreeSet::new(),
            newcomers: BTreeMap::new(),
            writes: BTreeMap::new(),
            wrong_since: BTreeMap::new(),
            drifted: BTreeSet::new(),
            tally: Tally::default(),
        }
    }

    /// What is to be told since the last time.
    pub(super) fn look(&mut self, snapshot: &Snapshot, now: Timestamp) -> Vec<Line> {
        let mut lines = Vec::new();
        let simulator = self.simulator.clone();
        {
            let mut world = simulator.world();
            for member in world.organization.members.values() {
                if !self.names.contains_key(&member.id) {
                    self.names.insert(member.id.clone(), member.name.clone());
                }
            }
            self.calls(&world, &mut lines);
            self.received(&world, now, &mut lines);
            self.click(&mut world, now, &mut lines);
        }
        if self.installed {
            self.comings_and_goings(snapshot, now, &mut lines);
            self.drift(snapshot, now, &mut lines);
            self.rest(now, &mut lines);
        } else {
            self.installation(snapshot, now, &mut lines);
        }
        lines
    }

    fn name(&self, account: &str) -> &str {
        self.names.get(account).map_or("an account that nobody knows", String::as_str)
    }

    /// The account by name and number, for lines that somebody may want to follow up.
    fn full_name(&self, account: &str) -> String {
        format!("{} ({account})", self.name(account))
    }

    /// Calls of others are told at once, those that somebody makes in a row together; the daemon's wait for what it
    /// says of them.
    fn calls(&mut self, world: &World, lines: &mut Vec<Line>) {
        let entries: Vec<&Entry> = world.journal.since(self.journal).filter(|entry| entry.write).collect();
        let mut told: Vec<(&Entry, Vec<String>)> = Vec::new();
        for entry in entries {
            let account = &entry.call.caller.account;
            if words::is_ours(&entry.call) {
                self.tally.writes += 1;
                let untold = self.writes.entry(account.clone());
                let untold =
                    untold.or_insert_with(|| Untold { operations: Vec::new(), since: entry.call.at });
                let refused = entry.error.as_ref().map(|code| format!(" (refused: {code})"));
                untold.operations.push(format!("{}{}", entry.call.operation, refused.unwrap_or_default()));
                continue;
            }
            let what = words::deed(entry, |id| self.full_name(id));
            match told.last_mut() {
                Some((last, deeds)) if last.call.caller == entry.call.caller => deeds.push(what),
                _ => told.push((entry, vec![what])),
            }
        }
        for (entry, deeds) in told {
            self.tally.deeds += 1;
            let account = &entry.call.caller.account;
            if !self.drifted.iter().any(|(target, _)| target.account.as_str() == account) {
                self.wrong_since.insert(account.clone(), entry.call.at);
            }
            // What the management account does concerns the organization.
            let place = if *account == world.organization.management {
                String::new()
            } else {
                format!(" in {}", self.full_name(account))
            };
            let who = words::who(&entry.call).to_owned();
            lines.push(Line {
                at: entry.call.at,
                voice: Voice::Others,
                who,
                what: format!("{}{place}", deeds.join(", ")),
            });
        }
        self.journal = world.journal.last();
    }

    fn received(&mut self, world: &World, now: Timestamp, lines: &mut Vec<Line>) {
        let total: u64 = world.outbox.totals().values().sum();
        let new = usize::try_from(total - self.mails).unwrap_or(usize::MAX);
        self.mails = total;
        let all: Vec<&Received> = world.outbox.all().collect();
        for received in all.iter().skip(all.len().saturating_sub(new)) {
            let topic = received.topic_arn.rsplit(':').next().unwrap_or_default();
            let to = &received.endpoint;
            let what = match received.protocol.as_str() {
                "confirmation" if to.contains('@') => {
                    self.links.push((now + CLICK, received.topic_arn.clone(), to.clone()));
                    format!("to {to}: confirm that you want the mails of {topic}")
                }
                "email" => {
                    self.tally.alerts += 1;
                    match words::alert(&received.body) {
                        Some((operation, account, who)) => {
                            format!("to {to}: {operation} by {who} in {}", self.name(account))
                        }
                        None => format!("to {to}: {}", received.body.lines().next().unwrap_or_default()),
                    }
                }
                // Programs read theirs without being told of.
                _ => continue,
            };
            lines.push(Line { at: received.at, voice: Voice::Alert, who: "mail".to_owned(), what });
        }
    }

    fn click(&mut self, world: &mut World, now: Timestamp, lines: &mut Vec<Line>) {
        let (due, waiting) = self.links.drain(..).partition(|(at, ..)| *at <= now);
        self.links = waiting;
        let due: Vec<(Timestamp, String, String)> = due;
        for (_, topic, endpoint) in due {
            if sns::confirm(world, &topic, &endpoint) {
                let who = "security team".to_owned();
                let what = "opens the mail and clicks the link: from now on alerts reach people".to_owned();
                lines.push(Line { at: now, voice: Voice::Others, who, what });
            }
        }
    }

    fn installation(&mut self, snapshot: &Snapshot, now: Timestamp, lines: &mut Vec<Line>) {
        let counts = snapshot.coverage_counts();
        if counts.total > 0 && counts.covered == counts.total {
            self.installed = true;
            self.status = now;
            self.known = snapshot.accounts.keys().map(ToString::to_string).collect();
            self.writes.clear();
            self.wrong_since.clear();
            let what = format!(
                "all {} accounts are covered, {} after the start and with {} writing calls",
                counts.total,
                seconds(now.duration_since(self.began)),
                self.tally.writes,
            );
            lines.push(ours(now, what));
        } else if now.duration_since(self.progress.0) >= PROGRESS && counts.covered != self.progress.1 {
            self.progress = (now, counts.covered);
            lines.push(ours(now, format!("{} of {} accounts are covered", counts.covered, counts.total)));
        }
    }

    fn comings_and_goings(&mut self, snapshot: &Snapshot, now: Timestamp, lines: &mut Vec<Line>) {
        let shown: BTreeSet<String> = snapshot.accounts.keys().map(ToString::to_string).collect();
        for id in shown.difference(&self.known) {
            let joined = self.simulator.world().organization.members.get(id).map(|member| member.joined_at);
            self.newcomers.insert(id.clone(), joined.unwrap_or(now));
            lines.push(ours(now, format!("discovers the new account {}", self.full_name(id))));
        }
        for id in self.known.difference(&shown) {
            self.newcomers.remove(id);
            self.wrong_since.remove(id);
            let what = format!("{} has left and gets no further call", self.full_name(id));
            lines.push(ours(now, what));
        }
        self.known = shown;
        let ready = |account: &&AccountView| {
            self.newcomers.contains_key(account.id.as_str())
                && account.verdict == Verdict::InSync
                && account.coverage.is_covered()
        };
        let ready: Vec<String> =
            snapshot.accounts.values().map(AsRef::as_ref).filter(ready).map(|a| a.id.to_string()).collect();
        for id in ready {
            let joined = self.newcomers.remove(&id).unwrap_or(now);
            self.wrong_since.remove(&id);
            let calls = self.writes.remove(&id).map(|untold| untold.operations.join(", "));
            let what = format!(
                "{} is covered, {} after it joined: {}",
                self.name(&id),
                seconds(now.duration_since(joined)),
                calls.unwrap_or_else(|| "everything was there".to_owned()),
            );
            lines.push(ours(now, what));
        }
    }

    fn drift(&mut self, snapshot: &Snapshot, now: Timestamp, lines: &mut Vec<Line>) {
        let mut current: BTreeMap<&TargetKey, Vec<&Resource>> = BTreeMap::new();
        for (target, resource) in snapshot.drift() {
            let drifted = resource.verdict == Verdict::Drifted;
            if drifted && !self.newcomers.contains_key(target.account.as_str()) {
                current.entry(target).or_default().push(resource);
            }
        }
        for (target, resources) in &current {
            let fresh: Vec<String> = resources
                .iter()
                .filter(|resource| !self.drifted.contains(&((*target).clone(), resource.id.clone())))
                .map(|resource| words::difference(resource))
                .collect();
            if fresh.is_empty() {
                continue;
            }
            let account = target.account.as_str();
            self.wrong_since.entry(account.to_owned()).or_insert(now);
            let calls = self.writes.remove(account).map(|untold| untold.operations.join(", "));
            let calls = calls.map(|calls| format!("; puts it right: {calls}")).unwrap_or_default();
            let what = format!("finds in {} the {}{calls}", self.full_name(account), fresh.join(", the "));
            lines.push(ours(now, what));
        }
        let before = std::mem::take(&mut self.drifted);
        let mended: BTreeSet<&TargetKey> =
            before.iter().map(|(target, _)| target).filter(|target| !current.contains_key(*target)).collect();
        for target in mended {
            let account = target.account.as_str();
            let Some(view) = snapshot.accounts.get(&target.account) else { continue };
            self.tally.repairs += 1;
            let since = self.wrong_since.remove(account).unwrap_or(now);
            let covered = if view.coverage.is_covered() { " and covered" } else { "" };
            let after = seconds(now.duration_since(since));
            lines.push(ours(now, format!("{} is in sync{covered} again, after {after}", self.name(account))));
        }
        self.drifted = current
            .into_iter()
            .flat_map(|(target, resources)| {
                resources.into_iter().map(move |r| (target.clone(), r.id.clone()))
            })
            .collect();
    }

    /// Calls that belong to nothing that was shown, and from time to time how everything stands.
    fn rest(&mut self, now: Timestamp, lines: &mut Vec<Line>) {
        let late = |account: &String, untold: &Untold| {
            !self.newcomers.contains_key(account) && now.duration_since(untold.since) > PATIENCE
        };
        let late: Vec<String> =
            self.writes.iter().filter(|(a, untold)| late(a, untold)).map(|(a, _)| a.clone()).collect();
        for account in late {
            let calls = self.writes.remove(&account).map(|untold| untold.operations.join(", "));
            let what = format!("calls {} in {}", calls.unwrap_or_default(), self.name(&account));
            lines.push(ours(now, what));
        }
    }

    /// How everything stands, if it is time to say so.
    pub(super) fn status(&mut self, snapshot: &Snapshot, now: Timestamp) -> Option<Line> {
        if !self.installed || now.duration_since(self.status) < STATUS {
            return None;
        }
        self.status = now;
        let (accounts, coverage) = (snapshot.account_counts(), snapshot.coverage_counts());
        let what = format!(
            "{} accounts: {} in sync, {} of {} covered; {} repaired so far",
            accounts.total, accounts.in_sync, coverage.covered, coverage.total, self.tally.repairs
        );
        Some(Line { at: now, voice: Voice::Status, who: "status".to_owned(), what })
    }
}

fn ours(at: Timestamp, what: String) -> Line {
    Line { at, voice: Voice::Orgwatch, who: "orgwatch".to_owned(), what }
}

fn seconds(length: SignedDuration) -> String {
    format!("{:.1} s", length.as_secs_f64().max(0.0))
}

#[cfg(test)]
mod tests;
