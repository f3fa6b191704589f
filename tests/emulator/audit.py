"""Makes a trail with a log group in an account, or audits one as the CIS AWS Foundations Benchmark and CWL-010 say.

With --prepare there is a multi-Region trail of the organization afterwards that logs all management events to a log
group, and the group's ARN is printed. Without it, the audit of one theme is made by boto3 alone, step by step in the
order of the benchmark's text, and what each step finds is printed as one JSON object. Nothing is interpreted here.
"""

import argparse
import json
import sys

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from cloud import CONFIG, REGION, Cloud, pages

TRAIL, GROUP = "organization-trail", "aws-cloudtrail-logs-organization"


def store(account):
    """A client of S3 of its own: the session that all others share takes what boto3 adds to S3 only once."""
    return botocore.session.Session().create_client(
        "s3",
        endpoint_url=account.endpoint,
        config=CONFIG,
        aws_access_key_id=account.credentials["AccessKeyId"],
        aws_secret_access_key=account.credentials["SecretAccessKey"],
        aws_session_token=account.credentials["SessionToken"],
    )


def prepare(account) -> str:
    bucket = f"{TRAIL}-{account.id}"
    store(account).create_bucket(Bucket=bucket)
    account.client("logs").create_log_group(logGroupName=GROUP)
    arn = f"arn:aws:logs:{REGION}:{account.id}:log-group:{GROUP}:*"
    cloudtrail = account.client("cloudtrail")
    cloudtrail.create_trail(
        Name=TRAIL,
        S3BucketName=bucket,
        IsMultiRegionTrail=True,
        IsOrganizationTrail=True,
        IncludeGlobalServiceEvents=True,
        CloudWatchLogsLogGroupArn=arn,
        CloudWatchLogsRoleArn=f"arn:aws:iam::{account.id}:role/cloudtrail-logs",
    )
    # What AWS has as its default, and the emulator has not.
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    cloudtrail.put_event_selectors(TrailName=TRAIL, EventSelectors=[selector])
    cloudtrail.start_logging(Name=TRAIL)
    return arn


def audit(account, topics, metric: str) -> dict:
    """What the audit procedure finds of a metric in the account of the trail; `topics` is who may ask for subscriptions."""
    cloudtrail, logs, cloudwatch = (account.client(name) for name in ("cloudtrail", "logs", "cloudwatch"))
    # 1. An active multi-Region trail that logs management events, and its log group.
    trails = [trail for trail in cloudtrail.describe_trails()["trailList"] if trail["IsMultiRegionTrail"]]
    active = [trail for trail in trails if cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]]
    group = active[0]["CloudWatchLogsLogGroupArn"].split(":")[6]
    selectors = cloudtrail.get_event_selectors(TrailName=active[0]["TrailARN"]).get("EventSelectors", [])
    # 2. The metric filters of the group, and of these the ones of the metric.
    filters = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    counting = [
        {"name": found["filterName"], "pattern": found["filterPattern"], **transformation}
        for found in filters
        for transformation in found["metricTransformations"]
        if transformation["metricName"] == metric
    ]
    # 3. The alarms of the metric.
    alarms = []
    for namespace in sorted({found["metricNamespace"] for found in counting}):
        alarms += cloudwatch.describe_alarms_for_metric(MetricName=metric, Namespace=namespace)["MetricAlarms"]
    # 4. Who is subscribed to the topic of the alarm.
    actions = sorted({action for alarm in alarms for action in alarm["AlarmActions"]})
    listed = [
        subscription
        for action in actions
        for subscription in pages(topics.client("sns").list_subscriptions_by_topic, "Subscriptions", TopicArn=action)
    ]
    return {
        "trails": [trail["Name"] for trail in active],
        "selectors": [[each["ReadWriteType"], each["IncludeManagementEvents"]] for each in selectors],
        "filters": counting,
        "alarms": [
            {
                name: alarm.get(name)
                for name in (
                    "AlarmName",
                    "Statistic",
                    "Period",
                    "EvaluationPeriods",
                    "Threshold",
                    "ComparisonOperator",
                    "TreatMissingData",
                    "ActionsEnabled",
                    "AlarmActions",
                )
            }
            for alarm in alarms
        ],
        "subscriptions": [[each["Protocol"], each["Endpoint"], each["SubscriptionArn"]] for each in listed],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--endpoint", required=True, help="e.g. http://127.0.0.1:5000")
    parser.add_argument("--account", required=True, metavar="ID", help="the account of the trail")
    parser.add_argument("--central", required=True, metavar="ID", help="the account of the topics")
    parser.add_argument("--prepare", action="store_true", help="make the trail and its log group")
    parser.add_argument("--metric", help="the metric whose filter and alarm are audited")
    arguments = parser.parse_args()
    cloud = Cloud(arguments.endpoint)
    try:
        if arguments.prepare:
            print(prepare(cloud.account(arguments.account)))
            return
        found = audit(cloud.account(arguments.account), cloud.account(arguments.central), arguments.metric)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"not audited: {error}")
    print(json.dumps(found, indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
