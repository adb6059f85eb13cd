//! Small container images, kernels and programs, made in code.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::tarball::{self, Piece, dir, file};
use crate::workshop::{Outcome, Workshop, sha256};

/// A layer as it is stored and as it is promised to be.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) blob: Vec<u8>,
    pub(crate) diff_id: String,
    pub(crate) media_type: &'static str,
}

/// A container image that can be written in several forms.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) layers: Vec<Layer>,
    pub(crate) architecture: &'static str,
    /// The `config` of the configuration: what runs, as whom.
    pub(crate) process: Value,
}

impl Layer {
    /// An uncompressed one.
    pub(crate) fn plain(tar: Vec<u8>) -> Self {
        Self {
            diff_id: sha256(&tar),
            blob: tar,
            media_type: "application/vnd.oci.image.layer.v1.tar",
        }
    }

    pub(crate) fn gzip(tar: &[u8]) -> Self {
        Self {
            diff_id: sha256(tar),
            blob: compress(&["gzip", "-9n"], tar),
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip",
        }
    }

    /// A blob that does not unpack to what it should.
    pub(crate) fn stored(self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut layer = self;
        change(&mut layer.blob);
        layer
    }
}

impl Container {
    pub(crate) fn of(layers: impl IntoIterator<Item = Layer>) -> Self {
        Self {
            layers: layers.into_iter().collect(),
            architecture: "amd64",
            process: json!({"Entrypoint": ["/app"]}),
        }
    }

    /// One layer with `pieces`.
    pub(crate) fn with(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self::of([Layer::plain(tarball::archive(pieces))])
    }

    pub(crate) fn running(mut self, process: Value) -> Self {
        self.process = process;
        self
    }

    pub(crate) fn config(&self) -> Value {
        let diff_ids: Vec<_> = self
            .layers
            .iter()
            .map(|l| format!("sha256:{}", l.diff_id))
            .collect();
        json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": self.process,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        })
    }

    /// Writes the blobs and gives the descriptor of the manifest.
    fn write_blobs(&self, shop: &Workshop, name: &str) -> Value {
        let blob = |media_type: &str, bytes: &[u8]| {
            let digest = sha256(bytes);
            shop.write(&format!("{name}/blobs/sha256/{digest}"), bytes);
            json!({
                "mediaType": media_type,
                "digest": format!("sha256:{digest}"),
                "size": bytes.len(),
            })
        };
        let config = self.config().to_string();
        let layers = self.layers.iter();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": blob("application/vnd.oci.image.config.v1+json", config.as_bytes()),
            "layers": layers.map(|layer| blob(layer.media_type, &layer.blob)).collect::<Vec<_>>(),
        });
        blob(
            "application/vnd.oci.image.manifest.v1+json",
            manifest.to_string().as_bytes(),
        )
    }

    /// An OCI layout in the directory `name`, with the tag `v1`.
    pub(crate) fn write_oci(&self, shop: &Workshop, name: &str) {
        write_layout(shop, name, &[(self, Some("v1"))]);
    }

    /// The archive that `docker save` would write.
    pub(crate) fn docker_archive(&self) -> Vec<u8> {
        let config = self.config().to_string();
        let config_name = format!("{}.json", sha256(config.as_bytes()));
        let names: Vec<_> = (0..self.layers.len())
            .map(|index| format!("{index}/layer.tar"))
            .collect();
        let manifest = json!([{
            "Config": config_name,
            "RepoTags": ["example/app:1"],
            "Layers": names,
        }]);
        let mut pieces = vec![
            file(&config_name, config),
            file("manifest.json", manifest.to_string()),
        ];
        let layers = names.iter().zip(&self.layers);
        pieces.extend(layers.map(|(name, layer)| file(name, &layer.blob)));
        tarball::archive(pieces)
    }
}

/// An OCI layout with several images.
pub(crate) fn write_layout(shop: &Workshop, name: &str, images: &[(&Container, Option<&str>)]) {
    let mut manifests = Vec::new();
    for (image, tag) in images {
        let mut descriptor = image.write_blobs(shop, name);
        if let Some(tag) = tag {
            descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        }
        descriptor["platform"] = json!({"os": "linux", "architecture": image.architecture});
        manifests.push(descriptor);
    }
    let index = json!({"schemaVersion": 2, "manifests": manifests});
    shop.write(&format!("{name}/index.json"), index.to_string());
    shop.write(
        &format!("{name}/oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    );
}

/// An image that builds: a program, a user database, some links.
pub(crate) fn application() -> Container {
    Container::with([
        dir("etc"),
        file(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n",
        ),
        file(
            "etc/group",
            "root:x:0:\nadm:x:4:app\napp:x:1001:\nssl:x:101:app\n",
        ),
        file("app", "#!/bin/sh\necho hello\n").mode(0o755),
    ])
}

/// A kernel as far as anything looks at it: setup header, version, no payload.
pub(crate) fn bzimage() -> Vec<u8> {
    let mut bytes = vec![0; 0x2000];
    bytes[0x1f1] = 3;
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x20e..0x210].copy_from_slice(&0x0300_u16.to_le_bytes());
    let version = b"6.12.9-test (nobody@nowhere) #1\0";
    bytes[0x500..0x500 + version.len()].copy_from_slice(version);
    bytes
}

/// An arm64 kernel, likewise.
pub(crate) fn arm64_image() -> Vec<u8> {
    let mut bytes = vec![0; 0x200];
    bytes[0x08..0x10].copy_from_slice(&0x20_0000_u64.to_le_bytes());
    bytes[0x38..0x3c].copy_from_slice(b"ARMd");
    bytes.extend(b"Linux version 6.12.9-test (nobody@nowhere)\0");
    bytes
}

/// A workshop with `kernel`, `init` and the OCI layout `image`.
pub(crate) fn workshop(image: &Container) -> Workshop {
    let shop = Workshop::new();
    shop.write("kernel", bzimage());
    shop.write("init", "\x7fELF init");
    image.write_oci(&shop, "image");
    shop
}

/// What a build in [`workshop`] is called with.
pub(crate) const BUILD: &str = "build --image oci:image --kernel kernel --init init";

/// Builds `image` with further arguments.
pub(crate) fn build(shop: &Workshop, more: &str) -> Outcome {
    let arguments = format!("{BUILD} {more}");
    shop.enclair_with(arguments.split_ascii_whitespace())
}

/// An EIF of ramdisks that were made by hand, as `app.eif`.
pub(crate) fn write_eif(shop: &Workshop, ramdisks: &[Vec<u8>]) {
    shop.write("kernel", bzimage());
    let mut arguments = vec![
        "assemble",
        "--kernel",
        "kernel",
        "--cmdline",
        "c",
        "-o",
        "app.eif",
    ];
    let names: Vec<_> = (0..ramdisks.len())
        .map(|index| format!("ramdisk{index}"))
        .collect();
    for (name, ramdisk) in names.iter().zip(ramdisks) {
        shop.write(name, ramdisk);
        arguments.extend(["--ramdisk", name]);
    }
    shop.enclair_with(arguments).done();
    for name in names.iter().map(String::as_str).chain(["kernel"]) {
        std::fs::remove_file(shop.path(name)).unwrap();
    }
}

/// What a compression program makes of `bytes`.
pub(crate) fn compress(program: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program[0])
        .args(&program[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} is needed: {error}", program[0]));
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let mut output = Vec::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut output)
        .unwrap();
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    output
}
