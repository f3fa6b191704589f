//! What `deploy/` hands out: the templates grant what the policy files say, and the policy files grant what the
//! program calls, under the limits that `docs/permissions.md` promises.

mod handed_out;

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use handed_out::{Stack, actions, array, policies, policy, read, strings, text};

const CENTRAL: &str = "222222222222";
const MEMBER: &str = "333333333333";

/// Template, account that it is deployed in, resource, property, and the file that must say the same.
const DOCUMENTS: [(&str, &str, &str, &str, &str); 25] = [
    ("member-role", MEMBER, "MemberRole", "/AssumeRolePolicyDocument", "member-role-trust"),
    ("member-role", MEMBER, "MemberRole", "/Policies/0/PolicyDocument", "member-role-policy"),
    ("member-role", MEMBER, "Boundary", "/PolicyDocument", "boundary"),
    ("member-role", MEMBER, "Forwarder", "/AssumeRolePolicyDocument", "forwarding-role-trust"),
    ("member-role", MEMBER, "Forwarder", "/Policies/0/PolicyDocument", "forwarding-role-policy"),
    (
        "organization-reader",
        MEMBER,
        "OrganizationReader",
        "/AssumeRolePolicyDocument",
        "organization-reader-trust",
    ),
    (
        "organization-reader",
        MEMBER,
        "OrganizationReader",
        "/Policies/0/PolicyDocument",
        "organization-reader-policy",
    ),
    ("organization-reader", MEMBER, "MemberRole", "/AssumeRolePolicyDocument", "member-role-trust"),
    ("organization-reader", MEMBER, "MemberRole", "/Policies/0/PolicyDocument", "management-member-policy"),
    ("organization-reader", MEMBER, "Boundary", "/PolicyDocument", "boundary"),
    ("organization-reader", MEMBER, "Forwarder", "/AssumeRolePolicyDocument", "forwarding-role-trust"),
    ("organization-reader", MEMBER, "Forwarder", "/Policies/0/PolicyDocument", "forwarding-role-policy"),
    ("organization-reader", MEMBER, "ForwarderGuard", "/AssumeRolePolicyDocument", "forwarding-role-trust"),
    ("organization-reader", MEMBER, "ForwarderGuard", "/Policies/0/PolicyDocument", "forwarding-role-policy"),
    ("central-task-role", CENTRAL, "TaskRole", "/AssumeRolePolicyDocument", "central-task-trust"),
    ("central-task-role", CENTRAL, "TaskRole", "/Policies/0/PolicyDocument", "central-task-policy"),
    ("central", CENTRAL, "TaskRole", "/AssumeRolePolicyDocument", "central-task-trust"),
    ("central", CENTRAL, "TaskRole", "/Policies/0/PolicyDocument", "central-task-policy"),
    ("central-task-role", CENTRAL, "DeliveryRole", "/AssumeRolePolicyDocument", "delivery-role-trust"),
    ("central-task-role", CENTRAL, "DeliveryRole", "/Policies/0/PolicyDocument", "delivery-role-policy"),
    ("central", CENTRAL, "DeliveryRole", "/AssumeRolePolicyDocument", "delivery-role-trust"),
    ("central", CENTRAL, "DeliveryRole", "/Policies/0/PolicyDocument", "delivery-role-policy"),
    ("alarms-role", MEMBER, "AlarmsRole", "/AssumeRolePolicyDocument", "member-role-trust"),
    ("alarms-role", MEMBER, "AlarmsRole", "/Policies/0/PolicyDocument", "alarms-role-policy"),
    // The member template again, as it stands where orgwatch does not manage the forwarding role.
    ("member-role existing", MEMBER, "MemberRole", "/Policies/0/PolicyDocument", "management-member-policy"),
];

#[test]
fn the_templates_are_written_from_the_policy_files() {
    let output = Command::new("python3")
        .args(["deploy/policies.py", "--check"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the tests need Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the program above is not asked: whether CloudFormation would see the same in what it wrote.
#[test]
fn the_templates_grant_what_the_policy_files_say() {
    for (template, account, resource, property, file) in DOCUMENTS {
        let (name, forwarding_role) = template.split_once(' ').unwrap_or((template, "managed"));
        let stack = Stack::new(name, account, &[("ForwardingRole", forwarding_role)]);
        assert_eq!(
            stack.property(resource, property),
            policy(file, account),
            "{template}: {resource}{property}"
        );
    }
}

#[test]
fn every_policy_document_of_the_templates_is_held_against_a_file() {
    let held: BTreeSet<_> = DOCUMENTS.iter().map(|(t, _, resource, ..)| (*t, *resource)).collect();
    for template in ["member-role", "organization-reader", "alarms-role", "central-task-role", "central"] {
        let stack = Stack::new(template, MEMBER, &[]);
        for (name, resource) in stack.resources() {
            // What it is for is the same for every container, and orgwatch never has it.
            let of_ecs = (template, name.as_str()) == ("central", "ExecutionRole");
            if of_ecs || !text(&resource["Type"]).starts_with("AWS::IAM::") {
                continue;
            }
            assert!(held.contains(&(template, name.as_str())), "{template}: {name} is compared with nothing");
            let policies = resource.pointer("/Properties/Policies").map_or(0, |p| array(p).len());
            assert!(policies <= 1, "{template}: only the first policy of {name} is compared");
            assert_eq!(resource.pointer("/Properties/ManagedPolicyArns"), None, "{template}: {name}");
        }
    }
}

#[test]
fn an_external_id_is_one_more_condition_of_the_trust_and_changes_nothing_else() {
    let mut expected = policy("member-role-trust", MEMBER);
    expected["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("a-shared-word");
    for (template, role) in
        [("member-role", "MemberRole"), ("organization-reader", "MemberRole"), ("alarms-role", "AlarmsRole")]
    {
        let stack = Stack::new(template, MEMBER, &[("ExternalId", "a-shared-word")]);
        assert_eq!(stack.property(role, "/AssumeRolePolicyDocument"), expected, "{template}");
    }
}

#[test]
fn a_forwarding_role_of_a_template_is_the_one_that_the_program_would_create() {
    for (template, resource, name) in [
        ("member-role", "Forwarder", "orgwatch-forwarder"),
        ("organization-reader", "Forwarder", "orgwatch-forwarder"),
        ("organization-reader", "ForwarderGuard", "orgwatch-forwarder-guard"),
    ] {
        let role = Stack::new(template, MEMBER, &[]).property(resource, "");
        assert_eq!(role["RoleName"], name, "{template}");
        assert_eq!(role["Path"], "/", "{template}");
        assert_eq!(role["Description"], "managed by orgwatch/orgwatch v1", "{template}");
        assert_eq!(role["PermissionsBoundary"], "Boundary", "{template}");
        assert_eq!(role["Policies"][0]["PolicyName"], "orgwatch-forward", "{template}");
        assert_eq!(
            role["Tags"],
            json!([{ "Key": "orgwatch:managed-by", "Value": "orgwatch" }]),
            "{template}"
        );
    }
}

#[test]
fn everything_has_the_name_that_the_policies_and_the_configuration_expect() {
    for (template, resource, property, name) in [
        ("member-role", "MemberRole", "/RoleName", "orgwatch-member"),
        ("member-role", "Boundary", "/ManagedPolicyName", "orgwatch-boundary"),
        ("organization-reader", "MemberRole", "/RoleName", "orgwatch-member"),
        ("organization-reader", "Boundary", "/ManagedPolicyName", "orgwatch-boundary"),
        ("organization-reader", "OrganizationReader", "/RoleName", "orgwatch-organization-reader"),
        ("alarms-role", "AlarmsRole", "/RoleName", "orgwatch-alarms"),
        ("central-task-role", "TaskRole", "/RoleName", "orgwatch-task"),
        ("central", "TaskRole", "/RoleName", "orgwatch-task"),
    ] {
        let found = Stack::new(template, MEMBER, &[]).property(resource, property);
        assert_eq!(found, name, "{template}: {resource}");
    }
}

#[test]
fn every_writing_call_of_the_program_is_allowed_and_no_other_write_is() {
    // `Call::operation` is the list of what can be written; it is a list only in its source.
    let source = include_str!("../../src/model/call.rs");
    let operations = source.split_once("pub fn operation").expect("call.rs names its operations").1;
    let operations = operations.split_once("pub fn service").expect("services follow operations").0;
    let called: BTreeSet<&str> = operations.split('"').skip(1).step_by(2).collect();
    assert!(called.contains("PutRule"), "{called:?}");

    let reads = ["Get", "List", "Describe"];
    // No plan's: entering a role, reading the inbox and the dead letters, delivering one late, with a customer's key where
    // there is one, canaries and the daemon's own events; and what EventBridge does with the forwarding role.
    let not_calls = [
        "sts:AssumeRole",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
        "sns:Publish",
        "iam:PassRole",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "events:PutEvents",
    ];
    let policies = policies();
    let allowed: BTreeSet<&str> = policies
        .values()
        .flat_map(actions)
        .filter(|action| !not_calls.contains(action))
        .filter_map(|action| action.split_once(':').map(|(_, operation)| operation))
        .filter(|operation| !reads.iter().any(|verb| operation.starts_with(verb)))
        .collect();
    assert_eq!(allowed, called);
}

#[test]
fn no_policy_allows_by_wildcard_action_by_exception_or_outside_the_known_unscoped_actions() {
    let unscoped = BTreeSet::from([
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetTrailStatus",
        "cloudwatch:DescribeAlarmsForMetric",
        "cloudwatch:GetMetricData",
        "events:ListEventBuses",
        "events:ListRules",
        "events:PutPermission",
        "iam:ListRoles",
        "logs:DescribeMetricFilters",
        "organizations:DescribeOrganization",
        "organizations:ListAccounts",
        "organizations:ListAccountsForParent",
        "organizations:ListOrganizationalUnitsForParent",
        "organizations:ListRoots",
        "organizations:ListTagsForResource",
        "sns:GetSubscriptionAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:ListTopics",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
        "sqs:ListQueues",
    ]);
    for (name, policy) in policies() {
        for statement in array(&policy["Statement"]) {
            assert_eq!(statement["Effect"], "Allow", "{name}");
            for key in ["NotAction", "NotResource", "NotPrincipal"] {
                assert_eq!(statement.get(key), None, "{name}");
            }
            for action in strings(&statement["Action"]) {
                assert!(!action.contains('*'), "{name}: {action}");
                if strings(&statement["Resource"]).contains(&"*") {
                    assert!(unscoped.contains(action), "{name}: {action} on everything");
                }
            }
        }
    }
}

#[test]
fn what_could_widen_a_role_is_not_allowed_or_demands_the_boundary() {
    let boundary = json!({ "StringEquals": {
        "iam:PermissionsBoundary": format!("arn:aws:iam::{MEMBER}:policy/orgwatch-boundary") } });
    let widening = [
        "iam:CreateRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
    ];
    let harmless_within_it =
        ["iam:DeleteRole", "iam:TagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRoleDescription"];
    let mut seen = BTreeSet::new();
    for (name, policy) in policies() {
        for statement in array(&policy["Statement"]) {
            for action in strings(&statement["Action"]) {
                let read = ["iam:Get", "iam:List"].iter().any(|verb| action.starts_with(verb));
                if !action.starts_with("iam:") || read || action == "iam:PassRole" {
                    continue;
                }
                assert_eq!(name, "member-role-policy", "{action} is for member accounts alone");
                assert_eq!(
                    strings(&statement["Resource"]),
                    [format!("arn:aws:iam::{MEMBER}:role/orgwatch-forwarder*")],
                    "{action}"
                );
                if widening.contains(&action) {
                    assert_eq!(statement["Condition"], boundary, "{action}");
                } else {
                    assert!(harmless_within_it.contains(&action), "{action}");
                }
                seen.insert(action.to_owned());
            }
        }
    }
    assert_eq!(seen.len(), widening.len() + harmless_within_it.len());
    assert_eq!(actions(&policies()["boundary"]).collect::<Vec<_>>(), ["events:PutEvents"]);
}

#[test]
fn rules_can_be_aimed_at_nothing_but_the_own_bus_topics_and_queues_and_roles_passed_to_nothing_but_eventbridge_or_for_firehose_to_sns()
 {
    let expected = |policy: &str| match policy {
        "central-task-policy" => json!({
            "ForAllValues:ArnLike": { "events:TargetArn": [
                format!("arn:aws:sns:us-east-1:{CENTRAL}:*"),
                format!("arn:aws:sqs:us-east-1:{CENTRAL}:orgwatch-*"),
            ] },
            "Null": { "events:TargetArn": "false" } }),
        _ => json!({
            "ForAllValues:ArnEquals": {
                "events:TargetArn": format!("arn:aws:events:us-east-1:{CENTRAL}:event-bus/orgwatch") },
            "Null": { "events:TargetArn": "false" } }),
    };
    let mut found = 0;
    for (name, policy) in policies() {
        for statement in array(&policy["Statement"]) {
            let actions = strings(&statement["Action"]);
            if actions.contains(&"events:PutTargets") {
                assert_eq!(statement["Condition"], expected(&name), "{name}");
                found += 1;
            }
            if actions.contains(&"iam:PassRole") {
                let (service, role) = match name.as_str() {
                    "central-task-policy" if statement["Sid"] == "LendEventBridgeTheDeliveryRole" => {
                        ("events", format!("arn:aws:iam::{CENTRAL}:role/orgwatch-delivery"))
                    }
                    "central-task-policy" => {
                        ("sns", format!("arn:aws:iam::{CENTRAL}:role/orgwatch-firehose*"))
                    }
                    _ => ("events", format!("arn:aws:iam::{MEMBER}:role/orgwatch-forwarder*")),
                };
                let only =
                    json!({ "StringEquals": { "iam:PassedToService": format!("{service}.amazonaws.com") } });
                assert_eq!(statement["Condition"], only, "{name}");
                assert_eq!(strings(&statement["Resource"]), [role], "{name}");
                found += 1;
            }
        }
    }
    assert_eq!(found, 7, "two members and the task aim rules, and pass roles, the task to two services");
}

#[test]
fn eventbridge_becomes_the_delivery_role_for_our_rules_on_our_bus_alone_and_publishes_to_our_topics_alone() {
    let rules = format!("arn:aws:events:us-east-1:{CENTRAL}:rule/orgwatch/orgwatch-*");
    let trust = &policy("delivery-role-trust", CENTRAL)["Statement"][0];
    assert_eq!(trust["Principal"], json!({ "Service": "events.amazonaws.com" }));
    assert_eq!(
        trust["Condition"],
        json!({ "StringEquals": { "aws:SourceAccount": CENTRAL }, "ArnLike": { "aws:SourceArn": rules } })
    );
    let publishes = &policy("delivery-role-policy", CENTRAL)["Statement"];
    assert_eq!(array(publishes).len(), 1);
    assert_eq!(publishes[0]["Action"], "sns:Publish");
    assert_eq!(publishes[0]["Resource"], format!("arn:aws:sns:us-east-1:{CENTRAL}:orgwatch-*"));
}

#[test]
fn nobody_is_trusted_by_role_arn_which_would_die_with_the_role() {
    for name in ["member-role-trust", "organization-reader-trust"] {
        let statement = &policy(name, MEMBER)["Statement"][0];
        assert_eq!(
            statement["Principal"],
            json!({ "AWS": format!("arn:aws:iam::{CENTRAL}:root") }),
            "{name}"
        );
        assert_eq!(
            statement["Condition"],
            json!({
                "ArnEquals": { "aws:PrincipalArn": format!("arn:aws:iam::{CENTRAL}:role/orgwatch-task") },
                "StringEquals": { "aws:PrincipalOrgID": "o-a1b2c3d4e5" } }),
            "{name}"
        );
    }
}

#[test]
fn every_policy_fits_into_what_iam_accepts() {
    // IAM counts without white space; 20 characters are the longest name of an installation.
    for (name, policy) in policies() {
        let length = policy.to_string().replace("orgwatch", &"x".repeat(20)).len();
        let quota = match name.as_str() {
            trust if trust.ends_with("-trust") => 2_048,
            "boundary" => 6_144,
            _ => 10_240,
        };
        assert!(length <= quota, "{name} has {length} characters, IAM accepts {quota}");
    }
}

#[test]
fn the_control_policy_fits_into_what_organizations_accepts_as_it_stands() {
    // Counted with white space: only the console takes that away.
    let filled = read("deploy/scp/protect-orgwatch.json")
        .replace("${Installation}", &"x".repeat(20))
        .replace("${Partition}", "aws-us-gov")
        .replace("${CentralAccount}", CENTRAL)
        .replace("${BreakGlassRole}", &"x".repeat(64));
    assert!(!filled.contains("${"), "{filled}");
    let _is_json: Value = serde_json::from_str(&filled).expect("a policy is JSON");
    assert!(filled.len() <= 5_120, "{} characters", filled.len());
}

#[test]
fn every_action_is_explained_in_the_document_on_permissions() {
    let document = read("docs/permissions.md");
    let policies = policies();
    let missing: BTreeSet<&str> = policies
        .values()
        .flat_map(actions)
        .filter(|action| !document.contains(&format!("`{action}`")))
        .collect();
    assert!(missing.is_empty(), "docs/permissions.md does not explain {missing:?}");
}

#[test]
fn every_configuration_that_is_handed_out_is_a_good_one() {
    let stack = Stack::new(
        "central",
        CENTRAL,
        &[
            ("ManagementAccount", "111111111111"),
            ("AlertEmail", "security@example.com"),
            ("ExternalId", "a-shared-word"),
        ],
    );
    let of_stack = text(&stack.property("Configuration", "/SecretString")).to_owned();
    assert!(of_stack.contains("a-shared-word") && of_stack.contains("222222222222"), "{of_stack}");
    let terraform = read("deploy/terraform/example/main.tf");
    let of_terraform = terraform.split("<<-TOML").nth(1).and_then(|rest| rest.split("TOML").next());
    for (whose, configuration) in [
        ("cloudformation", of_stack),
        ("kubernetes", read("deploy/kubernetes/example/orgwatch.toml")),
        ("terraform", of_terraform.expect("the example has a configuration").to_owned()),
    ] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for token in ["token", "operator", "reader"] {
            std::fs::write(folder.path().join(token), "0123456789abcdef0123456789abcdef")
                .expect("it can be written");
        }
        let here = format!("{}/", folder.path().display());
        let configuration =
            configuration.replace("/etc/orgwatch/", &here).replace("/run/secrets/orgwatch/", &here);
        let file = folder.path().join("orgwatch.toml");
        std::fs::write(&file, configuration).expect("it can be written");
        let check = Command::new(env!("CARGO_BIN_EXE_orgwatch"))
            .args(["check", "--config"])
            .arg(&file)
            .output()
            .expect("the program runs");
        let said =
            [&check.stdout, &check.stderr].map(|said| String::from_utf8_lossy(said).into_owned()).concat();
        assert!(check.status.success(), "{whose}: {said}");
    }
}

#[test]
fn the_image_is_built_with_the_toolchain_of_the_project() {
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.split('"').nth(1).expect("the channel is the first text in quotes");
    assert!(
        read("Dockerfile").contains(&format!("=rust:{channel}-")),
        "the Dockerfile's base is not Rust {channel}"
    );
}
