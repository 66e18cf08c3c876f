"""An SMTP server on loopback that does as it is told: own sockets, a thread for each connection.

By default it takes everything. `on` says otherwise, for a step of the conversation, some recipients
and some number of times:

    with ScriptedSMTP() as post:
        post.on("RCPT", "550 5.1.1 no such user", to="gone@reader.example")
        post.on("RCPT", "450 4.2.0 come back later", to="@grey.example", times=3)
        post.on("MAIL", "421 4.3.2 closing", skip=10, times=1)   # the eleventh mail
        post.on("DOT", HANG_UP)                 # took the mail, closes without an answer
        post.on("TEXT", HANG_UP)                # closes before the dot has come
        stall = Stall()
        post.on("DOT", stall, to="slow@reader.example")
        … stall.reached.wait(5) … stall.go_on.set()

Steps: CONNECT, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, TEXT (the first bytes of the text are here,
the dot is not), DOT, RSET, NOOP, QUIT. An answer is a reply line, HANG_UP, LOSE (at DOT: closes and
has not taken the mail), a Stall, or a function of the Moment that gives one of these, or None for
the ordinary answer. A reply of 421 closes the connection after it. Rules are asked in order; the
first that fits answers.

`letters` is what was taken, `tries` every mail that was begun and how it ended. In a process of its
own, for load and for other network namespaces: `ApartSMTP`, or `python -m tests.scripted_smtp`.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tests.certificates import Certificates
from tests.postoffice import Letter

STEPS = {"CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "TEXT", "DOT"} | {
    "RSET",
    "NOOP",
    "QUIT",
}
CHECKOUT = Path(__file__).resolve().parent.parent
END = b"\r\n.\r\n"
PATH = re.compile(rb"<([^>]*)>")


class _Close(Enum):
    HANG_UP = "hang up"
    LOSE = "lose"


HANG_UP, LOSE = _Close.HANG_UP, _Close.LOSE


@dataclass
class Stall:
    """The server falls silent until `go_on` is set, and then gives the answer `then`."""

    then: str | _Close | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Moment:
    """Where a conversation stands. `taken` counts the mails that this connection got through."""

    step: str
    connection: int
    line: str
    sender: str
    to: str
    taken: int


Answer = str | _Close | Stall | None
Script = Callable[[Moment], Answer]


@dataclass(frozen=True)
class Taken(Letter):
    """A mail that was taken: on which connection, and when by the monotonic clock."""

    connection: int = 0
    at: float = 0.0

    @property
    def message_id(self) -> str:
        found = re.search(rb"(?im)^message-id:\s*(\S+)", self.raw)
        return found[1].decode() if found else ""


@dataclass(frozen=True)
class Try:
    """A mail that was begun with MAIL, taken or not; times by the monotonic clock.

    `answer` is the last reply to it, '' when the connection ended first.
    """

    to: str
    connection: int
    begun: float
    ended: float
    answer: str


@dataclass
class _Rule:
    step: str
    answer: Answer | Script
    to: str
    skip: int
    left: int | None

    def fits(self, moment: Moment) -> bool:
        if moment.step != self.step or self.left == 0:
            return False
        address = moment.to.lower()
        if self.to and not (
            address.endswith(self.to) if self.to.startswith("@") else address == self.to
        ):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True


class _Gone(Exception):
    """The conversation is over."""


class ScriptedSMTP:
    """See the module. `keep` False counts what is taken and forgets it, for millions of mails.

    `delay` is the time each command takes, in seconds; `slow_bytes` the pause before each byte of a
    reply; `log` is called for each mail that is taken, in the connection's thread.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        pipelining: bool = True,
        utf8: bool = False,
        size: int = 0,
        certificates: Certificates | None = None,
        tls: bool = False,
        login: tuple[str, str] | None = None,
        delay: float = 0.0,
        slow_bytes: float = 0.0,
        keep: bool = True,
        log: Callable[[Taken], object] | None = None,
    ) -> None:
        self.host = host
        self.pipelining = pipelining
        self.utf8 = utf8
        self.size = size
        self.certificates = certificates
        self.tls = tls  # from the first byte; else certificates offer STARTTLS
        self.login = login
        self.delay = delay
        self.slow_bytes = slow_bytes
        self.keep = keep
        self.log = log
        self.letters: list[Taken] = []
        self.tries: list[Try] = []
        self.commands: list[str] = []  # as they came, with the connection's number before each
        self.taken = 0
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.closing = threading.Event()
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._context = certificates.context() if certificates else None
        self._listener: socket.socket | None = None
        self.port = port

    def __enter__(self) -> ScriptedSMTP:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the port of before when it was stopped."""
        self.closing.clear()
        self._listener = socket.create_server((self.host, self.port), backlog=200)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and drop those that are open."""
        self.closing.set()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            for open_socket in self._sockets:
                with suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)
            threads = list(self._threads)
        for thread in threads:
            thread.join(5)

    def on(
        self,
        step: str,
        answer: Answer | Script,
        *,
        to: str = "",
        skip: int = 0,
        times: int | None = None,
    ) -> None:
        """Answer a step otherwise: for `to` (an address, or '@domain'), from the `skip`-th fitting
        moment on, at most `times`."""
        assert step in STEPS, f"no step {step}"
        assert isinstance(answer, str | _Close | Stall) or callable(answer) or answer is None
        with self._lock:
            self._rules.append(_Rule(step, answer, to.lower(), skip, times))

    def as_usual(self) -> None:
        """Forget what was said by `on`."""
        with self._lock:
            self._rules.clear()

    def to(self, address: str) -> list[Taken]:
        return [letter for letter in self.letters if letter.to == address]

    def most_at_once(self, *, to: str = "") -> int:
        """How many mails were in the open at one moment, of all or of those to '@domain'."""
        steps = [
            (moment, change)
            for one in self.tries
            if one.to.lower().endswith(to)
            for moment, change in ((one.begun, 1), (one.ended, -1))
        ]
        most = now = 0
        for _moment, change in sorted(steps):
            now += change
            most = max(most, now)
        return most

    def answer_for(self, moment: Moment) -> Answer:
        """What the rules say; None for the ordinary answer."""
        with self._lock:
            rule = next((rule for rule in self._rules if rule.fits(moment)), None)
        if rule is None:
            return None
        answer = rule.answer
        return answer(moment) if callable(answer) else answer

    def take(self, letter: Taken) -> None:
        with self._lock:
            self.taken += 1
            if self.keep:
                self.letters.append(letter)
        if self.log is not None:
            self.log(letter)

    def _accept(self, listener: socket.socket) -> None:
        while not self.closing.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self.open += 1
                self.most_open = max(self.most_open, self.open)
                self._sockets.add(client)
                number = self.connections
                thread = threading.Thread(target=self._serve, args=(client, number), daemon=True)
                thread.start()  # before `stop` can find it and wait for it
                self._threads = [one for one in self._threads if one.is_alive()] + [thread]

    def _serve(self, client: socket.socket, number: int) -> None:
        conversation = _Conversation(self, client, number)
        try:
            conversation.run()
        except (_Gone, OSError):
            pass
        finally:
            conversation.ended()
            with self._lock:
                self.open -= 1
                self._sockets.discard(client)
            with suppress(OSError):
                conversation.socket.shutdown(socket.SHUT_RDWR)
            conversation.socket.close()
            client.close()


class _Conversation:
    def __init__(self, post: ScriptedSMTP, client: socket.socket, number: int) -> None:
        self.post = post
        self.socket = client
        self.number = number
        self.received = bytearray()
        self.replies: list[bytes] = []
        self.encrypted = False
        self.signed_in = post.login is None
        self.sender: str | None = None
        self.to: list[str] = []
        self.taken = 0
        self.begun = 0.0

    def run(self) -> None:
        if self.post.tls:
            self._encrypt()
        self._say(self._answer("CONNECT") or "220 scripted.example ESMTP")
        while True:
            line = self._line()
            verb, _, rest = line.partition(b" ")
            if self.post.keep:
                self.post.commands.append(f"{self.number} {line.decode('utf-8', 'replace')}")
            if self.post.delay:
                time.sleep(self.post.delay)
            step = verb.decode("ascii", "replace").upper()
            do: Callable[[bytes], None] | None = getattr(self, f"_do_{step.lower()}", None)
            if do is None:
                self._say("500 5.5.1 what?")
            else:
                do(rest)

    def ended(self) -> None:
        """Note a mail that the end of the connection left in the open."""
        if self.sender is not None:
            self._end_mail("")

    # -- commands -----------------------------------------------------------------------------

    def _do_ehlo(self, rest: bytes) -> None:
        offers = ["scripted.example"]
        if self.post.pipelining:
            offers.append("PIPELINING")
        if self.post.size:
            offers.append(f"SIZE {self.post.size}")
        offers += ["8BITMIME", "ENHANCEDSTATUSCODES"]
        if self.post.utf8:
            offers.append("SMTPUTF8")
        if self.post.certificates and not self.encrypted:
            offers.append("STARTTLS")
        if self.post.login:
            offers.append("AUTH PLAIN LOGIN")
        lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        self._say(self._answer("EHLO", rest) or "\r\n".join(lines))

    def _do_helo(self, rest: bytes) -> None:
        self._say(self._answer("EHLO", rest) or "250 scripted.example")

    def _do_starttls(self, rest: bytes) -> None:
        answer = self._answer("STARTTLS", rest)
        if answer is None and self.post.certificates is None:
            answer = "502 5.5.1 not here"
        self._say(answer or "220 2.0.0 go ahead")
        if answer is None:
            self._flush()
            self.received.clear()  # whatever was sent along in plain text does not count
            self._encrypt()

    def _do_auth(self, rest: bytes) -> None:
        way, _, first = rest.partition(b" ")
        if way.upper() == b"PLAIN":
            secret = base64.b64decode(first or self._ask("334 "))
            name, password = secret.split(b"\0")[1:]
        else:
            name = base64.b64decode(first or self._ask("334 VXNlcm5hbWU6"))
            password = base64.b64decode(self._ask("334 UGFzc3dvcmQ6"))
        if answer := self._answer("AUTH", rest):
            self._say(answer)
        elif (name.decode(), password.decode()) == self.post.login:
            self.signed_in = True
            self._say("235 2.7.0 welcome")
        else:
            self._say("535 5.7.8 who are you?")

    def _do_mail(self, rest: bytes) -> None:
        self.sender = self._path(rest)
        self.begun = time.monotonic()
        self.to = []
        answer = self._answer("MAIL", rest)
        if answer is None and not self.signed_in:
            answer = "530 5.7.0 sign in first"
        if answer and not answer.startswith("2"):
            self._end_mail(answer)
        self._say(answer or "250 2.1.0 yes")

    def _do_rcpt(self, rest: bytes) -> None:
        if self.sender is None:
            self._say("503 5.5.1 MAIL first")
            return
        address = self._path(rest)
        answer = self._answer("RCPT", rest, to=address)
        if answer is None or answer.startswith("2"):
            self.to.append(address)
        if not self.to:
            self._end_mail(answer or "", to=address)
            self.sender = ""  # what a client pipelined after it is still to come
        self._say(answer or "250 2.1.5 yes")

    def _do_data(self, rest: bytes) -> None:
        if not self.to:
            self._say("503 5.5.1 nobody to send it to" if self.sender is None else "554 5.5.1 no")
            return
        answer = self._answer("DATA", rest)
        if answer and not answer.startswith("3"):
            self._end_mail(answer)
            self._say(answer)
            return
        self._say(answer or "354 go on")
        self._flush()
        raw = self._text()
        letter = Taken(self.sender or "", self.to[0], raw, self.number, time.monotonic())
        try:
            answer = self._answer("DOT", mail=letter)
        except _Gone:
            self._end_mail("")
            raise
        if answer is None or answer.startswith("2"):
            self._take(letter)
        self._end_mail(answer or "250 2.0.0 taken")
        self._say(answer or "250 2.0.0 taken")

    def _do_rset(self, rest: bytes) -> None:
        self.ended()
        self._say(self._answer("RSET", rest) or "250 2.0.0 forgotten")

    def _do_noop(self, rest: bytes) -> None:
        self._say(self._answer("NOOP", rest) or "250 2.0.0 well")

    def _do_quit(self, rest: bytes) -> None:
        self._say(self._answer("QUIT", rest) or "221 2.0.0 bye")
        self._flush()
        raise _Gone

    # -- answering ----------------------------------------------------------------------------

    def _answer(
        self, step: str, line: bytes = b"", *, to: str = "", mail: Taken | None = None
    ) -> str | None:
        """A reply by the rules, after its stall; None for the ordinary one. Raises _Gone."""
        moment = Moment(
            step,
            self.number,
            line.decode("utf-8", "replace"),
            self.sender or "",
            to or (self.to[0] if self.to else ""),
            self.taken,
        )
        answer = self.post.answer_for(moment)
        if isinstance(answer, Stall):
            self._flush()
            answer.reached.set()
            while not answer.go_on.wait(0.02):
                if self.post.closing.is_set():
                    raise _Gone
            answer = answer.then
        if isinstance(answer, _Close):
            if mail is not None and answer is HANG_UP:
                self._take(mail)
            raise _Gone
        return answer

    def _take(self, letter: Taken) -> None:
        self.taken += 1
        self.post.take(letter)

    def _end_mail(self, answer: str, *, to: str = "") -> None:
        if self.post.keep and (self.to or to or self.sender):
            self.post.tries.append(
                Try(
                    to or (self.to[0] if self.to else ""),
                    self.number,
                    self.begun,
                    time.monotonic(),
                    answer,
                )
            )
        self.sender, self.to = None, []

    def _say(self, reply: str) -> None:
        self.replies.append(reply.encode("utf-8") + b"\r\n")
        if reply.startswith("421"):
            self._flush()
            raise _Gone

    def _ask(self, challenge: str) -> bytes:
        self._say(challenge)
        return self._line()

    def _flush(self) -> None:
        out, self.replies = b"".join(self.replies), []
        if not self.post.slow_bytes:
            if out:
                self.socket.sendall(out)
            return
        for byte in out:
            time.sleep(self.post.slow_bytes)
            self.socket.sendall(bytes((byte,)))

    # -- reading ------------------------------------------------------------------------------

    def _line(self) -> bytes:
        while (end := self.received.find(b"\n")) < 0:
            self._receive()
        line = bytes(self.received[:end]).rstrip(b"\r")
        del self.received[: end + 1]
        return line

    def _text(self) -> bytes:
        """The mail up to its dot, dots undoubled."""
        asked = False
        looked = 0
        while True:
            if self.received and not asked:
                asked = True
                if answer := self._answer("TEXT"):
                    self._say(answer)
            if self.received.startswith(b".\r\n"):
                del self.received[:3]
                return b""
            end = self.received.find(END, max(looked - len(END), 0))
            if end >= 0:
                break
            looked = len(self.received)
            self._receive()
        raw = bytes(self.received[: end + 2])
        del self.received[: end + len(END)]
        return raw[1:] if raw.startswith(b"..") else raw.replace(b"\r\n..", b"\r\n.")

    def _receive(self) -> None:
        self._flush()
        got = self.socket.recv(65536)
        if not got:
            raise _Gone
        self.received += got

    def _encrypt(self) -> None:
        assert self.post._context is not None
        try:
            self.socket = self.post._context.wrap_socket(self.socket, server_side=True)
        except ssl.SSLError as error:
            raise _Gone from error
        self.encrypted = True

    def _path(self, rest: bytes) -> str:
        found = PATH.search(rest)
        return found[1].decode("utf-8", "replace") if found else ""


@dataclass
class ApartSMTP:
    """A scripted server in a process of its own: fast, and living in `netns` when one is named.

    It writes a line for each mail it took, of which the whole is read by `lines`. `options` are
    those of `python -m tests.scripted_smtp`.
    """

    log: Path
    options: Sequence[str] = ()
    host: str = "127.0.0.1"
    port: int = 0
    netns: str = ""
    process: subprocess.Popen[str] | None = None

    def __enter__(self) -> ApartSMTP:
        command = [sys.executable, "-m", "tests.scripted_smtp", "--log", str(self.log)]
        command += ["--host", self.host, "--port", str(self.port), *self.options]
        if self.netns:
            command = ["ip", "netns", "exec", self.netns, *command]
        self.process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()

    def taken(self) -> int:
        """How many mails it has taken so far."""
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0

    def lines(self) -> Iterator[tuple[str, str, int, float]]:
        """(to, Message-ID, connection, when by the clock) of each mail it took."""
        with self.log.open(encoding="utf-8") as lines:
            for line in lines:
                to, message_id, connection, at = line.rstrip("\n").split("\t")
                yield to, message_id, int(connection), float(at)


@contextmanager
def logging_to(path: Path) -> Iterator[Callable[[Taken], None]]:
    """A `log` that writes a line for each mail, at once."""
    with path.open("ab", buffering=0) as file:

        def write(letter: Taken) -> None:
            row = (letter.to, letter.message_id, str(letter.connection), f"{time.time():.6f}")
            file.write("\t".join(row).encode() + b"\n")  # one write, so whole lines

        yield write


def main(arguments: Iterable[str] | None = None) -> None:
    """Serve until SIGTERM; prints the port it listens on."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, default=Path(os.devnull))
    parser.add_argument("--delay", type=float, default=0.0, help="seconds for each command")
    parser.add_argument("--think", type=float, default=0.0, help="seconds after each dot")
    parser.add_argument("--no-pipelining", action="store_true")
    given: Any = parser.parse_args(None if arguments is None else list(arguments))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with (
        logging_to(given.log) as log,
        ScriptedSMTP(
            host=given.host,
            port=given.port,
            pipelining=not given.no_pipelining,
            delay=given.delay,
            keep=False,
            log=log,
        ) as post,
    ):
        if given.think:

            def think(_moment: Moment) -> None:
                time.sleep(given.think)

            post.on("DOT", think)
        print(post.port, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
