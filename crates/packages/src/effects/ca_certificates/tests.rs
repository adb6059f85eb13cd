use super::*;
use crate::effects::testing::{World, assert_same};

fn compare(tree: &[u8], result: &str) {
    let mut world = World::from_tar(tree);
    world.put_file("/etc/one", "");
    world.install("ca-certificates", "");
    CaCertificates
        .configure(&mut world.site(), "ca-certificates")
        .unwrap();
    CaCertificates.finish(&mut world.site()).unwrap();
    assert_same(
        &(world.listing(CONFIGURATION) + &world.listing(LINKS)),
        result,
    );
}

#[test]
fn as_debian_12_does_it() {
    compare(
        include_bytes!("../../../tests/fixtures/effects/bookworm.certificates.tree.tar.gz"),
        include_str!("../../../tests/fixtures/effects/bookworm.certificates.txt"),
    );
}

#[test]
fn as_debian_13_does_it() {
    compare(
        include_bytes!("../../../tests/fixtures/effects/trixie.certificates.tree.tar.gz"),
        include_str!("../../../tests/fixtures/effects/trixie.certificates.txt"),
    );
}

#[test]
fn the_configuration_begins_as_the_script_says() {
    let script = "case x in\n\t  cat > /etc/ca-certificates.conf <<EOF\n# One\n#\nEOF\n\t  more\n";
    assert_eq!(heading(script), "# One\n#\n");
    assert_eq!(heading("nothing"), "");
}

#[test]
fn what_is_turned_off_is_left_out() {
    let mut world = World::new(
        "f 0644 0:0 /etc/ca-certificates.conf
         |# comment
         |!a.crt
         |b.crt
         |missing.crt
         f 0644 0:0 /usr/share/ca-certificates/a.crt
         |a
         f 0644 0:0 /usr/share/ca-certificates/b.crt
         |b",
    );
    world.install("ca-certificates", "");
    CaCertificates
        .configure(&mut world.site(), "ca-certificates")
        .unwrap();
    CaCertificates.finish(&mut world.site()).unwrap();
    let wanted = "d 0755 0:0 /etc/ssl/certs\n\
                  l /etc/ssl/certs/b.pem -> /usr/share/ca-certificates/b.crt\n\
                  f 0644 0:0 /etc/ssl/certs/ca-certificates.crt\n|b\n";
    assert_eq!(world.listing(LINKS), wanted);
}

#[test]
fn broken_certificates() {
    let tree = include_bytes!("../../../tests/fixtures/effects/bookworm.certificates.tree.tar.gz");
    let mut world = World::from_tar(tree);
    let path = "/usr/share/ca-certificates/test/multiple.crt";
    let text = world.site().files.read(path).unwrap().unwrap();
    let whole = pem::only_certificate(&text).unwrap();
    assert!(subject::hash(&whole).is_some());
    for length in 0..whole.len() {
        assert_eq!(subject::hash(&whole[..length]), None);
    }
    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 0xff;
        // Whatever it says, it says it without a panic.
        let _ = subject::hash(&altered);
    }
}
