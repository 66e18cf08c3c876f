"""Queueing: the words of a mailing are frozen and written down; nothing is sent here.

`queue` is the one door through which a release becomes mail. It writes in the caller's
transaction, so that publishing and its mailing happen together or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any

import css_inline
import sqlalchemy as sa
from flask import current_app, render_template

from app.core.db import db
from app.core.formats import long_date
from app.core.organisation import organisation
from app.core.words import translate
from subscribers.audience import addresses
from subscribers.audience.models import Frequency, Subscription
from subscribers.audience.subscribing import insert_new
from subscribers.audience.topics import name_of
from subscribers.mailings.models import (
    Announced,
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingItem,
    MailingKind,
    MailingPart,
    MailingState,
)
from subscribers.mailings.sending.domain_groups import group_for
from subscribers.mailings.writing.headers import SYSTEM, of_a_list
from subscribers.mailings.writing.messages import Letter, Slot, freeze, without_marks
from subscribers.mailings.writing.signing import keys_in_force


@dataclass(frozen=True)
class Announcement:
    """A release as finished words and links; all that this domain ever learns of it.

    `key` names the revision (`release:42:r7:sv`): one key, one mailing, however often it is queued.
    `story` is the same for all its revisions (`release:42`). `topics` are slugs; whoever subscribes
    to one of them, in `language`, is written to once: at once, or in a digest, which has `subject`,
    `lead` (plain text) and `page_url` of it. `text` and `html` are the whole mail but for the
    footer; `page_url` is where it can be read.
    `received` narrows it to those whom one of some earlier mailings has reached, by their keys, and
    `missed` to those whom the first of some stopped ones was for and none has reached: of these,
    empty is nobody, and None leaves it to everybody.
    """

    key: str
    language: str
    topics: tuple[str, ...]
    subject: str
    text: str
    html: str
    page_url: str
    lead: str = ""
    story: str = ""
    kind: MailingKind = MailingKind.RELEASE
    received: tuple[str, ...] | None = None
    missed: tuple[str, ...] | None = None

    @property
    def audience(self) -> dict[str, list[str]] | None:
        """As the mailing keeps it."""
        if self.received is not None:
            return {"received": list(self.received)}
        return None if self.missed is None else {"missed": list(self.missed)}


def queue(
    announcement: Announcement, *, at: datetime, starts_at: datetime | None = None
) -> Mailing:
    """One mailing to everybody it is for at this moment; the same one when queued again.

    `starts_at` is a moment to come before which nobody is written to, and at which it is decided
    for whom it is. Writes the mailing and its frozen message in the caller's transaction. Raises
    ValueError when the message cannot be built.
    """
    if known := db.session.scalar(sa.select(Mailing).where(Mailing.key == announcement.key)):
        return known
    if starts_at is not None and starts_at <= at:
        starts_at = None
    letter = letter_of(announcement, at=starts_at or at)
    mailing = Mailing(
        key=announcement.key,
        kind=announcement.kind,
        lane=Lane.CORRECTION if announcement.kind is MailingKind.CORRECTION else Lane.RELEASE,
        state=MailingState.MATERIALISING,
        language=announcement.language,
        topics=list(announcement.topics),
        subject=announcement.subject[:500],
        audience=announcement.audience,
        queued_at=at,
        starts_at=starts_at,
    )
    _store(mailing, letter)
    db.session.add(
        MailingItem(mailing_id=mailing.id, key=announcement.key, story=announcement.story)
    )
    if announcement.story and announcement.kind is MailingKind.RELEASE:
        _announce(announcement, at=starts_at or at)
    return mailing


def letter_of(announcement: Announcement, *, at: datetime) -> Letter:
    """The mail about a release with marks for each recipient's own parts, dated `at`."""
    text, html = framed(
        announcement,
        unsubscribe_url=_url("unsubscribe", Slot.UNSUBSCRIBE),
        preferences_url=_url("preferences", Slot.PREFERENCES),
    )
    return _letter(
        subject=announcement.subject,
        text=text,
        html=html,
        language=announcement.language,
        at=at,
        headers=_list_headers(
            announcement.topics[0],
            key=announcement.key,
            kind=announcement.kind,
            language=announcement.language,
        ),
        marks={Slot.UNSUBSCRIBE, Slot.PREFERENCES},
    )


def _announce(announcement: Announcement, *, at: datetime) -> None:
    """Let the next digest know of it. One that was announced before keeps its time."""
    row = {
        "story": announcement.story,
        "language": announcement.language,
        "key": announcement.key,
        "topics": list(announcement.topics),
        "subject": announcement.subject[:500],
        "lead": announcement.lead,
        "page_url": announcement.page_url,
        "at": at,
    }
    insert_new(Announced, [row])


def framed(
    announcement: Announcement, *, unsubscribe_url: str, preferences_url: str
) -> tuple[str, str]:
    """The whole mail, its foot with it: as text, and as HTML."""
    language = announcement.language
    words = {
        "words": translate,
        "language": language,
        "sender": organisation().short_name or organisation().name(language),
        "unsubscribe_url": unsubscribe_url,
        "preferences_url": preferences_url,
        "announcement": announcement,
    }
    return render_template("mail/frame.txt", **words), render_template("mail/frame.html", **words)


def queue_confirmation(subscription: Subscription, *, adds: bool = False, at: datetime) -> Mailing:
    """The mail that asks the address's owner whether it was they who signed up.

    `adds` is for somebody who subscribes to something else already. `at` is when it was asked: the
    link confirms what was asked from then on.
    """
    return _queue_system("confirmation", MailingKind.CONFIRMATION, subscription, adds=adds, at=at)


def queue_notice(subscription: Subscription, *, at: datetime) -> Mailing:
    """The mail that gives an active subscriber, who was signed up again, the link to choose."""
    return _queue_system("notice", MailingKind.NOTICE, subscription, at=at)


def queue_welcome(
    subscription: Subscription, *, together: Sequence[Subscription], at: datetime
) -> Mailing:
    """The mail to somebody who has just said yes: what they will get, and how to change or leave.

    One for all of `together`, and its one-click ends them all.
    """
    language = subscription.subscriber.language
    topics = [one.topic.slug for one in together]
    return _queue_system(
        "welcome",
        MailingKind.WELCOME,
        subscription,
        topics=topics,
        headers=_list_headers(
            topics[0], key="welcome", kind=MailingKind.WELCOME, language=language
        ),
        at=at,
        following=[(name_of(one.topic, language), one.frequency.value) for one in together],
        newsroom_url=_url(language, ""),
    )


def queue_digest(
    found: Sequence[Announced],
    *,
    key: str,
    frequency: Frequency,
    language: str,
    audience: dict[str, Any] | None = None,
    to: Subscription | None = None,
    at: datetime,
) -> Mailing:
    """One mail of several releases, the newest first, to those of `audience` (see `digests`).

    Or `to` one person alone. Writes in the caller's transaction.
    """
    sender = organisation()
    items = sorted(found, key=lambda one: (one.at, one.id), reverse=True)
    words = {
        "words": translate,
        "language": language,
        "sender": sender.short_name or sender.name(language),
        "name": sender.name(language),
        "title": translate(f"digests.{frequency.value}.title", language),
        "why": f"digests.{frequency.value}.why",
        "items": items,
        "day": lambda moment: long_date(moment, language, sender.time_zone),
        "newsroom_url": _url(language, ""),
        "unsubscribe_url": _url("unsubscribe", Slot.UNSUBSCRIBE),
        "preferences_url": _url("preferences", Slot.PREFERENCES),
    }
    subject = translate("digests.subject", language, n=len(items), headline=items[0].subject)
    letter = _letter(
        subject=subject,
        text=render_template("mail/digest/body.txt", **words),
        html=render_template("mail/digest/body.html", **words),
        language=language,
        at=at,
        headers=_list_headers(frequency.value, key=key, kind=MailingKind.DIGEST, language=language),
        marks={Slot.UNSUBSCRIBE, Slot.PREFERENCES},
    )
    mailing = Mailing(
        key=key,
        kind=MailingKind.DIGEST,
        lane=Lane.DIGEST,
        state=MailingState.MATERIALISING if audience else MailingState.RUNNING,
        language=language,
        topics=list(dict.fromkeys(slug for one in items for slug in one.topics)),
        subject=subject[:500],
        audience=audience,
        queued_at=at,
    )
    _store(mailing, letter)
    for one in items:
        db.session.add(MailingItem(mailing_id=mailing.id, key=one.key, story=one.story))
    db.session.flush()
    if to is not None:
        _deliver_to(to, mailing, at=at)
    return mailing


def queue_invitation(*, language: str, at: datetime) -> Mailing:
    """The mail that asks people of an imported list, with nobody in its audience yet.

    Behind everything else: it must hold up nobody who has just signed up, and no release.
    """
    words = {
        "words": translate,
        "language": language,
        "sender": organisation().name(language),
        "confirm_url": _url("confirm", Slot.CONFIRM),
    }
    subject = translate("people.invitation.subject", language, sender=words["sender"])
    letter = _letter(
        subject=subject,
        text=render_template("mail/invitation/body.txt", **words),
        html=render_template("mail/invitation/body.html", **words),
        language=language,
        at=at,
        headers=dict(SYSTEM),
        marks={Slot.CONFIRM},
    )
    mailing = Mailing(
        key=f"invitation:{token_hex(12)}",
        kind=MailingKind.CONFIRMATION,
        lane=Lane.DIGEST,
        state=MailingState.RUNNING,
        language=language,
        topics=[],
        subject=subject,
        queued_at=at,
    )
    return _store(mailing, letter)


def queue_letter(
    *,
    key: str,
    to: str,
    language: str,
    subject: str,
    text: str,
    html: str,
    at: datetime,
    sealed_from: tuple[str, bytes] | None = None,
) -> Mailing:
    """A mail to one person who works with a release: a colleague, or somebody from outside.

    Writes it in the caller's transaction, as sure to arrive as a release. The same mailing when
    `key` has been queued before. `text` and `html` hold `secret_url(…)` where the link belongs that
    is sealed from `sealed_from` (purpose, payload) when it is sent, so that no row holds it.
    Raises BadInput for an address that is none.
    """
    if known := db.session.scalar(sa.select(Mailing).where(Mailing.key == key)):
        return known
    address = addresses.read(to, secrets=addresses.secrets_in_force())
    letter = _letter(
        subject=subject,
        text=text,
        html=html,
        language=language,
        at=at,
        headers=dict(SYSTEM),
        marks={Slot.LINK} if sealed_from else set(),
    )
    mailing = Mailing(
        key=key,
        kind=MailingKind.LETTER,
        lane=Lane.CONFIRMATION,
        state=MailingState.RUNNING,
        language=language,
        topics=[],
        subject=subject[:500],
        queued_at=at,
    )
    _store(mailing, letter)
    db.session.add(
        Delivery(
            mailing=mailing,
            address=address.norm,
            address_hash=address.hash,
            domain_group=group_for(address.domain),
            state=DeliveryState.QUEUED,
            due_at=at,
            sealed_from=f"{sealed_from[0]}:{sealed_from[1].hex()}" if sealed_from else None,
        )
    )
    db.session.flush()
    return mailing


def secret_url(path: str, *, after: str = "") -> str:
    """An address of ours that ends in the letter's secret, such as `invited/…`."""
    return f"{_url(path)}{Slot.LINK}{after}"


def _queue_system(
    name: str,
    kind: MailingKind,
    subscription: Subscription,
    *,
    at: datetime,
    topics: Sequence[str] = (),
    headers: Mapping[str, str] = SYSTEM,
    **more: Any,
) -> Mailing:
    subscriber = subscription.subscriber
    language = subscriber.language
    words = {
        "words": translate,
        "language": language,
        "sender": organisation().name(language),
        "confirm_url": _url("confirm", Slot.CONFIRM),
        "unsubscribe_url": _url("unsubscribe", Slot.UNSUBSCRIBE),
        "preferences_url": _url("preferences", Slot.PREFERENCES),
        **more,
    }
    subject = translate(f"mailings.{name}.subject", language, sender=words["sender"])
    letter = _letter(
        subject=subject,
        text=render_template(f"mail/{name}/body.txt", **words),
        html=render_template(f"mail/{name}/body.html", **words),
        language=language,
        at=at,
        headers=dict(headers),
        marks={Slot.CONFIRM, Slot.UNSUBSCRIBE, Slot.PREFERENCES},
    )
    mailing = Mailing(
        key=f"{name}:{subscription.public_id.hex()}:{at.isoformat()}",
        kind=kind,
        lane=Lane.CONFIRMATION,
        state=MailingState.RUNNING,
        language=language,
        topics=list(topics),
        subject=subject,
        queued_at=at,
    )
    _store(mailing, letter)
    _deliver_to(subscription, mailing, at=at)
    return mailing


def _deliver_to(subscription: Subscription, mailing: Mailing, *, at: datetime) -> None:
    """Write down the one person that a mailing is for."""
    subscriber = subscription.subscriber
    db.session.add(
        Delivery(
            mailing=mailing,
            subscriber_id=subscriber.id,
            subscription_id=subscription.id,
            address=subscriber.address,
            address_hash=subscriber.address_hash,
            domain_group=group_for(subscriber.domain),
            state=DeliveryState.QUEUED,
            due_at=at,
        )
    )
    db.session.flush()


def _store(mailing: Mailing, letter: Letter) -> Mailing:
    template = freeze(letter)
    db.session.add(mailing)
    db.session.flush()
    digest = hashlib.sha256(template).hexdigest()
    db.session.add(MailingPart(mailing_id=mailing.id, sha256=digest, template=template))
    db.session.flush()
    return mailing


def _letter(
    *,
    subject: str,
    text: str,
    html: str,
    language: str,
    at: datetime,
    headers: dict[str, str],
    marks: set[Slot],
) -> Letter:
    """`marks` are those that stand in the words because we have put them there."""
    sender = organisation()
    return Letter(
        from_name=sender.short_name or sender.name(language),
        from_address=current_app.config["MAIL_DEFAULT_SENDER"],
        reply_to=sender.press_email,
        subject=without_marks(subject, but=()),
        text=without_marks(text, but=marks),
        html=without_marks(_inliner().inline(html), but=marks),
        language=language,
        at=at,
        headers=headers,
    )


def _list_headers(topic: str, *, key: str, kind: MailingKind, language: str) -> dict[str, str]:
    return of_a_list(
        topic=topic,
        key=key,
        kind=kind,
        language=language,
        domain=current_app.config["MAIL_DEFAULT_SENDER"].rpartition("@")[2],
        base_url=current_app.config["BASE_URL"],
        reports=bool(keys_in_force()),
    )


def _inliner() -> css_inline.CSSInliner:
    # Only our own <style> is inlined: nothing in a release may make the office fetch an address.
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def _url(*parts: str) -> str:
    return "/".join((current_app.config["BASE_URL"], *parts))
