"""From claimed rows to the mail server: claim, name, fence, dot, and write down the answer.

One thread with several connections goes round: it writes down what was answered and fences what the
server wants, in one transaction, and only then lets dots out. Whatever is killed, and whenever: a
row that waits is found again, a row that was claimed goes back, and only the one mail of each
connection whose dot may be out can be repeated, with the same Message-ID and counted as uncertain.
"""

from __future__ import annotations

import gc
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

import sqlalchemy as sa
from flask import current_app

from app.core import jobs
from app.core.alerts import clear_alert, raise_alert
from app.core.db import db
from app.core.mail import tls_context
from subscribers.mailings.returns import refusals
from subscribers.mailings.sending import breaking, claiming, fencing
from subscribers.mailings.sending.claiming import Batch, claim, clock, hand_back
from subscribers.mailings.sending.conversation import Answered, Encryption, Opened, Parcel, Wanted
from subscribers.mailings.sending.filling import Filler, Mail
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.sending.outcomes import Outcome
from subscribers.mailings.sending.replies import LONGEST, Reply, Unasked, spoken
from subscribers.mailings.sending.transport import Away, Courier, Lost, News, Relay, Returned

log = logging.getLogger(__name__)


class Learn(Protocol):
    """What learns from answers, in the transaction that writes them down."""

    def __call__(self, outcomes: Sequence[Outcome], *, at: datetime) -> None: ...


# Senders in one process: while the one waits for the database's answer, the other talks. SQLite
# has nobody to wait for, and one writer.
SENDERS = {"postgresql": 2}
CONNECTIONS_EACH = 8  # at least; a mail server that allows few should not refuse one of them
MOST_HELD = 1_000  # claimed and not yet named, however fast the mail server is
HELD_SECONDS = (
    1.0  # what goes out in so long may be claimed ahead; a more urgent mailing waits for it
)
LONGEST_WAIT = timedelta(seconds=5)  # for a limit to let go; what takes longer is for a later round
LOOK_SECONDS = 0.25  # between two looks for what has become due
CLOCK_SECONDS = 5.0  # between two looks at the shared clock
GATHER_SECONDS = 0.002  # for which a mail that is wanted may wait for others to be fenced with it
TELL_SECONDS = 0.5  # for which mails that were taken may wait to be learnt from
STOP_SECONDS = 25.0  # for answers that are still awaited when the process has to end
RETURNS = 2  # connections that may end under a mail before it is put off
REFUSALS = 5  # of ourselves, one after the other, before the mail server counts as away
DATABASE_TRIES = 3
PUT_OFF = timedelta(minutes=1)
ABSENCE_SECONDS = (0, 30, 60, 120)  # until a server that was away is tried again

_pumping = threading.Lock()
_wanted = threading.Event()


@jobs.job("sweep", everywhere=True)
def sweep() -> None:
    """Take back what expired leases and dead processes of this machine held; end what is done.

    Registered before `deliver`, so that what comes back goes out in the same round.
    """
    claiming.release_expired(at=clock())
    claiming.release_dead(at=clock())
    claiming.finish(at=clock())


@jobs.job("deliver", everywhere=True)
def deliver() -> None:
    """Send all that is due, over as many connections as the settings allow.

    Runs once in a process at a time; a ring while it runs makes it look once more.
    """
    _wanted.set()
    while _wanted.is_set() and _pumping.acquire(blocking=False):
        try:
            _wanted.clear()
            send_until_idle()
        finally:
            _pumping.release()


def send_until_idle() -> None:
    """Claim and send until nothing is due, the mail server is away or the process has to end."""
    if jobs.stopping.is_set():
        return
    if absence().lasts:
        _write_down_audiences()
        return
    _set_aside_what_stays()
    _send_side_by_side()
    _write_down_audiences()
    claiming.finish(at=clock())


def _send_side_by_side() -> None:
    """As two workers would, each with its share of the connections. An error of one is raised when
    the other has ended too."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    connections: int = app.config["CONNECTIONS"]
    most = SENDERS.get(db.engine.dialect.name, 1)
    senders = max(1, min(most, connections // CONNECTIONS_EACH))
    shares = [connections // senders + (n < connections % senders) for n in range(senders)]

    def send_apart(share: int) -> bool:
        with app.app_context():
            return _send(connections=share)

    with ThreadPoolExecutor(max(senders - 1, 1)) as threads:
        others = [threads.submit(send_apart, share) for share in shares[1:]]
        was_there = _send(connections=shares[0])
    if not all([was_there, *(other.result() for other in others)]):
        absence().begin()


def _send(*, connections: int) -> bool:
    """False when the mail server was away in the end."""
    timeout = current_app.config["REPLY_TIMEOUT_SECONDS"]
    with Courier(relay(), connections=connections, reply_timeout=timeout) as courier:
        sender = Sender(courier)
        try:
            sender.run()
        finally:
            db.session.rollback()
            sender.leave()
        return not sender.is_away


def _write_down_audiences() -> None:
    """Those that a mail server that is away has left unwritten: whom a mailing is for is decided
    at its time, and the office sees what waits."""
    while not jobs.stopping.is_set() and materialise(at=clock()):
        pass


@cache
def _set_aside_what_stays() -> None:
    """Once in a process: what is there by now, modules mostly, is looked through for garbage no
    more. So many objects are made for each mail that it would be every second."""
    gc.freeze()


def relay() -> Relay:
    """The mail server of the settings."""
    settings = current_app.extensions["mail"]
    encryption = Encryption.NONE
    if settings.use_ssl:
        encryption = Encryption.TLS
    elif settings.use_tls:
        encryption = Encryption.STARTTLS
    signs_in = settings.username and settings.password
    return Relay(
        host=settings.server,
        port=settings.port,
        name=_own_name(),
        encryption=encryption,
        context=tls_context,
        login=(settings.username, settings.password) if signs_in else None,
    )


class Absence:
    """How long a mail server that was away is left alone; this process's own memory of it."""

    def __init__(self) -> None:
        self.times = 0
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        return time.monotonic() < self._until

    def begin(self) -> None:
        pause = ABSENCE_SECONDS[min(self.times, len(ABSENCE_SECONDS) - 1)]
        self.times += 1
        self._until = time.monotonic() + pause

    def end(self) -> None:
        self.times, self._until = 0, 0.0


def absence() -> Absence:
    """This application's."""
    found: Absence = current_app.extensions.setdefault("mail_server_absence", Absence())
    return found


class Sender:
    """One round of sending. `_ready` is claimed, `_open` named to the server; what stands in
    neither is none of ours."""

    def __init__(self, courier: Courier) -> None:
        self.courier = courier
        self.server = f"{courier.relay.host}:{courier.relay.port}"
        self.lease = timedelta(seconds=current_app.config["LEASE_SECONDS"])
        self.fence_lease = timedelta(seconds=courier.reply_timeout + 60)
        self.filler = Filler()
        self._ready: deque[Mail] = deque()
        self._open: dict[Parcel, Mail] = {}
        self._fenced: set[Mail] = set()
        self._answers: list[fencing.Answer] = []  # not written down yet
        self._outcomes: list[Outcome] = []  # that nobody has learnt from yet
        self._told_at = time.monotonic()
        self._clock = _Clock()
        self._pace = _Pace()
        self._renewed = time.monotonic()
        self._look_at = 0.0  # when to look for what is due
        self._is_dry = False
        self.is_away = False
        self._away_reply: Reply | None = None
        self._was_opened = False
        self._refusals = 0
        self._failures = 0
        self._stopping_at: float | None = None

    def run(self) -> None:
        while True:
            if jobs.stopping.is_set():
                if self._stop():
                    break
            elif self.is_away:
                if not self.courier.in_the_open and not self._answers:
                    break
            else:
                self._refill()
                if self._is_done:
                    break
                self.courier.widen(len(self._ready))
                self.courier.name(self._parcels())
            self._take_in(self._news())
            self._renew()

    def leave(self) -> None:
        """Let go of what is still only claimed, and say goodbye."""
        mails = [*self._ready, *(mail for mail in self._open.values() if mail not in self._fenced)]
        self._ready.clear()
        self._hand_back(mails)
        self.courier.quit()

    @property
    def _is_done(self) -> bool:
        return self._is_dry and not self._ready and self.courier.is_quiet and not self._answers

    # What is due

    def _refill(self) -> None:
        """Claim what the connections can take, and what goes out in the next second."""
        if _wanted.is_set():
            _wanted.clear()
            self._look_at = 0.0
        room = self.courier.room()
        ahead = self._pace.per_second * HELD_SECONDS
        while len(self._ready) < room + min(ahead, MOST_HELD) / 4:
            if time.monotonic() < self._look_at:
                return
            size = max(room, min(int(ahead), MOST_HELD))
            if not self._claim(size):
                return

    def _claim(self, size: int) -> bool:
        try:
            batch = claim(at=self._clock.now(), size=size)
            if batch is None:
                return self._ran_dry()
            self.filler.learn(batch.mailing_id, batch.kind)
            db.session.rollback()
        except sa.exc.SQLAlchemyError:
            self._failed("what is due could not be claimed")
            return False
        self._is_dry = False
        self._ready.extend(Mail(claimed, batch) for claimed in batch.deliveries)
        return True

    def _ran_dry(self) -> bool:
        """Nothing to claim: write down more of an audience, or say when to look again."""
        at = self._clock.now()
        if materialise(at=at):
            return True
        if not self._is_dry:
            claiming.finish(at=at)
        due = claiming.next_due(at=at)
        wait = LOOK_SECONDS
        if due is not None:
            wait = min(wait, (due - at).total_seconds())
        self._is_dry = due is None or due - at > LONGEST_WAIT
        self._look_at = time.monotonic() + max(wait, 0.0)
        return False

    def _parcels(self) -> Iterator[Parcel]:
        """Mails filled in, one whenever there is room for it."""
        while self._ready:
            mail = self._ready.popleft()
            try:
                parcel = self.filler.parcel(mail)
            except (KeyError, ValueError) as error:
                log.error("delivery %s cannot be filled in: %s", mail.id, error)
                self._answers.append((mail, Unasked(554, f"5.6.0 {error}"[:LONGEST])))
                continue
            self._open[parcel] = mail
            yield parcel

    # What happened

    def _news(self) -> list[News]:
        """What has happened. A commit costs as much for one mail as for many: as long as the server
        wants fewer than half of what it was told about, others are waited for a moment."""
        news = self.courier.poll(self._patience())
        until = time.monotonic() + GATHER_SECONDS
        while news and 2 * sum(isinstance(one, Wanted) for one in news) < self.courier.named:
            left = until - time.monotonic()
            if left <= 0:
                break
            news += self.courier.poll(left)
        return news

    def _take_in(self, news: Sequence[News]) -> None:
        wanted: dict[Parcel, Mail] = {}
        back: list[tuple[Mail, Returned]] = []
        lost: list[fencing.Answer] = []
        for one in news:
            match one:
                case Wanted(parcel):
                    wanted[parcel] = self._open[parcel]
                case Answered(parcel, reply):
                    self._answers.append((self._open.pop(parcel), reply))
                    self._count(reply)
                case Returned(parcel):
                    wanted.pop(parcel, None)
                    back.append((self._open.pop(parcel), one))
                case Lost(parcel, why):
                    log.warning("%s: the answer to a final dot was lost (%s)", self.server, why)
                    lost.append((self._open.pop(parcel), spoken(0, why)))
                case Opened():
                    self._opened()
                case Away(reply):
                    self._away(reply)
        if wanted or self._answers or back or lost:
            self._write_down(wanted, back, lost)
        if self._away_reply is not None:
            self._put_off(self._away_reply)
            self._away_reply = None

    def _write_down(
        self,
        wanted: dict[Parcel, Mail],
        back: list[tuple[Mail, Returned]],
        lost: list[fencing.Answer],
    ) -> None:
        """Answers and fences, in one transaction; then the dots."""
        try:
            at = self._clock.now()
            fencing.record(self._answers, at=at)
            fencing.note(lost, at=at)
            fencing.unfence([mail for mail, one in back if one.was_fenced], at=at, lease=self.lease)
            may_go = fencing.fence(wanted.values(), at=at, lease=self.fence_lease)
            self._tell(self._answers, at=at)
            db.session.commit()
        except sa.exc.SQLAlchemyError:
            # Nothing was fenced, so nothing goes out; what was answered is written down later.
            self.courier.withdraw(wanted)
            self._ready.extendleft(self._open.pop(parcel) for parcel in wanted)
            self._take_back(back)
            self._failed("answers and fences could not be written down")
            return
        self._failures = 0
        self._settled([*self._answers, *lost])
        cooled = {mail.batch.domain_group for mail, reply in self._answers if _asks_for_less(reply)}
        self._answers = []
        self._take_back(back)
        if cooled:
            self._leave_alone(cooled)
        go = [parcel for parcel, mail in wanted.items() if mail in may_go]
        self._fenced |= may_go
        self.courier.hand_over(go)
        if len(go) < len(wanted):
            self._withdraw([parcel for parcel in wanted if parcel not in set(go)])

    def _settled(self, answers: Collection[fencing.Answer]) -> None:
        self._fenced.difference_update(mail for mail, _ in answers)
        self._pace.count(len(answers))

    def _take_back(self, back: Collection[tuple[Mail, Returned]]) -> None:
        """Mails whose connection ended before anything was handed over go to the next one."""
        for mail, _ in back:
            self._fenced.discard(mail)
        tired = [(mail, one.why) for mail, one in back if one.is_fault and mail.returned >= RETURNS]
        for mail, one in back:
            if one.is_fault and mail.returned >= RETURNS:
                continue
            mail.returned += one.is_fault
            self._ready.appendleft(mail)
        for mail, why in tired:
            reply = spoken(0, why, about_us=True)
            self._answers.append((mail, reply))
            self._count(reply)

    def _withdraw(self, parcels: Collection[Parcel]) -> None:
        """The fence refused some: lost to others, left or stopped. So may be all of a batch."""
        self.courier.withdraw(parcels)
        mails = [self._open.pop(parcel) for parcel in parcels]
        batches = {mail.batch.holder for mail in mails}
        mails += [mail for mail in self._ready if mail.batch.holder in batches]
        self._ready = deque(mail for mail in self._ready if mail.batch.holder not in batches)
        self._hand_back(mails)

    def _leave_alone(self, groups: Collection[str]) -> None:
        """Some providers want less: what is claimed for them waits until they may be written to."""
        mails = [mail for mail in self._ready if mail.batch.domain_group in groups]
        self._ready = deque(mail for mail in self._ready if mail.batch.domain_group not in groups)
        self._hand_back(mails)

    def _tell(self, answers: Sequence[fencing.Answer], *, at: datetime) -> None:
        """Let others learn from the answers, of refusals at once. Whatever they make of it, the
        answers stand."""
        news = [
            fencing.outcome(mail, reply)
            for mail, reply in answers
            if reply.code and not isinstance(reply, Unasked)
        ]
        self._outcomes += news
        is_calm = all(outcome.accepted for outcome in news)
        if not self._outcomes:
            return
        if is_calm and time.monotonic() - self._told_at < TELL_SECONDS:
            return
        outcomes, self._outcomes = self._outcomes, []
        self._told_at = time.monotonic()
        for learn in (refusals.mark_refusals, breaking.learn):
            _teach(learn, outcomes, at=at)

    # The mail server

    def _opened(self) -> None:
        if not self._was_opened:
            self._was_opened = True
            absence().end()
            try:
                if clear_alert("relay_unreachable", self.server, at=self._clock.now()):
                    log.info("%s takes mail again", self.server)
                db.session.commit()
            except sa.exc.SQLAlchemyError:
                self._failed("an alert could not be ended")

    def _count(self, reply: Reply) -> None:
        self._refusals = self._refusals + 1 if reply.about_us else 0
        if self._refusals >= REFUSALS:
            self._away(reply)

    def _away(self, reply: Reply) -> None:
        log.warning("%s does not take our mail: %s %s", self.server, reply.code or "", reply.text)
        self._away_reply = reply
        self.is_away = True

    def _put_off(self, reply: Reply) -> None:
        """The server is away or refuses us: what we hold waits, and somebody is told."""
        at = self._clock.now()
        mails = [*self._ready, *(self._open.pop(parcel) for parcel in self.courier.let_go())]
        self._ready.clear()
        try:
            fencing.put_off(mails, reply, at=at, until=at + PUT_OFF)
            said = f"{reply.code or ''} {reply.text}".strip()
            facts = {"server": self.server, "said": said}
            raise_alert("relay_unreachable", self.server, facts=facts, at=at)
            db.session.commit()
        except sa.exc.SQLAlchemyError:
            db.session.rollback()
            log.exception("%s mails wait for their leases to run out", len(mails))

    # Keeping, giving up

    def _renew(self) -> None:
        """Keep what is claimed and has to wait. What is fenced has a lease of its own."""
        if time.monotonic() - self._renewed < self.lease.total_seconds() / 3:
            return
        self._renewed = time.monotonic()
        held: dict[str, tuple[Batch, list[int]]] = {}
        for mail in (*self._ready, *self._open.values()):
            if mail not in self._fenced:
                held.setdefault(mail.batch.holder, (mail.batch, []))[1].append(mail.id)
        try:
            for batch, ids in held.values():
                claiming.renew(batch, ids)
        except sa.exc.SQLAlchemyError:
            self._failed("leases could not be renewed")

    def _hand_back(self, mails: Collection[Mail]) -> None:
        """Back to the queue, where there is something to look for again."""
        if not mails:
            return
        self._is_dry, self._look_at = False, 0.0
        held: dict[str, tuple[Batch, list[int]]] = {}
        for mail in mails:
            held.setdefault(mail.batch.holder, (mail.batch, []))[1].append(mail.id)
        try:
            at = self._clock.now()
            for batch, ids in held.values():
                hand_back(batch, ids, due_at=at)
            db.session.commit()
        except sa.exc.SQLAlchemyError:
            db.session.rollback()
            log.exception("%s mails wait for their leases to run out", len(mails))

    def _stop(self) -> bool:
        """Give back what is not in the open and wait for what is. True when all is settled."""
        if self._stopping_at is None:
            self._stopping_at = time.monotonic()
            for parcel in self.courier.let_go():
                self._ready.append(self._open.pop(parcel))
            self._hand_back(self._ready)
            self._ready.clear()
        late = time.monotonic() - self._stopping_at > STOP_SECONDS
        return late or (not self.courier.in_the_open and not self._answers)

    def _patience(self) -> float:
        """How long to wait for news."""
        if self._answers:
            return 0.0
        until = self._look_at - time.monotonic()
        return min(max(until, 0.0), LOOK_SECONDS) if until > 0 else LOOK_SECONDS

    def _failed(self, what: str) -> None:
        """The database would not. Raises its error when it has done so again and again."""
        db.session.rollback()
        self._failures += 1
        log.warning("%s (%s in a row)", what, self._failures, exc_info=True)
        if self._failures >= DATABASE_TRIES:
            raise
        self._look_at = time.monotonic() + LOOK_SECONDS
        jobs.stopping.wait(LOOK_SECONDS)


def _teach(learn: Learn, outcomes: Sequence[Outcome], *, at: datetime) -> None:
    """One that nothing can be made of costs none of the others: they are then told one by one."""
    try:
        with db.session.begin_nested():
            learn(outcomes, at=at)
    except Exception:
        if len(outcomes) == 1:
            log.exception("%s learnt nothing from an answer", learn.__module__)
            return
        for outcome in outcomes:
            _teach(learn, [outcome], at=at)


def _asks_for_less(reply: Reply) -> bool:
    return reply.transient and reply.about_policy and not reply.about_us


class _Clock:
    """The clock that all senders share, asked now and then and counted on in between."""

    def __init__(self) -> None:
        self._asked = clock()
        self._at = time.monotonic()

    def now(self) -> datetime:
        passed = time.monotonic() - self._at
        if passed > CLOCK_SECONDS:
            self.__init__()  # type: ignore[misc]
            return self._asked
        return self._asked + timedelta(seconds=passed)


class _Pace:
    """How many mails are answered in a second, of late."""

    def __init__(self) -> None:
        self.per_second = 0.0
        self._since = time.monotonic()
        self._answers = 0

    def count(self, answers: int) -> None:
        self._answers += answers
        passed = time.monotonic() - self._since
        if passed > LOOK_SECONDS:
            self.per_second = (self.per_second + self._answers / passed) / 2
            self._since, self._answers = time.monotonic(), 0


@cache
def _own_name() -> str:
    """What we call ourselves in EHLO: a name with a dot, or an address (RFC 5321 4.1.4)."""
    name = socket.getfqdn()
    if "." in name and name.isascii():
        return name
    try:
        return f"[{socket.gethostbyname(socket.gethostname())}]"
    except OSError:
        return "[127.0.0.1]"
