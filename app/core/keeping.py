"""Finished public answers in a process's memory, and the layer before Flask that gives them out.

An answer is kept under its address, the parts of the query that its view reads, and the headers
that its Vary names; it belongs to a generation of what visitors see and goes with it. Flask is
asked only for what is not here. The first to ask hears the very same bytes as those after them.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import brotli
from werkzeug.datastructures import Headers, ResponseCacheControl
from werkzeug.http import (
    parse_accept_header,
    parse_cache_control_header,
    parse_date,
    parse_etags,
    parse_set_header,
    quote_etag,
)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

MARK = "pressrum.kept"  # in the environ: what a view has said of its answer
LOOK_SECONDS = 0.25  # how old our knowledge of the generation may be before we look again
LONGEST_SECONDS = 0.75  # ... and before everybody waits for the one who looks
TURN_SECONDS = 5.0
LONGEST_ASKED = 2000  # characters of a query or a header that may be part of a key
LARGEST_SHARE = 8  # an answer larger than this share of the room is not kept
OVERHEAD = 2000  # bytes an answer takes beside its bodies, roughly
WORTH_WRAPPING = 400  # bytes; shorter ones grow when compressed
WRAPPINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    # By choice: what of it stands in the tag, and how it is made. Levels that cost a page of
    # 60 KB some milliseconds; brotli's highest costs fifty for a tenth less.
    "br": ("-br", lambda body: brotli.compress(body, quality=5)),
    "gzip": ("-gz", lambda body: gzip.compress(body, 9, mtime=0)),
}
DATED = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")
ENTITY = {"content-type", "content-length", "content-encoding", "content-language", "last-modified"}

Key = tuple[str, str, tuple[tuple[str, str], ...], tuple[str, ...]]


@dataclass(frozen=True)
class Mark:
    """What a view says of its answer: may be kept, and how.

    `asked` are the parts of the query it reads; `generation` is the one that stood before it read
    anything, None for what never changes; `until` is how long the answer is right at most.
    """

    status: int
    body: bytes
    asked: tuple[str, ...]
    generation: int | None
    until: timedelta | None = None


class Form(NamedTuple):
    """An answer in one coding."""

    headers: list[tuple[str, str]]
    body: bytes


class Answer:
    """A finished answer in every coding it is worth to have, ready to be given out."""

    __slots__ = ("forms", "generation", "modified", "short", "size", "status", "tags", "until")

    def __init__(self, status: str, headers: Headers, mark: Mark, *, wrapped: bool = True) -> None:
        self.status, self.generation = status, mark.generation
        self.until = time.monotonic() + mark.until.total_seconds() if mark.until else None
        headers.remove("Accept-Ranges")  # parts of an answer are not given out here
        if mark.generation is not None:  # to nginx in front: keep it for a second, whatever else
            headers = Headers(
                [("X-Accel-Expires", "1"), *headers]
            )  # is said; older ones want it first
        headers.setlist("Vary", [", ".join(sorted({*varied(headers), "Accept-Encoding"}))])
        tag = hashlib.sha256(mark.body).hexdigest()[:40]
        self.forms = {"": self._form(headers, mark.body, tag, "")}
        if wrapped and _is_text(headers.get("Content-Type", "")):
            for coding, (suffix, wrap) in WRAPPINGS.items():
                body = wrap(mark.body) if len(mark.body) >= WORTH_WRAPPING else mark.body
                if len(body) < len(mark.body):
                    self.forms[coding] = self._form(headers, body, tag + suffix, coding)
        self.tags = {tag + suffix for suffix in ("", *(suffix for suffix, _ in WRAPPINGS.values()))}
        self.short = {
            coding: [(name, said) for name, said in form.headers if name.lower() not in ENTITY]
            for coding, form in self.forms.items()
        }
        self.modified = parse_date(headers.get("Last-Modified"))
        self.size = OVERHEAD + sum(len(form.body) for form in self.forms.values())

    def _form(self, headers: Headers, body: bytes, tag: str, coding: str) -> Form:
        own = Headers(headers)
        own["ETag"] = quote_etag(tag)
        own["Content-Length"] = str(len(body))
        if coding:
            own["Content-Encoding"] = coding
        return Form(own.to_wsgi_list(), body)

    def give(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        """Answer a GET or a HEAD: whole, or that nothing has changed."""
        coding = ""
        if accepted := environ.get("HTTP_ACCEPT_ENCODING"):
            coding = next((one for one in _wished(accepted) if one in self.forms), "")
        if self.is_known(environ):
            start_response("304 NOT MODIFIED", self.short[coding].copy())
            return []
        form = self.forms[coding]
        start_response(self.status, form.headers.copy())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [form.body]

    def is_known(self, environ: Environ) -> bool:
        """Whether the visitor has this answer already. Tags go before times (RFC 9110, 13.2.2).

        Only a 200 can be known: for another status the conditions do not count (13.2.1).
        """
        if not self.status.startswith("200"):
            return False
        if (tags := environ.get("HTTP_IF_NONE_MATCH")) is not None:
            if tags[1:-1] in self.tags:
                return True
            told = parse_etags(tags)
            return told.star_tag or any(told.contains_weak(tag) for tag in self.tags)
        since = environ.get("HTTP_IF_MODIFIED_SINCE")
        if since is None or self.modified is None:
            return False
        moment = parse_date(since)
        return moment is not None and self.modified <= moment


class Keeping:
    """The layer. `look` asks the database for the generation; `room` is how many bytes to keep."""

    def __init__(self, app: App, *, look: Callable[[], int | None], room: int) -> None:
        self.app, self.look, self.room = app, look, room
        self.size = 0
        self.generation: int | None = None
        self._looked_at, self._commits = float("-inf"), 0
        self._looking, self._changing = threading.Lock(), threading.Lock()
        self._turns = [threading.Lock() for _ in range(64)]
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        # path -> what of a request belongs to its keys: parts of the query, headers.
        self._asked: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _forget_impossible_dates(environ)
        asked = self._asked.get(environ.get("PATH_INFO", ""))
        if asked is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._ask(environ, start_response)
        key = key_of(environ, *asked)
        if key is None:
            return self._ask(environ, start_response)
        if answer := self._found(key):
            return answer.give(environ, start_response)
        # One writes it while the others wait, rather than all at once. Nobody waits for ever.
        turn = self._turns[hash(key) % len(self._turns)]
        has_turn = turn.acquire(timeout=TURN_SECONDS)
        try:
            if answer := self._found(key):
                return answer.give(environ, start_response)
            return self._ask(environ, start_response)
        finally:
            if has_turn:
                turn.release()

    def look_again(self) -> None:
        """Forget how recently we looked: something has been committed in this process."""
        self._commits += 1
        self._looked_at = float("-inf")

    def learn(self, generation: int | None) -> None:
        """A number that somebody has read from the database; what belongs to another goes."""
        with self._changing:
            if generation == self.generation:
                return
            self.generation = generation
            for key, answer in list(self._answers.items()):
                if answer.generation is not None:
                    self._drop(key)

    def _found(self, key: Key) -> Answer | None:
        answer = self._answers.get(key)
        if answer is None:
            return None
        if answer.generation is not None and answer.generation != self._current():
            return None
        if answer.until is not None and time.monotonic() >= answer.until:
            return None
        with suppress(KeyError):  # it went this very moment
            self._answers.move_to_end(key)
        return answer

    def _current(self) -> int | None:
        """The generation as it stood at most a second ago; one thread looks for all.

        None when the database does not say: then nothing here is right for certain.
        """
        age = time.monotonic() - self._looked_at
        if age >= LOOK_SECONDS and self._looking.acquire(blocking=age >= LONGEST_SECONDS):
            try:
                now, commits = time.monotonic(), self._commits
                if now - self._looked_at >= LOOK_SECONDS:
                    self.learn(self.look())
                    if commits == self._commits:  # else our own commit may be newer than the look
                        self._looked_at = now
            finally:
                self._looking.release()
        return self.generation

    def _ask(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Let Flask answer; keep the answer when its view allows it."""
        held: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            mark: Mark | None = environ.get(MARK)
            if mark is not None and status.startswith(str(mark.status)) and is_common(headers):
                held[:] = status, headers, mark
                return lambda _: None
            return start_response(status, headers, exc_info)

        environ.pop(MARK, None)
        body = self.app(environ, start)
        if not held:
            return body
        if hasattr(body, "close"):
            body.close()
        status, headers, mark = held
        fits = len(mark.body) * 2 <= self.room // LARGEST_SHARE
        answer = Answer(status, Headers(headers), mark, wrapped=fits)
        if fits and mark.generation != 0:
            self._keep(environ, answer, mark)
        return answer.give(environ, start_response)

    def _keep(self, environ: Environ, answer: Answer, mark: Mark) -> None:
        path = environ.get("PATH_INFO", "")
        headers = {
            "HTTP_" + name.upper().replace("-", "_")
            for name in varied(Headers(answer.forms[""].headers)) - {"Accept-Encoding"}
        }
        asked = (mark.asked, tuple(sorted({*self._asked.get(path, ((), ()))[1], *headers})))
        key = key_of(environ, *asked)
        if key is None:
            return
        if mark.generation is not None and mark.generation > (self.generation or 0):
            self.learn(mark.generation)
        with self._changing:
            if mark.generation is not None and mark.generation != self.generation:
                return  # something has changed while it was written
            self._asked[path] = asked
            if key in self._answers:
                self._drop(key)
            self._answers[key] = answer
            self.size += answer.size
            while self.size > self.room:
                self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        if (answer := self._answers.pop(key, None)) is not None:
            self.size -= answer.size
        if len(self._asked) > 10 * len(self._answers) + 1000:
            here = {path for _, path, _, _ in self._answers}
            self._asked = {path: said for path, said in self._asked.items() if path in here}


def key_of(environ: Environ, asked: tuple[str, ...], headers: tuple[str, ...]) -> Key | None:
    """What an answer is kept under; None when it must not be.

    Parts of the query that no view reads are left out, so that nobody fills the memory with copies.
    A part that is given twice is none of ours to understand.
    """
    query: str = environ.get("QUERY_STRING", "")
    said: tuple[tuple[str, str], ...] = ()
    if query and asked:
        if len(query) > LONGEST_ASKED:
            return None
        parts = [one for one in parse_qsl(query, keep_blank_values=True) if one[0] in asked]
        if len(parts) != len({name for name, _ in parts}):
            return None
        said = tuple(sorted(parts))
    wishes = tuple([environ.get(name, "") for name in headers]) if headers else ()
    if headers and sum(map(len, wishes)) > LONGEST_ASKED:
        return None
    return environ["wsgi.url_scheme"], environ.get("PATH_INFO", ""), said, wishes


def varied(headers: Headers) -> set[str]:
    """The headers of a request that an answer depends on, each written in one way."""
    return {name.title() for line in headers.getlist("Vary") for name in parse_set_header(line)}


def is_common(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether an answer may be given to everybody: nothing in it is anybody's own."""
    found = Headers(list(headers))
    said = parse_cache_control_header(found.get("Cache-Control"), cls=ResponseCacheControl)
    return (
        "Set-Cookie" not in found
        and not said.no_store
        and not said.private
        and not {"Cookie", "*"} & varied(found)
    )


def _forget_impossible_dates(environ: Environ) -> None:
    """A date beyond all numbers becomes none at all. Werkzeug's reader would stumble over it."""
    for name in DATED:
        if name in environ:
            try:
                parse_date(environ[name])
            except OverflowError:
                environ[name] = "-"


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind.endswith(
        ("/json", "+json", "/xml", "+xml", "/javascript")
    )


def _wished(accepted: str) -> tuple[str, ...]:
    return _wished_of(accepted) if len(accepted) < 200 else _read_wishes(accepted)


def _read_wishes(accepted: str) -> tuple[str, ...]:
    """Our codings that a visitor takes, the dearest first; of two equals the shorter one."""
    told = parse_accept_header(accepted)
    said = {coding.lower(): quality for coding, quality in told}
    worth = {coding: said.get(coding, said.get("*", 0)) for coding in WRAPPINGS}
    return tuple(sorted((one for one in worth if worth[one] > 0), key=lambda one: -worth[one]))


_wished_of = lru_cache(maxsize=512)(_read_wishes)
