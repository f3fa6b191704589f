//! What `check` says of keys that only their owners can look at. Pure.

use serde_json::Value;

use super::{all, is_readable, statements};
use crate::config::{Problem, Settings};
use crate::world::World;

/// A warning for each key of another account, with the statements that its policy needs.
pub(crate) fn advice(settings: &Settings, world: &World) -> Vec<Problem> {
    let of_alert = |key: &str| {
        let asks = |arn: &crate::model::ids::Arn| arn.to_string() == key;
        let i = settings.alerts.iter().position(|alert| alert.kms_key_arn.as_ref().is_some_and(asks));
        i.map_or_else(|| "central.kms_key_arn".to_owned(), |i| format!("alert[{i}].kms_key_arn"))
    };
    let unread = all(world).into_iter().filter(|key| !is_readable(world, key));
    unread
        .map(|key| Problem {
            code: "W-key-of-another-account",
            path: if world.key.as_deref() == Some(key) {
                "central.kms_key_arn".to_owned()
            } else {
                of_alert(key)
            },
            found: format!("{key}, whose policy KMS tells to its own account alone"),
            expected: "that its owner has let in who needs it; what it keeps out is lost without a word"
                .to_owned(),
            hint: format!("its policy needs {}", Value::Array(statements(world, key))),
        })
        .collect()
}
