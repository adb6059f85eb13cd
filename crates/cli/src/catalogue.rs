//! Everything that `enclair explain` knows: registers, findings of all crates, rules.

use enclair_finding::Kind;

/// A register of the enclave's security module.
#[derive(Debug)]
pub(crate) struct Register {
    /// As in `PCR0`.
    pub(crate) id: &'static str,
    /// What a value of it answers.
    pub(crate) question: &'static str,
    /// How the value comes about, and what it does not say.
    pub(crate) text: &'static str,
}

/// The registers that an enclave starts with.
pub(crate) const REGISTERS: [Register; 9] = [
    Register {
        id: "PCR0",
        question: "is this the image?",
        text: "SHA-384 over kernel, command line and all ramdisks, one after another, folded into \
               a register of 48 zero bytes. It does not cover the header, the metadata, the \
               signature, or where one section ends and the next begins: compare PCR1 and PCR2 \
               too, and the digests of sections where both images are at hand. A debug-mode \
               enclave reports zeros.",
    },
    Register {
        id: "PCR1",
        question: "is this the boot environment?",
        text: "SHA-384 over kernel, command line and the first ramdisk. It stays the same across \
               releases of an application. Never trust it alone: a later ramdisk can replace \
               `/init` while PCR1 stays as it is.",
    },
    Register {
        id: "PCR2",
        question: "is this the application?",
        text: "SHA-384 over all ramdisks after the first. An image with one ramdisk has the \
               constant 21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948\
               c90ba67310f7b964fc500a here, which says nothing about any application. Never trust \
               it alone: another kernel or init may run the same application.",
    },
    Register {
        id: "PCR3",
        question: "which IAM role has the parent instance?",
        text: "SHA-384 of the role's ARN, folded into the register at launch. Not a property of \
               the image.",
    },
    Register {
        id: "PCR4",
        question: "on which parent instance does it run?",
        text: "SHA-384 of the instance id, folded into the register at launch. Not a property of \
               the image.",
    },
    Register {
        id: "PCR5",
        question: "nothing at launch",
        text: UNUSED,
    },
    Register {
        id: "PCR6",
        question: "nothing at launch",
        text: UNUSED,
    },
    Register {
        id: "PCR7",
        question: "nothing at launch",
        text: UNUSED,
    },
    Register {
        id: "PCR8",
        question: "who signed the image?",
        text: "SHA-384 of the signing certificate in DER, folded into the register; zeros in an \
               image that is not signed. The signature covers PCR0. It says who vouches for an \
               image, not what the image is.",
    },
];

const UNUSED: &str = "Zeros when the enclave starts. Software inside may extend it through the \
                      security module.";

/// The kinds of findings of all crates.
pub(crate) fn findings() -> impl Iterator<Item = &'static Kind> {
    [
        enclair_eif::KINDS,
        enclair_cpio::findings::KINDS,
        enclair_tree::findings::KINDS,
        enclair_inspect::findings::KINDS,
        enclair_build::findings::KINDS,
        &enclair_packages::findings::KINDS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let mut seen = BTreeSet::new();
        for kind in findings() {
            assert!(seen.insert(kind.id), "{} is declared twice", kind.id);
            let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(kind.id.chars().all(is_kebab), "{}", kind.id);
            for text in [kind.title, kind.why, kind.fix] {
                assert!(!text.contains("  "), "{}: two spaces in `{text}`", kind.id);
            }
            assert!(
                !kind.title.ends_with('.'),
                "{}: the title is no sentence",
                kind.id
            );
        }
        assert!(seen.len() > 15);
    }
}
