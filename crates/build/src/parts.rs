//! What is measured besides the application: kernel, command line, init, agent; and the metadata.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;

use enclair_eif::{Arch, BuildMetadata, Metadata};
use enclair_finding::Findings;
use enclair_inspect::{Kernel, check_kernel, parse_kernel};
use enclair_recipe::Supply;

use crate::configuration::Surroundings;
use crate::embedded::{Embedded, embedded};
use crate::error::Error;
use crate::report::FORMAT;
use crate::request::{BuildRequest, Content, ImageLayout};

/// The x86-64 command line of format 1; `docs/formats/image.md` says what each word is for.
pub const COMMAND_LINE_X86_64: &str = "reboot=k panic=30 pci=off nomodules console=ttyS0 \
     i8042.noaux i8042.nomux i8042.nopnp i8042.dumbkbd random.trust_cpu=on";
/// The aarch64 command line of format 1.
pub const COMMAND_LINE_AARCH64: &str =
    "reboot=k panic=30 pci=off nomodules console=ttyS0 random.trust_cpu=on root=/dev/ram0";

/// Kernels and init programs are held in memory up to this size; real ones have a tenth of it.
const MAX_PART: u64 = 128 << 20;

/// The parts in memory, checked.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) kernel: Cow<'static, [u8]>,
    pub(crate) command_line: String,
    /// The metadata section's bytes.
    pub(crate) metadata: Vec<u8>,
    pub(crate) init: Cow<'static, [u8]>,
    /// `None` in an image without an agent.
    pub(crate) agent: Option<Cow<'static, [u8]>>,
    pub(crate) module: Option<Vec<u8>>,
}

impl Parts {
    /// The sections before the ramdisks, in file order.
    pub(crate) fn sections(&self) -> [&[u8]; 3] {
        [&self.kernel, self.command_line.as_bytes(), &self.metadata]
    }

    /// Reads and checks what `request` names.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, a kernel of another kind or architecture, a command line that
    /// would change what is measured unseen.
    pub(crate) fn read(
        request: &BuildRequest,
        supply: &dyn Supply,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let bootstrap = request.layout == ImageLayout::Bootstrap;
        if bootstrap && request.surroundings != Surroundings::default() {
            return Err(Error::BootstrapSurroundings);
        }
        let command_line = command_line(request)?;
        let bytes = match &request.kernel {
            Some(content) => Cow::Owned(read_part(content, supply)?),
            None => Cow::Borrowed(carried(request.arch, "kernel")?.kernel),
        };
        let path = match &request.kernel {
            Some(Content::File(path) | Content::Pinned { path, .. }) => path,
            Some(Content::Blob { name, .. }) => Path::new(name),
            None => Path::new("bzImage"),
        };
        let kernel = identify_kernel(path, &bytes, request.arch)?;
        findings.merge(check_kernel(&kernel, &bytes));
        let metadata = metadata(request, &kernel).to_json();
        let init = match (&request.init, request.layout) {
            (Some(content), _) => Cow::Owned(read_part(content, supply)?),
            (None, ImageLayout::Enclair) => Cow::Borrowed(carried(request.arch, "init")?.init),
            (None, ImageLayout::Bootstrap) => return Err(Error::NoBootstrapInit),
        };
        let agent = match &request.agent {
            Some(_) if request.surroundings.services.is_empty() => return Err(Error::IdleAgent),
            None if request.surroundings.services.is_empty() => None,
            Some(content) => Some(Cow::Owned(read_part(content, supply)?)),
            None => Some(Cow::Borrowed(carried(request.arch, "agent")?.agent)),
        };
        let read = |content| read_part(content, supply);
        let module = request.module.as_ref().map(read).transpose()?;
        Ok(Self {
            kernel: bytes,
            command_line,
            metadata,
            init,
            agent,
            module,
        })
    }
}

/// What this program carries for `arch`.
fn carried(arch: Arch, what: &'static str) -> Result<Embedded, Error> {
    embedded(arch).ok_or(Error::NotCarried { what, arch })
}

/// The command line of format 1 for `arch`.
pub(crate) const fn default_command_line(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => COMMAND_LINE_X86_64,
        Arch::Aarch64 => COMMAND_LINE_AARCH64,
    }
}

fn command_line(request: &BuildRequest) -> Result<String, Error> {
    let default = default_command_line(request.arch);
    let command_line = request.command_line.as_deref().unwrap_or(default);
    for (character, what) in [('\0', "a NUL"), ('\n', "a newline")] {
        if command_line.contains(character) {
            return Err(Error::CommandLine { what });
        }
    }
    Ok(command_line.to_owned())
}

fn identify_kernel(path: &Path, bytes: &[u8], arch: Arch) -> Result<Kernel, Error> {
    let kernel = parse_kernel(bytes).map_err(|source| Error::Kernel {
        path: path.to_owned(),
        source,
    })?;
    if kernel.kind.arch() == arch {
        return Ok(kernel);
    }
    Err(Error::KernelArch {
        path: path.to_owned(),
        kind: kernel.kind,
        expected: arch,
    })
}

/// The metadata section. The builder's version in it is the format's number, so that a new release
/// of the program gives the same file.
fn metadata(request: &BuildRequest, kernel: &Kernel) -> Metadata {
    Metadata {
        image_name: request.name.clone(),
        image_version: request.version.clone(),
        build_metadata: BuildMetadata {
            build_time: request.epoch.to_string(),
            build_tool: "enclair".to_owned(),
            build_tool_version: FORMAT.to_string(),
            operating_system: "Linux".to_owned(),
            kernel_version: kernel
                .version
                .clone()
                .unwrap_or_else(|| "unknown".to_owned()),
        },
        docker_info: serde_json::Value::Null,
        custom_metadata: serde_json::Value::Null,
    }
}

fn read_part(content: &Content, supply: &dyn Supply) -> Result<Vec<u8>, Error> {
    let name = content.name();
    let mut bytes = Vec::new();
    content
        .open(supply)?
        .take(MAX_PART + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Read {
            name: name.clone(),
            source,
        })?;
    if bytes.len() as u64 > MAX_PART {
        let limit = MAX_PART;
        return Err(Error::TooLarge { name, limit });
    }
    if bytes.is_empty() {
        return Err(Error::Empty { path: name.into() });
    }
    Ok(bytes)
}
