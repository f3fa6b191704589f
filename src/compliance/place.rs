//! Where the metric filters of an organization belong: the log group of its trail. Pure.

use std::fmt;

use crate::model::error::CloudError;
use crate::model::ids::{AccountId, Arn, Region};
use crate::model::partition::Partition;
use crate::model::resource::Note;
use crate::trail::Trail;

/// The organization has no trail of its own, as far as the central account sees.
pub const NO_ORGANIZATION_TRAIL: &str = "NoOrganizationTrail";
/// The organization's trail writes to its bucket alone.
pub const NO_LOG_GROUP: &str = "NoLogGroup";
/// The log group is in another Region than the topic, and no alarm there can tell anybody.
pub const LOG_GROUP_ELSEWHERE: &str = "LogGroupElsewhere";
/// No role is configured for the account of the log group.
pub const NO_ROLE: &str = "NoRole";
/// The role that is configured is one of another account.
pub const ROLE_ELSEWHERE: &str = "RoleElsewhere";
/// No such log group is there.
pub const LOG_GROUP_MISSING: &str = "LogGroupMissing";
/// The log group has as many metric filters as AWS lets it have.
pub const LOG_GROUP_FULL: &str = "LogGroupFull";

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// The account that it is in.
    pub account: AccountId,
    /// The Region that it is in.
    pub region: Region,
    /// Its name.
    pub name: String,
}

impl LogGroup {
    /// The log group of an ARN, with or without the `:*` that AWS writes behind it.
    pub fn parse(arn: &str) -> Option<Self> {
        let arn: Arn = arn.strip_suffix(":*").unwrap_or(arn).parse().ok()?;
        let name = arn.resource.strip_prefix("log-group:").filter(|name| !name.contains([':', '*']))?;
        let fits = arn.service == "logs" && !name.is_empty();
        Some(Self {
            account: arn.account.parse().ok()?,
            region: arn.region.parse().ok()?,
            name: name.to_owned(),
        })
        .filter(|_| fits)
    }

    /// The ARN by which policies name it with all that is in it.
    pub fn arn(&self, partition: Partition) -> String {
        format!("arn:{partition}:logs:{}:{}:log-group:{}:*", self.region, self.account, self.name)
    }
}

impl fmt::Display for LogGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of account {} in {}", self.name, self.account, self.region)
    }
}

/// Where the filters belong, as far as that is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// On this group.
    At(LogGroup),
    /// Nowhere, and this has to be done first.
    Nowhere(Note),
    /// Nobody could look.
    Unread(CloudError),
}

impl Place {
    /// The group, if there is one.
    pub fn group(&self) -> Option<&LogGroup> {
        match self {
            Self::At(group) => Some(group),
            Self::Nowhere(_) | Self::Unread(_) => None,
        }
    }

    /// What the trails that the central account sees say of it.
    ///
    /// Of several trails of the organization the first one counts that has a log group: multi-Region ones before others,
    /// then by their ARN.
    pub fn of_trails(trails: &[Trail]) -> Self {
        let mut own: Vec<&Trail> = trails.iter().filter(|trail| trail.organization).collect();
        own.sort_by_key(|trail| (!trail.multi_region, &trail.arn));
        if let Some(group) = own.iter().find_map(|trail| LogGroup::parse(trail.log_group.as_deref()?)) {
            return Self::At(group);
        }
        Self::Nowhere(match own.first() {
            Some(trail) => Note::new(
                NO_LOG_GROUP,
                format!(
                    "trail {} of the organization sends its events to no log group of CloudWatch Logs; give it one in its \
                     home Region: aws cloudtrail update-trail --name {} --cloud-watch-logs-log-group-arn … \
                     --cloud-watch-logs-role-arn …",
                    trail.arn, trail.arn
                ),
            ),
            None => Note::new(
                NO_ORGANIZATION_TRAIL,
                "the central account sees no trail of the organization; create one with a log group, or name the log \
                 group of another trail in `compliance.log_group_arn`",
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:logs:us-east-1:111111111111:log-group:aws-cloudtrail-logs/all:*";

    fn trail(name: &str, organization: bool, multi_region: bool, log_group: Option<&str>) -> Trail {
        Trail {
            arn: format!("arn:aws:cloudtrail:us-east-1:111111111111:trail/{name}"),
            home: "us-east-1".to_owned(),
            multi_region,
            organization,
            global_events: true,
            log_group: log_group.map(str::to_owned),
        }
    }

    #[test]
    fn a_log_group_is_read_with_and_without_what_aws_writes_behind_it() {
        let group = LogGroup::parse(ARN).unwrap();
        assert_eq!((group.account.as_str(), group.region.as_str()), ("111111111111", "us-east-1"));
        assert_eq!(group.name, "aws-cloudtrail-logs/all");
        assert_eq!(LogGroup::parse(ARN.strip_suffix(":*").unwrap()), Some(group.clone()));
        assert_eq!(group.arn(Partition::Aws), ARN);
    }

    #[test]
    fn what_is_no_log_group_is_none() {
        for other in [
            "aws-cloudtrail-logs",
            "arn:aws:logs:us-east-1:111111111111:log-group:",
            "arn:aws:logs:us-east-1:111111111111:log-group:a:log-stream:b",
            "arn:aws:sns:us-east-1:111111111111:log-group:a",
            "arn:aws:logs:us-east-1::log-group:a",
        ] {
            assert_eq!(LogGroup::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_organizations_multi_region_trail_with_a_log_group_says_where() {
        let own = trail("own", false, true, Some(ARN));
        let bare = trail("bare", true, true, None);
        let reason = |trails: &[Trail]| match Place::of_trails(trails) {
            Place::At(group) => group.name,
            Place::Nowhere(note) => note.reason.to_owned(),
            Place::Unread(error) => error.to_string(),
        };
        assert_eq!(reason(&[]), NO_ORGANIZATION_TRAIL);
        assert_eq!(
            reason(std::slice::from_ref(&own)),
            NO_ORGANIZATION_TRAIL,
            "a member's own trail is not it"
        );
        assert_eq!(reason(&[own, bare.clone()]), NO_LOG_GROUP);
        let one = |name: &str, multi| {
            let arn = format!("arn:aws:logs:us-east-1:111111111111:log-group:{name}:*");
            trail(name, true, multi, Some(&arn))
        };
        assert_eq!(reason(&[one("a", false), bare, one("c", true), one("b", true)]), "b");
    }
}
