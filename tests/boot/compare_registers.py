#!/usr/bin/env python3
"""Compares an attestation document with what `enclair build` said of the image.

    compare_registers.py FACTS MEASUREMENTS.json NONCE    hex; ends with 1 and says what differs

FACTS has the line `nsm-response HEX`: what the NSM answered. The signature is not looked at: QEMU's
NSM signs nothing.
"""

import json
import sys

TAG_COSE_SIGN1 = 18


def item(data, at):
    """Reads one CBOR item (RFC 8949): the value and where the next one begins."""
    kind, short = data[at] >> 5, data[at] & 31
    at += 1
    if short == 31:
        raise ValueError("an item of unknown length")
    if short > 27:
        raise ValueError(f"additional information {short}")
    if short >= 24:
        size = 1 << (short - 24)
        number = int.from_bytes(data[at : at + size], "big")
        at += size
    else:
        number = short
    match kind:
        case 0:
            return number, at
        case 1:
            return -1 - number, at
        case 2 | 3:
            content = data[at : at + number]
            if len(content) != number:
                raise ValueError("the end is missing")
            return (content if kind == 2 else content.decode()), at + number
        case 4:
            values = []
            for _ in range(number):
                value, at = item(data, at)
                values.append(value)
            return values, at
        case 5:
            pairs = {}
            for _ in range(number):
                key, at = item(data, at)
                pairs[key], at = item(data, at)
            return pairs, at
        case 6:
            value, at = item(data, at)
            return (value if number == TAG_COSE_SIGN1 else (number, value)), at
        case _ if short in (20, 21, 22):
            return {20: False, 21: True, 22: None}[short], at
    raise ValueError(f"a simple value {short}")


def whole(data):
    """Reads the one item that the data is."""
    value, end = item(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes behind the item")
    return value


def differences(payload, registers, nonce):
    """What in the document is not as it should be."""
    if payload["digest"] != "SHA384":
        yield f"digest {payload['digest']}"
    if payload["nonce"] != nonce:
        yield f"nonce {payload['nonce'].hex() if payload['nonce'] else None}"
    for absent in ("user_data", "public_key"):
        if payload[absent] is not None:
            yield f"{absent} {payload[absent]!r}"
    for number in range(3):
        found = payload["pcrs"][number].hex()
        expected = registers[f"PCR{number}"]
        if found != expected:
            yield f"PCR{number} {found}, expected {expected}"


def main():
    """Prints the differences."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as lines:
        (response,) = [line.split()[1] for line in lines if line.startswith("nsm-response ")]
    with open(sys.argv[2], encoding="utf-8") as file:
        registers = json.load(file)["Measurements"]
    document = whole(bytes.fromhex(response))["Attestation"]["document"]
    _, _, payload, _ = whole(document)
    found = list(differences(whole(payload), registers, bytes.fromhex(sys.argv[3])))
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
