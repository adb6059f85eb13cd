#!/usr/bin/env python3
"""Builds the images that vectors.json describes, reads them, and compares.

    check_vectors.py            compares and ends with 0 or 1
    check_vectors.py --write    computes the expected values anew (then review the difference)

A vector has the numbers of a file, not the file: section data is either `text` or `bytes` counted
up from `seed`, where byte i is (seed + 7 * i + i // 256) mod 256. `patch` replaces bytes by hex at
an offset, `append` adds some, `cut` keeps so many; the CRC is made to fit afterwards unless
`stale_crc` is set. A vector with `refused` has to be refused.
"""

import hashlib
import json
import pathlib
import struct
import sys
import zlib

import read_eif

VECTORS = pathlib.Path(__file__).with_name("vectors.json")
NUMBERS = {kind: number for number, kind in read_eif.KINDS.items()}


def content(part):
    """The data of one section."""
    if "text" in part:
        return part["text"].encode()
    return bytes((part["seed"] + 7 * i + i // 256) % 256 for i in range(part["bytes"]))


def build(vector):
    """The file that a vector describes."""
    parts = [(NUMBERS[part["kind"]], content(part)) for part in vector["parts"]]
    offsets, sizes, body = [0] * 32, [0] * 32, b""
    for slot, (number, data) in enumerate(parts):
        offsets[slot], sizes[slot] = 548 + len(body), len(data)
        body += struct.pack(">HHQ", number, 0, len(data)) + data
    flags = {"x86_64": 0, "aarch64": 1}[vector["arch"]]
    head = struct.pack(">4sHHQQHH", b".eif", vector["version"], flags, 1 << 30, 2, 0, len(parts))
    head += struct.pack(">32Q32QI", *offsets, *sizes, 0)
    image = bytearray(head + struct.pack(">I", zlib.crc32(body, zlib.crc32(head))) + body)
    for patch in vector.get("patch", []):
        new = bytes.fromhex(patch["hex"])
        image[patch["offset"] : patch["offset"] + len(new)] = new
    image += bytes.fromhex(vector.get("append", ""))
    image = image[: vector.get("cut", len(image))]
    if not vector.get("stale_crc") and len(image) >= 548:
        image[544:548] = struct.pack(">I", zlib.crc32(image[548:], zlib.crc32(image[:544])))
    return bytes(image)


def verdict(vector):
    """What this folder's reader says about a vector's file."""
    image = build(vector)
    result = {"sha256": hashlib.sha256(image).hexdigest()}
    try:
        return result | {"image": read_eif.read(image)}
    except read_eif.Refused as reason:
        return result | {"refused": str(reason)}


def main():
    """Compares all vectors, or writes them."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    if sys.argv[1:] == ["--write"]:
        for vector in vectors:
            vector["expected"] = verdict(vector)
        VECTORS.write_text(json.dumps(vectors, indent=1) + "\n", encoding="utf-8")
        return
    wrong = [vector["name"] for vector in vectors if verdict(vector) != vector["expected"]]
    if wrong:
        sys.exit("differs: " + ", ".join(wrong))
    print(f"{len(vectors)} vectors agree")


if __name__ == "__main__":
    main()
