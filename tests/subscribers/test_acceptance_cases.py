"""What the mailing list has to stand, by number: each case has a test that bears it.

A test is named `test_case_NN_…`, or `test_cases_NN_and_MM_…` for two at once.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
CASES = {
    1: "The sign-up page answers everybody alike, in words, length and time",
    2: "Signing up again makes no row, and at most one mail a day",
    3: "Capitals make no new subscriber; a +tag does, but no new limit",
    4: "Letters beyond ASCII: the domain as DNS has it, the rest only by SMTPUTF8",
    5: "What could get into a header is refused",
    6: "One address gets at most three confirmations a day, from wherever it is asked",
    7: "One network is limited, and whoever fills the trap gets the same page",
    8: "Who complained may come back by themselves; nobody else may bring them",
    9: "Two requests at once make one pending row",
    10: "Looking at the confirmation link, however often, confirms nothing",
    11: "The button confirms, once, and what was agreed to is kept",
    12: "An old link offers a new one; of two links either works, once",
    13: "A token for something else, or with a letter changed, leads nowhere",
    14: "A confirmation is an automatic mail and no list mail",
    15: "The one-click POST ends at once, without cookie, token or redirect",
    16: "It answers the same again, after erasure, for old mailings and old keys",
    17: "Looking at that address ends nothing, nor does any other body",
    18: "Forged tokens have no effect, and guessing is limited without harm to mailbox providers",
    19: "A mail with a valid mark ends; a sender's name alone is not believed",
    20: "Who leaves between claim and dot gets at most the mail in the open",
    21: "Leaving one topic leaves the other; one copy for both; leaving all is all",
    22: "Behind a forwarded link there is a masked address and nothing to take",
    23: "No such user at RCPT: failed, suppressed, and the next goes out",
    24: "The same from a report that came later, and once however often it comes",
    25: "A report with a wrong mark, or about somebody else, moves nothing",
    26: "Soft, policy and delayed reports each count as what they are",
    27: "Five soft points over time end it; a clean mail in between clears them",
    28: "An answering machine is no event",
    29: "A report of any shape is kept and crashes nothing",
    30: "A kill between reading and storing leaves the message, and one event",
    31: "A domain that refuses most of its addresses is held, not suppressed",
    32: "A complaint ends everything for the right person, silently",
    33: "What is no complaint has no effect; a forged notice neither; a repeated one once",
    34: "Too many complaints stop the mailing with what is left still queued",
    35: "An import brings nobody back, and says whom it left out and why",
    36: "No import without a stated basis; a million rows in little memory, resumable",
    37: "Files as they come: marks, semicolons, old letters, quoted lines, bad rows by number",
    38: "No cell becomes a formula; no storm of confirmations",
    39: "Erased, an address stands nowhere, and totals stay",
    40: "Who was erased is not imported again, but may come back as somebody new",
    41: "Asking for one's data gives the same page to all, and a link to whom it concerns",
    42: "Suppressions hold after the key was changed",
    43: "Killed at random a hundred times, nothing is missing and little is repeated",
    44: "Two machines, one lost; the queue emptied: all is sent",
    45: "Closed after the dot: settled as the mailing says",
    46: "A slow answer, a 421, a relay away for hours: one copy, nothing lost",
    47: "Claims keep to their index; two workers with different clocks claim nothing twice",
    48: "Paused and resumed, the rest get the frozen words; a correction goes to who had them",
    49: "Called off, little more goes out and the figures add up",
    50: "Found too late it waits for a person; on nights when clocks change it is on time",
    51: "A correction and a confirmation overtake half a million",
    52: "One provider's limit holds over all workers and slows nobody else",
    53: "A million recipients: flat memory, a quick first mail, quick claims, quick pages",
    54: "Each list mail is complete, signed, and reads as its preview",
    55: "A certificate that nobody vouches for is refused; never in plain text by itself",
    56: "A digest is made up once for its period, of what still stands",
    57: "Trying a mail out touches nothing",
    58: "Told to stop, or unable to write, a worker leaves no mail in doubt",
}
NAMED = re.compile(r"test_cases?_(\d{1,2}(?:_and_\d{1,2})*)_")


@cache
def by_number() -> dict[int, list[str]]:
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (named := NAMED.match(node.name)):
                for number in re.findall(r"\d+", named[1]):
                    found[int(number)].append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


@pytest.mark.parametrize("number", CASES)
def test_every_case_has_a_test_that_bears_its_number(number: int) -> None:
    assert by_number()[number], CASES[number]


def test_no_test_bears_a_number_that_there_is_not() -> None:
    assert set(by_number()) <= set(CASES)


def test_the_cases_are_all_there() -> None:
    assert list(CASES) == list(range(1, 59))
