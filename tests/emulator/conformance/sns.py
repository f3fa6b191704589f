"""SNS: topics, their attributes, policies, tags."""

import json

from .frame import Context, allow, document, probe, tags, tries


def topic(c: Context, **arguments) -> str:
    return c.central.sns.create_topic(Name=c.name("topic"), **arguments)["TopicArn"]


def attributes(c: Context, arn: str) -> dict:
    return c.central.sns.get_topic_attributes(TopicArn=arn)["Attributes"]


def absent(c: Context) -> str:
    return f"arn:aws:sns:us-east-1:{c.central.id}:absent"


def open_to(arn: str, principal, *actions: str) -> str:
    return json.dumps(document(allow(*actions, resource=arn, Principal=principal)))


@probe
def create_and_get_a_topic(c: Context):
    found = attributes(c, topic(c))
    names = (
        "TopicArn",
        "Owner",
        "DisplayName",
        "SubscriptionsConfirmed",
        "SubscriptionsPending",
        "SubscriptionsDeleted",
    )
    return {name: found.get(name) for name in names}


@probe
def the_policy_of_a_new_topic(c: Context):
    found = json.loads(attributes(c, topic(c))["Policy"])
    statement = found["Statement"][0]
    return {
        **{key: statement.get(key) for key in ("Sid", "Effect", "Principal", "Resource", "Condition")},
        "Action": sorted(action.lower() for action in statement["Action"]),
    }


@probe
def create_a_topic_again(c: Context):
    name = c.name("topic")
    first, second = (c.central.sns.create_topic(Name=name)["TopicArn"] for _ in range(2))
    return {"same": first == second, "arn": first}


@probe
def create_a_topic_again_with_other_attributes(c: Context):
    name = c.name("topic")
    c.central.sns.create_topic(Name=name, Attributes={"DisplayName": "one"})
    c.central.sns.create_topic(Name=name, Attributes={"DisplayName": "two"})


@probe
def create_a_topic_again_with_other_tags(c: Context):
    name = c.name("topic")
    c.central.sns.create_topic(Name=name, Tags=[{"Key": "a", "Value": "1"}])
    c.central.sns.create_topic(Name=name, Tags=[{"Key": "a", "Value": "2"}])


@probe
def create_topics_with_names_that_cannot_be(c: Context):
    call = c.central.sns.create_topic
    return {
        "with a space": tries(call, Name="a b"),
        "with a dot": tries(call, Name="a.b"),
        "257 letters": tries(call, Name="t" * 257),
        "empty": tries(call, Name=""),
    }


@probe
def topics_that_do_not_exist(c: Context):
    sns, arn = c.central.sns, absent(c)
    return {
        "get": tries(sns.get_topic_attributes, TopicArn=arn),
        "set": tries(sns.set_topic_attributes, TopicArn=arn, AttributeName="DisplayName", AttributeValue="a"),
        "subscribe": tries(sns.subscribe, TopicArn=arn, Protocol="email", Endpoint="a@example.com"),
        "list subscriptions": tries(sns.list_subscriptions_by_topic, TopicArn=arn),
        "publish": tries(sns.publish, TopicArn=arn, Message="a"),
        "tag": tries(sns.tag_resource, ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}]),
        "list tags": tries(sns.list_tags_for_resource, ResourceArn=arn),
        "delete": tries(sns.delete_topic, TopicArn=arn),
    }


@probe
def a_topic_that_is_no_arn(c: Context):
    return {
        "get": tries(c.central.sns.get_topic_attributes, TopicArn="topic"),
        "list subscriptions": tries(c.central.sns.list_subscriptions_by_topic, TopicArn="topic"),
    }


@probe
def a_topic_of_another_region(c: Context):
    arn = topic(c)
    c.central.client("sns", "eu-west-1").get_topic_attributes(TopicArn=arn)


@probe
def set_the_policy(c: Context):
    arn = topic(c)
    given = open_to(arn, {"Service": "events.amazonaws.com"}, "sns:Publish")
    c.central.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=given)
    return {"as given": json.loads(attributes(c, arn)["Policy"]) == json.loads(given)}


@probe
def set_a_policy_that_is_no_json(c: Context):
    c.central.sns.set_topic_attributes(TopicArn=topic(c), AttributeName="Policy", AttributeValue="allow all")


@probe
def set_an_unknown_attribute(c: Context):
    c.central.sns.set_topic_attributes(TopicArn=topic(c), AttributeName="Nothing", AttributeValue="a")


@probe
def set_a_display_name(c: Context):
    sns, arn = c.central.sns, topic(c)
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="Alerts")
    return attributes(c, arn)["DisplayName"]


@probe
def set_too_long_a_display_name(c: Context):
    c.central.sns.set_topic_attributes(
        TopicArn=topic(c), AttributeName="DisplayName", AttributeValue="d" * 101
    )


@probe
def set_a_key(c: Context):
    sns, arn = c.central.sns, topic(c)
    sns.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue="alias/watch")
    return attributes(c, arn).get("KmsMasterKeyId")


@probe
def tag_a_topic(c: Context):
    sns, arn = c.central.sns, topic(c, Tags=[{"Key": "a", "Value": "1"}])
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["b", "absent"])
    return tags(sns.list_tags_for_resource(ResourceArn=arn)["Tags"])


@probe
def list_topics_in_pages_of_100(c: Context):
    # In a Region and account that no other probe uses.
    sns = c.other.client("sns", "eu-west-2")
    for number in range(101):
        made = sns.create_topic(Name=f"{c.name('many')}-{number}")
        c.later(sns.delete_topic, TopicArn=made["TopicArn"])
    first = sns.list_topics()
    rest = sns.list_topics(NextToken=first.get("NextToken", ""))
    return [len(first["Topics"]), len(rest["Topics"]), "NextToken" in rest]


@probe
def delete_a_topic(c: Context):
    sns, arn = c.central.sns, topic(c)
    return [
        tries(sns.delete_topic, TopicArn=arn),
        tries(sns.get_topic_attributes, TopicArn=arn),
        tries(sns.delete_topic, TopicArn=arn),
    ]


@probe
def another_accounts_topic(c: Context):
    sns, arn = c.member.sns, topic(c)
    return {
        "get": tries(sns.get_topic_attributes, TopicArn=arn),
        "publish": tries(sns.publish, TopicArn=arn, Message="a"),
        "delete": tries(sns.delete_topic, TopicArn=arn),
        "subscribe": tries(sns.subscribe, TopicArn=arn, Protocol="email", Endpoint="a@example.com"),
    }


@probe
def another_accounts_topic_that_is_open(c: Context):
    arn = topic(c)
    given = open_to(arn, {"AWS": c.member.id}, "sns:Publish", "sns:GetTopicAttributes")
    c.central.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=given)
    return {
        "member gets": tries(c.member.sns.get_topic_attributes, TopicArn=arn),
        "member publishes": tries(c.member.sns.publish, TopicArn=arn, Message="a"),
        "other publishes": tries(c.other.sns.publish, TopicArn=arn, Message="a"),
    }


@probe
def publish_too_much(c: Context):
    c.central.sns.publish(TopicArn=topic(c), Message="m" * (256 * 1024 + 1))


@probe
def publish_nothing(c: Context):
    c.central.sns.publish(TopicArn=topic(c), Message="")


@probe
def statements_of_a_topics_policy(c: Context):
    sns, arn = c.central.sns, topic(c)
    call = sns.add_permission

    def add(label, *actions):
        return tries(call, TopicArn=arn, Label=label, AWSAccountId=[c.member.id], ActionName=list(actions))

    outcomes = {"add": add("one", "Publish"), "again": add("one", "Publish"), "unknown": add("two", "Nothing")}
    outcomes["member"] = tries(c.member.sns.publish, TopicArn=arn, Message="a")
    outcomes["remove"] = tries(sns.remove_permission, TopicArn=arn, Label="one")
    outcomes["member after"] = tries(c.member.sns.publish, TopicArn=arn, Message="a")
    return outcomes
