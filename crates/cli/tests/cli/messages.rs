//! How failures of reading images and of the command line read: what, where, expected and found,
//! and what to do. Those of a build are in `build_messages`.

use insta::assert_snapshot;
use serde_json::json;

use crate::build_messages::build_message;
use crate::images::{application, build, workshop, write_eif, write_layout};
use crate::newc;
use crate::workshop::Workshop;

fn eif() -> Workshop {
    let shop = Workshop::new();
    write_eif(
        &shop,
        &[newc::archive([newc::dir("dev"), newc::file("init", "x")])],
    );
    shop
}

#[test]
fn missing_files() {
    let shop = workshop(&application());
    assert_snapshot!(shop.enclair("inspect none.eif").refused(), @r"
        error: `none.eif` cannot be inspected
          caused by: No such file or directory (os error 2)
    ");
    assert_snapshot!(shop.enclair("extract none.eif -C d").refused(), @r"
        error: `none.eif` cannot be extracted
          caused by: `none.eif` cannot be opened
          caused by: No such file or directory (os error 2)
    ");
    assert_snapshot!(build(&shop, "--layout bootstrap --nsm-module none.ko").refused(), @r"
        error: `oci:image` cannot be built
          caused by: `none.ko` cannot be opened
          caused by: No such file or directory (os error 2)
    ");
    let arguments = "build --image oci:none --kernel kernel --init init";
    assert_snapshot!(shop.enclair(arguments).refused(), @"
    error: `oci:none` cannot be built
      caused by: `none/index.json` cannot be opened
      caused by: No such file or directory (os error 2)
    hint: an OCI layout has an `index.json`; is this one?
    ");
    let arguments = "build --image docker-archive:none.tar --kernel kernel --init init";
    assert_snapshot!(shop.enclair(arguments).refused(), @r"
        error: `docker-archive:none.tar` cannot be built
          caused by: `none.tar` cannot be opened
          caused by: No such file or directory (os error 2)
    ");
    let arguments = "build --image oci:image --kernel none --init init";
    assert_snapshot!(shop.enclair(arguments).refused(), @r"
        error: `oci:image` cannot be built
          caused by: `none` cannot be opened
          caused by: No such file or directory (os error 2)
    ");
}

#[test]
fn files_of_another_kind() {
    let shop = workshop(&application());
    assert_snapshot!(shop.enclair("inspect init").refused(), @r"
        error: `init` cannot be inspected
          caused by: header at offset 0: expected 548 bytes, found 9
        hint: the file is incomplete or damaged; fetch it again
    ");
    assert_snapshot!(shop.enclair("extract kernel -C d").refused(), @r"
        error: `kernel` cannot be extracted
          caused by: magic at offset 0: expected 2e656966 (`.eif`), found 00000000
        hint: this is not an enclave image; give the .eif file
    ");
    assert_snapshot!(shop.enclair("inspect image").refused(), @r"
        error: `image` cannot be inspected
          caused by: Is a directory (os error 21)
    ");
    let arguments = "build --image docker-archive:kernel --kernel kernel --init init";
    assert_snapshot!(shop.enclair(arguments).refused(), @r"
        error: `docker-archive:kernel` cannot be built
          caused by: offset 0: field `checksum` is `\x00\x00\x00\x00\x00\x00\x00\x00`, which is not a number
        hint: this is not a tar archive, or it is still compressed
    ");
    let arguments = "build --image oci:. --kernel kernel --init init";
    assert_snapshot!(shop.enclair(arguments).refused(), @"
    error: `oci:.` cannot be built
      caused by: `./index.json` cannot be opened
      caused by: No such file or directory (os error 2)
    hint: an OCI layout has an `index.json`; is this one?
    ");
    let arguments = "build --image oci-archive:oci.tar --kernel kernel --init init";
    shop.write("oci.tar", application().docker_archive());
    assert_snapshot!(shop.enclair(arguments).refused(), @r"
        error: `oci-archive:oci.tar` cannot be built
          caused by: `index.json` is not in `oci.tar`
    ");
    shop.write(
        "image/index.json",
        "{\n  \"schemaVersion\": 2,\n  \"manifests\": 3\n}",
    );
    assert_snapshot!(build(&shop, "").refused(), @r"
        error: `oci:image` cannot be built
          caused by: `index.json` is not the document that belongs there
          caused by: invalid type: integer `3`, expected a sequence at line 3 column 16
    ");
}

#[test]
fn a_damaged_image() {
    let shop = eif();
    let mut bytes = shop.read("app.eif");
    bytes[600] ^= 1;
    shop.write("x.eif", &bytes);
    assert_snapshot!(shop.enclair("inspect x.eif").refused(), @r"
        error: `x.eif` cannot be inspected
          caused by: crc at offset 544: expected 6cb24475 as the content gives, found 447e5a68
        hint: the file is incomplete or damaged; fetch it again
    ");
    assert_snapshot!(shop.enclair("extract x.eif -C d").refused(), @r"
        error: `x.eif` cannot be extracted
          caused by: crc at offset 544: expected 6cb24475 as the content gives, found 447e5a68
        hint: the file is incomplete or damaged; fetch it again
    ");
    shop.write("x.eif", &bytes[..bytes.len() - 3]);
    assert_snapshot!(shop.enclair("inspect x.eif").refused(), @r"
        error: `x.eif` cannot be inspected
          caused by: section 3 (ramdisk) at offset 9009: expected 360 bytes of data, found 357 bytes to the end
        hint: the file is incomplete or damaged; fetch it again
    ");
    assert_snapshot!(shop.enclair("extract app.eif --section 9 -o s").refused(), @r"
        error: `app.eif` cannot be extracted
          caused by: there is no section 9; the image has 4
    ");
    let mut broken = newc::archive([newc::dir("dev"), newc::file("init", "x")]);
    broken[3] = b'9';
    write_eif(&shop, &[broken]);
    assert_snapshot!(shop.enclair("extract app.eif -C d").refused(), @r"
        error: `app.eif` cannot be extracted
          caused by: ramdisk 0 cannot be unpacked
          caused by: the ramdisk cannot be read
          caused by: ramdisk offset 0, uncompressed segment
          caused by: offset 0: expected the magic 070701 or 070702, found `070901`
    ");
    write_eif(
        &shop,
        &[newc::archive([
            newc::dir("dev"),
            newc::file("dev/../../x", "x"),
        ])],
    );
    assert_snapshot!(shop.enclair("extract app.eif -C d").refused(), @r"
        error: `app.eif` cannot be extracted
          caused by: ramdisk 0 cannot be unpacked
          caused by: offset 116: the name `dev/../../x` has a `..` component
    ");
    shop.write("full/file", "");
    write_eif(&shop, &[newc::archive([newc::dir("dev")])]);
    assert_snapshot!(shop.enclair("extract app.eif -C full").refused(), @r"
        error: `app.eif` cannot be extracted
          caused by: `full` cannot be written
          caused by: Directory not empty (os error 39)
        hint: give a new or empty directory
    ");
}

#[test]
fn image_references() {
    let shop = workshop(&application());
    for reference in ["https://app.tar", "oci:", "App"] {
        let arguments = format!("build --image {reference} --kernel kernel --init init");
        let message = shop.enclair(&arguments).refused();
        assert!(message.contains("--image <REFERENCE>"), "{message}");
    }
    let arguments = "build --image app.tar --offline";
    assert_snapshot!(shop.enclair(arguments).refused(), @"
    error: `docker.io/library/app.tar:latest` cannot be built
      caused by: an input cannot be had
      caused by: `docker.io/library/app.tar:latest` cannot be asked: offline
    hint: resolving needs the network; a lock that is up to date needs none
    ");
    let arguments = "build --image oci:image:v2 --kernel kernel --init init";
    assert_snapshot!(shop.enclair(arguments).refused(), @"
    error: `oci:image:v2` cannot be built
      caused by: there is no image `v2`; there is `v1`
    hint: name one behind the path: `oci:DIR:TAG`, `docker-archive:FILE:NAME:TAG`
    ");
    let other = application().running(json!({"Cmd": ["/other"]}));
    write_layout(
        &shop,
        "image",
        &[(&application(), Some("v1")), (&other, Some("v2"))],
    );
    assert_snapshot!(build(&shop, "").refused(), @"
    error: `oci:image` cannot be built
      caused by: which image is not said; there are `v1`, `v2`
    hint: name one behind the path: `oci:DIR:TAG`, `docker-archive:FILE:NAME:TAG`
    ");
    write_layout(&shop, "image", &[(&application(), None), (&other, None)]);
    assert_snapshot!(build(&shop, "").refused(), @"
    error: `oci:image` cannot be built
      caused by: which image is not said; none has a name
    hint: give the images names: `skopeo copy` takes one behind the path
    ");
}

#[test]
fn arguments() {
    assert_snapshot!(build_message(&application(), "--epoch 1734075478000"), @r"
        error: invalid value '1734075478000' for '--epoch <SECONDS>': an epoch is at most 4294967295 seconds, found 1734075478000 (milliseconds?)

        For more information, try '--help'.
    ");
    assert_snapshot!(build_message(&application(), "--epoch now"), @r"
        error: invalid value 'now' for '--epoch <SECONDS>': an epoch is a number of seconds since 1970, found `now`

        For more information, try '--help'.
    ");
    assert_snapshot!(build_message(&application(), "--max-unpacked 1X"), @"
    error: invalid value '1X' for '--max-unpacked <SIZE>': expected a number of bytes, or one with K, M, G or T

    For more information, try '--help'.
    ");
    let shop = Workshop::new();
    assert_snapshot!(shop.enclair("explain nothing").refused(), @r"
        error: there is nothing called `nothing`; `enclair explain` lists what there is
    ");
    assert_snapshot!(shop.enclair("extract app.eif").refused(), @"
    error: the following required arguments were not provided:
      <--directory <DIR>|--tar <FILE>|--section <N>>

    Usage: enclair extract <--directory <DIR>|--tar <FILE>|--section <N>> <EIF>

    For more information, try '--help'.
    ");
    assert_snapshot!(shop.enclair("extract app.eif -C d --tar t").refused(), @"
    error: the argument '--directory <DIR>' cannot be used with '--tar <FILE>'

    Usage: enclair extract <--directory <DIR>|--tar <FILE>|--section <N>> <EIF>

    For more information, try '--help'.
    ");
}

#[test]
fn an_epoch_in_the_environment() {
    let shop = workshop(&application());
    let mut command = shop.command(crate::images::BUILD.split(' '));
    command.env("SOURCE_DATE_EPOCH", "1734075478000");
    assert_snapshot!(crate::workshop::run(command).refused(), @"
    error: SOURCE_DATE_EPOCH cannot be used
      caused by: an epoch is at most 4294967295 seconds, found 1734075478000 (milliseconds?)
    ");
}

/// An id that no finding has would be a promise that nothing keeps.
#[test]
fn an_unknown_finding_cannot_be_allowed() {
    assert_snapshot!(build_message(&application(), "--allow capabilty-dropped"), @"
    error: invalid value 'capabilty-dropped' for '--allow <ID>': no finding has this id; `enclair explain` lists all

    For more information, try '--help'.
    ");
}
