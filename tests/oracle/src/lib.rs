//! The field's own library behind two functions: write an image, and say what an image is.
//!
//! It reads its inputs by path and panics on some bad input; that is left as it is.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use aws_nitro_enclaves_image_format::defs::{EIF_HDR_ARCH_ARM64, EifBuildInfo, EifIdentityInfo};
use aws_nitro_enclaves_image_format::utils::eif_reader::EifReader;
use aws_nitro_enclaves_image_format::utils::{EifBuilder, PcrSignatureChecker, SignKeyData};
use serde_json::{Value, json};
use sha2::{Digest, Sha384};

/// Registers by name, as the library gives them.
pub type Registers = BTreeMap<String, String>;

/// What goes into an image.
#[derive(Debug, Clone)]
pub struct Assembly {
    pub kernel: PathBuf,
    pub command_line: String,
    pub ramdisks: Vec<PathBuf>,
    pub name: String,
    pub version: String,
    pub build_time: String,
    pub build_tool: String,
    pub build_tool_version: String,
    pub operating_system: String,
    pub kernel_version: String,
    pub custom: Value,
    /// Certificate and private key, both PEM files.
    pub signer: Option<(PathBuf, PathBuf)>,
    pub is_aarch64: bool,
}

impl Assembly {
    fn identity(&self) -> EifIdentityInfo {
        EifIdentityInfo {
            img_name: self.name.clone(),
            img_version: self.version.clone(),
            build_info: EifBuildInfo {
                build_time: self.build_time.clone(),
                build_tool: self.build_tool.clone(),
                build_tool_version: self.build_tool_version.clone(),
                img_os: self.operating_system.clone(),
                img_kernel: self.kernel_version.clone(),
            },
            docker_info: Value::Null,
            custom_info: self.custom.clone(),
        }
    }
}

/// Writes an image and gives its registers.
pub fn assemble(assembly: &Assembly, out: &Path) -> Result<Registers, String> {
    let signer = assembly.signer.as_ref().map(|(certificate, key)| {
        let key = key.to_str().ok_or("the key's path is not UTF-8")?;
        SignKeyData::new(key, certificate)
    });
    let mut builder = EifBuilder::new(
        &assembly.kernel,
        assembly.command_line.clone(),
        signer.transpose()?,
        Sha384::new(),
        if assembly.is_aarch64 {
            EIF_HDR_ARCH_ARM64
        } else {
            0
        },
        assembly.identity(),
    );
    for ramdisk in &assembly.ramdisks {
        builder.add_ramdisk(ramdisk);
    }
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(out)
        .map_err(|error| format!("{}: {error}", out.display()))?;
    Ok(registers(builder.write_to(&mut file)))
}

/// Without the entry that names the hash algorithm by its debug text.
fn registers(mut measurements: Registers) -> Registers {
    measurements.retain(|name, _| name.starts_with("PCR"));
    measurements
}

/// What the library's reader says about an image.
pub fn describe(path: &Path) -> Result<Value, String> {
    let text = path.to_str().ok_or("the image's path is not UTF-8")?;
    let mut reader = EifReader::from_eif(text.to_owned())?;
    let is_signed = reader.signature_section.is_some();
    let measurements = reader.get_measurements()?;
    let mut signature = Value::Null;
    if is_signed {
        reader.get_certificate_info(measurements.clone())?;
        PcrSignatureChecker::from_eif(text)?.verify()?;
        signature = json!({ "pcr0_is_signed": reader.sign_check });
    }
    let header = reader.get_header();
    Ok(json!({
        "version": header.version,
        "arch": if header.flags & EIF_HDR_ARCH_ARM64 == 0 { "x86_64" } else { "aarch64" },
        "crc_is_right": reader.check_crc(),
        "num_sections": header.num_sections,
        "measurements": registers(measurements),
        "metadata": reader.get_metadata(),
        "signature": signature,
    }))
}
