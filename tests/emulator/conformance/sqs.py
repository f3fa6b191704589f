"""SQS: queues and messages."""

import json

from .frame import Context, allow, document, probe, tries


def queue(c: Context, **arguments) -> str:
    return c.central.sqs.create_queue(QueueName=c.name("queue"), **arguments)["QueueUrl"]


def attributes(c: Context, url: str) -> dict:
    return c.central.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def receive(c: Context, url: str, **arguments) -> list:
    return c.central.sqs.receive_message(QueueUrl=url, **arguments).get("Messages", [])


def absent(c: Context) -> str:
    return queue(c) + "-no"


@probe
def create_and_get_a_queue(c: Context):
    name = c.name("queue")
    url = c.central.sqs.create_queue(QueueName=name)["QueueUrl"]
    found = attributes(c, url)
    names = (
        "QueueArn",
        "VisibilityTimeout",
        "MessageRetentionPeriod",
        "DelaySeconds",
        "ReceiveMessageWaitTimeSeconds",
        "ApproximateNumberOfMessages",
        "SqsManagedSseEnabled",
    )
    return {
        "url": url.endswith(f"/{c.central.id}/{name}"),
        "by name": c.central.sqs.get_queue_url(QueueName=name)["QueueUrl"] == url,
        **{key: found.get(key) for key in names},
    }


@probe
def the_largest_message_of_a_new_queue(c: Context):
    return attributes(c, queue(c)).get("MaximumMessageSize")


@probe
def create_a_queue_again(c: Context):
    name = c.name("queue")
    given = {"VisibilityTimeout": "60"}
    first, second, bare = (
        c.central.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        for attributes in (given, given, {})
    )
    return {"same": first == second == bare}


@probe
def create_a_queue_again_with_other_attributes(c: Context):
    name = c.name("queue")
    c.central.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})
    c.central.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "61"})


@probe
def create_queues_with_names_that_cannot_be(c: Context):
    call = c.central.sqs.create_queue
    return {"with a space": tries(call, QueueName="a b"), "81 letters": tries(call, QueueName="q" * 81)}


@probe
def attributes_that_cannot_be(c: Context):
    def create(**given):
        return tries(c.central.sqs.create_queue, QueueName=c.name("queue"), Attributes=given)

    return {
        "unknown": create(Nothing="1"),
        "visibility too long": create(VisibilityTimeout="43201"),
        "retention too short": create(MessageRetentionPeriod="59"),
        "policy that is no JSON": create(Policy="allow all"),
    }


@probe
def queues_that_do_not_exist(c: Context):
    sqs, url = c.central.sqs, absent(c)
    return {
        "url": tries(sqs.get_queue_url, QueueName="absent"),
        "get": tries(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"]),
        "set": tries(sqs.set_queue_attributes, QueueUrl=url, Attributes={"VisibilityTimeout": "60"}),
        "send": tries(sqs.send_message, QueueUrl=url, MessageBody="a"),
        "receive": tries(sqs.receive_message, QueueUrl=url),
        "tags": tries(sqs.list_queue_tags, QueueUrl=url),
        "delete": tries(sqs.delete_queue, QueueUrl=url),
    }


@probe
def set_a_policy(c: Context):
    url = queue(c)
    given = document(allow("sqs:SendMessage", Principal={"Service": "events.amazonaws.com"}))
    c.central.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(given)})
    return {"as given": json.loads(attributes(c, url)["Policy"]) == given}


@probe
def change_attributes(c: Context):
    url = queue(c)
    c.central.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "77"})
    return {
        "found": attributes(c, url)["VisibilityTimeout"],
        "unknown": tries(c.central.sqs.set_queue_attributes, QueueUrl=url, Attributes={"Nothing": "1"}),
    }


@probe
def tag_a_queue(c: Context):
    sqs, url = c.central.sqs, queue(c, tags={"a": "1"})
    sqs.tag_queue(QueueUrl=url, Tags={"a": "2", "b": "3"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["b", "absent"])
    return sqs.list_queue_tags(QueueUrl=url).get("Tags")


@probe
def list_queues(c: Context):
    prefix = c.name("many")
    for number in range(3):
        c.central.sqs.create_queue(QueueName=f"{prefix}-{number}")
    first = c.central.sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2)
    rest = c.central.sqs.list_queues(
        QueueNamePrefix=prefix, MaxResults=2, NextToken=first.get("NextToken", "")
    )
    none = c.central.sqs.list_queues(QueueNamePrefix=prefix + "-no")
    return [[len(page.get("QueueUrls", [])) for page in (first, rest)], none.get("QueueUrls", [])]


@probe
def delete_a_queue(c: Context):
    name = c.name("queue")
    url = c.central.sqs.create_queue(QueueName=name)["QueueUrl"]
    c.central.sqs.delete_queue(QueueUrl=url)
    return tries(c.central.sqs.get_queue_url, QueueName=name)


@probe
def create_a_queue_that_was_just_deleted(c: Context):
    name = c.name("queue")
    url = c.central.sqs.create_queue(QueueName=name)["QueueUrl"]
    c.central.sqs.delete_queue(QueueUrl=url)
    c.central.sqs.create_queue(QueueName=name)


@probe
def send_receive_delete(c: Context):
    sqs, url = c.central.sqs, queue(c)
    kind = {"kind": {"DataType": "String", "StringValue": "alert"}}
    sqs.send_message(QueueUrl=url, MessageBody="body", MessageAttributes=kind)
    got = receive(c, url, MessageAttributeNames=["All"], AttributeNames=["All"])[0]
    hidden = len(receive(c, url))
    counted = attributes(c, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    return {
        "body": got["Body"],
        "attributes": got.get("MessageAttributes"),
        "count": got["Attributes"]["ApproximateReceiveCount"],
        "hidden": hidden,
        "in flight": counted["ApproximateNumberOfMessagesNotVisible"],
        "left": attributes(c, url)["ApproximateNumberOfMessagesNotVisible"],
    }


@probe
def a_message_comes_back(c: Context):
    sqs, url = c.central.sqs, queue(c)
    sqs.send_message(QueueUrl=url, MessageBody="body")
    got = receive(c, url)[0]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
    return [message["Attributes"]["ApproximateReceiveCount"] for message in receive(c, url, AttributeNames=["All"])]


@probe
def messages_in_batches(c: Context):
    sqs, url = c.central.sqs, queue(c)
    sent = sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": str(number), "MessageBody": str(number)} for number in range(3)]
    )
    got = receive(c, url, MaxNumberOfMessages=10)
    gone = sqs.delete_message_batch(
        QueueUrl=url, Entries=[{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"]} for m in got]
    )
    return [len(sent["Successful"]), sorted(m["Body"] for m in got), len(gone["Successful"])]


@probe
def messages_that_cannot_be(c: Context):
    sqs, url = c.central.sqs, queue(c)
    entries = [{"Id": str(number), "MessageBody": "a"} for number in range(11)]
    return {
        "empty": tries(sqs.send_message, QueueUrl=url, MessageBody=""),
        "eleven": tries(sqs.send_message_batch, QueueUrl=url, Entries=entries),
        "none": tries(sqs.send_message_batch, QueueUrl=url, Entries=[]),
        "one id twice": tries(sqs.send_message_batch, QueueUrl=url, Entries=entries[:1] * 2),
        "receive 11": tries(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11),
        "bad handle": tries(sqs.delete_message, QueueUrl=url, ReceiptHandle="handle"),
    }


@probe
def purge_a_queue(c: Context):
    sqs, url = c.central.sqs, queue(c)
    sqs.send_message(QueueUrl=url, MessageBody="body")
    sqs.purge_queue(QueueUrl=url)
    return len(receive(c, url))


@probe
def another_accounts_queue(c: Context):
    closed, opened = queue(c), queue(c)
    policy = document(allow("sqs:SendMessage", "sqs:GetQueueUrl", Principal={"AWS": c.member.id}))
    c.central.sqs.set_queue_attributes(QueueUrl=opened, Attributes={"Policy": json.dumps(policy)})
    return {
        "closed": tries(c.member.sqs.send_message, QueueUrl=closed, MessageBody="a"),
        "opened": tries(c.member.sqs.send_message, QueueUrl=opened, MessageBody="a"),
        "opened for another": tries(c.other.sqs.send_message, QueueUrl=opened, MessageBody="a"),
        "opened for sending only": tries(c.member.sqs.receive_message, QueueUrl=opened),
    }


@probe
def messages_of_a_batch_are_shown_again(c: Context):
    url = queue(c)
    c.central.sqs.send_message(QueueUrl=url, MessageBody="x")
    handle = receive(c, url)[0]["ReceiptHandle"]
    hidden = receive(c, url)
    entries = [{"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 0}]
    answer = c.central.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    return {"hidden": hidden, "told": answer["Successful"], "then": [m["Body"] for m in receive(c, url)]}
