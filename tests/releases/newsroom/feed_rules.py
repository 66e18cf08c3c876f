"""What feed validators object to, errors and warnings alike, as a checker of our own.

For RSS and Atom these are the rules of the W3C Feed Validation Service, named as it names them (its
page about each is `docs/error/<Name>.html` or `docs/warning/<Name>.html`); for JSON Feed those of
the specification, jsonfeed.org/version/1.1, under names of the same kind. HTML in texts is read by
the parser that the service uses, strictly; it comes with bleach.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from bleach._vendor import html5lib
from bleach._vendor.html5lib.html5parser import ParseError

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
MEDIA = "{http://search.yahoo.com/mrss/}"
XML = "{http://www.w3.org/XML/1998/namespace}"
KNOWN = {
    "http://www.w3.org/2005/Atom": "atom",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/syndication/history/1.0": "fh",
    "http://search.yahoo.com/mrss/": "media",
    "http://www.w3.org/XML/1998/namespace": "xml",
}
SERVED_AS = {"rss": "application/rss+xml", "feed": "application/atom+xml"}

ANYWHERE = {f"{MEDIA}{name}" for name in ("content", "group", "thumbnail", "credit", "description")}
CHILDREN = {
    "rss": {"channel"},
    "channel": {
        *("title", "link", "description", "language", "copyright", "lastBuildDate", "pubDate"),
        *("docs", "ttl", "image", "generator", "category", "managingEditor", "webMaster", "item"),
        *(f"{ATOM}link", f"{HISTORY}archive", f"{HISTORY}complete", f"{DC}creator"),
    },
    "image": {"url", "title", "link", "width", "height", "description"},
    "item": {
        *("title", "link", "guid", "pubDate", "description", "category", "enclosure", "author"),
        *("comments", "source", f"{CONTENT}encoded", f"{DC}creator", f"{ATOM}updated"),
        *(f"{ATOM}link", *ANYWHERE),
    },
    f"{ATOM}feed": {
        *(f"{ATOM}{name}" for name in ("id", "title", "subtitle", "updated", "author", "rights")),
        *(f"{ATOM}{name}" for name in ("logo", "icon", "link", "entry", "generator", "category")),
        *(f"{HISTORY}archive", f"{HISTORY}complete"),
    },
    f"{ATOM}author": {f"{ATOM}name", f"{ATOM}uri", f"{ATOM}email"},
    f"{ATOM}entry": {
        *(f"{ATOM}{name}" for name in ("id", "title", "published", "updated", "link", "category")),
        *(f"{ATOM}{name}" for name in ("summary", "content", "author", "rights", "source")),
        *ANYWHERE,
    },
    f"{MEDIA}content": ANYWHERE,
    f"{MEDIA}group": ANYWHERE,
}
ATTRIBUTES = {
    "rss": {"version"},
    "guid": {"isPermaLink"},
    "category": {"domain"},
    "enclosure": {"url", "length", "type"},
    f"{ATOM}link": {"href", "rel", "type", "hreflang", "title", "length"},
    f"{ATOM}category": {"term", "label", "scheme"},
    f"{ATOM}content": {"type", "src"},
    f"{ATOM}title": {"type"},
    f"{ATOM}subtitle": {"type"},
    f"{ATOM}summary": {"type"},
    f"{ATOM}rights": {"type"},
    f"{MEDIA}content": {
        "url",
        "type",
        "medium",
        "width",
        "height",
        "fileSize",
        "lang",
        "isDefault",
    },
    f"{MEDIA}thumbnail": {"url", "width", "height", "time"},
    f"{MEDIA}credit": {"role", "scheme"},
    f"{MEDIA}description": {"type"},
}
MANY = {
    *("item", "category", f"{ATOM}link", f"{ATOM}entry", f"{ATOM}category", f"{ATOM}author"),
    *(f"{MEDIA}content", f"{MEDIA}group", f"{MEDIA}thumbnail", f"{MEDIA}credit", f"{DC}creator"),
}
RELATIONS = {
    *("alternate", "current", "enclosure", "first", "hub", "last", "next", "next-archive"),
    *("prev-archive", "previous", "related", "replies", "search", "self", "via"),
}
PAGED = {"current", "first", "last", "next", "next-archive", "prev-archive", "previous"}
URI = re.compile(r"[a-zA-Z][0-9a-zA-Z+.-]*:(//)?[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#]+")
TAG = re.compile(
    r"tag:([a-z0-9\-._]+?@)?[a-z0-9.\-]+?,\d{4}(-\d{2}(-\d{2})?)?:[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,]*"
)
UUID = re.compile(r"urn:uuid:[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}")
FILE = re.compile(
    r"https?://((\d{1,3}\.){3}|([A-Za-z0-9-]+\.)+)[A-Za-z0-9][-A-Za-z0-9]*(:\d+)?(/.*)?"
)
MIME = re.compile(r"[^\s()<>,;:\\\"/[\]?=]+/[^\s()<>,;:\\\"/[\]?=]+")
RFC822 = re.compile(
    r"((Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d\d? "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d(:\d\d)? "
    r"([+-]\d\d[03]0|GMT|UT|Z)"
)
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
TAGS = "a|b|blockquote|br|div|em|h[1-6]|i|img|li|ol|p|script|span|strong|style|table|td|tr|u|ul"
SAFE = {
    *("a", "abbr", "aside", "b", "blockquote", "br", "caption", "em", "figcaption", "figure"),
    *("footer", "h2", "h3", "h4", "i", "img", "li", "ol", "p", "span", "strong", "table", "tbody"),
    *("td", "th", "thead", "tr", "ul"),
}
SAFE_ATTRIBUTES = {"alt", "class", "height", "href", "lang", "loading", "scope", "src", "width"}
BAD = re.compile("[\u0080-\u009f\ufffd]")


def problems(content: bytes, *, content_type: str, address: str) -> list[str]:
    """Every objection to a document served so, as `Name: where`; empty when it is valid."""
    if content_type.partition(";")[0].endswith("json"):
        return sorted(set(_json(content, content_type=content_type, address=address)))
    return sorted(set(_xml(content, content_type=content_type, address=address)))


def _xml(content: bytes, *, content_type: str, address: str) -> Iterator[str]:
    if content[:1].isspace():
        yield "WPBlankLine"
    prefixes = []
    try:
        events = ET.iterparse(BytesIO(content), events=("start-ns", "end"))
        prefixes = [one for event, one in events if event == "start-ns"]
        root = events.root
    except ET.ParseError as error:
        yield f"SAXError: {error}"
        return
    name = root.tag.removeprefix(ATOM)
    if name not in SERVED_AS:
        yield f"UndefinedElement: {root.tag}"
        return
    served, _, charset = content_type.partition("; charset=")
    if served != SERVED_AS[name]:
        yield f"UnexpectedContentType: {served}"
    if charset.lower() != "utf-8" or b'encoding="utf-8"' not in content[:60].lower().replace(
        b"'", b'"'
    ):
        yield "EncodingMismatch"
    yield from _namespaces(prefixes, is_atom=name == "feed")
    yield from _shape(root)
    escaped = {line for line in content.decode().splitlines() if "&#x" in line}
    yield from _atom(root, address, escaped) if name == "feed" else _rss(root, address, escaped)
    yield from _media(root)


def _namespaces(prefixes: Sequence[tuple[str, str]], *, is_atom: bool) -> Iterator[str]:
    for prefix, uri in prefixes:
        if uri not in KNOWN:
            yield f"UnknownNamespace: {uri}"
        elif prefix and KNOWN[uri] != prefix:
            yield f"NonstdPrefix: {prefix}"
        if is_atom and prefix in ("atom", "xhtml"):
            yield f"AvoidNamespacePrefix: {prefix}"


def _shape(parent: ET.Element) -> Iterator[str]:
    """Elements where they do not belong, more of them than there may be, stray attributes.

    What stands in a namespace that the service does not know it lets be.
    """
    if not _is_known(parent.tag):
        return
    allowed = CHILDREN.get(parent.tag, set())
    for tag, count in Counter(child.tag for child in parent if _is_known(child.tag)).items():
        if tag not in allowed:
            yield f"UndefinedElement: {parent.tag} has {tag}"
        if count > 1 and tag not in MANY:
            yield "DuplicateEnclosure" if tag == "enclosure" else f"DuplicateElement: {tag}"
    for name, value in parent.attrib.items():
        if name not in ATTRIBUTES.get(parent.tag, set()) and not name.startswith(XML):
            yield f"UnexpectedAttribute: {name} on {parent.tag}"
        if BAD.search(value):
            yield f"BadCharacters: {parent.tag}"
    if BAD.search(parent.text or ""):
        yield f"BadCharacters: {parent.tag}"
    for child in parent:
        yield from _shape(child)


def _is_known(tag: str) -> bool:
    return not tag.startswith("{") or tag[1:].partition("}")[0] in KNOWN


def _rss(root: ET.Element, address: str, escaped: set[str]) -> Iterator[str]:
    if root.get("version") != "2.0":
        yield "InvalidRSSVersion"
    channel = root.find("channel")
    if channel is None:
        yield "MissingElement: channel"
        return
    for name in ("title", "link", "description"):
        if channel.find(name) is None:
            yield f"Missing{name.capitalize()}"
    for name in ("title", "description", "copyright"):
        yield from _plain(channel.findtext(name), f"channel {name}", escaped)
    yield from _full_link(channel.findtext("link"), "channel link")
    yield from _full_link(channel.findtext("docs", "https://x.example/"), "docs")
    language = channel.findtext("language") or root.get(f"{XML}lang") or ""
    if not re.fullmatch(r"[a-z]{2}(-[a-z]{2})?", language):
        yield f"InvalidLanguage: {language}"
    if (ttl := channel.findtext("ttl")) is not None and not (ttl.isdigit() and int(ttl) > 0):
        yield "InvalidPositiveInteger: ttl"
    for name in ("lastBuildDate", "pubDate"):
        if (moment := channel.findtext(name)) is not None:
            yield from _rfc822(moment, name)
    items = channel.findall("item")
    if items and channel.find("lastBuildDate") is None:
        yield "MissingLastBuildDate"
    yield from _self(channel.findall(f"{ATOM}link"), address)
    yield from _links(channel.findall(f"{ATOM}link"), in_entry=False)
    yield from _archive(channel)
    seen_item = False
    for child in channel:
        if child.tag == "item":
            seen_item = True
        elif seen_item and not child.tag.startswith("{"):
            yield f"MisplacedItem: before {child.tag}"
    if (image := channel.find("image")) is not None:
        yield from _image(image, channel)
    for item in items:
        yield from _item(item, escaped)
    guids = [item.findtext("guid", "") for item in items]
    yield from (f"DuplicateValue: {one}" for one, n in Counter(guids).items() if one and n > 1)
    dates = [one for item in items if (one := _moment(item.findtext("pubDate")))]
    if dates != sorted(dates, reverse=True):
        yield "OutOfOrder"


def _image(image: ET.Element, channel: ET.Element) -> Iterator[str]:
    for name in ("title", "url", "link"):
        if not (image.findtext(name) or "").strip():
            yield f"MissingElement: image {name}"
    if image.findtext("title") != channel.findtext("title"):
        yield "ImageTitleDoesntMatch"
    if image.findtext("link") != channel.findtext("link"):
        yield "ImageLinkDoesntMatch"
    extension = (image.findtext("url") or "").rpartition(".")[2]
    if re.fullmatch(r"\w+", extension) and extension not in ("jpg", "jpeg", "gif", "png"):
        yield "ImageUrlFormat"
    for name, most in (("width", 144), ("height", 400)):
        size = image.findtext(name)
        if size is not None and not (size.isdigit() and 0 < int(size) <= most):
            yield f"Invalid{name.capitalize()}"


def _item(item: ET.Element, escaped: set[str]) -> Iterator[str]:
    title, text = item.findtext("title"), item.findtext("description")
    if title is None and text is None:
        yield "ItemMustContainTitleOrDescription"
    if title is not None and not title.strip():
        yield "NotBlank: item title"
    yield from _plain(title, "item title", escaped)
    yield from _full_link(item.findtext("link"), "item link")
    guid = item.find("guid")
    if guid is None or not guid.text:
        yield "MissingGuid"
    elif guid.get("isPermaLink", "true") == "true":
        if guid.text.startswith(("tag:", "urn:")) or not URI.fullmatch(guid.text):
            yield f"InvalidPermalink: {guid.text}"
    elif guid.get("isPermaLink") != "false":
        yield "InvalidBooleanAttribute: isPermaLink"
    elif len(guid.text) < 9:
        yield "NotSufficientlyUnique"
    elif guid.text.startswith("tag:") and not TAG.fullmatch(guid.text):
        yield f"InvalidTAG: {guid.text}"
    if (moment := item.findtext("pubDate")) is None:
        yield "MissingPubDate"
    else:
        yield from _rfc822(moment, "pubDate")
    if (updated := item.findtext(f"{ATOM}updated")) is not None:
        yield from _rfc3339(updated, "atom:updated")
    names = [child.tag for child in item]
    if f"{CONTENT}encoded" in names and (
        "description" not in names or names.index("description") > names.index(f"{CONTENT}encoded")
    ):
        yield "NeedDescriptionBeforeContent"
    for name in ("description", f"{CONTENT}encoded"):
        yield from _html(item.findtext(name), name)
    if item.find("author") is not None and item.find(f"{DC}creator") is not None:
        yield "DuplicateItemSemantics: author"
    if (author := item.findtext("author")) is not None and not re.fullmatch(
        r"\S+@\S+\.\S+ \(.+\)", author
    ):
        yield f"InvalidContact: {author}"
    for category in item.findall("category"):
        if not (category.text or "").strip():
            yield "NotBlank: category"
        yield from _plain(category.text, "category", escaped)
    for enclosure in item.findall("enclosure"):
        for name in ("url", "length", "type"):
            if enclosure.get(name) is None:
                yield f"MissingAttribute: enclosure {name}"
        if not FILE.fullmatch(enclosure.get("url", "")):
            yield f"InvalidURLAttribute: {enclosure.get('url')}"
        if not enclosure.get("length", "0").isdigit():
            yield "InvalidIntegerAttribute: length"
        if not MIME.fullmatch(enclosure.get("type", "a/b")):
            yield "InvalidMIMEAttribute: enclosure"


def _atom(feed: ET.Element, address: str, escaped: set[str]) -> Iterator[str]:
    for name in ("id", "title", "updated"):
        if feed.find(f"{ATOM}{name}") is None:
            yield f"MissingElement: feed {name}"
    yield from _id(feed.findtext(f"{ATOM}id"), "feed id")
    yield from _rfc3339(feed.findtext(f"{ATOM}updated"), "feed updated")
    for name in ("title", "subtitle", "rights"):
        yield from _text(feed.find(f"{ATOM}{name}"), f"feed {name}", escaped)
    if not feed.get(f"{XML}lang"):
        yield "MissingDCLanguage"
    links, entries = feed.findall(f"{ATOM}link"), feed.findall(f"{ATOM}entry")
    yield from _self(links, address)
    yield from _links(links, in_entry=False)
    kinds = Counter((one.get("rel"), one.get("type"), one.get("hreflang")) for one in links)
    yield from (f"DuplicateAtomLink: {kind}" for kind, count in kinds.items() if count > 1)
    yield from _archive(feed)
    seen_entry = False
    for child in feed:
        seen_entry = seen_entry or child.tag == f"{ATOM}entry"
        if seen_entry and child.tag.startswith(ATOM) and child.tag != f"{ATOM}entry":
            yield f"MisplacedMetadata: {child.tag}"
    author = feed.find(f"{ATOM}author")
    if author is None and (
        not entries or any(one.find(f"{ATOM}author") is None for one in entries)
    ):
        yield "MissingElement: author"
    if author is not None:
        if not (author.findtext(f"{ATOM}name") or "").strip():
            yield "MissingElement: author name"
        if (uri := author.findtext(f"{ATOM}uri")) is not None:
            yield from _full_link(uri, "author uri")
    for entry in entries:
        yield from _entry(entry, escaped)
    ids = Counter(entry.findtext(f"{ATOM}id") for entry in entries)
    yield from (f"DuplicateEntries: {one}" for one, count in ids.items() if count > 1)
    times = Counter(entry.findtext(f"{ATOM}updated") for entry in entries)
    yield from (f"DuplicateUpdated: {one}" for one, count in times.items() if count > 1)
    dates = [one for entry in entries if (one := _moment(entry.findtext(f"{ATOM}published")))]
    if dates != sorted(dates, reverse=True):
        yield "OutOfOrder"


def _entry(entry: ET.Element, escaped: set[str]) -> Iterator[str]:
    for name in ("id", "title", "updated"):
        if entry.find(f"{ATOM}{name}") is None:
            yield f"MissingElement: entry {name}"
    yield from _id(entry.findtext(f"{ATOM}id"), "entry id")
    for name in ("updated", "published"):
        if (moment := entry.findtext(f"{ATOM}{name}")) is not None:
            yield from _rfc3339(moment, name)
    for name in ("title", "summary", "rights"):
        yield from _text(entry.find(f"{ATOM}{name}"), f"entry {name}", escaped)
    links = entry.findall(f"{ATOM}link")
    yield from _links(links, in_entry=True)
    pages = [one for one in links if one.get("rel", "alternate") == "alternate"]
    if entry.find(f"{ATOM}content") is None:
        if entry.find(f"{ATOM}summary") is None:
            yield "MissingTextualContent"
        if not pages:
            yield "MissingContentOrAlternate"
    kinds = Counter((one.get("type"), one.get("hreflang")) for one in pages)
    yield from (f"DuplicateAtomLink: {kind}" for kind, count in kinds.items() if count > 1)
    if (content := entry.find(f"{ATOM}content")) is not None:
        if content.get("type") != "html":
            yield f"InvalidMIMEType: {content.get('type')}"
        yield from _html(content.text, "content")
    for category in entry.findall(f"{ATOM}category"):
        if not category.get("term"):
            yield "MissingAttribute: category term"
        if "scheme" in category.attrib:
            yield from _full_link(category.get("scheme"), "category scheme")


def _text(element: ET.Element | None, where: str, escaped: set[str]) -> Iterator[str]:
    if element is None:
        return
    if not (element.text or "").strip():
        yield f"NotBlank: {where}"
    if element.get("type", "text") == "html":
        yield from _html(element.text, where)
    elif element.get("type", "text") != "text":
        yield f"InvalidTextType: {where}"
    else:
        yield from _plain(element.text, where, escaped)


def _self(links: Sequence[ET.Element], address: str) -> Iterator[str]:
    own = [one for one in links if one.get("rel") == "self"]
    if not own:
        yield "MissingSelf"
    for one in own:
        if not urlsplit(one.get("href", "")).netloc:
            yield "RelativeSelf"
        elif one.get("href") != address:
            yield f"SelfDoesntMatchLocation: {one.get('href')}"
        if one.get("type", "application/atom+xml") not in SERVED_AS.values():
            yield "SelfNotAtom"


def _links(links: Sequence[ET.Element], *, in_entry: bool) -> Iterator[str]:
    for one in links:
        relation = one.get("rel", "alternate")
        if relation not in RELATIONS and not URI.fullmatch(relation):
            yield f"UnregisteredAtomLinkRel: {relation}"
        if in_entry and relation in PAGED:
            yield f"FeedHistoryRelInEntry: {relation}"
        if (one.text or "").strip():
            yield "AtomLinkNotEmpty"
        if "href" not in one.attrib:
            yield f"MissingHref: {relation}"
        elif not URI.fullmatch(one.get("href", "")):
            yield f"InvalidLink: {one.get('href')}"
        if "type" in one.attrib and not MIME.fullmatch(one.get("type", "")):
            yield f"InvalidMIMEType: {relation}"
        if "length" in one.attrib and not one.get("length", "").isdigit():
            yield "InvalidNonNegativeInteger: length"
        if "hreflang" in one.attrib and not re.fullmatch(r"[a-z]{2}", one.get("hreflang", "")):
            yield "InvalidLanguage: hreflang"
        if "title" in one.attrib:
            if not one.get("title"):
                yield "AttrNotBlank: title"
            yield from _plain(one.get("title"), "link title", set())


def _archive(top: ET.Element) -> Iterator[str]:
    if top.find(f"{HISTORY}archive") is None:
        return
    relations = {one.get("rel") for one in top.findall(f"{ATOM}link")}
    if "current" not in relations:
        yield "MissingCurrentInArchive"
    if top.find(f"{HISTORY}complete") is not None:
        yield "FeedRelInCompleteFeed"


def _media(root: ET.Element) -> Iterator[str]:
    for group in root.iter(f"{MEDIA}group"):
        if len(group.findall(f"{MEDIA}content")) < 2:
            yield "MediaGroupWithoutAlternatives"
    for one in root.iter(f"{MEDIA}content"):
        yield from _full_link(one.get("url"), "media:content")
        yield from _sizes(one, ("width", "height", "fileSize"))
        if one.get("medium") not in (None, "image", "audio", "video", "document", "executable"):
            yield f"InvalidMediaMedium: {one.get('medium')}"
        if not MIME.fullmatch(one.get("type", "a/b")):
            yield "InvalidMIMEAttribute: media:content"
    for one in root.iter(f"{MEDIA}thumbnail"):
        yield from _full_link(one.get("url"), "media:thumbnail")
        yield from _sizes(one, ("width", "height"))
    for one in root.iter(f"{MEDIA}credit"):
        if one.get("scheme", "urn:ebu") != "urn:ebu" or one.get("role") != "photographer":
            yield f"InvalidCreditRole: {one.get('role')}"
        if not (one.text or "").strip():
            yield "NotBlank: media:credit"
    for one in root.iter(f"{MEDIA}description"):
        if one.get("type", "plain") not in ("plain", "html"):
            yield "InvalidMediaTextType"


def _sizes(element: ET.Element, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        size = element.get(name, "1")
        if not (size.isdigit() and int(size) > 0):
            yield f"InvalidPositiveInteger: {name}"


def _plain(text: str | None, where: str, escaped: set[str]) -> Iterator[str]:
    """Plain text that looks like HTML, unless it is written with hexadecimal references."""
    if text is None:
        return
    if re.search(rf"</({TAGS})>", text, re.IGNORECASE):
        yield f"ContainsHTML: {where}"
    elif re.search(r"&(#\w+|amp|lt|gt|quot|nbsp|apos)|<[/a-zA-Z]", text):
        hexed = text.replace("&", "&#x26;").replace("<", "&#x3C;").replace(">", "&gt;")
        if not any(hexed in line for line in escaped):
            yield f"CharacterData: {where}"


def _html(text: str | None, where: str) -> Iterator[str]:
    if text is None:
        return
    try:
        tree = html5lib.HTMLParser(strict=True).parseFragment(text)
    except ParseError as error:
        yield f"NotHtml: {where}: {error}"
        return
    for element in tree.iter():
        if not isinstance(element.tag, str) or element.tag == "DOCUMENT_FRAGMENT":
            continue
        tag = element.tag.rpartition("}")[2]
        if tag not in SAFE:
            yield f"SecurityRisk: {where} has {tag}"
        for name, value in element.attrib.items():
            if name not in SAFE_ATTRIBUTES:
                yield f"SecurityRiskAttr: {where} has {name}"
            if name in ("href", "src") and not re.match(r"\w+:", value):
                yield f"ContainsRelRef: {where}: {value}"


def _full_link(text: str | None, where: str) -> Iterator[str]:
    if text is not None and not URI.fullmatch(text):
        yield f"InvalidFullLink: {where}: {text}"


def _id(text: str | None, where: str) -> Iterator[str]:
    if text is None:
        return
    if text != text.strip():
        yield f"UnexpectedWhitespace: {where}"
    if text.startswith("tag:") and not TAG.fullmatch(text):
        yield f"InvalidTAG: {text}"
    elif text.startswith("urn:") and not UUID.fullmatch(text):
        yield f"InvalidURN: {text}"
    elif not URI.fullmatch(text):
        yield f"InvalidFullLink: {where}: {text}"


def _rfc822(text: str, where: str) -> Iterator[str]:
    if not RFC822.fullmatch(text):
        yield f"InvalidRFC2822Date: {where}: {text}"
        return
    moment = parsedate_to_datetime(text)
    if "," in text and f"{moment:%a}" != text[:3]:
        yield f"IncorrectDOW: {text}"
    yield from _plausible(moment, where)


def _rfc3339(text: str | None, where: str) -> Iterator[str]:
    if text is None:
        return
    if not RFC3339.fullmatch(text):
        yield f"InvalidRFC3339Date: {where}: {text}"
        return
    yield from _plausible(datetime.fromisoformat(text), where)


def _plausible(moment: datetime, where: str) -> Iterator[str]:
    if moment.year < 1990 or moment > datetime.now(UTC) + timedelta(minutes=10):
        yield f"ImplausibleDate: {where}: {moment}"


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    if RFC822.fullmatch(text):
        return parsedate_to_datetime(text)
    return datetime.fromisoformat(text) if RFC3339.fullmatch(text) else None


TEXT: Callable[[object], bool] = lambda value: isinstance(value, str) and bool(value)  # noqa: E731
JSON_FEED = {
    "version": TEXT,
    "title": TEXT,
    "home_page_url": TEXT,
    "feed_url": TEXT,
    "description": TEXT,
    "icon": TEXT,
    "authors": lambda value: isinstance(value, list) and bool(value),
    "language": TEXT,
    "hubs": lambda value: isinstance(value, list),
    "items": lambda value: isinstance(value, list),
}
JSON_ITEM = {
    "id": TEXT,
    "url": TEXT,
    "title": TEXT,
    "content_html": lambda value: isinstance(value, str),
    "summary": TEXT,
    "image": TEXT,
    "date_published": TEXT,
    "date_modified": TEXT,
    "authors": lambda value: isinstance(value, list) and bool(value),
    "tags": lambda value: isinstance(value, list) and all(map(TEXT, value)),
    "language": TEXT,
    "attachments": lambda value: isinstance(value, list) and bool(value),
}


def _json(content: bytes, *, content_type: str, address: str) -> Iterator[str]:
    try:
        feed = json.loads(content.decode())
    except ValueError as error:
        yield f"NotJson: {error}"
        return
    if content_type != "application/feed+json; charset=utf-8":
        yield f"UnexpectedContentType: {content_type}"
    if not isinstance(feed, dict):
        yield "NotAnObject"
        return
    yield from _members(feed, JSON_FEED, needed=("version", "title", "items"), where="feed")
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield f"ObsoleteVersion: {feed.get('version')}"
    if feed.get("feed_url") != address:
        yield f"SelfDoesntMatchLocation: {feed.get('feed_url')}"
    yield from _full_link(feed.get("home_page_url", ""), "home_page_url")
    for hub in feed.get("hubs", []):
        if set(hub) != {"type", "url"}:
            yield "InvalidHub"
    yield from _authors(feed.get("authors", []), "feed")
    items = feed.get("items") or []
    for item in items:
        yield from _members(item, JSON_ITEM, needed=("id", "content_html"), where="item")
        yield from _authors(item.get("authors", []), "item")
        yield from _id(item.get("id"), "item id")
        for name in ("url", "image"):
            yield from _full_link(item.get(name), name)
        for name in ("date_published", "date_modified"):
            yield from _rfc3339(item.get(name), name)
        yield from _html(item.get("content_html"), "content_html")
        for one in item.get("attachments", []):
            if not {"url", "mime_type"} <= set(one):
                yield "MissingAttribute: attachment"
            yield from _full_link(one.get("url"), "attachment")
            if not MIME.fullmatch(one.get("mime_type", "a/b")):
                yield "InvalidMIMEType: attachment"
            if not (isinstance(one.get("size_in_bytes", 1), int) and one.get("size_in_bytes", 1)):
                yield "InvalidPositiveInteger: size_in_bytes"
    ids = Counter(item.get("id") for item in items)
    yield from (f"DuplicateEntries: {one}" for one, count in ids.items() if count > 1)
    dates = [one for item in items if (one := _moment(item.get("date_published")))]
    if dates != sorted(dates, reverse=True):
        yield "OutOfOrder"


def _members(
    found: dict[str, Any],
    known: dict[str, Callable[[Any], bool]],
    *,
    needed: Sequence[str],
    where: str,
) -> Iterator[str]:
    for name in needed:
        if name not in found:
            yield f"MissingElement: {where} {name}"
    for name, value in found.items():
        if name not in known and not name.startswith("_"):
            yield f"UndefinedElement: {where} {name}"
        elif name in known and not known[name](value):
            yield f"InvalidValue: {where} {name}"


def _authors(found: Sequence[dict[str, Any]], where: str) -> Iterator[str]:
    for one in found:
        if not {"name", "url", "avatar"} & set(one):
            yield f"MissingElement: {where} author"
        if "url" in one:
            yield from _full_link(one["url"], "author url")
