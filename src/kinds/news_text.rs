//! What people read of orgwatch itself.

use serde_json::Value;

use crate::model::call::Transformer;

/// What happened, how often and since when.
pub(super) fn news() -> Transformer {
    let paths = [
        ("examples", "$.detail.examples"),
        ("installation", "$.detail.installation"),
        ("message", "$.detail.message"),
        ("since", "$.detail.since"),
        ("type", "$.detail.type"),
    ];
    let lines = [
        "orgwatch: <message>",
        "<examples>",
        "Type: <type>; installation <installation>; since <since>",
        "`orgwatch status` and the daemon's page tell more.",
    ];
    Transformer {
        paths: paths.into_iter().map(|(name, path)| (name.to_owned(), path.to_owned())).collect(),
        template: lines.map(|line| Value::from(line).to_string()).join("\n"),
    }
}
