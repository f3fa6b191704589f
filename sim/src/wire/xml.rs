//! The query protocol's answers: XML.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::call::{Call, Refusal, Service};

/// The field that makes an object a map: `<entry><key/><value/></entry>` instead of named fields.
const ENTRIES: &str = "$entries";

/// A map, as a query service's output holds it (SNS's `Attributes`).
pub fn entries(pairs: impl IntoIterator<Item = (String, String)>) -> Value {
    let map: Map<String, Value> = pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    json!({ ENTRIES: map })
}

pub(super) fn answer(call: &Call, output: &Value) -> Response<Bytes> {
    let operation = &call.operation;
    let namespace = match call.service {
        Service::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
        Service::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
        _ => "https://sts.amazonaws.com/doc/2011-06-15/",
    };
    let mut body = format!("<{operation}Response xmlns=\"{namespace}\">");
    if !output.is_null() {
        element(&mut body, &format!("{operation}Result"), output);
    }
    body.push_str(&format!(
        "<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{operation}Response>",
        call.request_id
    ));
    super::response(StatusCode::OK, "text/xml", &call.request_id, body)
}

pub(super) fn refuse(status: StatusCode, request_id: &str, refusal: &Refusal) -> Response<Bytes> {
    let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
    let mut body = format!("<ErrorResponse><Error><Type>{fault}</Type>");
    element(&mut body, "Code", &Value::String(refusal.code.clone()));
    element(&mut body, "Message", &Value::String(refusal.message.clone()));
    body.push_str(&format!("</Error><RequestId>{request_id}</RequestId></ErrorResponse>"));
    super::response(status, "text/xml", request_id, body)
}

fn element(into: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    into.push_str(&format!("<{name}>"));
    match value {
        Value::Array(members) => members.iter().for_each(|member| element(into, "member", member)),
        Value::Object(fields) => match fields.get(ENTRIES) {
            Some(Value::Object(map)) => {
                for (key, value) in map {
                    element(into, "entry", &json!({ "key": key, "value": value }));
                }
            }
            _ => fields.iter().for_each(|(name, value)| element(into, name, value)),
        },
        Value::String(text) => escape(into, text),
        other => into.push_str(&other.to_string()),
    }
    into.push_str(&format!("</{name}>"));
}

fn escape(into: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '&' => into.push_str("&amp;"),
            '"' => into.push_str("&quot;"),
            '\r' => into.push_str("&#13;"),
            letter => into.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_maps_and_structures_are_told_apart() {
        let mut body = String::new();
        let value = json!({ "A": ["x<y", "z"], "B": entries([("k".to_owned(), "v".to_owned())]), "C": { "D": 1, "E": null } });
        element(&mut body, "R", &value);
        assert_eq!(
            body,
            "<R><A><member>x&lt;y</member><member>z</member></A><B><entry><key>k</key><value>v</value></entry></B><C><D>1</D></C></R>"
        );
    }
}
