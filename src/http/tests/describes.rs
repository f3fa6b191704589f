//! The document describes what is served: no field more, no field less, and of the types that it says.

use std::collections::BTreeSet;

use super::*;

/// The parts of a schema, with what it refers to, joined.
fn parts<'d>(document: &'d Value, schema: &'d Value) -> Vec<&'d Value> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{name}"));
        return parts(document, target);
    }
    match schema["allOf"].as_array() {
        Some(all) => all.iter().flat_map(|one| parts(document, one)).collect(),
        None => vec![schema],
    }
}

/// What of `value` the schema does not say.
fn differs(document: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let parts = parts(document, schema);
    for part in &parts {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let types: Vec<&str> = match &part["type"] {
            Value::String(one) => vec![one],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let fits = |one: &&str| *one == kind || (*one == "number" && kind == "integer");
        if !types.is_empty() && !types.iter().any(fits) {
            wrong.push(format!("{path}: {kind} where {types:?} is described"));
        }
        if let Some(allowed) = part["enum"].as_array()
            && !allowed.contains(value)
        {
            wrong.push(format!("{path}: {value} is none of {allowed:?}"));
        }
        if let Some(any) = part["oneOf"].as_array() {
            let tried: Vec<_> = any.iter().map(|one| differs(document, one, value, path)).collect();
            if !tried.iter().any(Vec::is_empty) {
                wrong.extend(tried.into_iter().flatten());
            }
        }
        if let (Some(items), Some(all)) = (part.get("items"), value.as_array()) {
            for (i, one) in all.iter().enumerate() {
                wrong.extend(differs(document, items, one, &format!("{path}[{i}]")));
            }
        }
        for required in part["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.get(required).is_none() {
                wrong.push(format!("{path}.{required} is described and not there"));
            }
        }
    }
    let Some(object) = value.as_object() else { return wrong };
    if !parts
        .iter()
        .any(|part| part.get("properties").is_some() || part.get("additionalProperties").is_some())
    {
        return wrong;
    }
    for (key, inner) in object {
        let described: Vec<_> = parts.iter().filter_map(|part| part["properties"].get(key)).collect();
        let open = parts.iter().any(|part| part["additionalProperties"].is_object());
        if described.is_empty() && !open {
            wrong.push(format!("{path}.{key} is served and not described"));
        }
        for schema in described {
            wrong.extend(differs(document, schema, inner, &format!("{path}.{key}")));
        }
    }
    wrong
}

/// What the document says of the answer to a request.
fn answer<'d>(document: &'d Value, path: &str, method: &str, status: &str) -> &'d Value {
    let responses = &document["paths"][path][method]["responses"];
    let response = responses.get(status).unwrap_or(&responses["default"]);
    let content = response["content"].as_object().unwrap_or_else(|| panic!("{path}: {responses}"));
    &content.values().next().unwrap()["schema"]
}

#[tokio::test]
async fn each_answer_has_exactly_the_fields_that_are_described() {
    let server = Server::new(&loopback());
    server.history.operated("oncall", "pause", Some("all"), Some("a migration")).await;
    let document = server.json("/openapi.json").await;
    let mut read = BTreeSet::new();
    for (path, request) in [
        ("/api/v1/status", "/api/v1/status"),
        ("/api/v1/accounts", "/api/v1/accounts"),
        ("/api/v1/accounts/{id}", "/api/v1/accounts/333333333333"),
        ("/api/v1/accounts/{id}", "/api/v1/accounts/444444444444"),
        ("/api/v1/accounts/{id}", "/api/v1/accounts/555555555555"),
        ("/api/v1/accounts/{id}", "/api/v1/accounts/777777777777"),
        ("/api/v1/accounts/{id}", "/api/v1/accounts/999999999999"),
        ("/api/v1/central", "/api/v1/central"),
        ("/api/v1/coverage", "/api/v1/coverage"),
        ("/api/v1/audit", "/api/v1/audit"),
        ("/api/v1/audit", "/api/v1/audit?standard=security-hub&status=met"),
        ("/api/v1/audit", "/api/v1/audit?standard=cis-1.4&account=555555555555"),
        ("/api/v1/audit", "/api/v1/audit?standard=cis-2.0"),
        ("/api/v1/drift", "/api/v1/drift"),
        ("/api/v1/plan", "/api/v1/plan"),
        ("/api/v1/alerts", "/api/v1/alerts"),
        ("/api/v1/alerts/{name}", "/api/v1/alerts/iam-changes"),
        ("/api/v1/alerts/{name}", "/api/v1/alerts/nobody"),
        ("/api/v1/watches", "/api/v1/watches"),
        ("/api/v1/changes", "/api/v1/changes?what=all"),
        ("/api/v1/holds", "/api/v1/holds"),
        ("/api/v1/dead-letters", "/api/v1/dead-letters"),
        ("/api/v1/canaries", "/api/v1/canaries"),
        ("/api/v1/config", "/api/v1/config"),
        ("/api/v1/version", "/api/v1/version"),
        ("/openapi.json", "/openapi.json"),
    ] {
        let answered = server.get(request).await;
        let schema = answer(&document, path, "get", answered.status.as_str());
        assert_eq!(differs(&document, schema, &answered.json(), request), Vec::<String>::new());
        read.insert(path);
    }
    // What is not looked at here, with why.
    let others = ["/api/v1/reconciles/{id}", "/api/v1/stream", "/healthz", "/readyz", "/metrics"];
    let gets = document["paths"].as_object().unwrap().iter().filter(|(_, item)| item.get("get").is_some());
    let gets: BTreeSet<&str> = gets.map(|(path, _)| path.as_str()).filter(|p| !others.contains(p)).collect();
    assert_eq!(read, gets, "each described read is made here");
}

#[tokio::test]
async fn each_deed_answers_as_it_is_described_and_every_described_path_is_served() {
    let server = Server::new(&loopback());
    let document = server.json("/openapi.json").await;
    let mut acted = BTreeSet::new();
    for (path, request, body) in [
        ("/api/v1/reconcile", "/api/v1/reconcile", ""),
        ("/api/v1/accounts/{id}/reconcile", "/api/v1/accounts/333333333333/reconcile", ""),
        ("/api/v1/holds/{id}/release", "/api/v1/holds/open/release", ""),
        ("/api/v1/pause", "/api/v1/pause", r#"{"scope":"all","reason":"a migration","duration":"2h"}"#),
        ("/api/v1/resume", "/api/v1/resume", r#"{"scope":"all"}"#),
        ("/api/v1/log-level", "/api/v1/log-level", r#"{"level":"debug"}"#),
        ("/api/v1/reload", "/api/v1/reload", ""),
        ("/api/v1/discovery/accept", "/api/v1/discovery/accept", ""),
    ] {
        let request = Request::builder().method("POST").uri(request).header("host", "localhost");
        let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
        let answered = server.send(request).await;
        assert!(answered.status.is_success(), "{path}: {}", answered.text);
        let schema = answer(&document, path, "post", answered.status.as_str());
        assert_eq!(differs(&document, schema, &answered.json(), path), Vec::<String>::new());
        acted.insert(path);
        if !body.is_empty() {
            let described = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
            let sent: Value = serde_json::from_str(body).unwrap();
            assert_eq!(differs(&document, &described["schema"], &sent, path), Vec::<String>::new());
        }
    }
    let posts = document["paths"].as_object().unwrap().iter().filter(|(_, item)| item.get("post").is_some());
    assert_eq!(acted, posts.map(|(path, _)| path.as_str()).collect(), "each described deed is done here");
    let progress = server.json("/api/v1/reconciles/r-1").await;
    let schema = answer(&document, "/api/v1/reconciles/{id}", "get", "200");
    assert_eq!(differs(&document, schema, &progress, "progress"), Vec::<String>::new());
}

/// The test itself must be able to fail.
#[tokio::test]
async fn a_field_more_a_field_less_and_another_type_are_noticed() {
    let server = Server::new(&loopback());
    let document = server.json("/openapi.json").await;
    let schema = answer(&document, "/api/v1/accounts/{id}", "get", "200");
    let good = server.json("/api/v1/accounts/333333333333").await;
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        differs(&document, schema, &value, "x").len()
    };
    assert_eq!(wrong(&|_| {}), 0);
    assert_eq!(wrong(&|value| value["more"] = json!(1)), 1);
    assert_eq!(wrong(&|value| value["hops"][0]["more"] = json!(1)), 1);
    assert_eq!(wrong(&|value| value["name"] = json!(1)), 1);
    assert_eq!(wrong(&|value| value["verdict"] = json!("fine")), 1);
    assert_eq!(wrong(&|value| drop(value.as_object_mut().unwrap().remove("email"))), 1);
}
