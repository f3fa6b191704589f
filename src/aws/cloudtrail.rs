//! Reading calls of CloudTrail.

use aws_sdk_cloudtrail::types as sdk;

use super::{Cloud, Session, send};
use crate::model::error::CloudError;
use crate::trail::{Basic, Field, Operator, Selectors, Trail};

impl Cloud {
    /// The trails that log in the session's Region: those made there, and the shadows of multi-Region trails and of the
    /// organization's.
    pub async fn trails(&self, session: &Session) -> Result<Vec<Trail>, CloudError> {
        let request = self.cloudtrail.describe_trails().include_shadow_trails(true);
        let answer = send!(self, session, aws_sdk_cloudtrail, "cloudtrail", "DescribeTrails", request)?;
        Ok(answer.trail_list.unwrap_or_default().into_iter().map(trail).collect())
    }

    /// Whether a trail logs.
    pub async fn trail_logs(&self, session: &Session, arn: &str) -> Result<bool, CloudError> {
        let request = self.cloudtrail.get_trail_status().name(arn);
        let answer = send!(self, session, aws_sdk_cloudtrail, "cloudtrail", "GetTrailStatus", request)?;
        Ok(answer.is_logging.unwrap_or(false))
    }

    /// What a trail logs.
    pub async fn trail_selectors(&self, session: &Session, arn: &str) -> Result<Selectors, CloudError> {
        let request = self.cloudtrail.get_event_selectors().trail_name(arn);
        let answer = send!(self, session, aws_sdk_cloudtrail, "cloudtrail", "GetEventSelectors", request)?;
        // A trail has one kind or the other.
        let advanced = answer.advanced_event_selectors.unwrap_or_default();
        if advanced.is_empty() {
            return Ok(Selectors::Basic(
                answer.event_selectors.unwrap_or_default().into_iter().map(basic).collect(),
            ));
        }
        let fields =
            |selector: sdk::AdvancedEventSelector| selector.field_selectors.into_iter().map(field).collect();
        Ok(Selectors::Advanced(advanced.into_iter().map(fields).collect()))
    }
}

fn trail(trail: sdk::Trail) -> Trail {
    Trail {
        arn: trail.trail_arn.unwrap_or_default(),
        home: trail.home_region.unwrap_or_default(),
        multi_region: trail.is_multi_region_trail.unwrap_or(false),
        organization: trail.is_organization_trail.unwrap_or(false),
        global_events: trail.include_global_service_events.unwrap_or(false),
        log_group: trail
            .cloud_watch_logs_log_group_arn
            .map(|arn| arn.strip_suffix(":*").map(str::to_owned).unwrap_or(arn))
            .filter(|arn| !arn.is_empty()),
    }
}

fn basic(selector: sdk::EventSelector) -> Basic {
    let kind = selector.read_write_type.unwrap_or(sdk::ReadWriteType::All);
    Basic {
        reads: kind != sdk::ReadWriteType::WriteOnly,
        writes: kind != sdk::ReadWriteType::ReadOnly,
        management: selector.include_management_events.unwrap_or(true),
        excluded: selector.exclude_management_event_sources.unwrap_or_default().into_iter().collect(),
    }
}

fn field(selector: sdk::AdvancedFieldSelector) -> Field {
    let conditions = [
        (Operator::Equals, selector.equals),
        (Operator::StartsWith, selector.starts_with),
        (Operator::EndsWith, selector.ends_with),
        (Operator::NotEquals, selector.not_equals),
        (Operator::NotStartsWith, selector.not_starts_with),
        (Operator::NotEndsWith, selector.not_ends_with),
    ];
    let given = conditions.into_iter().filter_map(|(operator, values)| Some((operator, values?)));
    Field { name: selector.field, conditions: given.collect() }
}
