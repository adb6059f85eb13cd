//! Files made by hand: an encoder of its own, which writes whatever it is told.

use enclair_digest::PureRust;
use enclair_eif::{Inline, Measure, Pcr};
use enclair_eif::{SectionKind, encode_signature_section, encode_signed_payload};

pub(crate) const KERNEL: u16 = 1;
pub(crate) const COMMAND_LINE: u16 = 2;
pub(crate) const RAMDISK: u16 = 3;
pub(crate) const SIGNATURE: u16 = 4;
pub(crate) const METADATA: u16 = 5;

pub(crate) const METADATA_JSON: &[u8] =
    br#"{"ImageName":"n","ImageVersion":"1","BuildMetadata":{"BuildTime":"1970-01-01T00:00:00Z","BuildTool":"t","BuildToolVersion":"1","OperatingSystem":"Linux","KernelVersion":"6.6.137-94.0.amzn2"},"DockerInfo":null,"CustomMetadata":null}"#;

/// A section: type and data.
pub(crate) type Part = (u16, Vec<u8>);

pub(crate) fn kernel() -> Part {
    (KERNEL, b"kernel bytes".to_vec())
}

pub(crate) fn command_line() -> Part {
    (COMMAND_LINE, b"console=ttyS0".to_vec())
}

pub(crate) fn metadata() -> Part {
    (METADATA, METADATA_JSON.to_vec())
}

pub(crate) fn ramdisk(content: &str) -> Part {
    (RAMDISK, content.as_bytes().to_vec())
}

/// The sections of the image that most tests start from.
pub(crate) fn plain() -> Vec<Part> {
    vec![
        kernel(),
        command_line(),
        metadata(),
        ramdisk("boot ramdisk"),
        ramdisk("application!"),
    ]
}

/// [`plain`] with a signature of the right shape by nobody.
pub(crate) fn signed() -> Vec<Part> {
    let mut parts = plain();
    parts.push((SIGNATURE, signature_section(&cose(&pcr0(&parts)))));
    parts
}

/// Not a certificate, but a DER sequence in PEM.
pub(crate) const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";

pub(crate) fn signature_section(cose: &[u8]) -> Vec<u8> {
    encode_signature_section(PEM, cose)
}

/// An untagged `COSE_Sign1` with ES384 and 96 bytes of signature.
pub(crate) fn cose(pcr0: &Pcr) -> Vec<u8> {
    let payload = encode_signed_payload(pcr0);
    let mut out = vec![0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x58];
    out.push(u8::try_from(payload.len()).unwrap());
    out.extend(payload);
    out.extend([0x58, 96]);
    out.extend([0x11; 96]);
    out
}

/// PCR0 of these sections, whatever else is wrong with them.
pub(crate) fn pcr0(parts: &[Part]) -> Pcr {
    let mut measure = Inline::new(&PureRust);
    for (number, data) in parts {
        measure.section(SectionKind::from_type(*number).unwrap());
        measure.update(data);
    }
    measure.finish().measurements.pcr0
}

/// A file of version 4 for `x86_64` with these sections, tables and CRC in order.
pub(crate) fn encode(parts: &[Part]) -> Vec<u8> {
    let mut file = vec![0; 548];
    file[..4].copy_from_slice(b".eif");
    put(&mut file, 4, &4_u16.to_be_bytes());
    put(&mut file, 8, &(1_u64 << 30).to_be_bytes());
    put(&mut file, 16, &2_u64.to_be_bytes());
    let count = u16::try_from(parts.len()).unwrap();
    put(&mut file, 0x1a, &count.to_be_bytes());
    for (slot, (number, data)) in parts.iter().enumerate() {
        let (offset, size) = (file.len() as u64, data.len() as u64);
        put(&mut file, 0x1c + 8 * slot, &offset.to_be_bytes());
        put(&mut file, 0x11c + 8 * slot, &size.to_be_bytes());
        file.extend(number.to_be_bytes());
        file.extend([0, 0]);
        file.extend(size.to_be_bytes());
        file.extend(data);
    }
    repair_crc(&mut file);
    file
}

pub(crate) fn put(file: &mut [u8], offset: usize, bytes: &[u8]) {
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// [`encode`], then other bytes at some offsets, then a CRC that fits.
pub(crate) fn patched(parts: &[Part], patches: &[(usize, &[u8])]) -> Vec<u8> {
    let mut file = encode(parts);
    for (offset, bytes) in patches {
        put(&mut file, *offset, bytes);
    }
    repair_crc(&mut file);
    file
}

pub(crate) fn repair_crc(file: &mut [u8]) {
    let crc = crc32(&[&file[..544], &file[548..]]);
    put(file, 544, &crc.to_be_bytes());
}

/// CRC-32/ISO-HDLC bit by bit, so that the tests do not share the crate's implementation.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let mut crc = !0_u32;
    for byte in parts.iter().flat_map(|part| part.iter()) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    !crc
}

/// File offset of the header of section `index`.
pub(crate) fn offset_of(parts: &[Part], index: usize) -> usize {
    548 + parts[..index]
        .iter()
        .map(|(_, data)| 12 + data.len())
        .sum::<usize>()
}
