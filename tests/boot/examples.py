#!/usr/bin/env python3
"""Plays the client of an example.

    examples.py NAME DIRECTORY COMMAND..

COMMAND publishes the application's port, then the one for documents. DIRECTORY has `out`, and gets
`log`.
"""

import http.server
import json
import os
import re
import sys
import threading

from compare_registers import differences, whole
from documents import get, request
from ingress import running

READY = rb"ready after [0-9]+ ms"


class Upstream(http.server.BaseHTTPRequestHandler):
    """The server that an example may call."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from outside\n")

    def log_message(self, *_):
        """Nothing."""


def check(name, directory, served, attestation):
    """What the README promises."""
    target = "/" if name == "hello" else "/path"
    status, _, body = request(served, "GET", target)
    expected = {"hello": b"<", "rust": b"GET /path HTTP/1.1\n"}.get(name, b"/path\n")
    if status != 200 or not body.startswith(expected):
        raise AssertionError(f"{status} {body!r}")
    if name == "python":
        status, _, body = request(served, "GET", "/upstream")
        if (status, body) != (200, b"from outside\n"):
            raise AssertionError(f"{status} {body!r}")
    with open(f"{directory}/out/measurements.json", encoding="utf-8") as file:
        registers = json.load(file)["Measurements"]
    nonce = os.urandom(20)
    status, _, document = get(attestation, f"?nonce={nonce.hex()}")
    _, _, payload, _ = whole(document)
    payload = whole(payload)
    if payload["user_data"] != b"enclair/1\0\0":
        raise AssertionError(payload["user_data"])
    payload["user_data"] = None
    if found := list(differences(payload, registers, nonce)):
        raise AssertionError("\n".join(found))
    print(f"= {name}: it answers, and PCR0 to PCR2 of its document are as built")


def main():
    name, directory, *command = sys.argv[1:]
    upstream = http.server.HTTPServer(("127.0.0.1", 8000), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    log = f"{directory}/log"
    with running(log, command, READY) as (_process, (served, attestation)):
        with open(log, "rb") as file:
            print(f"= {re.search(READY, file.read())[0].decode()}")
        check(name, directory, served, attestation)


main()
