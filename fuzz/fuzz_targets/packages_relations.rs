//! Relations and versions: what was read is the same after it was written, and versions have one
//! order.

#![no_main]

use std::cmp::Ordering;

use enclair_packages::relation::Relations;
use enclair_packages::solve::Asked;
use enclair_packages::version::Version;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    match Relations::parse(text) {
        Ok(relations) => {
            let written = relations.to_string();
            assert_eq!(Relations::parse(&written).unwrap(), relations);
            assert_eq!(Relations::parse(&written).unwrap().to_string(), written);
        }
        Err(error) => assert!(text.is_char_boundary(error.at)),
    }
    if let Ok(asked) = text.parse::<Asked>() {
        assert_eq!(asked.to_string().parse::<Asked>().unwrap(), asked);
    }
    let versions: Vec<Version> = text.split_whitespace().take(8).flat_map(Version::parse).collect();
    for one in &versions {
        for other in &versions {
            assert_eq!(one.cmp(other), other.cmp(one).reverse());
            for third in &versions {
                if one <= other && other <= third {
                    assert!(one <= third);
                }
                if one.cmp(other) == Ordering::Equal {
                    assert_eq!(one.cmp(third), other.cmp(third));
                }
            }
        }
    }
});
