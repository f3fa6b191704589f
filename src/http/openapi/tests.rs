use std::collections::BTreeSet;

use super::*;

/// Every schema that stands in `value`, with where.
fn schemas<'v>(value: &'v Value, path: &str, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let below = format!("{path}/{key}");
                if key == "properties"
                    && let Value::Object(properties) = inner
                {
                    for (name, property) in properties {
                        found.push((format!("{below}/{name}"), property));
                    }
                }
                schemas(inner, &below, found);
            }
        }
        Value::Array(all) => {
            for (i, inner) in all.iter().enumerate() {
                schemas(inner, &format!("{path}/{i}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_and_parameter_is_described() {
    let document = written();
    let mut found = Vec::new();
    schemas(&document["components"]["schemas"], "", &mut found);
    assert!(found.len() > 200, "{}", found.len());
    for (path, schema) in found {
        let target = schema["$ref"].as_str().and_then(|name| document.pointer(name.strip_prefix('#')?));
        let described = |schema: &Value| schema["description"].as_str().is_some_and(|text| text.len() > 3);
        assert!(described(schema) || target.is_some_and(described), "{path}: {schema}");
    }
    for (name, parameter) in document["components"]["parameters"].as_object().unwrap() {
        assert!(parameter["description"].as_str().is_some_and(|text| text.len() > 3), "{name}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(key, inner)| match inner.as_str() {
                Some(name) if key == "$ref" => {
                    found.insert(name);
                }
                _ => references(inner, found),
            }),
            Value::Array(all) => all.iter().for_each(|inner| references(inner, found)),
            _ => {}
        }
    }
    let document = written();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for name in &found {
        assert!(document.pointer(name.strip_prefix('#').unwrap()).is_some(), "{name}");
    }
    for kind in ["schemas", "parameters"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(
                found.contains(format!("#/components/{kind}/{name}").as_str()),
                "{kind}/{name} is not used"
            );
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_the_parameters_of_its_path() {
    let mut ids = BTreeSet::new();
    let document = written();
    for route in routes::all() {
        assert!(ids.insert(route.id), "{}", route.id);
        assert!(route.summary.ends_with('.'), "{}", route.id);
        let in_path: BTreeSet<&str> = route
            .takes
            .iter()
            .map(|name| &document["components"]["parameters"][name])
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let named: BTreeSet<&str> =
            route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(in_path, named, "{}", route.path);
    }
}
