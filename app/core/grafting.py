"""A file with a few bytes more at one place, as a file: words put into a picture as it is sent.

Pure. The picture on the shelf never changes, and what is said of it may.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import BinaryIO

from app.core.pieces import Pieces


@dataclass(frozen=True)
class Graft:
    """`more` is put in before the byte `at` of the file."""

    at: int
    more: bytes

    @property
    def tag(self) -> str:
        return hashlib.sha256(self.more).hexdigest()[:16]


def grafted(file: BinaryIO, graft: Graft) -> BinaryIO:
    """Reads and seeks as the file would that had these bytes; closes `file` when it is closed."""
    return io.BufferedReader(_Grafted(file, graft), 64 * 1024)


class _Grafted(Pieces):
    def __init__(self, file: BinaryIO, graft: Graft) -> None:
        super().__init__(file.seek(0, io.SEEK_END) + len(graft.more))
        self.file, self.graft = file, graft

    def piece(self, most: int) -> bytes:
        start, end = self.graft.at, self.graft.at + len(self.graft.more)
        if start <= self.at < end:
            return self.graft.more[self.at - start :][:most]
        before = self.at < start
        self.file.seek(self.at if before else self.at - len(self.graft.more))
        return self.file.read(min(most, start - self.at) if before else most)

    def close(self) -> None:
        self.file.close()
        super().close()
