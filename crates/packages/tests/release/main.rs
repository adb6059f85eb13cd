//! Suites that are believed and suites that are not, from repositories that the tests sign
//! themselves.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends where what it is about is missing"
)]

use enclair_packages::release::{Error, Keys, Policy, Release, SignedRelease, UnixSeconds};
use enclair_packages_testing::{
    Deb, Files, KeyPlan, Signer, SigningKey, Suite, clear_signed, date,
};

mod believed;
mod corpus;
mod distributions;
mod flips;
mod refused;

/// The time that everything is judged for.
const NOW: u32 = 1_700_000_000;
/// When suites are made.
const MADE: u32 = NOW - 3600;

fn key() -> SigningKey {
    SigningKey::generate(1, &KeyPlan::default())
}

fn keys_of(key: &SigningKey) -> Keys {
    Keys::from_certificates(key.certificate()).unwrap()
}

/// A suite with one package.
fn suite() -> Suite {
    let mut suite = Suite::new("bookworm", MADE.into());
    suite.add("main", Deb::new("hello", "1.0-1", "amd64"));
    suite
}

/// The text of the suite's `Release`.
fn text(suite: &Suite) -> String {
    let release = suite.publish_indexes(&suite.indexes(), &mut Files::default());
    release.text()
}

fn policy() -> Policy<'static> {
    Policy {
        suite: "bookworm",
        at: UnixSeconds(NOW.into()),
        locked: None,
    }
}

fn verify(in_release: &str, key: &SigningKey) -> Result<Release, Error> {
    verify_with(in_release, &keys_of(key), &policy())
}

fn verify_with(in_release: &str, keys: &Keys, policy: &Policy<'_>) -> Result<Release, Error> {
    SignedRelease::parse(in_release.as_bytes())?.verify(keys, policy)
}

/// Signs a text when suites are made.
fn signed(text: &str, key: &SigningKey) -> String {
    clear_signed(text, &[Signer::new(key, MADE)])
}

/// A date in the form of a `Release` file.
fn date_at(seconds: u32) -> String {
    date(seconds.into())
}
