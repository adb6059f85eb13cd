#!/usr/bin/env python3
"""A second opinion on an enclave image: structure, CRC and measurements.

Written from docs/formats/eif.md with the standard library only, and sharing nothing with the Rust
code. Prints JSON and ends with 0, or says what is wrong and ends with 1.

    read_eif.py IMAGE.eif
"""

import hashlib
import json
import struct
import sys
import zlib

KINDS = {1: "kernel", 2: "command-line", 3: "ramdisk", 4: "signature", 5: "metadata"}
MEASURED = ("kernel", "command-line", "ramdisk")
HEADER = struct.Struct(">4sHHQQHH32Q32QII")
SECTION = struct.Struct(">HHQ")


class Refused(Exception):
    """The file breaks a rule of the format."""


def demand(holds, *words):
    """Refuses the file unless the rule holds."""
    if not holds:
        raise Refused(" ".join(str(word) for word in words))


def sections_of(data, fields):
    """Walks the file and compares every step with the tables of the header."""
    count, offsets, sizes = fields[6], fields[7:39], fields[39:71]
    demand(1 <= count <= 32, "number of sections", count)
    demand(not any(offsets[count:] + sizes[count:]), "an unused table slot is not zero")
    place, found = HEADER.size, []
    for index in range(count):
        demand(offsets[index] == place, "section", index, "is not where the table says")
        demand(place + SECTION.size <= len(data), "section", index, "has no header")
        number, _flags, size = SECTION.unpack_from(data, place)
        start = place + SECTION.size
        demand(number in KINDS, "section", index, "has type", number)
        demand(size == sizes[index], "section", index, "has two sizes")
        demand(size <= len(data) - start, "section", index, "goes beyond the end")
        found.append((KINDS[number], place, data[start : start + size]))
        place = start + size
    demand(place == len(data), len(data) - place, "trailing bytes")
    return found


def check_kinds(kinds, version):
    """One kernel, one command line, then ramdisks; metadata anywhere; signature last."""
    once = ["kernel", "command-line"] + (["metadata"] if version >= 4 else [])
    for kind in once:
        demand(kinds.count(kind) == 1, kinds.count(kind), kind, "sections")
    for kind in ("metadata", "signature"):
        demand(kinds.count(kind) <= 1, "several", kind, "sections")
    measured = [kind for kind in kinds if kind in MEASURED]
    demand(measured[:2] == ["kernel", "command-line"], "order", measured)
    demand(len(measured) > 2, "no ramdisk")
    demand("signature" not in kinds[:-1], "the signature is not last")


def register(*parts):
    """A register of zeros, extended once with the digest of the content."""
    content = hashlib.sha384(b"".join(parts)).digest()
    return hashlib.sha384(bytes(48) + content).hexdigest()


def read(data):
    """Everything that can be said about an image, or Refused."""
    demand(len(data) >= HEADER.size, "too short for a header")
    fields = HEADER.unpack_from(data)
    magic, version, flags = fields[:3]
    demand(magic == b".eif", "magic", magic)
    demand(2 <= version <= 4, "version", version)
    sections = sections_of(data, fields)
    check_kinds([kind for kind, _, _ in sections], version)
    for kind, _, content in sections:
        demand(kind != "signature" or len(content) <= 32768, "the signature is too long")
    crc = zlib.crc32(data[548:], zlib.crc32(data[:544]))
    demand(crc == fields[-1], f"crc {fields[-1]:08x}, the content has {crc:08x}")
    system = [content for kind, _, content in sections if kind in MEASURED[:2]]
    ramdisks = [content for kind, _, content in sections if kind == "ramdisk"]
    return {
        "version": version,
        "arch": "aarch64" if flags & 1 else "x86_64",
        "crc32": f"{crc:08x}",
        "sections": [
            {
                "kind": kind,
                "offset": offset,
                "size": len(content),
                "sha384": hashlib.sha384(content).hexdigest(),
            }
            for kind, offset, content in sections
        ],
        "PCR0": register(*system, *ramdisks),
        "PCR1": register(*system, ramdisks[0]),
        "PCR2": register(*ramdisks[1:]),
    }


def main():
    """Reads the image that the command line names."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        with open(sys.argv[1], "rb") as image:
            print(json.dumps(read(image.read()), indent=2))
    except (OSError, Refused) as error:
        sys.exit(f"{sys.argv[1]}: {error}")


if __name__ == "__main__":
    main()
