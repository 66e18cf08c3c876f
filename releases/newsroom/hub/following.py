"""Our own hub: programs follow a feed and are brought it when it changes (WebSub, W3C).

Whoever asks is believed nothing: a request is a row of its own, and only when the callback itself
has repeated a word that nobody else can know does it change what it asks about. So nobody can
subscribe, unsubscribe or change the secret of somebody else's callback. How many callbacks a host
may have, and how often it may be asked, is limited: nobody can turn us against a third party.

Rows are the truth; whatever is killed, and whenever, a row that is held comes back by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlencode, urlsplit

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects import postgresql, sqlite
from werkzeug.test import Client

from app.core import jobs
from app.core.clock import now
from app.core.db import db, guarded, reading
from app.core.errors import BadInput, NotNow
from app.core.fetching import Unfetchable, is_loopback, is_public
from app.core.generation import generation
from app.core.html import is_web_address
from app.core.tokens import BadToken, conceal, reveal
from app.core.words import LANGUAGES
from releases.newsroom.hub.outside import LEASE, RETRY_AFTER, allows_loopback, bring, is_good, look
from releases.newsroom.hub.pinging import FORMS, OWN_HUB
from releases.newsroom.models import Follower, FollowerState
from releases.newsroom.wording import base_url
from subscribers.audience.addresses import secrets_in_force

log = logging.getLogger(__name__)

SHORTEST, USUAL, LONGEST = 24 * 3600, 10 * 24 * 3600, 30 * 24 * 3600  # of a lease, in seconds
LONGEST_FEED, LONGEST_CALLBACK = 600, 1000  # characters, as in their columns
MOST_SECRET = 199  # bytes: "less than 200" (5.1)
MOST = 5000  # followers and requests in all
MOST_OF_A_HOST = 500  # a service that reads for many people has one callback for each feed
ASKED_OF_A_HOST = 120  # requests in an hour that it has not confirmed
NOT_AGAIN_FOR = timedelta(seconds=30)
FORGOTTEN_AFTER = timedelta(days=1)  # requests that came to nothing; until then they count
TRIES = 3  # to reach a callback that is to confirm
AT_ONCE = 8  # callbacks that one process asks at the same time
SECONDS = 20.0  # for one round: other jobs wait behind it
SEALED_FOR = "secret of a follower"
SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"
STATE_OF = {SUBSCRIBE: FollowerState.ASKED, UNSUBSCRIBE: FollowerState.LEAVING}
FEED = re.compile(
    rf"/(?:{'|'.join(LANGUAGES)})/(?:(?:programmes|topics|places)/[a-z0-9-]+/)?"
    rf"feed\.(?:{'|'.join(FORMS)})"
)
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")  # the end of an IPv4 address, as resolvers read it

_one_at_a_time = {"confirm": Lock(), "deliver": Lock()}
Done = TypeVar("Done")


@dataclass(frozen=True)
class Feed:
    """A feed as everybody gets it at this moment."""

    body: bytes
    content_type: str


@dataclass(frozen=True)
class Held:
    """A follower's row while the world is asked: as it was, and until when it is ours."""

    id: int
    feed_url: str
    callback: str
    secret: str
    state: FollowerState
    lease_seconds: int
    attempts: int
    until: datetime


def ask(
    mode: str, *, topic: str, callback: str, lease_seconds: str = "", secret: str = "", at: datetime
) -> None:
    """Somebody asks to follow a feed, or not any more; its callback will be asked. No commit.

    Raises BadInput for what is no request, and NotNow when the host, or the hub, has enough.
    Unsubscribing what nobody has subscribed changes nothing and tells nobody so.
    """
    if mode not in STATE_OF:
        raise BadInput("hub_mode")
    if not is_our_feed(topic):
        raise BadInput("hub_topic")
    parts = _read_callback(callback)
    if len(secret.encode()) > MOST_SECRET:
        raise BadInput("hub_secret", most=MOST_SECRET)
    if mode == UNSUBSCRIBE and _stored(follower_key(topic, callback)) is None:
        return
    _limit(parts, topic=topic, callback=callback, at=at)
    values = {
        "key": request_key(topic, callback),
        "feed_url": topic,
        "callback": callback,
        "secret": _concealed(secret) if secret else "",
        "state": STATE_OF[mode],
        "lease_seconds": _read_lease(lease_seconds),
        "due_at": at,
        "attempts": 0,
        "answer": "",
        "asked_at": at,
    }
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(Follower).values(**values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def is_our_feed(topic: str) -> bool:
    """Whether an address has the shape of one of our feeds; it need not be there."""
    base = base_url()
    if len(topic) > LONGEST_FEED or not topic.startswith(f"{base}/"):
        return False
    return FEED.fullmatch(topic[len(base) :]) is not None


def follower_key(feed_url: str, callback: str) -> bytes:
    """What names a follower: the feed and the callback together (5.1)."""
    return hashlib.sha256(f"{feed_url}\n{callback}".encode()).digest()


def request_key(feed_url: str, callback: str) -> bytes:
    """What names a request about a follower, so that it stands beside it."""
    return hashlib.sha256(f"request\n{feed_url}\n{callback}".encode()).digest()


@jobs.job("confirm_followers")
def confirm_followers() -> None:
    """Ask the callbacks of new requests whether it was they who asked; forget what is over."""
    _forget(at=now())
    _work("confirm", (FollowerState.ASKED, FollowerState.LEAVING), _confirm_all)


@jobs.job("deliver_feeds")
def deliver_feeds() -> None:
    """Bring changed feeds to those who follow them."""
    delivery = _Delivery()
    _work("deliver", (FollowerState.ACTIVE,), delivery.bring_all)


def feed_now(feed_url: str) -> Feed | None:
    """The feed as anybody who asks for it gets it; None when there is none (any more)."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.app_context(), reading():
        answer = Client(app).get(feed_url.removeprefix(base_url()), base_url=base_url())
        if answer.status_code != 200:
            return None
        return Feed(answer.get_data(), answer.headers["Content-Type"])


def _work(name: str, states: Sequence[FollowerState], do: Callable[[Sequence[Held]], None]) -> None:
    """Take what is due by a handful and do it, until nothing is or the time is up."""
    if not _one_at_a_time[name].acquire(blocking=False):
        return
    try:
        until = time.monotonic() + SECONDS
        while not jobs.stopping.is_set():
            held = _take(states, at=now())
            if not held:
                return
            do(held)
            if time.monotonic() > until:
                return
    finally:
        _one_at_a_time[name].release()


def _take(states: Sequence[FollowerState], *, at: datetime) -> list[Held]:
    """Hold some followers for the length of a lease, in one UPDATE that no two can win. Commits."""
    until = at + LEASE
    chosen = (
        sa.select(Follower.id)
        .where(Follower.state.in_(states), Follower.due_at <= at)
        .where(sa.or_(Follower.state != FollowerState.ACTIVE, Follower.expires_at > at))
        .order_by(Follower.due_at, Follower.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    if db.engine.dialect.name == "postgresql":
        chosen = sa.select(chosen.cte("chosen").prefix_with("MATERIALIZED").c.id)
    taken = db.session.execute(
        sa.update(Follower)
        .where(Follower.id.in_(chosen))
        .values(due_at=until, attempts=Follower.attempts + 1)
        .returning(
            Follower.id,
            Follower.feed_url,
            Follower.callback,
            Follower.secret,
            Follower.state,
            Follower.lease_seconds,
            Follower.attempts,
        )
        .execution_options(synchronize_session=False)
    ).all()
    db.session.commit()
    return [Held(*row, until) for row in taken]


def _confirm_all(held: Sequence[Held]) -> None:
    """Verification of intent (5.3), or its denial (5.2) when the feed is not there."""
    there = {one.feed_url: feed_now(one.feed_url) is not None for one in held}
    loopback = allows_loopback()

    def verify(one: Held) -> str:
        if one.state is FollowerState.ASKED and not there[one.feed_url]:
            _deny(one, loopback=loopback)
            return "no_such_feed"
        return _verify(one, loopback=loopback)

    for one, answer in zip(held, _together(verify, held), strict=True):
        _settle_request(one, answer, at=now())


def _verify(one: Held, *, loopback: bool) -> str:
    """Ask the callback; empty when it confirmed, otherwise why it did not."""
    challenge = token_urlsafe(32)
    asked = {"hub.mode": SUBSCRIBE, "hub.topic": one.feed_url, "hub.challenge": challenge}
    if one.state is FollowerState.ASKED:
        asked["hub.lease_seconds"] = str(one.lease_seconds)
    else:
        asked["hub.mode"] = UNSUBSCRIBE
    try:
        answer = look(_with_query(one.callback, asked), loopback=loopback)
    except Unfetchable as error:
        return error.reason
    if not is_good(str(answer.status)):
        return str(answer.status)
    return "" if hmac.compare_digest(answer.body, challenge.encode()) else "no_challenge"


def _deny(one: Held, *, loopback: bool) -> None:
    said = {
        "hub.mode": "denied",
        "hub.topic": one.feed_url,
        "hub.reason": "There is no such feed.",
    }
    try:
        look(_with_query(one.callback, said), loopback=loopback)
    except Unfetchable:
        log.info("a follower that was denied could not be told")


def _settle_request(one: Held, answer: str, *, at: datetime) -> None:
    """Make of a request what its callback said. One that was made anew meanwhile waits. Commits."""
    mine = sa.and_(Follower.id == one.id, Follower.due_at == one.until)
    key = follower_key(one.feed_url, one.callback)
    if answer:
        is_final = answer in ("404", "410", "no_challenge", "no_such_feed", "not_public", "not_web")
        if is_final or one.attempts >= TRIES:
            facts: dict[str, Any] = {"state": FollowerState.ENDED, "due_at": None}
        else:
            facts = {"due_at": at + RETRY_AFTER[one.attempts - 1]}
        guarded(sa.update(Follower).where(mine).values(answer=answer, **facts))
    elif guarded(sa.delete(Follower).where(mine)):
        if one.state is FollowerState.LEAVING:
            db.session.execute(sa.delete(Follower).where(Follower.key == key))
        else:
            _begin(one, key, at=at)
    db.session.commit()


def _begin(one: Held, key: bytes, *, at: datetime) -> None:
    """It follows from now on, or goes on with a new lease and the secret that it gave now."""
    values = {
        "key": key,
        "feed_url": one.feed_url,
        "callback": one.callback,
        "secret": one.secret,
        "state": FollowerState.ACTIVE,
        "lease_seconds": one.lease_seconds,
        "expires_at": at + timedelta(seconds=one.lease_seconds),
        "asked_at": at,
    }
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(Follower).values(**values, attempts=0, answer="")
    db.session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


class _Delivery:
    """One round of bringing feeds; each is written once for each generation of the newsroom."""

    def __init__(self) -> None:
        self.hub = f"{base_url()}{OWN_HUB}"
        self.loopback = allows_loopback()
        self.written: dict[str, tuple[int, Feed | None]] = {}

    def bring_all(self, held: Sequence[Held]) -> None:
        feeds = {url: self.feed(url) for url in {one.feed_url for one in held}}
        # Sealed with a key that nobody has any more: what is not signed would not be believed.
        secrets = {one.id: _revealed(one.secret) for one in held}

        def carry(one: Held) -> str:
            feed, secret = feeds[one.feed_url], secrets[one.id]
            if feed is None or secret is None:
                return "gone"
            try:
                return str(self.carry(one, feed, secret))
            except Unfetchable as error:
                return error.reason

        for one, answer in zip(held, _together(carry, held), strict=True):
            _settle_delivery(one, answer, at=now())

    def feed(self, url: str) -> Feed | None:
        number = generation()
        db.session.rollback()
        known = self.written.get(url)
        if known is None or known[0] != number:
            known = self.written[url] = (number, feed_now(url))
        return known[1]

    def carry(self, one: Held, feed: Feed, secret: bytes) -> int:
        headers = {
            "Content-Type": feed.content_type,
            "Link": f'<{self.hub}>; rel="hub", <{one.feed_url}>; rel="self"',
        }
        if secret:
            signed = hmac.new(secret, feed.body, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature"] = f"sha256={signed}"
        return bring(one.callback, feed.body, headers, loopback=self.loopback).status


def _settle_delivery(one: Held, answer: str, *, at: datetime) -> None:
    """Write down how it went. A feed that has changed meanwhile is brought once more. Commits."""
    mine = sa.and_(Follower.id == one.id, Follower.due_at == one.until)
    if answer in ("410", "gone"):
        db.session.execute(sa.delete(Follower).where(Follower.id == one.id))
    elif is_good(answer):
        guarded(
            sa.update(Follower)
            .where(mine)
            .values(due_at=None, attempts=0, answer=answer, told_at=at)
        )
    elif one.attempts > len(RETRY_AFTER):
        log.warning("gave up bringing %s to a follower: %s", one.feed_url, answer)
        guarded(sa.update(Follower).where(mine).values(due_at=None, attempts=0, answer=answer))
    else:
        again = at + RETRY_AFTER[one.attempts - 1]
        guarded(sa.update(Follower).where(mine).values(due_at=again, answer=answer))
    db.session.commit()


def _forget(*, at: datetime) -> None:
    """Remove leases that ran out and requests that came to nothing. Commits."""
    over = sa.and_(Follower.state == FollowerState.ACTIVE, Follower.expires_at <= at)
    failed = sa.and_(
        Follower.state == FollowerState.ENDED, Follower.asked_at <= at - FORGOTTEN_AFTER
    )
    db.session.execute(sa.delete(Follower).where(sa.or_(over, failed)))
    db.session.commit()


def _together(do: Callable[[Held], Done], held: Sequence[Held]) -> list[Done]:
    """Ask the world about some at the same time; nothing of ours is open meanwhile."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(do, held))


def _limit(parts: SplitResult, *, topic: str, callback: str, at: datetime) -> None:
    """Raises NotNow when the hub or the callback's host has as many as it may have."""
    asked = _stored(request_key(topic, callback))
    if asked is not None and asked.asked_at > at - NOT_AGAIN_FOR:
        raise NotNow("hub_too_soon")
    if asked is None and _count(sa.true()) >= MOST:
        raise NotNow("hub_full")
    here = _is_of(parts)
    if asked is None and _count(here) >= MOST_OF_A_HOST:
        raise NotNow("hub_host_full")
    lately = sa.and_(Follower.state != FollowerState.ACTIVE, Follower.asked_at > _hour_before(at))
    if _count(sa.and_(here, lately)) >= ASKED_OF_A_HOST:
        raise NotNow("hub_too_soon")


def _hour_before(at: datetime) -> datetime:
    return at - timedelta(hours=1)


def _count(which: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(Follower).where(which)) or 0


def _is_of(parts: SplitResult) -> sa.ColumnElement[bool]:
    """Whether a callback is of the same host, on whichever port and by whichever scheme."""
    known = sa.func.lower(Follower.callback)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    starts = [f"{scheme}://{named}" for scheme in ("http", "https")]
    return sa.or_(
        *(known == start for start in starts),
        *(known.startswith(start + mark, autoescape=True) for start in starts for mark in "/:?#"),
    )


def _stored(key: bytes) -> Follower | None:
    return db.session.scalar(sa.select(Follower).where(Follower.key == key))


def _read_callback(callback: str) -> SplitResult:
    """Raises BadInput for what is no address on the open web, as far as its words tell."""
    parts = urlsplit(callback) if is_web_address(callback) else SplitResult("", "", "", "", "")
    host = parts.hostname or ""
    if not host or parts.username is not None or len(callback) > LONGEST_CALLBACK:
        raise BadInput("hub_callback")
    if not (callback.isascii() and callback.isprintable()) or host.endswith("."):
        raise BadInput("hub_callback")
    inside = allows_loopback()
    if host == "localhost" and not inside:
        raise BadInput("hub_callback")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # One host could be written in many ways, each with a limit of its own: 1.2.772 is 1.2.3.4.
        if NUMERIC.fullmatch(host.rpartition(".")[2]):
            raise BadInput("hub_callback") from None
        return parts  # a name; where it leads is looked at when it is asked
    if not (is_public(host) or (inside and is_loopback(host))):
        raise BadInput("hub_callback")
    return parts


def _read_lease(text: str) -> int:
    """How long it may follow; the usual time for what is no number."""
    if not (text.isascii() and text.isdigit()):
        return USUAL
    return min(max(int(text[:9]), SHORTEST), LONGEST)


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(more)) if part)
    return parts._replace(query=query, fragment="").geturl()


def _concealed(secret: str) -> str:
    return conceal(secret.encode(), purpose=SEALED_FOR, secret=secrets_in_force()[0])


def _revealed(kept: str) -> bytes | None:
    """The secret; empty when none was given, None when our own key for it is gone."""
    if not kept:
        return b""
    for secret in secrets_in_force():
        try:
            return reveal(kept, purpose=SEALED_FOR, secret=secret)
        except BadToken:
            continue
    return None
