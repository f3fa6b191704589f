"""CloudTrail: trails."""

from .frame import Context, pick, probe, tries


def bucket(c: Context, caller=None) -> str:
    """A bucket, in emulators that have buckets."""
    name = c.name("trail")
    tries((caller or c.management).s3.create_bucket, Bucket=name)
    return name


def trail(c: Context, caller=None, **arguments) -> str:
    """A new trail's name."""
    caller, name = caller or c.member, c.name("trail")
    caller.cloudtrail.create_trail(Name=name, S3BucketName=bucket(c, caller), **arguments)
    # An account has few of them.
    c.later(caller.cloudtrail.delete_trail, Name=name)
    return name


FIELDS = ("TrailARN", "HomeRegion", "IsMultiRegionTrail", "IncludeGlobalServiceEvents", "IsOrganizationTrail")


@probe
def create_and_get_a_trail(c: Context):
    name = trail(c)
    found = c.member.cloudtrail.get_trail(Name=name)["Trail"]
    return {
        **pick(found, "Name", *FIELDS),
        "logging": c.member.cloudtrail.get_trail_status(Name=name)["IsLogging"],
    }


@probe
def start_and_stop_logging(c: Context):
    cloudtrail, name, seen = c.member.cloudtrail, trail(c), []
    for call in (cloudtrail.start_logging, cloudtrail.start_logging, cloudtrail.stop_logging):
        call(Name=name)
        seen.append(cloudtrail.get_trail_status(Name=name)["IsLogging"])
    return seen


@probe
def trails_that_do_not_exist(c: Context):
    cloudtrail = c.member.cloudtrail
    return {
        "get": tries(cloudtrail.get_trail, Name="absent"),
        "status": tries(cloudtrail.get_trail_status, Name="absent"),
        "selectors": tries(cloudtrail.get_event_selectors, TrailName="absent"),
        "start": tries(cloudtrail.start_logging, Name="absent"),
        "delete": tries(cloudtrail.delete_trail, Name="absent"),
        "describe": len(cloudtrail.describe_trails(trailNameList=["absent"])["trailList"]),
    }


@probe
def create_trails_that_cannot_be(c: Context):
    call, there = c.member.cloudtrail.create_trail, bucket(c, c.member)
    name = trail(c)
    return {
        "again": tries(call, Name=name, S3BucketName=there),
        "name with a space": tries(call, Name="a b", S3BucketName=there),
        "name too short": tries(call, Name="ab", S3BucketName=there),
    }


@probe
def default_event_selectors(c: Context):
    answer = c.member.cloudtrail.get_event_selectors(TrailName=trail(c))
    fields = ("ReadWriteType", "IncludeManagementEvents", "DataResources")
    return [pick(selector, *fields) for selector in answer.get("EventSelectors", [])]


@probe
def change_event_selectors(c: Context):
    cloudtrail, name = c.member.cloudtrail, trail(c)
    cloudtrail.put_event_selectors(
        TrailName=name, EventSelectors=[{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]
    )
    answer = cloudtrail.get_event_selectors(TrailName=name)["EventSelectors"]
    return [pick(selector, "ReadWriteType", "IncludeManagementEvents") for selector in answer]


@probe
def advanced_selectors_replace_the_others(c: Context):
    cloudtrail, name = c.member.cloudtrail, trail(c)
    fields = [{"Field": "eventCategory", "Equals": ["Management"]}]
    cloudtrail.put_event_selectors(
        TrailName=name, AdvancedEventSelectors=[{"Name": "management", "FieldSelectors": fields}]
    )
    answer = cloudtrail.get_event_selectors(TrailName=name)
    return {
        "classic": len(answer.get("EventSelectors") or []),
        "advanced": len(answer.get("AdvancedEventSelectors") or []),
    }


@probe
def a_trail_of_all_regions_is_seen_in_each(c: Context):
    name = trail(c, IsMultiRegionTrail=True)
    client = c.member.client("cloudtrail", "eu-west-1")
    all_of_them = client.describe_trails()["trailList"]
    own = client.describe_trails(includeShadowTrails=False)["trailList"]
    return {
        "seen": [pick(found, *FIELDS) for found in all_of_them if found["Name"] == name],
        "without shadows": len([found for found in own if found["Name"] == name]),
    }


@probe
def a_trail_is_changed_at_home_only(c: Context):
    arn = f"arn:aws:cloudtrail:us-east-1:{c.member.id}:trail/{trail(c, IsMultiRegionTrail=True)}"
    abroad = c.member.client("cloudtrail", "eu-west-1")
    return {
        "stop": tries(abroad.stop_logging, Name=arn),
        "delete": tries(abroad.delete_trail, Name=arn),
    }


@probe
def a_trail_of_one_region_is_not_seen_in_another(c: Context):
    name = trail(c)
    client = c.member.client("cloudtrail", "eu-west-1")
    return len([found for found in client.describe_trails()["trailList"] if found["Name"] == name])


def organization_trail(c: Context) -> str:
    tries(c.management.organizations.enable_aws_service_access, ServicePrincipal="cloudtrail.amazonaws.com")
    name = trail(c, c.management, IsMultiRegionTrail=True, IsOrganizationTrail=True)
    return f"arn:aws:cloudtrail:us-east-1:{c.management.id}:trail/{name}"


@probe
def an_organization_trail_is_seen_in_members(c: Context):
    arn = organization_trail(c)
    trails = c.member.cloudtrail.describe_trails()["trailList"]
    return [pick(found, *FIELDS) for found in trails if found["TrailARN"] == arn]


@probe
def an_organization_trail_is_not_a_members_to_change(c: Context):
    arn = organization_trail(c)
    cloudtrail = c.member.cloudtrail
    return {
        "stop": tries(cloudtrail.stop_logging, Name=arn),
        "delete": tries(cloudtrail.delete_trail, Name=arn),
        "update": tries(cloudtrail.update_trail, Name=arn, IncludeGlobalServiceEvents=False),
    }


@probe
def an_organization_trail_from_a_member(c: Context):
    trail(c, c.member, IsMultiRegionTrail=True, IsOrganizationTrail=True)
