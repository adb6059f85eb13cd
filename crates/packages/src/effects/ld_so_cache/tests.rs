use super::*;
use crate::effects::testing::World;

/// The tree that the real tool was given, with its generator's text as the tool.
fn machine(tree: &[u8], generator: &str) -> World {
    let mut world = World::from_tar(tree);
    world.put_file(
        "/usr/sbin/ldconfig",
        &format!("\u{7f}ELF\0{generator}\0more"),
    );
    world
}

fn compare(tree: &[u8], generator: &str, links: &str, cache: &[u8]) {
    let mut world = machine(tree, generator.trim_end());
    assert_eq!(world.run(&LdSoCache, "ldconfig"), Answer::Emulated);
    LdSoCache.finish(&mut world.site()).unwrap();
    let found = world.listing("/");
    let found: String = found
        .split_inclusive('\n')
        .filter(|line| line.starts_with("l "))
        .collect();
    assert_eq!(found, links);
    let found = world.site().files.read(CACHE).unwrap().unwrap();
    assert_eq!(
        found.escape_ascii().to_string(),
        cache.escape_ascii().to_string()
    );
}

#[test]
fn as_glibc_2_36_does_it() {
    compare(
        include_bytes!("../../../tests/fixtures/effects/bookworm.ldconfig.tree.tar.gz"),
        include_str!("../../../tests/fixtures/effects/bookworm.ldconfig.generator"),
        include_str!("../../../tests/fixtures/effects/bookworm.ldconfig.txt"),
        include_bytes!("../../../tests/fixtures/effects/bookworm.ldconfig.cache"),
    );
}

#[test]
fn as_glibc_2_41_does_it() {
    compare(
        include_bytes!("../../../tests/fixtures/effects/trixie.ldconfig.tree.tar.gz"),
        include_str!("../../../tests/fixtures/effects/trixie.ldconfig.generator"),
        include_str!("../../../tests/fixtures/effects/trixie.ldconfig.txt"),
        include_bytes!("../../../tests/fixtures/effects/trixie.ldconfig.cache"),
    );
}

#[test]
fn what_is_not_taken() {
    let mut world = World::new("");
    for command in ["ldconfig -r /srv", "ldconfig -n /lib", "ldconfig -p"] {
        assert_eq!(world.run(&LdSoCache, command), Answer::NotMine, "{command}");
    }
    // A tree without the tool has no cache.
    LdSoCache.finish(&mut world.site()).unwrap();
    assert!(world.tree.is_empty());
}

/// A real shared object, cut off and altered everywhere.
#[test]
fn broken_objects() {
    let tree = include_bytes!("../../../tests/fixtures/effects/bookworm.ldconfig.tree.tar.gz");
    let mut world = World::from_tar(tree);
    let path = "/usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libone.so.1.2.3";
    let whole = world.site().files.read(path).unwrap().unwrap();
    let read = |bytes: &[u8]| {
        let mut empty = World::new("");
        elf::read(&empty.site().files, &enclair_tree::Body::from(bytes))
    };
    let object = read(&whole).unwrap();
    assert_eq!(object.soname.as_deref(), Some(&b"libone.so.1"[..]));
    assert_eq!(object.isa_level, 2);
    for length in 0..whole.len() {
        let cut = read(&whole[..length]);
        assert!(cut.is_none_or(|cut| cut.machine == object.machine));
    }
    assert_eq!(read(&whole[..200]), None);
    for at in 0..whole.len().min(700) {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut altered = whole.clone();
            altered[at] = byte;
            // Whatever it says, it says it without a panic.
            let _ = read(&altered);
        }
    }
}
