//! The JSON documents and their schemas: each document is as its schema says, the committed copies
//! are what the program prints, and the field names of `nitro-cli describe-eif` are there.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::images::{BUILD, application, build, workshop};
use crate::workshop::Workshop;

const SCHEMAS: [&str; 25] = [
    "event",
    "detached",
    "ps",
    "measurements",
    "packages",
    "init",
    "lock",
    "store-size",
    "store-verify",
    "store-gc",
    "store-import",
    "log",
    "packages-list",
    "packages-why",
    "packages-download",
    "packages-diff",
    "packages-from-image",
    "assemble",
    "inspect",
    "inspect-ramdisk",
    "explain",
    "explain-path",
    "run",
    "host",
    "doctor",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/schemas")
}

fn schema(name: &str) -> String {
    Workshop::new().enclair(&format!("schema {name}")).done()
}

/// Whether the committed files are to be written anew.
pub(crate) fn is_update() -> bool {
    #[allow(
        clippy::disallowed_methods,
        reason = "the environment is how a person asks a test for an update"
    )]
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

#[test]
fn committed_schemas_are_those_that_the_program_prints() {
    for name in SCHEMAS {
        let path = folder().join(format!("{name}.json"));
        let printed = schema(name);
        if is_update() {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &printed).unwrap();
        }
        let committed =
            fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(
            committed == printed,
            "{name}: the schema has changed; a field that went away or has another type needs \
             another schema number. UPDATE=1 writes docs/reference/schemas anew"
        );
    }
    // One more is the recipe's, which is TOML: its crate compares it.
    let count = fs::read_dir(folder()).unwrap().count();
    assert_eq!(count, SCHEMAS.len() + 1, "a schema that no document has");
}

/// Checks `value` against the parts of JSON schema that these schemas use.
fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return check(root, root.pointer(pointer).unwrap(), value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let mut results = choices.iter().map(|choice| check(root, choice, value, at));
        return results
            .find(Result::is_ok)
            .unwrap_or_else(|| Err(format!("{at}: none of anyOf")));
    }
    check_type(&schema["type"], value, at)?;
    if schema["minimum"].as_i64() == Some(0) && value.is_number() && !value.is_u64() {
        return Err(format!("{at}: {value} is negative"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if value.get(name).is_none() {
            return Err(format!("{at}: `{name}` is required"));
        }
    }
    if let Some(object) = value.as_object() {
        for (name, member) in object {
            let at = format!("{at}.{name}");
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Null) if schema["properties"].is_object() => {
                    return Err(format!("{at}: not in the schema"));
                }
                (Value::Null, other) => check(root, other, member, &at)?,
                (property, _) => check(root, property, member, &at)?,
            }
        }
    }
    for (index, member) in value.as_array().into_iter().flatten().enumerate() {
        let item = match schema["prefixItems"].as_array() {
            Some(items) => items.get(index).ok_or(format!("{at}: too long"))?,
            None => &schema["items"],
        };
        check(root, item, member, &format!("{at}[{index}]"))?;
    }
    Ok(())
}

fn check_type(wanted: &Value, value: &Value, at: &str) -> Result<(), String> {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match wanted {
        Value::String(name) => name == found,
        Value::Array(names) => names.iter().any(|name| name == found),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    };
    fits.then_some(())
        .ok_or(format!("{at}: {found}, expected {wanted}"))
}

/// Expects a document that another test has made to be as its schema says.
pub(crate) fn assert_conforms(name: &str, document: &Value) {
    let schema: Value = serde_json::from_str(&schema(name)).unwrap();
    assert_eq!(check(&schema, &schema, document, name), Ok(()));
}

fn document(shop: &Workshop, arguments: &str) -> Value {
    serde_json::from_str(&shop.enclair(arguments).done()).unwrap()
}

#[test]
fn every_document_is_as_its_schema_says() {
    let shop = workshop(&application());
    build(&shop, "").done();
    shop.enclair("extract out/enclave.eif --section 4 -o ramdisk")
        .done();
    let signed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/eif/good_signed");
    fs::copy(signed, shop.path("signed.eif")).unwrap();
    for (name, arguments) in [
        ("measurements", &*format!("{BUILD} --json")),
        (
            "assemble",
            "assemble --kernel kernel --cmdline c --ramdisk init -o x.eif --json",
        ),
        ("inspect", "inspect out/enclave.eif --json"),
        ("inspect", "inspect out/enclave.eif --json --files"),
        ("inspect", "inspect x.eif --json"),
        ("inspect", "inspect signed.eif --json"),
        ("inspect-ramdisk", "inspect ramdisk --json --files"),
        ("explain", "explain --json"),
        ("explain", "explain PCR8 --json"),
    ] {
        let schema: Value = serde_json::from_str(&schema(name)).unwrap();
        let found = document(&shop, arguments);
        if let Err(problem) = check(&schema, &schema, &found, name) {
            panic!("{arguments}: {problem}");
        }
        assert_eq!(found["schema"], 1, "{name}");
        let required = schema["required"].as_array().unwrap();
        assert!(required.contains(&json!("schema")), "{name}");
    }
}

/// The check above can fail.
#[test]
fn a_document_that_is_not_as_the_schema_says_is_noticed() {
    let schema: Value = serde_json::from_str(&schema("assemble")).unwrap();
    let shop = workshop(&application());
    let good = document(
        &shop,
        "assemble --kernel kernel --cmdline c --ramdisk init -o x.eif --json",
    );
    assert_eq!(check(&schema, &schema, &good, ""), Ok(()));
    let change = |pointer: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        bad
    };
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("crc32");
    let mut more = good.clone();
    more["new"] = json!(1);
    for bad in [
        missing,
        more,
        change("/size", json!("12")),
        change("/size", json!(-1)),
        change("/Measurements/PCR0", json!(null)),
        change("/sections/0/offset", json!(1.5)),
        change("/sections", json!({})),
    ] {
        assert!(check(&schema, &schema, &bad, "").is_err(), "{bad}");
    }
}

#[test]
fn the_fields_of_describe_eif_are_there() {
    let shop = workshop(&application());
    build(&shop, "--name shop --image-version 7 --epoch 1700000000").done();
    let found = document(&shop, "inspect out/enclave.eif --json");
    let measurements = shop.json("out/measurements.json")["Measurements"].clone();
    assert_eq!(found["EifVersion"], 4);
    for name in ["HashAlgorithm", "PCR0", "PCR1", "PCR2"] {
        assert!(found["Measurements"][name].is_string(), "{name}");
        assert_eq!(found["Measurements"][name], measurements[name], "{name}");
    }
    assert_eq!(found["Measurements"]["HashAlgorithm"], "Sha384 { ... }");
    assert_eq!(
        found["Measurements"].as_object().unwrap().len(),
        4,
        "PCR8 of an unsigned image"
    );
    assert_eq!(found["IsSigned"], false);
    assert_eq!(found["CheckCRC"], true);
    assert_eq!(found["ImageName"], "shop");
    assert_eq!(found["ImageVersion"], "7");
    let metadata = &found["Metadata"];
    for (name, value) in [
        ("BuildTime", "2023-11-14T22:13:20Z"),
        ("BuildTool", "enclair"),
        ("BuildToolVersion", "1"),
        ("OperatingSystem", "Linux"),
        ("KernelVersion", "6.12.9-test"),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    assert_eq!(metadata["DockerInfo"], Value::Null);
    assert!(metadata.get("DockerInfo").is_some());
}

#[test]
fn a_signed_image_says_so() {
    let signed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/eif/good_signed");
    let shop = Workshop::new();
    fs::copy(signed, shop.path("signed.eif")).unwrap();
    let found = document(&shop, "inspect signed.eif --json");
    assert_eq!(found["IsSigned"], true);
    assert_eq!(found["Measurements"]["PCR8"].as_str().unwrap().len(), 96);
    assert_eq!(found["signature"]["verified"], false);
}
