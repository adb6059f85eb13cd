//! What the image says should run is in the measured configuration, whole and in order.

use serde_json::{Value, json};

use crate::images::{Container, application, build, workshop};
use crate::workshop::Workshop;

fn built(image: &Container, more: &str) -> Workshop {
    let shop = workshop(image);
    build(&shop, more).done();
    shop.enclair("extract out/enclave.eif -C x").done();
    shop
}

fn configuration(process: Value) -> Value {
    built(&application().running(process), "").json("x/ramdisk1/etc/enclair/enclave.json")
}

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[test]
fn entrypoint_comes_before_cmd() {
    let argv = |process| configuration(process)["argv"].clone();
    let both = json!({"Entrypoint": ["/bin/tini", "--"], "Cmd": ["/app", "-v"]});
    assert_eq!(argv(both), json!(["/bin/tini", "--", "/app", "-v"]));
    assert_eq!(argv(json!({"Entrypoint": ["/app"]})), json!(["/app"]));
    assert_eq!(argv(json!({"Cmd": ["/app", ""]})), json!(["/app", ""]));
    assert_eq!(
        argv(json!({"Entrypoint": [], "Cmd": ["/app"]})),
        json!(["/app"])
    );
    assert_eq!(
        argv(json!({"Entrypoint": null, "Cmd": ["/app"]})),
        json!(["/app"])
    );
}

#[test]
fn variables_keep_their_order_and_newlines_survive() {
    let process = json!({
        "Cmd": ["/app", "two\nlines", "tab\t\"quotes\" \\ \u{1} \u{20ac}"],
        "Env": ["Z=1", "A=two\nlines", "A=again", "EMPTY=", "PATH=/bin"],
    });
    let found = configuration(process.clone());
    assert_eq!(found["argv"], process["Cmd"]);
    let mut expected = process["Env"].clone();
    expected.as_array_mut().unwrap().push(json!("HOME=/root"));
    assert_eq!(found["env"], expected);
}

#[test]
fn every_form_of_user_becomes_numbers() {
    for (user, uid, gid, groups, home) in [
        ("", 0, 0, json!([]), "/root"),
        ("app", 1000, 1001, json!([4, 101]), "/home/app"),
        ("1000", 1000, 1001, json!([4, 101]), "/home/app"),
        ("app:ssl", 1000, 101, json!([]), "/home/app"),
        ("1000:7", 1000, 7, json!([]), "/home/app"),
        ("4242", 4242, 0, json!([]), "/"),
        ("4242:adm", 4242, 4, json!([]), "/"),
    ] {
        let found = configuration(json!({"Cmd": ["/app"], "User": user}));
        assert_eq!(found["uid"], uid, "{user}");
        assert_eq!(found["gid"], gid, "{user}");
        assert_eq!(found["groups"], groups, "{user}");
        assert_eq!(
            found["env"],
            json!([PATH, format!("HOME={home}")]),
            "{user}"
        );
    }
}

#[test]
fn the_working_directory_is_kept() {
    for (given, cwd) in [
        (json!("/srv/a b"), "/srv/a b"),
        (json!(""), "/"),
        (json!(null), "/"),
    ] {
        let found = configuration(json!({"Cmd": ["/app"], "WorkingDir": given}));
        assert_eq!(found["cwd"], cwd);
    }
}

#[test]
fn the_configuration_is_canonical_and_belongs_to_nobody_who_could_change_it() {
    let shop = built(&application(), "");
    let json = shop.read("x/ramdisk1/etc/enclair/enclave.json");
    let value: Value = serde_json::from_slice(&json).unwrap();
    let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    assert_eq!(
        keys,
        ["argv", "cwd", "env", "gid", "groups", "schema", "uid"]
    );
    assert!(!json.contains(&b'\n') && json.starts_with(b"{\"argv\":["));
    let listed = shop.text("x/ramdisk1.entries.jsonl");
    let line = listed
        .lines()
        .find(|line| line.contains("enclave.json"))
        .unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["mode"], &line["uid"]), (&json!("0444"), &json!(0)));
}

/// The application cannot say what runs: its own file of that name is below `rootfs`.
#[test]
fn a_configuration_in_the_image_is_only_a_file_of_the_image() {
    use crate::tarball::{dir, file};
    let image = Container::with([
        dir("etc"),
        dir("etc/enclair"),
        file("etc/enclair/enclave.json", "evil"),
        file("init", "evil"),
        file("app", "x"),
    ]);
    let shop = built(&image, "");
    assert_eq!(
        shop.text("x/ramdisk1/rootfs/etc/enclair/enclave.json"),
        "evil"
    );
    let found = shop.json("x/ramdisk1/etc/enclair/enclave.json");
    assert_eq!(found["argv"], json!(["/app"]));
    assert_eq!(shop.read("x/ramdisk0/init"), shop.read("init"));
    let inspected = shop.enclair("inspect out/enclave.eif");
    assert!(
        !inspected.stderr.contains("ramdisk-overrides-boot"),
        "{}",
        inspected.stderr
    );
}

#[test]
fn the_bootstrap_layout_has_a_line_for_each_argument_and_variable() {
    let process = json!({
        "Entrypoint": ["/bin/tini", "--"],
        "Cmd": ["/app", "an argument"],
        "Env": ["B=2", "A=1 with spaces"],
    });
    let shop = workshop(&application().running(process));
    shop.write("nsm.ko", "\x7fELF module");
    build(&shop, "--layout bootstrap --nsm-module nsm.ko").done();
    shop.enclair("extract out/enclave.eif -C x").done();
    assert_eq!(
        shop.text("x/ramdisk1/cmd"),
        "/bin/tini\n--\n/app\nan argument\n"
    );
    let expected = format!("{PATH}\nB=2\nA=1 with spaces\nHOME=/root\n");
    assert_eq!(shop.text("x/ramdisk1/env"), expected);
    assert_eq!(shop.names("x/ramdisk1"), ["cmd", "env", "rootfs"]);
    assert_eq!(shop.names("x/ramdisk0"), ["dev", "init", "nsm.ko"]);
    assert_eq!(shop.read("x/ramdisk0/nsm.ko"), shop.read("nsm.ko"));
    assert!(shop.exists("x/ramdisk1/rootfs/app"));
}

#[test]
fn all_three_forms_of_an_image_give_the_same_bits() {
    let image = application();
    let shop = built(&image, "");
    let expected = shop.read("out/enclave.eif");
    shop.write("docker.tar", image.docker_archive());
    shop.shell("tar -cf oci.tar -C image .").done();
    shop.shell("gzip -k docker.tar && zstd -q oci.tar").done();
    for reference in [
        "docker-archive:docker.tar",
        "docker-archive:docker.tar:example/app:1",
        "docker-archive:docker.tar.gz",
        "oci-archive:oci.tar",
        "oci-archive:oci.tar.zst:v1",
        "oci:image:v1",
    ] {
        let arguments = format!("build --image {reference} --kernel kernel --init init -o other");
        shop.enclair(&arguments).done();
        assert!(shop.read("other/enclave.eif") == expected, "{reference}");
    }
}
