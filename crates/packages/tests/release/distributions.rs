//! The keys of distributions that are in the program.

use enclair_packages::release::Keys;

#[test]
fn every_key_of_the_table_can_be_read() {
    for (archive, suite, count) in [
        ("debian", "bullseye", 2),
        ("debian", "bookworm", 2),
        ("debian", "trixie-backports", 2),
        ("debian-security", "bullseye-security", 1),
        ("debian-security", "bookworm-security", 1),
        ("debian-security", "trixie-security", 1),
        ("ubuntu", "bionic", 2),
        ("ubuntu", "noble-updates", 1),
        ("ubuntu-ports", "resolute", 1),
    ] {
        let keys = Keys::of_archive(archive, suite).unwrap();
        assert_eq!(keys.accepted().count(), count, "{archive} {suite}");
    }
}
