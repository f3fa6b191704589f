//! Reading calls of Organizations: one after the other and at a given pace, because Organizations refuses parallel
//! requests and publishes no rate.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

use aws_sdk_organizations::types as sdk;
use jiff::Timestamp;

use super::{Cloud, Session, send};
use crate::inventory::{Account, AccountState};
use crate::model::call::Tags;
use crate::model::error::CloudError;
use crate::model::ids::{AccountId, OrganizationId, OuId};
use crate::pace::Pace;

/// Reads an organization at a given pace.
pub struct OrganizationReader {
    cloud: Cloud,
    pace: Pace,
}

impl OrganizationReader {
    /// A reader that makes at most `per_second` calls a second.
    pub fn new(cloud: Cloud, per_second: NonZeroU32) -> Self {
        Self { cloud, pace: Pace::per_second(per_second) }
    }

    /// The organization's id and its management account. Any account of the organization may ask.
    pub async fn describe(&self, session: &Session) -> Result<(OrganizationId, AccountId), CloudError> {
        self.pace.ready().await;
        let request = self.cloud.organizations.describe_organization();
        let answer = send!(
            self.cloud,
            session,
            aws_sdk_organizations,
            "organizations",
            "DescribeOrganization",
            request
        )?;
        let organization = answer.organization;
        let field = |text: Option<String>| text.unwrap_or_default();
        let id = field(organization.as_ref().and_then(|o| o.id.clone())).parse();
        let management = field(organization.and_then(|o| o.master_account_id)).parse();
        match (id, management) {
            (Ok(id), Ok(management)) => Ok((id, management)),
            (Err(e), _) | (_, Err(e)) => Err(unusable("DescribeOrganization", session, &e.to_string())),
        }
    }

    /// Every account of the organization, with its path.
    pub async fn list(&self, session: &Session) -> Result<Vec<Account>, CloudError> {
        let mut accounts = Vec::new();
        let mut token: Option<String> = None;
        loop {
            self.pace.ready().await;
            let request = self.cloud.organizations.list_accounts().set_next_token(token);
            let page =
                send!(self.cloud, session, aws_sdk_organizations, "organizations", "ListAccounts", request)?;
            // A page may be empty and still have a successor.
            token = page.next_token.filter(|t| !t.is_empty());
            for listed in page.accounts.unwrap_or_default() {
                accounts
                    .push(account(listed).map_err(|message| unusable("ListAccounts", session, &message))?);
            }
            if token.is_none() {
                break;
            }
        }
        // Older endpoints tell no paths.
        if accounts.iter().any(|account| account.path.is_none()) {
            let paths = self.walk(session).await?;
            for account in &mut accounts {
                if let Some(path) = paths.get(&account.id) {
                    account.path = Some(path.clone());
                }
            }
        }
        Ok(accounts)
    }

    /// The tags of one account.
    pub async fn tags(&self, session: &Session, account: &AccountId) -> Result<Tags, CloudError> {
        let mut tags = Tags::new();
        let mut token = None;
        loop {
            self.pace.ready().await;
            let request = self
                .cloud
                .organizations
                .list_tags_for_resource()
                .resource_id(account.as_str())
                .set_next_token(token);
            let page = send!(
                self.cloud,
                session,
                aws_sdk_organizations,
                "organizations",
                "ListTagsForResource",
                request
            )?;
            tags.extend(page.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(tags);
            }
        }
    }

    /// Where every account is, by walking down from the roots.
    async fn walk(&self, session: &Session) -> Result<HashMap<AccountId, Vec<OuId>>, CloudError> {
        let mut found = HashMap::new();
        let mut open: Vec<Vec<OuId>> =
            self.roots(session).await?.into_iter().map(|(root, _)| vec![root]).collect();
        while let Some(path) = open.pop() {
            let Some(parent) = path.last() else { continue };
            for id in self.children(session, parent).await? {
                found.insert(id, path.clone());
            }
            for (unit, _) in self.units(session, parent).await? {
                open.push(path.iter().cloned().chain([unit]).collect());
            }
        }
        Ok(found)
    }

    /// The roots, with their names.
    pub async fn roots(&self, session: &Session) -> Result<Vec<(OuId, String)>, CloudError> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            self.pace.ready().await;
            let request = self.cloud.organizations.list_roots().set_next_token(token);
            let page =
                send!(self.cloud, session, aws_sdk_organizations, "organizations", "ListRoots", request)?;
            let roots = page.roots.unwrap_or_default();
            let named = |root: sdk::Root| Some((root.id?.parse().ok()?, root.name.unwrap_or_default()));
            found.extend(roots.into_iter().filter_map(named));
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The accounts directly below a root or unit.
    async fn children(&self, session: &Session, parent: &OuId) -> Result<Vec<AccountId>, CloudError> {
        let mut ids = Vec::new();
        let mut token = None;
        loop {
            self.pace.ready().await;
            let request = self
                .cloud
                .organizations
                .list_accounts_for_parent()
                .parent_id(parent.as_str())
                .set_next_token(token);
            let page = send!(
                self.cloud,
                session,
                aws_sdk_organizations,
                "organizations",
                "ListAccountsForParent",
                request
            )?;
            ids.extend(
                page.accounts.unwrap_or_default().into_iter().filter_map(|account| account.id?.parse().ok()),
            );
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(ids);
            }
        }
    }

    /// The units directly below a root or unit, with their names.
    pub async fn units(&self, session: &Session, parent: &OuId) -> Result<Vec<(OuId, String)>, CloudError> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            self.pace.ready().await;
            let request = self
                .cloud
                .organizations
                .list_organizational_units_for_parent()
                .parent_id(parent.as_str())
                .set_next_token(token);
            let page = send!(
                self.cloud,
                session,
                aws_sdk_organizations,
                "organizations",
                "ListOrganizationalUnitsForParent",
                request
            )?;
            let units = page.organizational_units.unwrap_or_default();
            let named =
                |unit: sdk::OrganizationalUnit| Some((unit.id?.parse().ok()?, unit.name.unwrap_or_default()));
            found.extend(units.into_iter().filter_map(named));
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

fn account(listed: sdk::Account) -> Result<Account, String> {
    Ok(Account {
        id: listed
            .id
            .clone()
            .unwrap_or_default()
            .parse()
            .map_err(|e: crate::model::ids::IdError| e.to_string())?,
        state: state(&listed),
        path: listed.paths().first().and_then(|path| units_of(path)),
        name: listed.name.unwrap_or_default(),
        email: listed.email.unwrap_or_default(),
        joined_at: listed.joined_timestamp.and_then(|at| Timestamp::from_second(at.secs()).ok()),
        tags: None,
    })
}

/// `State` says it; `Status`, which AWS retires, only where `State` is absent. A value that we do not know is not
/// assumed into.
fn state(account: &sdk::Account) -> AccountState {
    if let Some(state) = account.state() {
        return match state {
            sdk::AccountState::Active => AccountState::Active,
            sdk::AccountState::Suspended => AccountState::Other("SUSPENDED"),
            sdk::AccountState::PendingActivation => AccountState::Other("PENDING_ACTIVATION"),
            sdk::AccountState::PendingClosure => AccountState::Other("PENDING_CLOSURE"),
            sdk::AccountState::Closed => AccountState::Other("CLOSED"),
            _ => AccountState::Other("UNKNOWN"),
        };
    }
    match account.status() {
        Some(sdk::AccountStatus::Active) => AccountState::Active,
        Some(sdk::AccountStatus::Suspended) => AccountState::Other("SUSPENDED"),
        Some(sdk::AccountStatus::PendingClosure) => AccountState::Other("PENDING_CLOSURE"),
        _ => AccountState::Other("UNKNOWN"),
    }
}

/// `o-1/r-2/ou-3/ou-4/123456789012/` -> `r-2`, `ou-3`, `ou-4`; none if a part of it is something else, as half a path
/// would be a wrong one.
fn units_of(path: &str) -> Option<Vec<OuId>> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let [_organization, units @ .., _account] = parts.as_slice() else { return None };
    units
        .iter()
        .map(|unit| unit.parse().ok())
        .collect::<Option<Vec<OuId>>>()
        .filter(|units| !units.is_empty())
}

fn unusable(operation: &'static str, session: &Session, message: &str) -> CloudError {
    CloudError {
        class: crate::model::error::ErrorClass::Invalid,
        service: "organizations",
        operation,
        account: Some(session.account.clone()),
        region: Some(session.region.clone()),
        code: "UnusableAnswer".to_owned(),
        message: message.to_owned(),
        request_id: None,
        hint: "check AWS_ENDPOINT_URL: this is no answer that AWS gives".to_owned(),
    }
}

/// Tags by account, kept for a while because each costs a call.
#[derive(Default)]
pub struct TagCache {
    kept: BTreeMap<AccountId, (Timestamp, Tags)>,
}

impl TagCache {
    /// Gives each account its tags: kept ones, or freshly read ones where there are none or they are too old.
    ///
    /// An account whose tags cannot be read keeps the ones that it had, or none: a filter then leaves it out.
    pub async fn fill(
        &mut self,
        reader: &OrganizationReader,
        session: &Session,
        accounts: &mut [Account],
        oldest: Timestamp,
        now: Timestamp,
    ) -> Result<(), CloudError> {
        let mut failed = None;
        for account in accounts.iter_mut().filter(|a| a.state == AccountState::Active) {
            let fresh = self.kept.get(&account.id).is_some_and(|(at, _)| *at >= oldest);
            if !fresh && failed.is_none() {
                match reader.tags(session, &account.id).await {
                    Ok(tags) => {
                        self.kept.insert(account.id.clone(), (now, tags));
                    }
                    // One refusal stands for all: asking on would only burn the rate.
                    Err(error) => failed = Some(error),
                }
            }
            account.tags = self.kept.get(&account.id).map(|(_, tags)| tags.clone());
        }
        failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_decides_and_status_only_where_state_is_absent() {
        let both = sdk::Account::builder()
            .state(sdk::AccountState::Closed)
            .status(sdk::AccountStatus::Active)
            .build();
        assert_eq!(state(&both), AccountState::Other("CLOSED"));
        let old = sdk::Account::builder().status(sdk::AccountStatus::Active).build();
        assert_eq!(state(&old), AccountState::Active);
        let new = sdk::Account::builder().state(sdk::AccountState::from("HIBERNATING")).build();
        assert_eq!(state(&new), AccountState::Other("UNKNOWN"));
        assert_eq!(state(&sdk::Account::builder().build()), AccountState::Other("UNKNOWN"));
    }

    #[test]
    fn a_path_is_read_from_the_top_down() {
        let units = units_of("o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/ou-ab12-22222222/123456789012/").unwrap();
        let ids: Vec<String> = units.iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["r-ab12", "ou-ab12-11111111", "ou-ab12-22222222"]);
        // Half a path would put the account where it is not.
        assert_eq!(units_of("o-a1b2c3d4e5/r-ab12/team/123456789012/"), None);
        assert_eq!(units_of(""), None);
    }
}
