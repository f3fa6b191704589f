//! Drifts of metric filters and alarms.

use serde_json::{Value, json};

use super::{Fault, Scene, text};
use crate::call::Service;

impl Scene<'_> {
    /// A filter as it is described, of whatever group.
    fn filter(&mut self) -> Result<Value, Fault> {
        let tokens = ("nextToken", "nextToken");
        let filters =
            self.pages(Service::Logs, "DescribeMetricFilters", json!({}), "metricFilters", tokens)?;
        let name = self.first("metric filter", filters.iter().map(|filter| text(filter, "filterName")))?;
        let found = filters.into_iter().find(|filter| text(filter, "filterName") == name);
        Ok(found.unwrap_or_default())
    }

    pub(super) fn change_filter(&mut self) -> Result<String, Fault> {
        let filter = self.filter()?;
        let input = json!({
            "logGroupName": filter["logGroupName"],
            "filterName": filter["filterName"],
            "filterPattern": "{ ($.eventName = DeletePayroll) }",
            "metricTransformations": filter["metricTransformations"],
        });
        self.ask(Service::Logs, "PutMetricFilter", input)?;
        Ok(text(&filter, "filterName").to_owned())
    }

    pub(super) fn delete_filter(&mut self) -> Result<String, Fault> {
        let filter = self.filter()?;
        let input = json!({ "logGroupName": filter["logGroupName"], "filterName": filter["filterName"] });
        self.ask(Service::Logs, "DeleteMetricFilter", input)?;
        Ok(text(&filter, "filterName").to_owned())
    }

    /// An alarm as it is described.
    fn alarm(&mut self) -> Result<Value, Fault> {
        let tokens = ("NextToken", "NextToken");
        let alarms = self.pages(Service::CloudWatch, "DescribeAlarms", json!({}), "MetricAlarms", tokens)?;
        let name = self.first("alarm", alarms.iter().map(|alarm| text(alarm, "AlarmName")))?;
        Ok(alarms.into_iter().find(|alarm| text(alarm, "AlarmName") == name).unwrap_or_default())
    }

    pub(super) fn disable_alarm(&mut self) -> Result<String, Fault> {
        let alarm = self.alarm()?;
        self.ask(Service::CloudWatch, "DisableAlarmActions", json!({ "AlarmNames": [alarm["AlarmName"]] }))?;
        Ok(text(&alarm, "AlarmName").to_owned())
    }

    /// PutMetricAlarm replaces: what is to stay must be given again.
    pub(super) fn change_alarm(&mut self, change: impl FnOnce(&mut Value)) -> Result<String, Fault> {
        let mut alarm = self.alarm()?;
        let before = alarm.clone();
        change(&mut alarm);
        if alarm == before {
            return Err(Fault::absent(format!("alarm {} is so already", text(&alarm, "AlarmName"))));
        }
        self.ask(Service::CloudWatch, "PutMetricAlarm", alarm.clone())?;
        Ok(text(&alarm, "AlarmName").to_owned())
    }
}
