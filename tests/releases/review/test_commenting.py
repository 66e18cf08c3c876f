"""Comments and suggestions: said about a passage, found again, answered, settled, taken over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import Role, User
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotAllowed
from releases.editorial.models import Release, State
from releases.editorial.writing import save, text_of
from releases.review import commenting
from releases.review.models import Comment, Outcome
from tests import factories
from tests.factories import A_MORNING
from tests.releases.review.reviewed import LATER, told

TOTAL = '<data value="2650000" data-figure="total">2\u00a0650\u00a0000 kronor</data>'
BODY = f"<p>Falun och Borås får <strong>dela på</strong> {TOTAL}.</p><p>Projekten rör vatten.</p>"


@pytest.fixture
def reviewer(app: Flask) -> User:
    return factories.user("rut@press.example", role=Role.REVIEWER)


@pytest.fixture
def release(writer: User) -> Release:
    made = factories.release(writer)
    written(made, BODY, writer)
    return made


def written(release: Release, body: str, by: User) -> None:
    text = replace(text_of(release.head), body=body)
    save(release, text, base_id=release.head_id or 0, by=by, at=A_MORNING)
    db.session.commit()


def said(release: Release, by: User, passage: str = "", **more: str) -> Comment:
    made = commenting.comment(
        release,
        release.head,
        **{"text": "Stämmer det?", "passage": passage, **more},  # type: ignore[arg-type]
        by=by,
        at=A_MORNING,
    )
    db.session.commit()
    return made


def shown(release: Release) -> commenting.Commented:
    return commenting.commented(release, release.head)


def test_a_passage_is_kept_as_the_text_has_it(release: Release, reviewer: User) -> None:
    made = said(release, reviewer, "dela på 2 650 000 kronor", part="body")

    assert made.part == "body"
    assert made.passage == "dela på 2\u00a0650\u00a0000 kronor"
    assert made.before == "Falun och Borås får "
    assert made.after == ". Projekten rör vatten."


def test_words_that_are_not_in_the_text_are_refused(release: Release, reviewer: User) -> None:
    with pytest.raises(BadInput) as refused:
        said(release, reviewer, "Umeå får")

    assert refused.value.key == "passage_unknown"


def test_nothing_said_is_refused(release: Release, reviewer: User) -> None:
    with pytest.raises(BadInput):
        said(release, reviewer, text=" \n ")


def test_the_writer_is_told_what_was_said(release: Release, writer: User, reviewer: User) -> None:
    said(release, reviewer)
    said(release, writer)

    assert told("comment") == {"Alva": 1}


def test_threads_stand_in_the_order_of_the_text(release: Release, reviewer: User) -> None:
    said(release, reviewer, text="allmänt")
    said(release, reviewer, "rör vatten", text="sist")
    said(release, reviewer, "Falun", part="body", text="först")

    assert [one.comment.text for one in shown(release).threads] == ["först", "sist", "allmänt"]


def test_the_passage_is_marked_where_it_stands(release: Release, reviewer: User) -> None:
    made = said(release, reviewer, "får dela på 2 650 000 kronor", part="body")

    body = shown(release).body

    assert f'id="passage-{made.id}"' in body
    assert (
        f'<strong><mark class="passage" data-comments="{made.id}">dela på</mark></strong>' in body
    )


def test_a_comment_follows_its_passage_into_a_later_revision(
    release: Release, writer: User, reviewer: User
) -> None:
    said(release, reviewer, "rör vatten")

    written(release, f"<p>Nytt först.</p>{BODY}", writer)

    (thread,) = shown(release).threads
    assert thread.found is not None
    assert not thread.has_changed


def test_a_passage_that_has_gone_is_told_with_its_words(
    release: Release, writer: User, reviewer: User
) -> None:
    said(release, reviewer, "Projekten rör vatten")

    written(release, "<p>Allt är omskrivet från början.</p>", writer)

    (thread,) = shown(release).threads
    assert thread.has_changed
    assert thread.found is None
    assert thread.comment.passage == "Projekten rör vatten"


def test_an_answer_belongs_to_its_thread_and_is_told_to_it(
    release: Release, writer: User, reviewer: User
) -> None:
    made = said(release, reviewer)
    first = commenting.answer(made, text="Ja", by=writer, at=LATER)
    commenting.answer(first, text="Bra", by=reviewer, at=LATER)

    (thread,) = shown(release).threads
    assert [one.text for one in thread.answers] == ["Ja", "Bra"]
    assert told("comment") == {"Alva": 2, "Rut": 1}


def test_a_comment_is_settled_once_and_can_be_opened_again(
    release: Release, writer: User, reviewer: User
) -> None:
    made = said(release, reviewer, "rör vatten")
    commenting.resolve(made, by=writer, at=LATER)

    assert made.outcome is Outcome.RESOLVED
    assert "mark" not in shown(release).body
    with pytest.raises(Conflict):
        commenting.resolve(made, by=reviewer, at=LATER)
    commenting.reopen(made, by=reviewer, at=LATER)
    assert (made.outcome, made.settled_by_id) == (Outcome.OPEN, None)


def test_the_editing_page_gets_the_open_ones(
    release: Release, writer: User, reviewer: User
) -> None:
    made = said(release, reviewer, "rör vatten")
    said(release, reviewer, text="allmänt")
    commenting.resolve(said(release, reviewer, "Falun", part="body"), by=writer, at=LATER)

    assert commenting.for_editor(release) == [
        {
            "id": made.id,
            "part": "body",
            "passage": "rör vatten",
            "before": made.before,
            "after": ".",
            "text": "Stämmer det?",
            "author": "Rut",
        }
    ]


def suggested(release: Release, by: User, passage: str, replacement: str) -> Comment:
    return said(release, by, passage, part="body", text="", replacement=replacement)


def test_an_accepted_suggestion_is_a_revision_with_a_note(
    release: Release, writer: User, reviewer: User
) -> None:
    made = suggested(release, reviewer, "får dela på", "ska dela på")

    commenting.accept(made, by=writer, at=LATER)

    assert release.head.body.startswith("<p>Falun och Borås ska <strong>dela på</strong> <data")
    assert release.head.note == "Förslag av Rut antaget"
    assert release.head.author == writer
    assert made.outcome is Outcome.ACCEPTED
    assert told("suggestion") == {"Alva": 1}
    assert told("suggestion_settled") == {"Rut": 1}


def test_accepting_voids_an_approval_as_any_edit_does(
    app: Flask, writer: User, editor: User, reviewer: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    word = release.head.title.split()[0]
    made = said(release, reviewer, word, part="headline", text="", replacement=f"Nya {word}")

    commenting.accept(made, by=writer, at=LATER)

    assert release.state is State.DRAFT
    assert told("approval_voided") == {"Bo": 1}


def test_a_suggestion_whose_words_have_changed_stays_open(
    release: Release, writer: User, reviewer: User
) -> None:
    made = suggested(release, reviewer, "rör vatten", "handlar om vatten")
    written(release, BODY.replace("rör vatten", "rör rent vatten"), writer)
    head = release.head_id

    with pytest.raises(Conflict) as refused:
        commenting.accept(made, by=writer, at=LATER)

    assert refused.value.key == "passage_changed"
    assert made.outcome is Outcome.OPEN
    assert release.head_id == head


def test_who_may_not_write_does_not_accept_or_reject(release: Release, reviewer: User) -> None:
    made = suggested(release, reviewer, "rör vatten", "handlar om vatten")

    for verb in (commenting.accept, commenting.reject):
        with pytest.raises(NotAllowed):
            verb(made, by=reviewer, at=LATER)

    assert made.outcome is Outcome.OPEN


def test_a_rejected_suggestion_leaves_the_text(
    release: Release, writer: User, reviewer: User
) -> None:
    made = suggested(release, reviewer, "rör vatten", "handlar om vatten")
    head = release.head_id

    commenting.reject(made, by=writer, at=LATER)

    assert made.outcome is Outcome.REJECTED
    assert release.head_id == head
    assert told("suggestion_settled") == {"Rut": 1}


def test_of_two_who_settle_a_suggestion_one_is_first(
    release: Release, writer: User, reviewer: User
) -> None:
    made = suggested(release, reviewer, "rör vatten", "handlar om vatten")
    assert made.outcome is Outcome.OPEN  # as the second person has it
    db.session.execute(
        sa.update(Comment)
        .values(outcome=Outcome.REJECTED, settled_at=LATER)
        .execution_options(synchronize_session=False)
    )
    head = release.head_id

    with pytest.raises(Conflict):
        commenting.accept(made, by=writer, at=LATER)

    db.session.refresh(release)
    assert release.head_id == head


def test_a_suggestion_about_a_figures_own_words_is_refused_at_once(
    release: Release, reviewer: User
) -> None:
    with pytest.raises(BadInput) as refused:
        suggested(release, reviewer, "2 650 000 kronor", "nästan tre miljoner kronor")

    assert refused.value.key == "suggestion_touches_figure"


def test_a_suggestion_that_changes_nothing_is_refused(release: Release, reviewer: User) -> None:
    with pytest.raises(BadInput):
        suggested(release, reviewer, "rör vatten", "rör  vatten ")


def test_a_suggestion_can_be_to_leave_words_out(
    release: Release, writer: User, reviewer: User
) -> None:
    made = suggested(release, reviewer, " och Borås", "")

    commenting.accept(made, by=writer, at=LATER + timedelta(minutes=1))

    assert release.head.body.startswith("<p>Falun får ")
