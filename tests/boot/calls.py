#!/usr/bin/env python3
"""A server of this machine's loopback that an enclave may call.

    calls.py FILE      serves until it is ended; its port is in FILE
    calls.py --digest  SHA-256 of what `/large` is
"""

import hashlib
import http.server
import os
import sys

LARGE = bytes(range(251)) * 80_000


class Handler(http.server.BaseHTTPRequestHandler):
    """`/hello`, `/large`, and `/redirect` to a name that is not allowed."""

    def do_GET(self):
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://www.example.com/")
            self.end_headers()
            return
        body = LARGE if self.path == "/large" else b"hello\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: the check looks at what the enclave says."""


def main():
    if sys.argv[1] == "--digest":
        print(hashlib.sha256(LARGE).hexdigest())
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        file.write(str(server.server_address[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()


main()
