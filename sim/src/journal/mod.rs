//! Every call: who, where, what, and how it ended.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::call::{Call, Principal, Refusal, Service};
use crate::fault::fits;

/// How many entries are kept unless somebody says otherwise.
const LIMIT: usize = 100_000;

/// What the names of operations that change nothing begin with.
const READS: [&str; 11] = [
    "Get",
    "List",
    "Describe",
    "Test",
    "AssumeRole",
    "Receive",
    "Lookup",
    "Simulate",
    "Search",
    "Decode",
    "Generate",
];

/// Whether an operation changes something, by its name: whatever does not begin with `Get`, `List`, `Describe`, `Test`,
/// `AssumeRole`, `Receive`, `Lookup`, `Simulate`, `Search`, `Decode` or `Generate`.
pub fn is_write(operation: &str) -> bool {
    !READS.iter().any(|read| operation.starts_with(read))
}

/// The journal: the newest calls up to a limit, and counts of all that ever were.
#[derive(Debug)]
pub struct Journal {
    limit: usize,
    entries: VecDeque<Entry>,
    /// How many calls there have been; the newest one's number.
    last: u64,
    counts: HashMap<Service, HashMap<String, Outcomes>>,
    /// Calls by the caller's account, where that is asked for.
    by_account: Option<HashMap<String, u64>>,
}

/// How the calls of one operation ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// So many were performed.
    pub performed: u64,
    /// So many were refused, by error code.
    pub refused: BTreeMap<String, u64>,
}

/// One call in the journal. In JSON it is flat: `number`, `at`, `request_id`, `account`, `region`, `principal`,
/// `access_key`, `service`, `operation`, `write`, `input`, `error`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place among all calls, from 1.
    pub number: u64,
    /// Whether the operation changes something ([`is_write`]).
    pub write: bool,
    /// The call.
    pub call: Arc<Call>,
    /// The error code, if it was refused.
    pub error: Option<String>,
}

impl Entry {
    /// The caller's ARN: of the user, or of the assumed role's session.
    pub fn principal(&self) -> String {
        let caller = &self.call.caller;
        let partition = match &caller.principal {
            Principal::Administrator => "aws",
            Principal::Session(session) => session.role_arn.split(':').nth(1).unwrap_or("aws"),
        };
        caller.arn(partition)
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "number": self.number,
            "at": self.call.at,
            "request_id": self.call.request_id,
            "account": self.call.caller.account,
            "region": self.call.region,
            "principal": self.principal(),
            "access_key": self.call.caller.access_key,
            "service": self.call.service.prefix(),
            "operation": self.call.operation,
            "write": self.write,
            "input": self.call.input,
            "error": self.error,
        })
        .serialize(serializer)
    }
}

/// Which entries are asked for. What it does not name, it does not ask about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those after this number.
    pub since: u64,
    /// Of this caller's account.
    pub account: Option<String>,
    /// Of this service, by the prefix of its actions.
    pub service: Option<String>,
    /// Of this operation; a `*` at the end stands for anything.
    pub operation: Option<String>,
    /// Those that change something, or those that do not.
    pub write: Option<bool>,
    /// Of the caller with this ARN; a `*` at the end stands for anything.
    pub principal: Option<String>,
    /// Those that were refused, or those that were performed.
    pub refused: Option<bool>,
}

impl Filter {
    fn admits(&self, entry: &Entry) -> bool {
        let call = &entry.call;
        self.account.as_ref().is_none_or(|account| *account == call.caller.account)
            && self.service.as_ref().is_none_or(|service| service == call.service.prefix())
            && self.operation.as_ref().is_none_or(|operation| fits(operation, &call.operation))
            && self.write.is_none_or(|write| write == entry.write)
            && self.refused.is_none_or(|refused| refused == entry.error.is_some())
            && self.principal.as_ref().is_none_or(|principal| fits(principal, &entry.principal()))
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self { limit: LIMIT, entries: VecDeque::new(), last: 0, counts: HashMap::new(), by_account: None }
    }
}

impl Journal {
    /// Writes a call down, and counts it.
    pub fn record(&mut self, call: &Arc<Call>, result: &Result<Value, Refusal>) {
        self.last += 1;
        self.count(call, result);
        if self.limit == 0 {
            return;
        }
        if self.entries.len() >= self.limit {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            number: self.last,
            write: is_write(&call.operation),
            call: Arc::clone(call),
            error: result.as_ref().err().map(|refusal| refusal.code.clone()),
        });
    }

    fn count(&mut self, call: &Call, result: &Result<Value, Refusal>) {
        let operations = self.counts.entry(call.service).or_default();
        // Only the first call of an operation, and of an outcome, pays for the copy of its name.
        if !operations.contains_key(&call.operation) {
            operations.insert(call.operation.clone(), Outcomes::default());
        }
        if let Some(outcomes) = operations.get_mut(&call.operation) {
            match result {
                Ok(_) => outcomes.performed += 1,
                Err(refusal) => match outcomes.refused.get_mut(&refusal.code) {
                    Some(count) => *count += 1,
                    None => {
                        outcomes.refused.insert(refusal.code.clone(), 1);
                    }
                },
            }
        }
        if let Some(accounts) = &mut self.by_account {
            match accounts.get_mut(&call.caller.account) {
                Some(count) => *count += 1,
                None => {
                    accounts.insert(call.caller.account.clone(), 1);
                }
            }
        }
    }

    /// Keeps no more than the newest `limit` entries from now on; with 0 none, and calls are only counted.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        let surplus = self.entries.len().saturating_sub(limit);
        self.entries.drain(..surplus);
    }

    /// How many entries are kept at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Counts calls by account from now on, or no longer does so and forgets the counts.
    pub fn count_accounts(&mut self, on: bool) {
        match (on, &self.by_account) {
            (true, None) => self.by_account = Some(HashMap::new()),
            (false, _) => self.by_account = None,
            (true, Some(_)) => {}
        }
    }

    /// The number of the newest call; 0: there was none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The number of the oldest entry that is still kept; one more than [`Journal::last`] if none is.
    pub fn oldest(&self) -> u64 {
        self.entries.front().map_or(self.last + 1, |entry| entry.number)
    }

    /// The entries after this number, oldest first.
    pub fn since(&self, number: u64) -> impl Iterator<Item = &Entry> {
        // Numbers have no gaps, so what is to be skipped is counted, not searched.
        let gone = number.saturating_add(1).saturating_sub(self.oldest());
        let skipped = usize::try_from(gone).map_or(self.entries.len(), |gone| gone.min(self.entries.len()));
        self.entries.range(skipped..)
    }

    /// The entries that a filter admits, oldest first.
    pub fn filtered<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Entry> {
        self.since(filter.since).filter(|entry| filter.admits(entry))
    }

    /// Forgets the entries. Numbers go on, and counts stay.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How the calls of every operation ended, since the beginning, by service and operation.
    pub fn counters(&self) -> BTreeMap<&'static str, BTreeMap<&str, &Outcomes>> {
        self.counts
            .iter()
            .map(|(service, operations)| {
                (
                    service.prefix(),
                    operations.iter().map(|(operation, outcomes)| (operation.as_str(), outcomes)).collect(),
                )
            })
            .collect()
    }

    /// Calls by the caller's account since [`Journal::count_accounts`]; `None`: not counted.
    pub fn accounts(&self) -> Option<&HashMap<String, u64>> {
        self.by_account.as_ref()
    }
}
