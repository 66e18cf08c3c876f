"""The checker of feeds can fail: each thing that validators object to, put into a valid feed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from releases.newsroom.feeds.feeding import FORMS
from releases.newsroom.feeds.items import Category, Feed, Item, Logo, Picture, feed_id
from tests.releases.newsroom.desk import A_FRIDAY
from tests.releases.newsroom.feed_rules import problems

ADDRESS = "https://press.example/sv/feed"
ITEM = Item(
    guid="tag:press.example,2022-10-28:release/1",
    url="https://press.example/sv/releases/ett",
    title="Rubrik",
    summary="Ingress",
    html='<p>Text och <a href="https://press.example/sv/">mer</a></p>',
    published_at=A_FRIDAY,
    changed_at=A_FRIDAY,
    creator="Centret",
    categories=(Category("klimat", "Klimat", "https://press.example/sv/topics/"),),
    pictures=(Picture("https://press.example/media/k/960.jpg", 9, 960, 640, "Hamn", "Anna"),),
)
OLDER = replace(
    ITEM,
    guid="tag:press.example,2022-10-27:release/2",
    published_at=A_FRIDAY - timedelta(days=1),
    changed_at=A_FRIDAY - timedelta(hours=1),
    title="Äldre",
)
FEED = Feed(
    id=feed_id(host="press.example", subject="sv"),
    title="Nyheter",
    description="Allt",
    language="sv",
    url="https://press.example/sv/",
    address=ADDRESS,
    author="Centret",
    author_url="https://www.example.org",
    rights="© Centret",
    changed_at=A_FRIDAY,
    items=(ITEM, OLDER),
    hubs=("https://hub.example/",),
    logo=Logo("https://press.example/logo", "image/png", 100, 50),
)


def found(form: str, content: bytes, *, served: str = "", address: str = "") -> list[str]:
    return problems(
        content,
        content_type=served or f"{FORMS[form].content_type}; charset=utf-8",
        address=address or f"{ADDRESS}.{form}",
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_valid_feed_is_valid(form: str) -> None:
    assert found(form, FORMS[form].write(FEED)) == []


ENCLOSURE = '<enclosure url="https://a.b/c" length="1" type="a/b"/>'

RSS = {
    "MissingGuid": ('<guid isPermaLink="false">tag:press.example,2022-10-28:release/1</guid>', ""),
    "InvalidPermalink": (' isPermaLink="false"', ""),
    "InvalidBooleanAttribute": ('isPermaLink="false"', 'isPermaLink="no"'),
    "DuplicateValue": ("2022-10-27:release/2", "2022-10-28:release/1"),
    "InvalidTAG": ("tag:press.example,2022-10-28:release/1", "tag:press.example:release/1"),
    "NotSufficientlyUnique": ("tag:press.example,2022-10-28:release/1", "1"),
    "ContainsRelRef": ("&lt;a href=\"https://press.example/sv/\"", '&lt;a href="/sv/"'),
    "SecurityRisk": ("&lt;p&gt;Text", "&lt;script&gt;x&lt;/script&gt;&lt;p&gt;Text"),
    "SecurityRiskAttr": ("&lt;p&gt;Text", "&lt;p onclick=\"x\"&gt;Text"),
    "NotHtml": ("&lt;/a&gt;", ""),
    "MissingSelf": ('rel="self"', 'rel="related"'),
    "SelfDoesntMatchLocation": (f"{ADDRESS}.rss", f"{ADDRESS}.xml"),
    "RelativeSelf": (f'href="{ADDRESS}.rss"', 'href="/sv/feed.rss"'),
    "InvalidRFC2822Date": ("Fri, 28 Oct 2022 06:00:00 GMT", "2022-10-28 06:00"),
    "IncorrectDOW": ("Fri, 28 Oct", "Mon, 28 Oct"),
    "ImplausibleDate": ("Fri, 28 Oct 2022", "Mon, 28 Oct 2222"),
    "OutOfOrder": ("Thu, 27 Oct 2022", "Sat, 29 Oct 2022"),
    "ContainsHTML": ("<title>Rubrik", "<title>&lt;b&gt;Rubrik&lt;/b&gt;"),
    "CharacterData": ("<title>Rubrik", "<title>AT&amp;amp;T"),
    "NotBlank": ("<title>Rubrik</title>", "<title></title>"),
    "MissingLastBuildDate": ("<lastBuildDate>Fri, 28 Oct 2022 06:00:00 GMT</lastBuildDate>", ""),
    "MissingDescription": ("<description>Allt</description>", ""),
    "MissingTitle": ("<title>Nyheter</title>\n  <link>", "<link>"),
    "InvalidFullLink": ("<link>https://press.example/sv/releases/ett", "<link>/sv/releases/ett"),
    "InvalidLanguage": ("<language>sv</language>", "<language>svenska</language>"),
    "InvalidPositiveInteger": ("<ttl>15</ttl>", "<ttl>0</ttl>"),
    "DuplicateElement": ("<ttl>15</ttl>", "<ttl>15</ttl><ttl>15</ttl>"),
    "UndefinedElement": ("<ttl>15</ttl>", "<ttl>15</ttl><hits>15</hits>"),
    "UnexpectedAttribute": ("<ttl>", '<ttl unit="minute">'),
    "MisplacedItem": ("</channel>", "<ttl>15</ttl></channel>"),
    "DuplicateItemSemantics": ("<dc:creator>", "<author>a@b.example (A)</author><dc:creator>"),
    "InvalidContact": ("<dc:creator>Centret</dc:creator>", "<author>Centret</author>"),
    "NeedDescriptionBeforeContent": ("<description>Ingress</description>", ""),
    "DuplicateEnclosure": ("<enclosure", f"{ENCLOSURE}<enclosure"),
    "MissingAttribute": (' length="9"', ""),
    "InvalidIntegerAttribute": ('length="9"', 'length="9 kB"'),
    "InvalidMIMEAttribute": ('length="9" type="image/jpeg"', 'length="9" type="jpeg"'),
    "InvalidURLAttribute": ('<enclosure url="https://press.example', '<enclosure url="'),
    "InvalidWidth": ("<width>100</width>", "<width>600</width>"),
    "ImageTitleDoesntMatch": ("</url>\n   <title>Nyheter", "</url>\n   <title>Annat"),
    "ImageUrlFormat": ("<url>https://press.example/logo", "<url>https://press.example/logo.svg"),
    "InvalidCreditRole": ('role="photographer"', 'role="fotograf"'),
    "InvalidMediaMedium": ('medium="image"', 'medium="picture"'),
    "UnknownNamespace": ('version="2.0"', 'version="2.0" xmlns:x="https://x.example/"'),
    "NonstdPrefix": ('version="2.0"', 'version="2.0" xmlns:dublin="http://purl.org/dc/elements/1.1/"'),
    "InvalidRSSVersion": ('version="2.0"', 'version="1.9"'),
    "UnregisteredAtomLinkRel": ('rel="hub"', 'rel="nav"'),
    "BadCharacters": ("<title>Rubrik", "<title>Rubrik\x85"),
    "SAXError": ("</channel>", ""),
    "WPBlankLine": ("<?xml", "\n<?xml"),
    "EncodingMismatch": (" encoding='utf-8'", ""),
}  # fmt: skip
ATOM = {
    "MissingElement: feed id": (f"<id>{FEED.id}</id>", ""),
    "MissingElement: entry updated": ("<updated>2022-10-28T06:00:00.000Z</updated>", ""),
    "MissingElement: author name": ("<name>Centret</name>", ""),
    "InvalidURN": ("urn:uuid:", "urn:uuid:x"),
    "DuplicateEntries": ("2022-10-27:release/2", "2022-10-28:release/1"),
    "DuplicateUpdated": ("2022-10-28T05:00:00.000Z", "2022-10-28T06:00:00.000Z"),
    "OutOfOrder": ("<published>2022-10-27", "<published>2022-10-29"),
    "InvalidRFC3339Date": ("<published>2022-10-28T06:00:00+00:00", "<published>2022-10-28"),
    "DuplicateAtomLink": ('<link rel="hub"', '<link rel="hub" href="a:b" /><link rel="hub"'),
    "MissingSelf": ('rel="self"', 'rel="related"'),
    "SelfNotAtom": ('.atom" type="application/atom+xml"', '.atom" type="application/json"'),
    "FeedHistoryRelInEntry": ('rel="enclosure"', 'rel="next"'),
    "MissingHref": (f'href="{ADDRESS}.atom"', ""),
    "AtomLinkNotEmpty": ('href="https://hub.example/" />', 'href="https://hub.example/">x</link>'),
    "MisplacedMetadata": ("</feed>", "<rights>x</rights></feed>"),
    "InvalidTextType": ("<title>Rubrik", '<title type="text/plain">Rubrik'),
    "InvalidMIMEType": ('<content type="html"', '<content type="markdown"'),
    "NotBlank": ("<summary>Ingress</summary>", "<summary></summary>"),
    "MissingAttribute: category term": ('term="klimat" ', ""),
    "MissingDCLanguage": (' xml:lang="sv"', ""),
    "AvoidNamespacePrefix": ('xml:lang="sv"', 'xml:lang="sv" xmlns:atom="http://www.w3.org/2005/Atom"'),
    "MissingCurrentInArchive": ("<entry>", '<fh:archive xmlns:fh="http://purl.org/syndication/history/1.0"/><entry>'),
    "UnexpectedWhitespace": ("<id>urn", "<id> urn"),
    "InvalidNonNegativeInteger": ('length="9"', 'length="many"'),
}  # fmt: skip
JSON = {
    "ObsoleteVersion": ("version/1.1", "version/1"),
    "MissingElement: feed title": ('"title": "Nyheter",', ""),
    "MissingElement: item id": ('"id": "tag:press.example,2022-10-28:release/1",', ""),
    "InvalidValue": ('"title": "Rubrik"', '"title": null'),
    "UndefinedElement": ('"title": "Nyheter"', '"titel": "x", "title": "Nyheter"'),
    "SelfDoesntMatchLocation": ("feed.json", "feed.js"),
    "InvalidRFC3339Date": ("2022-10-28T06:00:00+00:00", "2022-10-28"),
    "DuplicateEntries": ("2022-10-27:release/2", "2022-10-28:release/1"),
    "OutOfOrder": ('"date_published": "2022-10-27', '"date_published": "2022-10-29'),
    "ContainsRelRef": ('<a href=\\"https://press.example/sv/', '<a href=\\"/sv/'),
    "MissingAttribute": ('"mime_type": "image/jpeg",', ""),
    "InvalidPositiveInteger": ('"size_in_bytes": 9', '"size_in_bytes": 0'),
    "InvalidHub": ('"type": "WebSub",', ""),
    "NotJson": ('"items": [', '"items": [,'),
}


def cases(form: str, wrong: dict[str, tuple[str, str]]) -> list[object]:
    return [
        pytest.param(form, *change, name, id=f"{form}: {name}") for name, change in wrong.items()
    ]


@pytest.mark.parametrize(
    ("form", "right", "wrong", "name"),
    [*cases("rss", RSS), *cases("atom", ATOM), *cases("json", JSON)],
)
def test_what_is_wrong_is_found(form: str, right: str, wrong: str, name: str) -> None:
    text = FORMS[form].write(FEED).decode()
    assert right in text

    said = found(form, text.replace(right, wrong).encode())

    assert any(one.startswith(name) for one in said), said


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_that_is_served_as_something_else_is_found(form: str) -> None:
    served = "text/html; charset=utf-8" if form != "json" else "application/json"

    said = found(form, FORMS[form].write(FEED), served=served)

    assert [one for one in said if one.startswith("UnexpectedContentType")]


def test_a_media_group_of_one_is_found() -> None:
    text = FORMS["rss"].write(FEED).decode()
    start, end = text.index("<media:content"), text.index("</media:content>")
    grouped = f"{text[:start]}<media:group>{text[start:end]}</media:content></media:group>"

    said = found("rss", (grouped + text[end + len("</media:content>") :]).encode())

    assert "MediaGroupWithoutAlternatives" in said


def test_an_entry_without_a_word_is_found() -> None:
    text = FORMS["atom"].write(FEED).decode()
    wordless = re.sub(r"<(summary|content).*?</\1>", "", text, flags=re.DOTALL)

    assert "MissingTextualContent" in found("atom", wordless.encode())


def test_an_object_is_wanted_of_json() -> None:
    assert "NotAnObject" in found("json", json.dumps([]).encode())
