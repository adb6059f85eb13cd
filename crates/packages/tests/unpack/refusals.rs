//! How packages that are not taken are refused: where, what, and what to do.

use enclair_packages_testing::{ArMember, Compression, Deb, TarEntry, TarKind, ar, tar};
use insta::assert_snapshot;

use crate::workshop::refusal;

fn deb() -> Deb {
    Deb::new("hello", "1.0-1", "amd64").compression(Compression::Gzip)
}

fn with(entry: TarEntry) -> String {
    refusal(&deb().directory("./").entry(entry).build())
}

/// The members of a package, altered.
fn altered(alter: impl FnOnce(&mut Vec<ArMember>)) -> String {
    let mut members = deb().members();
    alter(&mut members);
    refusal(&ar(&members))
}

fn member(name: &str, content: impl Into<Vec<u8>>) -> ArMember {
    ArMember::new(name, content)
}

#[test]
fn files_that_are_no_packages() {
    assert_snapshot!(refusal(b""), @r"
    offset 0: not a package: it begins with `` and not with `!<arch>\x0a`
    hint: is it a `.deb`?
    ");
    assert_snapshot!(refusal(b"PK\x03\x04 and more"), @r"
    offset 0: not a package: it begins with `PK\x03\x04 and` and not with `!<arch>\x0a`
    hint: is it a `.deb`?
    ");
    assert_snapshot!(refusal(b"!<arch>\n"), @"
    offset 8: the package ends where `debian-binary` must be
    hint: the file is incomplete, or something was appended to it: fetch it again
    ");
    assert_snapshot!(altered(|members| drop(members.remove(0))), @"offset 8: member `control.tar.gz` where `debian-binary` must be");
    assert_snapshot!(altered(|members| members[0] = member("debian-binary", "0.939000\n")), @r"
    offset 8: `debian-binary` says `0.939000\x0a`, only format 2.0 is known
    hint: `dpkg-deb` of today writes 2.0: make the package again
    ");
    assert_snapshot!(altered(|members| members[0] = member("debian-binary", "2.1\n")), @r"
    offset 8: `debian-binary` says `2.1\x0a`, only format 2.0 is known
    hint: `dpkg-deb` of today writes 2.0: make the package again
    ");
    assert_snapshot!(altered(|members| members[0] = member("debian-binary", vec![b'2'; 65])), @"offset 8: member `debian-binary` has 65 bytes, at most 64 are allowed");
}

#[test]
fn members_out_of_order_missing_twice_or_unknown() {
    assert_snapshot!(altered(|members| members.swap(1, 2)), @"offset 72: member `data.tar.gz` where `control.tar`, `.gz`, `.xz` or `.zst`, must be");
    assert_snapshot!(altered(|members| members.truncate(1)), @"
    offset 72: the package ends where `control.tar`, `.gz`, `.xz` or `.zst`, must be
    hint: the file is incomplete, or something was appended to it: fetch it again
    ");
    assert_snapshot!(altered(|members| members.truncate(2)), @"
    offset 398: the package ends where `data.tar`, `.gz`, `.xz`, `.zst`, `.bz2` or `.lzma`, must be
    hint: the file is incomplete, or something was appended to it: fetch it again
    ");
    assert_snapshot!(altered(|members| members.insert(2, members[1].clone())), @"offset 398: member `control.tar.gz` where `data.tar`, `.gz`, `.xz`, `.zst`, `.bz2` or `.lzma`, must be");
    assert_snapshot!(altered(|members| members.push(members[2].clone())), @"offset 490: member `data.tar.gz` where the end of the package must be");
    assert_snapshot!(altered(|members| members.push(member("control.tar.gz", ""))), @"offset 490: member `control.tar.gz` where the end of the package must be");
    assert_snapshot!(altered(|members| members[2].name = b"data.tar.lz4".to_vec()), @"offset 398: member `data.tar.lz4` where `data.tar`, `.gz`, `.xz`, `.zst`, `.bz2` or `.lzma`, must be");
    assert_snapshot!(altered(|members| members[1].name = b"control.tar.bz2".to_vec()), @"offset 72: member `control.tar.bz2` where `control.tar`, `.gz`, `.xz` or `.zst`, must be");
    assert_snapshot!(altered(|members| members[1].name = b"../etc/passwd".to_vec()), @"offset 72: `../etc/passwd   ` is not the name of a member");
}

#[test]
fn headers_that_lie() {
    let size = |text: &str| altered(|members| members[2].size = Some(text.to_owned()));
    assert_snapshot!(size("-1"), @"offset 398: `-1        ` is not the size of a member");
    assert_snapshot!(size("0x10"), @"offset 398: `0x10      ` is not the size of a member");
    assert_snapshot!(size(""), @"offset 398: `          ` is not the size of a member");
    assert_snapshot!(size("9999999999"), @"
    member `data.tar.gz`: the content cannot be read
      caused by: unexpected end of file
    ");
    assert_snapshot!(size("7"), @"
    member `data.tar.gz`: the content cannot be read
      caused by: gzip: the compressed data ends early
    hint: the file is incomplete: fetch or make it again
    ");
    assert_snapshot!(altered(|members| members[2].end = *b"  "), @r"offset 398: the header of a member ends in `  ` and not in `` `\x0a ``");
    let odd = |package: &mut Vec<u8>| package.extend(*b"x");
    let mut package = deb().build();
    odd(&mut package);
    assert_snapshot!(refusal(&package), @"
    offset 490: the header of a member has 60 bytes, 1 are left
    hint: the file is incomplete, or something was appended to it: fetch it again
    ");
    let mut package = ar(&[member("debian-binary", "2.0\n"), member("_odd", "x")]);
    package.pop();
    package.push(0);
    assert_snapshot!(refusal(&package), @"offset 72: member `_odd` has an odd size and no newline behind it");
}

#[test]
fn archives_that_are_damaged_or_something_else() {
    assert_snapshot!(altered(|members| members[2].content = b"no gzip at all".to_vec()), @"
    member `data.tar.gz`: the content cannot be read
      caused by: gzip: the compressed data is damaged
      caused by: deflate decompression error: incorrect header check
    ");
    assert_snapshot!(altered(|members| members[2].content.truncate(30)), @"
    member `data.tar.gz`: the content cannot be read
      caused by: gzip: the compressed data ends early
    hint: the file is incomplete: fetch or make it again
    ");
    assert_snapshot!(altered(|members| members[2].content.extend(b"behind the end")), @"
    member `data.tar.gz`: the content cannot be read
      caused by: gzip: other data follows the compressed data
    hint: remove what follows the compressed data
    ");
    assert_snapshot!(altered(|members| members[1].content = Compression::Gzip.compress(&[7; 512])), @r"
    member `control.tar.gz`: the archive cannot be read
      caused by: offset 0: field `checksum` is `\x07\x07\x07\x07\x07\x07\x07\x07`, which is not a number
    ");
}

#[test]
fn control_archives_with_more_than_files_beside_each_other() {
    let control = |entry: TarEntry| {
        let mut deb = deb();
        deb.control.push(entry);
        refusal(&deb.build())
    };
    assert_snapshot!(control(TarEntry::directory("./scripts")), @"member `control.tar.gz`: `scripts`: only regular files are in a control archive");
    assert_snapshot!(control(TarEntry::file("./sub/postinst", "")), @"member `control.tar.gz`: `sub/postinst`: a control archive has no directories");
    assert_snapshot!(control(TarEntry::symlink("./postinst", "/bin/true")), @"member `control.tar.gz`: `postinst`: only regular files are in a control archive");
    assert_snapshot!(control(TarEntry::file("../postinst", "")), @"
    member `control.tar.gz`: the archive cannot be read
      caused by: offset 1536: the name `../postinst` has a `..` component
    ");
    assert_snapshot!(control(TarEntry::file("/postinst", "")), @"
    member `control.tar.gz`: the archive cannot be read
      caused by: offset 1536: the name `/postinst` is absolute
    ");
    assert_snapshot!(control(TarEntry::file("./list", "/etc\n")), @"member `control.tar.gz`: `list`: this name is kept for dpkg's own records");
    assert_snapshot!(control(TarEntry::file("./control", "Package: other\n")), @"member `control.tar.gz`: `control`: there are two entries of this name");
    assert_snapshot!(control(TarEntry::file("./.hidden", "")), @"member `control.tar.gz`: `.hidden`: a control file's name has only letters, digits, `-`, `+`, `.` and `_`");
    assert_snapshot!(control(TarEntry::file("./post inst", "")), @"member `control.tar.gz`: `post inst`: a control file's name has only letters, digits, `-`, `+`, `.` and `_`");
}

#[test]
fn control_files_that_are_missing_or_wrong() {
    let control = |entries: &[TarEntry]| {
        altered(|members| members[1].content = Compression::Gzip.compress(&tar(entries)))
    };
    assert_snapshot!(control(&[]), @"member `control.tar.gz`: there is no file `control`");
    assert_snapshot!(control(&[TarEntry::file("./control", "Package hello\n")]), @"
    `control` cannot be read
      caused by: line 1: `NAME: VALUE` is expected
    ");
    assert_snapshot!(control(&[TarEntry::file("./control", "Package: hello\nVersion: 1\n")]), @"
    `control` cannot be read
      caused by: line 1: the paragraph has no field `Architecture`
    ");
}

#[test]
fn bombs() {
    let much = vec![0; 33 << 20];
    let mut package = deb();
    package
        .control
        .push(TarEntry::file("./md5sums", much.clone()));
    assert_snapshot!(refusal(&package.build()), @"
    member `control.tar.gz`: the archive cannot be read
      caused by: offset 1536: more than 33554432 bytes of unpacked content (`unpacked_bytes`, against bombs)
    ");
    assert_snapshot!(with(TarEntry::file("./zeros", much)), @"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 512: more than 1048576 bytes of unpacked content (`unpacked_bytes`, against bombs)
    hint: if the input is to be trusted with that much, raise `--max-unpacked`
    ");
    let mut package = deb();
    for number in 0..300 {
        package
            .control
            .push(TarEntry::file(format!("./f{number}"), ""));
    }
    assert_snapshot!(refusal(&package.build()), @"
    member `control.tar.gz`: the archive cannot be read
      caused by: offset 131584: more than 256 entries in one archive (`entries`, against exhausted memory)
    ");
    let mut package = deb();
    for number in 0..1001 {
        package = package.file(&format!("./f{number}"), "");
    }
    assert_snapshot!(refusal(&package.build()), @"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 512000: more than 1000 entries in one archive (`entries`, against exhausted memory)
    hint: no real image has that much; is it what you think it is?
    ");
}

#[test]
fn names_that_lead_elsewhere() {
    assert_snapshot!(with(TarEntry::file("./../etc/passwd", "")), @"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 512: the name `./../etc/passwd` has a `..` component
    hint: no image needs such a name; do not use the archive
    ");
    assert_snapshot!(with(TarEntry::file("./usr/../../x", "")), @"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 512: the name `./usr/../../x` has a `..` component
    hint: no image needs such a name; do not use the archive
    ");
    assert_snapshot!(with(TarEntry::file("/etc/passwd", "")), @"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 512: the name `/etc/passwd` is absolute
    ");
    assert_snapshot!(with(TarEntry::hard_link("./x", "/etc/passwd")), @"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 512: the name `/etc/passwd` is absolute
    ");
    assert_snapshot!(with(TarEntry::hard_link("./x", "../etc/passwd")), @"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 512: the name `../etc/passwd` has a `..` component
    hint: no image needs such a name; do not use the archive
    ");
    assert_snapshot!(with(TarEntry::hard_link("./x", "./etc/passwd")), @"member `data.tar.gz`: `x`: hard link to `etc/passwd`, which is no file before it in the package");
    assert_snapshot!(with(TarEntry::file("./nul", "").pax("path", "a\0b")), @r"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 1536: the name `a\x00b` has a NUL byte
    ");
}

#[test]
fn entries_that_no_package_needs() {
    assert_snapshot!(with(TarEntry::special("./dev/mem", TarKind::CharacterDevice(1, 1))), @"
    member `data.tar.gz`: `dev/mem`: a character device is not taken from a package
    hint: an enclave's devices come from its kernel; a package needs none
    ");
    assert_snapshot!(with(TarEntry::special("./dev/sda", TarKind::BlockDevice(8, 0))), @"
    member `data.tar.gz`: `dev/sda`: a block device is not taken from a package
    hint: an enclave's devices come from its kernel; a package needs none
    ");
    assert_snapshot!(with(TarEntry::special("./pipe", TarKind::Fifo)), @"
    member `data.tar.gz`: `pipe`: a named pipe is not taken from a package
    hint: an enclave's devices come from its kernel; a package needs none
    ");
    assert_snapshot!(with(TarEntry::special("./odd", TarKind::Other(b'M'))), @"
    member `data.tar.gz`: the archive cannot be read
      caused by: offset 512: entry type `M` (continuation of a file from another volume) is not supported
    hint: make the archive again, as `tar --format=pax` without incremental options
    ");
    assert_snapshot!(with(TarEntry::symlink("./", "/elsewhere")), @"member `data.tar.gz`: `/`: the root can only be a directory");
}

#[test]
fn one_path_twice() {
    let twice =
        |first: TarEntry, second: TarEntry| refusal(&deb().entry(first).entry(second).build());
    assert_snapshot!(twice(TarEntry::file("./x", "1"), TarEntry::file("./x", "2")), @"member `data.tar.gz`: `x`: there are two entries of this path");
    assert_snapshot!(twice(TarEntry::file("./x", ""), TarEntry::directory(".//x/")), @"member `data.tar.gz`: `x`: there are two entries of this path");
    assert_snapshot!(twice(TarEntry::directory("./"), TarEntry::directory(".")), @"member `data.tar.gz`: `/`: there are two entries of this path");
}

#[test]
fn a_package_that_is_another_one() {
    let opened = crate::workshop::open(&deb().build()).unwrap();
    let differs = |name, version, architecture| {
        let checked = opened.package.check_identity(name, version, architecture);
        let error = checked.unwrap_err();
        crate::workshop::message(&error, error.hint())
    };
    assert_snapshot!(differs("hallo", "1.0-1", "amd64"), @"
    `Package` is `hello`, `hallo` was expected
    hint: the index and the package do not belong together
    ");
    assert_snapshot!(differs("hello", "1.0-2", "amd64"), @"
    `Version` is `1.0-1`, `1.0-2` was expected
    hint: the index and the package do not belong together
    ");
    assert_snapshot!(differs("hello", "1.0-1", "arm64"), @"
    `Architecture` is `amd64`, `arm64` was expected
    hint: the index and the package do not belong together
    ");
}
