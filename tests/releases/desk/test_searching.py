"""Finding a release among all: words of the text, and conditions that all have to hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from releases.editorial.models import Release, State
from releases.editorial.questions import Wanted, releases_page
from releases.editorial.writing import save, text_of
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.releases.editorial.looking import words


def found(**wanted: object) -> list[int]:
    return [one.id for one in releases_page(Wanted(**wanted), to=None).items]  # type: ignore[arg-type]


def reword(release: Release, *, by: User, **parts: str) -> Release:
    text = replace(text_of(release.head), **parts)
    save(release, text, base_id=release.head_id or 0, by=by, at=A_MORNING)
    db.session.commit()
    return release


@pytest.fixture
def pair(writer: User) -> tuple[Release, Release]:
    one, other = factories.release(writer), factories.release(writer)
    reword(one, by=writer, headline="Östersund får stöd", body="<p>ÅR 100% <b>vatten</b>rening</p>")
    reword(other, by=writer, headline="Örebro får stöd", body="<p>Klimat</p>")
    return one, other


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("östersund", [0]),
        ("ÖSTERSUND stöd", [0]),
        ("stöd", [0, 1]),
        ("stöd klimat", [1]),
        ("östersund klimat", []),
        ("vattenrening", [0]),
        ("100%", [0]),
        ("1_0%", []),
        ("%", [0]),
        ("får", [0, 1]),
        ("ÅR 100", [0]),
        ("<b>", []),
        ("", [0, 1]),
    ],
)
def test_every_word_has_to_stand_in_the_text(
    pair: tuple[Release, Release], text: str, which: list[int]
) -> None:
    assert set(found(words=text)) == {pair[n].id for n in which}


def test_the_words_are_those_of_the_head(pair: tuple[Release, Release], writer: User) -> None:
    reword(pair[0], by=writer, headline="Lund får stöd", body="<p>Skola</p>")

    assert found(words="östersund") == []
    assert found(words="lund skola") == [pair[0].id]


def test_a_fresh_draft_can_be_found_by_its_words(writer: User) -> None:
    made = factories.release(writer)

    assert found(words="falun gotland") == [made.id]


def test_conditions_narrow_together(writer: User, editor: User) -> None:
    swedish = factories.release(writer, state=State.PUBLISHED, editor=editor)
    english = factories.release(editor, language="en")
    programme = swedish.story.round.programme_id if swedish.story.round else 0

    assert found(language="en") == [english.id]
    assert found(author_id=writer.id) == [swedish.id]
    assert found(state=State.PUBLISHED) == [swedish.id]
    assert len(found(programme_id=programme)) == 2
    assert found(programme_id=programme + 1) == []
    assert found(language="en", author_id=writer.id) == []


def test_whoever_wrote_any_version_counts_as_having_written(writer: User, editor: User) -> None:
    release = reword(factories.release(writer), by=editor, headline="Ny rubrik")

    assert found(author_id=writer.id) == found(author_id=editor.id) == [release.id]


def test_a_period_counts_both_its_days_on_the_organisations_clock(writer: User) -> None:
    release = factories.release(writer)
    release.updated_at = A_MORNING.replace(hour=23, minute=30)  # half past midnight of the 24th
    db.session.commit()
    day = date(2026, 11, 24)

    assert found(since=day, until=day) == [release.id]
    assert found(until=day - timedelta(days=1)) == []
    assert found(since=day + timedelta(days=1)) == []


def test_a_published_release_belongs_to_the_day_it_was_published(
    writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    release.updated_at = A_MORNING + timedelta(days=30)
    db.session.commit()

    assert found(until=A_MORNING.date()) == [release.id]


def test_the_first_and_last_days_there_are_do_no_harm(writer: User) -> None:
    release = factories.release(writer)

    assert found(since=date.min, until=date.max) == [release.id]


def test_the_page_keeps_what_was_asked_and_says_how_many(
    client: FlaskClient, pair: tuple[Release, Release], writer: User
) -> None:
    asked = f"words=St%C3%B6d+KLIMAT&state=draft&author={writer.id}&since=2026-11-01"

    page = signed_in(client, writer).get(f"/office/releases/?{asked}").text

    assert 'value="Stöd KLIMAT"' in page
    assert '<option value="draft" selected>' in page
    assert f'<option value="{writer.id}" selected>' in page
    assert 'value="2026-11-01"' in page
    assert "Ett pressmeddelande" in words(page)
    assert "Örebro" in page
    assert "Östersund" not in page


def test_pages_go_on_within_what_was_asked(client: FlaskClient, writer: User) -> None:
    made = [factories.release(writer) for _ in range(33)]
    for number, release in enumerate(made):
        release.updated_at = A_MORNING + timedelta(minutes=number)
    db.session.commit()

    page = signed_in(client, writer).get("/office/releases/?words=falun&state=draft").text
    href = page[page.index('rel="next" href="') + 17 :].partition('"')[0].replace("&amp;", "&")
    more = client.get(href).text

    assert "words=falun" in href
    assert "state=draft" in href
    assert more.count('class="table__name"') == 3
    assert f'href="/office/releases/{made[0].id}"' in more


@pytest.mark.parametrize(
    "asked",
    [
        "before=x",
        "before=99999999999999999999",
        "programme=99999999999999999999",
        "author=-1",
        "since=yesterday&until=2026-02-30",
        "since=0001-01-01&until=9999-12-31",
        "state=lost",
        "language=xx",
        "words=%00",
        "words=" + "a+" * 300,
    ],
)
def test_nonsense_in_the_address_does_no_harm(
    client: FlaskClient, writer: User, asked: str
) -> None:
    factories.release(writer)

    assert signed_in(client, writer).get(f"/office/releases/?{asked}").status_code == 200


def test_a_search_that_finds_nothing_says_what_to_do(client: FlaskClient, writer: User) -> None:
    factories.release(writer)

    page = signed_in(client, writer).get("/office/releases/?words=finnsinte").text

    assert "Inget pressmeddelande passar in" in page
    assert "Pröva färre ord" in page


def test_the_list_tells_programme_writer_and_dates(
    client: FlaskClient, writer: User, editor: User
) -> None:
    factories.release(writer, state=State.PUBLISHED, editor=editor)

    page = words(signed_in(client, writer).get("/office/releases/").text)

    assert "Kommunala partnerskap Alva Svenska Publicerat 2026-11-23 2026-11-23 09:00" in page
