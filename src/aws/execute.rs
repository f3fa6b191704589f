//! Sends writing calls. The only place that writes to AWS.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_eventbridge::types as events;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_types::error::operation::BuildError;
use aws_types::request_id::RequestId;
use serde_json::Value;

use super::sns::SubscriptionRow;
use super::{Cloud, Session, send};
use crate::model::call::{Call, RuleTarget, Tags};
use crate::model::endpoint::Endpoint;
use crate::model::error::{CloudError, ErrorClass};

/// The real endpoints of subscriptions by protocol and showable form. Calls carry only the latter, so that no
/// plan, log or answer can hold a secret.
pub type Endpoints = BTreeMap<(String, String), Endpoint>;

impl Cloud {
    /// Makes one writing call; answers AWS's request id.
    pub async fn execute(
        &self,
        session: &Session,
        call: &Call,
        endpoints: &Endpoints,
    ) -> Result<Option<String>, CloudError> {
        match call.service() {
            "events" => self.write_events(session, call).await,
            "sns" => self.write_sns(session, call, endpoints).await,
            "sqs" => self.write_sqs(session, call).await,
            "cloudwatch" => self.write_cloudwatch(session, call).await,
            "logs" => self.write_logs(session, call).await,
            _ => self.write_iam(session, call).await,
        }
    }

    async fn write_events(&self, session: &Session, call: &Call) -> Result<Option<String>, CloudError> {
        let built = |error: BuildError| refused(session, call, "InvalidInput", &error.to_string());
        let request_id = match call {
            Call::CreateEventBus { name, description, tags } => {
                let tags = event_tags(tags).map_err(built)?;
                let request =
                    self.events.create_event_bus().name(name).description(description).set_tags(Some(tags));
                send!(self, session, aws_sdk_eventbridge, "events", "CreateEventBus", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::UpdateEventBus { name, description, key } => {
                // A key that is left out may be kept or be taken away; an empty one is AWS's own.
                let key = key.as_deref().unwrap_or_default();
                let request = self
                    .events
                    .update_event_bus()
                    .name(name)
                    .description(description)
                    .kms_key_identifier(key);
                send!(self, session, aws_sdk_eventbridge, "events", "UpdateEventBus", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::PutPermission { bus, policy } => {
                let request = self.events.put_permission().event_bus_name(bus).policy(policy.to_string());
                send!(self, session, aws_sdk_eventbridge, "events", "PutPermission", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::DeleteEventBus { name } => {
                let request = self.events.delete_event_bus().name(name);
                send!(self, session, aws_sdk_eventbridge, "events", "DeleteEventBus", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::CreateArchive { name, source, retention_days, description } => {
                let request = self
                    .events
                    .create_archive()
                    .archive_name(name)
                    .event_source_arn(source)
                    .retention_days(*retention_days)
                    .description(description);
                send!(self, session, aws_sdk_eventbridge, "events", "CreateArchive", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::UpdateArchive { name, retention_days, description, key } => {
                let request = self
                    .events
                    .update_archive()
                    .archive_name(name)
                    .kms_key_identifier(key.as_deref().unwrap_or_default())
                    .retention_days(*retention_days)
                    .description(description);
                send!(self, session, aws_sdk_eventbridge, "events", "UpdateArchive", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::DeleteArchive { name } => {
                let request = self.events.delete_archive().archive_name(name);
                send!(self, session, aws_sdk_eventbridge, "events", "DeleteArchive", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::PutRule { bus, name, pattern, state, description, tags } => {
                // PutRule replaces the rule: what is left out would become null.
                let request = self
                    .events
                    .put_rule()
                    .event_bus_name(bus)
                    .name(name)
                    .event_pattern(pattern.to_string())
                    .state(events::RuleState::from(state.as_str()))
                    .description(description)
                    .set_tags(Some(event_tags(tags).map_err(built)?));
                send!(self, session, aws_sdk_eventbridge, "events", "PutRule", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::PutTargets { bus, rule, targets } => {
                let targets = targets
                    .iter()
                    .map(|(id, t)| target(id, t))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(built)?;
                let request =
                    self.events.put_targets().event_bus_name(bus).rule(rule).set_targets(Some(targets));
                let answer = send!(self, session, aws_sdk_eventbridge, "events", "PutTargets", request)?;
                let request_id = answer.request_id().map(str::to_owned);
                // Failures come inside an HTTP 200.
                if let Some(entry) = answer.failed_entries().first() {
                    return Err(failed_entry(
                        session,
                        call,
                        entry.error_code(),
                        entry.error_message(),
                        request_id,
                    ));
                }
                request_id
            }
            Call::RemoveTargets { bus, rule, ids } => {
                let request =
                    self.events.remove_targets().event_bus_name(bus).rule(rule).set_ids(Some(ids.clone()));
                let answer = send!(self, session, aws_sdk_eventbridge, "events", "RemoveTargets", request)?;
                let request_id = answer.request_id().map(str::to_owned);
                if let Some(entry) = answer.failed_entries().first() {
                    return Err(failed_entry(
                        session,
                        call,
                        entry.error_code(),
                        entry.error_message(),
                        request_id,
                    ));
                }
                request_id
            }
            Call::DeleteRule { bus, name } => {
                let request = self.events.delete_rule().event_bus_name(bus).name(name);
                send!(self, session, aws_sdk_eventbridge, "events", "DeleteRule", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::TagEvents { arn, tags } => {
                let request = self
                    .events
                    .tag_resource()
                    .resource_arn(arn)
                    .set_tags(Some(event_tags(tags).map_err(built)?));
                send!(self, session, aws_sdk_eventbridge, "events", "TagResource", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            _ => return Err(misplaced(session, call)),
        };
        Ok(request_id)
    }

    async fn write_sns(
        &self,
        session: &Session,
        call: &Call,
        endpoints: &Endpoints,
    ) -> Result<Option<String>, CloudError> {
        let built = |error: BuildError| refused(session, call, "InvalidInput", &error.to_string());
        let request_id = match call {
            Call::CreateTopic { name, tags } => {
                let request =
                    self.sns.create_topic().name(name).set_tags(Some(topic_tags(tags).map_err(built)?));
                send!(self, session, aws_sdk_sns, "sns", "CreateTopic", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::SetTopicAttribute { arn, attribute, value } => {
                let request = self
                    .sns
                    .set_topic_attributes()
                    .topic_arn(arn)
                    .attribute_name(attribute)
                    .attribute_value(text(value));
                send!(self, session, aws_sdk_sns, "sns", "SetTopicAttributes", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::TagTopic { arn, tags } => {
                let tags = topic_tags(tags).map_err(built)?;
                let request = self.sns.tag_resource().resource_arn(arn).set_tags(Some(tags));
                send!(self, session, aws_sdk_sns, "sns", "TagResource", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::DeleteTopic { arn } => send!(
                self,
                session,
                aws_sdk_sns,
                "sns",
                "DeleteTopic",
                self.sns.delete_topic().topic_arn(arn)
            )?
            .request_id()
            .map(str::to_owned),
            Call::Subscribe { topic_arn, protocol, endpoint, attributes } => {
                let key = (protocol.clone(), endpoint.clone());
                let Some(real) = endpoints.get(&key) else {
                    return Err(refused(
                        session,
                        call,
                        "UnknownEndpoint",
                        "the endpoint is no longer in the configuration",
                    ));
                };
                let request = self
                    .sns
                    .subscribe()
                    .topic_arn(topic_arn)
                    .protocol(protocol)
                    .endpoint(real.reveal())
                    .set_attributes((!attributes.is_empty()).then(|| {
                        attributes.iter().map(|(name, value)| (name.clone(), text(value))).collect()
                    }))
                    .return_subscription_arn(true);
                // AWS may repeat an endpoint that it refuses.
                let hidden = |error: CloudError| CloudError {
                    message: error.message.replace(real.reveal(), real.shown()),
                    ..error
                };
                send!(self, session, aws_sdk_sns, "sns", "Subscribe", request)
                    .map_err(hidden)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::SetSubscriptionAttribute { topic_arn, protocol, endpoint, attribute, value } => {
                let rows = self.list_subscriptions(session, topic_arn).await?;
                let this = |row: &&SubscriptionRow| row.protocol == *protocol && row.endpoint == *endpoint;
                let Some(row) = rows.iter().filter(|row| row.is_confirmed()).find(this) else {
                    return Err(refused(
                        session,
                        call,
                        "NotConfirmed",
                        "the subscription is gone or waits for its confirmation",
                    ));
                };
                // A filter is taken away by an empty one, everything else by no value.
                let value = match (value.is_null(), attribute.as_str()) {
                    (true, "FilterPolicy") => Some("{}".to_owned()),
                    (true, _) => None,
                    (false, _) => Some(text(value)),
                };
                let request = self
                    .sns
                    .set_subscription_attributes()
                    .subscription_arn(&row.arn)
                    .attribute_name(attribute)
                    .set_attribute_value(value);
                send!(self, session, aws_sdk_sns, "sns", "SetSubscriptionAttributes", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::Unsubscribe { subscription_arn, .. } => {
                let request = self.sns.unsubscribe().subscription_arn(subscription_arn);
                send!(self, session, aws_sdk_sns, "sns", "Unsubscribe", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            _ => return Err(misplaced(session, call)),
        };
        Ok(request_id)
    }

    async fn write_sqs(&self, session: &Session, call: &Call) -> Result<Option<String>, CloudError> {
        let attributes = |from: &BTreeMap<String, Value>| -> HashMap<QueueAttributeName, String> {
            from.iter().map(|(name, value)| (QueueAttributeName::from(name.as_str()), text(value))).collect()
        };
        let tags = |tags: &Tags| -> HashMap<String, String> { tags.clone().into_iter().collect() };
        let request_id = match call {
            Call::CreateQueue { name, attributes: given, tags: given_tags } => {
                let request = self
                    .sqs
                    .create_queue()
                    .queue_name(name)
                    .set_attributes(Some(attributes(given)))
                    .set_tags(Some(tags(given_tags)));
                send!(self, session, aws_sdk_sqs, "sqs", "CreateQueue", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::SetQueueAttributes { name, attributes: given } => {
                let url = self.queue_url(session, name).await?;
                let request =
                    self.sqs.set_queue_attributes().queue_url(url).set_attributes(Some(attributes(given)));
                send!(self, session, aws_sdk_sqs, "sqs", "SetQueueAttributes", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::TagQueue { name, tags: given } => {
                let url = self.queue_url(session, name).await?;
                let request = self.sqs.tag_queue().queue_url(url).set_tags(Some(tags(given)));
                send!(self, session, aws_sdk_sqs, "sqs", "TagQueue", request)?.request_id().map(str::to_owned)
            }
            Call::DeleteQueue { name } => {
                let url = self.queue_url(session, name).await?;
                send!(
                    self,
                    session,
                    aws_sdk_sqs,
                    "sqs",
                    "DeleteQueue",
                    self.sqs.delete_queue().queue_url(url)
                )?
                .request_id()
                .map(str::to_owned)
            }
            _ => return Err(misplaced(session, call)),
        };
        Ok(request_id)
    }

    async fn write_iam(&self, session: &Session, call: &Call) -> Result<Option<String>, CloudError> {
        let built = |error: BuildError| refused(session, call, "InvalidInput", &error.to_string());
        let iam_tags = |tags: &Tags| {
            let tag = |(key, value): (&String, &String)| {
                aws_sdk_iam::types::Tag::builder().key(key).value(value).build()
            };
            tags.iter().map(tag).collect::<Result<Vec<_>, _>>()
        };
        let request_id = match call {
            Call::CreateRole { name, path, trust, description, boundary, tags } => {
                let request = self
                    .iam
                    .create_role()
                    .role_name(name)
                    .path(path)
                    .assume_role_policy_document(trust.to_string())
                    .description(description)
                    .set_permissions_boundary(boundary.clone())
                    .set_tags(Some(iam_tags(tags).map_err(built)?));
                send!(self, session, aws_sdk_iam, "iam", "CreateRole", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::UpdateAssumeRolePolicy { role, trust } => {
                let request =
                    self.iam.update_assume_role_policy().role_name(role).policy_document(trust.to_string());
                send!(self, session, aws_sdk_iam, "iam", "UpdateAssumeRolePolicy", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::UpdateRoleDescription { role, description } => {
                let request = self.iam.update_role_description().role_name(role).description(description);
                send!(self, session, aws_sdk_iam, "iam", "UpdateRoleDescription", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::PutRolePermissionsBoundary { role, boundary } => {
                let request =
                    self.iam.put_role_permissions_boundary().role_name(role).permissions_boundary(boundary);
                send!(self, session, aws_sdk_iam, "iam", "PutRolePermissionsBoundary", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::PutRolePolicy { role, policy_name, policy } => {
                let request = self
                    .iam
                    .put_role_policy()
                    .role_name(role)
                    .policy_name(policy_name)
                    .policy_document(policy.to_string());
                send!(self, session, aws_sdk_iam, "iam", "PutRolePolicy", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::DeleteRolePolicy { role, policy_name } => {
                let request = self.iam.delete_role_policy().role_name(role).policy_name(policy_name);
                send!(self, session, aws_sdk_iam, "iam", "DeleteRolePolicy", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::DetachRolePolicy { role, policy_arn } => {
                let request = self.iam.detach_role_policy().role_name(role).policy_arn(policy_arn);
                send!(self, session, aws_sdk_iam, "iam", "DetachRolePolicy", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::TagRole { role, tags } => {
                let request =
                    self.iam.tag_role().role_name(role).set_tags(Some(iam_tags(tags).map_err(built)?));
                send!(self, session, aws_sdk_iam, "iam", "TagRole", request)?.request_id().map(str::to_owned)
            }
            Call::DeleteRole { name } => send!(
                self,
                session,
                aws_sdk_iam,
                "iam",
                "DeleteRole",
                self.iam.delete_role().role_name(name)
            )?
            .request_id()
            .map(str::to_owned),
            _ => return Err(misplaced(session, call)),
        };
        Ok(request_id)
    }
}

fn event_tags(tags: &Tags) -> Result<Vec<events::Tag>, BuildError> {
    tags.iter().map(|(key, value)| events::Tag::builder().key(key).value(value).build()).collect()
}

fn topic_tags(tags: &Tags) -> Result<Vec<aws_sdk_sns::types::Tag>, BuildError> {
    tags.iter().map(|(key, value)| aws_sdk_sns::types::Tag::builder().key(key).value(value).build()).collect()
}

fn target(id: &str, target: &RuleTarget) -> Result<events::Target, BuildError> {
    let mut builder = events::Target::builder().id(id).arn(&target.arn).set_role_arn(target.role_arn.clone());
    if target.retry_attempts.is_some() || target.retry_seconds.is_some() {
        let policy = events::RetryPolicy::builder()
            .set_maximum_retry_attempts(target.retry_attempts)
            .set_maximum_event_age_in_seconds(target.retry_seconds);
        builder = builder.retry_policy(policy.build());
    }
    if let Some(queue) = &target.dead_letter {
        builder = builder.dead_letter_config(events::DeadLetterConfig::builder().arn(queue).build());
    }
    if let Some(transformer) = &target.transformer {
        let paths = transformer.paths.clone().into_iter().collect();
        let built = events::InputTransformer::builder()
            .set_input_paths_map(Some(paths))
            .input_template(&transformer.template);
        builder = builder.input_transformer(built.build()?);
    }
    builder.build()
}

/// A document as its text, a text as it is.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn failed_entry(
    session: &Session,
    call: &Call,
    code: Option<&str>,
    message: Option<&str>,
    request_id: Option<String>,
) -> CloudError {
    let code = code.unwrap_or("FailedEntry").to_owned();
    let message = message.unwrap_or_default().to_owned();
    let class = super::error::classify(&code, &message, 400);
    let hint = super::error::hint(class, call.service(), call.operation());
    CloudError { class, code, message, request_id, hint, ..refused(session, call, "", "") }
}

/// A call that was not sent because it makes no sense as it is.
pub(super) fn refused(session: &Session, call: &Call, code: &str, message: &str) -> CloudError {
    CloudError {
        class: ErrorClass::Invalid,
        service: call.service(),
        operation: call.operation(),
        account: Some(session.account.clone()),
        region: Some(session.region.clone()),
        code: code.to_owned(),
        message: message.to_owned(),
        request_id: None,
        hint: String::new(),
    }
}

pub(super) fn misplaced(session: &Session, call: &Call) -> CloudError {
    refused(session, call, "NotSent", "this call belongs to another service")
}
