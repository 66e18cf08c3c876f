"""Embargo: who is let in before publication, what the line says, and who has read what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, reading, writing
from app.core.errors import BadInput, NotAllowed, NotNow
from app.core.organisation import unnamed
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.editorial.writing import save, text_of
from releases.review import embargo
from releases.review.embargo import Person
from releases.review.inviting import revoke, visit
from releases.review.models import Invitation
from subscribers.mailings.sending.delivering import deliver
from tests import factories
from tests.factories import A_MORNING
from tests.postoffice import PostOffice

EVA = {"name": "Eva Ek", "email": "eva@tidningen.example", "organisation": "Tidningen"}
LATER = A_MORNING + timedelta(hours=1)


@pytest.fixture
def release(app: Flask, writer: User, editor: User) -> Release:
    """Scheduled for the next morning, 24 November 2026 at 09.00."""
    return factories.release(writer, state=State.SCHEDULED, editor=editor)


def rename(release: Release, headline: str, *, by: User, at: datetime = LATER) -> None:
    text = replace(text_of(release.head), headline=headline)
    save(release, text, base_id=release.head_id or 0, by=by, at=at)


def let_in(release: Release, *, by: User, at: datetime = A_MORNING, **who: str) -> Invitation:
    return embargo.let_in(release, **{**EVA, **who}, by=by, at=at)


@pytest.mark.parametrize(
    ("line", "person"),
    [
        ("Eva Ek <eva@tidningen.example>, Tidningen", ("Eva Ek", "Tidningen")),
        ("Eva Ek <Eva@Tidningen.example>", ("Eva Ek", "")),
        ('"Ek, Eva" <eva@tidningen.example> , Nyheter, Sport', ("Ek, Eva", "Nyheter, Sport")),
        ("Eva Ek, eva@tidningen.example, Tidningen", ("Eva Ek", "Tidningen")),
        ("Eva Ek eva@tidningen.example", ("Eva Ek", "")),
        ("Eva Ek\teva@tidningen.example\tTidningen", ("Eva Ek", "Tidningen")),
    ],
)
def test_a_line_is_a_person(line: str, person: tuple[str, str]) -> None:
    name, outlet = person

    assert embargo.people_in(f"\n{line}\n\n") == [Person(name, "eva@tidningen.example", outlet)]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (" \n ", "embargo_nobody"),
        ("Eva Ek, Tidningen", "embargo_line"),
        ("eva@tidningen.example", "embargo_line"),
        ("<eva@tidningen.example>", "embargo_line"),
        ("Eva <eva@>", "embargo_line"),
        ("\n".join(f"E <e{n}@x.example>" for n in range(51)), "embargo_too_many"),
    ],
)
def test_what_cannot_be_read_is_told_by_line(text: str, key: str) -> None:
    with pytest.raises(BadInput) as refused:
        embargo.people_in(text)

    assert refused.value.key == key


def test_the_line_that_is_wrong_has_its_number() -> None:
    with pytest.raises(BadInput) as refused:
        embargo.people_in("Eva <eva@x.example>\n\nBo Ek")

    assert (refused.value.facts["n"], refused.value.facts["line"]) == (3, "Bo Ek")


@pytest.mark.parametrize("state", [State.APPROVED, State.SCHEDULED])
def test_an_editor_lets_somebody_in_once_the_text_is_approved(
    app: Flask, writer: User, editor: User, state: State
) -> None:
    release = factories.release(writer, state=state, editor=editor)

    invitation = let_in(release, by=editor)

    until = release.publish_at or A_MORNING
    assert invitation.expires_at == until + timedelta(days=30)
    assert (invitation.organisation, invitation.accepted_at) == ("Tidningen", None)


@pytest.mark.parametrize(
    "state", [State.DRAFT, State.IN_REVIEW, State.SENT_BACK, State.FAILED, State.PUBLISHED]
)
def test_nobody_is_let_in_without_approved_words_or_after_publication(
    app: Flask, writer: User, editor: User, state: State
) -> None:
    release = factories.release(writer, state=state, editor=editor)

    with pytest.raises(NotNow):
        let_in(release, by=editor)


def test_only_an_editor_lets_people_in(release: Release, writer: User) -> None:
    with pytest.raises(NotAllowed):
        let_in(release, by=writer)


def test_somebody_let_in_twice_has_one_link(release: Release, editor: User) -> None:
    first = let_in(release, by=editor)

    again = let_in(release, by=editor, at=LATER, email="EVA@tidningen.example")

    assert again.id == first.id


def test_somebody_whose_link_was_taken_back_gets_a_new_one(release: Release, editor: User) -> None:
    first = let_in(release, by=editor)
    revoke(first, by=editor, at=LATER)

    assert let_in(release, by=editor, at=LATER).id != first.id


def test_terms_are_accepted_once_and_it_is_on_record(release: Release, editor: User) -> None:
    invitation = let_in(release, by=editor)

    embargo.accept(invitation, at=LATER)
    embargo.accept(invitation, at=LATER + timedelta(hours=1))

    assert invitation.accepted_at == LATER
    events = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "embargo.accept")
    ).all()
    assert [event.actor for event in events] == ["Eva Ek"]


@pytest.mark.parametrize(
    ("until", "swedish", "english"),
    [
        (
            datetime(2019, 12, 5, 5, 0, tzinfo=UTC),
            "EMBARGO till torsdag 5 december 2019 kl. 06.00",
            "EMBARGOED until 06:00 CET, Thursday 5 December 2019",
        ),
        (
            datetime(2027, 7, 1, 4, 30, tzinfo=UTC),
            "EMBARGO till torsdag 1 juli 2027 kl. 06.30",
            "EMBARGOED until 06:30 CEST, Thursday 1 July 2027",
        ),
        (
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            "EMBARGO till söndag 25 oktober 2026 kl. 02.30 (sommartid)",
            "EMBARGOED until 02:30 CEST, Sunday 25 October 2026",
        ),
        (
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
            "EMBARGO till söndag 25 oktober 2026 kl. 02.30 (normaltid)",
            "EMBARGOED until 02:30 CET, Sunday 25 October 2026",
        ),
        (
            datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
            "EMBARGO till söndag 29 mars 2026 kl. 03.00",
            "EMBARGOED until 03:00 CEST, Sunday 29 March 2026",
        ),
    ],
)
def test_the_line_says_until_when(app: Flask, until: datetime, swedish: str, english: str) -> None:
    release = Release(publish_at=until)
    at = until - timedelta(minutes=1)

    assert embargo.line(release, "sv", at=at) == swedish
    assert embargo.line(release, "en", at=at) == english


@pytest.mark.parametrize("until", [None, A_MORNING])
def test_without_a_time_to_come_it_holds_until_publication(
    app: Flask, until: datetime | None
) -> None:
    assert embargo.line(Release(publish_at=until), "sv", at=A_MORNING).endswith("är publicerat")


@pytest.mark.parametrize("state", State)
def test_only_approved_words_that_were_never_public_are_readable(
    app: Flask, writer: User, editor: User, state: State
) -> None:
    release = factories.release(writer, state=state, editor=editor)

    shown = embargo.readable(release)

    is_open = state in (State.APPROVED, State.SCHEDULED, State.FAILED)
    assert shown == (release.approved if is_open else None)


def test_the_address_stays_while_somebody_holds_a_link(
    release: Release, writer: User, editor: User
) -> None:
    slug = release.slug
    invitation = let_in(release, by=editor)
    rename(release, "En helt annan rubrik", by=writer)
    assert release.slug == slug

    revoke(invitation, by=editor, at=LATER)
    rename(release, "Och en tredje", by=writer)
    assert release.slug == "och-en-tredje"


def test_the_readers_of_a_version_are_known(release: Release, writer: User, editor: User) -> None:
    old, eva = release.head_id, let_in(release, by=editor)
    bo = let_in(release, by=editor, email="bo@radion.example", name="Bo")
    visit(eva, "page", revision_id=old, at=LATER)
    visit(eva, "file", revision_id=old, at=LATER)
    visit(bo, "terms", revision_id=None, at=LATER)
    rename(release, "Ny rubrik", by=writer)

    assert embargo.readers_of(release, [old or 0]) == [eva]
    assert embargo.readers_of(release, [release.head_id or 0]) == []
    assert embargo.panel(release, editor)["behind"] == ["Eva Ek"]


def test_the_log_is_read_page_by_page(
    release: Release, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embargo, "PAGE", 2)
    eva = let_in(release, by=editor)
    for n in range(5):
        visit(eva, f"page{n}", revision_id=release.head_id, at=LATER)

    seen, before = [], None
    for _ in range(3):
        found, before = embargo.visits(release, before=before)
        seen += [one.what for one, _who in found]

    assert seen == ["page4", "page3", "page2", "page1", "page0"]
    assert before is None


def test_the_organisations_own_terms_take_the_place_of_ours(app: Flask) -> None:
    ours = embargo.terms("sv")
    own = unnamed("Vi", "We")
    own.embargo_terms_sv = "Ett.\n\nTvå."
    db.session.add(own)
    db.session.commit()

    assert len(ours) > 2
    assert embargo.terms("sv") == ["Ett.", "Två."]
    assert embargo.terms("en") != ["Ett.", "Två."]


def test_the_letter_says_until_when_on_what_terms_and_where(
    app: Flask, post: PostOffice, release: Release, editor: User
) -> None:
    invitation = let_in(release, by=editor, at=now())
    db.session.commit()
    link, line = embargo.link_of(invitation), embargo.line(release, "sv", at=now())
    db.session.rollback()

    deliver()

    [letter] = post.to("eva@tidningen.example")
    assert letter.text.startswith(line)
    assert link in letter.text
    assert link in letter.html
    assert "får du inte publicera" in letter.text
    assert str(letter.message["Subject"]).startswith("EMBARGO")


def test_a_failed_release_stays_under_embargo(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.SCHEDULED, editor=editor)
    let_in(release, by=editor)

    workflow.fail(release, failure=[{"key": "late"}], at=A_MORNING + timedelta(days=2))

    assert embargo.readable(release) == release.approved
    at = A_MORNING + timedelta(days=2)
    assert embargo.line(release, "sv", at=at).endswith("är publicerat")


def test_a_showing_is_put_on_record_although_somebody_wrote_meanwhile(
    release: Release, editor: User
) -> None:
    eva = let_in(release, by=editor)
    db.session.commit()

    with reading():
        assert embargo.panel(release, editor)["readers"]
        with db.engine.connect() as other:
            other.execute(sa.update(Release).values(mail_wanted=False))
            other.commit()
        with writing():
            visit(db.session.get_one(Invitation, eva.id), "page", revision_id=None, at=LATER)
            db.session.commit()

    assert len(embargo.visits(release)[0]) == 1


def test_the_next_version_of_a_public_release_is_not_read_ahead(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    rename(release, "Rättad rubrik", by=writer)
    workflow.submit(release, by=writer, at=LATER)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)

    assert release.state is State.APPROVED
    assert embargo.readable(release) is None
    with pytest.raises(NotNow):
        let_in(release, by=editor)
