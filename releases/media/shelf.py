"""Where the files of pictures and documents lie: a folder for each key, under VAR/media.

A folder is written under another name, forced to the disk and then renamed, so that it is there
whole or not at all. The row comes after it; a folder that never got one is swept away a day later.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from flask import current_app

SHELVES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def new_key() -> str:
    """A name that nobody guesses: 32 random bytes."""
    return secrets.token_urlsafe(32)


def put(key: str, files: Mapping[str, bytes]) -> None:
    """Write all files of a key, to be there after a power cut."""
    folder = folder_of(key)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{key}")
    draft.mkdir()
    for name, content in files.items():
        with (draft / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync(draft)
    draft.rename(folder)
    _sync(folder.parent)


def folder_of(key: str) -> Path:
    """The folder of a key that stands in a row; never of one from an address."""
    return _root() / key[:2] / key


def older_than(moment: datetime, *, shelf: str) -> Iterator[str]:
    """The keys on one of SHELVES whose folder was last written before `moment`."""
    for group in sorted(_root().glob(f"{shelf}?")):
        for folder in sorted(group.iterdir()):
            if folder.stat().st_mtime < moment.timestamp():
                yield folder.name.removeprefix(".")


def sweep_away(key: str) -> None:
    """Remove what a key has left behind, begun or whole."""
    folder = folder_of(key)
    for left in (folder, folder.with_name(f".{key}")):
        shutil.rmtree(left, ignore_errors=True)


def _root() -> Path:
    return Path(current_app.config["VAR"]) / "media"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
