//! The OpenAPI document: written from the table of routes and the schemas of what they answer.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::params::NoParams;
use super::routes::{self, Answer, Route};

#[cfg(test)]
mod tests;

/// Parameters, schemas and how one gets in.
const COMPONENTS: &str = include_str!("components.json");

static DOCUMENT: LazyLock<Value> = LazyLock::new(written);

fn written() -> Value {
    #[expect(clippy::expect_used, reason = "the text is a constant that a test parses")]
    let mut components: Value = serde_json::from_str(COMPONENTS).expect("the components are JSON");
    components["schemas"]["Document"] = json!({
        "type": "object", "description": "An OpenAPI document.", "required": ["openapi", "info", "paths"],
        "properties": {
            "openapi": { "type": "string", "description": "The version of OpenAPI." },
            "info": { "type": "object", "description": "What it is about.", "additionalProperties": { "description": "A fact." } },
            "paths": { "type": "object", "description": "The requests.", "additionalProperties": { "description": "A path." } },
        },
        "additionalProperties": { "description": "A part of the document." },
    });
    let mut paths = Map::new();
    for route in routes::all() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "orgwatch",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What orgwatch knows of an AWS Organization, and what operators tell it. Every read answers \
                            from memory. Refusals are problem documents (RFC 9457).",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": components,
    })
}

fn operation(route: &Route) -> Value {
    let reference = |kind: &str, name: &str| json!({ "$ref": format!("#/components/{kind}/{name}") });
    let content = match route.answer {
        Answer::Json(schema) => json!({ "application/json": { "schema": reference("schemas", schema) } }),
        Answer::Text(media) => json!({ media: { "schema": { "type": "string" } } }),
    };
    let mut good = json!({ "description": "As asked.", "content": content });
    if route.status == "202" {
        good["description"] = json!("Asked for; `Location` is where it can be followed.");
        good["headers"] = json!({ "Location": {
            "description": "The path of its progress.", "schema": { "type": "string" },
        }});
    }
    let problem = json!({
        "description": "A refusal.",
        "content": { "application/problem+json": { "schema": reference("schemas", "Problem") } },
    });
    let mut responses = json!({ route.status: good, "default": problem });
    if route.path == "/readyz" {
        responses["503"] = json!({
            "description": "About to stop.", "content": { "text/plain": { "schema": { "type": "string" } } },
        });
    }
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": route.takes.iter().map(|name| reference("parameters", name)).collect::<Vec<_>>(),
        "responses": responses,
    });
    if let Some(schema) = route.body {
        operation["requestBody"] = json!({
            "required": true, "content": { "application/json": { "schema": reference("schemas", schema) } },
        });
    }
    // For supervisors, who have no token.
    if matches!(route.path, "/healthz" | "/readyz") {
        operation["security"] = json!([]);
    }
    operation
}

pub(super) async fn document(_: NoParams) -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.to_string()).into_response()
}
