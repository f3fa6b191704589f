//! The policy files and templates, read as AWS would read them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{CENTRAL, MEMBER};

/// A template with its parameters filled in, as CloudFormation would see it in one account.
pub(super) struct Stack {
    template: Value,
    parameters: Map<String, Value>,
}

impl Stack {
    pub(super) fn new(name: &str, account: &str, given: &[(&str, &str)]) -> Self {
        let template: Value = serde_yaml_ng::from_str(&read(&format!("deploy/cloudformation/{name}.yaml")))
            .expect("a template is plain YAML");
        let mut parameters: Map<String, Value> = template["Parameters"]
            .as_object()
            .expect("a template has parameters")
            .iter()
            .filter_map(|(name, parameter)| Some((name.clone(), parameter.get("Default")?.clone())))
            .collect();
        let own = [("AWS::Partition", "aws"), ("AWS::AccountId", account)];
        let common = [("CentralAccount", CENTRAL), ("OrganizationId", "o-a1b2c3d4e5"), ("LogGroup", "trail")];
        parameters.extend(own.iter().chain(&common).chain(given).map(|(k, v)| ((*k).to_owned(), json!(v))));
        Self { template, parameters }
    }

    pub(super) fn resources(&self) -> &Map<String, Value> {
        self.template["Resources"].as_object().expect("a template has resources")
    }

    /// The value below a resource's properties, with every intrinsic function carried out.
    pub(super) fn property(&self, resource: &str, pointer: &str) -> Value {
        let properties =
            self.resources()[resource].pointer("/Properties").expect("a resource has properties");
        let property = properties.pointer(pointer).unwrap_or_else(|| panic!("{resource} has no {pointer}"));
        self.resolve(property).expect("a property has a value")
    }

    /// `None` stands for `AWS::NoValue`. A `Ref` to a resource gives the resource's name.
    fn resolve(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => Some(items.iter().filter_map(|item| self.resolve(item)).collect()),
            Value::Object(fields) => match fields.iter().next() {
                Some((function, argument)) if function == "Ref" => match text(argument) {
                    "AWS::NoValue" => None,
                    name => Some(self.parameters.get(name).cloned().unwrap_or_else(|| json!(name))),
                },
                Some((function, argument)) if function == "Fn::Sub" => {
                    Some(fill(text(argument), &self.parameters))
                }
                Some((function, argument)) if function == "Fn::Join" => {
                    let parts = self.resolve(&argument[1]).expect("what is joined has a value");
                    let parts: Vec<&str> = array(&parts).iter().map(text).collect();
                    Some(json!(parts.join(text(&argument[0]))))
                }
                Some((function, argument)) if function == "Fn::If" => {
                    let condition = &self.template["Conditions"][text(&argument[0])];
                    self.resolve(&argument[if self.holds(condition) { 1 } else { 2 }])
                }
                _ => Some(fields.iter().filter_map(|(k, v)| Some((k.clone(), self.resolve(v)?))).collect()),
            },
            plain => Some(plain.clone()),
        }
    }

    fn holds(&self, condition: &Value) -> bool {
        if let Some(negated) = condition.get("Fn::Not") {
            return !self.holds(&negated[0]);
        }
        let sides = condition.get("Fn::Equals").expect("a condition compares or negates");
        self.resolve(&sides[0]) == self.resolve(&sides[1])
    }
}

/// A policy file, with the placeholders filled in as for `account`.
pub(super) fn policy(name: &str, account: &str) -> Value {
    let values = json!({
        "Partition": "aws", "Account": account, "CentralAccount": CENTRAL, "CentralRegion": "us-east-1",
        "OrganizationId": "o-a1b2c3d4e5", "Installation": "orgwatch", "LogGroup": "trail" });
    let filled = fill(&read(&format!("deploy/iam/{name}.json")), values.as_object().expect("an object"));
    serde_json::from_str(text(&filled)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every policy file by name, as for a member account.
pub(super) fn policies() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/iam");
    std::fs::read_dir(folder)
        .expect("deploy/iam is there")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| path.file_stem().and_then(|s| s.to_str()).expect("a plain name").to_owned())
        .map(|name| (name.clone(), policy(&name, MEMBER)))
        .collect()
}

/// `text` with every `${Name}` filled in; a name without a value is a mistake in the file.
fn fill(text: &str, values: &Map<String, Value>) -> Value {
    let filled = values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{{name}}}"), value.as_str().expect("values are texts"))
    });
    assert!(!filled.contains("${"), "nothing fills the placeholder in {filled}");
    json!(filled)
}

pub(super) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

pub(super) fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

/// One text, or a list of texts, as IAM takes both.
pub(super) fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map_or_else(|| value.as_str().into_iter().collect(), |all| all.iter().map(text).collect())
}

pub(super) fn actions(policy: &Value) -> impl Iterator<Item = &str> {
    array(&policy["Statement"]).iter().flat_map(|statement| strings(&statement["Action"]))
}
