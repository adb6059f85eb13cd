//! Where things land in an image, and with which metadata.

use super::*;
use crate::files::{Opaque, effects};

#[test]
fn a_directory_is_merged_and_what_stands_there_keeps_its_metadata() {
    let disk = Disk::with(&[
        ("rootfs/etc/app.conf", "new"),
        ("rootfs/etc/conf.d/a", "a"),
        ("rootfs/opt/run", "#!/bin/sh\n"),
        ("rootfs/opt/lib.so", "\x7fELF..."),
        ("rootfs/opt/empty/", ""),
        ("rootfs/opt/link", "-> ../etc/app.conf"),
    ]);
    let image = Image::with(&[("etc/", ""), ("etc/app.conf", "old"), ("etc/other", "o")]);
    let mut all = from("rootfs", "/");
    all.owner = Owner::new("3:4");
    all.dir_mode = 0o700;
    let image = image.lay(disk.0.path(), &[all]).unwrap();
    assert_eq!(
        image.listing(),
        "0750 7:7 99 etc/\n\
         0644 3:4 0 etc/app.conf = new\n\
         0700 3:4 0 etc/conf.d/\n\
         0644 3:4 0 etc/conf.d/a = a\n\
         0640 7:7 99 etc/other = o\n\
         0700 3:4 0 opt/\n\
         0700 3:4 0 opt/empty/\n\
         0755 3:4 0 opt/lib.so = \\x7fELF...\n\
         0777 3:4 0 opt/link -> ../etc/app.conf\n\
         0755 3:4 0 opt/run = #!/bin/sh\\n\n"
    );
    let report = &image.laid.files[2];
    assert_eq!(report.path, "/opt/lib.so");
    assert_eq!(report.from, "rootfs/opt/lib.so");
    assert_eq!((report.size, report.mode.as_str()), (7, "0755"));
    assert_eq!(report.opaque, Some(Opaque::Elf));
    let json = serde_json::to_value(&image.laid).unwrap();
    assert_eq!(json["files"][2]["opaque"], "elf");
    assert_eq!(json["files"][0].get("opaque"), None);
    assert_eq!(
        json["files"][1]["sha256"],
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    );
    assert_eq!(json["left_out"]["count"], 0);
}

#[test]
fn parents_are_made_and_a_directory_that_is_named_has_the_entrys_mode() {
    let disk = Disk::with(&[("a/x", "x"), ("b", "b")]);
    let mut directory = from("a", "/srv/www/a");
    (directory.dir_mode, directory.owner) = (0o2770, Owner::new("5:6"));
    let mut file = from("./b", "/opt/deep/");
    (file.mode, file.owner) = (Some(0o4711), Owner::new("5:6"));
    let image = disk.lay(&[directory, file]).unwrap();
    assert_eq!(
        image.listing(),
        "0755 0:0 0 opt/\n\
         0755 0:0 0 opt/deep/\n\
         4711 5:6 0 opt/deep/b = b\n\
         0755 0:0 0 srv/\n\
         0755 0:0 0 srv/www/\n\
         2770 5:6 0 srv/www/a/\n\
         0644 5:6 0 srv/www/a/x = x\n"
    );
}

#[test]
fn symlinks_of_the_image_are_followed_and_lead_nowhere_outside() {
    let disk = Disk::with(&[("all/lib/x", "x"), ("all/bin/y", "y"), ("f", "f")]);
    let image = Image::with(&[
        ("usr/", ""),
        ("usr/lib/", ""),
        ("lib", "-> usr/lib"),
        ("bin", "-> ../../../usr/bin"),
        ("up", "-> /../../.."),
    ]);
    let entries = [
        from("all", "/"),
        from("f", "/lib/modules/f"),
        from("f", "/up/g"),
        from("f", "/lib/"),
    ];
    let image = image.lay(disk.0.path(), &entries).unwrap();
    assert_eq!(
        image.paths(),
        [
            "bin",
            "g",
            "lib",
            "up",
            "usr",
            "usr/bin",
            "usr/bin/y",
            "usr/lib",
            "usr/lib/f",
            "usr/lib/modules",
            "usr/lib/modules/f",
            "usr/lib/x"
        ]
    );
    let listed: Vec<_> = image.laid.files.iter().map(|file| &file.path).collect();
    assert_eq!(
        listed,
        [
            "/g",
            "/usr/bin/y",
            "/usr/lib/f",
            "/usr/lib/modules/f",
            "/usr/lib/x"
        ]
    );
}

#[test]
fn later_entries_replace_files_and_symlinks_but_no_directories() {
    let disk = Disk::with(&[("one", "1"), ("two", "2"), ("d/x", "x")]);
    let image = Image::with(&[("a", "old"), ("l", "-> /etc/passwd")]);
    let entries = [
        from("one", "/a"),
        from("two", "/a"),
        from("one", "/l"),
        from("one", "/gone"),
        link("/target", "/gone"),
    ];
    let image = image.lay(disk.0.path(), &entries).unwrap();
    assert_eq!(
        image.listing(),
        "0644 0:0 0 a = 2\n0777 0:0 0 gone -> /target\n0644 0:0 0 l = 1\n"
    );
    // A file that was replaced is not in the image, and so not in the list.
    let listed: Vec<_> = image.laid.files.iter().map(|file| &file.from).collect();
    assert_eq!(listed, ["two", "one"]);

    let image = || Image::with(&[("d/", ""), ("f", "f"), ("dev", "-> f")]);
    let lay = |entry: Entry| image().lay(disk.0.path(), &[entry]).unwrap_err();
    let over = |error: Error| {
        let (Error::OverDirectory { from, to } | Error::OverOther { from, to }) = error else {
            panic!("{error}");
        };
        (from, to)
    };
    let text = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(over(lay(from("one", "/d"))), text("one", "/d"));
    assert_eq!(over(lay(link("x", "/d"))), text("x", "/d"));
    assert_eq!(over(lay(from("d", "/f"))), text("d", "/f"));
    assert_eq!(over(lay(from("d", "/dev"))), text("d", "/f"));
    assert_eq!(over(lay(from("one", "/f/"))), text("one", "/f"));
    assert_eq!(over(lay(from("one", "/f/x/y"))), text("one", "/f"));
}

#[test]
fn two_files_of_one_entry_never_become_one() {
    let disk = Disk::with(&[("r/lib/x", "1"), ("r/usr/lib/x", "2")]);
    let image = Image::with(&[("lib", "-> usr/lib")]);
    let error = image.lay(disk.0.path(), &[from("r", "/")]).unwrap_err();
    assert!(
        matches!(error, Error::Twice { from, to } if from == "r/usr/lib/x" && to == "/usr/lib/x")
    );
}

#[test]
fn owners_are_names_of_the_image_as_the_entries_before_left_it() {
    let passwd = "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n";
    let disk = Disk::with(&[
        ("passwd", passwd),
        ("group", "root:x:0:\nssl:x:101:\n"),
        ("f", "f"),
    ]);
    let owned = |owner: &str| {
        let mut file = from("f", "/f");
        file.owner = Owner::new(owner);
        file
    };
    let accounts = [from("passwd", "/etc/"), from("group", "/etc/")];
    let ids = |owner: &str| {
        let entries = [accounts.as_slice(), &[owned(owner)]].concat();
        let image = disk.lay(&entries)?;
        let metadata = image
            .tree
            .get(&TreePath::parse(b"f").unwrap())
            .unwrap()
            .metadata;
        Ok::<_, Error>((metadata.uid, metadata.gid))
    };
    assert_eq!(ids("app").unwrap(), (1000, 1001));
    assert_eq!(ids("app:ssl").unwrap(), (1000, 101));
    assert_eq!(ids("1000").unwrap(), (1000, 1001));
    assert_eq!(ids("8:9").unwrap(), (8, 9));
    for owner in ["ghost", "app:ghost", "0:-1"] {
        let error = ids(owner).unwrap_err();
        assert!(matches!(error, Error::Owner { .. }), "{error}");
        assert!(error.hint().unwrap().contains("numbers"));
    }
    for owner in ["", "4294967295:0", "0:4294967295"] {
        assert!(matches!(ids(owner), Err(Error::NoOwner { .. })), "{owner}");
    }
    // Nobody to ask.
    assert!(matches!(
        disk.lay(&[owned("app")]),
        Err(Error::Owner { .. })
    ));
}

#[test]
fn a_directory_at_a_symlink_that_leads_to_nothing_is_made_where_it_leads() {
    let disk = Disk::with(&[("d/x", "x")]);
    let image = Image::with(&[("run", "-> var/run")]);
    let mut entry = from("d", "/run");
    entry.dir_mode = 0o711;
    let image = image.lay(disk.0.path(), &[entry]).unwrap();
    assert_eq!(
        image.listing(),
        "0777 7:7 99 run -> var/run\n\
         0755 0:0 0 var/\n\
         0711 0:0 0 var/run/\n\
         0644 0:0 0 var/run/x = x\n"
    );
}

#[test]
fn what_was_decided_has_a_version() {
    let mut given = from("a", "/a");
    given.mode = Some(0o600);
    assert_eq!(effects([]), [""; 0]);
    assert_eq!(effects([false, false]), ["files@1"]);
    let both = effects([false, true]);
    assert_eq!(both, ["file-modes@1", "files@1"]);
}
