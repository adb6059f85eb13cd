#!/usr/bin/env python3
"""Plays clients, and a parent, that mean no good or have no time, against an enclave of the checks.

    hard.py mute|slow|suspend|garbage|flood LOG COMMAND..

The port that is published last is an echo behind the agent; before it comes that of attestation.
"""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from compare_registers import whole
from documents import TARGET, get
from ingress import PATIENCE, expect_echo, hold, running, ticks, wait_until_served
from watched import resident

# Streams that the probe opens in a flood, of which the command keeps at most 128 KiB each.
STREAMS = 500
# What is kept for a slow client is bounded, so is what hundreds of them cost the host: MiB in KiB.
FLAT = 16 * 1024


def own_memory(process):
    """KiB of the command itself: it maps the guest's memory, too, and touches more of it with time."""
    return resident(process.pid, "RssAnon")


def grown(process, before, allowed=FLAT):
    """By how many KiB the command has grown, which must not be more than allowed."""
    more = own_memory(process) - before
    if more > allowed:
        raise AssertionError(f"the command has grown by {more} KiB")
    return more


def document(address):
    """A fresh document: its time, in milliseconds."""
    nonce = os.urandom(16)
    status, _, answer = get(address, f"?nonce={nonce.hex()}")
    if status != 200:
        raise AssertionError(f"{status} instead of a document")
    payload = whole(whole(answer)[2])
    if payload["nonce"] != nonce:
        raise AssertionError("a document with another nonce")
    return payload["timestamp"]


def seconds_to_the_end(client, trickle=b""):
    """How long the other side keeps a client that never finishes; it may send a byte a second."""
    begin = time.monotonic()
    client.settimeout(1)
    while time.monotonic() - begin < 40:
        try:
            if trickle:
                client.sendall(trickle)
            if not client.recv(4096):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - begin


def mute(_process, served):
    expect_echo(served, 1 << 20)
    time.sleep(3)
    expect_echo(served, 1 << 20)
    print("= one that has closed its output goes on to serve")


def slow_attestation(attestation, served):
    """All places are taken by clients that never finish, and are free again after 10 seconds."""
    lonely = [socket.create_connection(attestation, PATIENCE) for _ in range(3)]
    lonely[1].sendall(b"GET " + TARGET.encode() + b"?nonce=00 HTTP/1.1\r\n")
    lonely[2].sendall(b"POST /attestation HTTP/1.1\r\nContent-Length: 100\r\n\r\n")
    times = [0.0] * 3

    def wait(number, trickle):
        times[number] = seconds_to_the_end(lonely[number], trickle)

    threads = [
        threading.Thread(target=wait, args=(number, trickle))
        for number, trickle in enumerate([b"", b"A: b\r\n", b"x"])
    ]
    for thread in threads:
        thread.start()
    document(attestation)
    expect_echo(served, 1 << 16)
    for thread in threads:
        thread.join()
    if not all(9 <= took <= 14 for took in times):
        raise AssertionError(f"10 seconds took {times}")
    kinds = ("silent", "a header a second", "a byte of the body a second")
    print("= kept: " + ", ".join(f"{k} {t:.1f} s" for k, t in zip(kinds, times, strict=True)))
    crowd = [socket.create_connection(attestation, PATIENCE) for _ in range(300)]
    for client in crowd:
        client.sendall(b"GET / HT")
    begin = time.monotonic()
    document(attestation)
    took = time.monotonic() - begin
    # 128 places, 300 before us: two rounds of 10 seconds, and then there is room.
    if not 15 <= took <= 30:
        raise AssertionError(f"a document behind 300 silent clients after {took:.1f} s")
    expect_echo(served, 1 << 16)
    print(f"= behind 300 silent ones at 128 places: a document after {took:.1f} s")
    for client in crowd:
        client.close()


def slow_ingress(process, served):
    """300 clients: a third says nothing, a third a byte a second, a third sends and never reads."""
    before, slowest = own_memory(process), 0.0
    clients = [socket.create_connection(served, PATIENCE) for _ in range(300)]
    for client in clients[2::3]:
        client.setblocking(False)
        # As much as every buffer on the way there and back holds would be a test of the emulator.
        with contextlib.suppress(BlockingIOError):
            client.send(bytes(256 << 10))
    for _ in range(5):
        for client in clients[1::3]:
            client.sendall(b"x")
        begin = time.monotonic()
        expect_echo(served, 1 << 16)
        slowest = max(slowest, time.monotonic() - begin)
        time.sleep(1)
    if slowest > 30:
        raise AssertionError(f"64 KiB beside slow clients took {slowest:.1f} s")
    # Those that do not read hold 128 KiB each at most on each way.
    more = grown(process, before, 100 * 256 + FLAT)
    for client in clients[1::3]:
        client.settimeout(PATIENCE)
        if client.recv(5, socket.MSG_WAITALL) != b"xxxxx":
            raise AssertionError("a slow client lost bytes")
    for client in clients:
        client.close()
    expect_echo(served, 1 << 16)
    print(
        f"= 300 slow ones at a port of ingress: 64 KiB for others in {slowest:.1f} s"
        f" at most; {more} KiB more outside"
    )


def crowded_ingress(served):
    """1024 connections are served; one more waits, and is served when one of them ends."""
    held = hold(served, 1024)
    with socket.create_connection(served, PATIENCE) as late:
        late.sendall(b"late")
        late.settimeout(3)
        with contextlib.suppress(TimeoutError):
            raise AssertionError(f"number 1025 heard {late.recv(4)!r}")
        held.pop().close()
        late.settimeout(PATIENCE)
        if late.recv(4, socket.MSG_WAITALL) != b"late":
            raise AssertionError("number 1025 was not served when there was room")
    for client in held:
        client.close()
    print("= 1024 at once; number 1025 waits until one of them ends")


def slow(process, attestation, served):
    slow_attestation(attestation, served)
    slow_ingress(process, served)
    crowded_ingress(served)


def children(process):
    """The process ids of what the command has started."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], stdout=subprocess.PIPE, check=True
    )
    return [int(word) for word in found.stdout.split()]


def stopped(pids, seconds):
    """Stops processes for so long."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def queues(port):
    """What the kernel holds of connections at a port: lines of address, peer, state, queues."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        lines = [line.split()[1:5] for line in table]
    return [" ".join(line) for line in lines if f":{port:04X}" in line[0] + line[1]]


def suspend(process, attestation, served):
    machine = children(process)
    if not machine:
        raise AssertionError("the command has started nothing")
    for name, pids in {
        "machine": machine,
        "command": [process.pid],
        "both": [process.pid, *machine],
    }.items():
        before, begin = document(attestation), time.monotonic()
        held = hold(served, 50)
        failures = []

        def transfer(failures=failures):
            try:
                expect_echo(served, 16 << 20)
            except (AssertionError, OSError) as failure:
                failures.append((failure, queues(served[1])))

        transfers = [threading.Thread(target=transfer) for _ in range(3)]
        for thread in transfers:
            thread.start()
        time.sleep(0.3)
        stopped(pids, 6)
        for thread in transfers:
            thread.join()
        if failures:
            raise AssertionError(f"{name}: {failures}")
        for client in held:
            client.sendall(b"again")
        for client in held:
            if client.recv(5, socket.MSG_WAITALL) != b"again":
                raise AssertionError(f"{name}: a held connection is gone")
            client.close()
        after = document(attestation)
        if after <= before:
            raise AssertionError(f"{name}: a document of {after} after one of {before}")
        real = time.monotonic() - begin
        print(
            f"= {name} stopped for 6 s: 50 held and 3 busy connections go on;"
            f" {real:.1f} s here, {(after - before) / 1000:.1f} s in documents"
        )


SEEDS = (
    b"GET /.well-known/enclair/attestation?nonce=00ff HTTP/1.1\r\nHost: x\r\n\r\n",
    b'POST /attestation HTTP/1.1\r\nContent-Length: 16\r\n\r\n{"nonce":"AP8="}',
    b"POST /attestation HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    b"PUT /binding HTTP/1.1\r\nContent-Length: 8192\r\n\r\n" + b"[" * 8192,
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 64 + b"\r\n",
)


def garbage_bytes(random_bytes):
    """Random bytes, or a request that was changed in places, cut or repeated."""
    if random_bytes.random() < 0.3:
        return random_bytes.randbytes(random_bytes.randrange(1, 20_000))
    data = bytearray(random_bytes.choice(SEEDS))
    for _ in range(random_bytes.randrange(1, 8)):
        place = random_bytes.randrange(len(data))
        match random_bytes.randrange(4):
            case 0:
                data[place] = random_bytes.randrange(256)
            case 1:
                del data[place : place + random_bytes.randrange(1, 40)]
            case 2:
                data[place:place] = random_bytes.randbytes(random_bytes.randrange(1, 40))
            case _:
                data[place:place] = data[place:] * random_bytes.randrange(1, 4)
        if not data:
            return b"\0"
    return bytes(data[:40_000])


def say(address, data, reset):
    """Sends, hears something perhaps, and goes: by an end or by a reset."""
    with contextlib.suppress(OSError), socket.create_connection(address, PATIENCE) as client:
        client.settimeout(0.2 if reset else 2)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(data)
        if not reset:
            client.shutdown(socket.SHUT_WR)
        while client.recv(1 << 16):
            pass


def agent(log):
    """Process id and KiB of the agent, as the guest has said them last."""
    with open(log, "rb") as file:
        return tuple(map(int, re.findall(rb"<agent ([0-9]+) ([0-9]+)>", file.read())[-1]))


def rounds(addresses, seed, count):
    """Garbage at every address, from several clients at once, the same for the same seed."""

    def client(number):
        random_bytes = random.Random(seed * 1000 + number)
        for _ in range(count):
            address = random_bytes.choice(addresses)
            say(address, garbage_bytes(random_bytes), random_bytes.random() < 0.3)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def garbage_at(address, count, seed, log):
    """Rounds of 1500 times garbage, the first of which may leave the agent with more than it had."""
    seen = []
    for number in range(count):
        rounds([address], seed + number, 75)
        time.sleep(2)
        seen.append(agent(log))
        print(f"=   1500 times garbage (seed {seed + number}): the agent has {seen[-1][1]} KiB")
    sizes = [size for _, size in seen]
    if len({pid for pid, _ in seen}) > 1:
        raise AssertionError(f"another agent: {seen}")
    if sizes[-1] - sizes[0] > 512 or sizes[-1] > 6 * 1024:
        raise AssertionError(f"the agent grows: {sizes}")


def garbage(process, attestation, served, log):
    seed = int(os.environ.get("SEED", "1"))
    garbage_at(attestation, 2, seed, log)
    before = own_memory(process)
    garbage_at(served, 8, seed, log)
    more = grown(process, before)
    # Requests that were never finished have their places for 10 seconds.
    time.sleep(11)
    document(attestation)
    expect_echo(served, 1 << 20)
    print(f"= 15000 times garbage: the command has {more} KiB more; documents and bytes as before")


def flood(process, served, log):
    begin, before = time.monotonic(), own_memory(process)
    most = slowest = 0
    found = []
    while len(found) < 3:
        one = time.monotonic()
        expect_echo(served, 1 << 14)
        slowest = max(slowest, time.monotonic() - one)
        most = max(most, grown(process, before, STREAMS * 128 + FLAT))
        if time.monotonic() - begin > 120:
            raise AssertionError("the flood has no end")
        with open(log, "rb") as file:
            found = re.findall(rb"<probe flooded (\S+) (\d+) (\d+)>", file.read())
        time.sleep(0.2)
    for ports, writes, size in found:
        print(f"= ports {ports.decode()} flooded: {int(writes)} writes, {int(size)} MiB taken")
    ticks_before = ticks(process)
    time.sleep(2)
    if (spent := ticks(process) - ticks_before) > 20:
        raise AssertionError(f"{spent} ticks in 2 seconds after the floods")
    print(f"=   meanwhile 16 KiB there and back in {slowest:.1f} s at most; {most} KiB more outside")


def main():
    name, log, *command = sys.argv[1:]
    # The command's own word: an application without output says nothing.
    with running(log, command, rb"^ready after") as (process, addresses):
        wait_until_served(addresses[-1])
        work = {"mute": mute, "slow": slow, "suspend": suspend}.get(name)
        if work:
            work(process, *addresses)
        else:
            {"garbage": garbage, "flood": flood}[name](process, *addresses, log)


if __name__ == "__main__":
    main()
