//! How every class of failure of a build reads: what, where, expected and found, and what to do.

use insta::assert_snapshot;
use serde_json::json;

use crate::images::{
    Container, Layer, application, arm64_image, build, bzimage, workshop, write_eif,
};
use crate::newc;
use crate::tarball::{archive, dir, file, link, symlink};
use crate::workshop::{Workshop, sha256};

/// The message of a build of `image` with further arguments.
#[track_caller]
pub(crate) fn build_message(image: &Container, more: &str) -> String {
    build(&workshop(image), more).refused()
}

/// The message of a build of the ordinary image with another file in the place of the kernel.
#[track_caller]
fn kernel_message(kernel: impl AsRef<[u8]>, more: &str) -> String {
    let shop = workshop(&application());
    shop.write("kernel", kernel);
    build(&shop, more).refused()
}

fn process_message(process: serde_json::Value, more: &str) -> String {
    build_message(&application().running(process), more)
}

/// The path of the blob that an index or manifest names.
fn blob_of(descriptor: &serde_json::Value) -> String {
    let digest = descriptor["digest"].as_str().unwrap();
    format!("image/blobs/{}", digest.replace(':', "/"))
}

/// A workshop, the name of its manifest, of its configuration and of its layer.
fn taken_apart() -> (Workshop, String, String, String) {
    let shop = workshop(&application());
    let manifest = blob_of(&shop.json("image/index.json")["manifests"][0]);
    let document = shop.json(&manifest);
    let (config, layer) = (
        blob_of(&document["config"]),
        blob_of(&document["layers"][0]),
    );
    (shop, manifest, config, layer)
}

#[test]
fn docker_archives() {
    let mut image = application();
    image.architecture = "arm64";
    let shop = workshop(&image);
    shop.write("docker.tar", image.docker_archive());
    let arguments = "build --image docker-archive:docker.tar --kernel kernel --init init";
    assert_snapshot!(shop.enclair(arguments).refused(), @r"
        error: `docker-archive:docker.tar` cannot be built
          caused by: the image is for linux/arm64, expected linux/amd64
        hint: choose the architecture with `--arch`, or build the image for this one
    ");
    let arguments = "build --image docker-archive:docker.tar:app:2 --kernel kernel --init init";
    assert_snapshot!(shop.enclair(arguments).refused(), @"
    error: `docker-archive:docker.tar:app:2` cannot be built
      caused by: there is no image `app:2`; there is `example/app:1`
    hint: name one behind the path: `oci:DIR:TAG`, `docker-archive:FILE:NAME:TAG`
    ");
}

#[test]
fn platforms() {
    let mut image = application();
    image.architecture = "arm64";
    let shop = workshop(&image);
    assert_snapshot!(build(&shop, "").refused(), @r"
        error: `oci:image` cannot be built
          caused by: the image has no manifest for linux/amd64
        hint: choose the architecture with `--arch`, or build the image for this one
    ");
    assert_snapshot!(build_message(&application(), "--arch riscv64"), @r"
        error: invalid value 'riscv64' for '--arch <ARCH>': architecture `riscv64`: expected `x86_64` or `aarch64`

        For more information, try '--help'.
    ");
}

#[test]
fn blobs_that_are_not_what_their_name_says() {
    let (shop, _, _, layer) = taken_apart();
    let mut bytes = shop.read(&layer);
    bytes[700] ^= 1;
    shop.write(&layer, &bytes);
    assert_snapshot!(build(&shop, "").refused(), @"
    error: `oci:image` cannot be built
      caused by: layer 0 cannot be unpacked
      caused by: `blobs/sha256/[sha256]` cannot be read
      caused by: `blobs/sha256/[sha256]` has digest sha256:[sha256], sha256:[sha256] was declared
    hint: the image is damaged or was changed; export or fetch it again
    ");
    shop.write(&layer, &bytes[..bytes.len() - 512]);
    assert_snapshot!(build(&shop, "").refused(), @"
    error: `oci:image` cannot be built
      caused by: layer 0 cannot be unpacked
      caused by: `blobs/sha256/[sha256]` cannot be read
      caused by: `blobs/sha256/[sha256]` has 4096 bytes, 4608 were declared
    hint: the image is damaged or was changed; export or fetch it again
    ");
    bytes.push(0);
    shop.write(&layer, &bytes);
    assert_snapshot!(build(&shop, "").refused(), @"
    error: `oci:image` cannot be built
      caused by: layer 0 cannot be unpacked
      caused by: `blobs/sha256/[sha256]` cannot be read
      caused by: `blobs/sha256/[sha256]` has 4609 bytes, 4608 were declared
    hint: the image is damaged or was changed; export or fetch it again
    ");

    let (shop, _, config, _) = taken_apart();
    let text = shop.text(&config).replace("/app", "/bad");
    shop.write(&config, text);
    assert_snapshot!(build(&shop, "").refused(), @"
    error: `oci:image` cannot be built
      caused by: `blobs/sha256/[sha256]` cannot be read
      caused by: `blobs/sha256/[sha256]` has digest sha256:[sha256], sha256:[sha256] was declared
    hint: the image is damaged or was changed; export or fetch it again
    ");

    let (shop, manifest, ..) = taken_apart();
    let text = shop.text(&manifest).replace("sha256:", "sha512:");
    shop.write(&manifest, text);
    assert_snapshot!(build(&shop, "").refused(), @"
    error: `oci:image` cannot be built
      caused by: `blobs/sha256/[sha256]` cannot be read
      caused by: `blobs/sha256/[sha256]` has digest sha256:[sha256], sha256:[sha256] was declared
    hint: the image is damaged or was changed; export or fetch it again
    ");

    let (shop, _, _, layer) = taken_apart();
    std::fs::remove_file(shop.path(&layer)).unwrap();
    assert_snapshot!(build(&shop, "").refused(), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: `image/blobs/sha256/[sha256]` cannot be opened
          caused by: No such file or directory (os error 2)
    ");
}

#[test]
fn layers_that_are_not_what_the_configuration_says() {
    let tar = archive([file("app", "x")]);
    let other = Layer {
        diff_id: sha256(b"another"),
        ..Layer::gzip(&tar)
    };
    assert_snapshot!(build_message(&Container::of([other]), ""), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: offset 2048: the archive cannot be read
          caused by: `blobs/sha256/[sha256] (decompressed)` has digest sha256:[sha256], sha256:[sha256] was declared
    ");
    let short = Layer::gzip(&tar).stored(|blob| blob.truncate(blob.len() - 9));
    assert_snapshot!(build_message(&Container::of([short]), ""), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: offset 0: the archive cannot be read
          caused by: gzip: the compressed data ends early
    ");
    let tail = Layer::gzip(&tar).stored(|blob| blob.extend(b"tail"));
    assert_snapshot!(build_message(&Container::of([tail]), ""), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: offset 0: the archive cannot be read
          caused by: gzip: other data follows the compressed data
    ");
    let text = Layer::plain(b"this is no archive\n".repeat(100));
    assert_snapshot!(build_message(&Container::of([text]), ""), @r"
    error: `oci:image` cannot be built
      caused by: layer 0 cannot be unpacked
      caused by: offset 0: field `checksum` is `ive\x0athis`, which is not a number
    hint: this is not a tar archive, or it is still compressed
    ");

    let (shop, manifest, ..) = taken_apart();
    let mut document = shop.json(&manifest);
    document["layers"] = json!([]);
    let text = document.to_string();
    let digest = sha256(text.as_bytes());
    shop.write(&format!("image/blobs/sha256/{digest}"), &text);
    let mut index = shop.json("image/index.json");
    index["manifests"][0]["digest"] = json!(format!("sha256:{digest}"));
    index["manifests"][0]["size"] = json!(text.len());
    shop.write("image/index.json", index.to_string());
    assert_snapshot!(build(&shop, "").refused(), @r"
        error: `oci:image` cannot be built
          caused by: the manifest has 0 layers, the configuration has 1 diff IDs
        hint: the image is damaged; export it again
    ");
}

#[test]
fn entries_that_a_layer_may_not_have() {
    let message = |pieces: Vec<_>| build_message(&Container::with(pieces), "");
    assert_snapshot!(message(vec![file("../x", "evil")]), @"
    error: `oci:image` cannot be built
      caused by: layer 0 cannot be unpacked
      caused by: offset 0: the name `../x` has a `..` component
    hint: no image needs such a name; do not use the archive
    ");
    assert_snapshot!(message(vec![link("app", "/etc/passwd")]), @"
    error: `oci:image` cannot be built
      caused by: layer 0 cannot be unpacked
      caused by: `app`: hard link to `etc/passwd`, which does not exist
    hint: the layer may belong on top of another one; check the order of the layers
    ");
    assert_snapshot!(message(vec![dir("d"), link("app", "d")]), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: `app`: hard link to a directory
    ");
    assert_snapshot!(message(vec![symlink("a", "b"), symlink("b", "a"), file("a/x", "")]), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: `a`: more than 40 symlinks lead from one to the next
    ");
    assert_snapshot!(message(vec![file("x", "").size_base256(1 << 63)]), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: offset 0: field `size` is 9223372036854775808, which is out of range
    ");
    assert_snapshot!(message(vec![file("x", "").pax("uid", "4294967296")]), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: offset 0: field `uid` is 4294967296, which is out of range
    ");
    assert_snapshot!(message(vec![file("x", "").records(b"99 path=x\n")]), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: offset 0: record 0 of the extended header is not `LENGTH KEYWORD=VALUE`
    ");
    assert_snapshot!(message(vec![file("app", ""), symlink("s", "").pax("linkpath", "t".repeat(4096))]), @r"
        error: `oci:image` cannot be built
          caused by: layer 0 cannot be unpacked
          caused by: offset 5632: the symlink `s` has no target, or one with a NUL or more than 4095 bytes
    ");
    assert_snapshot!(message(vec![file("app", ""), file("x", "").pax("uid", "4294967295")]), @r"
        error: `oci:image` cannot be built
          caused by: `x`: owner 4294967295:0: 4294967295 is not an id
    ");
    let late = Container::with([file("app", ""), file("x", "").pax("mtime", "4294967296")]);
    assert_snapshot!(build_message(&late, "--normalize none"), @r"
        error: `oci:image` cannot be built
          caused by: `x`: mtime 4294967296 does not fit into the 32 bits of a cpio entry
        hint: set an epoch, or correct the time in the source image
    ");
}

#[test]
fn a_bomb() {
    let image = Container::of([Layer::gzip(&archive([file("app", vec![0; 2 << 20])]))]);
    assert_snapshot!(build_message(&image, "--max-unpacked 1000000"), @"
    error: `oci:image` cannot be built
      caused by: layer 0 cannot be unpacked
      caused by: offset 0: more than 1000000 bytes of unpacked content (`unpacked_bytes`, against bombs)
    hint: if the input is to be trusted with that much, raise `--max-unpacked`
    ");
    let mut padded = archive([file("app", "x")]);
    padded.resize(2 << 20, 0);
    let image = Container::of([Layer::gzip(&padded)]);
    assert_snapshot!(build_message(&image, "--max-unpacked 1000000"), @"
    error: `oci:image` cannot be built
      caused by: layer 0 cannot be unpacked
      caused by: offset 1048576: more than 1000000 bytes of unpacked content (`unpacked_bytes`, against bombs)
    hint: if the input is to be trusted with that much, raise `--max-unpacked`
    ");
    let shop = Workshop::new();
    write_eif(&shop, &[newc::archive([newc::file("x", vec![0; 2 << 20])])]);
    assert_snapshot!(shop.enclair("extract app.eif -C d --max-unpacked 1000000").refused(), @"
    error: `app.eif` cannot be extracted
      caused by: ramdisk 0 cannot be unpacked
      caused by: offset 0: more than 1000000 bytes of unpacked content (`unpacked_bytes`, against bombs)
    hint: if the input is to be trusted with that much, raise `--max-unpacked`
    ");
}

#[test]
fn processes_that_cannot_run() {
    assert_snapshot!(process_message(json!({"Cmd": ["/app"], "User": "ghost"}), ""), @r"
        error: `oci:image` cannot be built
          caused by: the image's /etc/passwd has no user `ghost`
        hint: add the account to the image, or use a number in `run.user` or USER
    ");
    assert_snapshot!(process_message(json!({"Cmd": ["/app"], "User": "app:ghost"}), ""), @r"
        error: `oci:image` cannot be built
          caused by: the image's /etc/group has no group `ghost`
        hint: add the account to the image, or use a number in `run.user` or USER
    ");
    assert_snapshot!(process_message(json!({}), ""), @r"
        error: `oci:image` cannot be built
          caused by: there is no program to run: ENTRYPOINT and CMD are empty
        hint: give `run.command` in the recipe, or the image an ENTRYPOINT or CMD
    ");
    assert_snapshot!(process_message(json!({"Cmd": ["/app"], "WorkingDir": "srv"}), ""), @"
    error: `oci:image` cannot be built
      caused by: the working directory `srv` is not absolute
    hint: give WORKDIR a leading `/`
    ");
    assert_snapshot!(process_message(json!({"Cmd": ["/app", "a\0b"]}), ""), @r#"
        error: `oci:image` cannot be built
          caused by: an argument or variable contains a NUL: "a\0b"
    "#);
    assert_snapshot!(process_message(json!({"Cmd": ["/app", "a\nb"]}), "--layout bootstrap"), @r#"
        error: `oci:image` cannot be built
          caused by: the bootstrap layout cannot carry a newline in an argument: "a\nb"
        hint: use the default layout, which keeps newlines
    "#);
    let variable = json!({"Cmd": ["/app"], "Env": ["A=a\nb"]});
    assert_snapshot!(process_message(variable, "--layout bootstrap"), @r#"
        error: `oci:image` cannot be built
          caused by: the bootstrap layout cannot carry a newline in a variable: "A=a\nb"
        hint: use the default layout, which keeps newlines
    "#);
}

#[test]
fn kernels() {
    assert_snapshot!(kernel_message("this is no kernel", ""), @"
    error: `oci:image` cannot be built
      caused by: `kernel` is no kernel for an enclave
      caused by: the kernel is neither a bzImage (`HdrS` at 0x202) nor an arm64 Image (`ARMd` at 0x38)
    ");
    assert_snapshot!(kernel_message("\x7fELF\x02\x01\x01", ""), @"
    error: `oci:image` cannot be built
      caused by: `kernel` is no kernel for an enclave
      caused by: the kernel is an ELF file; expected a bzImage or an arm64 Image
    hint: take `arch/x86/boot/bzImage`, not `vmlinux`
    ");
    assert_snapshot!(kernel_message([0x1f, 0x8b, 8, 0, 0, 0, 0, 0], ""), @"
    error: `oci:image` cannot be built
      caused by: `kernel` is no kernel for an enclave
      caused by: the kernel is compressed with gzip; expected a bzImage or an arm64 Image
    hint: decompress it first: arm64 boots the plain `Image`
    ");
    assert_snapshot!(kernel_message("", ""), @"
    error: `oci:image` cannot be built
      caused by: `kernel` is empty
    ");
    assert_snapshot!(kernel_message(arm64_image(), ""), @"
    error: `oci:image` cannot be built
      caused by: `kernel` is a kernel for aarch64 (Image), expected x86_64
    hint: give a kernel for the architecture in `--arch`
    ");
    let mut image = application();
    image.architecture = "arm64";
    let shop = workshop(&image);
    shop.write("kernel", bzimage());
    assert_snapshot!(build(&shop, "--arch aarch64").refused(), @"
    error: `oci:image` cannot be built
      caused by: `kernel` is a kernel for x86_64 (bzImage), expected aarch64
    hint: give a kernel for the architecture in `--arch`
    ");
}

#[test]
fn command_lines() {
    let shop = workshop(&application());
    let message = |text: &str| {
        let arguments = [
            "build",
            "--image",
            "oci:image",
            "--kernel",
            "kernel",
            "--init",
            "init",
        ];
        shop.enclair_with(arguments.iter().copied().chain(["--cmdline", text]))
            .refused()
    };
    assert_snapshot!(message("console=ttyS0\n"), @r"
        error: `oci:image` cannot be built
          caused by: the kernel command line contains a newline
        hint: write it on one line, without a newline at the end
    ");
}

#[test]
fn a_capability() {
    let image = || {
        Container::with([
            file("app", "x").pax("SCHILY.xattr.security.capability", "\u{1}"),
            file("other", "x").pax("SCHILY.xattr.security.capability", "\u{1}"),
        ])
    };
    assert_snapshot!(build_message(&image(), ""), @"
    error: `oci:image` cannot be built
      caused by: findings that stop a build: capability-dropped (2: `app`, `other`)
    hint: `enclair explain ID` says why; `--allow ID` builds all the same
    ");
    let allowed = build(&workshop(&image()), "--allow capability-dropped");
    assert_eq!(allowed.status, Some(0), "{}", allowed.stderr);
    assert_snapshot!(allowed.stderr, @"
    finding: capability-dropped: a program loses its file capabilities (2)
        app
        other
        hint: run the program as a user that needs no capability, or allow this finding if it is not needed in an enclave
    ");
}
