//! Reading calls of Account Management.

use std::collections::BTreeSet;

use aws_sdk_account::types::RegionOptStatus;

use super::{Cloud, Session, send};
use crate::model::error::CloudError;
use crate::model::ids::Region;

impl Cloud {
    /// The Regions that the session's account has enabled. One that is being enabled or disabled is not among them: it
    /// takes calls some time, or no longer.
    pub async fn enabled_regions(&self, session: &Session) -> Result<BTreeSet<Region>, CloudError> {
        let mut enabled = BTreeSet::new();
        let mut token = None;
        loop {
            let request = self
                .account
                .list_regions()
                .region_opt_status_contains(RegionOptStatus::Enabled)
                .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
                .max_results(50)
                .set_next_token(token);
            let page = send!(self, session, aws_sdk_account, "account", "ListRegions", request)?;
            let names = page.regions.unwrap_or_default().into_iter().filter_map(|region| region.region_name);
            // A name that is no Region code we could not work in anyway.
            enabled.extend(names.filter_map(|name| name.parse::<Region>().ok()));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(enabled);
            }
        }
    }
}
