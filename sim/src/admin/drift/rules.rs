//! Drifts of rules, targets and buses.

use serde_json::{Value, json};

use super::{Fault, Scene, text};
use crate::call::{Refusal, Service};

const PAGES: (&str, &str) = ("NextToken", "NextToken");

impl Scene<'_> {
    fn rule(&mut self) -> Result<String, Fault> {
        let input = json!({ "EventBusName": self.request.bus });
        let rules = self.pages(Service::Events, "ListRules", input, "Rules", PAGES)?;
        self.first("rule", rules.iter().map(|rule| text(rule, "Name")))
    }

    fn events(&mut self, operation: &str, input: Value) -> Result<Value, Refusal> {
        self.ask(Service::Events, operation, input)
    }

    fn target_ids(&mut self, rule: &str) -> Result<Vec<Value>, Refusal> {
        let input = json!({ "Rule": rule, "EventBusName": self.request.bus });
        let targets = self.pages(Service::Events, "ListTargetsByRule", input, "Targets", PAGES)?;
        Ok(targets.into_iter().filter_map(|mut target| target.get_mut("Id").map(Value::take)).collect())
    }

    /// `FailedEntryCount` is a refusal in an answer that looks like success.
    fn all_entries(answer: &Value) -> Result<(), Refusal> {
        match answer.get("FailedEntries").and_then(|entries| entries.get(0)) {
            Some(entry) => Err(Refusal::bad(text(entry, "ErrorCode"), text(entry, "ErrorMessage"))),
            None => Ok(()),
        }
    }

    pub(super) fn disable_rule(&mut self) -> Result<String, Fault> {
        let rule = self.rule()?;
        self.events("DisableRule", json!({ "Name": rule, "EventBusName": self.request.bus }))?;
        Ok(rule)
    }

    pub(super) fn delete_rule(&mut self) -> Result<String, Fault> {
        let rule = self.rule()?;
        let ids = self.target_ids(&rule)?;
        if !ids.is_empty() {
            self.take_targets(&rule, ids)?;
        }
        self.events("DeleteRule", json!({ "Name": rule, "EventBusName": self.request.bus }))?;
        Ok(rule)
    }

    fn take_targets(&mut self, rule: &str, ids: Vec<Value>) -> Result<(), Refusal> {
        let input = json!({ "Rule": rule, "EventBusName": self.request.bus, "Ids": ids });
        Self::all_entries(&self.events("RemoveTargets", input)?)
    }

    pub(super) fn change_pattern(&mut self) -> Result<String, Fault> {
        let rule = self.rule()?;
        let there = self.events("DescribeRule", json!({ "Name": rule, "EventBusName": self.request.bus }))?;
        let pattern = json!({ "source": ["aws.s3"] }).to_string();
        let mut input = json!({ "Name": rule, "EventBusName": self.request.bus, "EventPattern": pattern });
        // PutRule replaces: what is to stay must be given again.
        for kept in ["State", "Description", "RoleArn"] {
            if let Some(value) = there.get(kept).filter(|value| !value.is_null()) {
                input[kept] = value.clone();
            }
        }
        self.events("PutRule", input)?;
        Ok(rule)
    }

    pub(super) fn remove_targets(&mut self) -> Result<String, Fault> {
        let rule = self.rule()?;
        let ids = self.target_ids(&rule)?;
        if ids.is_empty() {
            return Err(Fault::absent(format!("rule {rule} has no target")));
        }
        self.take_targets(&rule, ids)?;
        Ok(rule)
    }

    pub(super) fn add_target(&mut self) -> Result<String, Fault> {
        let rule = self.rule()?;
        let there = self.events("DescribeRule", json!({ "Name": rule, "EventBusName": self.request.bus }))?;
        let region = text(&there, "Arn").split(':').nth(3).unwrap_or_default().to_owned();
        let arn = format!("arn:{}:sqs:{region}:{}:payroll-queue", self.partition, self.request.account);
        let target = json!({ "Id": "payroll", "Arn": arn });
        let input = json!({ "Rule": rule, "EventBusName": self.request.bus, "Targets": [target] });
        Self::all_entries(&self.events("PutTargets", input)?)?;
        Ok(rule)
    }

    pub(super) fn remove_tags(&mut self) -> Result<String, Fault> {
        let rule = self.rule()?;
        let there = self.events("DescribeRule", json!({ "Name": rule, "EventBusName": self.request.bus }))?;
        let arn = text(&there, "Arn").to_owned();
        let listed = self.events("ListTagsForResource", json!({ "ResourceARN": arn }))?;
        let tags = listed.get("Tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let keys: Vec<_> = tags.iter().map(|tag| text(tag, "Key")).collect();
        if keys.is_empty() {
            return Err(Fault::absent(format!("rule {rule} has no tag")));
        }
        self.events("UntagResource", json!({ "ResourceARN": arn, "TagKeys": keys }))?;
        Ok(rule)
    }

    fn bus(&mut self) -> Result<String, Fault> {
        let buses = self.pages(Service::Events, "ListEventBuses", json!({}), "EventBuses", PAGES)?;
        self.first("event bus", buses.iter().map(|bus| text(bus, "Name")))
    }

    pub(super) fn remove_bus_policy(&mut self) -> Result<String, Fault> {
        let bus = self.bus()?;
        self.events("RemovePermission", json!({ "EventBusName": bus, "RemoveAllPermissions": true }))?;
        Ok(bus)
    }

    pub(super) fn open_bus_policy(&mut self) -> Result<String, Fault> {
        let bus = self.bus()?;
        let there = self.events("DescribeEventBus", json!({ "Name": bus }))?;
        let empty = || json!({ "Version": "2012-10-17", "Statement": [] });
        let mut policy: Value = serde_json::from_str(text(&there, "Policy")).unwrap_or_else(|_| empty());
        if !policy["Statement"].is_array() {
            policy["Statement"] = json!([policy["Statement"].take()]);
        }
        if let Some(statements) = policy["Statement"].as_array_mut() {
            statements.push(json!({
                "Sid": "payroll",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "events:PutEvents",
                "Resource": text(&there, "Arn"),
            }));
        }
        self.events("PutPermission", json!({ "EventBusName": bus, "Policy": policy.to_string() }))?;
        Ok(bus)
    }
}
