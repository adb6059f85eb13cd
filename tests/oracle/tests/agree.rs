//! The same inputs through two implementations: same bytes, same registers, and each reads what
//! the other wrote.

use std::fs;
use std::io::{BufRead, Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use enclair_digest::{Limits, PureRust};
use enclair_eif::{
    Arch, BuildMetadata, Crc, Inline, Layout, Metadata, Section, SectionCrc, SectionKind,
    SignatureSection, Writer, Written, encode_signature_section, encode_signed_payload,
    read_structure,
};
use oracle::{Assembly, assemble, describe};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A row of the table: what goes into both.
struct Input {
    arch: Arch,
    kernel: usize,
    command_line: &'static str,
    ramdisks: &'static [usize],
    custom: Value,
}

fn table() -> Vec<Input> {
    let field = "reboot=k panic=30 pci=off nomodules console=ttyS0 random.trust_cpu=on";
    let sizes: [(usize, &'static str, &'static [usize]); 9] = [
        (12, "console=ttyS0", &[12]),
        (4097, field, &[1023, 65_537]),
        (1, "x", &[1, 1]),
        (0, "", &[0]),
        (300_001, field, &[262_144, 262_145, 3]),
        (64, "quotes \" and \\ and tabs\t", &[7, 0, 9, 11]),
        (1 << 20, field, &[1 << 19, 3 << 19]),
        (548, "a line end\n", &[4, 8, 12, 16]),
        (5, field, &[5; 29]),
    ];
    let customs = [
        Value::Null,
        json!({"z": [1, -2, 1.5, 1e300, {"b": 0, "a": null}], "a": "é\u{1F600}\n\u{7f}\u{1}/<"}),
        json!("text"),
        json!([[], {}, true, 18_446_744_073_709_551_615_u64, 0.1, 5e-324]),
    ];
    let arches = [Arch::X86_64, Arch::Aarch64];
    let rows = sizes
        .into_iter()
        .zip(customs.into_iter().cycle())
        .enumerate();
    rows.map(|(row, ((kernel, command_line, ramdisks), custom))| Input {
        arch: arches[row % 2],
        kernel,
        command_line,
        ramdisks,
        custom,
    })
    .collect()
}

/// Bytes that differ from place to place and from section to section.
fn content(seed: usize, size: usize) -> Vec<u8> {
    let byte = |i: usize| (seed.wrapping_mul(97) + 7 * i + i / 256) % 256;
    (0..size).map(|i| u8::try_from(byte(i)).unwrap()).collect()
}

impl Input {
    fn metadata(&self) -> Metadata {
        Metadata {
            image_name: "name \u{e9}\"".into(),
            image_version: "1.0".into(),
            build_metadata: BuildMetadata {
                build_time: "2024-02-29T12:00:00+00:00".into(),
                build_tool: "oracle".into(),
                build_tool_version: "0".into(),
                operating_system: "Linux".into(),
                kernel_version: "6.6.30".into(),
            },
            docker_info: Value::Null,
            custom_metadata: self.custom.clone(),
        }
    }

    /// Writes the inputs to files and describes them for the other implementation.
    fn assembly(&self, folder: &Path) -> Assembly {
        let file = |name: &str, data: Vec<u8>| {
            let path = folder.join(name);
            fs::write(&path, data).unwrap();
            path
        };
        let metadata = self.metadata();
        let ramdisks = self.ramdisks.iter().enumerate();
        Assembly {
            kernel: file("kernel", content(0, self.kernel)),
            command_line: self.command_line.into(),
            ramdisks: ramdisks
                .map(|(i, size)| file(&format!("ramdisk{i}"), content(i + 1, *size)))
                .collect(),
            name: metadata.image_name,
            version: metadata.image_version,
            build_time: metadata.build_metadata.build_time,
            build_tool: metadata.build_metadata.build_tool,
            build_tool_version: metadata.build_metadata.build_tool_version,
            operating_system: metadata.build_metadata.operating_system,
            kernel_version: metadata.build_metadata.kernel_version,
            custom: metadata.custom_metadata,
            signer: None,
            is_aarch64: self.arch == Arch::Aarch64,
        }
    }

    /// The sections in the order in which they are written.
    fn sections(&self) -> Vec<(SectionKind, Vec<u8>)> {
        let mut sections = vec![
            (SectionKind::Kernel, content(0, self.kernel)),
            (SectionKind::CommandLine, self.command_line.into()),
            (SectionKind::Metadata, self.metadata().to_json()),
        ];
        for (i, size) in self.ramdisks.iter().enumerate() {
            sections.push((SectionKind::Ramdisk, content(i + 1, *size)));
        }
        sections
    }
}

fn write(arch: Arch, sections: &[(SectionKind, Vec<u8>)], crc: Crc) -> (Vec<u8>, Written) {
    let sizes: Vec<_> = sections
        .iter()
        .map(|(kind, data)| (*kind, data.len() as u64))
        .collect();
    let layout = Layout::new(arch, &sizes).unwrap();
    let out = Cursor::new(Vec::new());
    let mut writer = Writer::new(out, layout, crc, Inline::new(&PureRust)).unwrap();
    for (_, data) in sections {
        writer.section().unwrap();
        writer.write_all(data).unwrap();
    }
    let (out, written) = writer.finish().unwrap();
    (out.into_inner(), written)
}

fn registers(written: &Written) -> Value {
    json!(written.measured.measurements)
}

#[test]
fn both_write_the_same_file_and_read_the_same_registers() {
    for (row, input) in table().iter().enumerate() {
        let folder = TempDir::new().unwrap();
        let theirs = folder.path().join("theirs.eif");
        let their_registers = assemble(&input.assembly(folder.path()), &theirs).unwrap();
        let (ours, written) = write(input.arch, &input.sections(), Crc::Patched);
        assert!(
            fs::read(&theirs).unwrap() == ours,
            "row {row}: the files differ"
        );
        assert_eq!(json!(their_registers), registers(&written), "row {row}");

        let path = folder.path().join("ours.eif");
        fs::write(&path, &ours).unwrap();
        let described = describe(&path).unwrap();
        assert_eq!(described["measurements"], registers(&written), "row {row}");
        assert_eq!(described["crc_is_right"], true, "row {row}");
        assert_eq!(described["arch"], input.arch.to_string(), "row {row}");
        assert_eq!(described["metadata"], json!(input.metadata()), "row {row}");

        let mut source = Cursor::new(&ours);
        let eif = read_structure(&mut source).unwrap();
        let scanned = eif.measure(&mut source, Inline::new(&PureRust)).unwrap();
        assert_eq!(scanned.measured, written.measured, "row {row}");
    }
}

#[test]
fn a_crc_known_from_parts_is_that_of_the_other_implementation() {
    for input in table() {
        let folder = TempDir::new().unwrap();
        let theirs = folder.path().join("theirs.eif");
        assemble(&input.assembly(folder.path()), &theirs).unwrap();
        let sections = input.sections();
        let sizes: Vec<_> = sections
            .iter()
            .map(|(kind, data)| (*kind, data.len() as u64))
            .collect();
        let parts: Vec<_> = sections.iter().map(|(_, data)| section_crc(data)).collect();
        let crc32 = Layout::new(input.arch, &sizes)
            .unwrap()
            .crc32_of_parts(&parts);
        assert_eq!(fs::read(&theirs).unwrap()[544..548], crc32.to_be_bytes());
        assert!(write(input.arch, &sections, Crc::Known(crc32)).0 == fs::read(&theirs).unwrap());
    }
}

/// CRC-32/ISO-HDLC, bit by bit.
fn section_crc(data: &[u8]) -> SectionCrc {
    let step = |crc: u32| (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
    let crc = data.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc))
    });
    SectionCrc {
        crc32: !crc,
        size: data.len() as u64,
    }
}

/// Makes a key on a curve and a certificate for it with `openssl`; gives their paths.
fn make_certificate(folder: &Path, curve: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let status = Command::new("openssl")
        .args([
            "req", "-x509", "-nodes", "-sha384", "-days", "2", "-subj", "/CN=test",
        ])
        .args([
            "-newkey",
            "ec",
            "-pkeyopt",
            &format!("ec_paramgen_curve:{curve}"),
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("this test needs the openssl command");
    assert!(
        status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
    (certificate, key)
}

fn read_signature(file: &[u8]) -> SignatureSection {
    let mut source = Cursor::new(file);
    let eif = read_structure(&mut source).unwrap();
    let mut signature = None;
    let visit = |section: &Section, data: &mut dyn BufRead| {
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes)?;
        match section.kind {
            SectionKind::Signature => signature = Some(SignatureSection::parse(&bytes).unwrap()),
            SectionKind::Metadata => {
                let (_, findings) = Metadata::parse(&bytes, &Limits::default()).unwrap();
                assert!(findings.is_empty());
            }
            _ => {}
        }
        std::io::Result::Ok(())
    };
    eif.scan(&mut source, Inline::new(&PureRust), visit)
        .unwrap();
    signature.unwrap()
}

#[test]
fn a_signed_image_has_the_same_parts_and_pcr8_in_both() {
    for (curve, algorithm, size) in [("P-256", -7, 64), ("P-384", -35, 96), ("P-521", -36, 132)] {
        let folder = TempDir::new().unwrap();
        let signer = make_certificate(folder.path(), curve);
        let certificate_pem = fs::read(&signer.0).unwrap();
        let input = &table()[1];
        let assembly = Assembly {
            signer: Some(signer),
            ..input.assembly(folder.path())
        };
        let theirs = folder.path().join("theirs.eif");
        let their_registers = assemble(&assembly, &theirs).unwrap();
        let their_file = fs::read(&theirs).unwrap();
        let signature = read_signature(&their_file);
        assert!(
            signature.findings().is_empty(),
            "{curve}: {:?}",
            signature.findings()
        );
        assert_eq!(signature.certificate_pem, certificate_pem);
        assert_eq!(
            (signature.algorithm, signature.signature.len()),
            (algorithm, size)
        );
        assert_eq!(
            their_registers["PCR8"],
            signature.pcr8(&PureRust).to_string()
        );
        assert_eq!(
            their_registers["PCR0"],
            signature.register_value.to_string()
        );
        assert_eq!(
            signature.payload,
            encode_signed_payload(&signature.register_value)
        );

        let data = encode_signature_section(&certificate_pem, &signature.cose_sign1);
        let mut sections = input.sections();
        sections.push((SectionKind::Signature, data));
        let (ours, _) = write(input.arch, &sections, Crc::Patched);
        assert!(ours == their_file, "{curve}: the signed files differ");
        let described = describe(&theirs).unwrap();
        assert_eq!(described["signature"], json!({"pcr0_is_signed": true}));
        assert_eq!(described["measurements"], json!(their_registers));
    }
}

#[test]
fn the_vectors_have_the_registers_of_both() {
    let text = include_str!("../../second-opinion/vectors.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    let golden = vectors
        .iter()
        .find(|vector| vector["name"] == "golden")
        .unwrap();
    let text = |index: usize| golden["parts"][index]["text"].as_str().unwrap();
    let metadata = Metadata::parse(text(2).as_bytes(), &Limits::default())
        .unwrap()
        .0;
    let folder = TempDir::new().unwrap();
    let file = |name: &str, data: &str| {
        fs::write(folder.path().join(name), data).unwrap();
        folder.path().join(name)
    };
    let assembly = Assembly {
        kernel: file("kernel", text(0)),
        command_line: text(1).into(),
        ramdisks: vec![file("boot", text(3)), file("application", text(4))],
        name: metadata.image_name,
        version: metadata.image_version,
        build_time: metadata.build_metadata.build_time,
        build_tool: metadata.build_metadata.build_tool,
        build_tool_version: metadata.build_metadata.build_tool_version,
        operating_system: metadata.build_metadata.operating_system,
        kernel_version: metadata.build_metadata.kernel_version,
        custom: Value::Null,
        signer: None,
        is_aarch64: false,
    };
    let out = folder.path().join("golden.eif");
    let registers = assemble(&assembly, &out).unwrap();
    let expected = &golden["expected"]["image"];
    for name in ["PCR0", "PCR1", "PCR2"] {
        assert_eq!(expected[name], registers[name]);
    }
    let crc32 = fs::read(&out).unwrap()[544..548]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<String>();
    assert_eq!(expected["crc32"], crc32);
}
