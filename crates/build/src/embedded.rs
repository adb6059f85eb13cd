//! The kernel and the guest programs that this program carries.
//!
//! They are files of the repository, with digests beside them and recipes that make them again
//! (`boot/kernel`, `boot/guest`). They are never compiled when this program is: what decides a
//! measurement may not depend on the machine that builds the builder.

use enclair_eif::Arch;

/// What every image has unless it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedded {
    /// The kernel's image, in the form that the architecture boots.
    pub kernel: &'static [u8],
    /// PID 1.
    pub init: &'static [u8],
    /// The agent, for images that have one.
    pub agent: &'static [u8],
}

/// What is carried for `arch`; `None` where nothing has been booted yet.
pub const fn embedded(arch: Arch) -> Option<Embedded> {
    match arch {
        Arch::X86_64 => Some(Embedded {
            kernel: include_bytes!("../../../boot/kernel/x86_64/bzImage"),
            init: include_bytes!("../../../boot/guest/x86_64/init"),
            agent: include_bytes!("../../../boot/guest/x86_64/agent"),
        }),
        Arch::Aarch64 => None,
    }
}

#[cfg(test)]
mod tests {
    use enclair_digest::{Engine as _, Hasher as _};

    use super::*;
    use crate::engine::AwsLc;

    /// The digests beside the files are what a reader compares with a build of his own.
    #[test]
    fn what_is_carried_has_the_digests_that_stand_beside_it() {
        let Embedded {
            kernel,
            init,
            agent,
        } = embedded(Arch::X86_64).unwrap();
        for (bytes, line) in [
            (
                kernel,
                include_str!("../../../boot/kernel/x86_64/bzImage.sha256"),
            ),
            (init, include_str!("../../../boot/guest/x86_64/init.sha256")),
            (
                agent,
                include_str!("../../../boot/guest/x86_64/agent.sha256"),
            ),
        ] {
            let mut hasher = AwsLc.sha256();
            hasher.update(bytes);
            let digest = hasher.finish().to_string();
            assert_eq!(line.split_whitespace().next(), Some(digest.as_str()));
        }
    }
}
