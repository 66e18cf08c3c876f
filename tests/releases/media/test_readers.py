"""What readers of the page, the feed and the mail see of pictures and documents."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import feedparser
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db, normal_url
from releases.editorial.announcing import announcement
from releases.editorial.models import Release
from releases.media.encoding import encode_images
from tests.queries import counted_queries
from tests.releases.media import folders
from tests.releases.newsroom.desk import Desk

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def release(desk: Desk, writer: User) -> Release:
    """Published, with a picture in the text and one beside it, and a document."""
    desk.organisation()
    found = desk.release()
    inside = folders.image(found.story, writer)
    beside = folders.image(found.story, writer, caption_sv="Hamnen i Klintehamn", credit="Bo Ek")
    body = f'<p>Före</p><figure data-image="{inside.id}"></figure><p>Efter</p>'
    folders.attach(found, inside, beside, folders.document(found.story, writer), body=body)
    return found


def key_of(release: Release, place: int = 0) -> str:
    return str(release.live.images[place]["key"]) if release.live else ""


def page_of(client: FlaskClient, release: Release) -> str:
    return client.get(f"/{release.language}/releases/{release.slug}").get_data(as_text=True)


def test_the_page_shows_the_picture_in_the_text(client: FlaskClient, release: Release) -> None:
    text = page_of(client, release).split('<div class="around">')[0]

    assert text.count("<img ") == 1
    assert f'src="/media/{key_of(release)}/960.jpg"' in text
    assert "data-image" not in text


def test_the_page_ends_with_pictures_and_documents_to_take_along(
    client: FlaskClient, release: Release
) -> None:
    text = page_of(client, release).split('<div class="around">')[1]

    assert '<h2 id="pictures-title">Bilder</h2>' in text
    assert text.count("Ladda ned högupplöst bild") == 2
    assert "Foto: Bo Ek" in text
    assert "Fri att använda i redaktionellt sammanhang, ange fotograf." in text
    assert re.search(r"JPEG, 1\xa0200 × 800 pixlar, \d+\xa0kB", text)
    assert "Beslutet</a>" in text and "(PDF, 1\xa0kB)" in text


def test_everything_the_page_shows_can_be_fetched(client: FlaskClient, release: Release) -> None:
    encode_images()

    found = set(re.findall(r"(/media/[\w-]+/[\w.]+)", page_of(client, release)))

    formats, widths = ("avif", "webp", "jpg"), (480, 960, 1200)
    assert len(found) == 2 * (len(formats) * len(widths) + 1) + 1
    for address in found:
        assert client.get(address, buffered=True).status_code == 200, address


def test_a_page_without_pictures_and_documents_has_no_empty_headings(
    client: FlaskClient, desk: Desk
) -> None:
    text = page_of(client, desk.release())

    assert "pictures-title" not in text
    assert "documents-title" not in text
    assert "/card.png" in text  # what is shared is its headline
    assert "/media/" not in text


def test_every_picture_says_its_size_so_that_nothing_jumps(
    client: FlaskClient, release: Release
) -> None:
    images = re.findall(r"<img [^>]*>", page_of(client, release))

    assert len(images) == 3
    for image in images:
        assert re.search(r'width="\d+" height="\d+"', image)
        assert 'loading="lazy"' in image


def test_those_who_share_the_page_share_its_first_picture(
    client: FlaskClient, release: Release
) -> None:
    text = page_of(client, release)

    assert f'<meta property="og:image" content="{BASE}/media/{key_of(release)}/960.jpg">' in text
    assert '<meta property="og:image:alt" content="Båtar vid en kaj">' in text


def test_the_page_shows_what_was_approved_and_not_what_was_written_since(
    client: FlaskClient, release: Release, writer: User
) -> None:
    from releases.media import questions, storing
    from tests.factories import A_MORNING

    image = questions.image_by_key(key_of(release))
    storing.describe(
        image, {"credit": "Någon Annan"}, was={"credit": image.credit}, by=writer, at=A_MORNING
    )
    db.session.commit()

    assert "Någon Annan" not in page_of(client, release)


def test_a_reader_of_the_feed_sees_the_picture_and_finds_the_files(
    client: FlaskClient, release: Release
) -> None:
    feed = feedparser.parse(client.get("/sv/feed.rss").data, sanitize_html=False)

    whole = feed.entries[0].content[0].value
    assert whole.count("<img ") == 1
    assert f'src="{BASE}/media/{key_of(release)}/960.jpg"' in whole
    assert "srcset" not in whole
    assert f'<a href="{BASE}/media/{key_of(release, 1)}/high.jpg">' in whole
    assert "/document.pdf" in whole
    assert 'src="/' not in whole and 'href="/' not in whole


def test_a_feed_asks_as_often_for_many_pictures_as_for_few(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    client.get("/sv/feed.rss")  # so that each time below an older answer has been kept
    counts = []
    for _ in range(2):
        for _ in range(3):
            release = desk.release()
            folders.attach(release, folders.image(release.story, writer))
        db.session.expire_all()
        with counted_queries() as asked:
            client.get("/sv/feed.rss")
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_the_mail_carries_the_picture_by_its_whole_address(release: Release) -> None:
    mail = announcement(release)

    assert f'<img src="{BASE}/media/{key_of(release)}/960.jpg" alt="Båtar vid en kaj"' in mail.html
    assert 'width="560" height="373"' in mail.html
    assert "data-image" not in mail.html
    assert 'src="/' not in mail.html and 'href="/' not in mail.html
    assert f'<a href="{BASE}/media/{key_of(release, 1)}/high.jpg">Ladda ned' in mail.html


def test_the_text_of_the_mail_says_caption_credit_and_address(release: Release) -> None:
    text = announcement(release).text

    high = f"{BASE}/media/{key_of(release)}/high.jpg"
    assert f"Före\n\nBild: Visby hamn\nFoto: Anna Larsson\n{high}\n\nEfter" in text
    assert "Hamnen i Klintehamn\nFoto: Bo Ek\nFri att använda" in text
    assert re.search(r"Beslutet \(PDF, 1\xa0kB\): \S+/document\.pdf\n", text)
    assert "\n\n\n" not in text


def test_the_mail_of_a_release_without_pictures_says_nothing_of_them(desk: Desk) -> None:
    desk.organisation()
    mail = announcement(desk.release())

    assert "Bilder" not in mail.text and "Bilder" not in mail.html
    assert "Dokument" not in mail.text and "Dokument" not in mail.html
