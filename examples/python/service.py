"""Answers every request with its path, and `/upstream` with what a server outside says, on port 8080.

The proxy of the enclave is in the environment, where `urllib` looks for it.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import URLError
from urllib.request import urlopen

UPSTREAM = "http://host:8000/"


class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = 200, f"{self.path}\n".encode()
        if self.path == "/upstream":
            try:
                body = urlopen(UPSTREAM, timeout=10).read(65536)
            except URLError as error:
                status, body = 502, f"{error}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Service).serve_forever()
