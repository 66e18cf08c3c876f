"""Correcting what has gone out: whoever got the wrong words by mail gets the right ones, once.

Publishing a correction stops the mailings that still carry the wrong words. Those whom they have
reached get the correction, told first what was wrong; those whom they had not reached get the right
text as the ordinary mail they were waiting for. Those who read wrong words under embargo get a
letter of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from flask import render_template

from app.core.db import db
from app.core.errors import BadInput
from app.core.formats import date_and_time
from app.core.organisation import organisation
from app.core.words import translate
from releases.editorial.announcing import announcement, topics
from releases.editorial.models import Publication, Release, Revision
from releases.editorial.publications import mailing_key, publications
from releases.review.embargo import readers_of
from releases.review.models import Invitation
from subscribers.mailings.controlling import stop
from subscribers.mailings.models import Mailing, MailingKind
from subscribers.mailings.sending.audiences import how_many, in_digests, missed, received
from subscribers.mailings.writing.queueing import Announcement, queue, queue_letter

LONGEST_NOTE = 2000


@dataclass(frozen=True)
class Reach:
    """Whom a correction goes to, counted before it is published.

    `received` have got wrong words, `missed` still wait for them, and `readers` met them under
    embargo. `is_mailed` is False when no mailing has carried them.
    """

    is_mailed: bool
    received: int = 0
    missed: int = 0
    readers: int = 0


def note_of(text: str) -> str:
    """What readers are told was wrong, as one paragraph. Raises BadInput when it says nothing.

    The groups of a long figure are held together, however they were typed.
    """
    note = re.sub(r"[ \t\r\n]+", " ", text).strip()  # no-break spaces stay in their figures
    note = re.sub(r"(?<=\d) (?=\d{3}(?!\d))", "\u00a0", note)
    if not note:
        raise BadInput("correction_note_missing")
    if len(note) > LONGEST_NOTE:
        raise BadInput("correction_note_long", n=LONGEST_NOTE)
    return note


def wrong_ones(history: Sequence[Publication], since: int | None) -> list[Publication]:
    """What has been live from the version `since` on; all of it without one.

    Raises BadInput for a version that has never been live.
    """
    if since is None:
        return list(history)
    for place, one in enumerate(history):
        if one.revision.number == since:
            return list(history[place:])
    raise BadInput("version_never_live", number=since)


def reach(release: Release, *, since: int | None = None) -> Reach:
    """Whom a correction published now would go to."""
    wrong = wrong_ones(publications(release), since)
    sources = carriers(release, wrong)
    told = _sources_of(sources, digested(release, wrong))
    readers = len(readers_between(release, since, release.head.number))
    if not told:
        return Reach(is_mailed=False, readers=readers)
    subscribed = topics(release)
    late = _chain([one for one in sources if one.finished_at is None])
    return Reach(
        is_mailed=True,
        received=how_many(received(told, topics=subscribed)),
        missed=how_many(missed(late, topics=subscribed)),
        readers=readers,
    )


def mail_correction(
    release: Release, *, note: str, since: int | None = None, at: datetime
) -> Mailing | None:
    """Stop what carries the wrong words, and write to those who got them and those who did not.

    The live revision is the right one already. Gives the correction's mailing; None when no mail
    has carried the wrong words.
    """
    others = [one for one in publications(release) if one.revision_id != release.live_id]
    wrong = wrong_ones(others, since)
    sources = carriers(release, wrong)
    told = _sources_of(sources, digested(release, wrong))
    ordinary = announcement(release)
    opening = _opening(release, note=note, at=at)
    for reader in readers_between(release, since, _number(release)):
        _write_to(reader, ordinary, release, note=note, at=at)
    if not told:
        return None
    stopped = [one for one in sources if stop(one, at=at)]
    mailing = queue(
        replace(
            ordinary,
            key=mailing_key("correction", release, _number(release)),
            kind=MailingKind.CORRECTION,
            subject=translate(
                "after.mail.correction_subject", release.language, headline=ordinary.subject
            ),
            text=render_template("mail/correction/opening.txt", **opening).strip()
            + f"\n\n{ordinary.text}",
            html=render_template("mail/correction/opening.html", **opening) + ordinary.html,
            received=told,
        ),
        at=at,
    )
    if late := _chain(stopped):
        hour = max((one.starts_at for one in stopped if one.starts_at), default=None)
        queue(replace(ordinary, missed=late), at=at, starts_at=hour)
    return mailing


def carriers(release: Release, of: Iterable[Publication]) -> list[Mailing]:
    """The mailings that have carried some published versions, the oldest first."""
    keys = _keys_of(release, of)
    return list(
        db.session.scalars(sa.select(Mailing).where(Mailing.key.in_(keys)).order_by(Mailing.id))
    )


def digested(release: Release, of: Iterable[Publication]) -> tuple[str, ...]:
    """The keys by which some published versions stand in digests. Those are not stopped for one of
    their releases; who has got one is told of the mistake."""
    return in_digests(_keys_of(release, of))


def readers_between(release: Release, since: int | None, until: int) -> list[Invitation]:
    """Who read a version before `until` under embargo, from `since` on; one for each address."""
    numbers = Revision.number.between(since or 1, until - 1)
    older = db.session.scalars(
        sa.select(Revision.id).where(Revision.release_id == release.id, numbers)
    ).all()
    return list({one.email: one for one in readers_of(release, older)}.values())


def stop_all(release: Release, *, at: datetime) -> None:
    """Let no mail about the release go out any more."""
    for mailing in carriers(release, publications(release)):
        stop(mailing, at=at)


def _keys_of(release: Release, of: Iterable[Publication]) -> list[str]:
    return [
        mailing_key(kind, release, one.revision.number)
        for one in of
        for kind in ("release", "correction")
    ]


def _sources_of(sources: Sequence[Mailing], digested: Sequence[str]) -> tuple[str, ...]:
    """Their keys and those of what they corrected, as some got that and not the correction; and
    those by which digests had it."""
    earlier = (key for one in sources for key in (one.audience or {}).get("received", ()))
    return tuple(dict.fromkeys([*earlier, *(one.key for one in sources), *digested]))


def _chain(stopped: Iterable[Mailing]) -> tuple[str, ...]:
    """The ordinary mailing that was stopped, behind those whose readers it had to catch up."""
    ordinary = [one for one in stopped if one.kind is MailingKind.RELEASE]
    if not ordinary:
        return ()
    last = ordinary[-1]
    return (*(last.audience or {}).get("missed", ()), last.key)


def _opening(release: Release, *, note: str, at: datetime) -> dict[str, object]:
    language = release.language
    moment = date_and_time(at, language, organisation().time_zone)
    return {
        "label": translate("after.correction", language, moment=moment),
        "note": note,
        "why": translate("after.mail.correction_why", language),
    }


def _write_to(
    reader: Invitation, ordinary: Announcement, release: Release, *, note: str, at: datetime
) -> None:
    """A letter to somebody who has read wrong words before they were public."""
    language = reader.language
    moment = date_and_time(at, language, organisation().time_zone)
    words = {
        "words": translate,
        "language": language,
        "sender": organisation().name(language),
        "name": reader.name,
        "label": translate("after.correction", language, moment=moment),
        "note": note,
        "why": translate("after.mail.reader_why", language),
        "release": ordinary,
    }
    queue_letter(
        key=f"correction:{release.id}:r{_number(release)}:reader:{reader.id}",
        to=reader.email,
        language=language,
        subject=translate("after.mail.correction_subject", language, headline=ordinary.subject),
        text=render_template("mail/correction/letter.txt", **words),
        html=render_template("mail/correction/letter.html", **words),
        at=at,
    )


def _number(release: Release) -> int:
    assert release.live is not None
    return release.live.number
