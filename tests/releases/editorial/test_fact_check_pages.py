"""The fact check on a release's page and by command, and what people have called right."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from app.core.errors import Conflict
from app.core.words import catalogue
from releases.commands import release_group
from releases.drafting.checking import Finding, Grade
from releases.editorial import fact_check
from releases.editorial.models import Dismissal, Release, State, Story
from releases.editorial.writing import save, text_of
from releases.rounds.models import Award
from tests import factories
from tests.factories import A_MORNING, signed_in

LATER = A_MORNING + timedelta(hours=1)


def say(release: Release, by: User, **parts: str) -> None:
    """Save the release with other words in some of its parts."""
    text = text_of(release.head)
    for name, words in parts.items():
        text = type(text)(**{**vars(text), name: words})
    save(release, text, base_id=release.head_id or 0, by=by, at=LATER)
    db.session.commit()


@pytest.fixture
def wrong(app: Flask, writer: User) -> Release:
    """A release of Falun, Borås and Region Gotland, 2 650 000 kronor, with three slips."""
    release = factories.release(writer)
    say(
        release,
        writer,
        lead="Tre kommuner får dela på 2 560 000 kronor.",
        body="<p>Pengarna går till Falun, Borrås och Region Gotland.</p>",
    )
    return release


def codes(release: Release) -> list[str]:
    return [one.code for one in fact_check.findings(release, release.head)]


def test_an_untouched_draft_agrees_with_its_round(app: Flask, writer: User) -> None:
    for language in ("sv", "en"):
        release = factories.release(writer, language=language)

        assert fact_check.findings(release, release.head) == []


def test_slips_are_found(wrong: Release) -> None:
    found = fact_check.findings(wrong, wrong.head)

    assert [(one.part, one.code, one.words) for one in found] == [
        ("lead", "kinds", "Tre kommuner"),
        ("lead", "total", "2 560 000 kronor"),
        ("body", "name_misspelt", "Borrås"),
    ]


def test_what_somebody_called_right_is_not_told_again(wrong: Release, writer: User) -> None:
    kinds = fact_check.findings(wrong, wrong.head)[0]

    fact_check.dismiss(wrong, kinds, by=writer, at=LATER)
    db.session.commit()

    assert codes(wrong) == ["total", "name_misspelt"]
    (said,) = fact_check.fact_check(wrong, wrong.head).dismissed
    assert (said.finding.code, said.by, said.at) == ("kinds", "Alva", LATER)


def test_nor_in_a_later_revision_or_elsewhere_in_the_text(wrong: Release, writer: User) -> None:
    fact_check.dismiss(wrong, fact_check.findings(wrong, wrong.head)[0], by=writer, at=LATER)

    say(wrong, writer, lead="Nu är det klart.", body="<p>Tre kommuner får dela på stödet.</p>")

    assert codes(wrong) == []


def test_it_comes_back_when_the_round_says_something_else(wrong: Release, writer: User) -> None:
    kinds = fact_check.findings(wrong, wrong.head)[0]
    fact_check.dismiss(wrong, kinds, by=writer, at=LATER)
    db.session.commit()

    award = db.session.scalars(sa.select(Award).where(Award.grantee == "Borås")).one()
    award.kind = "region"
    db.session.commit()

    assert "kinds" in codes(wrong)


def test_calling_it_right_twice_keeps_who_said_so_first(
    wrong: Release, writer: User, editor: User
) -> None:
    kinds = fact_check.findings(wrong, wrong.head)[0]
    fact_check.dismiss(wrong, kinds, by=writer, at=LATER)

    fact_check.dismiss(wrong, kinds, by=editor, at=LATER + timedelta(hours=1))

    (kept,) = db.session.scalars(sa.select(Dismissal)).all()
    assert (kept.by_id, kept.at) == (writer.id, LATER)


def test_another_releases_dismissals_are_its_own(wrong: Release, writer: User) -> None:
    other = factories.release(writer)
    say(other, writer, lead=wrong.head.lead)
    kinds = fact_check.findings(wrong, wrong.head)[0]
    fact_check.dismiss(wrong, kinds, by=writer, at=LATER)

    assert "kinds" in codes(other)


def test_a_finding_that_the_text_has_no_more_is_a_conflict(wrong: Release) -> None:
    with pytest.raises(Conflict):
        fact_check.finding_of(wrong, wrong.head, "total:gone")


def test_a_release_without_a_round_is_not_checked(wrong: Release, writer: User) -> None:
    wrong.story = Story(round=None, created_at=A_MORNING)
    db.session.commit()

    assert fact_check.findings(wrong, wrong.head) == []


def test_the_page_shows_each_finding_with_what_the_round_says(
    client: FlaskClient, wrong: Release, writer: User
) -> None:
    page = signed_in(client, writer).get(f"/office/releases/{wrong.id}").get_data(as_text=True)

    assert "Faktakoll" in page
    assert "3 uppgifter motsäger omgången." in page
    assert "två kommuner och en region" in page
    assert "I omgången stavas namnet Borås." in page
    assert 'aria-describedby="finding-2"' in page and 'id="finding-2"' in page
    assert ">2 560 000 kronor</mark>" in page.replace("\u00a0", " ")
    assert f"/office/rounds/{wrong.story.round_id}?after=2#row-3" in page
    rows = client.get(f"/office/rounds/{wrong.story.round_id}?after=2").get_data(as_text=True)
    assert 'id="row-3"' in rows


def test_the_page_is_calm_when_all_agrees(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)

    page = signed_in(client, writer).get(f"/office/releases/{release.id}").get_data(as_text=True)

    assert "Inget i texten motsäger omgången." in page
    assert "<mark class" not in page


def test_a_release_without_a_round_shows_no_fact_check(
    client: FlaskClient, wrong: Release, writer: User
) -> None:
    wrong.story = Story(round=None, created_at=A_MORNING)
    db.session.commit()

    page = signed_in(client, writer).get(f"/office/releases/{wrong.id}").get_data(as_text=True)

    assert "Faktakoll" not in page and "2 560 000" in page


def test_the_button_says_that_it_is_right(
    client: FlaskClient, wrong: Release, writer: User
) -> None:
    kinds = fact_check.findings(wrong, wrong.head)[0]
    signed_in(client, writer)

    answer = client.post(
        f"/office/releases/{wrong.id}/facts", data={"finding": fact_check.fingerprint(kinds)}
    )

    assert answer.status_code == 302
    page = client.get(f"/office/releases/{wrong.id}").get_data(as_text=True)
    assert "2 uppgifter motsäger omgången." in page
    assert "Alva sa att det stämmer" in page
    gone = client.post(f"/office/releases/{wrong.id}/facts", data={"finding": "total:gone"})
    assert gone.status_code == 409


def test_hostile_words_stay_words(client: FlaskClient, wrong: Release, writer: User) -> None:
    say(wrong, writer, body='<p>Tolv &lt;script&gt; kommuner, "Borrås" &amp; "&gt;.</p>')

    page = signed_in(client, writer).get(f"/office/releases/{wrong.id}").get_data(as_text=True)

    assert ">Borrås</mark>" in page
    assert "<script>" not in page.split("<article")[1].split("</article>")[0]


def test_the_command_tells_and_exits_with_one(app: Flask, wrong: Release) -> None:
    result = app.test_cli_runner().invoke(release_group, ["check", str(wrong.id), "--json"])

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [set(one) for one in told] == [{"part", "words", "says", "code", "severity"}] * 3
    assert told[1]["code"] == "total" and told[1]["severity"] == "contradicts"


def test_the_command_is_content_with_what_is_only_worth_a_look(
    app: Flask, wrong: Release, writer: User
) -> None:
    say(wrong, writer, lead="Två miljoner kronor delas ut.", body="<p>Det är klart.</p>")

    result = app.test_cli_runner().invoke(release_group, ["check", str(wrong.id), "--json"])

    assert result.exit_code == 0
    assert [one["severity"] for one in json.loads(result.stdout)] == ["look"]


def test_published_text_is_checked_too(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)

    assert fact_check.findings(release, release.head) == []


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_code_has_its_sentence(language: str) -> None:
    for key in catalogue(language):
        if key.startswith("checking.code."):
            code = key.removeprefix("checking.code.")
            finding = Finding("lead", 0, 1, "x", "elva", code, "total", Grade.LOOK)
            assert "elva" in fact_check.sentence(finding, language)
