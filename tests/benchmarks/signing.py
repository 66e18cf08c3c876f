"""What a DKIM signature costs: ours from a frozen message, and dkimpy's from a whole one.

    python -m tests.benchmarks.signing [--times 500] [--json]

One message of about 20 kB, filled in and signed again and again in one process; the best of five
rounds, in microseconds for each mail, and how many times faster than dkimpy, whose Ed25519 needs a
package of its own and is left out.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import timeit
from datetime import UTC, datetime
from typing import Any

import dkim
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from subscribers.mailings.models import MailingKind
from subscribers.mailings.writing.headers import of_a_list
from subscribers.mailings.writing.keys import Key, new_key
from subscribers.mailings.writing.messages import Letter, Prepared, Slot, freeze
from subscribers.mailings.writing.signing import Signed

VALUES = {
    slot: value.encode()
    for slot, value in {
        Slot.TO: "reader@news.example",
        Slot.MESSAGE_ID: "0123456789abcdef@press.example",
        Slot.UNSUBSCRIBE: "T" * 56,
        Slot.PREFERENCES: "P" * 56,
        Slot.LEAVE_BY_MAIL: "u+12.0123456789abcdef@bounce.press.example",
        Slot.RETURN: "b+12.0123456789abcdef@bounce.press.example",
    }.items()
}


def message() -> bytes:
    return freeze(
        Letter(
            from_name="Centret för demokrati",
            from_address="press@press.example",
            subject="Drygt 10,6 miljoner kronor till demokratisamarbete",
            text="Hej på dig, det är dags. " * 200 + Slot.UNSUBSCRIBE,
            html="<p>Hej på dig, det är dags. " * 300 + Slot.PREFERENCES,
            language="sv",
            at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
            headers=of_a_list(
                topic="press-releases",
                key="release:1:r1:sv",
                kind=MailingKind.RELEASE,
                language="sv",
                domain="press.example",
                base_url="https://press.example",
                reports=True,
            ),
        )
    )


def key(kind: str) -> Key:
    private: Any = load_pem_private_key(new_key(kind), password=None)
    return Key("press.example", kind, private)


def microseconds(step: Any, times: int) -> float:
    return min(timeit.repeat(step, number=times, repeat=5)) / times * 1e6


def measure(times: int) -> dict[str, float]:
    frozen, rsa, short = message(), key("rsa"), key("ed25519")
    filled = re.sub(rb"(?m)^\.\.", b".", Prepared(frozen).fill(VALUES))
    pem = rsa.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    makers = {
        "filled, not signed": Prepared(frozen),
        "RSA-2048": Signed(frozen, [rsa]),
        "Ed25519": Signed(frozen, [short]),
        "both": Signed(frozen, [rsa, short]),
    }
    found = {
        name: microseconds(lambda maker=maker: maker.fill(VALUES), times)
        for name, maker in makers.items()
    }
    digest = bytes(32)
    found["RSA-2048, the signature alone"] = microseconds(lambda: rsa.sign(digest), times)
    found["dkimpy, RSA-2048"] = microseconds(
        lambda: dkim.sign(
            filled, b"rsa", b"press.example", pem, canonicalize=(b"relaxed", b"relaxed")
        ),
        max(times // 25, 4),
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.times)
    if given.json:
        json.dump(found, sys.stdout, indent=2)
        return
    theirs = found["dkimpy, RSA-2048"]
    for name, cost in found.items():
        print(f"{name:32} {cost:10.1f} µs {theirs / cost:8.1f}×")


if __name__ == "__main__":
    main()
