//! Reading calls of EventBridge. The SDK has no paginators for it, so tokens are followed here.

use std::collections::BTreeMap;

use super::{Cloud, Session, send};
use crate::model::call::{RuleTarget, Tags, Transformer};
use crate::model::error::CloudError;

/// A rule as ListRules tells of it.
#[derive(Clone, Debug)]
pub struct RuleRow {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) pattern: Option<String>,
    pub(crate) state: String,
    pub(crate) description: Option<String>,
    pub(crate) schedule: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) managed_by: Option<String>,
}

/// A bus as DescribeEventBus tells of it.
#[derive(Clone, Debug)]
pub struct BusRow {
    pub(crate) description: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) key: Option<String>,
}

/// An archive as DescribeArchive tells of it.
#[derive(Clone, Debug)]
pub struct ArchiveRow {
    pub(crate) source: String,
    pub(crate) retention_days: i32,
    pub(crate) description: String,
    pub(crate) pattern: Option<String>,
    pub(crate) key: Option<String>,
}

impl Cloud {
    /// The rules of a bus whose names begin with `prefix`.
    pub async fn list_rules(
        &self,
        session: &Session,
        bus: &str,
        prefix: Option<&str>,
    ) -> Result<Vec<RuleRow>, CloudError> {
        let mut rows = Vec::new();
        let mut token = None;
        loop {
            let request = self
                .events
                .list_rules()
                .event_bus_name(bus)
                .set_name_prefix(prefix.map(ToOwned::to_owned))
                .set_next_token(token);
            let page = send!(self, session, aws_sdk_eventbridge, "events", "ListRules", request)?;
            rows.extend(page.rules.unwrap_or_default().into_iter().map(|rule| RuleRow {
                name: rule.name.unwrap_or_default(),
                arn: rule.arn.unwrap_or_default(),
                pattern: rule.event_pattern,
                state: rule.state.map(|s| s.as_str().to_owned()).unwrap_or_default(),
                description: rule.description,
                schedule: rule.schedule_expression.filter(|s| !s.is_empty()),
                role_arn: rule.role_arn.filter(|s| !s.is_empty()),
                managed_by: rule.managed_by,
            }));
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(rows);
            }
        }
    }

    /// How many buses the account has in the session's Region, the default one among them.
    pub async fn count_buses(&self, session: &Session) -> Result<usize, CloudError> {
        let mut count = 0;
        let mut token = None;
        loop {
            let request = self.events.list_event_buses().set_next_token(token);
            let page = send!(self, session, aws_sdk_eventbridge, "events", "ListEventBuses", request)?;
            count += page.event_buses.unwrap_or_default().len();
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(count);
            }
        }
    }

    /// The targets of a rule by id.
    pub async fn list_targets(
        &self,
        session: &Session,
        bus: &str,
        rule: &str,
    ) -> Result<BTreeMap<String, RuleTarget>, CloudError> {
        let mut targets = BTreeMap::new();
        let mut token = None;
        loop {
            let request =
                self.events.list_targets_by_rule().event_bus_name(bus).rule(rule).set_next_token(token);
            let page = send!(self, session, aws_sdk_eventbridge, "events", "ListTargetsByRule", request)?;
            targets.extend(page.targets.unwrap_or_default().into_iter().map(target));
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(targets);
            }
        }
    }

    /// An archive by name.
    pub async fn describe_archive(&self, session: &Session, name: &str) -> Result<ArchiveRow, CloudError> {
        let request = self.events.describe_archive().archive_name(name);
        let archive = send!(self, session, aws_sdk_eventbridge, "events", "DescribeArchive", request)?;
        Ok(ArchiveRow {
            source: archive.event_source_arn.unwrap_or_default(),
            retention_days: archive.retention_days.unwrap_or_default(),
            description: archive.description.unwrap_or_default(),
            pattern: archive.event_pattern.filter(|pattern| !pattern.is_empty()),
            key: archive.kms_key_identifier.filter(|key| !key.is_empty()),
        })
    }

    /// The tags of a rule or bus.
    pub async fn event_tags(&self, session: &Session, arn: &str) -> Result<Tags, CloudError> {
        let request = self.events.list_tags_for_resource().resource_arn(arn);
        let answer = send!(self, session, aws_sdk_eventbridge, "events", "ListTagsForResource", request)?;
        Ok(answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    /// A bus by name.
    pub async fn describe_bus(&self, session: &Session, name: &str) -> Result<BusRow, CloudError> {
        let request = self.events.describe_event_bus().name(name);
        let bus = send!(self, session, aws_sdk_eventbridge, "events", "DescribeEventBus", request)?;
        Ok(BusRow {
            description: bus.description,
            policy: bus.policy.filter(|p| !p.is_empty()),
            key: bus.kms_key_identifier.filter(|key| !key.is_empty()),
        })
    }
}

/// A target as compared. Every parameter that orgwatch never sets is told in one text, so that it is a difference.
fn target(target: aws_sdk_eventbridge::types::Target) -> (String, RuleTarget) {
    let mut foreign: Vec<String> = Vec::new();
    foreign.extend(target.input.map(|input| format!("Input {input}")));
    foreign.extend(target.input_path.map(|path| format!("InputPath {path}")));
    let others = [
        ("KinesisParameters", target.kinesis_parameters.is_some()),
        ("RunCommandParameters", target.run_command_parameters.is_some()),
        ("EcsParameters", target.ecs_parameters.is_some()),
        ("BatchParameters", target.batch_parameters.is_some()),
        ("SqsParameters", target.sqs_parameters.is_some()),
        ("HttpParameters", target.http_parameters.is_some()),
        ("RedshiftDataParameters", target.redshift_data_parameters.is_some()),
        ("SageMakerPipelineParameters", target.sage_maker_pipeline_parameters.is_some()),
        ("AppSyncParameters", target.app_sync_parameters.is_some()),
    ];
    foreign.extend(others.into_iter().filter(|(_, there)| *there).map(|(name, _)| name.to_owned()));
    let spec = RuleTarget {
        arn: target.arn,
        role_arn: target.role_arn.filter(|r| !r.is_empty()),
        retry_attempts: target.retry_policy.as_ref().and_then(|p| p.maximum_retry_attempts),
        retry_seconds: target.retry_policy.as_ref().and_then(|p| p.maximum_event_age_in_seconds),
        dead_letter: target.dead_letter_config.and_then(|c| c.arn),
        transformer: target.input_transformer.map(|t| Transformer {
            paths: t.input_paths_map.unwrap_or_default().into_iter().collect(),
            template: t.input_template,
        }),
        foreign_input: (!foreign.is_empty()).then(|| foreign.join(", ")),
    };
    (target.id, spec)
}
