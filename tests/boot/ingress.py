#!/usr/bin/env python3
"""Plays the clients of an enclave that says everything back on the port that is published first.

  ingress.py LOG COMMAND..          runs COMMAND and its clients; what it says goes to LOG as well
  ingress.py --measure LOG COMMAND..  the same with measurements alone, as one line of JSON
  ingress.py --load LOG COMMAND..   the same with as much as is allowed, and much at once
  ingress.py --taken COMMAND..      runs COMMAND with `-p` at an address that is taken
"""

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

PATIENCE = 60


def exchange(address, data):
    """Sends all of `data` and says no more; gives what comes back until its end."""
    with socket.create_connection(address, PATIENCE) as client:
        client.settimeout(PATIENCE)

        def send():
            # A client that is reset hears too little, which is what fails.
            with contextlib.suppress(OSError):
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        received = bytearray()
        while piece := client.recv(1 << 16):
            received += piece
        sender.join()
        return bytes(received)


def expect_echo(address, size):
    data = os.urandom(size)
    found = exchange(address, data)
    if hashlib.sha256(found).digest() != hashlib.sha256(data).digest():
        raise AssertionError(f"{len(found)} bytes came back of {size}, or others")


def in_parallel(count, task):
    """Calls `task` in `count` threads at once; the first failure is the caller's."""
    failures = []

    def run():
        try:
            task()
        except Exception as failure:  # whatever it is, it is told below
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise AssertionError(f"{len(failures)} of {count} failed, first: {failures[0]!r}")


def expect_closed(address):
    """Nobody is behind the port: the connection is reset."""
    with socket.create_connection(address, PATIENCE) as client:
        client.settimeout(PATIENCE)
        try:
            found = client.recv(1)
        except ConnectionResetError:
            return
        raise AssertionError(f"a port that nobody serves said {found!r}")


def ticks(process):
    """CPU time of a process in ticks of the kernel's clock."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def measure_round_trips(address, count):
    """Times of 64 bytes there and back on one connection, in milliseconds, sorted."""
    times = []
    with socket.create_connection(address, PATIENCE) as client:
        client.settimeout(PATIENCE)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            begin = time.perf_counter()
            client.sendall(bytes(64))
            left = 64
            while left:
                left -= len(client.recv(left))
            times.append((time.perf_counter() - begin) * 1000)
    return sorted(times)


def wait_until_served(address):
    """An agent opens its port a moment after the application has opened its own."""
    end = time.monotonic() + 10
    while True:
        try:
            return expect_echo(address, 1)
        except (AssertionError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def measure(_process, served):
    """Bytes a second there and back, the best of three, and round trips."""
    size = 64 << 20
    seconds = []
    for _ in range(3):
        begin = time.monotonic()
        expect_echo(served, size)
        seconds.append(time.monotonic() - begin)
    trips = measure_round_trips(served, 4000)
    print(
        json.dumps(
            {
                "mib_per_s": round(64 / min(seconds), 1),
                "median_ms": round(trips[len(trips) // 2], 3),
                "p99_ms": round(trips[len(trips) * 99 // 100], 3),
            }
        )
    )


def hold(address, count):
    """That many connections at once, each of which says something and hears it."""
    held = [socket.create_connection(address, PATIENCE) for _ in range(count)]
    for number, client in enumerate(held):
        client.settimeout(PATIENCE)
        client.sendall(number.to_bytes(4, "big"))
    for number, client in enumerate(held):
        found = b""
        while len(found) < 4:
            piece = client.recv(4 - len(found))
            if not piece:
                raise AssertionError(f"connection {number} of {count} ended")
            found += piece
        if found != number.to_bytes(4, "big"):
            raise AssertionError(f"connection {number} heard {found!r}")
    return held


def load(_process, served):
    """All connections that there may be, and a lot of each kind."""
    global PATIENCE  # of the whole of a transfer, of which 200 share one emulated CPU
    PATIENCE = 600

    def short():
        for _ in range(500):
            expect_echo(served, 1)

    begin = time.monotonic()
    in_parallel(20, short)
    print(f"= 10000 short connections, 20 at a time, in {time.monotonic() - begin:.1f} s")
    held = hold(served, 1000)
    expect_echo(served, 1 << 20)
    print("= 1000 connections at once, all heard, and one beside them")
    for client in held:
        client.close()
    begin = time.monotonic()
    in_parallel(200, lambda: expect_echo(served, 10_000_000))
    print(f"= 200 at once, 10 MB each way, digests equal, in {time.monotonic() - begin:.1f} s")


def clients(process, served, unserved):
    expect_echo(served, 100)
    print("= a connection of 100 bytes")
    expect_closed(unserved)
    print("= a port that nobody serves")
    begin = time.monotonic()
    expect_echo(served, 32 << 20)
    print(f"= 32 MiB there and back in {time.monotonic() - begin:.1f} s")
    in_parallel(100, lambda: expect_echo(served, 1 << 20))
    print("= 100 connections at once, 1 MiB each, there and back")
    for _ in range(1000):
        expect_echo(served, 1)
    print("= 1000 connections one after the other")
    # Clients that say nothing, and clients that go without a word.
    idle = [socket.create_connection(served, PATIENCE) for _ in range(200)]
    expect_echo(served, 1 << 20)
    before = ticks(process)
    time.sleep(5)
    if (spent := ticks(process) - before) > 1:
        raise AssertionError(f"{spent} ticks of CPU in 5 seconds in which nothing happened")
    for client in idle:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    expect_echo(served, 1 << 20)
    print("= beside 200 that are idle and cost nothing, and after they have broken off")
    times = measure_round_trips(served, 2000)
    median, most = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"= 64 bytes there and back: median {median:.2f} ms, 99 % within {most:.2f} ms")


@contextlib.contextmanager
def running(log, command, sign=rb"<probe serves", report=None):
    """Runs the command while the body runs; gives it and the addresses that it publishes, once it
    has said `sign`. It is ended by a signal, and says so by its status. Its stdout goes to the file
    `report`."""
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, stdout=report
    )
    addresses, said = [], threading.Event()

    def read():
        with open(log, "wb") as file:
            for line in process.stderr:
                file.write(line)
                file.flush()
                if found := re.match(rb"([0-9.]+):([0-9]+) is passed on to", line):
                    addresses.append((found[1].decode(), int(found[2])))
                if re.search(sign, line):
                    said.set()
        said.set()

    threading.Thread(target=read, daemon=True).start()
    if not said.wait(PATIENCE) or process.poll() is not None:
        process.kill()
        sys.exit(f"never said: {sign.decode()}")
    try:
        yield process, addresses
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(PATIENCE)
    if status != 128 + signal.SIGTERM:
        sys.exit(f"status {status}")


def main():
    log, *command = sys.argv[1:]
    if log == "--taken":
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            program, run, *rest = command
            with_port = [program, run, "-p", f"{port}:80", *rest]
            result = subprocess.run(with_port, stderr=subprocess.PIPE, text=True, check=False)
        print(result.stderr)
        sys.exit(result.returncode)
    work = clients
    if log in ("--measure", "--load"):
        work = measure if log == "--measure" else load
        log, *command = command
    with running(log, command) as (process, addresses):
        wait_until_served(addresses[0])
        work(process, *addresses)


if __name__ == "__main__":
    main()
