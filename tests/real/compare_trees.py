#!/usr/bin/env python3
"""Compares two directory trees, entry by entry, as far as a ramdisk can carry them.

    compare_trees.py WANTED FOUND [--except PART].. [--entries FILE]

Type, permissions, owner, group, times to the second, content, targets of symlinks, device numbers
and which names are links to the same file. PART is one of mode, owner, time, directory-time,
symlink-time, device: what the program that unpacked FOUND cannot restore.

With --entries, the facts about FOUND that an ordinary user's directory cannot hold come from the
list that `enclair extract -C` leaves beside it; its paths start with the name of FOUND.

Prints every difference and ends with 1 if there is one.
"""

import argparse
import json
import os
import re
import stat
import sys

KINDS = {
    stat.S_IFDIR: "directory",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "character-device",
    stat.S_IFBLK: "block-device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def time_of(kind):
    """Times apart by what they belong to, because programs restore some and not others."""
    return {"directory": "directory-time", "symlink": "symlink-time"}.get(kind, "time")


def facts_of(path, status):
    """What is compared of one entry."""
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    facts = {
        "kind": kind,
        "mode": stat.S_IMODE(status.st_mode),
        "owner": (status.st_uid, status.st_gid),
        time_of(kind): status.st_mtime_ns // 10**9,
    }
    if kind == "file":
        with open(path, "rb") as file:
            facts["content"] = file.read()
    elif kind == "symlink":
        facts["target"] = os.readlink(path)
    elif kind.endswith("device"):
        facts["device"] = (os.major(status.st_rdev), os.minor(status.st_rdev))
    return facts


def names_below(root):
    """The paths of all entries, from `root` itself on, as bytes."""
    yield b""
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            yield os.path.relpath(os.path.join(directory, name), root)


def read_tree(root):
    """All entries by path. Contents are read later, one at a time."""
    root = os.fsencode(root)
    return {name: os.lstat(os.path.join(root, name)) for name in names_below(root)}


def link_groups(tree):
    """For every name of a file with several names: all of them."""
    groups = {}
    for name, status in tree.items():
        if not stat.S_ISDIR(status.st_mode):
            groups.setdefault((status.st_dev, status.st_ino), []).append(name)
    return {name: sorted(group) for group in groups.values() for name in group if group[1:]}


def name_of(line):
    """The path in a line of the list, where controls and backslashes are written as \\xNN."""
    if "path_hex" in line:
        return bytes.fromhex(line["path_hex"])
    code = re.compile(rb"\\x([0-9a-f]{2})")
    return code.sub(lambda found: bytes.fromhex(found[1].decode()), line["path"].encode())


def read_entries(path, root):
    """The facts in the list, by path below `root`."""
    prefix = os.path.basename(os.path.normpath(root)).encode()
    entries = {}
    with open(path, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            first, _, rest = name_of(line).partition(b"/")
            if first != prefix:
                continue
            entries[rest] = {
                "kind": line["kind"],
                "mode": int(line["mode"], 8),
                "owner": (line["uid"], line["gid"]),
                time_of(line["kind"]): line["mtime"],
            }
            if "device" in line:
                entries[rest]["device"] = tuple(line["device"])
    return entries


def differences(arguments):
    """Yields (path, what, wanted, found)."""
    wanted, found = read_tree(arguments.wanted), read_tree(arguments.found)
    entries = read_entries(arguments.entries, arguments.found) if arguments.entries else {}
    # What only root can make is in the list alone.
    for name in sorted(wanted.keys() - found.keys() - entries.keys()):
        yield name, "entry", "there", "missing"
    for name in sorted((found.keys() | entries.keys()) - wanted.keys()):
        yield name, "entry", "none", "there"
    for name in sorted(wanted.keys() & (found.keys() | entries.keys())):
        expected = facts_of(os.path.join(os.fsencode(arguments.wanted), name), wanted[name])
        actual = {}
        if name in found:
            actual = facts_of(os.path.join(os.fsencode(arguments.found), name), found[name])
        actual |= entries.get(name, {})
        for what in sorted(expected.keys() | actual.keys()):
            if what not in arguments.exceptions and expected.get(what) != actual.get(what):
                yield name, what, expected.get(what), actual.get(what)
    groups, others = link_groups(wanted), link_groups(found)
    for name in sorted(groups.keys() | others.keys()):
        if groups.get(name) != others.get(name):
            yield name, "links", groups.get(name), others.get(name)


def main():
    """Compares what the command line names."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("wanted")
    parser.add_argument("found")
    parser.add_argument("--except", dest="exceptions", action="append", default=[])
    parser.add_argument("--entries")
    count = 0
    for name, what, wanted, found in differences(parser.parse_args()):
        print(f"{name!r}: {what}: expected {str(wanted)[:100]}, found {str(found)[:100]}")
        count += 1
    sys.exit(f"{count} differences" if count else 0)


if __name__ == "__main__":
    main()
