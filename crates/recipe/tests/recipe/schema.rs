//! The JSON schema of the recipe: the committed copy is current, and recipes are as it says.

use std::fs;
use std::path::Path;

use enclair_recipe::{commented_template, recipe_schema};
use serde_json::Value;

#[test]
fn the_committed_schema_is_current() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/schemas/recipe.json");
    let schema = recipe_schema();
    #[allow(
        clippy::disallowed_methods,
        reason = "the environment is how a person asks a test for an update"
    )]
    let is_update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    if is_update {
        fs::write(&path, &schema).expect("the schema is written");
    }
    let committed = fs::read_to_string(&path).expect("the committed schema");
    assert!(
        committed == schema,
        "UPDATE=1 writes docs/reference/schemas/recipe.json anew"
    );
}

/// Checks `value` against the parts of JSON schema that this schema uses.
fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return check(root, root.pointer(pointer).unwrap(), value, at);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[key].as_array() {
            let mut results = choices.iter().map(|choice| check(root, choice, value, at));
            return results
                .find(Result::is_ok)
                .unwrap_or_else(|| Err(format!("{at}: none of {key}")));
        }
    }
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::String(name) => name == found,
        Value::Array(names) => names.iter().any(|name| name == found),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    };
    let word = schema["enum"]
        .as_array()
        .is_none_or(|words| words.contains(value))
        && (schema["const"].is_null() || &schema["const"] == value);
    if !fits || !word {
        return Err(format!("{at}: {value}"));
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap();
            object.get(name).ok_or(format!("{at}.{name}: missing"))?;
        }
        for limit in ["minProperties", "maxProperties"] {
            if let Some(limit) = schema[limit].as_u64() {
                assert_eq!(limit, 1);
                if object.len() != 1 {
                    return Err(format!("{at}: {} keys", object.len()));
                }
            }
        }
        for (name, member) in object {
            let at = format!("{at}.{name}");
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(false)) => return Err(format!("{at}: unknown")),
                (Value::Null, other) => check(root, other, member, &at)?,
                (property, _) => check(root, property, member, &at)?,
            }
        }
    }
    for (index, member) in value.as_array().into_iter().flatten().enumerate() {
        check(root, &schema["items"], member, &format!("{at}[{index}]"))?;
    }
    Ok(())
}

fn json(document: &str) -> Value {
    use toml::de::{DeTable, DeValue};
    fn value(found: &DeValue<'_>) -> Value {
        match found {
            DeValue::Table(entries) => table(entries),
            DeValue::Array(items) => items.iter().map(|item| value(item.get_ref())).collect(),
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(boolean) => Value::from(*boolean),
            DeValue::Integer(digits) => Value::from(digits.as_str().parse::<i64>().unwrap()),
            DeValue::Float(_) | DeValue::Datetime(_) => panic!("{found:?}"),
        }
    }
    fn table(entries: &DeTable<'_>) -> Value {
        let entries = entries.iter();
        entries
            .map(|(key, found)| (key.get_ref().to_string(), value(found.get_ref())))
            .collect()
    }
    table(DeTable::parse(document).unwrap().get_ref())
}

#[test]
fn good_recipes_are_as_the_schema_says_and_others_are_not() {
    let schema: Value = serde_json::from_str(&recipe_schema()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/recipe");
    let mut documents = vec![commented_template()];
    for entry in fs::read_dir(folder).expect("the folder of the seeds") {
        let path = entry.expect("a seed").path();
        if path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("good-")
        {
            documents.push(fs::read_to_string(path).expect("a seed's text"));
        }
    }
    assert!(documents.len() > 4);
    for document in documents {
        assert_eq!(
            check(&schema, &schema, &json(&document), ""),
            Ok(()),
            "{document}"
        );
    }
    for bad in [
        "schema = 1",
        "schema = 1\n[source]",
        "schema = 1\n[source]\nimage = 1",
        "schema = 1\nnew = 1\n[source]\nimage = \"a\"",
        "schema = 1\n[source]\nimage = \"a\"\ndockerfile = \"b\"",
        "schema = 1\n[source]\nimage = \"a\"\n[enclave]\narch = \"arm\"",
    ] {
        assert!(check(&schema, &schema, &json(bad), "").is_err(), "{bad}");
    }
}
