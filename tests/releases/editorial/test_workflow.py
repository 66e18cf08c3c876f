"""The workflow: the whole grid of action, state and role, and what each step leaves behind."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import Role, User
from app.core.db import db
from app.core.errors import BadInput, Conflict, DomainError, NotAllowed, NotNow
from app.core.organisation import Organisation
from releases.editorial import publishing, workflow
from releases.editorial.models import Release, ReleaseEvent, State
from releases.editorial.questions import history
from releases.editorial.workflow import MOVES, TABLE, Action
from releases.editorial.writing import save, text_of
from subscribers.mailings.models import Mailing, MailingKind
from tests import factories
from tests.factories import A_MORNING


def releases_mailed() -> list[Mailing]:
    """Beside the letters that tell colleagues."""
    return list(db.session.scalars(sa.select(Mailing).where(Mailing.kind == MailingKind.RELEASE)))


def attempt(release: Release, action: Action, by: User) -> None:
    """Do it as a page would."""
    later = A_MORNING + timedelta(hours=1)
    if action is Action.EDIT:
        text = text_of(release.head)
        text.links.append({"label": "icld.se", "url": "https://www.icld.se/"})
        save(release, text, base_id=release.head_id or 0, by=by, at=later)
    elif action is Action.APPROVE:
        workflow.approve(release, revision_id=release.head_id or 0, by=by, at=later)
    elif action in (Action.SEND_BACK, Action.WITHDRAW):
        getattr(workflow, action.value)(release, reason="Fel siffra", by=by, at=later)
    elif action is Action.SCHEDULE:
        workflow.schedule(release, publish_at=later + timedelta(days=1), by=by, at=later)
    elif action is Action.FAIL:
        workflow.find_move(release, action, by=by)  # no page does it
    else:
        getattr(workflow, action.value)(release, by=by, at=later)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("state", State)
def test_the_whole_grid(app: Flask, writer: User, editor: User, state: State) -> None:
    """Every action by every role from a state: the table's answer and no other."""
    release = factories.release(writer, state=state, editor=editor)
    people = [factories.user(f"{role.value}.other@press.example", role=role) for role in Role]

    for action, person in product(Action, people):
        cell = f"{action} from {state} by {person.role}"
        move = TABLE.get((action, state))
        legal = (
            move is not None
            and move.roles != ()
            and person.may(*move.roles)
            and (action is not Action.WITHDRAW or state is State.PUBLISHED)
        )
        assert workflow.may(release, action, by=person) == legal, cell
        square = db.session.begin_nested()
        if legal:
            attempt(release, action, person)
            assert move is not None
            assert release.state is move.end, cell
        else:
            with pytest.raises((NotNow, NotAllowed)):
                attempt(release, action, person)
            assert release.state is state, cell
        square.rollback()
        db.session.expire_all()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("state", State)
def test_the_clock_fails_only_what_is_scheduled(
    app: Flask, writer: User, editor: User, state: State
) -> None:
    release = factories.release(writer, state=state, editor=editor)

    if state is State.SCHEDULED:
        workflow.fail(release, failure=[{"key": "late"}], at=A_MORNING)
        assert release.state is State.FAILED
    else:
        with pytest.raises(NotNow):
            workflow.fail(release, failure=[{"key": "late"}], at=A_MORNING)


def test_no_move_is_listed_twice() -> None:
    assert len(TABLE) == len(MOVES)


def test_nobody_approves_their_own_words(app: Flask, editor: User) -> None:
    release = factories.release(editor, state=State.IN_REVIEW)

    with pytest.raises(NotAllowed) as refused:
        workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)

    assert refused.value.key == "four_eyes"


def test_who_submits_what_a_program_drafted_answers_for_it(app: Flask, editor: User) -> None:
    release = factories.release(None)
    workflow.submit(release, by=editor, at=A_MORNING)

    with pytest.raises(NotAllowed):
        workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)


def test_an_editor_who_mends_a_comma_in_review_cannot_approve_it(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.IN_REVIEW)
    attempt(release, Action.EDIT, editor)
    workflow.submit(release, by=writer, at=A_MORNING)

    assert not workflow.may(release, Action.APPROVE, by=editor)


def test_an_office_of_one_can_switch_four_eyes_off(app: Flask, editor: User) -> None:
    db.session.add(Organisation(name_sv="Ensam", name_en="Alone", short_name="E", four_eyes=False))
    release = factories.release(editor, state=State.IN_REVIEW)

    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)

    assert release.state is State.APPROVED


def test_approval_is_of_the_revision_that_was_read(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.IN_REVIEW)
    read = release.head_id or 0
    attempt(release, Action.EDIT, writer)
    workflow.submit(release, by=writer, at=A_MORNING)

    with pytest.raises(Conflict):
        workflow.approve(release, revision_id=read, by=editor, at=A_MORNING)


def test_editing_voids_an_approval(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    attempt(release, Action.EDIT, writer)

    assert release.state is State.DRAFT
    assert release.approved_id is None
    assert not workflow.may(release, Action.PUBLISH, by=editor)


def test_the_database_refuses_an_approval_of_another_revision(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    with pytest.raises(sa.exc.IntegrityError):
        db.session.execute(sa.update(Release).values(approved_id=None))
        db.session.commit()
    db.session.rollback()
    assert release.approved_id == release.head_id


def test_editing_a_published_release_leaves_the_live_words(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    live = release.live_id

    attempt(release, Action.EDIT, writer)

    assert release.live_id == live
    assert release.is_public
    assert release.has_unpublished_changes


def test_every_step_is_in_the_history_with_who_and_when(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)

    told = [(event.action, event.by.name if event.by else None) for event in history(release)]

    assert told == [
        ("publish", "Bo"),
        ("approve", "Bo"),
        ("submit", "Alva"),
        ("create", "Alva"),
    ]
    assert {event.at for event in history(release)} == {A_MORNING}


def test_publishing_queues_one_mailing_in_the_same_transaction(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    workflow.publish(release, by=editor, at=A_MORNING)
    db.session.rollback()
    assert not releases_mailed()

    workflow.publish(release, by=editor, at=A_MORNING)
    db.session.commit()

    [mailing] = releases_mailed()
    assert mailing.key == f"release:{release.id}:r1:sv"
    assert mailing.subject == release.head.title


def test_a_release_that_has_been_live_before_is_not_mailed_again(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    published_at = release.published_at
    attempt(release, Action.EDIT, writer)
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)
    workflow.publish(release, by=editor, at=A_MORNING + timedelta(days=1))
    db.session.commit()

    assert len(releases_mailed()) == 1
    assert release.published_at == published_at
    assert release.live_id == release.head_id


def test_of_two_who_press_at_once_one_wins(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    assert release.state is State.APPROVED  # as the second person's page has it
    db.session.execute(
        sa.update(Release)
        .values(state=State.PUBLISHED, live_id=Release.head_id)
        .execution_options(synchronize_session=False)
    )

    with pytest.raises(Conflict):
        workflow.publish(release, by=editor, at=A_MORNING)


@pytest.mark.parametrize("verb", [workflow.send_back, workflow.withdraw])
def test_a_step_back_needs_a_reason(app: Flask, writer: User, editor: User, verb: object) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)

    with pytest.raises(BadInput) as refused:
        verb(release, reason="  ", by=editor, at=A_MORNING)  # type: ignore[operator]

    assert refused.value.key == "reason_missing"


def test_what_is_scheduled_goes_out_when_its_time_has_come_and_not_before(
    app: Flask, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = factories.release(writer, state=State.SCHEDULED, editor=editor)
    assert release.publish_at is not None
    monkeypatch.setattr(publishing, "now", lambda: release.publish_at - timedelta(seconds=1))
    publishing.publish_due()
    db.session.refresh(release)
    assert release.state is State.SCHEDULED

    moment = release.publish_at
    monkeypatch.setattr(publishing, "now", lambda: moment)
    publishing.publish_due()
    db.session.refresh(release)

    assert release.state is State.PUBLISHED
    assert release.published_at == moment
    event = db.session.scalars(
        sa.select(ReleaseEvent).where(ReleaseEvent.action == "publish")
    ).one()
    assert event.by is None


def test_a_time_that_has_passed_cannot_be_scheduled(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    with pytest.raises(BadInput):
        workflow.schedule(release, publish_at=A_MORNING, by=editor, at=A_MORNING)


def test_a_refusal_changes_nothing(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    events = len(history(release))

    with pytest.raises(DomainError):
        workflow.publish(release, by=writer, at=A_MORNING)

    assert release.state is State.DRAFT
    assert len(history(release)) == events
