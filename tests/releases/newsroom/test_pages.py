"""What visitors may read, and what they may never."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db
from releases.editorial.models import State
from releases.newsroom.questions import PAGE
from tests.queries import counted_queries
from tests.releases.newsroom.desk import A_FRIDAY, Desk

CONTACT: dict[str, object] = {
    "name": "Felicia Wede",
    "title": "handläggare",
    "phone": "072-450 01 50",
    "email": "felicia@press.example",
}


def test_a_visitor_reads_a_published_release(client: FlaskClient, desk: Desk) -> None:
    desk.organisation()
    desk.release(
        "Tio miljoner till samarbete",
        slug="tio-miljoner",
        published_at=A_FRIDAY,
        lead="Elva mottagare delar på pengarna.",
        body="<p>Mer om saken.</p>",
    )

    answer = client.get("/sv/releases/tio-miljoner")

    assert answer.status_code == 200
    assert "<h1>Tio miljoner till samarbete</h1>" in answer.text
    assert "28 oktober 2022 kl. 08.00" in answer.text
    assert 'datetime="2022-10-28T08:00:00+02:00"' in answer.text
    assert "Elva mottagare delar på pengarna." in answer.text
    assert "<p>Mer om saken.</p>" in answer.text


def test_the_parts_stand_in_the_order_of_the_trade(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(
        street="Söderväg 1D",
        postcode="62158",
        town="Visby",
        switchboard="0498-29 91 00",
        site="https://www.icld.example/",
        about_sv="Centrum arbetar med lokal demokrati.",
        social=[{"label": "LinkedIn", "url": "https://linkedin.example/cfd"}],
    )
    desk.release("En annan nyhet")
    link = [{"label": "Alla partnerskap", "url": "https://icld.example/alla"}]
    desk.release(
        slug="allt",
        contacts=[CONTACT],
        links=link,
        about_programme="Programmet ges två gånger om året.",
    )

    page = client.get("/sv/releases/allt").text
    main = page[page.index("<main") :]

    parts = [
        "Centrum för Demokrati</a>",
        "<h1>",
        "· Pressmeddelande",
        ">Dela<",
        "release__lead",
        "Mer om saken",
        "Kontakt:",
        "Om programmet",
        ">Kontakter<",
        ">Länkar<",
        "Alla partnerskap",
        ">Om<",
        "Söderväg 1D",
        "621\u00a058 Visby",
        "tel:+46498299100",
        "www.icld.example",
        "Centrum arbetar",
        "Följ Centrum",
        "Abonnera",
        "Endast mejladress behövs",
        "Senaste pressmeddelanden",
        "En annan nyhet",
    ]
    places = [main.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)


def test_the_programme_is_named_as_inside_a_sentence(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="om", story=desk.story(), about_programme="Fakta.\n\nMer fakta.")

    page = client.get("/sv/releases/om").text

    assert "<h2>Om kommunala partnerskap</h2>" in page
    assert "<p>Fakta.</p><p>Mer fakta.</p>" in page


def test_a_contact_can_be_called_and_written_to(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="kontakt", contacts=[CONTACT])

    page = client.get("/sv/releases/kontakt").text

    assert "Felicia Wede, handläggare<br>" in page
    assert 'href="tel:+46724500150"' in page
    assert 'href="mailto:felicia@press.example"' in page


def test_what_is_empty_is_not_shown(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="kort")

    page = client.get("/sv/releases/kort").text

    for heading in ("Kontakt:", ">Kontakter<", ">Länkar<", "Följ ", "Om programmet", "Bilder"):
        assert heading not in page


@pytest.mark.parametrize(
    "state", [State.DRAFT, State.IN_REVIEW, State.SENT_BACK, State.APPROVED, State.SCHEDULED]
)
def test_what_is_not_published_cannot_be_read(
    client: FlaskClient, desk: Desk, state: State
) -> None:
    desk.release("Hemligheten", slug="hemlig", state=state)
    desk.release("Öppen nyhet", slug="oppen")

    for path in ("/sv/releases/hemlig", "/en/releases/hemlig"):
        assert client.get(path).status_code == 404
    for path in (
        "/sv/",
        "/sv/feed.rss",
        "/sitemap.xml",
        "/sv/releases/oppen",
        "/sv/releases/hemlig",
    ):
        text = client.get(path).text.casefold()
        assert "hemligheten" not in text
        assert "releases/hemlig" not in text


def test_a_newer_draft_does_not_show_through(client: FlaskClient, desk: Desk) -> None:
    release = desk.release("Som det var", slug="nyhet")
    desk.rewrite(release, "Som det ska bli")

    for path in ("/sv/releases/nyhet", "/sv/", "/sv/feed.rss"):
        assert "Som det var" in client.get(path).text
        assert "Som det ska bli" not in client.get(path).text


def test_a_withdrawn_release_leaves_a_tombstone_with_the_reason(
    client: FlaskClient, desk: Desk
) -> None:
    desk.organisation(press_email="press@press.example")
    desk.release(
        "Borttagna rubriken",
        slug="borta",
        state=State.WITHDRAWN,
        body="<p>Felaktig uppgift.</p>",
        reason="Uppgiften om <Kalix> var fel.",
    )

    answer = client.get("/sv/releases/borta")

    assert answer.status_code == 410
    assert "Uppgiften om &lt;Kalix&gt; var fel." in answer.text
    assert "press@press.example" in answer.text
    assert "Felaktig uppgift" not in answer.text
    assert "noindex" in answer.text
    for path in ("/sv/", "/sv/feed.rss", "/sitemap.xml"):
        text = client.get(path).text
        assert "Borttagna rubriken" not in text
        assert "releases/borta" not in text


def test_a_draft_thrown_away_before_publication_has_never_existed(
    client: FlaskClient, desk: Desk
) -> None:
    release = desk.release(slug="aldrig", state=State.WITHDRAWN, reason="Hemligt skäl")
    release.live_id = release.published_at = None
    db.session.commit()

    answer = client.get("/sv/releases/aldrig")

    assert answer.status_code == 404
    assert "Hemligt" not in answer.text


def test_an_unknown_address_is_a_page_with_a_way_on(client: FlaskClient) -> None:
    answer = client.get("/en/releases/nothing-here")

    assert answer.status_code == 404
    assert '<html lang="en">' in answer.text
    assert 'href="/en/"' in answer.text


def test_gaps_are_never_printed(client: FlaskClient, desk: Desk) -> None:
    gap = '<mark data-gap="quote.head">[Citat: egen företrädare]</mark>'
    desk.release(
        f"Rubrik {gap}", slug="lucka", lead=f"Ingress. {gap}", body=f"<p>{gap}</p><p>Ja</p>"
    )

    for path in ("/sv/", "/sv/releases/lucka", "/sv/feed.rss"):
        text = client.get(path).text
        assert "[Citat" not in text
        assert "data-gap" not in text


def test_hostile_words_do_no_harm_on_the_page(client: FlaskClient, desk: Desk) -> None:
    desk.release(
        '</title><script>alert("h")</script>Rubrik',
        slug="ond",
        lead='<img src=x onerror="alert(1)">Ingress',
        body='<p onclick="x()">Text</p><script>alert(2)</script><a href="javascript:x()">här</a>',
        about_programme="<script>alert(3)</script>",
        contacts=[{"name": "<b>N</b>", "phone": '"><script>', "email": '"><img src=x>'}],
        links=[
            {"label": "ond", "url": "javascript:alert(4)"},
            {"label": "<i>", "url": "https://a.b"},
        ],
    )

    for path in ("/sv/releases/ond", "/sv/"):
        page = client.get(path).text
        scripts = re.findall(r"<script[^>]*>", page)
        assert all("src=" in one or "ld+json" in one for one in scripts)
        for harm in ("onerror", "onclick", "javascript:", "<img", "alert(2)</script>", "<b>N</b>"):
            assert harm not in page
        for block in re.findall(r"ld\+json\">(.*?)</script>", page):
            json.loads(block)


def test_the_other_language_is_a_click_away_when_it_is_live(
    client: FlaskClient, desk: Desk
) -> None:
    story = desk.story()
    desk.release(slug="svensk", story=story)
    english = desk.release("Ten million", slug="english", language="en", story=story)

    page = client.get("/sv/releases/svensk").text
    assert 'hreflang="en" href="http://127.0.0.1:8000/en/releases/english"' in page
    assert '<html lang="en">' in client.get("/en/releases/english").text

    english.state = State.WITHDRAWN
    db.session.commit()
    page = client.get("/sv/releases/svensk").text
    assert "english" not in page
    assert 'href="/en/"' in page


def test_the_front_shows_the_newest_first_under_their_months(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release("Äldst", published_at=datetime(2022, 8, 31, 22, 30, tzinfo=UTC))
    desk.release("Nyast", published_at=datetime(2022, 10, 2, 8, 0, tzinfo=UTC))
    desk.release("Emellan", published_at=datetime(2022, 9, 30, 8, 0, tzinfo=UTC))
    desk.release("In English only", language="en")

    page = client.get("/sv/").text

    assert page.index("Nyast") < page.index("Emellan") < page.index("Äldst")
    assert page.count("September 2022") == 1  # half past midnight in Visby is September
    assert "English only" not in page


def test_older_releases_are_a_page_further(client: FlaskClient, desk: Desk) -> None:
    same_moment = A_FRIDAY - timedelta(days=1)
    for n in range(PAGE + 3):
        desk.release(f"Nyhet nummer {n:02}", published_at=same_moment)

    first = client.get("/sv/").text
    [further] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = client.get(further).text

    shown = [set(re.findall(r"Nyhet nummer \d\d", page)) for page in (first, second)]
    assert len(shown[0]) == PAGE
    assert len(shown[1]) == 3
    assert not shown[0] & shown[1]
    assert 'rel="next"' not in second


@pytest.mark.parametrize("before", ["", "0", "-1", "x", "99", "9223372036854775808", "١"])
def test_a_place_that_is_none_is_not_found(client: FlaskClient, desk: Desk, before: str) -> None:
    desk.release()

    assert client.get("/sv/", query_string={"before": before}).status_code == 404


def test_a_page_asks_the_database_as_often_for_many_releases_as_for_few(
    app: Flask, client: FlaskClient, desk: Desk
) -> None:
    paths = ("/sv/", "/sv/releases/nyhet-1", "/sv/feed.rss", "/sitemap.xml")

    def counts() -> list[int]:
        found = []
        for path in paths:
            with counted_queries() as asked:
                assert client.get(path).status_code == 200
            selects = [one for one in asked if one.lstrip().startswith("SELECT")]
            # The layer before Flask asks for this too, a few times a second.
            found.append(len([one for one in selects if "FROM generation" not in one]))
        return found

    desk.release(story=desk.story())
    desk.release()
    few = counts()
    for _ in range(38):
        desk.release()
    many = counts()

    assert many == few
    assert max(many) <= 14


def test_visitors_are_given_no_cookie_and_no_stranger_is_asked(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release(slug="ren")
    desk.release(slug="borta", state=State.WITHDRAWN)

    for path in ("/", "/sv/", "/sv/releases/ren", "/sv/releases/borta", "/sv/feed.rss", "/sv/nej"):
        answer = client.get(path)
        assert "Set-Cookie" not in answer.headers
        asked = re.findall(r'<(?:script|img|link rel="(?:stylesheet|icon)")[^>]*', answer.text)
        assert all("http" not in one for one in asked)
        assert " style=" not in answer.text


def test_the_sign_up_box_needs_an_address_only(client: FlaskClient, desk: Desk) -> None:
    page = client.get("/en/").text

    [form] = re.findall(r'<form[^>]*action="/en/subscribe".*?</form>', page, re.DOTALL)
    assert 'name="email"' in form
    assert "csrf_token" not in form
    [trap] = re.findall(r'<div class="honeypot">.*?</div>', form, re.DOTALL)
    assert 'name="website"' in trap


def test_machines_are_told_what_the_page_is(client: FlaskClient, desk: Desk) -> None:
    desk.organisation()
    desk.release("Rubrik & mer", slug="maskin", published_at=A_FRIDAY)

    page = client.get("/sv/releases/maskin").text

    url = "http://127.0.0.1:8000/sv/releases/maskin"
    assert f'<link rel="canonical" href="{url}">' in page
    assert 'type="application/rss+xml"' in page
    block, _way = re.findall(r"ld\+json\">(.*?)</script>", page)
    article = json.loads(block)
    assert article["headline"] == "Rubrik & mer"
    assert article["datePublished"] == "2022-10-28T08:00:00+02:00"


def test_a_later_change_is_dated(client: FlaskClient, desk: Desk) -> None:
    later = datetime(2022, 11, 2, 9, 15, tzinfo=UTC)
    desk.release(slug="rattad", published_at=A_FRIDAY, changed_at=later)

    assert "Uppdaterad 2 november 2022 kl. 10.15" in client.get("/sv/releases/rattad").text


def test_a_figure_is_held_together_wherever_it_is_shown(client: FlaskClient, desk: Desk) -> None:
    figure = '<data value="10641000" data-figure="total">10\u00a0641\u00a0000\u00a0kronor</data>'
    desk.release(f"Drygt {figure}", slug="summa", lead=f"De delar på {figure}.")
    desk.release("En annan nyhet", slug="annan")

    for path in ("/sv/", "/sv/releases/summa", "/sv/releases/annan", "/sv/feed.rss"):
        assert "10\u00a0641\u00a0000\u00a0kronor" in client.get(path).text
        assert "10 641 000" not in client.get(path).text


def test_the_sitemap_lists_what_is_public(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="ett")
    desk.release(slug="one", language="en")

    text = client.get("/sitemap.xml").text

    assert "<loc>http://127.0.0.1:8000/sv/releases/ett</loc>" in text
    assert "<loc>http://127.0.0.1:8000/en/releases/one</loc>" in text
    assert "Sitemap: http://127.0.0.1:8000/sitemap.xml" in client.get("/robots.txt").text


def test_the_live_index_orders_a_language_without_a_scan(app: Flask, desk: Desk) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by size")
    from releases.newsroom.questions import _listed

    query = _listed("sv").limit(5).compile(db.engine, compile_kwargs={"literal_binds": True})
    plan = db.session.execute(sa.text(f"EXPLAIN QUERY PLAN {query}")).all()

    assert not any("TEMP B-TREE" in row.detail or "SCAN" in row.detail for row in plan)
