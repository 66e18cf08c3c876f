"""A release as ninjs, the IPTC's News in JSON, for the systems of newsrooms. Pure.

Version 2.1 of the standard: its names are fixed, so that typed systems can read it, and versions
2.2 and later only add to it. A release that was taken back is `canceled` and keeps no words; a
correction stands in `ednote`, which editors read before they publish.
https://iptc.org/std/ninjs/ninjs-schema_2.1.json
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import html
from app.core.formats import iso
from app.core.organisation import Organisation
from app.core.words import translate
from releases.editorial.models import Release
from releases.media.embedding import Picture
from releases.newsroom.corrections import Correction
from releases.newsroom.feeds.items import absolute, without_figures
from releases.newsroom.lists.filing import Filing, Named
from releases.newsroom.machines.linked_data import is_named
from releases.newsroom.pages import Text, changed_at
from releases.review.quotes import Quote

VERSION = "2.1"
STANDARD = {
    "name": "ninjs",
    "version": VERSION,
    "schema": f"http://www.iptc.org/std/ninjs/ninjs-schema_{VERSION}.json",
}
Document = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """A public release. `uri` is what it is known by for good, whatever its address.

    `text` has whole addresses; `types` are the media types of its pictures in high resolution.
    """

    release: Release
    uri: str
    url: str
    text: Text
    version: int
    sender: Organisation
    filing: Filing
    quotes: Sequence[Quote] = ()
    told: Sequence[Correction] = ()
    types: Sequence[str] = ()


def usable(item: Item) -> Document:
    """The release with all its words, pictures and documents."""
    release, text, sender = item.release, item.text, item.sender
    assert release.published_at is not None
    language, zone = release.language, sender.time_zone
    name, words = sender.name(language), html.plain(str(text.body))
    body = absolute(without_figures(str(text.body)), url=item.url)
    return _said(
        {
            "uri": item.uri,
            "standard": STANDARD,
            "type": "text",
            "representationtype": "full",
            "profile": "press-release",
            "version": str(item.version),
            "firstcreated": iso(release.published_at, zone),
            "contentcreated": iso(release.published_at, zone),
            "versioncreated": iso(changed_at(release), zone),
            "pubstatus": "usable",
            "language": language,
            "title": text.title,
            "slugline": release.slug,
            "by": name,
            "located": sender.town,
            "copyrightholder": name,
            "usageterms": translate("machines.usage_terms", language, sender=name),
            "ednote": "\n".join(f"{one.label}: {one.note}" for one in item.told),
            "genres": [{"name": "Press release", "literal": "press-release"}],
            "headlines": [
                {"role": "main", "contenttype": "text/plain", "value": text.title},
            ],
            "descriptions": [
                {"role": "lead", "contenttype": "text/plain", "value": html.plain(text.lead)}
            ]
            if text.lead
            else [],
            "bodies": [
                _body("html", "text/html", body, words),
                _body("plain", "text/plain", words, words),
            ],
            "people": [
                {"name": one, "rel": "speaker"}
                for one in dict.fromkeys(quote.speaker for quote in item.quotes if is_named(quote))
            ],
            "organisations": [_sender(sender, name)],
            "places": [_concept(one) for one in item.filing.places],
            "subjects": [
                _concept(one) for one in (item.filing.programme, *item.filing.topics) if one
            ],
            "infosources": [_contact(one) for one in text.contacts],
            "associations": [
                *(
                    _picture(one, f"picture-{place}", kind)
                    for place, (one, kind) in enumerate(
                        zip(text.pictures, item.types, strict=True), start=1
                    )
                ),
                *(
                    {
                        "name": f"document-{place}",
                        "uri": one.address,
                        "type": "component",
                        "title": one.title,
                        "renditions": [{"name": "original", "href": one.address}],
                    }
                    for place, one in enumerate(text.documents, start=1)
                ),
            ],
            "renditions": [{"name": "page", "href": item.url, "contenttype": "text/html"}],
            "altids": [{"role": "url", "value": item.url}],
        }
    )


def canceled(release: Release, *, uri: str, url: str, zone: str) -> Document:
    """What is left of a release that was taken back: that, when and why."""
    return _said(
        {
            "uri": uri,
            "standard": STANDARD,
            "type": "text",
            "representationtype": "partial",
            "versioncreated": iso(changed_at(release), zone),
            "pubstatus": "canceled",
            "language": release.language,
            "ednote": release.withdrawn_reason,
            "altids": [{"role": "url", "value": url}],
        }
    )


def _body(role: str, kind: str, value: str, words: str) -> Document:
    return {
        "role": role,
        "contenttype": kind,
        "charcount": len(words),
        "wordcount": len(words.split()),
        "value": value,
    }


def _sender(sender: Organisation, name: str) -> Document:
    ways = [
        ("phone", sender.switchboard),
        ("email", sender.press_email),
        ("web", sender.site),
    ]
    address = {
        "lines": [sender.street] if sender.street else [],
        "postalcode": sender.postcode,
        "locality": sender.town,
    }
    found: list[Document] = [
        {"type": kind, "role": "press", "value": value} for kind, value in ways if value
    ]
    if sender.street or sender.town:
        found.append({"type": "address", "role": "office", "address": _said(address)})
    return _said({"name": name, "rel": "issuer", "uri": sender.site, "contactinfo": found})


def _contact(contact: dict[str, str]) -> Document:
    ways = [{"type": kind, "value": contact[kind]} for kind in ("phone", "email") if contact[kind]]
    name = ", ".join(contact[part] for part in ("name", "title") if contact[part])
    return _said({"name": name, "literal": "press-contact", "contactinfo": ways})


def _concept(named: Named) -> Document:
    return {"name": named.name, "rel": "about", "uri": named.url, "literal": named.key}


def _picture(picture: Picture, name: str, kind: str) -> Document:
    words: Iterable[tuple[str, str]] = (("caption", picture.caption), ("alttext", picture.alt))
    return _said(
        {
            "name": name,
            "uri": picture.download,
            "type": "picture",
            "representationtype": "full",
            "by": picture.credit.partition(": ")[2] or picture.credit,
            "usageterms": picture.terms,
            "rightsinfo": {"linkedrights": picture.licence_url} if picture.licence_url else None,
            "descriptions": [{"role": role, "value": said} for role, said in words if said],
            "renditions": [
                {
                    "name": "web",
                    "href": picture.src,
                    "contenttype": "image/jpeg",
                    "width": picture.width,
                    "height": picture.height,
                },
                {
                    "name": "high",
                    "href": picture.download,
                    "contenttype": kind,
                    "width": picture.full_width,
                    "height": picture.full_height,
                },
            ],
        }
    )


def _said(document: Document) -> Document:
    """Without what is empty."""
    return {name: value for name, value in document.items() if value not in ("", None, [], {})}
