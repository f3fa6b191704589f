//! Whether everything is there that an installation needs: what was looked at, judged into findings. Pure.
//!
//! `check --aws` asks this before anything is written. What `apply` makes by itself is no finding, as long as it may:
//! a finding is what a person has to mend outside of orgwatch, with the command or the template that does it.

mod boundary;
mod code;
mod entrance;
mod hosts;
mod members;
mod mend;
mod resources;
#[cfg(test)]
mod tests;
mod trails;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use serde::Serialize;

use crate::model::error::CloudError;
use crate::model::ids::{AccountId, Region};
use crate::model::view::TargetView;
use crate::trail::Presence;
use crate::world::World;

pub use boundary::{Boundary, boundary};
pub use code::Code;
pub use hosts::{Service, hosts};
pub use members::missing_rules;
pub use mend::{Mend, Stacks};

/// What stands for the account's own id in a text that holds for several accounts.
pub const ACCOUNT: &str = "<account>";

/// Our clock may be off by so much before it is told. AWS refuses signatures that are off by five minutes.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// One thing that is missing or waits for a person, with what mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Names the kind of finding.
    pub code: Code,
    /// Whether nothing is missing, and somebody should know all the same.
    pub notice: bool,
    /// What was found. Where it holds for several accounts, [`ACCOUNT`] stands for the id of each.
    pub found: String,
    /// What to do.
    #[serde(flatten)]
    pub mend: Mend,
    /// How many accounts it is about; 0: it is about the installation as a whole.
    pub count: usize,
    /// Which ones, in order.
    pub accounts: BTreeSet<AccountId>,
}

impl Finding {
    fn new(code: Code, found: impl Into<String>, mend: Mend) -> Self {
        let found = found.into();
        Self { code, notice: code.is_notice(), found, mend, count: 0, accounts: BTreeSet::new() }
    }

    fn of(self, account: &AccountId) -> Self {
        Self { accounts: BTreeSet::from([account.clone()]), ..self }
    }
}

/// Who asks, as STS says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The ARN of the user or of the role's session.
    pub arn: String,
}

impl Caller {
    /// The name of the role, without its path; none for a user.
    pub fn role(&self) -> Option<&str> {
        let mut parts = self.arn.rsplit(':').next()?.split('/');
        parts.next().filter(|kind| *kind == "assumed-role").and(parts.next())
    }
}

/// One host of AWS, knocked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knock {
    /// The service.
    pub service: Service,
    /// The Region.
    pub region: Region,
    /// The host that the request was for, proxy or not.
    pub host: String,
    /// By how much our clock is ahead of the host's, as far as it said; or why no answer came.
    pub answer: Result<Option<SignedDuration>, String>,
}

/// Why the organization could not be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A call failed.
    Call(CloudError),
    /// It is another one than the configuration says.
    WrongPlace(String),
}

/// What only `check` looks at in an account.
#[derive(Clone, Debug, Default)]
pub struct Closer {
    /// The Regions that it has enabled, if that matters.
    pub enabled: Option<Result<BTreeSet<Region>, CloudError>>,
    /// The policy that bounds its forwarding roles; none where nobody asks for one.
    pub boundary: Option<Result<Boundary, CloudError>>,
    /// How many rules the default bus has where rules of ours are missing, by Region.
    pub rules: BTreeMap<Region, Result<usize, CloudError>>,
}

/// One account, as far as it was looked into.
#[derive(Clone, Debug)]
pub struct AccountSeen {
    /// Its id.
    pub id: AccountId,
    /// The root that it is below, as far as that is known.
    pub root: Option<String>,
    /// Whether it is the management account.
    pub is_management: bool,
    /// Whether it is so new that AWS may not be done with it.
    pub is_new: bool,
    /// What was seen in its Regions.
    pub views: Vec<Arc<TargetView>>,
    /// Whether a trail logs what its watches wait for; none where nobody asks.
    pub trail: Option<Presence>,
    /// What only `check` looks at.
    pub closer: Closer,
}

/// Everything that was looked at.
#[derive(Clone, Debug)]
pub struct Observed<'a> {
    /// What must hold, as far as it is known.
    pub world: &'a World,
    /// The central account's role that the configuration says to assume first.
    pub central_role: Option<String>,
    /// The role that reads the organization.
    pub reader_role: Option<String>,
    /// The role that stands before all members.
    pub via_role: Option<String>,
    /// The hosts.
    pub knocks: Vec<Knock>,
    /// Who asks. None: it was not asked, because STS cannot be reached.
    pub caller: Option<Result<Caller, CloudError>>,
    /// How listing the organization went. None: nobody asked, because it could only fail.
    pub organization: Option<Result<(), Trouble>>,
    /// Why the listing is doubted.
    pub doubt: Option<String>,
    /// The management account, if it has no role and a watch is for it.
    pub without_role: Option<AccountId>,
    /// The central account's targets and what stands beside the path.
    pub central: Vec<Arc<TargetView>>,
    /// How many buses the central account has in the central Region, where ours is missing.
    pub buses: Option<Result<usize, CloudError>>,
    /// All wanted accounts.
    pub accounts: Vec<AccountSeen>,
}

/// What is missing: what stands in the way of everything else first, equal things in several accounts once.
pub fn judge(observed: &Observed<'_>) -> Vec<Finding> {
    let mut findings = hosts::judge(&observed.knocks);
    let reach = hosts::Reach::of(&observed.knocks);
    findings.extend(entrance::judge(observed, &reach));
    findings.extend(members::judge(observed, &reach));
    grouped(findings)
}

/// Puts together what is the same in several accounts, word for word or but for the account's own id.
fn grouped(findings: Vec<Finding>) -> Vec<Finding> {
    // Word for word first: what all accounts say of one of them stays as it is where that one says it too.
    let mut literal: BTreeMap<(Code, String, Mend), BTreeSet<AccountId>> = BTreeMap::new();
    for finding in findings {
        let key = (finding.code, finding.found, finding.mend);
        literal.entry(key).or_default().extend(finding.accounts);
    }
    let mut together: BTreeMap<(Code, String, Mend), Vec<Finding>> = BTreeMap::new();
    for ((code, found, mend), accounts) in literal {
        let own = accounts.first().filter(|_| accounts.len() == 1).map(AccountId::to_string);
        let general =
            |text: &str| own.as_ref().map_or_else(|| text.to_owned(), |id| text.replace(id, ACCOUNT));
        let key = (code, general(&found), mend.map(general));
        let finding = Finding { count: accounts.len(), accounts, ..Finding::new(code, found, mend) };
        together.entry(key).or_default().push(finding);
    }
    let all = together.into_iter().map(|((code, found, mend), same)| {
        if let [one] = same.as_slice() {
            // Of one account everything is said by its name.
            return one.clone();
        }
        let accounts: BTreeSet<AccountId> = same.into_iter().flat_map(|finding| finding.accounts).collect();
        Finding { count: accounts.len(), accounts, ..Finding::new(code, found, mend) }
    });
    all.collect()
}
