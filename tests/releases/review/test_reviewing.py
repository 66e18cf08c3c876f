"""Who is asked to look at a text, in which order, and what their answers do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import Role, User
from app.core.db import db
from app.core.errors import BadInput, Conflict, DomainError, NotAllowed, NotNow
from app.core.organisation import Organisation
from releases.editorial import workflow
from releases.editorial.models import State, StoryAccess
from releases.editorial.questions import history
from releases.editorial.writing import save, text_of
from releases.review import deciding, inviting, reviewing
from releases.review.models import Review, Verdict
from releases.review.reminding import remind, remind_reviewers
from releases.review.reviewing import Outsider, Request, outsiders, reviews, unpassed
from tests import factories
from tests.factories import A_MORNING
from tests.releases.review.reviewed import (
    DUE,
    EVA,
    LATER,
    in_review,
    letters_to,
    only_review,
    passed,
    step,
    told,
)


@pytest.fixture
def officer(app: Flask) -> User:
    return factories.user("olle@press.example", role=Role.OFFICER)


@pytest.fixture
def reviewer(app: Flask) -> User:
    return factories.user("rut@press.example", role=Role.REVIEWER)


# Asking


def test_without_names_the_editors_are_asked(app: Flask, writer: User, editor: User) -> None:
    release = in_review(writer)

    assert only_review(release).role is Role.EDITOR
    assert told("review_asked") == {"Bo": 1}


def test_who_is_named_is_asked_and_the_editors_are_not(
    app: Flask, writer: User, editor: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,), due_at=DUE))

    assert only_review(release).user == reviewer
    assert only_review(release).due_at == DUE
    assert told("review_asked") == {"Rut": 1}


def test_the_editors_are_asked_when_those_named_have_answered(
    app: Flask, writer: User, editor: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,)))

    passed(only_review(release), reviewer)

    assert told("review_asked") == {"Rut": 1, "Bo": 1}


def test_somebody_from_outside_gets_a_letter_and_the_editors_are_asked_too(
    app: Flask, writer: User, editor: User
) -> None:
    in_review(writer, request=Request(outsiders=(EVA,)))

    assert letters_to(EVA.email) == 1
    assert told("review_asked") == {"Bo": 1}


def test_a_link_works_until_a_day_after_the_answer_is_due(app: Flask, writer: User) -> None:
    release = in_review(writer, request=Request(outsiders=(EVA,), due_at=DUE))

    (asked,) = [one for one in reviews(release) if one.invitation]
    assert asked.invitation is not None
    assert asked.invitation.expires_at == DUE + timedelta(days=1)


def test_without_a_time_a_link_works_for_a_fortnight(app: Flask, writer: User) -> None:
    release = in_review(writer, request=Request(outsiders=(EVA,)))

    (asked,) = [one for one in reviews(release) if one.invitation]
    assert asked.invitation is not None
    assert asked.invitation.expires_at == A_MORNING + timedelta(days=14)


def test_asked_again_for_a_new_version_somebody_keeps_their_link(app: Flask, writer: User) -> None:
    release = in_review(writer, request=Request(outsiders=(EVA,)))
    change(release, writer)

    workflow.submit(release, request=Request(outsiders=(EVA,)), by=writer, at=LATER)

    links = {one.invitation_id for one in db.session.scalars(sa.select(Review)) if one.invitation}
    assert len(links) == 1
    assert letters_to(EVA.email) == 2


def test_the_writer_is_not_asked_about_their_own_words(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    with pytest.raises(BadInput) as refused:
        workflow.submit(release, request=Request(people=(writer,)), by=writer, at=A_MORNING)

    assert refused.value.key == "reviewer_is_writer"
    assert release.state is State.DRAFT


def test_a_time_that_has_passed_is_refused(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    with pytest.raises(BadInput):
        workflow.submit(release, request=Request(due_at=A_MORNING), by=writer, at=A_MORNING)

    assert release.state is State.DRAFT


def test_only_those_with_access_are_asked_about_a_limited_story(
    app: Flask, writer: User, editor: User, reviewer: User
) -> None:
    release = factories.release(writer)
    release.story.limited = True
    db.session.add(StoryAccess(story_id=release.story_id, user_id=writer.id))
    db.session.commit()

    with pytest.raises(BadInput) as refused:
        workflow.submit(release, request=Request(people=(reviewer,)), by=writer, at=A_MORNING)
    assert refused.value.key == "reviewer_without_access"
    assert reviewer not in deciding.candidates(release, by=writer)


def test_more_people_are_asked_later_and_nobody_twice(
    app: Flask, writer: User, editor: User, reviewer: User, officer: User
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,), outsiders=(EVA,)))

    asked = deciding.ask_more(
        release,
        Request(people=(reviewer, officer), outsiders=(EVA,)),
        by=writer,
        at=LATER,
    )

    assert [one.user for one in asked] == [officer]
    assert told("review_asked") == {"Rut": 1, "Olle": 1}
    assert letters_to(EVA.email) == 1


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("Eva Ek, eva@lund.example", [EVA]),
        ("Eva Ek <Eva@Lund.example>", [EVA]),
        (
            "Eva Ek eva@lund.example\n\n  Bo Ek; bo@lund.example ",
            [EVA, Outsider("Bo Ek", "bo@lund.example")],
        ),
        (
            "Eva Ek, eva@lund.example\nEva E, eva@lund.example",
            [Outsider("Eva E", "eva@lund.example")],
        ),
        ("", []),
    ],
)
def test_people_from_outside_are_written_one_a_line(lines: str, found: list[Outsider]) -> None:
    assert list(outsiders(lines)) == found


@pytest.mark.parametrize("line", ["Eva Ek", "eva@lund.example", "Eva, eva@", "Eva <a@b> c@d.se"])
def test_a_line_that_names_nobody_is_told(line: str) -> None:
    with pytest.raises(BadInput):
        outsiders(line)


# The chain


@pytest.fixture
def chain(officer: User, reviewer: User) -> list[dict[str, object]]:
    """The officer, a reviewer, and an editor's approval."""
    return [
        step("Sakgranskning", role=Role.OFFICER),
        step("Språk", person=reviewer),
        step("Godkännande", role=Role.EDITOR),
    ]


def test_only_the_first_step_is_asked(
    app: Flask, writer: User, editor: User, chain: list[dict[str, object]]
) -> None:
    release = in_review(writer, *chain)

    assert [one.label_sv for one in reviews(release)] == ["Sakgranskning", "Språk", "Godkännande"]
    assert told("review_asked") == {"Olle": 1}


def test_each_step_that_is_passed_asks_the_next(
    app: Flask,
    writer: User,
    editor: User,
    officer: User,
    reviewer: User,
    chain: list[dict[str, object]],
) -> None:
    release = in_review(writer, *chain)
    first, second, third = reviews(release)

    passed(first, officer)
    assert told("review_asked") == {"Olle": 1, "Rut": 1}
    passed(second, reviewer)
    assert told("review_asked") == {"Olle": 1, "Rut": 1, "Bo": 1}
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)

    assert release.state is State.APPROVED
    assert (third.verdict, third.decided_by) == (Verdict.PASSED, editor)
    assert [one.action for one in history(release)[:4]] == [
        "approve",
        "pass_step",
        "pass_step",
        "submit",
    ]
    assert told("step_passed") == {"Alva": 2}


def test_no_step_is_passed_before_its_turn(
    app: Flask,
    writer: User,
    editor: User,
    officer: User,
    reviewer: User,
    chain: list[dict[str, object]],
) -> None:
    release = in_review(writer, *chain)
    first, second, third = reviews(release)

    for early, person in ((second, reviewer), (third, editor)):
        with pytest.raises(NotNow) as refused:
            passed(early, person)
        assert refused.value.key == "step_waits"
        assert refused.value.facts["label"] == "Sakgranskning"
    with pytest.raises(NotNow):
        workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)
    passed(first, officer)
    with pytest.raises(NotNow):
        passed(third, editor)

    assert [one.verdict for one in reviews(release)] == [Verdict.PASSED, None, None]
    assert release.state is State.IN_REVIEW


def test_a_step_is_passed_by_those_it_names_and_no_others(
    app: Flask,
    writer: User,
    editor: User,
    reviewer: User,
    officer: User,
    chain: list[dict[str, object]],
) -> None:
    release = in_review(writer, *chain)
    first, second, _third = reviews(release)

    for stranger in (editor, reviewer):
        with pytest.raises(NotAllowed):
            passed(first, stranger)
    passed(first, officer)
    with pytest.raises(NotAllowed):
        passed(second, officer)


def test_an_admin_passes_a_step_for_somebody_who_is_away(
    app: Flask, writer: User, admin: User, chain: list[dict[str, object]]
) -> None:
    release = in_review(writer, *chain)

    for review in reviews(release)[:2]:
        passed(review, admin)

    assert [one.decided_by for one in reviews(release)[:2]] == [admin, admin]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_four_eyes_hold_in_every_step(app: Flask, admin: User, place: int) -> None:
    """The writer is an administrator, who may pass any step but of their own words."""
    others = [factories.user(f"{n}@press.example", role=Role.EDITOR) for n in ("x", "y", "z")]
    release = in_review(admin, *[step(one.name, person=one) for one in others])
    rows = reviews(release)
    for row, person in list(zip(rows, others, strict=True))[:place]:
        passed(row, person)

    with pytest.raises(NotAllowed) as refused:
        passed(rows[place], admin)

    assert refused.value.key == "four_eyes"
    assert rows[place].verdict is None


def test_an_office_of_one_passes_its_own_steps(app: Flask, editor: User) -> None:
    db.session.add(Organisation(name_sv="Ensam", name_en="Alone", short_name="E", four_eyes=False))
    release = in_review(editor, step("Läsa", role=Role.EDITOR), step("Ja", person=editor))

    for review in reviews(release):
        passed(review, editor)

    assert release.state is State.APPROVED


def test_a_named_editor_at_the_end_is_the_only_one_who_approves(
    app: Flask, writer: User, editor: User
) -> None:
    chief = factories.user("chef@press.example", role=Role.EDITOR)
    release = in_review(writer, step("Chefen", person=chief))

    with pytest.raises(NotAllowed) as refused:
        workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)
    assert refused.value.facts["name"] == "Chef"

    workflow.approve(release, revision_id=release.head_id or 0, by=chief, at=LATER)
    assert only_review(release).decided_by == chief


def test_an_admin_approves_in_place_of_the_named_editor(
    app: Flask, writer: User, admin: User
) -> None:
    chief = factories.user("chef@press.example", role=Role.EDITOR)
    release = in_review(writer, step("Chefen", person=chief))

    workflow.approve(release, revision_id=release.head_id or 0, by=admin, at=LATER)

    assert only_review(release).decided_by == admin


def test_a_last_step_that_no_editor_takes_leaves_the_approval_to_the_editors(
    app: Flask, writer: User, editor: User, officer: User
) -> None:
    release = in_review(writer, step("Sakgranskning", role=Role.OFFICER))

    passed(only_review(release), officer)

    assert told("review_asked") == {"Olle": 1, "Bo": 1}
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)
    assert [one.decided_by for one in reviews(release)] == [officer, editor]


def test_passing_the_last_step_is_approving(app: Flask, writer: User, editor: User) -> None:
    release = in_review(writer, step("Godkännande", role=Role.EDITOR))

    passed(only_review(release), editor)

    assert release.state is State.APPROVED
    assert release.approved_id == release.head_id


def test_a_changed_text_goes_through_the_chain_anew(
    app: Flask, writer: User, officer: User, chain: list[dict[str, object]]
) -> None:
    release = in_review(writer, *chain)
    passed(reviews(release)[0], officer)
    old = reviews(release)[1]
    change(release, writer)
    workflow.submit(release, by=writer, at=LATER)

    assert len(unpassed(release)) == 3
    with pytest.raises(NotNow) as refused:
        passed(old, officer)
    assert refused.value.key == "review_over"


def test_a_role_that_nobody_has_is_asked_of_the_administrators(
    app: Flask, writer: User, admin: User
) -> None:
    in_review(writer, step("Sakgranskning", role=Role.OFFICER))

    assert told("review_asked") == {"Cia": 1}


def test_a_chain_with_somebody_who_has_left_says_so(
    app: Flask, writer: User, reviewer: User
) -> None:
    reviewer.active = False
    with pytest.raises(BadInput) as refused:
        in_review(writer, step("Språk", person=reviewer))

    assert refused.value.key == "reviewer_gone"


def test_a_step_of_somebody_who_has_left_since_is_asked_of_the_administrators(
    app: Flask, writer: User, officer: User, reviewer: User, admin: User
) -> None:
    release = in_review(
        writer, step("Sakgranskning", role=Role.OFFICER), step("Språk", person=reviewer)
    )
    reviewer.active = False

    passed(reviews(release)[0], officer)

    assert told("review_asked") == {"Olle": 1, "Cia": 1}


def test_the_editors_are_asked_when_the_last_who_was_waited_for_has_left(
    app: Flask, writer: User, editor: User, officer: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(people=(officer, reviewer)))
    reviewer.active = False

    passed(reviews(release)[0], officer)

    assert told("review_asked") == {"Olle": 1, "Rut": 1, "Bo": 1}


def test_an_answer_beside_the_chain_leaves_a_step_as_it_was_asked(
    app: Flask, writer: User, editor: User, officer: User, chain: list[dict[str, object]]
) -> None:
    other = factories.user("siv@press.example", role=Role.REVIEWER)
    release = in_review(writer, *chain, request=Request(people=(other,), due_at=DUE))
    first, second, _third, beside = reviews(release)
    passed(first, officer)

    passed(beside, other, at=DUE)

    assert second.asked_at == LATER


def test_a_step_of_the_writers_own_is_asked_of_the_administrators(
    app: Flask, writer: User, admin: User
) -> None:
    in_review(writer, step("Läsa", person=writer))

    assert told("review_asked") == {"Cia": 1}


def test_whose_link_was_taken_back_can_be_asked_again(app: Flask, writer: User) -> None:
    release = in_review(writer, request=Request(outsiders=(EVA,)))
    first = next(one.invitation for one in reviews(release) if one.invitation)
    inviting.revoke(first, by=writer, at=LATER)

    (again,) = deciding.ask_more(release, Request(outsiders=(EVA,)), by=writer, at=LATER)

    assert again.invitation != first
    assert letters_to(EVA.email) == 2


# Answers


def test_changes_asked_for_by_a_reviewer_send_the_text_back(
    app: Flask, writer: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,)))

    deciding.decide(
        only_review(release), verdict=Verdict.CHANGES, reason="Fel kommun", by=reviewer, at=LATER
    )

    assert release.state is State.SENT_BACK
    assert history(release)[0].reason == "Fel kommun"
    assert told("sent_back") == {"Alva": 1}


def test_changes_asked_for_by_a_writer_stand_as_an_answer(
    app: Flask, writer: User, editor: User
) -> None:
    """A writer may not send back a colleague's text."""
    other = factories.user("disa@press.example", role=Role.WRITER)
    release = in_review(writer, request=Request(people=(other,)))

    deciding.decide(
        only_review(release), verdict=Verdict.CHANGES, reason="Fel kommun", by=other, at=LATER
    )

    assert release.state is State.IN_REVIEW
    assert only_review(release).reason == "Fel kommun"
    assert told("comment") == {"Alva": 1, "Bo": 1}


def test_changes_asked_for_in_a_step_stop_the_approval(
    app: Flask, writer: User, editor: User
) -> None:
    other = factories.user("disa@press.example", role=Role.WRITER)
    release = in_review(writer, step("Läsa", person=other))
    deciding.decide(only_review(release), verdict=Verdict.CHANGES, reason="Fel", by=other, at=LATER)

    with pytest.raises(NotNow):
        workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)


def test_changes_need_a_reason(app: Flask, writer: User, reviewer: User) -> None:
    release = in_review(writer, request=Request(people=(reviewer,)))

    with pytest.raises(BadInput) as refused:
        deciding.decide(
            only_review(release), verdict=Verdict.CHANGES, reason=" \n", by=reviewer, at=LATER
        )

    assert refused.value.key == "reason_missing"


def test_approving_settles_what_was_waited_for_from_the_approver(
    app: Flask, writer: User, editor: User
) -> None:
    release = in_review(writer, request=Request(people=(editor,)))

    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)

    assert (only_review(release).verdict, only_review(release).decided_by) == (
        Verdict.PASSED,
        editor,
    )


def test_of_two_who_answer_at_once_one_is_first(app: Flask, writer: User) -> None:
    one, other = (factories.user(f"{n}@press.example", role=Role.OFFICER) for n in "xy")
    release = in_review(writer, step("Sak", role=Role.OFFICER), step("Ja", role=Role.EDITOR))
    review = reviews(release)[0]
    # The other has answered, and this person's page has not heard of it.
    db.session.execute(
        sa.update(Review)
        .where(Review.id == review.id)
        .values(verdict=Verdict.PASSED, decided_by_id=other.id, decided_at=LATER)
        .execution_options(synchronize_session=False)
    )
    assert review.verdict is None

    assert not reviewing.answer(review, Verdict.CHANGES, reason="Fel", by=one, at=LATER)
    assert (review.verdict, review.decided_by) == (Verdict.PASSED, other)
    with pytest.raises(Conflict):
        passed(review, one)


def test_an_invited_person_answers_only_what_they_were_asked(
    app: Flask, writer: User, editor: User
) -> None:
    release = in_review(writer, request=Request(outsiders=(EVA, Outsider("Ola", "ola@x.example"))))
    hers, his = (one for one in reviews(release) if one.invitation)

    with pytest.raises(NotAllowed):
        deciding.decide(his, verdict=Verdict.PASSED, invitation=hers.invitation, at=LATER)
    with pytest.raises(NotAllowed):
        deciding.decide(hers, verdict=Verdict.PASSED, at=LATER)
    deciding.decide(hers, verdict=Verdict.PASSED, invitation=hers.invitation, at=LATER)

    assert (hers.verdict, his.verdict) == (Verdict.PASSED, None)
    assert history(release)[0].reason == "Eva Ek"


def test_the_answer_of_somebody_invited_neither_sends_back_nor_approves(
    app: Flask, writer: User, editor: User
) -> None:
    release = in_review(writer, request=Request(outsiders=(EVA,)))
    hers = next(one for one in reviews(release) if one.invitation)

    deciding.decide(
        hers, verdict=Verdict.CHANGES, reason="Fel namn", invitation=hers.invitation, at=LATER
    )

    assert release.state is State.IN_REVIEW
    assert told("comment") == {"Alva": 1, "Bo": 1}


@pytest.mark.parametrize("state", [State.APPROVED, State.SENT_BACK, State.PUBLISHED])
def test_when_the_review_is_over_nobody_answers(
    app: Flask, writer: User, editor: User, reviewer: User, state: State
) -> None:
    release = factories.release(writer, state=state, editor=editor)
    review = Review(
        release=release,
        revision_id=release.head_id,
        submission=release.submission,
        user=reviewer,
        asked_at=A_MORNING,
    )
    db.session.add(review)
    db.session.commit()

    with pytest.raises(DomainError) as refused:
        passed(review, reviewer)

    assert refused.value.key == "review_over"


# Approval voided


def test_who_approved_a_text_is_told_when_it_is_edited(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.SCHEDULED, editor=editor)

    change(release, writer)

    assert told("approval_voided") == {"Bo": 1}


def test_an_approver_who_edits_it_themselves_is_not_told(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    change(release, editor)

    assert told("approval_voided") == {}


# Reminders


def due_review(writer: User, reviewer: User, **more: object) -> Review:
    release = in_review(writer, request=Request(people=(reviewer,), due_at=DUE))
    return only_review(release)


@pytest.mark.parametrize(
    ("before", "reminded"), [(timedelta(days=1, minutes=1), 0), (timedelta(days=1), 1)]
)
def test_a_reviewer_is_reminded_a_day_before(
    app: Flask,
    writer: User,
    reviewer: User,
    monkeypatch: pytest.MonkeyPatch,
    before: timedelta,
    reminded: int,
) -> None:
    due_review(writer, reviewer)

    monkeypatch.setattr("releases.review.reminding.now", lambda: DUE - before)
    remind_reviewers()
    remind_reviewers()

    assert sum(told("review_due").values()) == reminded


def test_a_reviewer_is_reminded_once_before_and_once_after(
    app: Flask, writer: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_review(writer, reviewer)

    for hours in range(-48, 72, 6):
        at = DUE + timedelta(hours=hours)
        monkeypatch.setattr("releases.review.reminding.now", lambda at=at: at)
        remind_reviewers()

    assert told("review_due") == {"Rut": 2}


def test_of_two_workers_one_reminds(app: Flask, writer: User, reviewer: User) -> None:
    review = due_review(writer, reviewer)
    at = DUE - timedelta(hours=3)
    db.session.execute(
        sa.update(Review).values(reminded_at=at).execution_options(synchronize_session=False)
    )
    assert review.reminded_at is None  # as the second worker has it

    assert not remind(review, at=at)
    assert told("review_due") == {}


def test_who_has_answered_is_not_reminded(
    app: Flask, writer: User, editor: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed(due_review(writer, reviewer), reviewer)
    db.session.commit()

    monkeypatch.setattr("releases.review.reminding.now", lambda: DUE + timedelta(hours=1))
    remind_reviewers()

    assert "Rut" not in told("review_due")


def test_a_step_that_waits_for_another_is_not_reminded(
    app: Flask,
    writer: User,
    editor: User,
    officer: User,
    reviewer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_review(
        writer,
        step("Sak", person=officer),
        step("Språk", person=reviewer),
        request=Request(due_at=DUE),
    )

    monkeypatch.setattr("releases.review.reminding.now", lambda: DUE)
    remind_reviewers()

    assert told("review_due") == {"Olle": 1}


def test_a_text_that_was_sent_back_reminds_nobody(
    app: Flask, writer: User, editor: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,), due_at=DUE))
    workflow.send_back(release, reason="Fel", by=editor, at=LATER)
    db.session.commit()

    monkeypatch.setattr("releases.review.reminding.now", lambda: DUE)
    remind_reviewers()

    assert told("review_due") == {}


def test_somebody_from_outside_is_reminded_by_letter(
    app: Flask, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_review(writer, request=Request(outsiders=(EVA,), due_at=DUE))

    for at in (DUE - timedelta(hours=20), DUE - timedelta(hours=10), DUE, DUE):
        monkeypatch.setattr("releases.review.reminding.now", lambda at=at: at)
        remind_reviewers()

    assert letters_to(EVA.email) == 3


def change(release: object, by: User) -> None:
    """Another save of the same text, with one more link."""
    text = text_of(release.head)  # type: ignore[attr-defined]
    text.links.append({"label": "icld.se", "url": "https://www.icld.se/"})
    save(release, text, base_id=release.head_id, by=by, at=LATER)  # type: ignore[attr-defined,arg-type]
    db.session.commit()
