"""Counts of attempts, shared by every process of one machine: a small SQLite file in PRESSRUM_VAR.

Flask-Limiter counts here how often an address of the net has guessed a password or tried a link.
Counting in memory, each web process would allow it all over again. Whose attempts they are stands
in the file as a keyed hash only, until its window ends. The file may be removed at any time.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from limits.storage import Storage

SCHEME = "counts"
TABLE = """\
CREATE TABLE IF NOT EXISTS attempts
    (key BLOB PRIMARY KEY, number INTEGER NOT NULL, ends REAL NOT NULL) WITHOUT ROWID"""
INDEX = "CREATE INDEX IF NOT EXISTS attempts_by_end ON attempts (ends)"


def address_of(path: Path) -> str:
    """The file as Flask-Limiter wants to hear of it."""
    return f"{SCHEME}://{quote(str(path))}"


class Counts(Storage):
    """What a fixed window asks of its storage. Seconds are those of the machine's clock."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the registry's own way

    def __init__(self, uri: str, wrap_exceptions: bool = False, *, secret: str = "") -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self.path = Path(unquote(urlsplit(uri).path))
        self.secret = hashlib.sha256(secret.encode()).digest()

    @property
    def base_exceptions(self) -> type[Exception]:
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more attempts in the window that is open, else in a new one: the sum."""
        name, now = self._name(key), time.time()
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            file.execute("DELETE FROM attempts WHERE ends <= ?", (now,))
            file.execute(
                "INSERT INTO attempts VALUES (?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET number = number + excluded.number",
                (name, amount, now + expiry),
            )
            found = file.execute("SELECT number FROM attempts WHERE key = ?", (name,)).fetchone()
            file.execute("COMMIT")
        return int(found[0])

    def get(self, key: str) -> int:
        """How many attempts the open window has seen."""
        return int((self._found(key) or (0, 0))[0])

    def get_expiry(self, key: str) -> float:
        """When the open window ends; now, when none is open."""
        return float((self._found(key) or (0, time.time()))[1])

    def check(self) -> bool:
        """Whether the file can be read."""
        self._found("")
        return True

    def reset(self) -> int:
        """Forget everything: how many counts there were."""
        with self._open() as file:
            return file.execute("DELETE FROM attempts").rowcount

    def clear(self, key: str) -> None:
        """Forget one count."""
        with self._open() as file:
            file.execute("DELETE FROM attempts WHERE key = ?", (self._name(key),))

    def _name(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode(), key=self.secret, digest_size=16).digest()

    def _found(self, key: str) -> tuple[int, float] | None:
        asked = "SELECT number, ends FROM attempts WHERE key = ? AND ends > ?"
        with self._open() as file:
            found: tuple[int, float] | None = file.execute(
                asked, (self._name(key), time.time())
            ).fetchone()
        return found

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The file, opened for one question: nothing to share, and nothing left to close."""
        with closing(sqlite3.connect(self.path, timeout=5, isolation_level=None)) as file:
            file.execute(TABLE)
            file.execute(INDEX)
            yield file
