"""What digests say of releases as they are published, corrected, withdrawn and put back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.correcting import reach
from releases.editorial.models import Change, Release, State
from releases.editorial.withdrawing import consequences
from releases.newsroom.lists.questions import topic_at
from releases.rounds.models import Programme
from subscribers.audience.models import Frequency, Topic
from subscribers.audience.topics import offered
from subscribers.mailings.digests.digesting import make_up
from subscribers.mailings.models import (
    Announced,
    Delivery,
    DeliveryState,
    DigestRun,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.sending.materialising import materialise
from tests import factories
from tests.factories import A_MORNING
from tests.releases.editorial.after import AN_HOUR, NOTE, approved, corrected, published
from tests.subscribers.mailings.cast import subscriber

TOMORROW = A_MORNING + timedelta(days=1)


def announced() -> Announced:
    db.session.expire_all()
    return db.session.scalars(sa.select(Announced)).one()


def daily_reader(address: str = "day@news.example") -> None:
    subscriber(address).frequency = Frequency.DAILY
    db.session.commit()


def digest_sent() -> Mailing:
    """The next day's digest, taken by every reader's server."""
    db.session.add(
        DigestRun(
            frequency="daily",
            language="sv",
            starts_at=A_MORNING - timedelta(days=1),
            ends_at=A_MORNING - AN_HOUR,
            made_at=A_MORNING,
            items=0,
            settled_at=A_MORNING,
        )
    )
    db.session.commit()
    assert make_up(Frequency.DAILY, "sv", at=TOMORROW)
    while materialise(at=TOMORROW):
        pass
    db.session.execute(
        sa.update(Delivery).values(state=DeliveryState.SENT, due_at=None, sent_at=TOMORROW)
    )
    db.session.execute(sa.update(Mailing).values(state=MailingState.FINISHED, finished_at=TOMORROW))
    db.session.commit()
    return db.session.scalars(sa.select(Mailing).where(Mailing.kind == MailingKind.DIGEST)).one()


def audience_of(kind: MailingKind) -> list[str]:
    while materialise(at=TOMORROW + AN_HOUR):
        pass
    db.session.rollback()
    return sorted(
        db.session.scalars(
            sa.select(Delivery.address).join(Mailing).where(Mailing.kind == kind)
        ).all()
    )


def test_a_release_that_is_mailed_is_announced(app: Flask, writer: User, editor: User) -> None:
    release = published(writer, editor)

    row = announced()
    assert row.story == f"release:{release.id}"
    assert row.key == f"release:{release.id}:r1:sv"
    assert row.subject == release.live.title  # type: ignore[union-attr]
    assert row.lead
    assert "<" not in row.lead
    assert row.page_url.endswith(f"/sv/releases/{release.slug}")
    assert "press-releases" in row.topics
    assert row.at == A_MORNING


def test_a_release_that_is_not_mailed_is_in_no_digest(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    workflow.publish(release, by=editor, at=A_MORNING, mail=False)
    db.session.commit()

    assert db.session.scalars(sa.select(Announced)).all() == []


def test_a_typo_changes_what_digests_say_without_a_word_about_it(
    app: Flask, writer: User, editor: User
) -> None:
    release = approved(published(writer, editor), writer, editor)

    workflow.publish(release, by=editor, at=A_MORNING + AN_HOUR, change=Change.TYPO)
    db.session.commit()

    assert announced().subject == release.live.title  # type: ignore[union-attr]
    assert announced().corrected_at is None
    assert announced().at == A_MORNING


def test_a_correction_stands_in_the_digest_with_its_note(
    app: Flask, writer: User, editor: User
) -> None:
    corrected(published(writer, editor), writer, editor)

    assert announced().note == NOTE
    assert announced().corrected_at == A_MORNING + AN_HOUR
    assert announced().key.endswith(":r2:sv")


def test_withdrawn_it_is_in_no_digest_and_put_back_in_the_next(
    app: Flask, writer: User, editor: User
) -> None:
    release = published(writer, editor)
    workflow.withdraw(release, reason="Fel", by=editor, at=A_MORNING + AN_HOUR)
    db.session.commit()
    assert announced().withdrawn_at == A_MORNING + AN_HOUR

    workflow.reinstate(release, by=editor, at=TOMORROW)
    db.session.commit()

    assert announced().withdrawn_at is None
    assert announced().at == TOMORROW


@pytest.mark.parametrize("typo_first", [False, True])
def test_who_read_wrong_words_in_a_digest_gets_the_correction(
    app: Flask, writer: User, editor: User, typo_first: bool
) -> None:
    daily_reader()
    release = published(writer, editor)
    if typo_first:  # words that no mail of their own has carried
        approved(release, writer, editor, total="2650001")
        workflow.publish(release, by=editor, at=A_MORNING + AN_HOUR, change=Change.TYPO)
        db.session.commit()
    digest_sent()
    release = db.session.get_one(Release, release.id)
    since = 2 if typo_first else None

    assert reach(release, since=since).received == 1
    corrected(release, writer, editor, since=since, at=TOMORROW + AN_HOUR)

    assert audience_of(MailingKind.CORRECTION) == ["day@news.example"]


def test_who_read_a_withdrawn_release_in_a_digest_is_told(
    app: Flask, writer: User, editor: User
) -> None:
    daily_reader()
    release_id = published(writer, editor).id
    digest_sent()
    release = db.session.get_one(Release, release_id)

    assert consequences(release).received == 1
    workflow.withdraw(release, reason="Fel", mail=True, by=editor, at=TOMORROW + AN_HOUR)
    db.session.commit()

    assert audience_of(MailingKind.CORRECTION) == ["day@news.example"]


def test_a_programme_can_be_subscribed_to_from_its_first_release(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    programme = db.session.scalars(sa.select(Programme)).one()
    assert [topic.slug for topic in offered()] == ["press-releases"]

    workflow.publish(release, by=editor, at=A_MORNING)
    db.session.commit()

    topic = db.session.scalars(sa.select(Topic).where(Topic.slug == programme.slug)).one()
    assert topic.of_programme
    assert topic.name("sv") == programme.name
    assert topic in offered()
    assert topic_at(programme.slug) is None  # its page is the programme's
