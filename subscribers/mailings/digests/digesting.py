"""Digests: once a day or once a week, what was announced since the last, in one mail.

A period begins where the one before ended and is over at the hour that the organisation has chosen.
Its row is written first, and once, so that a digest is made up once whatever runs twice, and made
up late when nothing ran at its hour. Whom it is for: `readers`.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.core import jobs
from app.core.clock import local
from app.core.db import db, guarded, reading
from app.core.organisation import Organisation, organisation
from app.core.words import LANGUAGES
from subscribers.audience.models import Frequency, Subscription
from subscribers.audience.subscribing import active_of, insert_new
from subscribers.mailings.digests.readers import (
    CATCHING_UP,
    WITHDRAWN,
    Digest,
    announced,
    item_of,
    mask_of,
    masks,
    stretches,
)
from subscribers.mailings.models import (
    Announced,
    Delivery,
    DigestRun,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.retaining import deliveries_since
from subscribers.mailings.sending.claiming import clock
from subscribers.mailings.writing.queueing import queue_digest

log = logging.getLogger(__name__)

DIGESTS = {Frequency.DAILY: 1, Frequency.WEEKLY: 7}  # days that a period has
MOST = 60  # releases in one mail; of more, the rest are a period of their own
# What was published at the hour itself may not be committed yet.
AFTER_THE_HOUR = timedelta(minutes=1)
LOOKED_FOR = timedelta(days=14)  # how long after its hour a period's readers are looked for
ROUNDS = 5  # how often a period is looked over for people who have changed what they want


@jobs.job("digest")
def make_up_digests() -> None:
    """Make up every digest whose hour has passed, and see that those made up left nobody out."""
    at = clock()
    for frequency in DIGESTS:
        for language in LANGUAGES:
            settle(frequency, language, at=at)
            while make_up(frequency, language, at=at):
                pass


def make_up(frequency: Frequency, language: str, *, at: datetime) -> bool:
    """Queue the digest of the period that is over, if it has not been. Commits.

    True when one was made up, with releases or without.
    """
    over = last_hour(frequency, organisation(), at=at - AFTER_THE_HOUR)
    last = _last_run(frequency, language)
    since = last.ends_at if last else last_hour(frequency, organisation(), at=over, before=True)
    if since >= over:
        db.session.rollback()
        return False
    found = announced(language, since=since, until=over)
    if len(found) > MOST:
        found = [one for one in found if one.at <= found[MOST - 1].at]
        over = found[-1].at
    row = {
        "frequency": frequency.value,
        "language": language,
        "starts_at": since,
        "ends_at": over,
        "made_at": at,
        "items": len(found),
        "settled_at": None if found else at,
    }
    digest = Digest(frequency, language, over, tuple(item_of(one) for one in found))
    if not insert_new(DigestRun, [row], DigestRun.id):
        db.session.rollback()
        return False
    db.session.commit()
    _look_over(digest, at=at)
    return True


def settle(frequency: Frequency, language: str, *, at: datetime) -> None:
    """Look once more at each period that is not settled, when all of its mailings are written down.
    Commits.

    Not only at the last: a look that was broken off, and a digest that was called off when the next
    had been made up, have readers too. Whoever has left one of two topics meanwhile, or chosen
    another language, fits none of the mailings that were made up for what people wanted then: they
    get one of their own.
    """
    ids = [one.id for one in _unsettled(frequency, language, at=at)]
    db.session.rollback()
    for run_id in ids:
        _settle(run_id, at=at)


def _settle(run_id: int, *, at: datetime) -> None:
    run = db.session.get_one(DigestRun, run_id, populate_existing=True)
    if run.settled_at is not None:
        db.session.rollback()
        return
    frequency, language = Frequency(run.frequency), run.language
    mailings = _mailings_of(run)
    if any(_is_unwritten(one) for one in mailings):
        db.session.rollback()
        return
    withdrawn = [one for one in mailings if WITHDRAWN in one.pause_facts]
    if _is_in_the_open(withdrawn):
        db.session.rollback()
        return
    stopped = any(one.state is MailingState.CANCELLED for one in mailings if one not in withdrawn)
    since, until = run.starts_at, run.ends_at
    found = announced(language, since=since, until=until)
    digest = Digest(frequency, language, until, tuple(item_of(one) for one in found))
    db.session.rollback()
    is_over = stopped or len(mailings) > MOST * ROUNDS
    if is_over or _look_over(digest, at=at):
        guarded(
            sa.update(DigestRun)
            .where(DigestRun.id == run_id, DigestRun.settled_at.is_(None))
            .values(settled_at=at)
        )
    db.session.commit()


def _look_over(digest: Digest, *, at: datetime) -> bool:
    """Queue mailings for whatever sets of releases people are to get; True when nobody is left.

    Stretch by stretch, so that the first mail goes out long before the last reader is looked at.
    Commits after each in which something new is found. Broken off, it is done again from the
    start: who has been written down is not found again.
    """
    known: set[str] = set()
    is_over = True
    with reading():  # a long look at a long list: nobody is to wait for it
        parts = list(stretches(digest))
        db.session.rollback()
    for above, upto in parts:
        with reading():
            wanted = sorted(set(masks(digest, above=above, upto=upto)) - known)
            db.session.rollback()
        if not wanted:
            continue
        known |= set(wanted)
        if not _stand(announced_of(digest)):  # withdrawn during the look: the next looks anew
            db.session.rollback()
            return False
        queued = _queue_each(digest, wanted, at=at)
        db.session.commit()
        if queued:
            jobs.ring("deliver")
        if queued or _is_being_written(digest):
            is_over = False
        else:
            log.warning("%s is settled with people left", digest.prefix)
        if jobs.stopping.is_set():
            return False
    return is_over


def _is_in_the_open(mailings: Sequence[Mailing]) -> bool:
    """Whether mails of theirs still wait to be called off, or are just being handed over."""
    ids = [one.id for one in mailings]
    held = sa.exists().where(Delivery.mailing_id.in_(ids), Delivery.lease_until.is_not(None))
    due = sa.exists().where(Delivery.mailing_id.in_(ids), Delivery.due_at.is_not(None))
    return bool(ids) and bool(db.session.scalar(sa.select(sa.or_(due, held))))


def catch_up(subscriber_id: int, frequency: Frequency, *, at: datetime) -> Mailing | None:
    """Send one person now what the next digest would have had for them.

    For somebody who is about to want it otherwise: what has been announced since the last digest
    was mailed to others at once, and the next digest will not be theirs. None when there is
    nothing. No commit.
    """
    if frequency not in DIGESTS:
        return None
    theirs = [one for one in active_of(subscriber_id) if one.frequency is frequency]
    if not theirs:
        return None
    language = theirs[0].subscriber.language
    last = _last_run(frequency, language)
    since = last_hour(frequency, organisation(), at=at)
    if last is not None:  # as long as its readers are looked for, they may not have been found
        unsettled = _unsettled(frequency, language, at=at)
        since = unsettled[0].starts_at if unsettled else last.ends_at
    found = announced(language, since=since, until=at)
    digest = Digest(frequency, language, at, tuple(item_of(one) for one in found))
    chosen = _chosen(found, mask_of(subscriber_id, digest))
    if not chosen:
        return None
    to = _through(theirs, chosen)
    return queue_digest(
        chosen,
        key=f"{CATCHING_UP}{to.public_id.hex()}:{at.isoformat()}",
        frequency=frequency,
        language=language,
        to=to,
        at=at,
    )


def last_hour(
    frequency: Frequency, sender: Organisation, *, at: datetime, before: bool = False
) -> datetime:
    """The last moment, up to `at`, at which this kind of digest is made up; `before` it if asked.

    By the organisation's wall clock: the days on which clocks are changed have 23 or 25 hours.
    """
    zone, days = ZoneInfo(sender.time_zone), DIGESTS[frequency]
    day = local(at, sender.time_zone).date()
    if frequency is Frequency.WEEKLY:
        day -= timedelta(days=(day.weekday() - sender.digest_weekday) % 7)

    def hour_of(day_before: int) -> datetime:
        that = day - timedelta(days=day_before)
        return datetime.combine(that, time(sender.digest_hour), zone)

    back = 0 if hour_of(0) < at or (hour_of(0) == at and not before) else days
    return hour_of(back).astimezone(at.tzinfo)


def _queue_each(digest: Digest, wanted: Sequence[str], *, at: datetime) -> int:
    """One mailing for each set of releases that somebody is to get. How many are new."""
    found = announced_of(digest)
    paused = _paused(digest)
    queued = 0
    for mask in wanted:
        chosen = _chosen(found, mask)
        key = _key(digest, chosen)
        if key is None:
            continue  # too many like it, or one that is still being written down: it finds them
        mailing = queue_digest(
            chosen,
            key=key,
            frequency=digest.frequency,
            language=digest.language,
            audience=digest.as_data(mask),
            at=at,
        )
        if paused is not None:
            mailing.state, mailing.paused_from = MailingState.PAUSED, mailing.state
            mailing.paused_because = paused.paused_because
            facts = {name: fact for name, fact in paused.pause_facts.items() if name != WITHDRAWN}
            mailing.pause_facts = facts
        queued += 1
    return queued


def _paused(digest: Digest) -> Mailing | None:
    """The last of its mailings that was called off, for a release of it, while it was paused;
    None when one that came after it has been let go."""
    mailings = _mailings_with(digest.prefix)
    called_off = [one for one in mailings if WITHDRAWN in one.pause_facts and one.paused_because]
    if not called_off:
        return None
    paused = max(called_off, key=lambda one: one.id)
    assert paused.finished_at is not None
    since = [one for one in mailings if one.queued_at >= paused.finished_at]
    return None if any(one.paused_because is None for one in since) else paused


def announced_of(digest: Digest) -> list[Announced]:
    """The releases of a digest, in its order.

    Until the caller's commit none can be withdrawn: whoever withdraws one then finds the mailing.
    """
    rows = db.session.scalars(
        sa.select(Announced)
        .where(
            Announced.language == digest.language,
            Announced.story.in_([one.story for one in digest.items]),
        )
        .order_by(Announced.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    by_story = {one.story: one for one in rows}
    return [by_story[one.story] for one in digest.items]


def _stand(found: Sequence[Announced]) -> bool:
    """Whether none of them has been withdrawn."""
    return all(one.withdrawn_at is None for one in found)


def _chosen(found: Sequence[Announced], mask: str) -> list[Announced]:
    return [one for one, bit in zip(found, mask, strict=True) if bit == "1"]


def _through(theirs: Sequence[Subscription], chosen: Sequence[Announced]) -> Subscription:
    slugs = {slug for one in chosen for slug in one.topics}
    return next(one for one in theirs if one.topic.slug in slugs)


def _key(digest: Digest, chosen: Sequence[Announced]) -> str | None:
    """A name that no mailing has yet; None when there have been too many like it, or one is being
    written down: then somebody else looks as well."""
    keys = "\n".join(one.key for one in chosen).encode()
    name = f"{digest.prefix}{_short(keys)}"
    names = [name, *(f"{name}:{n}" for n in range(2, ROUNDS + 1))]
    like_it = list(db.session.scalars(sa.select(Mailing).where(Mailing.key.in_(names))))
    if any(_is_unwritten(one) for one in like_it):
        return None
    taken = {one.key for one in like_it}
    return next((one for one in names if one not in taken), None)


def _short(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def _is_being_written(digest: Digest) -> bool:
    is_unwritten = any(_is_unwritten(one) for one in _mailings_with(digest.prefix))
    db.session.rollback()
    return is_unwritten


def _mailings_of(run: DigestRun) -> list[Mailing]:
    return _mailings_with(Digest(Frequency(run.frequency), run.language, run.ends_at, ()).prefix)


def _mailings_with(prefix: str) -> list[Mailing]:
    return list(
        db.session.scalars(
            sa.select(Mailing).where(
                Mailing.kind == MailingKind.DIGEST, Mailing.key.startswith(prefix, autoescape=True)
            )
        )
    )


def _is_unwritten(mailing: Mailing) -> bool:
    unwritten = MailingState.MATERIALISING
    return mailing.finished_at is None and unwritten in (mailing.state, mailing.paused_from)


def _last_run(frequency: Frequency, language: str) -> DigestRun | None:
    return db.session.scalar(
        sa.select(DigestRun)
        .where(DigestRun.frequency == frequency.value, DigestRun.language == language)
        .order_by(DigestRun.starts_at.desc())
        .limit(1)
    )


def _unsettled(frequency: Frequency, language: str, *, at: datetime) -> list[DigestRun]:
    """The periods whose readers are still looked for, the oldest first.

    None but the last that is old news, or of which the rows that tell who has had it may be gone.
    """
    last = _last_run(frequency, language)
    if last is None:
        return []
    is_late = sa.and_(
        DigestRun.ends_at > at - LOOKED_FOR, DigestRun.starts_at > deliveries_since(at)
    )
    return list(
        db.session.scalars(
            sa.select(DigestRun)
            .where(
                DigestRun.frequency == frequency.value,
                DigestRun.language == language,
                DigestRun.settled_at.is_(None),
                sa.or_(DigestRun.id == last.id, is_late),
            )
            .order_by(DigestRun.starts_at)
        )
    )
