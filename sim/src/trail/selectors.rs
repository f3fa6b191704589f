//! Which events a trail logs.

use serde_json::{Value, json};

/// AWS: only these services' management events can be left out.
const EXCLUDABLE: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];
/// AWS: a trail has at most so many event selectors.
const MOST: usize = 5;
const OPERATORS: [&str; 6] =
    ["Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"];

/// Event selectors of one of the two kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selectors {
    /// Basic ones.
    Classic(Vec<Classic>),
    /// Advanced ones.
    Advanced(Vec<Advanced>),
}

/// A basic event selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classic {
    reads: bool,
    writes: bool,
    management: bool,
    excluded: Vec<String>,
    data_resources: Value,
}

/// An advanced event selector: all fields must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advanced {
    name: Option<String>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: String,
    /// Operators with their values. Alternatives of the positive ones, and none of the negative ones may hold.
    conditions: Vec<(&'static str, Vec<String>)>,
}

/// A management event that may be logged.
#[derive(Clone, Copy, Debug)]
pub struct Happening<'a> {
    /// Its source, e.g. `iam.amazonaws.com`.
    pub source: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Whether it only reads.
    pub read_only: bool,
    /// Whether a service did it by itself.
    pub service_event: bool,
}

impl Default for Selectors {
    /// AWS: a new trail logs all management events and no data events.
    fn default() -> Self {
        Self::Classic(vec![Classic {
            reads: true,
            writes: true,
            management: true,
            excluded: Vec::new(),
            data_resources: json!([]),
        }])
    }
}

impl Selectors {
    /// Reads basic event selectors.
    ///
    /// # Errors
    /// The message of `InvalidEventSelectorsException`.
    pub fn classic(given: &[Value]) -> Result<Self, &'static str> {
        if given.is_empty() || given.len() > MOST {
            return Err("A trail has at least one event selector and at most five.");
        }
        given.iter().map(Classic::read).collect::<Result<_, _>>().map(Self::Classic)
    }

    /// Reads advanced event selectors.
    ///
    /// # Errors
    /// The message of `InvalidEventSelectorsException`.
    pub fn advanced(given: &[Value]) -> Result<Self, &'static str> {
        if given.is_empty() {
            return Err("A trail has at least one advanced event selector.");
        }
        given.iter().map(Advanced::read).collect::<Result<_, _>>().map(Self::Advanced)
    }

    /// Whether the event is logged.
    pub fn select(&self, event: &Happening<'_>) -> bool {
        match self {
            Self::Classic(all) => all.iter().any(|selector| {
                selector.management
                    && (if event.read_only { selector.reads } else { selector.writes })
                    && !selector.excluded.iter().any(|source| source == event.source)
            }),
            Self::Advanced(all) => {
                all.iter().any(|selector| selector.fields.iter().all(|field| field.holds(event)))
            }
        }
    }

    /// The name and value of the field that AWS answers them in. AWS: the other kind's field is absent.
    pub fn show(&self) -> (&'static str, Value) {
        match self {
            Self::Classic(all) => ("EventSelectors", all.iter().map(Classic::show).collect()),
            Self::Advanced(all) => ("AdvancedEventSelectors", all.iter().map(Advanced::show).collect()),
        }
    }
}

impl Classic {
    fn read(given: &Value) -> Result<Self, &'static str> {
        let (reads, writes) = match given.get("ReadWriteType").and_then(Value::as_str) {
            None | Some("All") => (true, true),
            Some("ReadOnly") => (true, false),
            Some("WriteOnly") => (false, true),
            Some(_) => return Err("The ReadWriteType is not valid: use All, ReadOnly or WriteOnly."),
        };
        let excluded = texts(given.get("ExcludeManagementEventSources"));
        if excluded.iter().any(|source| !EXCLUDABLE.contains(&source.as_str())) {
            return Err(
                "ExcludeManagementEventSources takes kms.amazonaws.com and rdsdata.amazonaws.com only.",
            );
        }
        Ok(Self {
            reads,
            writes,
            management: given.get("IncludeManagementEvents").and_then(Value::as_bool).unwrap_or(true),
            excluded,
            data_resources: given.get("DataResources").cloned().unwrap_or_else(|| json!([])),
        })
    }

    fn show(&self) -> Value {
        let kind = match (self.reads, self.writes) {
            (true, false) => "ReadOnly",
            (false, true) => "WriteOnly",
            _ => "All",
        };
        json!({
            "ReadWriteType": kind,
            "IncludeManagementEvents": self.management,
            "DataResources": self.data_resources,
            "ExcludeManagementEventSources": self.excluded,
        })
    }
}

impl Advanced {
    fn read(given: &Value) -> Result<Self, &'static str> {
        let fields = given.get("FieldSelectors").and_then(Value::as_array).map(Vec::as_slice);
        let fields = fields.unwrap_or_default().iter().map(Field::read).collect::<Result<Vec<_>, _>>()?;
        let category = fields.iter().find(|field| field.name == "eventCategory");
        let category = category.ok_or("Every advanced event selector needs the field eventCategory.")?;
        let management = category.equals("Management");
        if category.conditions.len() != 1 || category.conditions.iter().any(|(name, _)| *name != "Equals") {
            return Err("The field eventCategory takes the operator Equals only.");
        }
        for field in &fields {
            let names: Vec<&str> = field.conditions.iter().map(|(name, _)| *name).collect();
            if field.name == "readOnly" && names != ["Equals"] {
                return Err("The field readOnly takes the operator Equals only.");
            }
            let excluding = names == ["NotEquals"]
                && field
                    .conditions
                    .iter()
                    .all(|(_, values)| values.iter().all(|source| EXCLUDABLE.contains(&source.as_str())));
            if management && field.name == "eventSource" && !excluding {
                return Err("For management events, eventSource takes NotEquals with kms.amazonaws.com or \
                            rdsdata.amazonaws.com only.");
            }
            if management && field.name.starts_with("resources.") {
                return Err("Management events have no resources to select by.");
            }
        }
        let name = given.get("Name").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { name, fields })
    }

    fn show(&self) -> Value {
        let fields: Value = self.fields.iter().map(Field::show).collect();
        let mut shown = json!({ "FieldSelectors": fields });
        if let Some(name) = &self.name {
            shown["Name"] = name.as_str().into();
        }
        shown
    }
}

impl Field {
    fn read(given: &Value) -> Result<Self, &'static str> {
        let name = given.get("Field").and_then(Value::as_str).ok_or("A field selector names a field.")?;
        let conditions: Vec<_> = OPERATORS
            .into_iter()
            .map(|operator| (operator, texts(given.get(operator))))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        if conditions.is_empty() {
            return Err("A field selector has at least one operator with a value.");
        }
        Ok(Self { name: name.to_owned(), conditions })
    }

    fn equals(&self, value: &str) -> bool {
        self.conditions.iter().any(|(name, values)| *name == "Equals" && values.iter().any(|v| v == value))
    }

    fn holds(&self, event: &Happening<'_>) -> bool {
        let actual = match self.name.as_str() {
            "eventCategory" => "Management",
            "eventName" => event.name,
            "eventSource" => event.source,
            "eventType" if event.service_event => "AwsServiceEvent",
            "eventType" => "AwsApiCall",
            "readOnly" if event.read_only => "true",
            "readOnly" => "false",
            "sessionCredentialFromConsole" => "false",
            _ => return false,
        };
        let mut asked = false;
        let mut found = false;
        for (operator, values) in &self.conditions {
            let negative = operator.starts_with("Not");
            let hit = values.iter().any(|value| match operator.trim_start_matches("Not") {
                "StartsWith" => actual.starts_with(value.as_str()),
                "EndsWith" => actual.ends_with(value.as_str()),
                _ => actual == value,
            });
            if negative && hit {
                return false;
            }
            asked |= !negative;
            found |= !negative && hit;
        }
        found || !asked
    }

    fn show(&self) -> Value {
        let mut shown = json!({ "Field": self.name });
        for (operator, values) in &self.conditions {
            shown[*operator] = values.iter().map(String::as_str).collect();
        }
        shown
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
