//! `[organization]`: which accounts and Regions there are, and which of them count.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use super::reader::{POSITIVE, Table, read, words};
use crate::model::ids::{AccountId, OrganizationId, OuId, Region, RoleArn};

/// `[organization]`: which accounts and Regions there are, and which of them count.
#[derive(Clone, Debug)]
pub struct OrganizationSettings {
    /// The organization that our credentials must belong to.
    pub id: Option<OrganizationId>,
    /// The role that lists the organization; none: our own credentials.
    pub reader_role_arn: Option<RoleArn>,
    /// How often the accounts are listed.
    pub poll_interval: Duration,
    /// The pace of calls to Organizations.
    pub max_calls_per_second: NonZeroU32,
    /// How long tags that a filter needs are taken to be as they were read.
    pub tag_refresh_interval: Duration,
    /// OUs or roots that count, with everything below; empty: the whole organization.
    pub include_ous: BTreeSet<OuId>,
    /// OUs or roots that do not count, with everything below.
    pub exclude_ous: BTreeSet<OuId>,
    /// Accounts that do not count.
    pub exclude_accounts: BTreeSet<AccountId>,
    /// Tags that an account must all carry to count.
    pub include_tags: BTreeMap<String, String>,
    /// Tags of which one suffices for an account not to count.
    pub exclude_tags: BTreeMap<String, String>,
    /// What happens to our resources in an account that no longer counts.
    pub on_exclude: OnExclude,
    /// Regions that we may work in; empty: every Region that the account has enabled.
    pub regions: BTreeSet<Region>,
    /// The role in the management account; none: that account is uncovered.
    pub management_role_arn: Option<RoleArn>,
}

words! {
    /// What happens to our resources in an account that is excluded.
    OnExclude {
        /// They stay as they are.
        Leave = "leave",
        /// They are removed once, under the limits.
        Remove = "remove",
    }
}

pub(super) fn read(mut t: Table<'_>) -> Option<OrganizationSettings> {
    read!(t, OrganizationSettings {
        id,
        reader_role_arn,
        poll_interval = t.duration("poll_interval", &POSITIVE),
        max_calls_per_second,
        tag_refresh_interval = t.duration("tag_refresh_interval", &POSITIVE),
        include_ous,
        exclude_ous,
        exclude_accounts,
        include_tags,
        exclude_tags,
        on_exclude,
        regions,
        management_role_arn,
    })
}
