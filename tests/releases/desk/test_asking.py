"""What the desk asks of the database, on both databases: piles, facts, calendar, events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import Role, User
from app.core.db import db
from releases.desk import access, calendar, happening
from releases.desk.asking import Piles, facts_of, piles_of, stuck_mailings
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.editorial.writing import save, text_of
from releases.review.models import Answer, Review, SignOff, Verdict
from releases.review.quotes import quotes_in
from releases.review.reviewing import Request
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingState
from tests import factories
from tests.factories import A_MORNING

LATER = A_MORNING + timedelta(hours=2)
QUOTE = "<blockquote><p>Det är bra.</p><footer>Eva Ek, ordförande</footer></blockquote>"


def ids(piles: Piles) -> dict[str, list[int]]:
    """What lies in the piles of releases that are not empty."""
    return {
        name: [one.release.id for one in pile]
        for name, pile in vars(piles).items()
        if pile and name != "mailings"
    }


def piled(person: User) -> dict[str, list[int]]:
    return ids(piles_of(person, at=LATER))


def test_every_role_finds_its_own_piles(writer: User, editor: User, admin: User) -> None:
    made = {state: factories.release(writer, state=state, editor=editor).id for state in State}
    reviewer = factories.user("gun@press.example", role=Role.REVIEWER)

    assert piled(writer) == {
        "failed": [made[State.FAILED]],
        "mend": [made[State.SENT_BACK]],
        "drafts": [made[State.DRAFT]],
    }
    for person in (editor, admin):
        assert piled(person) == {
            "failed": [made[State.FAILED]],
            "review": [made[State.IN_REVIEW]],
            "publish": [made[State.APPROVED]],
        }
    assert piled(reviewer) == {}


def test_a_limited_text_is_in_nobodys_pile_outside(writer: User, editor: User) -> None:
    for state in (State.IN_REVIEW, State.APPROVED, State.FAILED, State.SCHEDULED):
        release = factories.release(writer, state=state, editor=editor)
        access.limit(release, [], by=writer, at=A_MORNING)
    db.session.commit()

    assert piled(editor) == {}
    assert calendar.coming(editor, at=A_MORNING) == []
    assert [one.event.subject for one in happening.latest(editor)] == ["round"]


def test_whoever_is_named_is_asked_and_nobody_else(writer: User, editor: User) -> None:
    gun = factories.user("gun@press.example", role=Role.REVIEWER)
    per = factories.user("per@press.example", role=Role.REVIEWER)
    release = factories.release(writer)
    workflow.submit(release, request=Request(people=(gun,)), by=writer, at=A_MORNING)
    db.session.commit()

    assert piled(gun) == {"review": [release.id]}
    assert piled(per) == {}


def test_a_step_waits_for_the_ones_before_it(writer: User, editor: User) -> None:
    release = factories.release(writer)
    release.story.round.programme.review_steps = [  # type: ignore[union-attr]
        {"label_sv": "Sakgranskning", "label_en": "Facts", "role": "officer"},
        {"label_sv": "Godkännande", "label_en": "Approval", "role": "editor"},
    ]
    officer = factories.user("hanna@press.example", role=Role.OFFICER)
    workflow.submit(release, by=writer, at=A_MORNING)
    db.session.commit()
    before = piled(officer), piled(editor)

    first = db.session.scalars(sa.select(Review).order_by(Review.position)).first()
    assert first is not None
    first.verdict, first.decided_at = Verdict.PASSED, A_MORNING
    db.session.commit()

    asked = {"review": [release.id]}
    assert before == (asked, {})
    assert (piled(officer), piled(editor)) == ({}, asked)


def test_nobody_is_asked_about_an_earlier_submission(writer: User, editor: User) -> None:
    gun = factories.user("gun@press.example", role=Role.REVIEWER)
    release = factories.release(writer)
    workflow.submit(release, request=Request(people=(gun,)), by=writer, at=A_MORNING)
    workflow.send_back(release, reason="Fel", by=editor, at=A_MORNING)
    workflow.submit(release, by=writer, at=A_MORNING)
    db.session.commit()

    assert piled(gun) == {}


def test_a_quote_that_came_back_changed_waits_until_its_words_are_taken_over(
    writer: User,
) -> None:
    release = factories.release(writer)
    quoted = reword(release, QUOTE, by=writer)
    [quote] = quotes_in(release.head.body)
    db.session.add(
        SignOff(
            release_id=release.id,
            revision_id=quoted.head_id,
            fingerprint=quote.fingerprint,
            words=quote.words,
            attribution=quote.attribution,
            asked_at=A_MORNING,
            answer=Answer.EDITED,
            proposed="Det är mycket bra.",
        )
    )
    db.session.commit()
    waits = facts_of([release], writer)[release.id].edits, piled(writer)

    reword(release, QUOTE.replace("bra", "mycket bra"), by=writer)

    assert waits == (1, {"mend": [release.id]})
    assert facts_of([release], writer)[release.id].edits == 0


def reword(release: Release, body: str, *, by: User) -> Release:
    save(
        release,
        replace(text_of(release.head), body=body),
        base_id=release.head_id or 0,
        by=by,
        at=A_MORNING,
    )
    db.session.commit()
    return release


@pytest.mark.parametrize(("failed", "stuck"), [(1, 0), (3, 1)])
def test_a_mailing_that_failed_for_many_is_looked_at(
    app: Flask, writer: User, editor: User, failed: int, stuck: int
) -> None:
    factories.release(writer, state=State.PUBLISHED, editor=editor)
    mailing = db.session.scalars(sa.select(Mailing).where(Mailing.kind == "release")).one()
    mailing.state, mailing.finished_at = MailingState.FINISHED, A_MORNING
    for number in range(10):
        state = DeliveryState.FAILED if number < failed else DeliveryState.SENT
        db.session.add(
            Delivery(
                mailing=mailing,
                address=f"{number}@x.example",
                address_hash=bytes([number]) * 32,
                state=state,
            )
        )
    db.session.commit()

    assert len(stuck_mailings(at=LATER)) == stuck
    assert stuck_mailings(at=LATER + timedelta(days=30)) == []


def test_a_later_mailing_of_something_published_is_coming(writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    mailing = db.session.scalars(sa.select(Mailing).where(Mailing.kind == "release")).one()
    mailing.starts_at = LATER
    db.session.commit()

    [entry] = calendar.coming(editor, at=A_MORNING)

    assert (entry.kind, entry.release.id, entry.at) == ("mail", release.id, LATER)


def test_a_calendar_takes_moments_from_its_beginning_and_before_its_end(
    writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.SCHEDULED, editor=editor)
    moment = release.publish_at
    assert moment is not None
    second = timedelta(seconds=1)

    spans = ((moment, moment + second), (moment - second, moment), (moment + second, LATER))
    found = [calendar.entries(editor, since=since, until=until) for since, until in spans]

    assert [len(one) for one in found] == [1, 0, 0]
