"""The search: the same words find the same releases in the same order on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from markupsafe import Markup

from app.core.db import db
from app.core.errors import NotFound
from releases.editorial.models import Release, State
from releases.newsroom.lists.listing import list_releases
from releases.newsroom.lists.searching import (
    COUNTED,
    Answer,
    Limits,
    excerpt,
    marked,
    question,
    search,
)
from tests.releases.newsroom.desk import A_FRIDAY, Desk

ZONE = "Europe/Stockholm"


def ask(
    text: str,
    language: str = "sv",
    *,
    limits: Limits | None = None,
    after: str | None = None,
    size: int = 20,
) -> Answer:
    list_releases()
    return search(
        question(text, language), limits=limits or Limits(), zone=ZONE, after=after, size=size
    )


def slugs(text: str, language: str = "sv") -> list[str]:
    return [hit.release.slug for hit in ask(text, language).hits]


@pytest.fixture
def shelf(desk: Desk) -> dict[str, Release]:
    """News of which each holds other words."""
    return {
        "bidrag": desk.release("Bidrag till partnerskap", slug="bidrag", lead="Medel."),
        "kommun": desk.release(
            "Elva mottagare",
            slug="kommun",
            lead="Varje kommun får pengar.",
            body="<p>Bidragen går till Kävlinge och Kisumu.</p>",
        ),
        "skola": desk.release(
            "Demokrati i skolan", slug="skola", body="<p>Den lokala makten i världen.</p>"
        ),
        "english": desk.release(
            "Grants to municipalities",
            slug="english",
            language="en",
            lead="The council's partnerships near or far.",
        ),
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("bidraget", ["bidrag", "kommun"]),
        ("partnerskapens", ["bidrag"]),
        ("kommuner", ["kommun"]),
        ("KOMMUNERNA", ["kommun"]),
        ("bidrag partnerskap", ["bidrag"]),
        ("bidrag skola", []),
        ("skola", ["skola"]),
        ("demokratins", ["skola"]),
        ("partn", ["bidrag"]),  # the last word may be unfinished
        ("partn ", []),  # and is finished by a space
        ("partn bidrag", []),
        ("ka", []),  # too short to be the beginning of anything
        ('"lokala makten"', ["skola"]),
        ('"makten lokala"', []),
        ('"lokal makt" demokratin', ["skola"]),
        ("”lokala makten”", ["skola"]),
        ("Kävlinge", ["kommun"]),
        ("kavlinge", ["kommun"]),  # nothing is called so, and so the marks are left out
        ("kavling", ["kommun"]),
        ('"gar till kavlinge"', []),  # in quotation marks as it stands, or not at all
        ("KISUMU", ["kommun"]),
        ("municipalities", []),  # in the other language
    ],
)
def test_words_are_found_whatever_their_endings(
    shelf: dict[str, Release], asked: str, found: list[str]
) -> None:
    assert slugs(asked) == found


@pytest.mark.parametrize("asked", ["municipality", "council", "grants partnership", "GRANT"])
def test_english_is_searched_as_english(shelf: dict[str, Release], asked: str) -> None:
    assert slugs(asked, "en") == ["english"]
    assert slugs(asked, "sv") == []


def test_a_word_without_its_marks_is_tried_only_when_nothing_else_is_found(desk: Desk) -> None:
    desk.release("Sker i dag", slug="sker")
    desk.release("Skär i havet", slug="skar")

    assert slugs("skär") == ["skar"]
    assert slugs("sker") == ["sker"]
    assert not ask("skär").is_loose
    assert slugs("skar") == ["skar"]
    assert ask("skar").is_loose


def test_the_headline_weighs_more_than_the_lead_and_that_more_than_the_text(desk: Desk) -> None:
    desk.release("Ett", slug="text", lead="Två.", body="<p>Vatten och skog.</p>")
    desk.release("Ett", slug="lead", lead="Vatten och skog.")
    desk.release("Vatten", slug="both", lead="Skog.")
    desk.release("Vatten", slug="one", lead="Två.", body="<p>Skog.</p>")
    desk.release("Skog och vatten", slug="headline")

    assert slugs("vatten skog") == ["headline", "lead", "both", "one", "text"]


def test_among_equals_the_newest_comes_first(desk: Desk) -> None:
    for number in range(3):
        desk.release("Vatten", slug=f"vatten-{number}")  # each older than the one before

    assert slugs("vatten") == ["vatten-0", "vatten-1", "vatten-2"]


@pytest.mark.parametrize(
    "asked",
    [
        '" OR * NEAR(',
        "NEAR(a b, 3)",
        "title:bidrag",
        "-bidrag ^x",
        "'; DROP TABLE release_search; --",
        "'bidrag':* & !x | (",
        '"""',
        "\\",
        "***",
        "%_",
        "bid\0rag",
        "\ue000bidrag zzz",
        "𝔘𝔫𝔦 ǅ İ ß ½ ①",
        "ord " * 2500,
        "x" * 10_000,
        '"' * 10_000,
        "",
        "   ",
    ],
)
def test_no_question_breaks_anything(shelf: dict[str, Release], asked: str) -> None:
    answer = ask(asked)

    assert answer.count is not None
    assert answer.count <= 2
    assert db.session.scalar(sa.text("SELECT count(*) FROM release_search")) == 4


def test_operators_are_words_like_others(shelf: dict[str, Release]) -> None:
    assert slugs('" OR * NEAR(') == []
    assert slugs("near or", "en") == ["english"]
    assert slugs("bid\0rag") == ["bidrag", "kommun"]


def test_what_is_not_public_is_not_found(app: Flask, desk: Desk) -> None:
    kept = desk.release("Vatten", slug="kept")
    desk.release("Vatten", slug="draft", state=State.DRAFT)
    gone = desk.release("Vatten", slug="gone")
    list_releases()

    gone.state = State.WITHDRAWN  # before anybody has taken it off the index
    db.session.commit()
    found = search(question("vatten", "sv"), limits=Limits(), zone=ZONE)

    assert [hit.release.id for hit in found.hits] == [kept.id]


def test_pages_follow_each_other_without_a_gap_or_a_repetition(desk: Desk) -> None:
    for number in range(25):
        desk.release("Vatten" if number % 3 else "Skog", slug=f"n-{number}", lead="Vatten.")
    whole = [hit.release.id for hit in ask("vatten", size=30).hits]

    seen: list[int] = []
    after = None
    while True:
        answer = ask("vatten", after=after, size=7)
        seen += [hit.release.id for hit in answer.hits]
        assert answer.count == 25
        after = answer.next
        if after is None:
            break

    assert seen == whole
    assert len(set(seen)) == 25


@pytest.mark.parametrize(
    "after", ["", "x", "4-1", "1-", "1-999", "1-9999999999999999999999", "1-²"]
)
def test_a_place_that_is_none_is_not_found(desk: Desk, after: str) -> None:
    desk.release("Vatten")

    with pytest.raises(NotFound):
        ask("vatten", after=after)


def test_more_hits_than_anybody_counts_are_not_counted(desk: Desk, monkeypatch: object) -> None:
    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    monkeypatch.setattr("releases.newsroom.lists.searching.COUNTED", 3)
    for _ in range(3):
        desk.release("Vatten")
    before = ask("vatten").count
    desk.release("Vatten")

    assert before == 3
    assert ask("vatten").count is None
    assert COUNTED == 200


def test_hits_are_of_a_year_of_the_houses_own_calendar(desk: Desk) -> None:
    new_year = datetime(2022, 12, 31, 23, 30, tzinfo=UTC)  # 2023 in Stockholm
    desk.release("Vatten", slug="ny", published_at=new_year)
    desk.release("Vatten", slug="gammal", published_at=A_FRIDAY)

    def of(year: int) -> list[str]:
        return [hit.release.slug for hit in ask("vatten", limits=Limits(year=year)).hits]

    assert (of(2022), of(2023), of(2021)) == (["gammal"], ["ny"], [])


def test_hits_are_of_a_programme(desk: Desk) -> None:
    made = desk.release("Vatten", slug="med", story=desk.story())
    desk.release("Vatten", slug="utan")
    assert made.story.round is not None
    programme_id = made.story.round.programme_id

    def of(limits: Limits) -> list[str]:
        return [hit.release.slug for hit in ask("vatten", limits=limits).hits]

    assert of(Limits(programme_id=programme_id)) == ["med"]
    assert of(Limits(programme_id=programme_id + 1)) == []


def test_found_words_are_marked_in_headline_and_excerpt(shelf: dict[str, Release]) -> None:
    hits = {hit.release.slug: hit for hit in ask("bidraget").hits}

    assert hits["bidrag"].headline == Markup("<mark>Bidrag</mark> till partnerskap")
    assert hits["kommun"].headline == "Elva mottagare"
    assert "<mark>Bidragen</mark> går till Kävlinge" in hits["kommun"].excerpt


@pytest.mark.parametrize(
    ("text", "asked", "said"),
    [
        ("Kommunerna & <b>", "kommun", "<mark>Kommunerna</mark> &amp; &lt;b&gt;"),
        ("Sam\u00adarbete", "samarbete", "Sam\u00adarbete"),
        ("Kävlinge", "kavlinge", "Kävlinge"),
        ("Partnerskap", "partn", "<mark>Partnerskap</mark>"),
        ("Inget", "annat", "Inget"),
    ],
)
def test_marking_leaves_the_text_as_it_is(text: str, asked: str, said: str) -> None:
    assert marked(text, question(asked, "sv")) == said


def test_an_excerpt_is_cut_between_words_around_what_was_found() -> None:
    text = "Inledning om annat. " * 30 + "Här står kommunen till sist. " + "Slut på det. " * 30

    piece = excerpt(("Ingen träff här.", text), question("kommuner", "sv"))

    assert "<mark>kommunen</mark>" in piece
    assert piece.startswith("… ")
    assert piece.endswith(" …")
    assert len(Markup(piece).striptags()) < 260


def test_an_excerpt_of_one_endless_word_is_cut_too() -> None:
    piece = excerpt(("kommun " + "x" * 2000,), question("kommun", "sv"))

    assert len(Markup(piece).striptags()) < 260
