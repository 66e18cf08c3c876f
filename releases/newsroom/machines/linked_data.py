"""What search engines are told about a page, in the words of schema.org. Pure: facts in, data out.

Recommended and required properties are those of schema.org 29 and of Google's pages on articles,
datasets and breadcrumbs. Nothing is said that a reader of the page cannot see on it. A grant
programme is a FundingScheme, schema.org's only word for one; a quote is a Quotation that is part of
the article, its speaker a Person whom the article mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from app.core.formats import iso, postcode
from app.core.organisation import Organisation
from releases.editorial.models import Release
from releases.media.embedding import Picture
from releases.newsroom.corrections import Correction
from releases.newsroom.lists.filing import Filing, Named
from releases.newsroom.pages import Text, changed_at
from releases.newsroom.results import Results
from releases.review.quotes import Quote

Data = dict[str, Any]
CONTEXT = "https://schema.org"
LONGEST_HEADLINE = 110  # what Google shows; a longer one is said whole under `alternativeHeadline`
# `enhetschef på Sida`, `director at Sida`: what the speaker is, and where.
POSITION = re.compile(r"(.+?),? (?:på|vid|hos|at) (.+)")
OPEN_DATA = {"json": "application/json", "csv": "text/csv"}


@dataclass(frozen=True)
class Site:
    """Who speaks, and where: our own address without a slash at its end."""

    sender: Organisation
    base: str
    language: str

    def page(self, path: str = "") -> str:
        return f"{self.base}/{self.language}/{path}"

    @property
    def id(self) -> str:
        """What the organisation is known by on all pages, in both languages."""
        return f"{self.base}/#organisation"


def organization(site: Site) -> Data:
    """The sender with all that is known of it."""
    sender = site.sender
    address = {
        "@type": "PostalAddress",
        "streetAddress": sender.street,
        "postalCode": postcode(sender.postcode).replace("\u00a0", " "),
        "addressLocality": sender.town,
    }
    contact = {
        "@type": "ContactPoint",
        "contactType": "press",
        "email": sender.press_email,
        "telephone": sender.switchboard,
        "availableLanguage": ["sv", "en"],
    }
    return _said(
        {
            **_who(site),
            "alternateName": sender.short_name if sender.short_name != _who(site)["name"] else "",
            "description": sender.about(site.language),
            "telephone": sender.switchboard,
            "email": sender.press_email,
            "address": _said(address) if sender.street or sender.town else None,
            "contactPoint": _said(contact) if sender.press_email or sender.switchboard else None,
            "sameAs": [str(one.get("url") or "") for one in sender.social or []],
        }
    )


def page(thing: Data) -> Data:
    """A thing as the document that stands in a page's head."""
    return {"@context": CONTEXT, **thing}


def website(site: Site) -> Data:
    """The newsroom and its search."""
    return {
        "@type": "WebSite",
        "@id": f"{site.base}/#newsroom",
        "name": site.sender.name(site.language),
        "url": site.page(),
        "inLanguage": site.language,
        "publisher": _who(site),
        "potentialAction": {
            "@type": "SearchAction",
            "target": {
                "@type": "EntryPoint",
                "urlTemplate": f"{site.page('search')}?q={{search_term_string}}",
            },
            "query-input": "required name=search_term_string",
        },
    }


def breadcrumbs(*steps: tuple[str, str]) -> Data:
    """The way to a page as (name, address), the newsroom first and the page itself last."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": url}
            for place, (name, url) in enumerate(steps, start=1)
        ],
    }


def news_article(
    release: Release,
    *,
    text: Text,
    url: str,
    site: Site,
    told: Sequence[Correction] = (),
    quotes: Iterable[Quote] = (),
    filing: Filing | None = None,
    results: Results | None = None,
    translation: str | None = None,
) -> Data:
    """A public release. `translation` is the address of the same news in the other language."""
    assert release.published_at is not None  # only public releases come here
    zone, filed = site.sender.time_zone, filing or Filing()
    said = [one for one in quotes if one.words and one.speaker]
    speakers = {one.speaker: speaker(one) for one in said}
    named = [speakers[one] for one in dict.fromkeys(one.speaker for one in said if is_named(one))]
    title = _headline(text.title)
    return _said(
        {
            "@type": "NewsArticle",
            "@id": f"{url}#article",
            "headline": title,
            "alternativeHeadline": text.title if title != text.title else "",
            "description": text.summary,
            "url": url,
            "mainEntityOfPage": url,
            "inLanguage": release.language,
            "datePublished": iso(release.published_at, zone),
            "dateModified": iso(changed_at(release), zone),
            "isAccessibleForFree": True,
            "genre": "Press release",
            "image": [image(one, url=url) for one in text.pictures],
            "author": _who(site),
            "publisher": organization(site),
            "about": [
                *([programme(filed.programme)] if filed.programme else []),
                *({"@type": "Thing", "name": one.name, "url": one.url} for one in filed.topics),
            ],
            "mentions": [*named, *map(place, filed.places)],
            "hasPart": [
                {"@type": "Quotation", "text": one.words, "creator": speakers[one.speaker]}
                for one in said
            ],
            "isBasedOn": {"@id": f"{results.address}#dataset"} if results else None,
            "workTranslation": {"@id": f"{translation}#article"} if translation else None,
            "correction": [
                {"@type": "CorrectionComment", "text": one.note, "datePublished": iso(one.at, zone)}
                for one in told
            ],
        }
    )


def image(picture: Picture, *, url: str) -> Data:
    """A picture with what one may do with it, as Google's picture search reads licences."""
    where = urljoin(url, picture.src)
    return _said(
        {
            "@type": "ImageObject",
            "url": where,
            "contentUrl": urljoin(url, picture.download),
            "width": picture.full_width,
            "height": picture.full_height,
            "caption": picture.caption or picture.alt,
            "creditText": _taker(picture),
            "creator": {"@type": "Person", "name": _taker(picture).partition("/")[0]}
            if picture.credit
            else None,
            "copyrightNotice": _taker(picture),
            "license": picture.licence_url,
            "acquireLicensePage": f"{url}#pictures",
        }
    )


def speaker(quote: Quote) -> Data:
    """Who says a quote. What they are and where is taken from their title when it says both.

    Somebody who is not named, `generalsekreteraren på ICLD`, has a title alone.
    """
    title = quote.attribution.partition(",")[2].strip() if is_named(quote) else quote.attribution
    found = POSITION.fullmatch(title)
    job, where = (found[1], found[2]) if found else (title, "")
    if not found and ", " in title:
        job, _, where = title.rpartition(", ")
    affiliation = {"@type": "Organization", "name": where} if where else None
    return _said(
        {
            "@type": "Person",
            "name": quote.speaker if is_named(quote) else "",
            "jobTitle": job,
            "affiliation": affiliation,
        }
    )


def is_named(quote: Quote) -> bool:
    """Whether a quote says whose it is by name: names begin with a capital, titles do not."""
    return quote.speaker[:1].isupper()


def programme(named: Named) -> Data:
    return {"@type": "FundingScheme", "name": named.name, "url": named.url}


def place(named: Named) -> Data:
    """A municipality or a region, by the code that Statistics Sweden gives it."""
    return _said(
        {
            "@type": "AdministrativeArea",
            "name": named.name,
            "url": named.url,
            "identifier": named.key,
            "containedInPlace": {"@type": "Country", "name": "Sweden"},
        }
    )


def dataset(shown: Results, *, site: Site, description: str) -> Data:
    """A published round. Google wants 50 characters of description at least."""
    of, round_ = shown.edition, shown.edition.round
    distribution = [
        _download("CSV", "text/csv", f"{shown.address}/awards.csv"),
        _download(
            "Excel",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            f"{shown.address}/awards.xlsx",
        ),
        _download("JSON", "application/json", f"{site.base}/api/v1/rounds/{round_.id}/awards"),
    ]
    if round_.decided_on is not None:
        distribution += [
            _download(f"360Giving {form.upper()}", kind, f"{site.base}/360giving.{form}")
            for form, kind in OPEN_DATA.items()
        ]
    return _said(
        {
            "@type": "Dataset",
            "@id": f"{shown.address}#dataset",
            "name": shown.title,
            "description": description,
            "url": shown.address,
            "identifier": f"{site.base}/rounds/{round_.id}",
            "version": str(of.number),
            "inLanguage": round_.language,
            "dateModified": iso(of.changed_at, site.sender.time_zone),
            "datePublished": iso(round_.decided_on) if round_.decided_on else "",
            "isAccessibleForFree": True,
            "creator": organization(site),
            "publisher": _who(site),
            "variableMeasured": [*of.columns, "currency"],
            "distribution": distribution,
        }
    )


def _who(site: Site) -> Data:
    sender = site.sender
    return _said(
        {
            "@type": "Organization",
            "@id": site.id,
            "name": sender.name(site.language),
            "url": sender.site or f"{site.base}/",
            "logo": {
                "@type": "ImageObject",
                "url": f"{site.base}/logo",
                "width": sender.logo_width,
                "height": sender.logo_height,
            }
            if sender.logo_key
            else None,
        }
    )


def _headline(title: str) -> str:
    if len(title) <= LONGEST_HEADLINE:
        return title
    return f"{title[: LONGEST_HEADLINE - 2].rsplit(' ', 1)[0].rstrip(' ,.;:–—')} …"


def _taker(picture: Picture) -> str:
    """`Foto: Anna Larsson/TT` without the word before the name."""
    return picture.credit.partition(": ")[2] or picture.credit


def _download(name: str, kind: str, url: str) -> Data:
    return {"@type": "DataDownload", "name": name, "encodingFormat": kind, "contentUrl": url}


def _said(thing: Data) -> Data:
    """Without what is empty: nothing is said about what nobody knows."""
    return {name: value for name, value in thing.items() if value not in ("", None, [], {}, 0)}
