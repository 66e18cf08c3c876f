"""A file with a few bytes more at one place, as a file: words put into a picture as it is sent.

Pure. The picture on the shelf never changes, and what is said of it may.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any, BinaryIO


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


class _Grafted(io.RawIOBase):
    def __init__(self, file: BinaryIO, graft: Graft) -> None:
        self.file, self.graft, self.at = file, graft, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            offset += self.file.seek(0, io.SEEK_END) + len(self.graft.more)
        self.at = offset + (self.at if whence == io.SEEK_CUR else 0)
        return self.at

    def readinto(self, buffer: Any) -> int:
        start, end = self.graft.at, self.graft.at + len(self.graft.more)
        if start <= self.at < end:
            piece = self.graft.more[self.at - start :][: len(buffer)]
        else:
            before = self.at < start
            self.file.seek(self.at if before else self.at - len(self.graft.more))
            piece = self.file.read(min(len(buffer), start - self.at) if before else len(buffer))
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)

    def close(self) -> None:
        self.file.close()
        super().close()
