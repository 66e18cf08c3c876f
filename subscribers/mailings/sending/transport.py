"""Several connections to one mail server, kept for many mails, in one thread.

A courier is asked over and over what has happened (`poll`). It says which mails the server wants,
and waits: whoever asks writes down that they may go out, and only then gives the word
(`hand_over`). When a connection ends, its mails come back as `Returned`, when the final dot cannot
have been out, or as `Lost`, when it may.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from subscribers.mailings.sending.conversation import (
    Answered,
    Conversation,
    Encrypt,
    Encryption,
    Ended,
    Happening,
    Opened,
    Parcel,
    Refused,
    Wanted,
)
from subscribers.mailings.sending.replies import Reply, spoken

MAILS_PER_CONNECTION = 200
CONNECT_SECONDS = 30.0
CONVERSATION_SECONDS = 60.0  # for every answer but the one to the final dot
STALL_SECONDS = 2.0  # after which the next mail does not wait for the answer to the last one
IDLE_SECONDS = 30.0
QUIT_SECONDS = 2.0
CROWDED_SECONDS = 30.0  # until more connections are tried, when the server would not have them
SLOW_SECONDS = 0.5
LOOK_EVERY = 0.05  # seconds between two looks at who is late
DOT_BYTES = 3


@dataclass(frozen=True)
class Relay:
    """Where mail is handed over, and how. `context` makes the TLS side; `name` is ours in EHLO."""

    host: str
    port: int
    name: str
    encryption: Encryption = Encryption.NONE
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    login: tuple[str, str] | None = None


@dataclass(frozen=True)
class Returned:
    """Nothing of this mail can have been taken: its connection ended, or another one is free while
    its own is slow. `is_fault` when the connection had got no mail through: servers may hang up
    between two mails."""

    parcel: Parcel
    why: str
    was_fenced: bool = False
    is_fault: bool = True


@dataclass(frozen=True)
class Lost:
    """The connection ended with the dot out: the server may or may not have taken the mail."""

    parcel: Parcel
    why: str


@dataclass(frozen=True)
class Away:
    """No connection came about, and none is open: the server is away, or refuses us."""

    reply: Reply


News = Opened | Wanted | Answered | Returned | Lost | Away


class _Broken(Exception):
    """The connection is of no more use; the text says why."""


class Courier:
    """See the module. Use as a context manager; opens connections as they are wished for."""

    def __init__(self, relay: Relay, *, connections: int, reply_timeout: float) -> None:
        self.relay = relay
        self.connections = connections
        self.reply_timeout = reply_timeout
        self._selector = selectors.DefaultSelector()
        self._lines: set[_Line] = set()
        self._context: ssl.SSLContext | None = None
        self._news: list[News] = []
        self._touched: set[_Line] = set()
        self._crowded_until = 0.0
        self._look_again_at = 0.0

    def __enter__(self) -> Courier:
        return self

    def __exit__(self, *_: object) -> None:
        for line in list(self._lines):
            self._drop(line)
        self._selector.close()

    @property
    def in_the_open(self) -> int:
        """Mails whose dot is out and that are not answered yet."""
        return sum(line.talk.in_the_open is not None for line in self._lines)

    @property
    def is_quiet(self) -> bool:
        """No mail is named or in the open."""
        return all(not line.talk.named and not line.talk.in_the_open for line in self._lines)

    @property
    def named(self) -> int:
        """Mails that the server was told about, and whose text it has not got."""
        return sum(line.talk.named is not None for line in self._lines)

    def room(self) -> int:
        """How many mails could be named now, with all the connections that are allowed."""
        unopened = max(self.connections - len(self._lines), 0)
        opening = sum(not line.talk.is_open for line in self._lines)
        return unopened + opening + sum(line.has_room for line in self._lines)

    def widen(self, wanted: int) -> None:
        """Open connections for so many mails that wait, no more than are allowed."""
        if not self._lines or time.monotonic() >= self._crowded_until:
            opening = sum(not line.talk.is_open for line in self._lines)
            free = min(self.connections - len(self._lines), wanted - opening)
            for _ in range(free):
                self._open_line()

    def name(self, parcels: Iterator[Parcel]) -> None:
        """Tell the server about mails, as many as it can be told about now; connections with
        nothing in the open come first. Each mail is made when there is room for it."""
        roomy = [line for line in self._lines if line.has_room]
        for line in sorted(roomy, key=lambda line: line.talk.in_the_open is not None):
            while line.has_room:
                parcel = next(parcels, None)
                if parcel is None:
                    return
                refusal = line.talk.name_mail(parcel)
                if refusal is not None:  # known without asking the server
                    self._news.append(Answered(parcel, refusal))
            self._touched.add(line)

    def hand_over(self, parcels: Iterable[Parcel]) -> None:
        """Text and dot of mails that were wanted and may go."""
        lines = {line.talk.named: line for line in self._lines if line.talk.named}
        for parcel in parcels:
            if parcel in lines:  # else its connection has ended meanwhile, and it has come back
                lines[parcel].hand_over(parcel)
                self._touched.add(lines[parcel])

    def withdraw(self, parcels: Iterable[Parcel]) -> None:
        """Hang up on mails that were wanted and must not go: a begun DATA cannot be taken back."""
        refused = set(parcels)
        for line in [line for line in self._lines if line.talk.named in refused]:
            self._drop(line)

    def let_go(self) -> list[Parcel]:
        """The mails that were only named; their connections end once what is out is answered."""
        return [parcel for line in list(self._lines) if (parcel := self._let_go(line))]

    def poll(self, timeout: float) -> list[News]:
        """What has happened, waiting for at most `timeout` seconds until something does."""
        self._flush()
        if self._news:
            timeout = 0
        for key, mask in self._selector.select(timeout):
            line = key.data
            if mask & selectors.EVENT_WRITE:
                self._tend(line, line.writable)
            if mask & selectors.EVENT_READ and line in self._lines:
                self._tend(line, line.readable)
        if time.monotonic() >= self._look_again_at:
            self._look_at_clock()
        self._flush()
        news, self._news = self._news, []
        return news

    def quit(self) -> None:
        """Say goodbye on every connection that has nothing in the open; wait for it shortly."""
        until = time.monotonic() + QUIT_SECONDS
        for line in list(self._lines):
            if line.talk.is_open and line.talk.is_idle:
                line.talk.quit()
                self._touched.add(line)
            else:
                self._drop(line)
        while self._lines and time.monotonic() < until:
            self.poll(0.05)

    # Connections

    def _flush(self) -> None:
        """Write what was said; what the machine does not take now goes when it does."""
        touched, self._touched = self._touched, set()
        for line in touched & self._lines:
            self._tend(line, line.flush)

    def _open_line(self) -> None:
        try:
            if self._context is None and self.relay.encryption is not Encryption.NONE:
                self._context = self.relay.context()
            line = _Line(self.relay, self._context, self.reply_timeout, self._selector)
        except OSError as error:
            self._missed(Reply(0, f"{self.relay.host}:{self.relay.port}: {error}"[:500], True))
            return
        self._lines.add(line)

    def _tend(self, line: _Line, do: Callable[[], list[Happening]]) -> None:
        try:
            self._note(line, do())
            if line.talk.has_words:
                self._touched.add(line)
            if line in self._lines and line.talk.is_over:
                self._end(line, "the mail server closed the connection")
        except ssl.SSLCertVerificationError as error:
            self._end(line, f"the certificate is not good: {error.verify_message}")
        except ssl.SSLError as error:
            self._end(line, f"TLS failed: {error.reason or error}")
        except (OSError, _Broken) as error:
            self._note(line, line.last_words())
            self._end(line, str(error))

    def _note(self, line: _Line, happenings: list[Happening]) -> None:
        for one in happenings:
            match one:
                case Opened() | Wanted():
                    self._news.append(one)
                case Answered():
                    line.carried += 1
                    self._news.append(one)
                case Encrypt():
                    self._note(line, line.encrypt())
                case Refused():
                    self._end(line, one.reply.text, reply=one.reply)
                case Ended():
                    self._end(line, one.why)

    def _end(self, line: _Line, why: str, *, reply: Reply | None = None) -> None:
        """The connection is over; say what becomes of its mails."""
        if line not in self._lines:
            return
        was_open, texted, named = line.talk.is_open, line.talk.in_the_open, line.talk.named
        is_fault = not line.carried
        self._drop(line)
        if texted is not None and line.dot_may_be_out:
            self._news.append(Lost(texted, why))
        elif texted is not None:
            self._news.append(Returned(texted, why, was_fenced=True, is_fault=is_fault))
        if named is not None:
            self._news.append(Returned(named, why, is_fault=is_fault))
        if not was_open:
            self._missed(reply or spoken(0, why, about_us=True))

    def _missed(self, reply: Reply) -> None:
        self._crowded_until = time.monotonic() + CROWDED_SECONDS
        if not self._lines:
            self._news.append(Away(reply))

    def _drop(self, line: _Line) -> None:
        self._lines.discard(line)
        line.close()

    def _let_go(self, line: _Line) -> Parcel | None:
        parcel = line.talk.let_go()
        if parcel is not None and line.talk.in_the_open is None:
            self._drop(line)
        return parcel

    def _has_idle_line(self) -> bool:
        return any(line.has_room and line.talk.is_idle for line in self._lines)

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        self._look_again_at = now + LOOK_EVERY
        for line in list(self._lines):
            if now >= line.deadline:
                self._end(line, "the mail server did not answer in time")
            elif line.stalls(now) and self._has_idle_line():
                parcel = line.talk.let_go()
                if parcel is not None:
                    why = "the mail server is slow"
                    self._news.append(Returned(parcel, why, is_fault=False))
            elif line.talk.is_open and line.talk.is_idle:
                if line.carried >= MAILS_PER_CONNECTION:
                    line.talk.quit()
                elif now - line.active_at > IDLE_SECONDS:
                    line.talk.keep_awake()
                self._touched.add(line)


class _Line:
    """One connection: its socket, its conversation, and how much of it has gone out."""

    def __init__(
        self,
        relay: Relay,
        context: ssl.SSLContext | None,
        reply_timeout: float,
        selector: selectors.BaseSelector,
    ) -> None:
        self.relay = relay
        self.reply_timeout = reply_timeout
        self.talk = Conversation(name=relay.name, encryption=relay.encryption, login=relay.login)
        self.carried = 0
        self.is_slow = False  # took long to answer the last dot
        self.active_at = time.monotonic()
        self.deadline = self.active_at + CONNECT_SECONDS
        self._selector = selector
        self._unsent = memoryview(b"")
        self._sent = 0  # bytes that the machine has taken from us, or may have
        self._queued = 0
        self._dot_at = 0  # of all bytes queued, where the last final dot ends
        self._dotted_at = 0.0
        self._text_begun = True
        self._connecting = True
        self._shaking_hands = False
        self._socket: socket.socket
        self._addresses = socket.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM)
        self._context = context
        self._connect(None)

    @property
    def has_room(self) -> bool:
        begun = self.carried + (self.talk.in_the_open is not None)
        if not self.talk.can_take or begun >= MAILS_PER_CONNECTION:
            return False
        # Behind a server that thinks for long, a mail would only be held; others may be urgent.
        return self.talk.in_the_open is None or not self.is_slow

    @property
    def dot_may_be_out(self) -> bool:
        return self._sent > self._dot_at - DOT_BYTES

    def stalls(self, now: float) -> bool:
        """Whether a mail waits here behind another that the server cannot make up its mind on."""
        waits = self.talk.in_the_open is not None and self.talk.named is not None
        return waits and now - self._dotted_at > STALL_SECONDS

    def hand_over(self, parcel: Parcel) -> None:
        self.talk.hand_over(parcel)
        self._dot_at = self._queued + self.talk.unsaid
        self._dotted_at = time.monotonic()
        self._text_begun = False

    def flush(self) -> list[Happening]:
        """Write what can be written."""
        self._queue()
        if self._unsent and not self._connecting and not self._shaking_hands:
            self._write()
        return []

    def writable(self) -> list[Happening]:
        if self._connecting:
            return self._connected()
        if self._shaking_hands:
            return self._shake_hands()
        return self.flush()

    def readable(self) -> list[Happening]:
        if self._connecting:
            return self._connected()
        if self._shaking_hands:
            return self._shake_hands()
        happenings: list[Happening] = []
        awaited_dot = self.talk.awaits_dot
        while True:
            try:
                data = self._socket.recv(65_536)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            if not data:
                raise _Broken("the mail server closed the connection")
            happenings += self.talk.hear(data)
            if not isinstance(self._socket, ssl.SSLSocket) or self.talk.is_over:
                break
        self._wait()
        if awaited_dot and not self.talk.awaits_dot:
            self.is_slow = self.active_at - self._dotted_at > SLOW_SECONDS
        return happenings

    def last_words(self) -> list[Happening]:
        """What the server said before writing to it failed: it may have taken a mail."""
        if self._connecting or self._shaking_hands or self.talk.is_over:
            return []
        try:
            return self.talk.hear(self._socket.recv(65_536))
        except OSError:
            return []

    def encrypt(self) -> list[Happening]:
        """Wrap the connection; the handshake goes on as bytes come."""
        assert self._context is not None
        self.deadline = time.monotonic() + CONVERSATION_SECONDS
        self._selector.unregister(self._socket)
        self._socket = self._context.wrap_socket(
            self._socket, server_hostname=self.relay.host, do_handshake_on_connect=False
        )
        self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._shaking_hands = True
        return self._shake_hands()

    def close(self) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(self._socket)
        self._socket.close()

    def _connect(self, failure: OSError | None) -> None:
        """To the next of the server's addresses. Raises OSError when there is none left."""
        while self._addresses:
            family, kind, protocol, _name, address = self._addresses.pop(0)
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._socket.connect(address)
            except BlockingIOError:
                pass
            except OSError as error:
                self._socket.close()
                failure = error
                continue
            self._selector.register(
                self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self
            )
            return
        raise failure or OSError("the mail server has no address")

    def _connected(self) -> list[Happening]:
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.close()
            self._connect(OSError(error, os.strerror(error)))
            return []
        self._connecting = False
        self._wait()
        if self.relay.encryption is Encryption.TLS:
            return self.encrypt()
        self._selector.modify(self._socket, selectors.EVENT_READ, self)
        return []

    def _shake_hands(self) -> list[Happening]:
        assert isinstance(self._socket, ssl.SSLSocket)
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._selector.modify(self._socket, selectors.EVENT_READ, self)
            return []
        except ssl.SSLWantWriteError:
            self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
            return []
        self._shaking_hands = False
        self._selector.modify(self._socket, selectors.EVENT_READ, self)
        if self.relay.encryption is Encryption.STARTTLS:
            self.talk.encrypted()
        return self.flush() + self.readable()  # the greeting may have come with the handshake

    def _queue(self) -> None:
        if out := self.talk.take():
            self._unsent = memoryview(bytes(self._unsent) + out if self._unsent else out)
            self._queued += len(out)
            self._wait()

    def _write(self) -> None:
        before = self._queued - len(self._unsent)
        if not self._text_begun:
            self._text_begun = True
            self._make_sure()
        while self._unsent:
            try:
                count = self._socket.send(self._unsent)
            except BlockingIOError:
                break
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._sent = self._queued  # TLS does not say how much of it has gone
                break
            before += count
            self._unsent = self._unsent[count:]
            self._sent = max(self._sent, before)
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        wanted = both if self._unsent else selectors.EVENT_READ
        if self._selector.get_key(self._socket).events != wanted:
            self._selector.modify(self._socket, wanted, self)

    def _make_sure(self) -> None:
        """Look whether the server has gone while the fence was written: then nothing is uncertain.
        Raises _Broken."""
        if isinstance(self._socket, ssl.SSLSocket):  # it cannot be asked without reading
            return
        with suppress(BlockingIOError):
            heard = self._socket.recv(200, socket.MSG_PEEK)
            said = heard.decode("utf-8", "replace").strip()
            raise _Broken(said or "the mail server closed the connection")

    def _wait(self) -> None:
        """Something moved: count anew how long the server may take for what comes next."""
        self.active_at = time.monotonic()
        if self.talk.awaits_dot:
            self.deadline = self._dotted_at + self.reply_timeout
        elif self.talk.is_leaving and self.talk.in_the_open is None:
            self.deadline = self.active_at + QUIT_SECONDS
        elif self.talk.awaits:
            self.deadline = self.active_at + CONVERSATION_SECONDS
        else:
            self.deadline = float("inf")
