"""Taking a release back: the page, the mail, and what is left of it for whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotNow
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.editorial.withdrawing import consequences, first_word
from subscribers.audience import subscribing
from subscribers.audience.models import EndedReason
from subscribers.mailings.models import MailingKind, MailingState
from subscribers.mailings.sending.materialising import materialise
from tests.factories import A_MORNING
from tests.postoffice import PostOffice
from tests.releases.editorial.after import (
    AN_HOUR,
    approved,
    corrected,
    mailings,
    postpone,
    published,
    to_readers,
)
from tests.subscribers.mailings.cast import send_all, states, subscriber, subscribers

REASON = "Beslutet är upphävt."


def withdrawn(release: Release, editor: User, *, mail: bool = True) -> Release:
    workflow.withdraw(release, reason=REASON, mail=mail, by=editor, at=now())
    db.session.commit()
    return release


def test_those_who_have_it_are_told_why_and_what_waits_is_called_off(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    gone = subscriber("gone@news.example")
    subscribers(3)
    release_id = published(writer, editor).id
    while materialise(at=now()):
        pass
    postpone("reader2@news.example", until=now() + timedelta(hours=1))
    send_all()
    subscribing.end(gone, reason=EndedReason.USER_LINK, at=now())
    db.session.commit()
    post.letters.clear()
    release = db.session.get_one(Release, release_id)
    expected = consequences(release)

    withdrawn(release, editor)
    send_all()

    told = to_readers(post)
    assert (expected.received, expected.waiting, expected.versions) == (2, 1, 1)
    assert sorted(told) == ["reader0@news.example", "reader1@news.example"]
    assert all(got[0].startswith("Tillbakadraget: ") for got in told.values())
    [letter] = post.to("reader0@news.example")
    assert REASON in letter.text
    assert REASON in letter.html
    assert "2\u00a0650\u00a0000" not in letter.text
    [first, telling] = mailings()
    assert states(first.id) == {"sent": 3, "cancelled": 1}
    assert telling.kind is MailingKind.CORRECTION


def test_nobody_is_told_unless_somebody_says_so(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(1)
    release_id = published(writer, editor).id
    send_all()
    post.letters.clear()

    withdrawn(db.session.get_one(Release, release_id), editor, mail=False)
    send_all()

    assert to_readers(post) == {}


def test_a_correction_on_its_way_is_called_off_too(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(2)
    release_id = published(writer, editor).id
    send_all()
    release = corrected(db.session.get_one(Release, release_id), writer, editor)
    post.letters.clear()

    withdrawn(release, editor)
    send_all()

    assert [len(got) for got in to_readers(post).values()] == [1, 1]
    assert {got[0].partition(":")[0] for got in to_readers(post).values()} == {"Tillbakadraget"}


def test_undone_the_release_is_back_and_the_rest_are_not_told_that_it_was_away(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(2)
    release_id = published(writer, editor).id
    send_all()
    post.letters.clear()
    release = withdrawn(db.session.get_one(Release, release_id), editor)

    workflow.reinstate(release, by=editor, at=now())
    db.session.commit()
    send_all()

    assert release.state is State.PUBLISHED
    assert release.is_public
    assert release.withdrawn_reason == ""
    assert to_readers(post) == {}
    assert mailings()[-1].state is MailingState.CANCELLED
    acts = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert [act for act in acts if act in ("release.withdraw", "release.reinstate")] == [
        "release.withdraw",
        "release.reinstate",
    ]


def test_withdrawn_a_second_time_it_is_told_again(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(1)
    release_id = published(writer, editor).id
    send_all()
    post.letters.clear()
    release = withdrawn(db.session.get_one(Release, release_id), editor)
    send_all()
    workflow.reinstate(db.session.get_one(Release, release_id), by=editor, at=now())
    db.session.commit()

    withdrawn(release, editor)
    send_all()

    assert len(to_readers(post)["reader0@news.example"]) == 2


def test_with_changes_that_are_not_live_it_cannot_be_undone(
    app: Flask, writer: User, editor: User
) -> None:
    release = approved(published(writer, editor), writer, editor)
    workflow.withdraw(release, reason=REASON, by=editor, at=A_MORNING + AN_HOUR)

    with pytest.raises(NotNow):
        workflow.reinstate(release, by=editor, at=A_MORNING + AN_HOUR)


def test_the_word_to_type_is_the_headlines_first_in_plain_letters(
    app: Flask, writer: User, editor: User
) -> None:
    release = published(writer, editor)
    assert release.live is not None
    release.live.headline = '”<data value="1" data-figure="x">Tio</data> miljoner'

    assert first_word(release) == "Tio"
