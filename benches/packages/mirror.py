#!/usr/bin/env python3
"""Serves package files over HTTP on loopback, no faster than a given line.

    mirror.py DIRECTORY BYTES_PER_SECOND    prints its port, then serves until it is ended

All connections together share the line. A file is found by the last part of its path.
"""

import http.server
import os
import sys
import threading
import time
import urllib.parse

PIECE = 64 << 10


class Line:
    """A line that carries so many bytes in a second."""

    def __init__(self, rate):
        self.rate = rate
        self.lock = threading.Lock()
        self.free_at = time.monotonic()

    def carry(self, count):
        """Waits until the line has carried `count` bytes more."""
        with self.lock:
            begin = max(self.free_at, time.monotonic())
            self.free_at = begin + count / self.rate
        time.sleep(max(0, self.free_at - time.monotonic()))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(self.path).path))
        try:
            with open(os.path.join(DIRECTORY, name), "rb") as file:
                content = file.read()
        except OSError:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            LINE.carry(len(piece))
            self.wfile.write(piece)

    def log_message(self, *_):
        pass


DIRECTORY, LINE = sys.argv[1], Line(float(sys.argv[2]))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
