//! What `nitro-cli` prints, as types.
//!
//! | command | prints |
//! |---|---|
//! | `run-enclave` | an object: name, id, process, CID, CPUs, memory |
//! | `describe-enclaves` | a list of such objects, with state, flags and, from version 1.2 on, measurements |
//! | `terminate-enclave` | an object: id, and whether it has ended |
//!
//! Fields that are not known are passed over, as versions add some; one that is missing is an error
//! that names it. The vendor's pages have the process id as text and its program prints a number,
//! so either is read. Lines in front of the document are skipped.

use enclair_eif::Measurements;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::NitroError;

/// Bytes of output that are read: a description of 4 enclaves has less than 16 KiB, and metadata of
/// an image may be large.
pub(crate) const MAX_OUTPUT: usize = 1 << 20;
/// The first context id that an enclave can have.
const FIRST_CID: u32 = 4;

/// `run-enclave`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Started {
    /// The enclave's id.
    #[serde(rename = "EnclaveID")]
    pub(crate) id: String,
    /// The process that holds the enclave's resources, and ends with it.
    #[serde(rename = "ProcessID")]
    pub(crate) process: Number,
    /// Where it is on vsock.
    #[serde(rename = "EnclaveCID")]
    pub(crate) cid: u32,
    /// CPUs that it has got.
    #[serde(rename = "NumberOfCPUs")]
    pub(crate) cpus: u32,
    /// Memory that it has got.
    #[serde(rename = "MemoryMiB")]
    pub(crate) memory_mib: u64,
}

/// One enclave of `describe-enclaves`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Described {
    /// The enclave's id.
    #[serde(rename = "EnclaveID")]
    pub(crate) id: String,
    /// The name; old versions know none.
    #[serde(rename = "EnclaveName")]
    pub(crate) name: Option<String>,
    #[serde(rename = "EnclaveCID")]
    pub(crate) cid: u32,
    /// `RUNNING`, `TERMINATING`.
    #[serde(rename = "State")]
    pub(crate) state: String,
    /// `NONE`, `DEBUG_MODE`.
    #[serde(rename = "Flags")]
    flags: String,
    #[serde(rename = "Measurements")]
    pub(crate) registers: Option<Registers>,
}

impl Described {
    /// Whether anybody on this machine can read its console, and its documents have no registers.
    pub(crate) fn is_debug(&self) -> bool {
        !self.flags.eq_ignore_ascii_case("none")
    }
}

/// Registers in hexadecimal, as the file that was booted gives them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Registers {
    #[serde(rename = "PCR0")]
    pub(crate) pcr0: String,
    #[serde(rename = "PCR1")]
    pub(crate) pcr1: String,
    #[serde(rename = "PCR2")]
    pub(crate) pcr2: String,
}

impl Registers {
    /// Compares with what was computed here.
    pub(crate) fn compare(&self, computed: &Measurements) -> Result<(), NitroError> {
        let pairs = [
            ("PCR0", &self.pcr0, computed.pcr0.to_string()),
            ("PCR1", &self.pcr1, computed.pcr1.to_string()),
            ("PCR2", &self.pcr2, computed.pcr2.to_string()),
        ];
        for (register, reported, computed) in pairs {
            if !reported.eq_ignore_ascii_case(&computed) {
                return Err(NitroError::Differs {
                    register,
                    computed,
                    // Of a program's output no more is shown than a register has.
                    reported: reported.chars().take(128).collect(),
                });
            }
        }
        Ok(())
    }
}

/// `terminate-enclave`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Terminated {
    #[serde(rename = "EnclaveID")]
    pub(crate) id: String,
    #[serde(rename = "Terminated")]
    pub(crate) terminated: bool,
}

/// A number, or one in text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Number {
    Plain(i32),
    Text(String),
}

impl Number {
    pub(crate) fn get(&self) -> Option<i32> {
        match self {
            Self::Plain(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
        .filter(|number| *number > 0)
    }
}

/// Reads what `command` has printed.
pub(crate) fn parse<T: DeserializeOwned>(
    command: &'static str,
    output: &[u8],
) -> Result<T, NitroError> {
    serde_json::from_slice(document(output))
        .map_err(|source| NitroError::Answer { command, source })
}

/// Reads the answer of `run-enclave`.
pub(crate) fn parse_started(output: &[u8]) -> Result<Started, NitroError> {
    let started: Started = parse("run-enclave", output)?;
    // 0 to 3 are the hypervisor, this machine and its parent: streams there are no enclave's.
    if started.cid < FIRST_CID || started.cid == u32::MAX {
        return Err(NitroError::Cid { found: started.cid });
    }
    // It becomes an argument.
    if started.id.is_empty() || started.id.starts_with('-') {
        return Err(NitroError::Id { found: started.id });
    }
    Ok(started)
}

/// What is behind the lines that are no JSON: the first that begins as an object or a list does.
fn document(output: &[u8]) -> &[u8] {
    let mut start = 0;
    for line in output.split_inclusive(|byte| *byte == b'\n') {
        if matches!(line.trim_ascii_start().first(), Some(b'{' | b'[')) {
            break;
        }
        start += line.len();
    }
    output.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
