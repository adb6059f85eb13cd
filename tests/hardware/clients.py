#!/usr/bin/env python3
"""Plays those around an enclave for check-host.

    clients.py serve FILE ADDRESS-FILE          a web server of 127.0.0.1 that has FILE alone
    clients.py transfers HOST:PORT FILE         fetches /payload, which is FILE, many times
    clients.py document HOST:PORT MEASUREMENTS.json FILE
                                                asks for a document and compares; keeps it in FILE

The signature of a document is not verified here: that its fields are there is all that is said.
"""

import concurrent.futures
import hashlib
import http.server
import json
import os
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "boot"))
from compare_registers import whole  # noqa: E402

CLIENTS = 32
ROUNDS = 96
PATIENCE = 60
ES384 = -35


def serve(file, address):
    content = Path(file).read_bytes()

    class Outside(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    Path(address).write_text(str(server.server_port))
    server.serve_forever()


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return answer.read()


def transfers(address, file):
    expected = hashlib.sha256(Path(file).read_bytes()).digest()

    def one(_):
        return hashlib.sha256(get(f"http://{address}/payload")).digest() == expected

    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        right = sum(pool.map(one, range(ROUNDS)))
    took = time.monotonic() - begin
    size = Path(file).stat().st_size
    print(f"{right} of {ROUNDS} whole, {ROUNDS * size / took / 1e6:.1f} MB/s")
    return right == ROUNDS


def document(address, measurements, file):
    nonce = os.urandom(20)
    body = get(f"http://{address}/.well-known/enclair/attestation?nonce={nonce.hex()}")
    Path(file).write_bytes(body)
    protected, _, payload, signature = whole(body)
    payload = whole(payload)
    registers = json.loads(Path(measurements).read_text())["Measurements"]
    wrong = []
    for number in range(3):
        found, expected = payload["pcrs"][number].hex(), registers[f"PCR{number}"]
        if found != expected:
            wrong.append(f"PCR{number} is {found[:16]}.., built {expected[:16]}..")
    if payload["nonce"] != nonce:
        wrong.append("another nonce")
    algorithm = whole(protected).get(1)
    signed = algorithm == ES384 and any(signature)
    chain = [len(certificate) for certificate in payload["cabundle"]]
    print(f"module {payload['module_id']}, signed: {signed}, chain of {len(chain)} certificates")
    if wrong:
        print("; ".join(wrong))
    return not wrong


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    sys.exit(0 if {"serve": serve, "transfers": transfers, "document": document}[what](*rest) else 1)
