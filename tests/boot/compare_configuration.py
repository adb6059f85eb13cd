#!/usr/bin/env python3
"""Compares what a program finds inside with the configuration of its container image.

    compare_configuration.py FACTS LAYOUT:TAG HOME UID GID [GROUP..]    ends with 1 and says what differs

FACTS are those of `probe self`. HOME and the numbers are what USER means in the image; the rest is
read from the image's own configuration, byte for byte.
"""

import json
import sys
from pathlib import Path

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAME = "org.opencontainers.image.ref.name"


def document(layout, digest):
    """A blob that is JSON."""
    return json.loads(Path(layout, "blobs", *digest.split(":")).read_bytes())


def configuration(reference):
    """The `config` of an image in an OCI layout."""
    layout, tag = reference.rsplit(":", 1)
    index = json.loads(Path(layout, "index.json").read_bytes())
    (manifest,) = [
        entry["digest"] for entry in index["manifests"] if entry["annotations"][NAME] == tag
    ]
    return document(layout, document(layout, manifest)["config"]["digest"])["config"]


def environment(config, directory):
    """ENV with what is added to it: PATH in front, HOME behind."""
    found = config.get("Env") or []
    names = [variable.split("=", 1)[0] for variable in found]
    home = [] if "HOME" in names else ["HOME=" + directory]
    return ([] if "PATH" in names else [PATH]) + found + home


def main():
    """Prints the differences."""
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    config = configuration(sys.argv[2])
    home, uid, gid, *groups = sys.argv[3:]
    expected = {
        "argv": (config.get("Entrypoint") or []) + (config.get("Cmd") or []),
        "env": environment(config, home),
        "cwd": [config.get("WorkingDir") or "/"],
    }
    for name, words in expected.items():
        expected[name] = [word.encode().hex() + "." for word in words]
    expected["ids"] = [" ".join([uid] * 3 + [gid] * 3)]
    expected["group"] = groups
    found = {name: [] for name in expected}
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(" ")
        if name in found:
            found[name].append(value)
    wrong = [name for name in expected if found[name] != expected[name]]
    for name in wrong:
        print(f"{name}: found {found[name]}, expected {expected[name]}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
