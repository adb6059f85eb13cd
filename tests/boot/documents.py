#!/usr/bin/env python3
"""Plays those who ask an enclave for documents, at the port that is published first.

    documents.py LOG MEASUREMENTS.json KEY COMMAND..    KEY: the bound digest, in hex

The signature is not looked at: QEMU's module signs nothing.
"""

import base64
import concurrent.futures
import http.client
import json
import os
import socket
import sys
import time

from compare_registers import differences, whole
from ingress import PATIENCE, expect_echo, running, wait_until_served

TARGET = "/.well-known/enclair/attestation"


def request(address, method, target, body=None):
    """Status, headers and body of the answer."""
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    connection.request(method, target, body)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def get(address, query):
    return request(address, "GET", TARGET + query)


def expect_document(document, nonce, expected):
    """The document has these registers, the nonce, and the agent's own `user_data` alone."""
    _, _, payload, _ = whole(document)
    payload = whole(payload)
    user_data, payload["user_data"] = payload["user_data"], None
    if user_data != expected["user_data"]:
        raise AssertionError(f"user_data {user_data!r}")
    if found := list(differences(payload, expected["registers"], nonce)):
        raise AssertionError("\n".join(found))


def expect_own(address, expected):
    """A document with a nonce of ours, asked for again while too many are asked for."""
    nonce = os.urandom(20)
    put_off = 0
    while True:
        status, headers, document = get(address, f"?nonce={nonce.hex()}")
        if status == 429:
            put_off += 1
            time.sleep(float(headers["Retry-After"]))
            continue
        if status != 200 or headers["Cache-Control"] != "no-store":
            raise AssertionError(f"{status} {headers}")
        expect_document(document, nonce, expected)
        return put_off


def clients(attestation, served, expected):
    expect_own(attestation, expected)
    print("= a document: PCR0 to PCR2 as built, our nonce, the application's key")
    nonce = os.urandom(32)
    body = json.dumps({"nonce": base64.b64encode(nonce).decode()})
    status, _, answer = request(attestation, "POST", "/attestation", body)
    document = base64.b64decode(json.loads(answer)["attestation_document"])
    expect_document(document, nonce, expected)
    for query, found in {
        "": 400,
        "?nonce=": 400,
        "?nonce=" + "00" * 65: 400,
        "?nonce=00&nonce=00": 400,
        "?nonce=00&public_key=00": 400,
        "?user_data=00": 400,
        "?nonce=" + "0" * 9000: 431,
    }.items():
        status, _, _ = get(attestation, query)
        if status != found:
            raise AssertionError(f"{query:.40}: {status}")
    print("= nothing but a nonce is taken")
    silent = [socket.create_connection(attestation, PATIENCE) for _ in range(100)]
    for client in silent:
        client.sendall(b"GET / HT")
    expect_own(attestation, expected)
    expect_echo(served, 1 << 20)
    print("= beside 100 that never finish their request")
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(expect_own, attestation, expected) for _ in range(1000)]
        put_off = sum(one.result() for one in asked)
    took = time.monotonic() - begin
    print(f"= 1000 documents, 100 at a time, in {took:.1f} s; put off {put_off} times")
    for client in silent:
        client.close()


def main():
    log, measurements, key, *command = sys.argv[1:]
    with open(measurements, encoding="utf-8") as file:
        registers = json.load(file)["Measurements"]
    user_data = b"enclair/1\0\1" + bytes.fromhex(key)
    expected = {"registers": registers, "user_data": user_data}
    with running(log, command) as (_process, (attestation, served)):
        wait_until_served(served)
        clients(attestation, served, expected)


if __name__ == "__main__":
    main()
