"""CloudWatch Logs: log groups and their metric filters."""

from .frame import Context, pick, probe, tries


def group(c: Context) -> str:
    """A new log group."""
    name = c.name("group")
    c.central.logs.create_log_group(logGroupName=name)
    return name


def counting(group: str, name: str, pattern: str = "{ $.a = 1 }", **more) -> dict:
    """A filter that counts one for each event."""
    metric = {"metricName": name, "metricNamespace": "Conformance", "metricValue": "1"}
    return {
        "logGroupName": group,
        "filterName": name,
        "filterPattern": pattern,
        "metricTransformations": [metric],
        **more,
    }


def names(found: list) -> list:
    return [each["filterName"] for each in found]


@probe
def put_and_describe_a_metric_filter(c: Context):
    name = group(c)
    c.central.logs.put_metric_filter(**counting(name, "one"))
    found = c.central.logs.describe_metric_filters(logGroupName=name)["metricFilters"]
    fields = ("filterName", "filterPattern", "metricTransformations", "logGroupName")
    return [pick(each, *fields) for each in found]


@probe
def a_metric_filter_that_is_put_again_is_replaced(c: Context):
    name = group(c)
    c.central.logs.put_metric_filter(**counting(name, "one"))
    c.central.logs.put_metric_filter(**counting(name, "one", "{ $.a = 2 }"))
    found = c.central.logs.describe_metric_filters(logGroupName=name)["metricFilters"]
    return [each["filterPattern"] for each in found]


@probe
def metric_filters_by_prefix_and_by_metric(c: Context):
    name = group(c)
    for filter in ("ab", "ac", "b"):
        c.central.logs.put_metric_filter(**counting(name, filter))
    describe = c.central.logs.describe_metric_filters
    return {
        "prefix": names(describe(logGroupName=name, filterNamePrefix="a")["metricFilters"]),
        "metric": names(
            describe(logGroupName=name, metricName="b", metricNamespace="Conformance")["metricFilters"]
        ),
        "half a metric": tries(describe, logGroupName=name, metricName="b"),
    }


@probe
def metric_filters_in_pages(c: Context):
    name = group(c)
    for number in range(3):
        c.central.logs.put_metric_filter(**counting(name, f"f{number}"))
    first = c.central.logs.describe_metric_filters(logGroupName=name, limit=2)
    return {"first page": names(first["metricFilters"]), "goes on": "nextToken" in first}


@probe
def metric_filters_of_a_group_that_is_not_there(c: Context):
    absent, logs = c.name("group"), c.central.logs
    return {
        "describe": tries(logs.describe_metric_filters, logGroupName=absent),
        "put": tries(logs.put_metric_filter, **counting(absent, "one")),
        "delete": tries(logs.delete_metric_filter, logGroupName=absent, filterName="one"),
    }


@probe
def delete_a_metric_filter(c: Context):
    name = group(c)
    logs = c.central.logs
    logs.put_metric_filter(**counting(name, "one"))
    return {
        "one that is not there": tries(logs.delete_metric_filter, logGroupName=name, filterName="two"),
        "one that is there": tries(logs.delete_metric_filter, logGroupName=name, filterName="one"),
        "left": names(logs.describe_metric_filters(logGroupName=name)["metricFilters"]),
    }


@probe
def metric_filters_that_cannot_be(c: Context):
    name = group(c)
    put = c.central.logs.put_metric_filter
    return {
        "name": tries(put, **counting(name, "a:b")),
        "pattern": tries(put, **counting(name, "long", "x" * 1025)),
        "transformations": tries(put, **counting(name, "none", metricTransformations=[])),
    }


@probe
def a_hundred_and_first_metric_filter(c: Context):
    name = group(c)
    for number in range(100):
        c.central.logs.put_metric_filter(**counting(name, f"f{number:03}"))
    return {
        "one more": tries(c.central.logs.put_metric_filter, **counting(name, "one")),
        "a change": tries(c.central.logs.put_metric_filter, **counting(name, "f000", "{ $.a = 2 }")),
    }


@probe
def log_groups_by_prefix(c: Context):
    name = group(c)
    c.central.logs.put_metric_filter(**counting(name, "one"))
    found = c.central.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return [pick(each, "logGroupName", "arn", "metricFilterCount") for each in found]


@probe
def a_log_group_that_is_there_already(c: Context):
    c.central.logs.create_log_group(logGroupName=group(c))


@probe
def delete_a_log_group(c: Context):
    name = group(c)
    delete = c.central.logs.delete_log_group
    return [tries(delete, logGroupName=name), tries(delete, logGroupName=name)]
