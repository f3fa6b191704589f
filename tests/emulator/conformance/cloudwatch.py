"""CloudWatch: alarms, their tags, and figures."""

import datetime

from .frame import Context, pick, probe, tags, tries


def alarm(name: str, **more) -> dict:
    """An alarm on a metric that nothing is measured of."""
    settings = {
        "AlarmName": name,
        "Namespace": "Conformance",
        "MetricName": name,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
    }
    return {**settings, **more}


def described(c: Context, name: str) -> dict:
    alarms = c.central.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarms[0] if alarms else {}


@probe
def put_and_describe_an_alarm(c: Context):
    name = c.name("alarm")
    topic = f"arn:aws:sns:us-east-1:{c.central.id}:nothing"
    settings = alarm(
        name, Dimensions=[{"Name": "RuleName", "Value": "r"}], AlarmActions=[topic], AlarmDescription="said"
    )
    c.central.cloudwatch.put_metric_alarm(**settings)
    return pick(described(c, name), *settings, "AlarmArn", "ActionsEnabled", "OKActions")


@probe
def an_alarm_that_is_put_again_is_overwritten(c: Context):
    name = c.name("alarm")
    cloudwatch = c.central.cloudwatch
    cloudwatch.put_metric_alarm(**alarm(name, AlarmDescription="said", DatapointsToAlarm=2))
    cloudwatch.put_metric_alarm(**alarm(name, Threshold=5.0))
    return pick(described(c, name), "Threshold", "AlarmDescription", "DatapointsToAlarm")


@probe
def tags_of_an_alarm(c: Context):
    name = c.name("alarm")
    cloudwatch = c.central.cloudwatch
    cloudwatch.put_metric_alarm(**alarm(name), Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    arn = described(c, name)["AlarmArn"]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "3"}])
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["a"])
    return tags(cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])


@probe
def tags_of_an_alarm_that_is_not_there(c: Context):
    arn = f"arn:aws:cloudwatch:us-east-1:{c.central.id}:alarm:{c.name()}"
    c.central.cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "3"}])


@probe
def actions_are_disabled_and_enabled(c: Context):
    name = c.name("alarm")
    cloudwatch = c.central.cloudwatch
    cloudwatch.put_metric_alarm(**alarm(name))
    cloudwatch.disable_alarm_actions(AlarmNames=[name])
    before = described(c, name)["ActionsEnabled"]
    cloudwatch.enable_alarm_actions(AlarmNames=[name])
    return [before, described(c, name)["ActionsEnabled"]]


@probe
def alarms_by_prefix(c: Context):
    name = c.name("alarm")
    cloudwatch = c.central.cloudwatch
    for end in "abc":
        cloudwatch.put_metric_alarm(**alarm(name + end))
    found = cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    return [each["AlarmName"] for each in found]


@probe
def alarms_of_a_metric(c: Context):
    name = c.name("alarm")
    cloudwatch = c.central.cloudwatch
    cloudwatch.put_metric_alarm(**alarm(name))
    found = cloudwatch.describe_alarms_for_metric(Namespace="Conformance", MetricName=name)["MetricAlarms"]
    other = cloudwatch.describe_alarms_for_metric(Namespace="Else", MetricName=name)["MetricAlarms"]
    return [[each["AlarmName"] for each in found], other]


@probe
def delete_alarms(c: Context):
    name = c.name("alarm")
    cloudwatch = c.central.cloudwatch
    cloudwatch.put_metric_alarm(**alarm(name))
    return {
        "one that is not there": tries(cloudwatch.delete_alarms, AlarmNames=[name + "x"]),
        "two of which one is not there": tries(cloudwatch.delete_alarms, AlarmNames=[name, name + "x"]),
        "still there": bool(described(c, name)),
        "one that is there": tries(cloudwatch.delete_alarms, AlarmNames=[name]),
        "then": bool(described(c, name)),
    }


@probe
def alarms_that_cannot_be(c: Context):
    name = c.name("alarm")
    put = c.central.cloudwatch.put_metric_alarm
    return {
        "period": tries(put, **alarm(name, Period=45)),
        "datapoints": tries(put, **alarm(name, DatapointsToAlarm=4)),
        "comparison": tries(put, **alarm(name, ComparisonOperator="Equals")),
        "action": tries(put, **alarm(name, AlarmActions=["health"])),
    }


@probe
def figures_are_summed(c: Context):
    name = c.name("metric")
    cloudwatch = c.central.cloudwatch
    now = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0) - datetime.timedelta(minutes=2)
    for value in (1.0, 2.0, 4.0):
        datum = {"MetricName": name, "Value": value, "Timestamp": now}
        cloudwatch.put_metric_data(Namespace="Conformance", MetricData=[datum])
    window = {"StartTime": now, "EndTime": now + datetime.timedelta(minutes=1)}
    metric = {"Namespace": "Conformance", "MetricName": name}
    points = cloudwatch.get_metric_statistics(**metric, **window, Period=60, Statistics=["Sum", "Maximum"])
    query = {"Id": "sum", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    data = cloudwatch.get_metric_data(MetricDataQueries=[query], **window)
    return {
        "statistics": [pick(point, "Sum", "Maximum") for point in points["Datapoints"]],
        "data": [pick(result, "Id", "Values", "StatusCode") for result in data["MetricDataResults"]],
    }


@probe
def nothing_was_measured(c: Context):
    name = c.name("metric")
    now = datetime.datetime.now(datetime.UTC)
    query = {
        "Id": "sum",
        "MetricStat": {"Metric": {"Namespace": "Conformance", "MetricName": name}, "Period": 60, "Stat": "Sum"},
    }
    data = c.central.cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=now - datetime.timedelta(minutes=5), EndTime=now
    )
    return [pick(result, "Id", "Values") for result in data["MetricDataResults"]]


@probe
def aws_namespaces_are_closed(c: Context):
    datum = {"MetricName": "Invocations", "Value": 1.0}
    c.central.cloudwatch.put_metric_data(Namespace="AWS/Events", MetricData=[datum])
