"""Where it lies when it has come back: a Maildir, an IMAP folder, a file.

Mails are taken in some at a time, and leave their place only after what they say is committed;
broken off in between, they are read once more and count once. What is none of ours stays where it
is and is marked as seen.
"""

from __future__ import annotations

import imaplib
import logging
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from urllib.parse import unquote, urlsplit

from flask import current_app

from app.core import jobs
from app.core.alerts import clear_alert, raise_alert
from app.core.clock import now
from app.core.db import db
from subscribers.mailings.returns import applying
from subscribers.mailings.returns.applying import Came, Taken
from subscribers.mailings.returns.mime import MOST_BYTES

log = logging.getLogger(__name__)

AT_ONCE: Final = 100  # mails in one transaction, or
BYTES_AT_ONCE: Final = 4 * 1024 * 1024
TIMEOUT: Final = 30.0
LONGEST_ROUND: Final = 45.0  # seconds; the next minute goes on
LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}


class Unreadable(Exception):
    """The mailbox cannot be opened or read; the text says why."""


@dataclass(frozen=True)
class Lying:
    """One mail in its place. `take_away` and `leave` are for after its commit."""

    raw: bytes
    take_away: Callable[[], object] = lambda: None
    leave: Callable[[], object] = lambda: None


class Mailbox(Protocol):
    @property
    def source(self) -> str:
        """Which way it came, as its event remembers it."""
        ...

    def mails(self) -> Iterator[list[Lying]]:
        """Every mail that nobody has seen, some at a time. Raises Unreadable."""
        ...


@dataclass
class Tally:
    """What a round has read."""

    read: int = 0
    new: int = 0
    applied: int = 0
    unmatched: int = 0
    left: int = 0
    failed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    taken: list[Taken] = field(default_factory=list)

    def add(self, taken: Taken) -> None:
        self.read += 1
        self.kinds[taken.kind.value] += 1
        self.new += taken.is_new
        self.applied += taken.applied
        self.unmatched += bool(taken.unmatched)
        self.left += not taken.is_ours
        self.taken.append(taken)


def empty(mailbox: Mailbox, *, seconds: float | None = None) -> Tally:
    """Take in what lies there. Commits. Raises Unreadable.

    A mail that cannot be stored stays where it is, and the next ones are read all the same.
    """
    tally = Tally()
    until = None if seconds is None else time.monotonic() + seconds
    with closing(mailbox.mails()) as mails:  # type: ignore[type-var]
        for some in mails:
            came = [Came(mail.raw) for mail in some]
            for mail, taken in zip(some, store(came, source=mailbox.source), strict=True):
                if taken is None:
                    tally.failed += 1
                    continue
                tally.add(taken)
                (mail.take_away if taken.is_ours else mail.leave)()
            if jobs.stopping.is_set() or (until is not None and time.monotonic() > until):
                break
    return tally


def some_at_a_time(mails: Iterable[Lying]) -> Iterator[list[Lying]]:
    """What was read before a mailbox broke off is given out all the same."""
    some: list[Lying] = []
    size = 0
    try:
        for mail in mails:
            some.append(mail)
            size += len(mail.raw)
            if len(some) >= AT_ONCE or size >= BYTES_AT_ONCE:
                yield some
                some, size = [], 0
    except Unreadable:
        if some:
            yield some
        raise
    if some:
        yield some


def store(came: Sequence[Came], *, source: str) -> list[Taken | None]:
    """Take in some mails, in as few transactions as may be. Commits. None for each that could not
    be stored: one that nobody can store is found by halves, and costs none of the others."""
    try:
        taken = applying.take_in(came, source=source, at=now())
        db.session.commit()
    except Exception:
        db.session.rollback()
        if len(came) == 1:
            log.exception("a mail that came back could not be stored; it stays where it is")
            return [None]
        half = len(came) // 2
        return [*store(came[:half], source=source), *store(came[half:], source=source)]
    return list(taken)


@jobs.job("read_bounces")
def read_bounces() -> None:
    """Each minute: what lies in the mailbox of the settings. Commits."""
    address = current_app.config["BOUNCE_MAILBOX"]
    if not address:
        return
    place = without_password(address)
    try:
        tally = empty(opened(address), seconds=LONGEST_ROUND)
    except Unreadable as error:
        db.session.rollback()
        log.warning("the mailbox %s cannot be read: %s", place, error)
        raise_alert("mailbox_unreadable", place, facts={"error": str(error)[:200]}, at=now())
    else:
        if tally.read:
            log.info("read %s mails that came back: %s", tally.read, dict(tally.kinds))
        clear_alert("mailbox_unreadable", place, at=now())
    db.session.commit()


def opened(address: str) -> Mailbox:
    """The mailbox of a setting: maildir:///… or imaps://user@host/Folder. Raises Unreadable."""
    parts = urlsplit(address)
    if parts.scheme == "maildir":
        return Maildir(Path(unquote(parts.path)))
    if parts.scheme in ("imap", "imaps") and parts.hostname:
        return Imap(
            host=parts.hostname,
            port=parts.port or (993 if parts.scheme == "imaps" else 143),
            user=unquote(parts.username or ""),
            password=current_app.config["BOUNCE_MAILBOX_PASSWORD"],
            folder=unquote(parts.path.strip("/")) or "INBOX",
            implicit_tls=parts.scheme == "imaps",
            ca_file=current_app.config["MAIL_CA_FILE"],
        )
    raise Unreadable("PRESSRUM_BOUNCE_MAILBOX must be maildir:///… or imaps://user@host/INBOX")


def without_password(address: str) -> str:
    """A mailbox's address as people may see it."""
    return re.sub(r"//([^:@/]+):[^@/]*@", r"//\1@", address)


# --- files ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Maildir:
    """A Maildir: `new`, and what in `cur` nobody has seen."""

    path: Path
    source: str = "maildir"

    def mails(self) -> Iterator[list[Lying]]:
        return some_at_a_time(self._each())

    def _each(self) -> Iterator[Lying]:
        folders = [self.path / "new", self.path / "cur"]
        if not all(folder.is_dir() for folder in folders):
            raise Unreadable(f"{self.path} is no Maildir: new and cur are missing")
        for folder in folders:
            for file in _files(folder):
                if folder.name == "cur" and "S" in file.name.partition(":2,")[2]:
                    continue
                try:
                    raw = _beginning(file)
                except OSError as error:  # taken by somebody else, or not ours to read
                    if file.exists():
                        log.warning("%s cannot be read: %s", file.name, error)
                    continue
                yield Lying(raw, _removing(file), _seen(file, self.path / "cur"))


@dataclass(frozen=True)
class Files:
    """A message, a mbox, or a folder of messages, for the command; nothing is taken away."""

    path: Path
    source: str = "pipe"

    def mails(self) -> Iterator[list[Lying]]:
        return some_at_a_time(self._each())

    def _each(self) -> Iterator[Lying]:
        paths = _files(self.path) if self.path.is_dir() else [self.path]
        for path in paths:
            try:
                with path.open("rb") as file:
                    for raw in messages(file):
                        yield Lying(raw)
            except OSError as error:
                raise Unreadable(f"{path}: {error.strerror}") from error


@dataclass(frozen=True)
class Stream:
    """A pipe: one message, or a mbox."""

    file: BinaryIO
    source: str = "pipe"

    def mails(self) -> Iterator[list[Lying]]:
        return some_at_a_time(self._each())

    def _each(self) -> Iterator[Lying]:
        for raw in messages(self.file):
            yield Lying(raw)


def messages(file: BinaryIO) -> Iterator[bytes]:
    """The messages of a mbox one at a time, or the one that it is; each at most MOST_BYTES."""
    lines: list[bytes] = []
    size = 0
    is_mbox = after_blank = False
    for line in iter(lambda: file.readline(MOST_BYTES), b""):
        starts = line.startswith(b"From ") and (not lines if size == 0 else after_blank and is_mbox)
        if starts:
            if size:
                yield b"".join(lines)
            lines, size, is_mbox = [], 0, True
            after_blank = False
            continue
        after_blank = not line.strip(b"\r\n")
        if size < MOST_BYTES:
            lines.append(line)
        size += len(line)
    if size or not is_mbox:
        yield b"".join(lines)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise Unreadable(f"{folder}: {error.strerror}") from error


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def _removing(file: Path) -> Callable[[], object]:
    return lambda: file.unlink(missing_ok=True)


def _seen(file: Path, cur: Path) -> Callable[[], object]:
    def mark() -> None:
        name, _, flags = file.name.partition(":2,")
        with suppress(FileNotFoundError):
            file.rename(cur / f"{name}:2,{''.join(sorted({*flags, 'S'}))}")

    return mark


# --- IMAP (RFC 3501) ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Imap:
    """A folder on a mail server, over verified TLS; in the clear only on this very machine.

    Only what we have read is ever removed: by UID EXPUNGE (RFC 4315) where the server has it, else
    it is left there marked as deleted.
    """

    host: str
    port: int
    user: str
    password: str
    folder: str = "INBOX"
    implicit_tls: bool = True
    ca_file: str = ""
    source: str = "imap"

    def mails(self) -> Iterator[list[Lying]]:
        try:
            server = self._connected()
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unreadable(_words(error)) from error
        taken: list[str] = []
        try:
            yield from some_at_a_time(self._each(server, taken))
        finally:
            _part(server, taken)

    def _each(self, server: imaplib.IMAP4, taken: list[str]) -> Iterator[Lying]:
        try:
            for uid in self._unseen(server):
                raw = self._fetch(server, uid)
                if raw is not None:
                    yield Lying(raw, _deleting(server, uid, taken), _marking(server, uid))
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unreadable(_words(error)) from error

    def _connected(self) -> imaplib.IMAP4:
        context = ssl.create_default_context(cafile=self.ca_file or None)
        server: imaplib.IMAP4
        if self.implicit_tls:
            server = _OverTls(self.host, self.port, ssl_context=context, timeout=TIMEOUT)
        else:
            server = imaplib.IMAP4(self.host, self.port, timeout=TIMEOUT)
            if "STARTTLS" in server.capabilities:
                server.starttls(ssl_context=context)
            elif self.host not in LOOPBACK:
                server.shutdown()
                raise OSError("the server offers no TLS")
        try:
            server.login(self.user, self.password)
            answer, said = server.select(_quoted(self.folder))
            if answer != "OK":
                raise OSError(f"the folder {self.folder} cannot be opened: {said!r}"[:200])
        except BaseException:
            server.shutdown()
            raise
        return server

    def _unseen(self, server: imaplib.IMAP4) -> list[str]:
        answer, found = server.uid("SEARCH", "UNSEEN", "UNDELETED")
        if answer != "OK":
            raise OSError("the server does not search")
        return [uid.decode("ascii") for part in found if part for uid in part.split()]

    def _fetch(self, server: imaplib.IMAP4, uid: str) -> bytes | None:
        answer, parts = server.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
        if answer != "OK":
            raise OSError(f"the server does not hand out mail {uid}")
        return next((part[1] for part in parts if isinstance(part, tuple)), None)


def _part(server: imaplib.IMAP4, taken: list[str]) -> None:
    """Remove what was taken in, and go; a broken connection is only closed."""
    try:
        if "UIDPLUS" in server.capabilities:
            for start in range(0, len(taken), 100):
                server.uid("EXPUNGE", ",".join(taken[start : start + 100]))
        server.logout()
    except (OSError, imaplib.IMAP4.error):
        server.shutdown()


def _deleting(server: imaplib.IMAP4, uid: str, taken: list[str]) -> Callable[[], object]:
    def delete() -> None:
        _flag(server, uid, r"(\Seen \Deleted)")
        taken.append(uid)

    return delete


def _marking(server: imaplib.IMAP4, uid: str) -> Callable[[], object]:
    return lambda: _flag(server, uid, r"(\Seen)")


def _flag(server: imaplib.IMAP4, uid: str, flags: str) -> None:
    try:
        server.uid("STORE", uid, "+FLAGS.SILENT", flags)
    except (OSError, imaplib.IMAP4.error) as error:
        raise Unreadable(_words(error)) from error


class _OverTls(imaplib.IMAP4_SSL):
    """Closes the connection when it cannot be trusted, which the library leaves to chance."""

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        sock = imaplib.IMAP4._create_socket(self, timeout)  # type: ignore[attr-defined]
        try:
            wrapped: ssl.SSLSocket = self.ssl_context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise
        return wrapped


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:200]
