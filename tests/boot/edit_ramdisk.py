#!/usr/bin/env python3
"""Finds places in an uncompressed ramdisk (newc), and makes ramdisks whose marker is wrong.

    edit_ramdisk.py places FILE             `NAME OFFSET` a line: where a cut is most likely missed
    edit_ramdisk.py no-marker FILE TO       the archive without its last entry before the trailer
    edit_ramdisk.py marker TEXT FILE TO     the marker's content replaced by text of the same length
    edit_ramdisk.py drop NAME FILE TO       the archive without the entry NAME
"""

import sys
from pathlib import Path

HEADER = 110


def padded(size):
    """The next multiple of 4."""
    return (size + 3) // 4 * 4


def entries(archive):
    """Yields name, begin, begin of the body, size of the body, end; the trailer is the last."""
    at, name = 0, ""
    while name != "TRAILER!!!":
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = archive[at + HEADER : at + HEADER + name_size - 1].decode()
        body = at + padded(HEADER + name_size)
        end = body + padded(size)
        yield name, at, body, size, end
        at = end


def places(archive):
    """Cuts before, within and behind the parts that matter."""
    rows = list(entries(archive))
    named = {row[0]: row for row in rows}
    _, _, body, size, end = named["etc/enclair/enclave.json"]
    marker, begin, number, digits, _ = rows[-2]
    last = rows[-3]
    large = max(rows, key=lambda row: row[3])
    return {
        "first-header": 50,
        "configuration-begin": body,
        "configuration-middle": body + size // 2,
        "configuration-end": end,
        "large-file-begin": large[2],
        "large-file-middle": large[2] + large[3] // 2,
        "large-file-last-byte": large[2] + large[3] - 1,
        "last-entry-begin": last[1],
        "marker-begin": begin,
        "marker-header": begin + HEADER // 2,
        "marker-name": begin + HEADER + len(marker) // 2,
        "marker-last-digit": number + digits - 1,
    }


def without(archive, index):
    """The archive without one entry."""
    _, begin, _, _, end = list(entries(archive))[index]
    return archive[:begin] + archive[end:]


def with_marker(archive, text):
    """The archive with another number in its marker."""
    _, _, body, size, _ = list(entries(archive))[-2]
    if len(text) != size:
        sys.exit(f"the marker has {size} digits")
    return archive[:body] + text.encode() + archive[body + size :]


def main():
    """Does what the command line says."""
    match sys.argv[1:]:
        case ["places", source]:
            for name, offset in places(Path(source).read_bytes()).items():
                print(name, offset)
        case ["no-marker", source, target]:
            Path(target).write_bytes(without(Path(source).read_bytes(), -2))
        case ["marker", text, source, target]:
            Path(target).write_bytes(with_marker(Path(source).read_bytes(), text))
        case ["drop", name, source, target]:
            archive = Path(source).read_bytes()
            names = [entry[0] for entry in entries(archive)]
            Path(target).write_bytes(without(archive, names.index(name)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
