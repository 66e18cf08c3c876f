"""The office's pages about reviews: asking, answering, commenting, inviting, the chain."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.clock import local, now
from app.core.db import db, normal_url
from releases.commands import release_group
from releases.editorial import workflow
from releases.editorial.models import Release, State, StoryAccess
from releases.editorial.writing import save, text_of
from releases.review import chaining, commenting
from releases.review.models import Comment, Invitation, Outcome, Verdict
from releases.review.reviewing import Request, reviews
from releases.rounds.models import Programme
from tests import factories
from tests.factories import signed_in
from tests.queries import counted_queries
from tests.releases.editorial.looking import words
from tests.releases.review.reviewed import EVA, in_review, only_review, step


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def reviewer(app: Flask) -> User:
    return factories.user("rut@press.example", role=Role.REVIEWER)


def at(release: Release, more: str = "") -> str:
    return f"/office/releases/{release.id}{more}"


def form(release: Release, **more: str) -> dict[str, str]:
    return {"revision": str(release.head_id), **more}


def headed(writer: User, headline: str) -> Release:
    """A committed draft with a headline of its own."""
    release = factories.release(writer)
    save(
        release,
        replace(text_of(release.head), headline=headline),
        base_id=release.head_id or 0,
        by=writer,
        at=now(),
    )
    db.session.commit()
    return release


# Asking


def test_the_button_alone_asks_for_review(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)

    signed_in(client, writer).post(at(release, "/submit"), data=form(release))

    db.session.refresh(release)
    assert release.state is State.IN_REVIEW


@pytest.mark.parametrize("due", ["9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_time_at_the_end_of_all_calendars_is_no_time_to_answer_by(
    client: FlaskClient, writer: User, due: str
) -> None:
    release = factories.release(writer)
    asked = form(release, due_at=due, outsiders="Eva Ek, eva@lund.example")

    answer = signed_in(client, writer).post(at(release, "/submit"), data=asked)

    assert answer.status_code == 422
    assert due in answer.text


def test_reviewers_time_and_message_are_taken_from_the_form(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = factories.release(writer)
    due = local(now() + timedelta(days=2)).replace(second=0, microsecond=0)
    asked = form(
        release,
        reviewer=str(reviewer.id),
        due_at=f"{due:%Y-%m-%dT%H:%M}",
        outsiders="Eva Ek, eva@lund.example",
        message="Titta på siffrorna",
    )

    signed_in(client, writer).post(at(release, "/submit"), data=asked)

    found = {(one.user or one.invitation).name: one.due_at for one in reviews(release)}  # type: ignore[union-attr]
    assert found == {"Rut": due, "Eva Ek": due}
    page = words(client.get(at(release)).text)
    assert "Titta på siffrorna" in page
    assert "Eva Ek" in page


def test_a_refused_form_keeps_every_word(client: FlaskClient, writer: User, reviewer: User) -> None:
    release = factories.release(writer)
    asked = form(release, reviewer=str(reviewer.id), outsiders="bara ett namn", message="Hej <du>")

    page = signed_in(client, writer).post(at(release, "/submit"), data=asked)

    assert page.status_code == 422
    assert "bara ett namn" in page.text
    assert "Hej <du>" in unescape(page.text)
    assert re.search(rf'value="{reviewer.id}" checked', page.text)
    db.session.refresh(release)
    assert release.state is State.DRAFT


def test_a_button_on_an_old_page_submits_nothing(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)

    answer = signed_in(client, writer).post(at(release, "/submit"), data={"revision": "999"})

    assert answer.status_code == 409


def test_more_people_are_asked_from_the_page(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = in_review(writer)

    signed_in(client, writer).post(
        at(release, "/ask"), data=form(release, reviewer=str(reviewer.id))
    )

    assert reviewer in [one.user for one in reviews(release)]


def test_the_page_shows_each_step_and_whose_turn_it_is(
    client: FlaskClient, writer: User, editor: User, reviewer: User
) -> None:
    release = in_review(writer, step("Språket", person=reviewer), step("Beslut", role=Role.EDITOR))

    page = words(signed_in(client, editor).get(at(release)).text)

    assert re.search(r"Språket · Rut\s+Väntar på svar", page)
    assert re.search(r"Beslut · Någon redaktör\s+Frågas när stegen före är klara", page)
    assert "Godkänn den här versionen" not in page


# Answering


def test_a_reviewer_answers_on_the_reading_page(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,)))
    review = only_review(release)
    page = signed_in(client, reviewer).get(at(release, "/read")).text
    assert f'action="{at(release, f"/reviews/{review.id}/answer")}"' in page

    client.post(at(release, f"/reviews/{review.id}/answer"), data={"verdict": "passed"})

    db.session.refresh(review)
    assert (review.verdict, review.decided_by) == (Verdict.PASSED, reviewer)


def test_an_answer_without_its_reason_comes_back_with_what_was_chosen(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,)))
    path = at(release, f"/reviews/{only_review(release).id}/answer")

    page = signed_in(client, reviewer).post(path, data={"verdict": "changes", "reason": " "})

    assert page.status_code == 422
    assert re.search(r'value="changes" checked', page.text)
    assert "Skriv varför" in page.text


@pytest.mark.parametrize("verdict", ["", "maybe"])
def test_an_answer_that_is_none_is_asked_again(
    client: FlaskClient, writer: User, reviewer: User, verdict: str
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,)))
    path = at(release, f"/reviews/{only_review(release).id}/answer")

    assert signed_in(client, reviewer).post(path, data={"verdict": verdict}).status_code == 422


def test_the_answer_of_another_release_is_not_found(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,)))
    other = factories.release(writer)
    path = at(other, f"/reviews/{only_review(release).id}/answer")

    assert signed_in(client, reviewer).post(path, data={"verdict": "passed"}).status_code == 404


def test_the_approver_sees_what_has_changed_since_it_was_approved(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    text = text_of(release.head)
    changed = replace(text, lead="Alldeles nya ord.")
    save(release, changed, base_id=release.head_id or 0, by=writer, at=now())
    workflow.submit(release, by=writer, at=now())
    db.session.commit()

    page = signed_in(client, editor).get(at(release)).text

    part = page[page.index("Ändrat sedan det senast godkändes") : page.index("/approve")]
    assert "Alldeles nya ord." in part


# Comments


def test_a_passage_is_commented_on_and_marked(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = factories.release(writer)
    word = release.head.title.split()[0]

    answer = signed_in(client, reviewer).post(
        at(release, "/comments"),
        data=form(release, passage=word, part="headline", text="Säkert?"),
    )

    made = db.session.scalars(sa.select(Comment)).one()
    assert answer.location.endswith(f"/read#comment-{made.id}")
    page = client.get(answer.location.partition("#")[0]).text
    assert f'<mark class="passage" data-comments="{made.id}">{word}</mark>' in page
    assert "Säkert?" in page


def test_a_refused_comment_keeps_every_word(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = factories.release(writer)

    page = signed_in(client, reviewer).post(
        at(release, "/comments"), data=form(release, passage="finns inte", text="Min fråga")
    )

    assert page.status_code == 422
    assert "Orden finns inte i texten" in page.text
    assert "finns inte</textarea>" in page.text
    assert "Min fråga</textarea>" in page.text


def test_what_somebody_writes_is_never_markup(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = factories.release(writer)
    evil = "<script>alert(1)</script>"

    signed_in(client, reviewer).post(at(release, "/comments"), data=form(release, text=evil))

    assert evil not in client.get(at(release, "/read")).text
    assert evil not in client.get(at(release)).text


def test_a_suggestion_is_accepted_with_one_click(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = headed(writer, "Pengar till vatten")
    word = "vatten"
    signed_in(client, reviewer).post(
        at(release, "/comments"),
        data=form(release, passage=word, part="headline", suggests="1", replacement="annat"),
    )
    made = db.session.scalars(sa.select(Comment)).one()

    signed_in(client, writer).post(at(release, f"/comments/{made.id}/accept"))

    db.session.refresh(release)
    assert release.head.title.endswith("annat")
    db.session.refresh(made)
    assert made.outcome is Outcome.ACCEPTED


def test_a_suggestion_whose_words_are_gone_is_told_on_the_page(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = headed(writer, "Pengar till vatten")
    word = "vatten"
    commenting.comment(
        release,
        release.head,
        text="",
        passage=word,
        part="headline",
        replacement="annat",
        by=reviewer,
        at=now(),
    )
    text = text_of(release.head)
    changed = replace(text, headline="Helt ny rubrik")
    save(release, changed, base_id=release.head_id or 0, by=writer, at=now())
    db.session.commit()
    made = db.session.scalars(sa.select(Comment)).one()

    page = signed_in(client, writer).post(at(release, f"/comments/{made.id}/accept"))

    assert page.status_code == 409
    assert "Förslaget står kvar" in page.text


def test_comments_are_folded_when_they_are_settled(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = factories.release(writer)
    made = commenting.comment(release, release.head, text="Klart?", by=reviewer, at=now())
    db.session.commit()

    signed_in(client, writer).post(at(release, f"/comments/{made.id}/resolve"))

    page = client.get(at(release, "/read")).text
    assert re.search(r'<details class="note__fold">\s*<summary><span[^>]*>Löst</span>', page)


def test_reading_asks_as_often_however_much_is_said(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(people=(reviewer,)))
    browser = signed_in(client, writer)
    counts = []
    for _ in range(2):
        for n in range(6):
            about = commenting.comment(release, release.head, text=f"{n}", by=reviewer, at=now())
            commenting.answer(about, text="ja", by=writer, at=now())
        db.session.commit()
        for page in ("/read", ""):
            with counted_queries() as asked:
                browser.get(at(release, page))
            counts.append(len(asked))

    assert counts[:2] == counts[2:]


def test_who_has_no_access_finds_neither_text_nor_comment(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = factories.release(writer)
    made = commenting.comment(release, release.head, text="Hemligt", by=writer, at=now())
    release.story.limited = True
    db.session.add(StoryAccess(story_id=release.story_id, user_id=writer.id))
    db.session.commit()
    browser = signed_in(client, reviewer)

    assert browser.get(at(release, "/read")).status_code == 404
    for path in ("/comments", f"/comments/{made.id}/answers", f"/comments/{made.id}/resolve"):
        assert browser.post(at(release, path), data={"text": "x"}).status_code == 404


def test_a_comment_is_reached_through_its_own_release_only(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    """Else the address of an open release would lead to what is said about a limited one."""
    release, other = factories.release(writer), factories.release(writer)
    made = commenting.comment(release, release.head, text="Hemligt", by=writer, at=now())
    db.session.commit()

    browser = signed_in(client, reviewer)

    assert browser.post(at(other, f"/comments/{made.id}/resolve")).status_code == 404
    assert browser.post(at(release, f"/comments/{made.id}/resolve")).status_code == 302


# Invitations


def test_staff_see_who_looked_and_take_a_link_back(
    client: FlaskClient, app: Flask, writer: User
) -> None:
    release = in_review(writer, request=Request(outsiders=(EVA,)), at=now())
    browser = signed_in(client, writer)
    page = browser.get(at(release)).text
    assert "Har inte öppnat länken" in page
    link = re.search(r'data-copy="[^"]*(/invited/[^"]+)"', page)
    assert link is not None
    app.test_client().get(link[1])
    assert "Läste senast" in browser.get(at(release)).text

    invited = db.session.scalars(sa.select(Invitation)).one()
    browser.post(at(release, f"/invitations/{invited.id}/revoke"))

    assert app.test_client().get(link[1]).status_code == 404
    assert "Länken återkallades" in browser.get(at(release)).text


def test_a_reviewer_does_not_see_others_links(
    client: FlaskClient, writer: User, reviewer: User
) -> None:
    release = in_review(writer, request=Request(outsiders=(EVA,)), at=now())

    assert "/invited/" not in signed_in(client, reviewer).get(at(release)).text


def test_a_link_is_sent_again_while_it_works(client: FlaskClient, writer: User) -> None:
    from tests.releases.review.reviewed import letters_to

    release = in_review(writer, request=Request(outsiders=(EVA,)), at=now())
    invited = db.session.scalars(sa.select(Invitation)).one()
    browser = signed_in(client, writer)

    browser.post(at(release, f"/invitations/{invited.id}/resend"))
    browser.post(at(release, f"/invitations/{invited.id}/revoke"))
    refused = browser.post(at(release, f"/invitations/{invited.id}/resend"))

    assert letters_to(EVA.email) == 2
    assert refused.status_code == 422


# The chain


def programme(writer: User) -> Programme:
    factories.release(writer)
    return db.session.scalars(sa.select(Programme)).one()


def chain_form(*steps: tuple[str, str], **more: str) -> dict[str, object]:
    return {
        "label_sv": [label for label, _ in steps],
        "label_en": ["" for _ in steps],
        "who": [who for _, who in steps],
        **more,
    }


def test_an_editor_sets_the_chain(client: FlaskClient, writer: User, editor: User) -> None:
    owner = programme(writer)
    path = f"/office/programmes/{owner.id}/review"

    signed_in(client, editor).post(
        path, data=chain_form(("Sak", "role:officer"), ("Chef", f"user:{editor.id}"))
    )

    db.session.refresh(owner)
    assert [
        (one["label_sv"], one["label_en"], one["role"], one["user_id"])
        for one in owner.review_steps
    ] == [
        ("Sak", "Sak", "officer", None),
        ("Chef", "Chef", None, editor.id),
    ]
    assert "2 steg måste klaras" in client.get(f"/office/programmes/{owner.id}").text


@pytest.mark.parametrize(
    ("label", "who"), [("", "role:officer"), ("Sak", ""), ("Sak", "user:999"), ("Sak", "role:x")]
)
def test_a_step_needs_a_name_and_somebody(
    client: FlaskClient, writer: User, editor: User, label: str, who: str
) -> None:
    owner = programme(writer)

    page = signed_in(client, editor).post(
        f"/office/programmes/{owner.id}/review",
        data=chain_form(("Kvar", "role:editor"), (label, who)),
    )

    assert page.status_code == 422
    assert 'value="Kvar"' in page.text
    db.session.refresh(owner)
    assert owner.review_steps == []


def test_the_buttons_rearrange_the_form_and_save_nothing(
    client: FlaskClient, writer: User, editor: User
) -> None:
    owner = programme(writer)
    steps = chain_form(("Ett", "role:officer"), ("Två", "role:editor"), press="up:1")

    page = (
        signed_in(client, editor)
        .post(f"/office/programmes/{owner.id}/review/steps", data=steps)
        .text
    )

    assert page.index('value="Två"') < page.index('value="Ett"')
    assert "inte sparade" in page
    db.session.refresh(owner)
    assert owner.review_steps == []


def test_a_writer_does_not_set_the_chain(client: FlaskClient, writer: User) -> None:
    owner = programme(writer)
    browser = signed_in(client, writer)

    assert browser.get(f"/office/programmes/{owner.id}/review").status_code == 403
    assert browser.post(f"/office/programmes/{owner.id}/review").status_code == 403


@pytest.mark.parametrize(
    ("press", "order"),
    [
        ("up:1", "bac"),
        ("down:1", "acb"),
        ("remove:1", "ac"),
        ("add", "abc "),
        ("up:0", "abc"),
        ("down:2", "abc"),
        ("up:9", "abc"),
        ("remove:x", "abc"),
        ("", "abc"),
        ("turn:1", "abc"),
    ],
)
def test_what_each_button_makes_of_the_steps(press: str, order: str) -> None:
    steps = [{"label_sv": label, "label_en": "", "who": ""} for label in "abc"]

    after = chaining.rearranged(steps, press)

    assert "".join(one["label_sv"] or " " for one in after) == order


# By script


def test_a_script_names_reviewers_and_a_time(app: Flask, writer: User, reviewer: User) -> None:
    release = factories.release(writer)
    due = (now() + timedelta(days=3)).replace(microsecond=0)

    done = app.test_cli_runner().invoke(
        release_group,
        [
            "submit",
            str(release.id),
            "--by",
            writer.email,
            "--reviewer",
            reviewer.email,
            "--due",
            due.isoformat(),
        ],
    )

    assert done.exit_code == 0, done.output
    db.session.refresh(release)
    assert (only_review(release).user, only_review(release).due_at) == (reviewer, due)


def test_a_script_that_names_nobody_we_know_is_refused(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    done = app.test_cli_runner().invoke(
        release_group,
        ["submit", str(release.id), "--by", writer.email, "--reviewer", "who@press.example"],
    )

    assert done.exit_code == 1
    db.session.refresh(release)
    assert release.state is State.DRAFT
