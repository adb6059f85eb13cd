//! A second implementation of the Enclave Image Format at the command line.
//!
//! It wraps the field's own library, so that images can be compared with what everybody's tools
//! write and read. It is a tool for tests: it stops at the first error with a message and status 2.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use oracle::{Assembly, assemble, describe};

const USAGE: &str = "usage: oracle describe FILE
       oracle assemble --kernel F --cmdline S --ramdisk F.. --name S --version S --build-time S
                       --build-tool S --build-tool-version S --img-os S --img-kernel S
                       [--metadata F] [--certificate F --key F] --arch x86_64|aarch64 -o OUT";

/// Options by name, each with its values in order.
type Options = BTreeMap<String, Vec<String>>;

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::new();
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or(format!("{name} needs a value"))?;
        let values = options.entry(name.clone()).or_default();
        values.push(value.clone());
    }
    Ok(options)
}

fn one(options: &mut Options, name: &str) -> Result<String, String> {
    match options.remove(name).unwrap_or_default().as_slice() {
        [value] => Ok(value.clone()),
        values => Err(format!(
            "{name} is needed once, found {} times",
            values.len()
        )),
    }
}

fn run_assemble(arguments: &[String]) -> Result<(), String> {
    let mut given = options(arguments)?;
    let ramdisks = given.remove("--ramdisk").unwrap_or_default();
    let custom = match given.remove("--metadata") {
        Some(paths) => {
            let text = std::fs::read(&paths[0]).map_err(|e| format!("{}: {e}", paths[0]))?;
            serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", paths[0]))?
        }
        None => serde_json::Value::Null,
    };
    let signer = match given.contains_key("--certificate") || given.contains_key("--key") {
        true => Some((
            one(&mut given, "--certificate")?.into(),
            one(&mut given, "--key")?.into(),
        )),
        false => None,
    };
    let assembly = Assembly {
        kernel: one(&mut given, "--kernel")?.into(),
        command_line: one(&mut given, "--cmdline")?,
        ramdisks: ramdisks.into_iter().map(Into::into).collect(),
        name: one(&mut given, "--name")?,
        version: one(&mut given, "--version")?,
        build_time: one(&mut given, "--build-time")?,
        build_tool: one(&mut given, "--build-tool")?,
        build_tool_version: one(&mut given, "--build-tool-version")?,
        operating_system: one(&mut given, "--img-os")?,
        kernel_version: one(&mut given, "--img-kernel")?,
        custom,
        signer,
        is_aarch64: match one(&mut given, "--arch")?.as_str() {
            "x86_64" => false,
            "aarch64" => true,
            other => return Err(format!("--arch {other}: expected x86_64 or aarch64")),
        },
    };
    let out = one(&mut given, "-o")?;
    if let Some(name) = given.keys().next() {
        return Err(format!("{name} is not an option"));
    }
    let measurements = assemble(&assembly, Path::new(&out))?;
    println!("{}", serde_json::json!(measurements));
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [command, file] if command == "describe" => {
            describe(Path::new(file)).map(|json| println!("{json:#}"))
        }
        [command, rest @ ..] if command == "assemble" => run_assemble(rest),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oracle: {error}");
            ExitCode::from(2)
        }
    }
}
