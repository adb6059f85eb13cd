//! What a person sees when a suite is not believed: every error, and what to do about it.

use enclair_packages::release::{Fingerprint, Keys};
use enclair_packages_testing::{HashAlgorithm, KeyKind, SubkeyPlan, clear_text};

use super::*;

fn shown(error: &Error) -> String {
    let mut text = error.to_string();
    if let Some(hint) = error.hint() {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    text
}

macro_rules! refused {
    ($($name:ident: $result:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let error = $result.expect_err("something that is refused");
                insta::assert_snapshot!(stringify!($name), shown(&error));
            }
        )*
    };
}

/// An otherwise good suite, signed by a key like this.
fn by_key(plan: &KeyPlan) -> Result<Release, Error> {
    let key = SigningKey::generate(7, plan);
    verify(&signed(&text(&suite()), &key), &key)
}

fn by_subkey(subkey: SubkeyPlan) -> Result<Release, Error> {
    by_key(&KeyPlan {
        subkey: Some(subkey),
        ..KeyPlan::default()
    })
}

/// An otherwise good suite, with a signature like this.
fn by_signature(change: impl FnOnce(&mut Signer<'_>)) -> Result<Release, Error> {
    signed_by(&key(), change)
}

/// The same, by a key that signs whatever it is told to.
fn by_rsa_signature(change: impl FnOnce(&mut Signer<'_>)) -> Result<Release, Error> {
    signed_by(&SigningKey::generate(9, &RSA), change)
}

const RSA: KeyPlan = KeyPlan {
    kind: KeyKind::Rsa(2048),
    ..KeyPlan::PLAIN
};

fn signed_by(key: &SigningKey, change: impl FnOnce(&mut Signer<'_>)) -> Result<Release, Error> {
    let mut signer = Signer::new(key, MADE);
    change(&mut signer);
    verify(&clear_signed(&text(&suite()), &[signer]), key)
}

/// A good signature of another text.
fn of_text(text: &str) -> Result<Release, Error> {
    let key = key();
    verify(&signed(text, &key), &key)
}

fn of_suite(suite: &Suite) -> Result<Release, Error> {
    of_text(&text(suite))
}

fn asked_for(suite_name: &str, suite: &Suite) -> Result<Release, Error> {
    let key = key();
    let policy = Policy {
        suite: suite_name,
        ..policy()
    };
    verify_with(&signed(&text(suite), &key), &keys_of(&key), &policy)
}

/// A good file, altered.
fn altered(change: impl FnOnce(String) -> String) -> Result<Release, Error> {
    let key = key();
    verify(&change(signed(&text(&suite()), &key)), &key)
}

fn older_than_the_lock() -> Result<Release, Error> {
    let key = key();
    let policy = Policy {
        locked: Some(UnixSeconds(u64::from(MADE) + 1)),
        ..policy()
    };
    verify_with(&signed(&text(&suite()), &key), &keys_of(&key), &policy)
}

fn without_sha256() -> Result<Release, Error> {
    let suite = suite();
    let mut release = suite.publish_indexes(&suite.indexes(), &mut Files::default());
    "SHA1".clone_into(&mut release.table);
    of_text(&release.text())
}

fn unknown_key() -> Result<Release, Error> {
    let stranger = SigningKey::generate(5, &KeyPlan::default());
    let archive = Keys::of_archive("debian", "bookworm").unwrap();
    verify_with(&signed(&text(&suite()), &stranger), &archive, &policy())
}

fn not_listed() -> Result<(), Error> {
    let release = of_suite(&suite()).unwrap();
    release.index("contrib", "amd64").map(drop)
}

fn with_line(line: &str) -> Result<Release, Error> {
    of_text(&(text(&suite()) + line + "\n"))
}

fn too_many_signatures() -> Result<Release, Error> {
    let key = key();
    let signers = [Signer::new(&key, MADE); 33];
    verify(&clear_signed(&text(&suite()), &signers), &key)
}

refused! {
    bad_signature: altered(|file| file.replace("Label: Synthetic", "Label: Sympathetic"));
    no_signature: altered(|file| file.split_once("\n\n").unwrap().1.to_owned());
    text_without_an_end: altered(|file| file.split_once("-----BEGIN PGP SIGNATURE").unwrap().0.to_owned());
    something_before: altered(|file| format!("Origin: Debian\n{file}"));
    something_behind: altered(|file| format!("{file}Origin: Debian\n"));
    damaged_signature: altered(|file| file.replace("\n-----END PGP SIGNATURE", "A\n-----END PGP SIGNATURE"));
    another_packet: altered(|file| {
        let (head, _) = file.split_once("-----BEGIN PGP SIGNATURE-----\n\n").unwrap();
        format!("{head}-----BEGIN PGP SIGNATURE-----\n\nygNQR1A=\n-----END PGP SIGNATURE-----\n")
    });
    too_many: too_many_signatures();
    unknown_key_is_said: unknown_key();
    expired_signature: by_signature(|signer| signer.expires_after = Some(3600));
    signature_of_the_future: by_signature(|signer| signer.created = NOW + 301);
    signature_before_its_key: by_signature(|signer| signer.created = 1_599_999_999);
    weak_digest: by_rsa_signature(|signer| signer.hash = HashAlgorithm::Sha1);
    short_digest: by_rsa_signature(|signer| signer.hash = HashAlgorithm::Sha224);
    another_kind_of_signature: verify(
        &clear_text(&text(&suite()), &[], key().certification()), &key());
    expired_key: by_key(&KeyPlan { expires_after: Some(NOW - 1_600_000_000), ..KeyPlan::default() });
    revoked_key: by_key(&KeyPlan { revoked: Some(NOW + 1), ..KeyPlan::default() });
    key_that_does_not_sign: by_key(&KeyPlan { signs: false, ..KeyPlan::default() });
    key_with_a_broken_digest: by_key(&KeyPlan { hash: HashAlgorithm::Md5, ..RSA });
    small_key: by_key(&KeyPlan { kind: KeyKind::Rsa(1024), ..KeyPlan::default() });
    strange_curve: by_key(&KeyPlan { kind: KeyKind::Secp256k1, ..KeyPlan::default() });
    key_of_the_future: by_key(&KeyPlan {
        created: NOW + 301,
        subkey: Some(SubkeyPlan::default()),
        ..KeyPlan::default()
    });
    key_after_its_signature: by_key(&KeyPlan { created: NOW, ..KeyPlan::default() });
    expired_subkey: by_subkey(SubkeyPlan { expires_after: Some(1), ..SubkeyPlan::default() });
    revoked_subkey: by_subkey(SubkeyPlan { revoked: Some(1), ..SubkeyPlan::default() });
    subkey_that_does_not_sign: by_subkey(SubkeyPlan { signs: false, ..SubkeyPlan::default() });
    subkey_without_back_signature: by_subkey(SubkeyPlan { back_signature: false, ..SubkeyPlan::default() });
    stolen_subkey: by_subkey(SubkeyPlan { stolen: true, ..SubkeyPlan::default() });
    subkey_bound_with_sha1: by_key(&KeyPlan {
        subkey: Some(SubkeyPlan {
            kind: KeyKind::Rsa(2048),
            hash: HashAlgorithm::Sha1,
            ..SubkeyPlan::default()
        }),
        ..RSA
    });
    small_subkey: by_subkey(SubkeyPlan { kind: KeyKind::Rsa(1024), ..SubkeyPlan::default() });
    subkey_of_an_expired_key: by_key(&KeyPlan {
        expires_after: Some(1),
        subkey: Some(SubkeyPlan::default()),
        ..KeyPlan::default()
    });
    alias: asked_for("stable", &suite());
    alias_of_a_part: asked_for("oldstable-updates", &suite()
        .field("Suite", "oldstable-updates")
        .field("Codename", "bookworm-updates"));
    another_suite: asked_for("trixie", &suite());
    a_part_instead_of_the_release: asked_for("noble", &suite()
        .field("Suite", "noble-updates")
        .field("Codename", "noble-updates"));
    the_release_instead_of_a_part: asked_for("noble-updates", &suite()
        .field("Suite", "noble")
        .field("Codename", "noble"));
    valid_until_passed: of_suite(&suite().field("Valid-Until", &date_at(NOW - 1)));
    suite_of_the_future: of_suite(&suite().field("Date", &date_at(NOW + 301)));
    older: older_than_the_lock();
    no_date: of_text("Suite: a\nCodename: bookworm\nSHA256:\n");
    wrong_date: of_suite(&suite().field("Date", "yesterday"));
    no_sha256: without_sha256();
    not_listed_is_said: not_listed();
    no_field: with_line("hello");
    field_twice: with_line("suite: unstable");
    second_paragraph: with_line("\nSuite: unstable");
    neither_yes_nor_no: of_suite(&suite().field("NotAutomatic", "perhaps"));
    table_with_a_short_digest: with_line(" abcd 5 main/x");
    table_with_two_columns: with_line(&format!(" {} main/x", "0".repeat(64)));
    table_with_a_negative_size: with_line(&format!(" {} -5 main/x", "0".repeat(64)));
    table_with_a_huge_size: with_line(&format!(" {} {} main/x", "0".repeat(64), "9".repeat(30)));
    table_that_leads_upwards: with_line(&format!(" {} 5 main/../../x", "0".repeat(64)));
    table_with_an_absolute_path: with_line(&format!(" {} 5 /main/x", "0".repeat(64)));
    listed_twice: with_line(&format!(" {} 5 main/binary-amd64/Packages", "0".repeat(64)));
    no_keys: Keys::of_archive("debian", "stable");
    certificate_is_none: Keys::from_certificates(b"<html>");
    certificate_is_empty: Keys::from_certificates(b"");
    certificate_is_cut: Keys::from_certificates(&key().certificate()[..20]);
    certificate_without_a_key: Keys::from_certificates(b"\xcd\x01a");
    certificate_with_damaged_armor: Keys::from_certificates(
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAA?A\n-----END PGP PUBLIC KEY BLOCK-----\n");
    certificate_is_secret: Keys::from_certificates(&key().secret());
    certificate_of_another: keys_of(&key()).only(&[Fingerprint::parse(&"0".repeat(40)).unwrap()]);
}

#[test]
fn what_is_too_large_is_not_read() {
    let file = vec![b'a'; (16 << 20) + 1];
    let error = SignedRelease::parse(&file).unwrap_err();
    insta::assert_snapshot!("too_large", shown(&error));
    let error = SignedRelease::parse(b"ab\xff").unwrap_err();
    insta::assert_snapshot!("not_utf8", shown(&error));
    let error = Keys::from_certificates(&vec![0x99; (1 << 20) + 1]).unwrap_err();
    insta::assert_snapshot!("certificate_is_too_large", shown(&error));
}
