//! One request to AWS, read from its signature and its wire protocol.

use std::time::Instant;

use axum::http::{HeaderMap, Uri, header::AUTHORIZATION};
use reqwest::Url;
use serde_json::Value;

/// One request as it passed by.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: Instant,
    /// As the signature names it, e.g. `events`, `sns`; empty if the request is not signed.
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) access_key: String,
    /// Whose credentials signed it; none if the proxy has never heard of the key.
    pub(crate) account: Option<String>,
    pub(crate) body: String,
    /// What the caller was answered; none while it waits, and if it never got an answer.
    pub(crate) status: Option<u16>,
}

impl Call {
    pub(super) fn read(uri: &Uri, headers: &HeaderMap, body: String) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // AWS4-HMAC-SHA256 Credential=AKIA.../20260101/us-east-1/events/aws4_request, SignedHeaders=...
        let scope = header(AUTHORIZATION.as_str())
            .split_once("Credential=")
            .and_then(|(_, rest)| rest.split_once(','))
            .map_or("", |(scope, _)| scope);
        let [access_key, _date, region, service, _end] =
            scope.split('/').collect::<Vec<_>>().try_into().unwrap_or([""; 5]);
        let mut call = Self {
            at: Instant::now(),
            service: service.to_owned(),
            operation: String::new(),
            region: region.to_owned(),
            access_key: access_key.to_owned(),
            account: None,
            body,
            status: None,
        };
        call.operation = match header("x-amz-target").rsplit_once('.') {
            Some((_, operation)) => operation.to_owned(),
            None => call
                .field("Action")
                // REST protocols name it in the path at best: /listRegions, /service/S/operation/O.
                .unwrap_or_else(|| uri.path().rsplit('/').next().unwrap_or_default().to_owned()),
        };
        call
    }

    /// A field of the input: a parameter of a form, a top-level string of a JSON document.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        if let Ok(document) = serde_json::from_str::<Value>(&self.body) {
            return document[name].as_str().map(str::to_owned);
        }
        let form = Url::parse(&format!("form:?{}", self.body)).ok()?;
        form.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The role that an AssumeRole asks for.
    pub(crate) fn role_arn(&self) -> Option<String> {
        self.field("RoleArn").filter(|_| self.operation == "AssumeRole")
    }

    /// The session policy of an AssumeRole.
    pub(crate) fn session_policy(&self) -> Option<Value> {
        let policy = self.field("Policy").filter(|_| self.operation == "AssumeRole")?;
        Some(serde_json::from_str(&policy).expect("a session policy is JSON"))
    }

    /// The account that an AssumeRole wants to enter.
    pub(crate) fn assumed_account(&self) -> Option<String> {
        Some(self.role_arn()?.split(':').nth(4)?.to_owned())
    }

    /// Whether it could have changed something.
    pub(crate) fn is_write(&self) -> bool {
        // Account Management names its operations in the path, in small letters at first.
        const READS: [&str; 5] = ["AssumeRole", "Describe", "Get", "List", "listRegions"];
        const WRITES: [&str; 19] = [
            "Add",
            "Attach",
            "Close",
            "Confirm",
            "Create",
            "Delete",
            "Detach",
            "Disable",
            "Enable",
            "Move",
            "Publish",
            "Put",
            "Remove",
            "Set",
            "Subscribe",
            "Tag",
            "Unsubscribe",
            "Untag",
            "Update",
        ];
        let begins_with = |verbs: &[&str]| verbs.iter().any(|verb| self.operation.starts_with(verb));
        assert!(
            begins_with(&READS) || begins_with(&WRITES),
            "{} {}: nobody has said yet whether this reads or writes",
            self.service,
            self.operation
        );
        !begins_with(&READS)
    }
}
