#!/usr/bin/env python3
"""Makes OCI layouts that the programs of Debian do not: of layouts that have one image each.

    edit_layout.py plain FROM TO               the same image with its layers uncompressed
    edit_layout.py platforms TO ARCH=FROM..    one index of images for several platforms, named v1;
                                               `unknown` is what builders call an attestation's
    edit_layout.py shuffle FROM TO             the same files, created in another order
"""

import gzip
import hashlib
import json
import random
import shutil
import sys
from pathlib import Path

LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEX = "application/vnd.oci.image.index.v1+json"
NAME = "org.opencontainers.image.ref.name"


def blob(layout, digest):
    """The path of a blob."""
    return layout / "blobs" / digest.replace(":", "/")


def store(layout, content):
    """Adds a blob, and returns the two fields that refer to it."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    blob(layout, digest).write_bytes(content)
    return {"digest": digest, "size": len(content)}


def store_json(layout, document):
    """Adds a document as a blob."""
    return store(layout, json.dumps(document).encode())


def start(layout):
    """A layout without blobs and index."""
    (layout / "blobs/sha256").mkdir(parents=True)
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def finish(layout, descriptor):
    """Names the one thing that is in the layout."""
    descriptor["annotations"] = {NAME: "v1"}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]}
    (layout / "index.json").write_text(json.dumps(index))


def only_manifest(layout):
    """The descriptor of the image in a layout."""
    (descriptor,) = json.loads((layout / "index.json").read_text())["manifests"]
    return {key: descriptor[key] for key in ("mediaType", "digest", "size")}


def plain(source, target):
    """Decompresses the layers; the configuration, and so the diff IDs, stay."""
    start(target)
    descriptor = only_manifest(source)
    manifest = json.loads(blob(source, descriptor["digest"]).read_bytes())
    shutil.copy(blob(source, manifest["config"]["digest"]), target / "blobs/sha256")
    for layer in manifest["layers"]:
        content = gzip.decompress(blob(source, layer["digest"]).read_bytes())
        layer.update(store(target, content), mediaType=LAYER)
    descriptor.update(store_json(target, manifest))
    finish(target, descriptor)


def platforms(target, *images):
    """Puts images into an index in the index, as registries and builders give them."""
    start(target)
    manifests = []
    for image in images:
        arch, source = image.split("=", 1)
        shutil.copytree(Path(source) / "blobs", target / "blobs", dirs_exist_ok=True)
        platform = {"architecture": arch, "os": "unknown" if arch == "unknown" else "linux"}
        manifests.append(only_manifest(Path(source)) | {"platform": platform})
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    finish(target, {"mediaType": INDEX} | store_json(target, index))


def shuffle(source, target):
    """Creates the files anew in another order; always the same one, so that a failure repeats."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    random.Random(1).shuffle(files)
    for file in files:
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)


def main():
    """Does what the command line says."""
    match sys.argv[1:]:
        case ["plain", source, target]:
            plain(Path(source), Path(target))
        case ["platforms", target, *images] if images:
            platforms(Path(target), *images)
        case ["shuffle", source, target]:
            shuffle(Path(source), Path(target))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
