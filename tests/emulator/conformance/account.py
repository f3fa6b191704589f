"""Account Management: Regions."""

from .frame import Context, probe, tries


@probe
def list_regions(c: Context):
    regions = c.every(c.member.account.list_regions, "Regions")
    by_name = {region["RegionName"]: region["RegionOptStatus"] for region in regions}
    return {name: by_name.get(name) for name in ("us-east-1", "eu-west-1", "af-south-1")}


@probe
def list_regions_that_are_enabled(c: Context):
    call = c.member.account.list_regions
    regions = c.every(call, "Regions", RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"])
    return {"statuses": sorted({region["RegionOptStatus"] for region in regions})}


@probe
def status_of_a_region(c: Context):
    call = c.member.account.get_region_opt_status
    return {name: call(RegionName=name)["RegionOptStatus"] for name in ("us-east-1", "af-south-1")}


@probe
def enable_a_default_region(c: Context):
    c.member.account.enable_region(RegionName="us-east-1")


@probe
def status_of_an_unknown_region(c: Context):
    return tries(c.member.account.get_region_opt_status, RegionName="moon-north-1")
