//! The metadata section: who built what, in JSON. It is not measured, so it is a hint and no more.
//!
//! Readers in the field need all five top-level keys and every key of `BuildMetadata`; the last
//! two top-level values may be `null`. Builders write compact JSON in the order of the fields
//! below, and objects inside the free values with sorted keys.

use std::collections::BTreeMap;
use std::fmt;

use enclair_digest::Limits;
use enclair_finding::Findings;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Error;
use crate::findings::{METADATA_FORM, METADATA_UNKNOWN};

/// What the metadata section says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata {
    /// Name of the image.
    pub image_name: String,
    /// Version of the image, in its maker's scheme.
    pub image_version: String,
    /// How it was built.
    pub build_metadata: BuildMetadata,
    /// What the container engine told the builder; `null` when there was none.
    #[serde(serialize_with = "serialize_sorted")]
    pub docker_info: Value,
    /// Whatever the maker adds; `null` when nothing.
    #[serde(serialize_with = "serialize_sorted")]
    pub custom_metadata: Value,
}

/// How an image was built, by its builder's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BuildMetadata {
    /// Time of the build, in RFC 3339.
    pub build_time: String,
    /// Name of the builder.
    pub build_tool: String,
    /// Version of the builder.
    pub build_tool_version: String,
    /// Operating system of the kernel, as in `Linux`.
    pub operating_system: String,
    /// Version of the kernel.
    pub kernel_version: String,
}

impl Metadata {
    /// The section's data: compact JSON, the same bytes for the same values.
    pub fn to_json(&self) -> Vec<u8> {
        // Writing strings and values with string keys to memory has no way to fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Parses the section's data. Keys that the format does not know, and bytes that
    /// [`Metadata::to_json`] would not give back, are findings: keep `json` if they matter.
    ///
    /// # Errors
    ///
    /// More than [`Limits::document_bytes`], or anything but an object with all keys, each once
    /// and of its type.
    pub fn parse(json: &[u8], limits: &Limits) -> Result<(Self, Findings), Error> {
        let found = u64::try_from(json.len()).unwrap_or(u64::MAX);
        let limit = limits.document_bytes;
        if found > limit {
            return Err(Error::MetadataSize { limit, found });
        }
        let wrap = |source| Error::Metadata {
            offset: offset_of(json, &source),
            source,
        };
        let metadata: Self = serde_json::from_slice(json).map_err(wrap)?;
        let keys: TopKeys = serde_json::from_slice(json).map_err(wrap)?;
        let mut findings = Findings::new();
        keys.check(&mut findings);
        if metadata.to_json() != json {
            findings.add(&METADATA_FORM, "metadata");
        }
        Ok((metadata, findings))
    }
}

/// The offset in bytes of an error that is given by line and column, both from 1.
fn offset_of(json: &[u8], error: &serde_json::Error) -> usize {
    let before = error.line().saturating_sub(1);
    let lines = json.split_inclusive(|byte| *byte == b'\n').take(before);
    let start: usize = lines.map(<[u8]>::len).sum();
    start.saturating_add(error.column().saturating_sub(1))
}

/// Writes objects with sorted keys, whichever map `serde_json` was compiled with.
fn serialize_sorted<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    Sorted(value).serialize(serializer)
}

struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(values) => serializer.collect_seq(values.iter().map(Sorted)),
            Value::Object(members) => {
                let sorted: BTreeMap<_, _> = members.iter().map(|(k, v)| (k, Sorted(v))).collect();
                serializer.collect_map(sorted)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.0.serialize(serializer)
            }
        }
    }
}

/// The keys of the two objects whose keys are fixed, in order, with those that appear twice.
struct TopKeys {
    top: Vec<String>,
    build: Vec<String>,
}

impl TopKeys {
    fn check(&self, findings: &mut Findings) {
        const TOP: [&str; 5] = [
            "ImageName",
            "ImageVersion",
            "BuildMetadata",
            "DockerInfo",
            "CustomMetadata",
        ];
        const BUILD: [&str; 5] = [
            "BuildTime",
            "BuildTool",
            "BuildToolVersion",
            "OperatingSystem",
            "KernelVersion",
        ];
        let unknown = |keys: [&'static str; 5]| move |key: &&String| !keys.contains(&key.as_str());
        for key in self.top.iter().filter(unknown(TOP)) {
            findings.add(&METADATA_UNKNOWN, key.escape_debug());
        }
        for key in self.build.iter().filter(unknown(BUILD)) {
            let key = key.escape_debug();
            findings.add(&METADATA_UNKNOWN, format_args!("BuildMetadata.{key}"));
        }
    }
}

impl<'de> Deserialize<'de> for TopKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TopKeysVisitor)
    }
}

struct TopKeysVisitor;

impl<'de> Visitor<'de> for TopKeysVisitor {
    type Value = TopKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TopKeys, A::Error> {
        let (mut top, mut build) = (Vec::new(), Vec::new());
        while let Some(key) = map.next_key::<String>()? {
            if key == "BuildMetadata" {
                build = map.next_value::<Keys>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            top.push(key);
        }
        Ok(TopKeys { top, build })
    }
}

/// The keys of one object.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
            keys.push(key);
        }
        Ok(Keys(keys))
    }
}
