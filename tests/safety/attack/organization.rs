//! From account to account: whom the task role may become, and who else may become whom.

use orgwatch_sim::call::Service;
use orgwatch_sim::service::organizations;
use serde_json::json;

use super::{Scene, trusting};
use crate::privilege::is_denial;
use crate::stage::in_virtual_time;

#[test]
fn the_task_role_enters_no_role_but_those_that_are_for_it_even_where_it_is_trusted() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let everybody = trusting(&scene.arn("iam", scene.central(), "root"));
        for account in [scene.member(), scene.stage.management.as_str(), scene.central()] {
            for role in [
                "theirs",
                "orgwatch-forwarder",
                "orgwatch-member-2",
                "orgwatch-memberx",
                "x/orgwatch-member-3",
            ] {
                let (path, name) = role.rsplit_once('/').unwrap_or(("", role));
                let path = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
                let there =
                    scene.stage.simulator.world().accounts[account].iam.current().roles.contains_key(name);
                let input = json!({ "RoleName": name, "AssumeRolePolicyDocument": everybody, "Path": path });
                if there {
                    let input = json!({ "RoleName": name, "PolicyDocument": everybody });
                    scene.people(account, Service::Iam, "UpdateAssumeRolePolicy", input);
                } else {
                    scene.people(account, Service::Iam, "CreateRole", input);
                }
                let entered = scene.assume(&scene.task(), account, role);
                assert!(entered.as_ref().is_err_and(is_denial), "{role} of {account}: {entered:?}");
                let administrator = scene.stage.administrator(scene.central());
                scene
                    .assume(&administrator, account, role)
                    .unwrap_or_else(|refusal| panic!("{role} of {account} does trust: {refusal:?}"));
            }
        }
    });
}

#[test]
fn nobody_but_the_task_role_enters_the_member_role_and_the_reader() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let callers = [
            ("the central administrator", scene.stage.administrator(scene.central())),
            ("an administrator of the member", scene.stage.administrator(scene.member())),
            ("the management account's administrator", scene.stage.administrator(&scene.stage.management)),
            ("the member role of the central account", scene.seized(scene.central())),
            ("the member role of the member", scene.seized(scene.member())),
            ("a role of others in the central account", scene.holder(scene.central(), "theirs")),
        ];
        for (who, caller) in callers {
            for (account, role) in [
                (scene.member(), "orgwatch-member"),
                (scene.central(), "orgwatch-member"),
                (scene.stage.management.as_str(), "orgwatch-member"),
                (scene.stage.management.as_str(), "orgwatch-organization-reader"),
                (scene.stage.management.as_str(), "orgwatch-alarms"),
                (scene.central(), "orgwatch-task"),
                (scene.member(), "orgwatch-forwarder"),
            ] {
                let entered = scene.assume(&caller, account, role);
                assert!(entered.as_ref().is_err_and(is_denial), "{who}: {role} of {account}: {entered:?}");
            }
        }
    });
}

#[test]
fn an_account_that_left_the_organization_is_not_entered_though_its_role_still_trusts_the_task_role() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let member = scene.member().to_owned();
        scene.seized(&member);
        assert!(organizations::depart(&mut scene.stage.simulator.world(), &member));
        let entered = scene.assume(&scene.task(), &member, "orgwatch-member");
        assert!(entered.as_ref().is_err_and(is_denial), "{entered:?}");
        // Nothing else stands in the way: without the condition on the organization it is entered.
        let file = "central-task-policy.json";
        let policy = scene.stage.kit.document(file, scene.central());
        let mut policy: serde_json::Value = serde_json::from_str(&policy).expect("a policy is JSON");
        let statements = policy["Statement"].as_array_mut().expect("statements");
        for statement in statements.iter_mut().filter(|s| s["Action"] == "sts:AssumeRole") {
            let condition = statement["Condition"]["StringEquals"].as_object_mut().expect("a condition");
            condition.remove("aws:ResourceOrgID").expect("the organization is a condition");
        }
        let input = json!({
            "RoleName": "orgwatch-task", "PolicyName": file.replace(".json", ""), "PolicyDocument": policy.to_string(),
        });
        scene.people(scene.central(), Service::Iam, "PutRolePolicy", input);
        scene.seized(&member);
    });
}

#[test]
fn a_task_role_of_another_organization_is_not_let_in() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        scene.seized(scene.member());
        // The central account with its task role leaves: it is the same account and the same role.
        assert!(organizations::depart(&mut scene.stage.simulator.world(), scene.central()));
        for role in ["orgwatch-member", "orgwatch-organization-reader"] {
            let account = &scene.stage.management;
            let entered = scene.assume(&scene.task(), account, role);
            assert!(entered.as_ref().is_err_and(is_denial), "{role}: {entered:?}");
        }
    });
}
