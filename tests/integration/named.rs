//! The names of organizational units, read beside all else.

use orgwatch_sim::call::Service;
use reqwest::Method;
use serde_json::{Value, json};

use crate::staged::Staged;

#[test]
fn units_are_shown_by_the_names_that_the_organization_gives_them() {
    let daemon = Staged::start(6, "");
    daemon.until_covered(6);
    let ask = |operation: &str, input: Value| {
        daemon.aws(&daemon.aws.management, Service::Organizations, operation, input)
    };
    let root = ask("ListRoots", json!({}))["Roots"][0]["Id"].clone();
    let units = ask("ListOrganizationalUnitsForParent", json!({ "ParentId": root }));
    let units = units["OrganizationalUnits"].as_array().cloned().expect("the seed has units");
    let path = |unit: &Value| -> Option<(String, String)> {
        Some((unit["Id"].as_str()?.to_owned(), unit["Name"].as_str()?.to_owned()))
    };
    let page = |daemon: &Staged| daemon.ask(Method::GET, "/accounts").1;
    let shown: Vec<(String, String)> =
        units.iter().filter_map(path).filter(|(id, _)| page(&daemon).contains(id.as_str())).collect();
    assert!(!shown.is_empty(), "accounts are in units: {units:?}");
    for (id, name) in shown {
        daemon.until(&format!("{id} has its name"), |daemon| {
            page(daemon).contains(&format!("{name} <span class=\"id muted\">{id}</span>")).then_some(())
        });
    }
}
