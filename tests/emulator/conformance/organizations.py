"""Organizations: the organization itself, its accounts, delegation."""

from .frame import ACCESS_ROLE, Context, pick, probe, tags, tries


def create(c: Context, **arguments) -> dict:
    """Creates an account and answers the final status."""
    organizations = c.management.organizations
    name = c.name("account")
    arguments = {"AccountName": name, "Email": f"{name}@example.com"} | arguments
    status = organizations.create_account(**arguments)["CreateAccountStatus"]

    def look():
        answer = organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])
        now = answer["CreateAccountStatus"]
        return now if now["State"] != "IN_PROGRESS" else None

    return c.until(look, 15)


@probe
def describe_organization(c: Context):
    answer = c.management.organizations.describe_organization()["Organization"]
    return pick(answer, "Id", "Arn", "FeatureSet", "MasterAccountId", "MasterAccountArn")


@probe
def describe_organization_from_a_member(c: Context):
    return pick(c.member.organizations.describe_organization()["Organization"], "Id", "MasterAccountId")


@probe
def list_accounts_in_pages(c: Context):
    organizations, sizes, ids, token = c.management.organizations, [], [], {}
    while True:
        page = organizations.list_accounts(MaxResults=2, **token)
        sizes.append(len(page["Accounts"]))
        ids += [account["Id"] for account in page["Accounts"]]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    whole = c.every(organizations.list_accounts, "Accounts")
    same = sorted(ids) == sorted(account["Id"] for account in whole)
    return {"largest page": max(sizes), "same as in one": same}


@probe
def list_accounts_default_page(c: Context):
    # More accounts than one page of AWS's holds.
    accounts = len(c.every(c.management.organizations.list_accounts, "Accounts"))
    for _ in range(21 - accounts):
        create(c)
    first = c.management.organizations.list_accounts()
    return {"20 at most": len(first["Accounts"]) <= 20, "more": "NextToken" in first}


@probe
def list_accounts_max_results(c: Context):
    call = c.management.organizations.list_accounts
    return {str(number): tries(call, MaxResults=number) for number in (0, 1, 20, 21)}


@probe
def list_accounts_with_a_made_up_token(c: Context):
    c.management.organizations.list_accounts(NextToken="made-up")


@probe
def list_accounts_from_a_member(c: Context):
    c.member.organizations.list_accounts()


@probe
def list_accounts_from_a_delegated_administrator(c: Context):
    organizations, service = c.management.organizations, "ssm.amazonaws.com"
    organizations.enable_aws_service_access(ServicePrincipal=service)
    organizations.register_delegated_administrator(AccountId=c.other.id, ServicePrincipal=service)
    try:
        seen = c.every(c.other.organizations.list_accounts, "Accounts")
        return {"all": len(seen) == len(c.every(organizations.list_accounts, "Accounts"))}
    finally:
        tries(organizations.deregister_delegated_administrator, AccountId=c.other.id, ServicePrincipal=service)


@probe
def fields_of_an_account(c: Context):
    for account in c.every(c.management.organizations.list_accounts, "Accounts"):
        if account["Id"] == c.member.id:
            path = [part for paths in account.get("Paths", []) for part in paths.split("/")]
            return {
                **pick(account, "Id", "Arn", "State", "Status", "JoinedMethod"),
                "Email": "@" in account["Email"],
                "Name": bool(account["Name"]),
                "JoinedTimestamp": "JoinedTimestamp" in account,
                "Paths": path[:2] == [c.organization, c.root] and c.member.id in path,
            }
    return "absent"


@probe
def fields_of_the_management_account(c: Context):
    account = c.management.organizations.describe_account(AccountId=c.management.id)["Account"]
    return pick(account, "Id", "Arn", "State", "JoinedMethod")


@probe
def describe_an_account_that_does_not_exist(c: Context):
    c.management.organizations.describe_account(AccountId="999999999999")


@probe
def describe_an_account_by_a_malformed_id(c: Context):
    c.management.organizations.describe_account(AccountId="12")


@probe
def reads_from_a_member(c: Context):
    organizations = c.member.organizations
    return {
        "DescribeAccount": tries(organizations.describe_account, AccountId=c.central.id),
        "ListRoots": tries(organizations.list_roots),
        "ListParents": tries(organizations.list_parents, ChildId=c.member.id),
        "ListTagsForResource": tries(organizations.list_tags_for_resource, ResourceId=c.member.id),
        "ListAccountsForParent": tries(organizations.list_accounts_for_parent, ParentId=c.root),
    }


@probe
def writes_from_a_member(c: Context):
    organizations = c.member.organizations
    return {
        "CreateOrganizationalUnit": tries(
            organizations.create_organizational_unit, ParentId=c.root, Name=c.name()
        ),
        "CreateAccount": tries(organizations.create_account, Email="a@example.com", AccountName=c.name()),
        "TagResource": tries(
            organizations.tag_resource, ResourceId=c.member.id, Tags=[{"Key": "a", "Value": "b"}]
        ),
        "CloseAccount": tries(organizations.close_account, AccountId=c.other.id),
    }


@probe
def create_account_answers_before_it_is_done(c: Context):
    name = c.name("account")
    answer = c.management.organizations.create_account(Email=f"{name}@example.com", AccountName=name)
    return pick(answer["CreateAccountStatus"], "State", "AccountName")


@probe
def create_account_then_use_it(c: Context):
    status = create(c, Tags=[{"Key": "team", "Value": "red"}])
    account = c.administrator(status["AccountId"])
    listed = c.management.organizations.list_tags_for_resource(ResourceId=status["AccountId"])["Tags"]
    return {
        "State": status["State"],
        "identity": account.sts.get_caller_identity()["Account"] == status["AccountId"],
        "tags": tags(listed),
        "parent": c.management.organizations.list_parents(ChildId=status["AccountId"])["Parents"],
    }


@probe
def create_account_gives_an_administrator_role(c: Context):
    account = c.administrator(create(c)["AccountId"])
    attached = account.iam.list_attached_role_policies(RoleName=ACCESS_ROLE)["AttachedPolicies"]
    trust = account.iam.get_role(RoleName=ACCESS_ROLE)["Role"]["AssumeRolePolicyDocument"]
    return {
        "attached": [policy["PolicyArn"] for policy in attached],
        "trusts": trust["Statement"][0]["Principal"],
    }


@probe
def create_account_with_another_role_name(c: Context):
    account = create(c, RoleName="AuditAccess")["AccountId"]
    c.assume(f"arn:aws:iam::{account}:role/AuditAccess").sts.get_caller_identity()


@probe
def create_account_with_an_email_that_is_taken(c: Context):
    email = f"{c.name('taken')}@example.com"
    create(c, Email=email)
    return pick(create(c, Email=email), "State", "FailureReason")


@probe
def status_of_an_unknown_creation(c: Context):
    c.management.organizations.describe_create_account_status(CreateAccountRequestId="car-" + "0" * 32)


@probe
def close_account(c: Context):
    organizations, account = c.management.organizations, create(c)["AccountId"]
    organizations.close_account(AccountId=account)
    state = organizations.describe_account(AccountId=account)["Account"]["State"]
    return {
        "closing": state in ("PENDING_CLOSURE", "SUSPENDED"),
        "listed": account in [a["Id"] for a in c.every(organizations.list_accounts, "Accounts")],
    }


@probe
def close_account_again(c: Context):
    organizations, account = c.management.organizations, create(c)["AccountId"]
    organizations.close_account(AccountId=account)
    # How, depends on whether the account is closing still.
    return {"refused": tries(organizations.close_account, AccountId=account) != "ok"}


@probe
def close_an_account_that_does_not_exist(c: Context):
    c.management.organizations.close_account(AccountId="999999999999")


@probe
def assume_a_role_in_a_closed_account(c: Context):
    account = create(c)["AccountId"]
    c.management.organizations.close_account(AccountId=account)
    c.administrator(account)


@probe
def remove_an_account_that_does_not_exist(c: Context):
    c.management.organizations.remove_account_from_organization(AccountId="999999999999")


@probe
def service_access(c: Context):
    organizations, service = c.management.organizations, "access-analyzer.amazonaws.com"
    organizations.enable_aws_service_access(ServicePrincipal=service)
    enabled = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    return {"enabled": service in [entry["ServicePrincipal"] for entry in enabled]}


@probe
def delegated_administrators(c: Context):
    organizations, service = c.management.organizations, "config.amazonaws.com"
    call = organizations.register_delegated_administrator
    organizations.enable_aws_service_access(ServicePrincipal=service)
    outcomes = {
        "first": tries(call, AccountId=c.other.id, ServicePrincipal=service),
        "again": tries(call, AccountId=c.other.id, ServicePrincipal=service),
        "management": tries(call, AccountId=c.management.id, ServicePrincipal=service),
        "unknown account": tries(call, AccountId="999999999999", ServicePrincipal=service),
        "unknown service": tries(call, AccountId=c.other.id, ServicePrincipal="nothing.example.com"),
    }
    listed = organizations.list_delegated_administrators(ServicePrincipal=service)["DelegatedAdministrators"]
    outcomes["listed"] = [entry["Id"] for entry in listed]
    tries(organizations.deregister_delegated_administrator, AccountId=c.other.id, ServicePrincipal=service)
    return outcomes


@probe
def delegate_cloudtrail(c: Context):
    organizations, service = c.management.organizations, "cloudtrail.amazonaws.com"
    organizations.enable_aws_service_access(ServicePrincipal=service)
    try:
        organizations.register_delegated_administrator(AccountId=c.other.id, ServicePrincipal=service)
    finally:
        tries(organizations.deregister_delegated_administrator, AccountId=c.other.id, ServicePrincipal=service)
