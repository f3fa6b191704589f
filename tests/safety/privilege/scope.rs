//! On what the policies of `deploy/iam` allow it: names of the installation, and a list of what AWS cannot limit so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::policies::{parsed, strings};

/// What cannot be limited to a resource, and why.
const UNSCOPED: [(&str, &str); 22] = [
    ("cloudtrail:DescribeTrails", "AWS's reference names no resource type: a list of the account and Region"),
    ("cloudtrail:GetEventSelectors", "trails have the names that their owners chose, in accounts of theirs"),
    ("cloudtrail:GetTrailStatus", "trails have the names that their owners chose, in accounts of theirs"),
    (
        "cloudwatch:DescribeAlarmsForMetric",
        "AWS's reference names no resource type; alarms of any name are on a metric",
    ),
    ("cloudwatch:GetMetricData", "AWS's reference names no resource type; figures tell of no content"),
    ("events:ListEventBuses", "AWS's reference names no resource type: a list of the account and Region"),
    ("events:ListRules", "AWS's reference names no resource type: a list of the account"),
    ("events:PutPermission", "AWS's reference names no resource type; limited to the central Region"),
    ("iam:ListRoles", "takes a path, never a name: a list of the account"),
    ("logs:DescribeMetricFilters", "log groups of trails have the names that their owners chose"),
    ("organizations:DescribeOrganization", "AWS's reference names no resource type"),
    ("organizations:ListAccounts", "AWS's reference names no resource type: a list of the organization"),
    (
        "organizations:ListAccountsForParent",
        "root and units are the organization's own, of which there is one",
    ),
    (
        "organizations:ListOrganizationalUnitsForParent",
        "root and units are the organization's own, of which there is one",
    ),
    ("organizations:ListRoots", "AWS's reference names no resource type"),
    ("organizations:ListTagsForResource", "accounts to come have no names yet"),
    (
        "sns:GetSubscriptionAttributes",
        "AWS's reference names no resource type; limited to the central Region",
    ),
    ("sns:ListSubscriptionsByTopic", "topics of alarms have the names that their owners chose"),
    ("sns:ListTopics", "AWS's reference names no resource type: a list of the account and Region"),
    (
        "sns:SetSubscriptionAttributes",
        "AWS's reference names no resource type; limited to the central Region",
    ),
    ("sns:Unsubscribe", "AWS's reference names no resource type; limited to the central Region"),
    ("sqs:ListQueues", "AWS's reference names no resource type: a list of the account and Region"),
];

/// Of these the ones that write: they must be limited in another way.
const WRITING: [&str; 3] = ["events:PutPermission", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"];

/// The policies as they are written, by file.
fn documents() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/iam");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files
        .map(|file| file.expect("an entry").path())
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
            (name.to_owned(), parsed(&text))
        })
        .collect()
}

fn statements(document: &Value) -> &[Value] {
    document["Statement"].as_array().expect("a policy has statements")
}

#[test]
fn no_action_is_granted_by_wildcard() {
    for (file, document) in documents() {
        for statement in statements(&document) {
            assert_eq!(statement["Effect"], "Allow", "{file}");
            assert!(statement.get("NotAction").is_none(), "{file}: {statement}");
            let wild: Vec<String> =
                strings(&statement["Action"]).into_iter().filter(|a| a.contains(['*', '?'])).collect();
            assert!(wild.is_empty(), "{file}: {wild:?}");
        }
    }
}

#[test]
fn every_resource_has_the_installations_name_but_those_of_a_list_with_reasons() {
    let mut unscoped = BTreeSet::new();
    for (file, document) in documents().into_iter().filter(|(file, _)| !file.ends_with("-trust.json")) {
        for statement in statements(&document) {
            assert!(statement.get("NotResource").is_none(), "{file}: {statement}");
            for resource in strings(&statement["Resource"]) {
                if resource == "*" {
                    unscoped.extend(strings(&statement["Action"]));
                } else {
                    assert_is_ours(&file, &resource, statement);
                }
            }
        }
    }
    let listed: BTreeSet<String> = UNSCOPED.iter().map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(unscoped, listed);
}

/// Account and name of a resource are the installation's.
fn assert_is_ours(file: &str, resource: &str, statement: &Value) {
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let ["arn", "${Partition}", service, region, account, name] = parts[..] else {
        panic!("{file}: {resource} is no ARN")
    };
    let own = if ["member-", "management-", "alarms-"].iter().any(|of| file.starts_with(of)) {
        "${Account}"
    } else {
        "${CentralAccount}"
    };
    if strings(&statement["Action"]) == ["sts:AssumeRole"] {
        let organization = &statement["Condition"]["StringEquals"]["aws:ResourceOrgID"];
        assert_eq!((account, organization.as_str()), ("*", Some("${OrganizationId}")), "{file}: {resource}");
    } else if account == "*" && service == "kms" {
        // Keys may be another account's; there as here they serve queues and topics of this Region alone.
        let by_way_of = strings(&statement["Condition"]["StringLike"]["kms:ViaService"]);
        assert_eq!(by_way_of, ["sns.${CentralRegion}.*", "sqs.${CentralRegion}.*"], "{file}: {resource}");
    } else {
        assert_eq!(account, own, "{file}: {resource}");
    }
    // AWS gives keys their names.
    if (service, region, name) == ("kms", "${CentralRegion}", "key/*") {
        return;
    }
    // A log group has the name that its owner chose: in the account that has a role for it, that one and no other.
    if service == "logs" {
        let group = if file.starts_with("alarms-") { "log-group:${LogGroup}:*" } else { "log-group:*" };
        assert_eq!((region, name), ("${CentralRegion}", group), "{file}: {resource}");
        return;
    }
    // An account is its own resource, of the one name that there is.
    if (service, name) == ("account", "account") {
        return;
    }
    // Alarms are listed by a prefix, which is no part of the resource.
    if name == "alarm:*" && strings(&statement["Action"]) == ["cloudwatch:DescribeAlarms"] {
        return;
    }
    let name = match service {
        "cloudwatch" => name.strip_prefix("alarm:").unwrap_or_default(),
        "events" | "iam" => name.split_once('/').map(|(_, name)| name).unwrap_or_default(),
        _ => name,
    };
    // Canaries go where CloudTrail's events go; by a condition no other event can be put there.
    if name == "default" && strings(&statement["Action"]) == ["events:PutEvents"] {
        assert_eq!(statement["Condition"]["ForAllValues:StringEquals"]["events:source"], "orgwatch.canary");
        assert_eq!(statement["Condition"]["Null"]["events:source"], "false");
        return;
    }
    let mine = name == "${Installation}"
        || ["-", "/"].iter().any(|end| name.starts_with(&format!("${{Installation}}{end}")));
    assert!(mine, "{file}: {resource} is not named after the installation");
    // Rules of members and dead-letter queues are wherever a watch is; all else is in one Region, or in none.
    let anywhere = (service == "events" && name.starts_with("${Installation}-")) || service == "sqs";
    assert!(
        region.is_empty() || region == "${CentralRegion}" || (anywhere && region == "*"),
        "{file}: {resource} in every Region"
    );
}

#[test]
fn what_writes_and_has_no_resource_is_limited_to_the_central_region() {
    let mut found = BTreeSet::new();
    for (file, document) in documents() {
        for statement in statements(&document) {
            for action in strings(&statement["Action"]) {
                if WRITING.contains(&action.as_str()) {
                    let region = &statement["Condition"]["StringEquals"]["aws:RequestedRegion"];
                    assert_eq!(region, "${CentralRegion}", "{file}: {action}");
                    found.insert(action);
                } else if statement["Resource"] == "*" {
                    let operation =
                        action.split_once(':').map(|(_, operation)| operation).unwrap_or_default();
                    let reads = ["Get", "List", "Describe"].iter().any(|verb| operation.starts_with(verb));
                    assert!(reads, "{file}: {action} writes to everything");
                }
            }
        }
    }
    assert_eq!(found.len(), WRITING.len());
}
