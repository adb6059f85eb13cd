//! Why a suite is not believed.

use thiserror::Error;

use super::armor::ArmorProblem;
use super::cleartext::CleartextProblem;
use super::fields::SyntaxProblem;
use super::fingerprint::Fingerprint;
use super::time::UnixSeconds;

/// An `InRelease` file or a certificate that is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than any archive needs.
    #[error("has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// Bytes that it has.
        found: u64,
        /// Bytes that may be.
        limit: u64,
    },
    /// Bytes that are no UTF-8.
    #[error("is not UTF-8 behind byte {valid}")]
    Utf8 {
        /// Bytes before the first wrong one.
        valid: usize,
    },
    /// Not one clear-signed text and nothing else.
    #[error("line {line}: {problem}")]
    Cleartext {
        /// From 1 on.
        line: u32,
        /// What is wrong.
        problem: CleartextProblem,
    },
    /// The block of signatures has something that is none.
    #[error("packet {packet} of the signature: {problem}")]
    Packet {
        /// From 1 on.
        packet: usize,
        /// What is wrong.
        problem: PacketProblem,
    },
    /// Nobody who is believed has signed it.
    #[error(
        "is signed by {}, and none of them is accepted (accepted: {})",
        list(issuers),
        list(accepted)
    )]
    UnknownKey {
        /// Key ids or fingerprints, as the signatures have them.
        issuers: Vec<String>,
        /// Fingerprints of the certificates that were accepted.
        accepted: Vec<Fingerprint>,
    },
    /// A signature in the name of an accepted key that does not hold.
    #[error("the signature by {key}: {problem}")]
    Signature {
        /// The key that it names.
        key: Fingerprint,
        /// What is wrong.
        problem: SignatureProblem,
    },
    /// A signature that holds, by a key that may not sign.
    #[error("the signature by {key}: the key {problem}")]
    Key {
        /// The key.
        key: Fingerprint,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// A line of the signed text.
    #[error("line {line} of the signed text: {problem}")]
    Syntax {
        /// From 1 on, counted in the text.
        line: u32,
        /// What is wrong.
        problem: SyntaxProblem,
    },
    /// A field that must be there.
    #[error("the signed text has no field `{field}`")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// Digests, and none that is believed.
    #[error("the signed text has no table `SHA256`")]
    NoSha256,
    /// It was asked for by a name that moves.
    #[error(
        "`{asked}` is the name that a suite has for a while: the one that has it now is `{codename}`"
    )]
    Alias {
        /// What was asked for.
        asked: String,
        /// Its codename.
        codename: String,
    },
    /// It is of another suite.
    #[error("is of suite `{suite}`, codename `{codename}`; expected `{asked}`")]
    Suite {
        /// What was asked for.
        asked: String,
        /// Its `Suite`.
        suite: String,
        /// Its `Codename`.
        codename: String,
    },
    /// It says itself that it is too old.
    #[error("was valid until {until}; now it is {at}")]
    Outdated {
        /// Its `Valid-Until`.
        until: UnixSeconds,
        /// The time that it was read for.
        at: UnixSeconds,
    },
    /// It says that it is of the future.
    #[error("has the date {date}, which is in the future: now it is {at}")]
    Future {
        /// Its `Date`.
        date: UnixSeconds,
        /// The time that it was read for.
        at: UnixSeconds,
    },
    /// There was a newer one before.
    #[error("has the date {date}, which is before that of the lock, {locked}")]
    Older {
        /// Its `Date`.
        date: UnixSeconds,
        /// The date of the one in the lock.
        locked: UnixSeconds,
    },
    /// No such index.
    #[error(
        "suite `{suite}` lists no packages of component `{component}` for {architecture} \
         (components: {}; architectures: {})",
        list(components),
        list(architectures)
    )]
    NotListed {
        /// The suite.
        suite: String,
        /// The component.
        component: String,
        /// The architecture.
        architecture: String,
        /// The components that it says it has.
        components: Vec<String>,
        /// The architectures that it says it has.
        architectures: Vec<String>,
    },
    /// A suite whose keys are not in this program.
    #[error("no keys are known for suite `{suite}` of `{archive}`")]
    NoKeys {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
    },
    /// A file of keys that is none.
    #[error("the certificate{}: {problem}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Certificate {
        /// From 1 on, where it has lines.
        line: Option<u32>,
        /// What is wrong.
        problem: CertificateProblem,
    },
}

/// What is wrong with a packet among signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PacketProblem {
    /// Bytes that are no packet.
    #[error("it is damaged")]
    Damaged,
    /// A packet that is no signature.
    #[error("it is no signature")]
    Kind,
    /// More than anybody needs.
    #[error("there are too many")]
    TooMany,
}

/// What is wrong with a signature.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureProblem {
    /// The text is not what was signed.
    #[error("it is not of this text")]
    Bad,
    /// A digest that can be forged.
    #[error("it is made with {found}, expected SHA-256 or better")]
    Digest {
        /// What it is made with.
        found: String,
    },
    /// It is of another kind.
    #[error("it is no signature of a text in a form that is accepted")]
    Kind,
    /// It asks readers to know something that this one does not.
    #[error("it has a condition that is not known")]
    Critical,
    /// It does not say when it was made.
    #[error("it has no time")]
    NoTime,
    /// It is of the future.
    #[error("it was made {created}, which is in the future: now it is {at}")]
    Future {
        /// When it was made.
        created: UnixSeconds,
        /// The time that it was read for.
        at: UnixSeconds,
    },
    /// It was made for a while.
    #[error("it expired {expired}; now it is {at}")]
    Expired {
        /// When.
        expired: UnixSeconds,
        /// The time that it was read for.
        at: UnixSeconds,
    },
    /// It was made before its key.
    #[error("it was made {created}, before the key was: {key}")]
    BeforeKey {
        /// When it was made.
        created: UnixSeconds,
        /// When the key was made.
        key: UnixSeconds,
    },
}

/// Why a key may not sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// Its owner took it back.
    #[error("is revoked")]
    Revoked,
    /// Its time is over.
    #[error("expired {expired}; now it is {at}")]
    Expired {
        /// When.
        expired: UnixSeconds,
        /// The time that it was read for.
        at: UnixSeconds,
    },
    /// It is of the future.
    #[error("was made {created}, which is in the future: now it is {at}")]
    Future {
        /// When it was made.
        created: UnixSeconds,
        /// The time that it was read for.
        at: UnixSeconds,
    },
    /// An algorithm that is not accepted.
    #[error(
        "is of {found}; accepted are RSA from 2048 bits on, Ed25519 and ECDSA on P-256, P-384 and P-521"
    )]
    Algorithm {
        /// Its algorithm.
        found: String,
    },
    /// Nothing by its owner says what it is for.
    #[error("has no signature of its own that can be believed")]
    Unsigned,
    /// A subkey that is not the certificate's.
    #[error("is not bound to its certificate by a signature that can be believed")]
    Unbound,
    /// A key for something else.
    #[error("is not one for signatures")]
    Purpose,
    /// A subkey that does not say itself that it belongs there.
    #[error("does not say itself that it belongs to its certificate")]
    BackSignature,
}

/// What is wrong with a file of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// More bytes or packets than anybody needs.
    #[error("it is too large")]
    TooLarge,
    /// Neither packets nor armor.
    #[error("it is no OpenPGP certificate, armored or not")]
    Form,
    /// Armor that is damaged.
    #[error("its armor is damaged: {0}")]
    Armor(ArmorProblem),
    /// A packet that is damaged.
    #[error("packet {packet} is damaged")]
    Packet {
        /// From 1 on.
        packet: usize,
    },
    /// A secret key.
    #[error("packet {packet} is a secret key")]
    Secret {
        /// From 1 on.
        packet: usize,
    },
    /// Something that does not belong there.
    #[error("packet {packet} does not belong into a certificate")]
    Order {
        /// From 1 on.
        packet: usize,
    },
    /// Nothing in it.
    #[error("no key is in it")]
    Empty,
    /// None of the fingerprints that were asked for.
    #[error("none of its keys has a fingerprint that is accepted")]
    Fingerprint,
}

impl Error {
    /// What to do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Cleartext {
                problem: CleartextProblem::Begin,
                ..
            } => Some("something else than the archive may have answered, such as a proxy"),
            Self::Alias { .. } => Some(
                "ask by codename: the other name moves to the next release when that comes out",
            ),
            Self::UnknownKey { .. } => Some(
                "if another repository is meant, name its key in the recipe; if this is the \
                 archive itself, the mirror is not to be trusted or this program is older than \
                 the archive's keys",
            ),
            Self::Signature {
                problem: SignatureProblem::Bad,
                ..
            } => Some("the mirror is damaged or hostile: try another one"),
            Self::Key {
                problem: KeyProblem::Expired { .. },
                ..
            } => Some(
                "a lock that exists needs no signature; to make one from a release that is this \
                 old, ask a snapshot of the time when its keys were good",
            ),
            Self::Outdated { .. } => Some(
                "the mirror is out of date, or somebody holds updates back: try another one, and \
                 look at this machine's clock",
            ),
            Self::Older { .. } => Some(
                "the mirror is behind the one that was asked before, or somebody rolls the \
                 archive back: try another one",
            ),
            Self::Future { .. }
            | Self::Signature {
                problem: SignatureProblem::Future { .. },
                ..
            } => Some("look at this machine's clock"),
            Self::NoKeys { .. } => Some(
                "name the repository's key in the recipe; suites are asked for by codename, as \
                 in `bookworm`",
            ),
            Self::Certificate {
                problem: CertificateProblem::Secret { .. },
                ..
            } => Some("export the public key alone, and think of the secret one as public now"),
            Self::NoSha256
            | Self::Signature {
                problem: SignatureProblem::Digest { .. },
                ..
            } => Some("only the repository's owner can change that: MD5 and SHA-1 can be forged"),
            Self::TooLarge { .. }
            | Self::Utf8 { .. }
            | Self::Cleartext { .. }
            | Self::Packet { .. }
            | Self::Signature { .. }
            | Self::Key { .. }
            | Self::Syntax { .. }
            | Self::Missing { .. }
            | Self::Suite { .. }
            | Self::NotListed { .. }
            | Self::Certificate { .. } => None,
        }
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    match items {
        [] => "nobody".to_owned(),
        items => {
            let items: Vec<_> = items.iter().map(T::to_string).collect();
            items.join(", ")
        }
    }
}
