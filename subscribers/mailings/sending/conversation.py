"""What is said to a mail server, and what its answers mean: SMTP without a socket.

Bytes go in, bytes and happenings come out. It knows no database and no clock, so every turn of a
conversation can be tried by a table. One mail is open at a time. While the answer to its final dot
is awaited, a server that offers PIPELINING (RFC 2920) may be told about the next one, whose text
follows only when it is asked for: so never more than one mail of a connection is uncertain.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from subscribers.mailings.sending.replies import SERVICE_CLOSING, Reply, Unasked, spoken

LONGEST_LINE: Final = 8_192  # of an answer; RFC 5321 allows 512, servers are more talkative
MOST_LINES: Final = 128
GO_ON: Final = 354
NO_SMTPUTF8: Final = Unasked(
    553, "5.6.7 the mail server does not offer SMTPUTF8 for this address (RFC 6531)"
)
BAD_ADDRESS: Final = Unasked(553, "5.1.3 not an address that can be written to")
SAFE: Final = re.compile(r"[^\s<>\x00-\x1f\x7f]+@[^\s<>@\x00-\x1f\x7f]+")


class Encryption(Enum):
    NONE = auto()
    STARTTLS = auto()  # asked for after the greeting; a server without it is refused
    TLS = auto()  # from the first byte


@dataclass(frozen=True, eq=False)
class Parcel:
    """One mail on its way. `text` has its dots doubled, ends its lines with CRLF, has no dot."""

    id: int
    sender: str
    to: str
    text: bytes


@dataclass(frozen=True)
class Opened:
    """The server knows us and waits for the first mail."""


@dataclass(frozen=True)
class Encrypt:
    """The server has agreed to TLS: wrap the connection, then call `encrypted`."""


@dataclass(frozen=True)
class Wanted:
    """The server wants the text of this mail. Nothing of it is out yet."""

    parcel: Parcel


@dataclass(frozen=True)
class Answered:
    """The server took this mail, or refused it at some step."""

    parcel: Parcel
    reply: Reply


@dataclass(frozen=True)
class Refused:
    """The server will not talk to us at all. The connection is of no more use."""

    reply: Reply


@dataclass(frozen=True)
class Ended:
    """The server closes, or says what makes no sense. The connection is of no more use."""

    why: str


Happening = Opened | Encrypt | Wanted | Answered | Refused | Ended


class Step(Enum):
    """What the next answer will be an answer to."""

    GREETING = auto()
    EHLO = auto()
    HELO = auto()
    STARTTLS = auto()
    AUTH = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    DOT = auto()
    LONE_DOT = auto()
    RSET = auto()
    NOOP = auto()
    QUIT = auto()


ON_THE_WAY: Final = (Step.MAIL, Step.RCPT)  # a yes to these says only: go on


@dataclass
class Asked:
    """A command that is out, and whose mail it is about."""

    step: Step
    parcel: Parcel | None = None
    words: list[bytes] | None = None  # that remain to be said in signing in


class Conversation:
    """One connection's talk. Write what `take` gives; hand to `hear` what comes in."""

    def __init__(
        self, *, name: str, encryption: Encryption, login: tuple[str, str] | None = None
    ) -> None:
        self.name = name
        self.login = login
        self.encryption = encryption
        self.is_encrypted = encryption is Encryption.TLS
        self.features: dict[str, str] = {}
        self.is_open = False
        self.is_over = False
        self._asked: deque[Asked] = deque([Asked(Step.GREETING)])
        self._out: list[bytes] = []
        self._heard = b""
        self._lines: list[bytes] = []
        self._refusal: Reply | None = None  # of the mail whose envelope is being answered
        self._needs_reset = False
        self._offered: Parcel | None = None  # its envelope is out, or will be after the present one
        self._waiting: Parcel | None = None  # without PIPELINING: named when the dot is answered
        self._texted: Parcel | None = None  # its dot is out
        self._ends_after_dot = False

    # What the sender asks

    @property
    def can_take(self) -> bool:
        """Whether another mail may be named now."""
        return (
            self.is_open and not self.is_over and not self._ends_after_dot and self._offered is None
        )

    @property
    def is_idle(self) -> bool:
        return self._offered is None and self._texted is None and not self._asked

    @property
    def in_the_open(self) -> Parcel | None:
        """The mail whose dot was written, and is not answered."""
        return self._texted

    @property
    def named(self) -> Parcel | None:
        """The mail whose text the server has not got."""
        return self._offered

    @property
    def awaits_dot(self) -> bool:
        """Whether what comes next is the answer to a final dot: that may take ten minutes."""
        return bool(self._asked) and self._asked[0].step is Step.DOT

    @property
    def awaits(self) -> bool:
        return bool(self._asked)

    @property
    def is_leaving(self) -> bool:
        """Whether it takes no more mail, and ends once what is out is answered."""
        return self._ends_after_dot

    @property
    def has_words(self) -> bool:
        """Whether `take` would give any."""
        return bool(self._out)

    @property
    def unsaid(self) -> int:
        """How many bytes `take` would give."""
        return sum(map(len, self._out))

    def take(self) -> bytes:
        """The bytes to write now; each is given once."""
        out = b"".join(self._out)
        self._out.clear()
        return out

    # What the sender says

    def name_mail(self, parcel: Parcel) -> Reply | None:
        """Tell the server about the next mail. A reply when it need not be asked: never sent."""
        if not SAFE.fullmatch(parcel.to) or not SAFE.fullmatch(parcel.sender):
            return BAD_ADDRESS
        if not parcel.to.isascii() and "SMTPUTF8" not in self.features:
            return NO_SMTPUTF8
        self._offered = parcel
        if "PIPELINING" in self.features:
            self._say_envelope(parcel)
        elif self._texted is not None:
            self._waiting = parcel
        else:
            self._say_mail(parcel)
        return None

    def hand_over(self, parcel: Parcel) -> None:
        """The text and the dot of the mail that the server wants. From here on nobody can say
        for sure (RFC 1047): whoever calls this has written that down."""
        assert parcel is self._offered
        self._offered, self._texted = None, parcel
        end = b".\r\n" if parcel.text.endswith(b"\r\n") else b"\r\n.\r\n"
        self._say(parcel.text + end, Step.DOT, parcel)

    def let_go(self) -> Parcel | None:
        """Take back the mail that was named. The conversation ends when what is out is answered."""
        parcel, self._offered, self._waiting = self._offered, None, None
        self._ends_after_dot = self._ends_after_dot or parcel is not None
        return parcel

    def encrypted(self) -> None:
        """TLS stands: what was said before counts no more (RFC 3207 4.2)."""
        self.is_encrypted = True
        self.features = {}
        self._say(b"EHLO " + self.name.encode() + b"\r\n", Step.EHLO)

    def keep_awake(self) -> None:
        self._say(b"NOOP\r\n", Step.NOOP)

    def quit(self) -> None:
        self._ends_after_dot = True
        self._say(b"QUIT\r\n", Step.QUIT)

    # What the server says

    def hear(self, data: bytes) -> list[Happening]:
        """What came in, whole answers or pieces of them, and what it means."""
        happenings: list[Happening] = []
        if self._heard:
            data = self._heard + data
        *lines, self._heard = data.split(b"\n")
        if len(self._heard) > LONGEST_LINE:
            self.is_over = True
            return [Ended("the mail server's answer has no end")]
        for line in lines:
            if self.is_over:
                break
            happenings += self._hear_line(line.rstrip(b"\r"))
        return happenings

    def _hear_line(self, line: bytes) -> list[Happening]:
        more = line[3:4]
        is_answer = len(line) >= 3 and line[:3].isdigit() and more in (b"", b" ", b"-")
        if not is_answer or len(line) > LONGEST_LINE or len(self._lines) >= MOST_LINES:
            return [self._end("the mail server does not speak SMTP: " + _text([line])[:200])]
        self._lines.append(line[4:])
        if more == b"-":
            return []
        lines, self._lines = self._lines, []
        return self._answer(int(line[:3]), lines)

    def _answer(self, code: int, lines: list[bytes]) -> list[Happening]:
        if not self._asked:  # unasked: a server that is going away says so
            return [self._end(f"{code} {_text(lines)}")]
        asked = self._asked.popleft()
        if asked.step in ON_THE_WAY and 200 <= code < 300 and "PIPELINING" in self.features:
            return []
        text = _text(lines)
        match asked.step:
            case Step.GREETING:
                return self._greeted(code, text)
            case Step.EHLO | Step.HELO:
                return self._introduced(asked.step, code, lines)
            case Step.STARTTLS:
                if code != 220:
                    return [self._refuse(code, f"no STARTTLS: {text}")]
                if self._heard:  # somebody in between has put words in (CVE-2011-0411)
                    return [self._end("the mail server spoke before TLS stood")]
                return [Encrypt()]
            case Step.AUTH:
                return self._signed_in(code, text, asked)
            case Step.MAIL | Step.RCPT | Step.DATA:
                assert asked.parcel is not None
                return self._on_envelope(asked.step, asked.parcel, code, text)
            case Step.DOT:
                assert asked.parcel is not None
                return self._on_dot(asked.parcel, code, text)
            case Step.LONE_DOT:
                return []
            case Step.RSET | Step.NOOP:
                if code >= 400:
                    return [self._end(f"{code} {text}")]
                return []
            case Step.QUIT:
                self.is_over = True
                return []

    # Getting to know each other

    def _greeted(self, code: int, text: str) -> list[Happening]:
        if code != 220:
            return [self._refuse(code, text)]
        self._say(b"EHLO " + self.name.encode() + b"\r\n", Step.EHLO)
        return []

    def _introduced(self, step: Step, code: int, lines: list[bytes]) -> list[Happening]:
        if not 200 <= code < 300:
            may_be_old = step is Step.EHLO and code in (500, 501, 502, 504, 550)
            if may_be_old and self.encryption is not Encryption.STARTTLS:
                self._say(b"HELO " + self.name.encode() + b"\r\n", Step.HELO)
                return []
            return [self._refuse(code, _text(lines))]
        if step is Step.EHLO:
            words = (_text([line]).partition(" ") for line in lines[1:])
            self.features = {name.upper(): rest for name, _, rest in words}
        if self.encryption is Encryption.STARTTLS and not self.is_encrypted:
            if "STARTTLS" not in self.features:
                return [self._refuse(0, "the mail server does not offer STARTTLS")]
            self._say(b"STARTTLS\r\n", Step.STARTTLS)
            return []
        if self.login is not None:
            return self._sign_in(*self.login)
        return [self._open()]

    def _sign_in(self, user: str, password: str) -> list[Happening]:
        offered = self.features.get("AUTH", "").upper().split()
        order = ["PLAIN", "LOGIN", "CRAM-MD5"]
        if not self.is_encrypted:  # then rather without showing the password
            order.insert(0, order.pop())
        how = next((name for name in order if name in offered), None)
        if how is None:
            return [self._refuse(0, "the mail server offers no way to sign in that we know")]
        match how:
            case "PLAIN":
                secret = _b64(f"\0{user}\0{password}".encode())
                self._say(b"AUTH PLAIN " + secret + b"\r\n", Step.AUTH, words=[])
            case "LOGIN":
                words = [_b64(user.encode()), _b64(password.encode())]
                self._say(b"AUTH LOGIN\r\n", Step.AUTH, words=words)
            case _:
                self._say(b"AUTH CRAM-MD5\r\n", Step.AUTH, words=[b"CRAM"])
        return []

    def _signed_in(self, code: int, text: str, asked: Asked) -> list[Happening]:
        if code == 235:
            return [self._open()]
        if code != 334 or not asked.words:
            return [self._refuse(code, f"signing in failed: {text}")]
        word, *rest = asked.words
        if word == b"CRAM":
            assert self.login is not None
            try:
                challenge = base64.b64decode(text)
            except ValueError:
                return [self._end("the mail server's challenge cannot be read")]
            user, password = self.login
            digest = hmac.new(password.encode(), challenge, "md5").hexdigest()  # RFC 2195
            word = _b64(f"{user} {digest}".encode())
        self._say(word + b"\r\n", Step.AUTH, words=rest)
        return []

    def _open(self) -> Happening:
        self.is_open = True
        return Opened()

    # One mail

    def _say_envelope(self, parcel: Parcel) -> None:
        """MAIL, RCPT and DATA in one go; the answers tell whether the text may follow."""
        self._refusal = None
        self._say_mail(parcel)
        self._say(f"RCPT TO:<{parcel.to}>\r\n".encode(), Step.RCPT, parcel)
        self._say(b"DATA\r\n", Step.DATA, parcel)

    def _say_mail(self, parcel: Parcel) -> None:
        if self._needs_reset:
            self._say(b"RSET\r\n", Step.RSET)
            self._needs_reset = False
        more = "" if parcel.to.isascii() else " BODY=8BITMIME SMTPUTF8"
        self._say(f"MAIL FROM:<{parcel.sender}>{more}\r\n".encode(), Step.MAIL, parcel)

    def _on_envelope(self, step: Step, parcel: Parcel, code: int, text: str) -> list[Happening]:
        if code == SERVICE_CLOSING and step is Step.MAIL:
            return [self._end(f"{code} {text}")]
        if step is Step.DATA and code == GO_ON:
            if self._refusal is None:
                return [Wanted(parcel)]
            # All its recipients were refused, and still it asks: a dot and no text (RFC 2920 3.1).
            self._say(b".\r\n", Step.LONE_DOT)
        elif code >= 300 and self._refusal is None:
            about_us = step is Step.MAIL
            if step is not Step.RCPT and code == 503:  # we have lost each other
                return [self._end(f"{code} {text}")]
            self._refusal = spoken(code, text, about_us=about_us)
        elif step is Step.DATA and code < 300 and self._refusal is None:
            return [self._end(f"DATA was answered by {code} {text}")]
        if code == SERVICE_CLOSING:
            self.is_over = True
        if "PIPELINING" in self.features:
            return self._refused(parcel) if step is Step.DATA or self.is_over else []
        if self._refusal is not None:
            return self._refused(parcel)
        if step is Step.MAIL:
            self._say(f"RCPT TO:<{parcel.to}>\r\n".encode(), Step.RCPT, parcel)
        elif step is Step.RCPT:
            self._say(b"DATA\r\n", Step.DATA, parcel)
        return []

    def _refused(self, parcel: Parcel) -> list[Happening]:
        assert self._refusal is not None
        reply, self._refusal = self._refusal, None
        self._offered = None
        self._needs_reset = True
        return [Answered(parcel, reply)]

    def _on_dot(self, parcel: Parcel, code: int, text: str) -> list[Happening]:
        self._texted = None
        if code == SERVICE_CLOSING or self._ends_after_dot:
            self.is_over = True
        elif self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._say_mail(waiting)
        return [Answered(parcel, spoken(code, text))]

    # The ends

    def _say(
        self,
        data: bytes,
        step: Step,
        parcel: Parcel | None = None,
        words: list[bytes] | None = None,
    ) -> None:
        self._out.append(data)
        self._asked.append(Asked(step, parcel, words))

    def _refuse(self, code: int, text: str) -> Happening:
        self.is_over = True
        return Refused(spoken(code, text, about_us=True))

    def _end(self, why: str) -> Happening:
        self.is_over = True
        return Ended(why)


def _text(lines: list[bytes]) -> str:
    return b" ".join(lines).decode("utf-8", "replace")


def _b64(text: bytes) -> bytes:
    return base64.b64encode(text)
