//! What can go wrong between `nitro-cli` and us, each with what to do.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use rustix::io::Errno;
use thiserror::Error;

/// An enclave that was not started, not found as it should be, or not ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NitroError {
    /// The driver's device cannot be opened.
    #[error("`{}` cannot be opened", .device.display())]
    Device {
        /// The device.
        device: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program cannot be started.
    #[error("`{}` cannot be started", .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program does not end.
    #[error("`nitro-cli {command}` did not end within {seconds} seconds")]
    Silent {
        /// What it was to do.
        command: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// The program was not waited for.
    #[error("`nitro-cli {command}` was ended by a second signal")]
    GivenUp {
        /// What it was to do.
        command: &'static str,
    },
    /// The program says that it could not do it.
    #[error("`nitro-cli {command}` failed ({exit}){}", says(.messages))]
    Failed {
        /// What it was to do.
        command: &'static str,
        /// Its exit status.
        exit: ExitStatus,
        /// What it wrote to stderr: a program's text, to be escaped before it is shown.
        messages: String,
    },
    /// More output than any answer has.
    #[error("`nitro-cli {command}` printed more than 1 MiB")]
    TooLong {
        /// What it was to do.
        command: &'static str,
    },
    /// Its answer is not read.
    #[error("the answer of `nitro-cli {command}` has another form")]
    Answer {
        /// What it was to do.
        command: &'static str,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// A context id that is no enclave's.
    #[error("the enclave's context id is {found}; expected 4 or more")]
    Cid {
        /// The number.
        found: u32,
    },
    /// An id that cannot be an argument.
    #[error("the enclave's id is `{found}`")]
    Id {
        /// The id.
        found: String,
    },
    /// The measurements of the file are not those that `nitro-cli` has found.
    #[error("{register} of the file is {computed}, but that of what was started is {reported}")]
    Differs {
        /// Which.
        register: &'static str,
        /// Ours.
        computed: String,
        /// `nitro-cli`'s: a program's text, to be escaped before it is shown.
        reported: String,
    },
    /// It reports none.
    #[error("`nitro-cli describe-enclaves` reports no measurements")]
    NoRegisters,
    /// It does not know the enclave, whose process runs.
    #[error("`nitro-cli describe-enclaves` does not know `{id}`")]
    NotDescribed {
        /// The enclave.
        id: String,
    },
    /// The enclave is in debug mode and should not be, or the reverse.
    #[error("the enclave was started {}", if *.is_debug { "in debug mode" } else { "without debug mode" })]
    Debug {
        /// What it is.
        is_debug: bool,
    },
    /// A port of vsock at which nothing can listen.
    #[error("nothing can listen at vsock port {port}")]
    Listen {
        /// The port.
        port: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The enclave is gone.
    #[error("the enclave ended before it told its status")]
    Ended,
    /// The enclave may still be there.
    #[error("`nitro-cli terminate-enclave` says that `{id}` has not ended")]
    NotTerminated {
        /// The enclave.
        id: String,
    },
}

/// A program's last words in one line, where it had any.
fn says(messages: &str) -> String {
    let words: Vec<_> = messages.split_whitespace().collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(": {}", words.join(" "))
    }
}

const NO_DRIVER: &str = "the instance must be started with enclaves enabled, and its kernel needs \
    the driver `nitro_enclaves`; `enclair run` boots an image on any machine";
const NO_RIGHT: &str =
    "be root, or in the group `ne`: `sudo usermod -aG ne $USER`, and log in again";
const NO_PROGRAM: &str = "install the vendor's aws-nitro-enclaves-cli, or name its program with \
    `--nitro-cli FILE`";

impl NitroError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Device { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                NO_RIGHT
            }
            Self::Device { source, .. } if source.kind() == io::ErrorKind::NotFound => NO_DRIVER,
            Self::Program { source, .. } if source.kind() == io::ErrorKind::NotFound => NO_PROGRAM,
            Self::Failed { messages, .. } => return hint_of(messages),
            Self::Answer { .. } | Self::NoRegisters => {
                "version 1.2 or later of `nitro-cli` is needed; `nitro-cli --version` says which \
                 there is"
            }
            Self::Differs { .. } => "the file was changed meanwhile; the enclave was ended",
            Self::Listen { source, .. } => match Errno::from_io_error(source) {
                Some(Errno::ADDRINUSE) => {
                    "another `enclair host` may run: the ports are the instance's, so it can have \
                     one enclave of this kind at a time"
                }
                Some(Errno::AFNOSUPPORT) => "the kernel of an enclave's parent needs vsock",
                _ => return None,
            },
            Self::Ended => {
                "`--debug-console` shows its console; such an enclave attests nothing. \
                 `--memory` may be too small"
            }
            Self::Silent { .. } | Self::GivenUp { .. } | Self::NotTerminated { .. } => {
                "`nitro-cli describe-enclaves` says what still runs, and \
                 `nitro-cli terminate-enclave --all` ends your enclaves"
            }
            Self::Device { .. }
            | Self::Program { .. }
            | Self::TooLong { .. }
            | Self::Cid { .. }
            | Self::Id { .. }
            | Self::NotDescribed { .. }
            | Self::Debug { .. } => return None,
        })
    }
}

/// What to do about the first code of `nitro-cli` for which there is advice.
fn hint_of(messages: &str) -> Option<&'static str> {
    let codes = messages.split("[ E").skip(1);
    codes
        .filter_map(|rest| rest.split_once(" ]"))
        .find_map(|(code, _)| advice(code))
}

/// Codes by their numbers.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "21" | "22" => {
            "give enclaves more CPUs: `cpu_count` in /etc/nitro_enclaves/allocator.yaml, and \
             `sudo systemctl restart nitro-enclaves-allocator`"
        }
        "26" => "`--memory` must be four times the size of the image, or more",
        "25" | "27" | "31" => {
            "give enclaves more memory: `memory_mib` in /etc/nitro_enclaves/allocator.yaml, and \
             `sudo systemctl restart nitro-enclaves-allocator`"
        }
        "32" => {
            "whole cores belong to an enclave: where a core has two CPUs, `--cpus` must be even"
        }
        "36" => {
            "no heartbeat came: the image does not boot, has too little memory, or another \
             enclave was being started; `--debug-console` shows why where the enclave gets as far"
        }
        "07" | "18" | "57" => NO_RIGHT,
        "28" => NO_DRIVER,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn failed(messages: &str) -> NitroError {
        NitroError::Failed {
            command: "run-enclave",
            exit: ExitStatus::from_raw(1 << 8),
            messages: messages.to_owned(),
        }
    }

    #[test]
    fn a_code_of_the_vendor_is_passed_on_with_advice() {
        let error = failed(
            "Start allocating memory...\n[ E27 ] Insufficient memory available.\n\n\
             Failed connections: 1\n[ E39 ] Enclave process connection failure.\n",
        );
        assert_eq!(
            error.to_string(),
            "`nitro-cli run-enclave` failed (exit status: 1): Start allocating memory... [ E27 ] \
             Insufficient memory available. Failed connections: 1 [ E39 ] Enclave process \
             connection failure."
        );
        assert!(error.hint().unwrap().contains("memory_mib"));
        // The first one that says anything, which need not be the first.
        let error = failed("[ E39 ] x\n[ E22 ] y");
        assert!(error.hint().unwrap().contains("cpu_count"));
        for silent in ["", "[ E99 ] x", "[ E", "E27", "[ E27"] {
            assert_eq!(failed(silent).hint(), None, "{silent}");
        }
    }

    #[test]
    fn what_is_missing_on_a_machine_says_how_to_get_it() {
        let device = |error: Errno| NitroError::Device {
            device: PathBuf::from("/dev/nitro_enclaves"),
            source: error.into(),
        };
        assert_eq!(device(Errno::NOENT).hint(), Some(NO_DRIVER));
        assert_eq!(device(Errno::ACCESS).hint(), Some(NO_RIGHT));
        assert_eq!(device(Errno::IO).hint(), None);
        let listen = |error: Errno| NitroError::Listen {
            port: 9001,
            source: error.into(),
        };
        assert!(
            listen(Errno::ADDRINUSE)
                .hint()
                .unwrap()
                .contains("one enclave")
        );
        assert!(listen(Errno::AFNOSUPPORT).hint().unwrap().contains("vsock"));
        assert_eq!(listen(Errno::IO).hint(), None);
    }
}
