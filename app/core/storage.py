"""The two places where files may lie: a folder on this machine, or a bucket that speaks S3.

Both hold the same names, `AB/ABcd…/high.jpg`, so that copying one into the other moves an office.
The bucket is nobody's but ours: visitors get its files through us, who ask at each fetch whether
they may. Its package, obstore, is asked for only where a bucket is used.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qs, urlsplit

from app.core.pieces import Pieces

Content = bytes | mmap
FETCHED = 2 * 1024 * 1024  # of a file in a bucket at a time


class Silent(Exception):
    """The bucket does not answer, or does not let us in."""


@dataclass(frozen=True)
class Opened:
    """A file to be read and closed. `tag` is another one for other bytes."""

    file: BinaryIO
    size: int
    changed_at: datetime
    tag: str


class Storage(Protocol):
    """What the shelf asks of a place. Keys and names have been checked by whoever gives them."""

    def put(self, key: str, files: Mapping[str, Content]) -> None:
        """All files of a key, or more of them, to be there after a power cut."""

    def open(self, key: str, name: str) -> Opened:
        """Raises FileNotFoundError."""

    def names(self, key: str) -> set[str]:
        """Of the files that a key has; none for one that is not there."""

    def older_than(self, moment: datetime, *, shelf: str) -> Iterator[str]:
        """The keys that begin with `shelf` and were last written to before `moment`."""

    def sweep_away(self, key: str) -> None:
        """Remove what a key has left behind, begun or whole."""


class Folder:
    """Under VAR/media. What is written is forced to the disk under another name, then renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, files: Mapping[str, Content]) -> None:
        folder = self.folder_of(key)
        if folder.exists():
            self._add(folder, files)
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = folder.with_name(f".{key}")
        draft.mkdir()
        for name, content in files.items():
            _write(draft / name, content)
        _sync(draft)
        draft.rename(folder)
        _sync(folder.parent)

    def open(self, key: str, name: str) -> Opened:
        file = (self.folder_of(key) / name).open("rb")
        about = os.fstat(file.fileno())
        return Opened(
            file=file,
            size=about.st_size,
            changed_at=datetime.fromtimestamp(about.st_mtime, UTC),
            tag=f"{about.st_mtime_ns:x}-{about.st_size:x}",
        )

    def names(self, key: str) -> set[str]:
        folder = self.folder_of(key)
        if not folder.is_dir():
            return set()
        return {file.name for file in folder.iterdir() if not file.name.startswith(".")}

    def older_than(self, moment: datetime, *, shelf: str) -> Iterator[str]:
        for group in sorted(self.root.glob(f"{shelf}?")):
            for folder in sorted(group.iterdir()):
                if folder.stat().st_mtime < moment.timestamp():
                    yield folder.name.removeprefix(".")

    def sweep_away(self, key: str) -> None:
        folder = self.folder_of(key)
        for left in (folder, folder.with_name(f".{key}")):
            shutil.rmtree(left, ignore_errors=True)

    def folder_of(self, key: str) -> Path:
        return self.root / key[:2] / key

    def _add(self, folder: Path, files: Mapping[str, Content]) -> None:
        for name, content in files.items():
            draft = folder / f".{name}.{secrets.token_hex(4)}"
            _write(draft, content)
            draft.rename(folder / name)
        _sync(folder)


class Bucket:
    """At an address such as `s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-north-1`.

    Without a key it asks the machine for its own, as programs at such providers do.
    """

    def __init__(self, url: str, *, key_id: str = "", secret: str = "") -> None:
        from obstore.store import S3Store

        parts = urlsplit(url)
        said = {name: values[0] for name, values in parse_qs(parts.query).items()}
        endpoint = said.get("endpoint", "")
        options: dict[str, Any] = {"region": said.get("region", "us-east-1")}
        if endpoint:
            options["endpoint"] = endpoint
        if key_id:
            options |= {"access_key_id": key_id, "secret_access_key": secret}
        self.store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "timeout": timedelta(seconds=60),
                "connect_timeout": timedelta(seconds=5),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
            **options,
        )

    def put(self, key: str, files: Mapping[str, Content]) -> None:
        for name, content in files.items():
            try:
                with _answering():
                    self.store.put(_path(key, name), memoryview(content))
            except FileNotFoundError as error:
                raise Silent("there is no such bucket") from error

    def open(self, key: str, name: str) -> Opened:
        path = _path(key, name)
        with _answering():
            about = self.store.head(path)
        return Opened(
            file=io.BufferedReader(_Remote(self.store, path, about["size"]), FETCHED),
            size=about["size"],
            changed_at=about["last_modified"],
            tag=hashlib.sha256(str(about["e_tag"]).encode()).hexdigest()[:32],
        )

    def names(self, key: str) -> set[str]:
        with _answering():
            return {path.rpartition("/")[2] for path, _ in self._listed(f"{key[:2]}/{key}")}

    def older_than(self, moment: datetime, *, shelf: str) -> Iterator[str]:
        """Names come in their order, so that what a shelf does not have is hardly looked at."""
        written: dict[str, datetime] = {}
        with _answering():
            for path, at in self._listed(None, after=shelf):
                group, _, rest = path.partition("/")
                if not group.startswith(shelf):
                    break
                key = rest.partition("/")[0]
                written[key] = max(written.get(key, at), at)
        yield from (key for key, at in written.items() if at < moment)

    def sweep_away(self, key: str) -> None:
        with _answering():
            if paths := [path for path, _ in self._listed(f"{key[:2]}/{key}")]:
                self.store.delete(paths)

    def _listed(
        self, folder: str | None, *, after: str | None = None
    ) -> Iterator[tuple[str, datetime]]:
        for page in self.store.list(folder, offset=after, chunk_size=1000):
            for about in page:
                yield about["path"], about["last_modified"]


class _Remote(Pieces):
    """A file in a bucket, fetched piece by piece from wherever one is."""

    def __init__(self, store: Any, path: str, size: int) -> None:
        super().__init__(size)
        self.store, self.path = store, path

    def piece(self, most: int) -> Any:
        with _answering():
            return self.store.get_range(self.path, start=self.at, length=most)


@contextmanager
def _answering() -> Iterator[None]:
    """Within it, what obstore raises becomes what the shelf knows."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise Silent(str(error).splitlines()[0]) from error


def _path(key: str, name: str) -> str:
    return f"{key[:2]}/{key}/{name}"


def _write(path: Path, content: Content) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
