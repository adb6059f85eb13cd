//! Any byte that is altered is found, or was not signed and changes nothing.

use super::*;

#[test]
fn no_altered_byte_changes_what_is_believed() {
    let key = key();
    let keys = keys_of(&key);
    let in_release = signed(&text(&suite()), &key);
    let expected = verify_with(&in_release, &keys, &policy()).unwrap();
    let mut refused = 0_usize;
    let mut bytes = in_release.clone().into_bytes();
    for index in 0..bytes.len() {
        for bit in [1, 2, 0x20, 0x80] {
            bytes[index] ^= bit;
            let altered = SignedRelease::parse(&bytes);
            match altered.and_then(|altered| altered.verify(&keys, &policy())) {
                Ok(mut found) => {
                    found.checked.sha256 = expected.checked.sha256;
                    assert_eq!(found, expected, "byte {index}, bit {bit:#x}");
                }
                Err(_) => refused += 1,
            }
            bytes[index] ^= bit;
        }
    }
    // Not signed are the header `Hash`, the issuer beside the signature, and little else.
    let all = bytes.len() * 4;
    assert!(refused * 100 > all * 95, "{refused} of {all}");
}

#[test]
fn no_cut_file_is_believed() {
    let key = key();
    let keys = keys_of(&key);
    let in_release = signed(&text(&suite()), &key);
    let bytes = in_release.as_bytes();
    // The newline at the very end is not needed.
    for length in 0..bytes.len() - 1 {
        let cut = SignedRelease::parse(&bytes[..length]);
        let result = cut.and_then(|cut| cut.verify(&keys, &policy()));
        assert!(result.is_err(), "{length} bytes");
    }
}
