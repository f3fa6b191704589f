"""Makes what auditors ask for, and leaves out one thing in each account.

`plant.py --endpoint URL --standard cis-1.4 ACCOUNT=GAP ...` gives each account a multi-Region trail with a
log group, the metric filters that the standard prescribes, an alarm on each and a topic that somebody is
subscribed to, but for the gap that is named, which may be `none`.
"""

import argparse
import sys
import tomllib
from pathlib import Path

from audit import store
from botocore.exceptions import BotoCoreError, ClientError
from cloud import REGION, Account, Cloud
from gaps import GAPS

COMPLIANCE = Path(__file__).parents[2] / "src" / "compliance"
GROUP, TRAIL, NAMESPACE = "trail-logs", "own-trail", "CISBenchmark"


def table(name: str, key: str) -> list[dict]:
    return tomllib.loads((COMPLIANCE / f"{name}.toml").read_text())[key]


def prescribed(standard: str) -> list[tuple[dict, str]]:
    """Each theme of the standard with the pattern that is its own."""
    themes = {theme["id"]: theme for theme in table("themes", "theme")}
    controls = next(row for row in table("standards", "standard") if row["id"] == standard)["controls"]

    def own(theme: dict) -> str:
        text = next(row["text"] for row in theme["pattern"] if standard in row["meets"])
        return " ".join(text.split())

    return [(themes[theme], own(themes[theme])) for _, theme in controls]


def make_trail(account: Account, gap: str) -> None:
    bucket, role = f"trail-of-{account.id}", f"arn:aws:iam::{account.id}:role/cloudtrail-logs"
    store(account).create_bucket(Bucket=bucket)
    cloudtrail = account.client("cloudtrail")
    logs = {
        "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{REGION}:{account.id}:log-group:{GROUP}:*",
        "CloudWatchLogsRoleArn": role,
    }
    cloudtrail.create_trail(
        Name=TRAIL,
        S3BucketName=bucket,
        IsMultiRegionTrail=gap != "one-region",
        **({} if gap == "no-log-group" else logs),
    )
    # AWS: so a trail begins; the emulator's has none.
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    cloudtrail.put_event_selectors(TrailName=TRAIL, EventSelectors=[selector])
    if gap != "stopped":
        cloudtrail.start_logging(Name=TRAIL)


def plant(account: Account, standard: str, gap: str) -> None:
    logs, cloudwatch, sns = (account.client(name) for name in ("logs", "cloudwatch", "sns"))
    logs.create_log_group(logGroupName=GROUP)
    topic = sns.create_topic(Name="auditors")["TopicArn"]
    if gap != "nobody-subscribed":
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="auditor@example.com")
    if gap != "no-trail":
        make_trail(account, gap)
    if gap == "many-filters":
        for number in range(120):
            put_filter(logs, f"a-{number:03}", "ERROR", "theirs")
    for theme, pattern in prescribed(standard):
        if gap != "no-filter":
            put_filter(logs, f"of-{theme['id']}", otherwise(pattern, gap), theme["metric_name"])
        if gap != "no-alarm":
            cloudwatch.put_metric_alarm(
                AlarmName=theme["alarm_name"],
                MetricName=theme["metric_name"],
                Namespace=NAMESPACE,
                Statistic="Sum",
                Period=300,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                ActionsEnabled=gap != "alarm-disabled",
                AlarmActions=[] if gap == "no-actions" else [topic],
            )


def otherwise(pattern: str, gap: str) -> str:
    """The pattern, or of IAM policy changes and CloudTrail changes one that is not quite what is prescribed."""
    detach, stop = "($.eventName = DetachGroupPolicy)", "($.eventName = StopLogging)"
    if gap == "wrong-pattern":
        return pattern.replace(f" || {detach}", "").replace("StopLogging", "Stop")
    if gap == "wider-pattern":
        return pattern.replace(detach, f"{detach} || ($.eventName = TagPolicy)").replace(
            stop, f"{stop} || ($.eventName = AddTags)"
        )
    return pattern


def put_filter(logs, name: str, pattern: str, metric: str) -> None:
    logs.put_metric_filter(
        logGroupName=GROUP,
        filterName=name,
        filterPattern=pattern,
        metricTransformations=[{"metricName": metric, "metricNamespace": NAMESPACE, "metricValue": "1"}],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True, help="e.g. http://127.0.0.1:5000")
    parser.add_argument("--standard", required=True)
    parser.add_argument("accounts", nargs="+", metavar="ACCOUNT=GAP", help=", ".join(GAPS))
    arguments = parser.parse_args()
    cloud = Cloud(arguments.endpoint)
    for account, gap in (pair.split("=", 1) for pair in arguments.accounts):
        if gap not in GAPS:
            parser.error(f"{gap} is none of {', '.join(GAPS)}")
        try:
            plant(cloud.account(account), arguments.standard, gap)
        except (BotoCoreError, ClientError) as error:
            sys.exit(f"not planted in {account}: {error}")


if __name__ == "__main__":
    main()
