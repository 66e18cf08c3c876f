"""Behind a secret link: what a reviewer from outside sees and does, and what a scanner cannot."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import Base, db, normal_url
from app.core.organisation import organisation
from releases.editorial import workflow
from releases.editorial.models import Release
from releases.editorial.writing import save, text_of
from releases.review import inviting
from releases.review.models import Comment, Invitation, InvitationVisit, Purpose, Review, Verdict
from releases.review.reviewing import Request, reviews
from subscribers.mailings.models import MailingPart
from tests.releases.editorial.looking import words
from tests.releases.review.reviewed import EVA, in_review


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def release(writer: User) -> Release:
    return in_review(writer, request=Request(outsiders=(EVA,)), at=now())


@pytest.fixture
def hers(release: Release) -> Review:
    return next(one for one in reviews(release) if one.invitation)


@pytest.fixture
def link(hers: Review) -> str:
    assert hers.invitation is not None
    return f"/invited/{inviting.token_of(hers.invitation)}"


def answer(client: FlaskClient, link: str, review: Review, verdict: str, reason: str = "") -> int:
    form = {"verdict": verdict, "reason": reason, "revision": str(review.revision_id)}
    return client.post(f"{link}/answer", data=form).status_code


def resubmitted(release: Release, writer: User, lead: str) -> None:
    text = text_of(release.head)
    changed = replace(text, lead=lead)
    save(release, changed, base_id=release.head_id or 0, by=writer, at=now())
    db.session.commit()


def rows() -> dict[str, int]:
    """How many rows each table has."""
    return {
        table.name: db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }


def test_the_letter_holds_no_secret_until_it_is_sent(release: Release, link: str) -> None:
    token = link.rpartition("/")[2]

    frozen = b"".join(db.session.scalars(sa.select(MailingPart.template)))

    assert b"Hej Eva Ek!" in frozen
    assert token.encode() not in frozen


def test_the_submitted_text_is_there_to_read(
    client: FlaskClient, release: Release, link: str
) -> None:
    page = client.get(link)

    assert page.status_code == 200
    assert " ".join(release.head.title.split()) in words(page.text)
    assert "För Eva Ek" in words(page.text)


def test_nothing_of_it_is_kept_indexed_or_passed_on(client: FlaskClient, link: str) -> None:
    for path in (link, f"{link}x", "/invited/nonsense"):
        headers = client.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in headers["X-Robots-Tag"]
        assert "Set-Cookie" not in headers


def test_a_draft_on_top_of_it_is_not_shown(
    client: FlaskClient, release: Release, writer: User, link: str
) -> None:
    resubmitted(release, writer, "Ännu inte färdigt.")

    assert "Ännu inte färdigt" not in client.get(link).text


def test_a_later_submission_is_shown_and_said_to_be_new(
    client: FlaskClient, release: Release, writer: User, link: str
) -> None:
    resubmitted(release, writer, "Bättre nu.")
    workflow.submit(release, by=writer, at=now())
    db.session.commit()

    page = words(client.get(link).text)

    assert "Bättre nu." in page
    assert "Texten har ändrats sedan du fick länken" in page
    assert "Vi väntar inte på något svar från dig just nu" in page


def test_no_objections(client: FlaskClient, hers: Review, link: str) -> None:
    assert answer(client, link, hers, "passed") == 303

    db.session.refresh(hers)
    assert hers.verdict is Verdict.PASSED
    assert "inte har några invändningar" in words(client.get(link).text)


def test_changes_are_asked_for_with_why(client: FlaskClient, hers: Review, link: str) -> None:
    assert answer(client, link, hers, "changes") == 422
    assert answer(client, link, hers, "changes", "Fel titel på Eva") == 303

    db.session.refresh(hers)
    assert (hers.verdict, hers.reason) == (Verdict.CHANGES, "Fel titel på Eva")


def test_a_refused_answer_keeps_every_word(client: FlaskClient, hers: Review, link: str) -> None:
    form = {"verdict": "", "reason": "Något <viktigt>", "revision": str(hers.revision_id)}

    page = client.post(f"{link}/answer", data=form)

    assert page.status_code == 422
    assert "Något <viktigt>" in unescape(page.text)


def test_an_answer_about_another_version_is_refused(
    client: FlaskClient, release: Release, writer: User, hers: Review, link: str
) -> None:
    resubmitted(release, writer, "Bättre nu.")
    workflow.submit(release, request=Request(outsiders=(EVA,)), by=writer, at=now())
    db.session.commit()

    assert answer(client, link, hers, "passed") == 422


def test_a_comment_on_a_passage_shows_up_for_the_office(
    client: FlaskClient, release: Release, link: str
) -> None:
    word = release.head.title.split()[0]
    form = {"text": "Stämmer det?", "passage": word, "part": "headline"}

    assert client.post(f"{link}/comments", data=form).status_code == 303

    made = db.session.scalars(sa.select(Comment)).one()
    assert (made.part, made.passage) == ("headline", word)
    assert made.invitation is not None
    assert made.invitation.name == "Eva Ek"
    assert "Stämmer det?" in client.get(link).text


def test_she_sees_her_own_comments_and_no_others(
    client: FlaskClient, release: Release, writer: User, link: str
) -> None:
    from releases.review import commenting

    commenting.comment(release, release.head, text="Internt!", by=writer, at=now())
    db.session.commit()

    assert "Internt!" not in client.get(link).text


def test_a_suggestion_cannot_be_slipped_in(
    client: FlaskClient, release: Release, link: str
) -> None:
    form = {
        "text": "x",
        "passage": release.head.title.split()[0],
        "suggests": "1",
        "replacement": "Fel",
    }

    client.post(f"{link}/comments", data=form)

    assert db.session.scalars(sa.select(Comment)).one().replacement is None


# Doors


def test_a_revoked_an_expired_and_an_invented_link_look_alike(
    client: FlaskClient, release: Release, writer: User, hers: Review, link: str
) -> None:
    tampered = client.get(link[:-2] + ("A" if link[-2] != "A" else "B") + link[-1])
    assert hers.invitation is not None
    inviting.revoke(hers.invitation, by=writer, at=now())
    db.session.commit()
    revoked = client.get(link)
    other = invitation(release, Purpose.REVIEW, expires_at=now() - timedelta(seconds=1))
    expired = client.get(f"/invited/{inviting.token_of(other)}")
    invented = client.get("/invited/AAAA")

    pages = [tampered, revoked, expired, invented]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert "Länken fungerar inte" in pages[0].text
    assert "This link does not work" in pages[0].text


@pytest.mark.parametrize("purpose", [Purpose.SIGN_OFF, Purpose.EMBARGO])
def test_a_link_for_something_else_opens_nothing_here(
    client: FlaskClient, release: Release, purpose: Purpose
) -> None:
    other = invitation(release, purpose, expires_at=now() + timedelta(days=1))

    assert client.get(f"/invited/{inviting.token_of(other)}").status_code == 404


def test_a_revoked_link_takes_no_answer(
    client: FlaskClient, writer: User, hers: Review, link: str
) -> None:
    assert hers.invitation is not None
    inviting.revoke(hers.invitation, by=writer, at=now())
    db.session.commit()

    assert answer(client, link, hers, "passed") == 404
    assert client.post(f"{link}/comments", data={"text": "x"}).status_code == 404
    db.session.refresh(hers)
    assert hers.verdict is None


def test_who_goes_on_trying_links_is_slowed_down(client: FlaskClient, link: str) -> None:
    answers = [client.get(f"/invited/wrong{n}").status_code for n in range(32)]

    assert answers[:30] == [404] * 30
    assert answers[30:] == [429] * 2
    assert client.get(link).status_code == 200


def test_a_scanner_that_opens_everything_leaves_only_its_visit(
    client: FlaskClient, hers: Review, link: str
) -> None:
    before = rows()
    page = client.get(link).text
    found = {unescape(one) for one in re.findall(r'(?:href|action|src)="([^"]+)"', page)}

    for path in sorted(found | {link, f"{link}/answer", f"{link}/comments"}):
        if path.startswith(("/", "#")):
            for method in ("GET", "HEAD", "OPTIONS"):
                client.open(path.partition("#")[0] or link, method=method).close()

    after = rows()
    assert after.pop("invitation_visit") == 1
    before.pop("invitation_visit")
    assert after == before
    db.session.refresh(hers)
    assert hers.verdict is None


def test_a_visit_is_put_down_once_an_hour_and_revision(
    client: FlaskClient,
    release: Release,
    writer: User,
    link: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = now()
    for minutes in (0, 5, 59, 61, 62):
        at(monkeypatch, start + timedelta(minutes=minutes))
        client.get(link)
    assert visits() == 2
    resubmitted(release, writer, "Bättre nu.")
    workflow.submit(release, by=writer, at=now())
    db.session.commit()
    client.get(link)

    assert visits() == 3


def test_head_leaves_no_visit(client: FlaskClient, link: str) -> None:
    client.head(link)

    assert visits() == 0


def test_the_page_speaks_the_language_of_the_release(writer: User, client: FlaskClient) -> None:
    from tests import factories

    release = factories.release(writer, language="en")
    workflow.submit(release, request=Request(outsiders=(EVA,)), by=writer, at=now())
    db.session.commit()
    hers = next(one for one in reviews(release) if one.invitation)
    assert hers.invitation is not None

    page = client.get(f"/invited/{inviting.token_of(hers.invitation)}")

    assert "I have no objections" in page.text
    assert organisation().name("en") in page.text


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr("releases.review.review_public.now", lambda: moment)


def visits() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(InvitationVisit)) or 0


def invitation(release: Release, purpose: Purpose, *, expires_at: datetime) -> Invitation:
    made = inviting.invite(
        release,
        purpose,
        name="Ola",
        email="ola@x.example",
        expires_at=expires_at,
        by=None,
        at=now(),
    )
    db.session.commit()
    return made
