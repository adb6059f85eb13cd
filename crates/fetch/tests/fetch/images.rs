//! Images that tests push: OCI layouts of a few files, written here byte by byte.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use enclair_recipe::Blob;
use tempfile::TempDir;

use crate::servers::program;
use crate::{blob, noise};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An OCI layout with one image in it, called `image`.
#[derive(Debug)]
pub(crate) struct Layout {
    directory: TempDir,
}

/// One image for one platform.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) manifest: Blob,
    pub(crate) config: Blob,
    pub(crate) layers: Vec<Blob>,
    /// Its place in an index.
    descriptor: String,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        fs::create_dir_all(top.join("blobs/sha256")).unwrap();
        fs::write(top.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn put(&self, content: &[u8]) -> Blob {
        let blob = blob(content);
        let path = self
            .path()
            .join("blobs/sha256")
            .join(blob.sha256.to_string());
        fs::write(path, content).unwrap();
        blob
    }

    /// Writes an image with a layer for each program in `encoders`, `cat` for none.
    pub(crate) fn image(&self, architecture: &str, encoders: &[&str], seed: u64) -> Image {
        let mut layers = Vec::new();
        let (mut listed, mut diff_ids) = (Vec::new(), Vec::new());
        for (index, encoder) in encoders.iter().enumerate() {
            let tar = tar_file("file", &noise(50_000, seed + index as u64));
            let layer = self.put(&piped(encoder, &tar));
            let suffix = match *encoder {
                "gzip" => "+gzip",
                "zstd" => "+zstd",
                _ => "",
            };
            let media_type = format!("application/vnd.oci.image.layer.v1.tar{suffix}");
            listed.push(descriptor(&media_type, &layer, ""));
            diff_ids.push(format!("\"sha256:{}\"", blob(&tar).sha256));
            layers.push(layer);
        }
        let config = format!(
            r#"{{"architecture":"{architecture}","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
            diff_ids.join(",")
        );
        let config = self.put(config.as_bytes());
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
            descriptor(CONFIG, &config, ""),
            listed.join(",")
        );
        let manifest = self.put(manifest.as_bytes());
        let platform = format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}"#);
        Image {
            manifest,
            config,
            layers,
            descriptor: descriptor(MANIFEST, &manifest, &platform),
        }
    }

    /// Writes an index of images, and says how it stands in another one.
    pub(crate) fn index(&self, entries: &[String]) -> (Blob, String) {
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
            entries.join(",")
        );
        let index = self.put(index.as_bytes());
        (index, descriptor(INDEX, &index, ""))
    }

    /// Calls what `descriptor` describes `image`.
    pub(crate) fn name(&self, descriptor: &str) {
        let named = descriptor.strip_suffix('}').unwrap();
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{named},"annotations":{{"org.opencontainers.image.ref.name":"image"}}}}]}}"#
        );
        fs::write(self.path().join("index.json"), index).unwrap();
    }
}

impl Image {
    /// How it stands in an index.
    pub(crate) fn entry(&self) -> String {
        self.descriptor.clone()
    }

    /// The same for another platform than its own.
    pub(crate) fn entry_for(&self, os: &str, architecture: &str) -> String {
        let platform = format!(r#","platform":{{"os":"{os}","architecture":"{architecture}"}}"#);
        descriptor(MANIFEST, &self.manifest, &platform)
    }
}

fn descriptor(media_type: &str, blob: &Blob, more: &str) -> String {
    let mut text = String::new();
    write!(
        text,
        r#"{{"mediaType":"{media_type}","digest":"sha256:{}","size":{}{more}}}"#,
        blob.sha256, blob.size
    )
    .unwrap();
    text
}

/// What a program makes of its input.
fn piped(name: &str, input: &[u8]) -> Vec<u8> {
    let mut command = program(name);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap().stdout
    })
}

/// A tar archive with one file in it.
fn tar_file(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte: &u8| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}
