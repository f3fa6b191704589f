//! Which accounts are asked for, in which order, and where the next page begins.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::str::FromStr;
use std::sync::Arc;

use super::params::Params;
use super::problem::Problem;
use crate::model::ids::OuId;
use crate::model::view::{AccountView, Coverage, Snapshot, Standing};

/// What an account's verdict may be shown as, best first: excluded and inactive accounts are not judged.
pub const VERDICTS: [&str; 8] =
    ["inactive", "excluded", "in_sync", "pending", "orphan", "unknown", "drifted", "foreign"];

/// The verdict as it is shown.
pub(super) fn verdict(account: &AccountView) -> &'static str {
    match account.standing {
        Standing::Active => account.verdict.label(),
        Standing::Excluded => "excluded",
        Standing::Inactive => "inactive",
    }
}

/// The coverage; inactive accounts have none, since nothing happens in them.
pub(super) fn coverage(account: &AccountView) -> Option<Coverage> {
    (account.standing != Standing::Inactive).then_some(account.coverage)
}

/// What is asked for; nothing means all.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) verdict: Option<&'static str>,
    pub(super) coverage: Option<Coverage>,
    pub(super) reason: Option<String>,
    pub(super) ou: Option<OuId>,
    pub(super) q: Option<String>,
}

impl Filter {
    pub(super) fn read(params: &Params) -> Result<Self, Problem> {
        Ok(Self {
            verdict: params.one_of("verdict", &VERDICTS, |v| v)?,
            coverage: params.one_of("coverage", &Coverage::ALL, Coverage::label)?,
            reason: params.text("reason").map(str::to_owned),
            ou: params.parsed("ou")?,
            q: params.text("q").map(|q| q.trim().to_lowercase()).filter(|q| !q.is_empty()),
        })
    }

    pub(super) fn admits(&self, account: &AccountView) -> bool {
        self.verdict.is_none_or(|v| v == verdict(account))
            && self.coverage.is_none_or(|c| coverage(account) == Some(c))
            && self
                .reason
                .as_ref()
                .is_none_or(|r| coverage(account).is_some() && account.coverage_reason == r)
            && self.ou.as_ref().is_none_or(|ou| account.path.split('/').any(|part| part == ou.as_str()))
            && self.q.as_ref().is_none_or(|q| account.id.as_str().contains(q) || holds(&account.name, q))
    }
}

/// Whether a name holds a text in lower case, in whatever case the name is.
fn holds(name: &str, text: &str) -> bool {
    if !name.is_ascii() {
        return name.to_lowercase().contains(text);
    }
    // Thousands of names for each letter that somebody types: without a copy of each.
    name.as_bytes().windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()))
}

/// What accounts are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum By {
    #[default]
    Id,
    Name,
    Verdict,
    Coverage,
}

/// The order of a list; accounts that are equal in it stand by their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) by: By,
    pub(super) descending: bool,
}

impl FromStr for Sort {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let by = match text.strip_prefix('-').unwrap_or(text) {
            "id" => By::Id,
            "name" => By::Name,
            "verdict" => By::Verdict,
            "coverage" => By::Coverage,
            _ => return Err("write id, name, verdict or coverage, with a leading - for the reverse order"),
        };
        Ok(Self { by, descending: text.starts_with('-') })
    }
}

/// Where an account stands in an order: a rank or a text, then its id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position<'a> {
    rank: usize,
    text: Cow<'a, str>,
    id: Cow<'a, str>,
}

impl Sort {
    fn position(self, account: &AccountView) -> Position<'_> {
        let id = account.id.as_str();
        let (rank, text) = match self.by {
            By::Id => (0, id.into()),
            By::Name => (0, account.name.to_lowercase().into()),
            By::Verdict => {
                (VERDICTS.iter().position(|v| *v == verdict(account)).unwrap_or_default(), "".into())
            }
            By::Coverage => (coverage(account).map_or(0, |c| 1 + c as usize), "".into()),
        };
        Position { rank, text, id: id.into() }
    }

    fn order(self, a: &Position<'_>, b: &Position<'_>) -> Ordering {
        let by_key = a.rank.cmp(&b.rank).then_with(|| a.text.cmp(&b.text));
        let by_key = if self.descending { by_key.reverse() } else { by_key };
        by_key.then_with(|| a.id.cmp(&b.id))
    }
}

/// The last account of a page, by its place in the order rather than by a count: accounts that come, go or change
/// between two pages neither hide nor repeat others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    sort: Sort,
    after: Position<'static>,
}

impl Cursor {
    fn encode(sort: Sort, after: &Position<'_>) -> String {
        let text = serde_json::json!([sort.by as usize, sort.descending, after.rank, after.text, after.id]);
        text.to_string().bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn decode(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect();
        let (by, descending, rank, text, id) =
            serde_json::from_slice::<(usize, bool, usize, String, String)>(&bytes).ok()?;
        let by = [By::Id, By::Name, By::Verdict, By::Coverage].into_iter().find(|b| *b as usize == by)?;
        Some(Self {
            sort: Sort { by, descending },
            after: Position { rank, text: text.into(), id: id.into() },
        })
    }
}

/// A part of the accounts that were asked for.
pub(super) struct Page<'a> {
    pub(super) items: Vec<&'a Arc<AccountView>>,
    /// The place of the first one among all, from 0.
    pub(super) begin: usize,
    /// All that were asked for, on every page.
    pub(super) total: usize,
    pub(super) next_cursor: Option<String>,
}

/// The first `limit` accounts that `filter` admits, in the order of `sort`, after `cursor`.
pub(super) fn page<'a>(
    snapshot: &'a Snapshot,
    filter: &Filter,
    sort: Sort,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<'a>, Problem> {
    let mut asked: Vec<&Arc<AccountView>> =
        snapshot.accounts.values().filter(|account| filter.admits(account)).collect();
    match (sort.by, sort.descending) {
        // They stand so.
        (By::Id, false) => {}
        (By::Id, true) => asked.reverse(),
        _ => {
            let mut placed: Vec<_> =
                asked.into_iter().map(|account| (sort.position(account), account)).collect();
            placed.sort_unstable_by(|(a, _), (b, _)| sort.order(a, b));
            asked = placed.into_iter().map(|(_, account)| account).collect();
        }
    }
    let begin = match cursor {
        None => 0,
        Some(text) => {
            let cursor = Cursor::decode(text).filter(|cursor| cursor.sort == sort).ok_or_else(|| {
                Problem::bad("`cursor`: not from an answer with this `sort`; begin without it")
            })?;
            asked.partition_point(|account| sort.order(&sort.position(account), &cursor.after).is_le())
        }
    };
    let end = asked.len().min(begin.saturating_add(limit));
    Ok(Page {
        begin,
        items: asked[begin..end].to_vec(),
        total: asked.len(),
        next_cursor: (end < asked.len()).then(|| Cursor::encode(sort, &sort.position(asked[end - 1]))),
    })
}
