//! Agreement with `tests/second-opinion`: a reader in another language, from the same document.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use enclair_digest::{Engine, Hasher, PureRust};
use enclair_eif::{Error, Inline, read_structure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::image::{Part, encode, put, repair_crc};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/second-opinion")
}

/// A row of `vectors.json`; the generator is described in `check_vectors.py`.
#[derive(Deserialize)]
struct Vector {
    name: String,
    arch: String,
    version: u16,
    parts: Vec<PartOf>,
    #[serde(default)]
    patch: Vec<Patch>,
    #[serde(default)]
    append: String,
    cut: Option<usize>,
    #[serde(default)]
    stale_crc: bool,
    expected: Expected,
}

#[derive(Deserialize)]
struct PartOf {
    kind: String,
    text: Option<String>,
    bytes: Option<usize>,
    seed: Option<usize>,
}

#[derive(Deserialize)]
struct Patch {
    offset: usize,
    hex: String,
}

#[derive(Deserialize)]
struct Expected {
    sha256: String,
    image: Option<Value>,
    refused: Option<String>,
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap();
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

impl PartOf {
    fn build(&self) -> Part {
        let kinds = ["kernel", "command-line", "ramdisk", "signature", "metadata"];
        let index = kinds.iter().position(|kind| *kind == self.kind).unwrap();
        let data = match (&self.text, self.bytes, self.seed) {
            (Some(text), None, None) => text.clone().into_bytes(),
            (None, Some(bytes), Some(seed)) => (0..bytes)
                .map(|i| u8::try_from((seed + 7 * i + i / 256) % 256).unwrap())
                .collect(),
            _ => panic!("a part has either `text` or `bytes` and `seed`"),
        };
        (u16::try_from(index + 1).unwrap(), data)
    }
}

impl Vector {
    fn build(&self) -> Vec<u8> {
        let parts: Vec<_> = self.parts.iter().map(PartOf::build).collect();
        let mut file = encode(&parts);
        put(&mut file, 4, &self.version.to_be_bytes());
        put(&mut file, 7, &[u8::from(self.arch == "aarch64")]);
        repair_crc(&mut file);
        for patch in &self.patch {
            put(&mut file, patch.offset, &hex(&patch.hex));
        }
        file.extend(hex(&self.append));
        file.truncate(self.cut.unwrap_or(file.len()));
        if !self.stale_crc && file.len() >= 548 {
            repair_crc(&mut file);
        }
        file
    }
}

/// The JSON that the other reader prints, from this one.
fn describe(file: &[u8]) -> Result<Value, Error> {
    let mut source = Cursor::new(file);
    let eif = read_structure(&mut source)?;
    let scanned = eif.measure(&mut source, Inline::new(&PureRust))?;
    let digests = scanned.measured.sections.iter();
    let sections: Vec<_> = eif
        .sections()
        .iter()
        .zip(digests)
        .map(|(section, digest)| {
            json!({
                "kind": section.kind,
                "offset": section.header_offset,
                "size": section.size,
                "sha384": digest,
            })
        })
        .collect();
    let pcrs = scanned.measured.measurements;
    Ok(json!({
        "version": eif.header().version,
        "arch": eif.arch(),
        "crc32": format!("{:08x}", scanned.crc32),
        "sections": sections,
        "PCR0": pcrs.pcr0,
        "PCR1": pcrs.pcr1,
        "PCR2": pcrs.pcr2,
    }))
}

#[test]
fn every_vector_gives_the_same_file_and_the_same_verdict() {
    let text = std::fs::read(folder().join("vectors.json")).unwrap();
    let vectors: Vec<Vector> = serde_json::from_slice(&text).unwrap();
    assert!(vectors.len() > 30);
    for vector in vectors {
        let (name, file) = (&vector.name, vector.build());
        let mut digest = PureRust.sha256();
        Hasher::update(&mut digest, &file);
        assert_eq!(
            digest.finish().to_string(),
            vector.expected.sha256,
            "{name}"
        );
        assert_eq!(describe(&file).ok(), vector.expected.image, "{name}");
        assert_ne!(
            vector.expected.image.is_some(),
            vector.expected.refused.is_some(),
            "{name}"
        );
    }
}

/// Runs a script of the folder without leaving compiled files there.
fn python(script: &str, argument: Option<&Path>) -> Result<String, String> {
    let output = Command::new("python3")
        .arg("-B")
        .arg(folder().join(script))
        .args(argument)
        .output()
        .expect("this test compares with a reader in Python: python3 has to be installed");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        return Ok(text(output.stdout));
    }
    Err(text(output.stderr))
}

#[test]
fn the_other_reader_agrees_with_the_vectors() {
    let said = python("check_vectors.py", None).unwrap_or_else(|error| panic!("{error}"));
    assert!(said.ends_with("vectors agree\n"), "{said}");
}

#[test]
fn both_readers_say_the_same_about_every_file_of_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/eif");
    let mut accepted = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let ours = describe(&std::fs::read(&path).unwrap());
        let theirs = python("read_eif.py", Some(&path));
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(*ours, serde_json::from_str::<Value>(theirs).unwrap());
                accepted += 1;
            }
            (Err(_), Err(theirs)) => {
                assert!(
                    !theirs.contains("Traceback"),
                    "{}: {theirs}",
                    path.display()
                );
            }
            _ => panic!("{}: {ours:?} and {theirs:?}", path.display()),
        }
    }
    assert!(accepted >= 6);
}
