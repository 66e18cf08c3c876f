"""A file that is read piece by piece from wherever one is, though it stands nowhere as one."""

from __future__ import annotations

import io
from typing import Any


class Pieces(io.RawIOBase):
    """`size` bytes long and read from `at`. Who derives from it gives the bytes from there on."""

    def __init__(self, size: int) -> None:
        self.size, self.at = size, 0

    def piece(self, most: int) -> Any:
        """At least one and at most so many bytes from `at` on; that many are there."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        self.at = max(0, start + offset)
        return self.at

    def readinto(self, buffer: Any) -> int:
        most = min(len(buffer), self.size - self.at)
        if most <= 0:
            return 0
        piece = memoryview(self.piece(most))
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)
