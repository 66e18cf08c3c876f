"""The newsroom by programme, topic, place and year, and its search page, as visitors meet them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db, normal_url
from releases.editorial import workflow
from releases.editorial.models import Release, State, Story, StoryTopic
from releases.editorial.writing import draft_release
from releases.newsroom.lists.listing import list_releases
from releases.rounds.changing import edit_row
from releases.rounds.models import Programme, Round
from subscribers.audience.models import Topic
from tests import factories
from tests.factories import A_MORNING
from tests.queries import counted_queries
from tests.releases.newsroom.desk import A_FRIDAY, Desk

LATER = A_MORNING + timedelta(days=2)
PROGRAMME = "kommunala-partnerskap"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What a page shows is the same on both; what is asked for it is tried on both elsewhere."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def publish(writer: User, editor: User) -> Callable[..., Release]:
    """A published text about a round, by the office's own road."""

    def made(text: str = factories.ROUND, *, language: str = "sv", **more: str) -> Release:
        round_ = factories.round_(text, **more)
        release, _ = draft_release(round_, language, by=writer, at=A_MORNING)
        workflow.submit(release, by=writer, at=A_MORNING)
        workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)
        workflow.publish(release, by=editor, at=A_MORNING)
        db.session.commit()
        return release

    return made


def words(page: str) -> str:
    """The text of the page's main part, with ordinary spaces."""
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(unescape(re.sub("<[^>]+>", " ", main)).replace("\u00a0", " ").split())


def topic(slug: str, release: Release | None = None, **more: object) -> Topic:
    made = Topic(slug=slug, name_sv=slug.capitalize(), **more)
    db.session.add(made)
    db.session.flush()
    if release is not None:
        db.session.add(StoryTopic(story_id=release.story_id, topic_id=made.id))
        release.listed_id = None
    db.session.commit()
    list_releases()
    return made


@pytest.mark.parametrize("path", ["programmes/", "topics/", "places/", "years/", "search"])
@pytest.mark.parametrize("language", ["sv", "en"])
def test_an_empty_list_says_what_to_do_next(client: FlaskClient, path: str, language: str) -> None:
    answer = client.get(f"/{language}/{path}")

    assert answer.status_code == 200
    assert "<h1>" in answer.text
    assert len(words(answer.text).split()) > 12


def test_a_programmes_page_tells_its_rounds_with_sums_and_its_releases(
    client: FlaskClient, publish: Callable[..., Release]
) -> None:
    made = publish()
    programme = db.session.scalars(sa.select(Programme)).one()
    programme.about_sv = "Partnerskap mellan kommuner.\n\nSedan 2008."
    programme.read_more_url = "https://programmet.example/"
    db.session.commit()

    page = client.get(f"/sv/programmes/{PROGRAMME}/").text

    assert "Kommunala partnerskap" in client.get("/sv/programmes/").text
    assert "<p>Partnerskap mellan kommuner.</p><p>Sedan 2008.</p>" in page
    assert 'href="https://programmet.example/"' in page
    assert f'href="/sv/rounds/{made.story.round_id}-kommunala-partnerskap-varen-2026"' in page
    assert "3 2 650 000 kronor" in words(page)
    assert f'href="/sv/releases/{made.slug}"' in page
    assert "November 2026" in words(page)


def test_a_programme_of_which_nothing_is_public_is_not_found(client: FlaskClient) -> None:
    factories.round_()

    assert client.get(f"/sv/programmes/{PROGRAMME}/").status_code == 404
    assert "Kommunala partnerskap" not in client.get("/sv/programmes/").text
    assert client.get("/sv/programmes/inget/").status_code == 404


def test_a_programmes_page_speaks_english_of_what_is_published_in_swedish_alone(
    client: FlaskClient, publish: Callable[..., Release]
) -> None:
    made = publish()

    page = client.get(f"/en/programmes/{PROGRAMME}/").text

    assert "SEK 2,650,000" in words(page)
    assert "No press releases in English yet" in page
    assert f"/sv/releases/{made.slug}" not in page


def test_a_topics_page_lists_what_is_about_it(client: FlaskClient, desk: Desk) -> None:
    about, other = desk.release("Vatten i fokus", slug="om"), desk.release("Annat", slug="ej")
    topic("vatten", about)

    page = client.get("/sv/topics/vatten/").text

    assert "Vatten i fokus" in page
    assert other.slug not in page
    assert 'href="/sv/topics/vatten/"' in client.get("/sv/topics/").text


def test_a_retired_topic_keeps_its_page_and_is_offered_nowhere(
    client: FlaskClient, desk: Desk
) -> None:
    topic("vatten", desk.release("Vatten i fokus"), active=False)
    topic("tomt", active=False)

    assert client.get("/sv/topics/vatten/").status_code == 200
    assert "vatten" not in client.get("/sv/topics/").text
    assert client.get("/sv/topics/tomt/").status_code == 404


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (f"/sv/topics/{PROGRAMME}/", f"/sv/programmes/{PROGRAMME}/"),
        ("/sv/topics/press-releases/", "/sv/"),
        ("/sv/places/2080-fel/", "/sv/places/2080-falun/"),
        ("/sv/places/2080/", "/sv/places/2080-falun/"),
        ("/en/places/09-gotland/", "/en/places/09-region-gotland/"),
    ],
)
def test_another_name_leads_to_the_right_one(
    client: FlaskClient, publish: Callable[..., Release], path: str, to: str
) -> None:
    publish()

    answer = client.get(path)

    assert (answer.status_code, answer.location) == (301, to)


@pytest.mark.parametrize(
    "path",
    [
        "/sv/topics/inget/",
        "/sv/places/1280-malmo/",  # was granted nothing
        "/sv/places/9999-x/",
        "/sv/places/x/",
        "/sv/places/-/",
        "/sv/years/1999/",
        "/sv/years/0001/",
        "/sv/years/9999/",
        "/sv/years/2026/?before=99",
        f"/sv/programmes/{PROGRAMME}/?before=99",
        f"/sv/programmes/{PROGRAMME}/?before=x",
        f"/sv/programmes/{PROGRAMME}/?rounds=99",
        f"/sv/programmes/{PROGRAMME}/?rounds=99999999999999999999",
        "/sv/places/2080-falun/?before=0",
        "/sv/places/2080-falun/?rounds=-1",
        "/sv/search?q=falun&after=x",
    ],
)
def test_what_is_not_there_is_not_found(
    client: FlaskClient, publish: Callable[..., Release], path: str
) -> None:
    publish()

    assert client.get(path).status_code == 404


def test_the_page_of_places_orders_them_by_county(
    client: FlaskClient, publish: Callable[..., Release]
) -> None:
    publish(
        "Sökande;Typ;Beviljat belopp\nÖrebro;kommun;1\nÅmål;kommun;1\nÄlmhult;kommun;1\n"
        "Borås;kommun;1\nVästra Götalandsregionen;region;1\nFörening;förening;1\n"
    )

    page = words(client.get("/sv/places/").text)

    assert "5 kommuner och regioner" in page
    order = ["Kronobergs län", "Älmhult", "Västra Götalands län", "Borås", "Åmål", "Örebro län"]
    assert [page.rindex(one) for one in order] == sorted(page.rindex(one) for one in order)
    assert "Förening" not in page


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_foot_of_a_page_calls_the_list_of_places_by_its_name(
    client: FlaskClient, language: str
) -> None:
    page = client.get(f"/{language}/places/").text

    [heading] = re.findall("<h1>(.+?)</h1>", page)
    foot = page[page.index("colophon__links") :]
    assert f'<a href="/{language}/places/">{heading}</a>' in foot


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("fal", ["Falun"]),
        ("BORÅS", ["Borås"]),
        ("boras", ["Borås"]),
        ("dalarna", ["Falun"]),
        ("gotland", ["Region Gotland"]),
        ("borås stad", ["Borås"]),
        ("malmö", []),
        ("<script>", []),
        ("x" * 5000, []),
    ],
)
def test_places_are_looked_up_by_name_or_county(
    client: FlaskClient, publish: Callable[..., Release], wanted: str, found: list[str]
) -> None:
    publish()

    answer = client.get("/sv/places/", query_string={"name": wanted})

    listed = re.findall(r'<a href="/sv/places/[^"]+-[^"]+">([^<]+)</a>', answer.text)
    assert listed == found
    assert "private" in answer.headers["Cache-Control"]
    assert "<script>" not in answer.text


def test_a_places_page_tells_what_was_granted_there(
    client: FlaskClient, publish: Callable[..., Release]
) -> None:
    made = publish()

    page = client.get("/sv/places/2080-falun/").text

    assert "Falu kommun" in page
    text = words(page)
    assert "Sammanlagt 1 200 000 kronor Bidrag 1 Omgångar 1" in text
    assert "Kisumu County Kenya 1 200 000 kronor" in text
    assert "Hanoi" not in text
    assert f'href="/sv/releases/{made.slug}"' in page


def test_a_places_page_never_shows_an_award_that_visitors_do_not_read_elsewhere(
    client: FlaskClient, publish: Callable[..., Release], editor: User
) -> None:
    made = publish()
    round_ = made.story.round
    assert round_ is not None
    first = replace(round_.awards[0].row(), grantee="Umeå", project="Hemligt")
    edit_row(round_, first.number, first, by=editor, at=LATER)
    db.session.commit()
    made.listed_id = None
    db.session.commit()
    list_releases()

    assert client.get("/sv/places/2480-umea/").status_code == 404
    page = words(client.get("/sv/places/2080-falun/").text)
    assert "Kisumu County Kenya 1 200 000 kronor" in page
    assert "Hemligt" not in page


def test_a_place_with_more_awards_in_a_round_than_fit_leads_to_the_round(
    client: FlaskClient, publish: Callable[..., Release]
) -> None:
    rows = "".join(f"Falun;kommun;Projekt {n};{n}000\n" for n in range(1, 16))
    publish(f"Sökande;Typ;Projekt;Beviljat belopp\n{rows}")

    page = client.get("/sv/places/2080-falun/").text

    assert page.count('scope="row"') == 12
    assert "3 bidrag till i omgången" in words(page)
    assert "Sammanlagt 120 000 kronor Bidrag 15" in words(page)


def test_a_withdrawn_release_takes_its_place_off_the_lists(
    client: FlaskClient, publish: Callable[..., Release], editor: User
) -> None:
    made = publish()

    workflow.withdraw(made, reason="Fel", by=editor, at=LATER)
    db.session.commit()

    for path in ("places/2080-falun/", f"programmes/{PROGRAMME}/", "years/2026/"):
        assert client.get(f"/sv/{path}").status_code == 404, path
    assert "Falun" not in client.get("/sv/places/").text


def test_a_years_page_leads_to_the_nearest_years_that_have_any(
    client: FlaskClient, desk: Desk
) -> None:
    for year in (2019, 2022, 2025):
        desk.release(f"Nyhet {year}", published_at=datetime(year, 5, 1, tzinfo=UTC))
    desk.release("Nyår", published_at=datetime(2021, 12, 31, 23, 30, tzinfo=UTC))

    page = client.get("/sv/years/2022/").text

    assert "Nyhet 2022" in page
    assert "Nyår" in page  # it was past midnight in Stockholm
    assert 'href="/sv/years/2019/"' in page
    assert 'href="/sv/years/2025/"' in page
    assert "Nyhet 2019" not in page
    assert client.get("/sv/years/2021/").status_code == 404
    years = re.findall(r'href="/sv/years/(\d{4})/"', client.get("/sv/years/").text)
    assert years == ["2025", "2022", "2019"]


def test_a_years_page_names_none_in_a_language_that_was_silent_that_year(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release(published_at=datetime(2022, 5, 1, tzinfo=UTC))

    page = client.get("/sv/years/2022/").text

    assert client.get("/en/years/2022/").status_code == 404
    assert "/en/years/2022/" not in page
    assert 'href="/en/years/"' in page


def test_older_releases_of_a_list_are_a_page_further(client: FlaskClient, desk: Desk) -> None:
    story = desk.story()
    for number in range(23):
        desk.release(f"Nyhet nummer {number:02}", story=story)
    list_releases()

    first = client.get("/sv/programmes/partnerskap/").text
    [onward] = re.findall(r'rel="next" href="([^"]*before[^"]*)"', first)
    second = client.get(onward).text

    shown = [set(re.findall(r"Nyhet nummer \d\d", page)) for page in (first, second)]
    assert (len(shown[0]), len(shown[1])) == (20, 3)
    assert not shown[0] & shown[1]
    assert "?before=" in re.findall(r'rel="canonical" href="([^"]+)"', second)[0]


def test_older_rounds_are_a_page_further(
    client: FlaskClient, publish: Callable[..., Release]
) -> None:
    for number in range(1, 13):
        publish(f"Sökande;Typ;Beviljat belopp\nFalun;kommun;{number}000\n")

    first = client.get(f"/sv/programmes/{PROGRAMME}/").text
    [onward] = re.findall(r'rel="next" href="([^"]*rounds[^"]*)"', first)
    second = client.get(onward).text

    shown = [set(re.findall(r'href="(/sv/rounds/[^"]+)"', page)) for page in (first, second)]
    assert (len(shown[0]), len(shown[1])) == (10, 2)
    assert not shown[0] & shown[1]
    assert "12 Omgångar" not in words(second)


def test_the_search_page_marks_what_it_finds(client: FlaskClient, desk: Desk) -> None:
    desk.release("Bidragen ökar", slug="fler", lead="Pengar.", body="<p>Mer om bidraget.</p>")
    list_releases()

    page = client.get("/sv/search?q=bidrag").text

    assert '<a href="/sv/releases/fler"><mark>Bidragen</mark> ökar</a>' in page
    assert "Mer om <mark>bidraget</mark>." in page
    assert "En träff" in page
    assert 'value="bidrag"' in page


def test_a_question_without_an_answer_is_kept_and_helped_on(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release()
    list_releases()

    answer = client.get("/sv/search", query_string={"q": '<b>"zzz" OR'})

    assert answer.status_code == 200
    assert "Pröva färre ord" in answer.text
    assert 'value="&lt;b&gt;&#34;zzz&#34; OR"' in answer.text


def test_the_search_is_not_for_search_engines(client: FlaskClient, desk: Desk) -> None:
    answer = client.get("/sv/search?q=bidrag")

    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "canonical" not in answer.text


def test_further_results_keep_the_question_and_its_limits(client: FlaskClient, desk: Desk) -> None:
    story = desk.story()
    for _ in range(22):
        desk.release("Vatten & skog", story=story)
    desk.release("Vatten & skog", published_at=datetime(2019, 5, 1, tzinfo=UTC))
    list_releases()

    first = client.get("/sv/search?q=vatten+%26+skog&year=2022&programme=partnerskap").text
    [onward] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = client.get(unescape(onward)).text

    assert "22 träffar" in first
    assert "22 träffar" in second
    assert second.count('class="news-list__item"') == 2
    assert '<option value="2022" selected>' in second
    assert '<option value="partnerskap" selected>' in second


def test_too_many_questions_are_slowed_down(client: FlaskClient) -> None:
    answers = [client.get("/sv/search?q=x").status_code for _ in range(62)]

    assert answers[:60] == [200] * 60
    assert answers[60:] == [429] * 2


@pytest.mark.parametrize(
    "path",
    [
        "programmes/",
        f"programmes/{PROGRAMME}/",
        "topics/",
        "places/",
        "places/2080-falun/",
        "years/2026/",
    ],
)
def test_a_list_that_a_visitor_has_already_is_not_sent_again(
    client: FlaskClient, publish: Callable[..., Release], path: str
) -> None:
    publish()
    first = client.get(f"/sv/{path}")

    again = client.get(f"/sv/{path}", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    assert "Set-Cookie" not in first.headers


def test_lists_ask_the_database_as_often_for_much_as_for_little(
    app: Flask, client: FlaskClient, publish: Callable[..., Release], editor: User
) -> None:
    paths = (
        "programmes/",
        f"programmes/{PROGRAMME}/",
        "topics/",
        "topics/vatten/",
        "places/",
        "places/2080-falun/",
        "years/",
        "years/2026/",
        "search?q=bidrag",
    )

    def changed(made: Release) -> None:
        """The office works on the round after publication: visitors read the version before."""
        round_ = made.story.round
        assert round_ is not None
        row = replace(round_.awards[0].row(), project="Nytt")
        edit_row(round_, row.number, row, by=editor, at=LATER)
        db.session.commit()

    def counts() -> list[int]:
        client.get("/sv/")  # what only the first request asks
        found = []
        for path in paths:
            with counted_queries() as asked:
                assert client.get(f"/sv/{path}").status_code == 200
            found.append(len(asked))
        return found

    publish("Sökande;Typ;Beviljat belopp\nFalun;kommun;900\n")
    first = publish()
    topic("vatten", first)
    changed(first)
    few = counts()
    for number in range(2, 20):
        made = publish(
            f"Sökande;Typ;Projekt;Beviljat belopp\nFalun;kommun;A;{number}000\nLund;kommun;B;7\n"
        )
        db.session.add(StoryTopic(story_id=made.story_id, topic_id=1 + 1))
        db.session.commit()
        if number % 2:
            changed(made)
    many = counts()

    assert many == few
    assert max(many) <= 14


def test_the_places_of_a_place_are_found_along_the_index(app: Flask, desk: Desk) -> None:
    plan = db.session.execute(
        sa.text(
            "EXPLAIN QUERY PLAN SELECT round_id, count(*), sum(amount) FROM award"
            " WHERE round_id IN (1, 2, 3) AND place = '2080' AND status = 'granted' AND amount > 0"
            " GROUP BY round_id"
        )
    ).all()

    assert any("ix_award_place_round_id" in row.detail for row in plan)
    assert not any("SCAN" in row.detail for row in plan)


def test_a_release_ends_with_what_it_is_filed_under(
    client: FlaskClient, publish: Callable[..., Release]
) -> None:
    names = "Falun Borås Lund Malmö Umeå Luleå Kalmar Växjö Solna Sala Mora Nora Nybro Åre"
    rows = "".join(f"{name};kommun;1000\n" for name in names.split())
    made = publish(f"Sökande;Typ;Beviljat belopp\n{rows}")
    topic("vatten", made)

    page = client.get(f"/sv/releases/{made.slug}").text

    assert f'/sv/programmes/{PROGRAMME}/">Kommunala partnerskap</a>' in page
    assert '/sv/topics/vatten/">Vatten</a>' in page
    assert '/sv/places/2380-are/"' not in page  # the last but one in the alphabet
    assert "och 2 till" in words(page)
    assert page.count('class="tag"') == 14


def test_a_release_about_nothing_in_particular_ends_without(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release(slug="ren")

    assert 'class="filed"' not in client.get("/sv/releases/ren").text


def test_a_round_of_a_text_without_a_story_in_this_language_counts_too(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release(story=Story(created_at=A_FRIDAY), state=State.PUBLISHED)
    assert db.session.scalars(sa.select(Round)).all() == []

    assert client.get("/sv/programmes/").status_code == 200
