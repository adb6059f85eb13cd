#!/usr/bin/env python3
"""Makes one big layer out of a small root filesystem: copies of it, until there are enough bytes.

    make_layer.py ROOT.tar BYTES LAYER.tar [TIMES]

Real files, so that they compress as real files do, and the same bytes for the same root. With TIMES,
the content of each file is repeated that often, and there are so many fewer files.
"""

import io
import itertools
import sys
import tarfile

# Records that carry the name which is replaced here.
NAMES = ("path", "linkpath")


def copies(root):
    """Yields the members of the root again and again, each time below another directory."""
    for number in itertools.count():
        with tarfile.open(root) as archive:
            for member in archive:
                for record in NAMES:
                    member.pax_headers.pop(record, None)
                member.name = f"copy{number}/{member.name}"
                if member.islnk():
                    member.linkname = f"copy{number}/{member.linkname}"
                yield member, archive.extractfile(member).read() if member.isreg() else b""


def main():
    """Writes whole files until the size is reached."""
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    root, size, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    times = int(sys.argv[4]) if len(sys.argv) == 5 else 1
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as layer:
        for member, content in copies(root):
            if member.isreg():
                member.size = len(content) * times
            layer.addfile(member, io.BytesIO(content * times))
            # The list of what was written is only needed to read it again, and grows.
            layer.members.clear()
            if layer.offset >= size:
                return


if __name__ == "__main__":
    main()
