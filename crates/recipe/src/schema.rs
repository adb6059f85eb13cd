//! The recipe as it is written, as types that only exist for editors: their JSON schema completes
//! keys and shows what each means.
//!
//! Nothing is read with these types. Rules that a schema cannot say, such as which host names are
//! good, are the reader's; a test compares the keys of both.

#![allow(dead_code, reason = "the types are there for their schema")]

mod packages;

use std::collections::BTreeMap;

use schemars::JsonSchema;

use self::packages::{Distribution, Packages};

/// The JSON schema of `enclair.toml`, as a document.
pub fn recipe_schema() -> String {
    let schema = schemars::schema_for!(Recipe);
    // A schema is a JSON value, and writing one to memory does not fail.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// What an enclave image is made from: `enclair.toml`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Recipe {
    /// The version of this document.
    #[schemars(range(min = 1, max = 1))]
    schema: u32,
    /// The image as a whole.
    enclave: Option<Enclave>,
    /// Where the root filesystem comes from: exactly one of its keys.
    source: Source,
    /// Files laid over the source, in order.
    overlay: Option<Vec<File>>,
    /// How the application is started.
    run: Option<Run>,
    /// What comes in, and what may go out.
    network: Option<Network>,
    /// How documents of the security module are given out.
    attestation: Option<Attestation>,
    /// Where the application's output goes.
    logs: Option<Logs>,
    /// Who says what time it is.
    clock: Option<Clock>,
    /// The boot environment; what is left out is carried by Enclair.
    boot: Option<Boot>,
    /// Ramdisks behind the first.
    ramdisk: Option<Ramdisk>,
    /// Which normalisation rules are applied.
    normalize: Option<Normalize>,
    /// Ids of findings that would stop the build and shall not.
    allow: Option<Vec<String>>,
    /// How the image is signed. Read and checked, not built yet.
    sign: Option<Sign>,
    /// How much is done at most.
    limits: Option<Limits>,
    /// Where content is fetched from besides the place at which it was locked.
    provider: Option<Vec<Provider>>,
    /// How registries are reached, by host.
    registry: Option<BTreeMap<String, Registry>>,
    /// How archives of packages are reached, by name.
    archive: Option<BTreeMap<String, Archive>>,
}

/// The image as a whole.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Enclave {
    /// Name of the image; `enclave`.
    name: Option<String>,
    /// Version of the image; `0`.
    version: Option<String>,
    /// Architecture of kernel, init and application; `x86_64`.
    arch: Option<Arch>,
    /// The one time in the image: seconds since 1970, or `"commit"`; 0.
    epoch: Option<Epoch>,
    /// The whole kernel command line.
    cmdline: Option<String>,
    /// Words behind the command line, after one space.
    cmdline_append: Option<String>,
}

#[derive(JsonSchema)]
enum Arch {
    #[schemars(rename = "x86_64")]
    X86,
    #[schemars(rename = "aarch64")]
    Arm,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Epoch {
    /// Seconds since 1970.
    Seconds(u32),
    /// The committer's time of the commit that is checked out.
    Word(EpochWord),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum EpochWord {
    Commit,
}

/// Where the root filesystem comes from: exactly one of these keys.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
struct Source {
    /// A container image: `HOST/NAME:TAG`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`,
    /// `docker-archive:FILE[:NAME:TAG]` or `docker-daemon:NAME[:TAG]`.
    image: Option<String>,
    /// A tar archive of a root filesystem, compressed or not.
    archive: Option<Artifact>,
    /// Files of the project, and nothing else.
    files: Option<Vec<File>>,
    /// A Dockerfile. Read and checked, not built yet.
    dockerfile: Option<String>,
    /// Distribution packages.
    packages: Option<Packages>,
}

/// A file from somewhere.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Artifact {
    /// A file on this machine.
    Path(String),
    /// A file from somewhere else.
    Table(ArtifactTable),
}

/// Exactly one of `file`, `url`, `image` and `package`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ArtifactTable {
    /// A file on this machine.
    file: Option<String>,
    /// A file over HTTP.
    #[schemars(regex(pattern = r"^https?://"))]
    url: Option<String>,
    /// A file of this container image, at `path`.
    image: Option<String>,
    /// A file of this distribution package, at `path`.
    package: Option<String>,
    /// Where the file is in the archive, the image or the package.
    path: Option<String>,
    /// What must be found at the URL.
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{64}$"))]
    sha256: Option<String>,
    /// Whose package it is; that of `source.packages`.
    distribution: Option<Distribution>,
    /// Suites that it is chosen from; those of `source.packages`.
    suites: Option<Vec<String>>,
    /// Components that it is chosen from; `main`, or those of `source.packages`.
    components: Option<Vec<String>>,
}

/// What is laid: a path below the recipe's directory, or a file from elsewhere.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum From {
    /// A file or directory of the project.
    Path(String),
    /// A file at a URL, of a container image or of a package; not `file`.
    Table(ArtifactTable),
}

/// A file, a directory or a symlink: exactly one of `from` and `link`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct File {
    /// A file or directory of the project, or a file from elsewhere.
    from: Option<From>,
    /// The target of a symlink at `to`.
    link: Option<String>,
    /// Absolute path in the image.
    #[schemars(regex(pattern = r"^/"))]
    to: String,
    /// `UID:GID` or `USER[:GROUP]`; `0:0`.
    owner: Option<String>,
    /// Octal permissions of files; without them 0755 for programs, else 0644.
    #[schemars(regex(pattern = r"^0*[0-7]{1,4}$"))]
    mode: Option<String>,
    /// Octal permissions of directories; `0755`.
    #[schemars(regex(pattern = r"^0*[0-7]{1,4}$"))]
    dir_mode: Option<String>,
    /// Also files that git does not track.
    untracked: Option<bool>,
}

/// How the application is started; what is left out is as the image says.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Run {
    /// Program and arguments, instead of ENTRYPOINT and CMD.
    command: Option<Vec<String>>,
    /// Variables, `NAME=value`.
    env: Option<Vec<String>>,
    /// As USER of a Dockerfile.
    user: Option<String>,
    /// Working directory, absolute.
    #[schemars(regex(pattern = r"^/"))]
    workdir: Option<String>,
    /// The host's name inside; `enclave`.
    hostname: Option<String>,
    /// What the application may use.
    grant: Option<Vec<Grant>>,
    /// Resource limits, by the names of `getrlimit(2)` in lower case.
    limits: Option<BTreeMap<String, Bounds>>,
    /// How often it is started again when it fails; 0.
    restart: Option<u32>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Grant {
    Nsm,
    Vsock,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Bounds {
    /// Both bounds.
    Number(u64),
    /// `unlimited` or `SOFT:HARD`.
    Text(String),
}

/// What comes in, and what may go out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Network {
    /// Ports at which connections from outside arrive.
    ingress: Option<Vec<Ingress>>,
    /// What may be reached, `[!]HOST[:PORTS]`; the first rule that fits decides.
    egress: Option<Vec<String>>,
    /// `PORT/PATH` of an answer that says that the application is ready; else it is when every port
    /// of `ingress` is open.
    ready: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Ingress {
    /// The same port outside and in the application.
    Port(u16),
    /// `PORT:TO`.
    Text(String),
}

/// How documents of the security module are given out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Attestation {
    /// The vsock port of the endpoint; 9010.
    port: Option<u16>,
}

/// Where the application's output goes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Logs {
    /// `host`: to whoever runs the enclave, who can read it.
    to: Option<LogTarget>,
}

/// Who says what time it is.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Clock {
    /// `host`: the hypervisor where it can be asked, else whoever runs the enclave.
    from: Option<LogTarget>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum LogTarget {
    None,
    Host,
}

/// The boot environment; what is left out is carried by Enclair.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Boot {
    /// The kernel.
    kernel: Option<Artifact>,
    /// PID 1.
    init: Option<Artifact>,
    /// The agent, in images that have one.
    agent: Option<Artifact>,
    /// The NSM driver module.
    nsm_module: Option<Artifact>,
}

/// Ramdisks behind the first.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Ramdisk {
    /// How they are compressed; `none`.
    compression: Option<Compression>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Which normalisation rules are applied.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Normalize {
    /// Ids of default rules that are not applied.
    keep: Option<Vec<String>>,
    /// Ids of rules that remove, and are not applied by default.
    drop: Option<Vec<String>>,
}

/// How the image is signed. Read and checked, not built yet.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Sign {
    /// The certificate's file.
    certificate: String,
    /// The key: a file, or a URI of where it is kept.
    key: String,
}

/// How much is done at most.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Limits {
    /// How much is unpacked: bytes, or a number with K, M, G or T; `16G`.
    unpacked: Option<Size>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Size {
    /// Bytes.
    Bytes(u64),
    /// A number with a unit.
    Text(String),
}

/// Somebody who has content.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Provider {
    /// What it has: anything by digest, blobs of images, files that were locked at a URL, or
    /// packages.
    kind: ProviderKind,
    /// Where: `http`, `https`, `file` or `oci`, with `{name}`, `{basename}`, `{sha256}`, `{sha1}`,
    /// `{cid}`, `{epoch}` and `{date}`.
    #[schemars(regex(pattern = r"^(https?|file|oci)://"))]
    url: String,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum ProviderKind {
    Blob,
    Image,
    Url,
    Package,
}

/// How a registry is reached.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Registry {
    /// `HOST[:PORT][/PREFIX]` of registries that are asked before it.
    mirrors: Option<Vec<String>>,
    /// Whether it is reached over plain HTTP.
    insecure: Option<bool>,
}

/// How an archive of packages is reached.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Archive {
    /// URLs of its root: `http`, `https` or `file`.
    #[schemars(inner(regex(pattern = r"^(https?|file)://")))]
    mirrors: Option<Vec<String>>,
    /// Whether nobody but these mirrors is asked.
    exclusive: Option<bool>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::read::{ITEMS, TABLES};

    fn keys(definition: &Value) -> BTreeSet<&str> {
        let properties = definition["properties"].as_object();
        properties
            .into_iter()
            .flatten()
            .map(|(key, _)| &**key)
            .collect()
    }

    #[test]
    fn the_schema_has_the_keys_of_the_reader_and_no_others() {
        let schema: Value = serde_json::from_str(&recipe_schema()).unwrap();
        let known: Vec<BTreeSet<&str>> = TABLES
            .iter()
            .chain(ITEMS)
            .map(|(_, keys)| keys.iter().copied().collect())
            .collect();
        let mut found = vec![keys(&schema)];
        for (_, definition) in schema["$defs"].as_object().unwrap() {
            if definition["type"] == "object" {
                assert_eq!(definition["additionalProperties"], false);
                found.push(keys(definition));
            }
        }
        for keys in &found {
            assert!(known.contains(keys), "the reader has no table {keys:?}");
        }
        for keys in &known {
            assert!(found.contains(keys), "the schema has no table {keys:?}");
        }
    }
}
