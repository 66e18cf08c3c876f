"""Where files lie: some under each key, in the place that the settings name.

A key's files come before its row. Those that never got a row are swept away a day later, so a
column that holds keys says so where it is declared: `info={"shelf": True}` (`known` reads it).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa
from flask import Response, current_app, request, send_file
from werkzeug.exceptions import ServiceUnavailable

from app.core.db import Base, db
from app.core.errors import NotFound
from app.core.grafting import Graft, grafted
from app.core.storage import Bucket, Content, Folder, Silent, Storage

SHELVES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def new_key() -> str:
    """A name that nobody guesses: 32 random bytes."""
    return secrets.token_urlsafe(32)


def put(key: str, files: Mapping[str, Content]) -> None:
    """Write files under a key, to be there after a power cut; more may come later.

    A new key has all of them or none. A name never gets other bytes. Raises storage.Silent.
    """
    _place().put(key, files)


def read(key: str, name: str) -> bytes:
    """A whole file. Raises FileNotFoundError, and storage.Silent."""
    opened = _place().open(key, name)
    with opened.file as file:
        return file.read()


def opened(key: str, name: str) -> BinaryIO:
    """A file to be read piece by piece and closed. Raises FileNotFoundError and storage.Silent."""
    return _place().open(key, name).file


def names(key: str) -> set[str]:
    """Of the files under a key; none for one that is not there. Raises storage.Silent."""
    return _place().names(key)


def send(
    key: str,
    name: str,
    *,
    mimetype: str,
    download_name: str | None = None,
    graft: Graft | None = None,
) -> Response:
    """A file as the answer to this request, in pieces: with its size, ETag and date, a part of it
    to those who ask for a part, 304 to those who have it. With `download_name` it is saved.

    How long it may be kept, and who may have it, is the view's to say. Raises NotFound.
    """
    try:
        opened = _place().open(key, name)
    except FileNotFoundError:  # a restored database without its files
        raise NotFound("no_such_file") from None
    except Silent as silent:
        current_app.logger.warning("the file storage does not answer: %s", silent)
        raise ServiceUnavailable(retry_after=30) from silent
    file, size, tag = opened.file, opened.size, opened.tag
    if graft is not None:
        file, size, tag = grafted(file, graft), size + len(graft.more), f"{tag}-{graft.tag}"
    response = send_file(
        file,
        mimetype=mimetype,
        as_attachment=download_name is not None,
        download_name=download_name,
        conditional=False,
        etag=tag,
        last_modified=opened.changed_at,
    )
    response.content_length = size
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except Exception:  # a part that it does not have
        file.close()
        raise
    return response


def older_than(moment: datetime, *, shelf: str) -> Iterator[str]:
    """The keys on one of SHELVES that were last written to before `moment`."""
    return _place().older_than(moment, shelf=shelf)


def known(keys: Iterable[str]) -> set[str]:
    """Those that stand in a row, whatever it is that has them."""
    wanted = list(keys)
    found: set[str] = set()
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if "shelf" in column.info:
                rows = db.session.scalars(sa.select(column).where(column.in_(wanted)))
                found.update(key for key in rows if key)
    return found


def sweep_away(key: str) -> None:
    """Remove what a key has left behind, begun or whole. Raises storage.Silent."""
    _place().sweep_away(key)


def _place() -> Storage:
    """Opened at the first use, in the process that uses it."""
    found: Storage | None = current_app.extensions.get("shelf")
    if found is None:
        config = current_app.config
        if config.get("STORAGE_URL"):
            found = Bucket(
                config["STORAGE_URL"],
                key_id=config["STORAGE_KEY_ID"],
                secret=config["STORAGE_SECRET"],
            )
        else:
            found = Folder(Path(config["VAR"]) / "media")
        current_app.extensions["shelf"] = found
    return found
