#!/usr/bin/env python3
"""Asks an enclave what its parent says of its image, and looks at what was counted at the end.

    manifest.py said|none LOG COMMAND..    whether the command is given {"source":{"commit":"0123"}}

The command is run with `--json` and publishes the port of attestation.
"""

import http.client
import json
import subprocess
import sys
import time

from documents import get, request
from ingress import running

TARGET = "/.well-known/enclair/manifest"


def main():
    given, log, *command = sys.argv[1:]
    with open(log + ".json", "wb") as report:
        asked = ask(given, log, command, report)
    with open(log + ".json", encoding="utf-8") as report:
        counters = json.load(report)["counters"]
    if counters["documents"] != 1 or counters["connections"] != 0:
        sys.exit(f"counted: {counters}")
    print(f"  {asked}; counted: {counters}")


def ask(given, log, command, report):
    with running(log, command, rb"^ready after", report) as (_, [address]):
        status, headers, body = request(address, "GET", TARGET)
        if given == "said":
            expected = (200, {"schema": 1, "unverified": {"source": {"commit": "0123"}}})
            found = (status, json.loads(body))
        else:
            expected, found = (404, b"the parent offers no manifest\n"), (status, body)
        if found != expected or headers["Cache-Control"] != "no-store":
            sys.exit(f"found {found}, expected {expected}")
        if (status := get(address, "?nonce=00")[0]) != 200:
            sys.exit(f"a document: {status}")
        try:
            if (status := request(address, "POST", TARGET, "{}")[0]) != 405:
                sys.exit(f"POST: {status}")
        except http.client.HTTPException as failure:
            sys.exit(f"POST: {failure}")
        # Numbers are told ten seconds apart at most, and some of these were told at once.
        time.sleep(11)
        return f"{found[0]} as expected"


if __name__ == "__main__":
    main()
