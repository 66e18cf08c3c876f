"""What readers pass on and other sites show: links, pictures for previews, frames, oEmbed."""

from __future__ import annotations

import io
import json
import re
import shutil
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
import sqlalchemy as sa
import typst
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

from app.core import shelf
from app.core.colours import on_light
from app.core.db import db, normal_url
from releases.editorial.models import Release, State
from releases.newsroom.models import Heading, Listing
from releases.newsroom.sharing import cards, embeds, packing, typesetting
from releases.newsroom.sharing.links import share_links
from tests.factories import round_
from tests.releases.media import pictures
from tests.releases.newsroom.desk import A_FRIDAY, Desk

BASE = "http://127.0.0.1:8000"
CARD = cards.Card(
    language="sv",
    sender="Centrum för Demokrati",
    headline="Tio miljoner till samarbete",
    kind="Pressmeddelande",
    date="28 oktober 2022",
    site="press.example",
    accent="#0d5249",
)


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages show the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def picture(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image.convert("RGB")


# Links


def links(**more: str) -> dict[str, str]:
    facts = {
        "title": "Åtta & nio: 100 % till #klimat",
        "url": "https://press.example/sv/releases/atta",
        "sender": "Centrum",
        "language": "sv",
        **more,
    }
    return {link.name: link.href for link in share_links(**facts)}


def test_a_mail_has_the_headline_as_its_subject_and_the_address_in_its_text() -> None:
    asked = parse_qs(urlsplit(links()[""]).query)

    assert asked["subject"] == ["Pressmeddelande: Åtta & nio: 100 % till #klimat"]
    assert "Pressmeddelande från Centrum:\r\n" in asked["body"][0]
    assert "https://press.example/sv/releases/atta" in asked["body"][0].splitlines()


def test_a_mail_is_written_in_the_language_of_the_page() -> None:
    asked = parse_qs(urlsplit(links(language="en")[""]).query)

    assert asked["subject"][0].startswith("Press release: ")


@pytest.mark.parametrize(
    ("network", "host", "part"),
    [
        ("LinkedIn", "www.linkedin.com", "query"),
        ("Facebook", "www.facebook.com", "query"),
        ("Bluesky", "bsky.app", "query"),
        ("Mastodon", "share.joinmastodon.org", "fragment"),
        ("X", "x.com", "query"),
    ],
)
def test_each_network_is_given_the_whole_address(network: str, host: str, part: str) -> None:
    parts = urlsplit(links()[network])

    said = " ".join(word for words in parse_qs(getattr(parts, part)).values() for word in words)
    assert (parts.scheme, parts.hostname) == ("https", host)
    assert "https://press.example/sv/releases/atta" in said


def test_a_long_headline_leaves_room_for_the_address_in_a_post() -> None:
    post = unquote(urlsplit(links(title="ord " * 200)["Bluesky"]).query.removeprefix("text="))

    assert len(post) < 300
    assert post.endswith(" https://press.example/sv/releases/atta")


def test_the_page_shares_by_plain_links_and_loads_nothing_from_a_network(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release(slug="nytt")

    page = client.get("/sv/releases/nytt").text

    found = re.findall(r'<a href="(https://(?!127)[^"]+)" rel="([^"]*)"', page)
    assert len(found) == 5
    assert {rel for _, rel in found} == {"noopener noreferrer nofollow"}
    assert not re.findall(r'<(?:script|img|iframe|link)[^>]+(?:src|href)="https://', page)


def test_without_script_the_address_stands_in_a_field(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="nytt")

    page = client.get("/en/").text + client.get("/sv/releases/nytt").text

    [field] = re.findall(r"<input[^>]*data-copy-instead>", page)
    assert f'value="{BASE}/sv/releases/nytt"' in field
    assert "readonly" in field
    assert "aria-label" in field


# Pictures for previews


def test_a_release_without_pictures_is_shared_with_its_card(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release("Tio miljoner", slug="nytt")

    page = client.get("/sv/releases/nytt").text
    [address] = re.findall(r'<meta property="og:image" content="([^"]+)">', page)
    card = client.get(address.removeprefix(BASE))

    assert address.startswith(f"{BASE}/sv/releases/nytt/card.png?v=")
    assert card.mimetype == "image/png"
    assert picture(card.data).size == (1200, 630)
    assert '<meta property="og:image:width" content="1200">' in page
    assert '<meta property="og:image:height" content="630">' in page
    assert re.search(r'<meta property="og:image:alt" content="[^"]*Tio miljoner">', page)
    assert '<meta name="twitter:card" content="summary_large_image">' in page


def test_the_front_is_shared_with_a_card_of_its_own(client: FlaskClient, desk: Desk) -> None:
    desk.organisation()

    page = client.get("/en/").text
    [address] = re.findall(r'<meta property="og:image" content="([^"]+)">', page)

    assert address.startswith(f"{BASE}/en/card.png?v=")
    assert picture(client.get(address.removeprefix(BASE)).data).size == (1200, 630)


@pytest.mark.parametrize("path", ["programmes/", "topics/", "places/", "years/"])
def test_a_list_is_shared_with_the_newsrooms_card(
    client: FlaskClient, desk: Desk, path: str
) -> None:
    desk.organisation(short_name="A&B")
    desk.release("Om partnerskap", story=desk.story())

    page = client.get(f"/sv/{path}").text

    assert f'<meta property="og:image" content="{BASE}/sv/card.png?v=' in page
    assert f'<meta property="og:url" content="{BASE}/sv/{path}">' in page
    assert re.search(r'<meta property="og:title" content="[^"<]+">', page)


def test_a_corrected_headline_makes_another_address_and_another_picture(
    client: FlaskClient, desk: Desk
) -> None:
    release = desk.release("Nio miljoner", slug="nytt")
    before = card_address(client), client.get("/sv/releases/nytt/card.png").data
    desk.rewrite(release, "Tio miljoner")
    release.live_id = release.head_id
    db.session.commit()

    assert card_address(client) != before[0]
    assert client.get("/sv/releases/nytt/card.png").data != before[1]


def card_address(client: FlaskClient) -> str:
    page = client.get("/sv/releases/nytt").text
    return re.findall(r'<meta property="og:image" content="([^"]+)">', page)[0]


def test_a_withdrawn_releases_card_says_nothing_of_it(client: FlaskClient, desk: Desk) -> None:
    desk.organisation()
    desk.release(slug="borta", state=State.WITHDRAWN)

    card = client.get("/sv/releases/borta/card.png")

    assert card.data == client.get("/sv/card.png").data


@pytest.mark.parametrize("page", ["card.png", "embed"])
def test_what_is_not_published_has_no_card_and_no_frame(
    client: FlaskClient, desk: Desk, page: str
) -> None:
    desk.release(slug="hemligt", state=State.DRAFT)

    assert client.get(f"/sv/releases/hemligt/{page}").status_code == 404


def test_an_unpublished_page_is_shared_with_no_card(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="borta", state=State.WITHDRAWN)

    assert "og:image" not in client.get("/sv/releases/borta").text


def test_the_card_bears_the_organisations_colour(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(accent="#c0ffee")
    desk.release(slug="nytt")

    card = picture(client.get("/sv/releases/nytt/card.png").data)

    assert card.getpixel((600, 4)) == ImageColor.getrgb(on_light("#c0ffee").accent)


@pytest.mark.parametrize("content_type", ["image/png", "image/webp"])
def test_the_card_and_the_kit_bear_the_logotype(
    client: FlaskClient, desk: Desk, content_type: str
) -> None:
    release = desk.release(slug="nytt")
    sender = desk.organisation(about_sv="Vi.")
    without = client.get("/sv/releases/nytt/card.png").data, packed_pdf(release)
    key, form = shelf.new_key(), content_type.removeprefix("image/")
    shelf.put(key, {f"logo.{form}": pictures.saved(pictures.photo(400, 100), form.upper())})
    sender.logo_key, sender.logo_type = key, content_type
    db.session.commit()

    assert client.get("/sv/releases/nytt/card.png").data != without[0]
    assert len(packed_pdf(release)) > len(without[1])


def test_a_logotype_whose_file_is_lost_is_the_name(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="nytt")
    desk.organisation(logo_key=shelf.new_key(), logo_type="image/png")

    assert client.get("/sv/releases/nytt/card.png").status_code == 200


def packed_pdf(release: Release) -> bytes:
    db.session.expire_all()
    packed = packing.pack(packing.gather(release))
    packed.zip.close()
    return packed.pdf


def test_markup_of_typst_is_only_text_on_a_card() -> None:
    plain = cards.draw(CARD)
    hostile = "#panic() #{1+1} $x^2$ *fet* _kursiv_ @ref <etikett> \\ // /* `kod` = Rubrik"

    drawn = cards.draw(replaced(headline=hostile))

    assert picture(drawn).size == (1200, 630)
    assert drawn != plain


@pytest.mark.parametrize(
    "headline",
    [
        "",
        " ",
        "😀🎉👩‍👩‍👧 Fest 🇸🇪",
        "A" * 280,
        "mycket långt " * 60,
        "עברית العربية 日本語 ไทย",
        "a\u0301\u0302\u0303\u0304\u0305" * 20,
        "\u202eomvänt\u202c \u200d\ufeff\u2028\u2029\x07\x00",
        "\u0628 \u05d9",
    ],
)
def test_no_headline_stops_a_card(headline: str) -> None:
    assert picture(cards.draw(replaced(headline=headline))).size == (1200, 630)


@settings(max_examples=60)
@given(st.text(max_size=120))
def test_whatever_is_typed_a_card_is_drawn(headline: str) -> None:
    assert cards.draw(replaced(headline=headline, sender=headline)).startswith(b"\x89PNG")


def test_a_long_headline_stays_inside_its_room() -> None:
    card = picture(cards.draw(replaced(headline="Rubrik med ordet och " * 30)))

    margin = card.crop((1130, 100, 1200, 630))
    below = card.crop((80, 500, 1120, 512))
    assert len(margin.getcolors()) == 1
    assert len(below.getcolors()) == 1


@pytest.mark.parametrize(
    "headline",
    [
        "Förvaltningsdomstolsärenden ska avgöras snabbare",
        "Drygt 11,6\u00a0miljoner kronor till internationellt demokratiutvecklingssamarbete",
        "Kommunikationsstrategutbildning",
        "A" * 280,
    ],
)
def test_a_long_word_is_not_cut_at_the_edge(headline: str) -> None:
    card = picture(cards.draw(replaced(headline=headline)))

    assert len(card.crop((1117, 152, 1120, 498)).getcolors()) == 1


def test_a_logotype_begins_where_the_headline_begins() -> None:
    logo = cards.Logo("logo.png", pictures.saved(pictures.photo(400, 100), "PNG"))

    card = picture(cards.draw(CARD, logo))

    assert card.getpixel((82, 98)) != card.getpixel((70, 98))


def test_every_letter_that_we_let_through_can_be_shown() -> None:
    source = b"""#set document(title: "A")
#set text(font: ("Libertinus Serif", "New Computer Modern"))
#let t = sys.inputs.t
#t #strong(t) #emph(t) #text(weight: "semibold", t)"""
    letters = [chr(code) for code in range(32, 0x1_0000) if not typesetting.SHOWN.match(chr(code))]

    assert len(letters) > 2000
    for start in range(0, len(letters), 800):
        text = " x".join(letters[start : start + 800])
        typst.compile(
            source,
            format="pdf",
            sys_inputs={"t": text},
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
        )


def replaced(**more: str) -> cards.Card:
    return cards.Card(**{**vars(CARD), **more})


# Frames


def test_a_frame_shows_the_release_and_opens_links_outside_it(
    client: FlaskClient, desk: Desk
) -> None:
    desk.organisation()
    desk.release("Tio miljoner", slug="nytt", lead="Elva delar.", published_at=A_FRIDAY)

    answer = client.get("/sv/releases/nytt/embed")

    assert answer.status_code == 200
    for words in ("Tio miljoner", "Elva delar.", "28 oktober 2022 kl. 08.00", "Centrum för"):
        assert words in answer.text
    anchors = re.findall(r"<a [^>]*>", answer.text)
    assert len(anchors) == 3
    assert all('target="_blank" rel="noopener"' in one for one in anchors)
    assert all(f'href="{BASE}/sv/' in one for one in anchors)


@pytest.mark.parametrize("path", ["/sv/releases/nytt/embed", "/sv/embed/latest"])
def test_a_frame_may_stand_anywhere_and_runs_nothing(
    client: FlaskClient, desk: Desk, path: str
) -> None:
    desk.release(slug="nytt")

    answer = client.get(path)

    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "frame-ancestors *" in policy
    assert "script-src 'none'" in policy
    assert "default-src 'none'" in policy
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "<script" not in answer.text


def test_no_other_page_may_stand_in_a_frame(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="nytt")

    for path in ("/sv/", "/sv/releases/nytt", "/sv/card.png"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, path


def test_the_frame_of_a_withdrawn_release_says_so_and_no_more(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release("Tio miljoner", slug="borta", state=State.WITHDRAWN, reason="Fel")

    answer = client.get("/sv/releases/borta/embed")

    assert answer.status_code == 410
    assert "tillbakadraget" in answer.text
    assert "Tio miljoner" not in answer.text


def test_a_frame_shows_the_latest_five(client: FlaskClient, desk: Desk) -> None:
    for number in range(7):
        desk.release(f"Nyhet nummer {number}")
    desk.release("English news", language="en")

    page = client.get("/sv/embed/latest").text

    shown = re.findall(r"Nyhet nummer (\d)", page)
    assert shown == ["0", "1", "2", "3", "4"]
    assert "English news" not in page


@pytest.mark.parametrize("asked", ["programme=partnerskap", "topic=partnerskap"])
def test_a_frame_may_show_one_programmes_releases(
    client: FlaskClient, desk: Desk, asked: str
) -> None:
    about = desk.release("Om partnerskap", story=desk.story())
    desk.release("Om annat")
    programme = about.story.round.programme
    listed(about, Heading.PROGRAMME, programme.id)

    page = client.get(f"/sv/embed/latest?{asked}").text

    assert "Om partnerskap" in page
    assert "Om annat" not in page
    assert "Kommunala partnerskap: pressmeddelanden från" in page


def test_a_programme_nobody_knows_has_no_frame(client: FlaskClient, desk: Desk) -> None:
    assert client.get("/sv/embed/latest?programme=nej").status_code == 404
    assert client.get("/sv/embed/latest?topic=nej").status_code == 404


@pytest.mark.parametrize("asked", ["programme", "topic"])
def test_a_programme_of_which_nothing_is_published_has_no_frame(
    client: FlaskClient, asked: str
) -> None:
    slug = round_(programme="Ingen vet").programme.slug

    assert client.get(f"/sv/embed/latest?{asked}={slug}").status_code == 404


def listed(release: object, kind: Heading, key: int) -> None:
    db.session.add(
        Listing(
            release_id=release.id,  # type: ignore[attr-defined]
            kind=kind,
            key=str(key),
            language=release.language,  # type: ignore[attr-defined]
            published_at=release.published_at,  # type: ignore[attr-defined]
        )
    )
    db.session.commit()


def test_the_code_to_paste_is_a_frame_that_can_only_open_links(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release('Citat: "Hej" & <b>hopp</b>', slug="nytt")

    page = client.get("/sv/releases/nytt").text
    [shown] = re.findall(r"<textarea[^>]*readonly[^>]*>(.*?)</textarea>", page, re.DOTALL)
    code = unescape(shown)

    assert code.startswith(f'<iframe src="{BASE}/sv/releases/nytt/embed" title="Pressmeddelande: ')
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in code
    assert 'width="100%"' in code
    assert 'loading="lazy"' in code
    assert code.count("<") == 2


def test_the_front_offers_the_code_of_the_latest(client: FlaskClient, desk: Desk) -> None:
    page = unescape(client.get("/en/").text)

    assert f'<iframe src="{BASE}/en/embed/latest" title="Press releases from' in page


# oEmbed


def asked_for(client: FlaskClient, url: str, **more: object):  # type: ignore[no-untyped-def]
    rest = "".join(f"&{name}={said}" for name, said in more.items())
    return client.get(f"/oembed?url={quote(url, safe='')}{rest}")


def test_oembed_tells_how_a_release_is_shown(client: FlaskClient, desk: Desk) -> None:
    desk.organisation()
    desk.release("Tio miljoner", slug="nytt")

    answer = asked_for(client, f"{BASE}/sv/releases/nytt")

    assert answer.mimetype == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    said = json.loads(answer.text)
    assert (said["type"], said["version"]) == ("rich", "1.0")
    assert said["title"] == "Tio miljoner"
    assert said["provider_name"] == "Centrum för Demokrati"
    assert f'src="{BASE}/sv/releases/nytt/embed"' in said["html"]
    assert (said["thumbnail_width"], said["thumbnail_height"]) == (1200, 630)
    assert said["thumbnail_url"].startswith(f"{BASE}/sv/releases/nytt/card.png")


def test_oembed_says_the_same_as_xml(client: FlaskClient, desk: Desk) -> None:
    desk.release("Kommuner & regioner <b>", slug="nytt")
    url = f"{BASE}/sv/releases/nytt"

    answer = asked_for(client, url, format="xml")

    said = {one.tag: one.text for one in ET.fromstring(answer.text)}
    assert answer.mimetype == "text/xml"
    assert said == {name: str(one) for name, one in asked_for(client, url).get_json().items()}


def test_what_no_xml_can_hold_breaks_no_answer(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(name_sv="Centrum\x0b")
    desk.release("Tio\ufffe miljoner", slug="nytt")

    answer = asked_for(client, f"{BASE}/sv/releases/nytt", format="xml")

    said = {one.tag: one.text for one in ET.fromstring(answer.text)}
    assert (said["title"], said["author_name"]) == ("Tio miljoner", "Centrum")


def test_oembed_keeps_to_the_room_there_is(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="nytt")

    said = asked_for(client, f"{BASE}/sv/releases/nytt", maxwidth=320, maxheight=200).get_json()

    assert (said["width"], said["height"]) == (320, 200)
    assert 'width="320" height="200"' in said["html"]


@pytest.mark.parametrize("wanted", ["0", "-5", "x", "1e9", "9" * 30, "²"])
def test_a_room_that_is_none_is_not_heard(wanted: str) -> None:
    asked = {"maxwidth": wanted, "maxheight": wanted}

    assert embeds.room(asked, height=380) == (600, 380)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nytt",
        "https://annan.example/sv/releases/nytt",
        "http://127.0.0.1:8000.annan.example/sv/releases/nytt",
        "http://127.0.0.1:8000@annan.example/sv/releases/nytt",
        "http://[::1/sv",
        "javascript:alert(1)",
        f"{BASE}/office/releases/1",
        f"{BASE}/de/releases/nytt",
        f"{BASE}/sv/releases/finns-inte",
        f"{BASE}/sv/releases/borta",
        f"{BASE}/sv/releases/hemligt",
    ],
)
def test_oembed_knows_only_what_visitors_may_read(
    client: FlaskClient, desk: Desk, url: str
) -> None:
    desk.release(slug="nytt")
    desk.release(slug="borta", state=State.WITHDRAWN)
    desk.release(slug="hemligt", state=State.DRAFT)

    assert asked_for(client, url).status_code == 404


def test_oembed_knows_an_address_that_was_shared_with_more_behind_it(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release(slug="nytt")

    for more in ("/", "?utm_source=brev", "#bilder"):
        assert asked_for(client, f"{BASE}/sv/releases/nytt{more}").status_code == 200


def test_another_form_is_not_implemented(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="nytt")

    answer = asked_for(client, f"{BASE}/sv/releases/nytt", format="yaml")

    assert answer.status_code == 501


def test_a_callback_is_not_called(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="nytt")

    answer = asked_for(client, f"{BASE}/sv/releases/nytt", callback="alert")

    assert "alert" not in answer.text
    assert answer.mimetype == "application/json"


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("path", ["/sv/releases/nytt", "/sv/"])
def test_software_finds_oembed_from_the_page(
    client: FlaskClient, desk: Desk, path: str, form: str
) -> None:
    desk.release(slug="nytt")
    kind = {"json": "application/json", "xml": "text/xml"}[form]

    page = client.get(path).text
    [link] = re.findall(rf'<link rel="alternate" type="{kind}\+oembed" href="([^"]+)"', page)
    answer = client.get(unescape(link).removeprefix(BASE))

    assert answer.status_code == 200
    assert answer.mimetype == kind
    assert f"{path.rstrip('/')}/embed" in answer.text
