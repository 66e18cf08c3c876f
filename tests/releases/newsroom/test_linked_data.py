"""What search engines read: true to the page, complete by Google's lists, and safe in a script."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from markupsafe import escape

from app.core.accounts import User
from app.core.db import db, normal_url
from releases.editorial.models import Change, Publication, Release, Revision, State, Story
from releases.media.models import Image
from releases.newsroom.machines.linked_data import LONGEST_HEADLINE, speaker
from releases.newsroom.models import Heading, Listing
from releases.review.quotes import Quote
from subscribers.audience.models import Topic
from tests.factories import round_
from tests.releases.newsroom.desk import A_FRIDAY, Desk
from tests.releases.newsroom.test_published_rounds import files, published

BASE = "http://127.0.0.1:8000"

# What Google asks for (required) and would like (recommended), by type; and what schema.org has.
# developers.google.com/search/docs/appearance/structured-data/{article,dataset,breadcrumb}
REQUIRED = {
    "NewsArticle": {
        "headline",
        "datePublished",
        "dateModified",
        "author",
        "publisher",
        "mainEntityOfPage",
        "inLanguage",
        "description",
        "isAccessibleForFree",
    },
    "Dataset": {"name", "description", "creator", "distribution", "url", "version"},
    "DataDownload": {"contentUrl", "encodingFormat"},
    "BreadcrumbList": {"itemListElement"},
    "ListItem": {"position", "name", "item"},
    "Organization": {"name"},
    "WebSite": {"name", "url", "potentialAction"},
    "SearchAction": {"target", "query-input"},
    "ImageObject": {"url"},
    "Quotation": {"text", "creator"},
    "CorrectionComment": {"text", "datePublished"},
    "FundingScheme": {"name", "url"},
    "AdministrativeArea": {"name"},
}
KNOWN = {
    *REQUIRED,
    *("Person", "PostalAddress", "ContactPoint", "EntryPoint", "Thing", "Country"),
}
URLS = {"url", "contentUrl", "mainEntityOfPage", "item", "license", "acquireLicensePage"}
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2})?")


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What stands in a head does not depend on the database."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def linked(page: str) -> dict[str, dict[str, Any]]:
    """The things in a page's head by their type, each checked."""
    found = [json.loads(one) for one in re.findall(r'(?s)ld\+json">(.*?)</script>', page)]
    for thing in found:
        assert thing.pop("@context") == "https://schema.org"
        check(thing)
    return {thing["@type"]: thing for thing in found}


def check(thing: Any, name: str = "") -> None:
    """Nothing empty, nothing unknown, nothing that is required is missing; addresses are whole."""
    if isinstance(thing, list):
        assert thing, name
        for one in thing:
            check(one, name)
    elif isinstance(thing, dict):
        if set(thing) == {"@id"}:
            assert thing["@id"].startswith(BASE)
            return
        kind = thing["@type"]
        assert kind in KNOWN
        assert REQUIRED.get(kind, set()) <= set(thing), (kind, set(thing))
        for key, value in thing.items():
            check(value, key)
    else:
        assert thing not in ("", None), name
        if name in URLS:
            assert re.match(r"https?://", thing), (name, thing)
        if name.startswith("date"):
            assert MOMENT.fullmatch(thing), (name, thing)


def picture(desk: Desk, release: Release) -> None:
    image = Image(
        story_id=release.story_id,
        key="k" * 20,
        filename="a.jpg",
        content_type="image/jpeg",
        width=2000,
        height=1000,
        size=300_000,
        alt_sv="Tre personer",
        caption_sv="Vid bordet",
        credit="Anna Larsson/TT",
        licence="cc-by",
        uploaded_at=A_FRIDAY,
    )
    db.session.add(image)
    db.session.flush()
    revision = db.session.get_one(Revision, release.live_id)
    revision.images = [image.printed("sv")]
    db.session.commit()


def test_a_release_is_a_complete_news_article(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(
        street="Hästgatan 2",
        postcode="62156",
        town="Visby",
        switchboard="0498-29 91 00",
        press_email="press@cfd.example",
        site="https://cfd.example",
        social=[{"label": "LinkedIn", "url": "https://linkedin.example/cfd"}],
    )
    release = desk.release(
        "Tio miljoner", slug="tio", story=desk.story(), lead="Elva får.", published_at=A_FRIDAY
    )
    picture(desk, release)

    things = linked(client.get("/sv/releases/tio").text)

    article, url = things["NewsArticle"], f"{BASE}/sv/releases/tio"
    assert article["headline"] == "Tio miljoner"
    assert article["description"] == "Elva får."
    assert article["mainEntityOfPage"] == article["url"] == url
    assert article["datePublished"] == article["dateModified"] == "2022-10-28T08:00:00+02:00"
    assert article["isAccessibleForFree"] is True
    assert article["about"] == [
        {
            "@type": "FundingScheme",
            "name": "Kommunala partnerskap",
            "url": f"{BASE}/sv/programmes/partnerskap/",
        }
    ]
    assert article["publisher"]["address"]["postalCode"] == "621 56"
    assert article["publisher"]["contactPoint"]["email"] == "press@cfd.example"
    assert article["publisher"]["sameAs"] == ["https://linkedin.example/cfd"]
    [image] = article["image"]
    assert image["url"] == f"{BASE}/media/{'k' * 20}/960.jpg"
    assert image["creditText"] == "Anna Larsson/TT"
    assert image["creator"]["name"] == "Anna Larsson"
    assert image["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert image["acquireLicensePage"] == f"{url}#pictures"
    way = things["BreadcrumbList"]["itemListElement"]
    assert [one["name"] for one in way] == ["Pressrum", "Kommunala partnerskap", "Tio miljoner"]


def test_quotes_are_part_of_the_article_and_speakers_are_mentioned(
    client: FlaskClient, desk: Desk
) -> None:
    said = "<p>Det är bra.</p><footer>Eva Ek, generalsekreterare, ICLD</footer>"
    more = "<p>Det är ännu bättre.</p><footer>Eva Ek</footer>"
    body = f"<blockquote>{said}</blockquote><blockquote>{more}</blockquote>"
    desk.release(slug="citat", body=body)

    article = linked(client.get("/sv/releases/citat").text)["NewsArticle"]

    assert [one["text"] for one in article["hasPart"]] == ["Det är bra.", "Det är ännu bättre."]
    assert [one["name"] for one in article["mentions"]] == ["Eva Ek"]


def test_somebody_without_a_name_is_quoted_and_not_mentioned(
    client: FlaskClient, desk: Desk
) -> None:
    said = "<p>Det är bra.</p><footer>generaldirektören på Sida</footer>"
    desk.release(slug="citat", body=f"<blockquote>{said}</blockquote>")

    article = linked(client.get("/sv/releases/citat").text)["NewsArticle"]

    [quote] = article["hasPart"]
    assert quote["creator"] == {
        "@type": "Person",
        "jobTitle": "generaldirektören",
        "affiliation": {"@type": "Organization", "name": "Sida"},
    }
    assert "mentions" not in article


@pytest.mark.parametrize(
    ("attribution", "job", "where"),
    [
        ("Eva Ek", None, None),
        ("Eva Ek, generalsekreterare", "generalsekreterare", None),
        ("Eva Ek, generalsekreterare, ICLD", "generalsekreterare", "ICLD"),
        ("Eva Ek, enhetschef på Sida", "enhetschef", "Sida"),
        ("Eva Ek, Head of Unit at Sida", "Head of Unit", "Sida"),
        ("Eva Ek, lärare vid Lunds universitet", "lärare", "Lunds universitet"),
    ],
)
def test_a_speaker_has_a_title_and_a_place_of_work(
    attribution: str, job: str | None, where: str | None
) -> None:
    person = speaker(Quote("Bra.", attribution, 0))

    assert person["name"] == "Eva Ek"
    assert person.get("jobTitle") == job
    assert person.get("affiliation", {}).get("name") == where


def test_topics_and_places_are_what_it_is_about(client: FlaskClient, desk: Desk) -> None:
    release = desk.release(slug="om", story=desk.story())
    topic = Topic(slug="vatten", name_sv="Vatten", name_en="Water")
    db.session.add(topic)
    db.session.flush()
    for kind, key in ((Heading.TOPIC, str(topic.id)), (Heading.PLACE, "2080")):
        db.session.add(
            Listing(release_id=release.id, kind=kind, key=key, language="sv", published_at=A_FRIDAY)
        )
    db.session.commit()

    article = linked(client.get("/sv/releases/om").text)["NewsArticle"]

    assert {"@type": "Thing", "name": "Vatten", "url": f"{BASE}/sv/topics/vatten/"} in article[
        "about"
    ]
    [place] = article["mentions"]
    assert (place["name"], place["identifier"]) == ("Falun", "2080")
    assert place["url"] == f"{BASE}/sv/places/2080-falun/"


def test_a_correction_is_told_to_machines_too(
    client: FlaskClient, desk: Desk, editor: User
) -> None:
    release = desk.release(slug="fel")
    for change, hours in ((Change.FIRST, 0), (Change.CORRECTION, 3)):
        db.session.add(
            Publication(
                release_id=release.id,
                revision_id=release.live_id,
                change=change,
                note="Rätt summa är 10." if change is Change.CORRECTION else "",
                at=A_FRIDAY + timedelta(hours=hours),
            )
        )
    db.session.commit()

    [told] = linked(client.get("/sv/releases/fel").text)["NewsArticle"]["correction"]

    assert told["text"] == "Rätt summa är 10."
    assert told["datePublished"] == "2022-10-28T11:00:00+02:00"


def test_a_long_headline_is_shortened_and_told_whole_beside(
    client: FlaskClient, desk: Desk
) -> None:
    headline = "Många miljoner " * 12
    desk.release(headline, slug="lang")

    article = linked(client.get("/sv/releases/lang").text)["NewsArticle"]

    assert len(article["headline"]) <= LONGEST_HEADLINE
    assert article["headline"].endswith("miljoner …")
    assert article["alternativeHeadline"] == headline.strip()


HOSTILE = '</script><script>alert(1)</script><!-- " \u2028'


def test_no_words_break_out_of_the_script(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(name_sv=HOSTILE)
    desk.release(str(escape(HOSTILE)), slug="ond", lead=str(escape(HOSTILE)), story=desk.story())

    page = client.get("/sv/releases/ond").text

    assert "<script>" not in page
    assert linked(page)["NewsArticle"]["publisher"]["name"] == HOSTILE
    assert "alert(1)" in linked(page)["NewsArticle"]["headline"]


def test_the_front_page_is_a_site_with_a_search(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(site="https://cfd.example")

    page = client.get("/en/").text
    things = linked(page)

    target = things["WebSite"]["potentialAction"]["target"]["urlTemplate"]
    assert target == f"{BASE}/en/search?q={{search_term_string}}"
    assert things["Organization"]["name"] == "Centre for Democracy"
    assert alternates(page) == {
        "sv": f"{BASE}/sv/",
        "en": f"{BASE}/en/",
        "x-default": f"{BASE}/",
    }


def alternates(page: str) -> dict[str, str]:
    return dict(re.findall(r'rel="alternate" hreflang="([\w-]+)" href="([^"]+)"', page))


def canonical(page: str) -> str:
    [found] = re.findall(r'rel="canonical" href="([^"]+)"', page)
    return str(found)


def test_the_two_languages_of_a_release_know_each_other(client: FlaskClient, desk: Desk) -> None:
    story = Story(created_at=A_FRIDAY)
    desk.release(slug="tio", story=story)
    desk.release("Ten", slug="ten", story=story, language="en")

    swedish, english = (
        client.get(f"/{path}").text for path in ("sv/releases/tio", "en/releases/ten")
    )

    both = {
        "sv": f"{BASE}/sv/releases/tio",
        "en": f"{BASE}/en/releases/ten",
        "x-default": f"{BASE}/sv/releases/tio",
    }
    assert alternates(swedish) == alternates(english) == both
    assert linked(swedish)["NewsArticle"]["workTranslation"] == {
        "@id": f"{BASE}/en/releases/ten#article"
    }


def test_a_draft_in_the_other_language_is_not_told_of(client: FlaskClient, desk: Desk) -> None:
    story = Story(created_at=A_FRIDAY)
    desk.release(slug="tio", story=story)
    desk.release("Ten", slug="ten", story=story, language="en", state=State.DRAFT)

    page = client.get("/sv/releases/tio").text

    assert set(alternates(page)) == {"sv", "x-default"}
    assert "/en/releases/ten" not in page


def test_an_address_with_junk_in_it_has_one_without(client: FlaskClient, desk: Desk) -> None:
    releases = [desk.release(slug=f"n-{n}") for n in range(22)]
    desk.release(slug="tio")

    assert canonical(client.get("/sv/releases/tio?utm_source=x").text) == f"{BASE}/sv/releases/tio"
    assert canonical(client.get("/sv/?utm_source=x").text) == f"{BASE}/sv/"
    before = releases[3].id
    older = client.get(f"/sv/?before={before}&utm_source=x").text
    assert canonical(older) == f"{BASE}/sv/?before={before}"
    assert alternates(older) == {}


def test_earlier_versions_are_not_to_be_found_by_searching(client: FlaskClient, desk: Desk) -> None:
    release = desk.release(slug="tio")
    old = release.live_id
    desk.rewrite(release, "Ny rubrik")
    for revision_id, hours in ((old, 0), (release.head_id, 1)):
        db.session.add(
            Publication(
                release_id=release.id,
                revision_id=revision_id,
                change=Change.TYPO,
                at=A_FRIDAY + timedelta(hours=hours),
            )
        )
    release.live_id = release.head_id
    db.session.commit()

    page = client.get("/sv/releases/tio/versions/1").text

    assert '<meta name="robots" content="noindex">' in page
    assert linked(page) == {}


def test_a_round_is_a_dataset_that_google_finds(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    address = files(client, published(writer, editor))

    page = client.get(address).text
    things = linked(page)

    data = things["Dataset"]
    assert 50 <= len(data["description"]) <= 5000
    links = {one["name"]: one["contentUrl"] for one in data["distribution"]}
    assert links["CSV"] == f"{BASE}{address}/awards.csv"
    assert links["Excel"] == f"{BASE}{address}/awards.xlsx"
    for link in links.values():
        assert client.get(link.removeprefix(BASE)).status_code == 200, link
    assert canonical(page) == f"{BASE}{address}"
    assert set(alternates(page)) == {"sv", "en", "x-default"}
