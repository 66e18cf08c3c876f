"""What the newsroom holds as JSON documents, for programs: the shapes of our own API.

Only what visitors may read goes in. Amounts are decimal text, since JSON's numbers hold large ones
only nearly; moments are in UTC. Every shape is written down in `open_api`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.core import html
from app.core.organisation import Organisation
from app.core.words import LANGUAGES, translate
from releases.editorial.binding import bound_in
from releases.editorial.models import Publication, Release, Revision
from releases.media.embedding import addresses_under, paper_of, picture_of
from releases.media.licences import LICENCES
from releases.media.questions import Attached
from releases.newsroom.feeds.items import absolute
from releases.newsroom.lists.filing import Filing, Named, places_named, programme_named, topic_named
from releases.newsroom.pages import changed_at, paragraphs, public_inline, public_plain, web_links
from releases.newsroom.questions import other_version
from releases.newsroom.wording import address, base_url, text_of
from releases.review.quotes import quotes_in
from releases.rounds.editions import Edition
from releases.rounds.exporting import plain_number
from releases.rounds.importing import slug_of
from releases.rounds.models import Programme, Round
from releases.rounds.register import Place
from releases.rounds.table import Row
from subscribers.audience.models import Topic

Document = dict[str, Any]


def api(path: str = "") -> str:
    return f"{base_url()}/api/v1/{path}"


def moment(at: datetime) -> str:
    """`2022-10-28T06:00:00Z`."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def release_in_short(release: Release, filing: Filing) -> Document:
    """A public release as lists have it; with its live revision's headline and lead."""
    assert release.live is not None and release.published_at is not None
    other = other_version(release)
    return {
        "id": release.id,
        "status": "published",
        "language": release.language,
        "url": address(release),
        "api": api(f"releases/{release.id}"),
        "headline": public_plain(release.live.headline),
        "lead": public_plain(release.live.lead),
        "published_at": moment(release.published_at),
        "changed_at": moment(changed_at(release)),
        "version": release.live.number,
        "programme": _named(filing.programme, "slug") if filing.programme else None,
        "round": release.story.round_id,
        "topics": [_named(one, "slug") for one in filing.topics],
        "places": [_named(one, "code") for one in filing.places],
        "translations": [
            {"language": one.language, "url": address(one), "api": api(f"releases/{one.id}")}
            for one in (other,)
            if one
        ],
    }


def withdrawn(release: Release) -> Document:
    """What is left of a release that was taken back: who mirrors us should take it back too."""
    return {
        "id": release.id,
        "status": "withdrawn",
        "language": release.language,
        "url": address(release),
        "withdrawn_at": moment(release.changed_at or release.updated_at),
        "reason": release.withdrawn_reason,
    }


def release_in_full(
    release: Release,
    revision: Revision,
    *,
    filing: Filing,
    sender: Organisation,
    things: Attached,
    history: Sequence[Publication],
) -> Document:
    """A public release with all its words, and what there is to know of its figures and changes."""
    text = text_of(release, revision, sender, things, in_feed=True)
    url, language = address(release), release.language
    inside = addresses_under(base_url())
    body = absolute(str(text.body), url=url)
    bound = [one for part in (text.headline, text.lead, body) for one in bound_in(str(part))]
    return {
        **release_in_short(release, filing),
        "headline_html": str(public_inline(revision.headline)),
        "lead_html": str(text.lead),
        "body_html": body,
        "body": html.plain(body),
        "about_programme": paragraphs(revision.about_programme),
        "figures": [{"name": one.name, "value": one.value, "text": one.words} for one in bound],
        "quotes": [
            {"words": one.words, "speaker": one.speaker, "attribution": one.attribution}
            for one in quotes_in(revision.body)
        ],
        "contacts": text.contacts,
        "links": web_links(revision.links or []),
        "pictures": [_picture(one, language, inside) for one in things.images],
        "documents": [
            {
                "title": paper.title,
                "url": paper.address,
                "type": str(one["content_type"]),
                "size": int(one["size"]),
            }
            for one in things.documents
            for paper in (paper_of(one, language=language, address=inside),)
        ],
        "versions": [
            {
                "number": one.revision.number,
                "change": one.change.value,
                "note": one.note,
                "at": moment(one.at),
                "url": url
                if one.revision_id == release.live_id
                else f"{url}/versions/{one.revision.number}",
            }
            for one in history
        ],
        "ninjs": f"{url}/ninjs.json",
        "feeds": feeds(language),
    }


def round_in_short(round_: Round) -> Document:
    slug = slug_of(f"{round_.programme.name} {round_.name}") or "round"
    return {
        "id": round_.id,
        "name": round_.name,
        "programme": _named(programme_named(round_.programme, round_.language), "slug"),
        "decided_on": round_.decided_on.isoformat() if round_.decided_on else None,
        "language": round_.language,
        "url": _in_all_languages(f"rounds/{round_.id}-{slug}"),
        "api": api(f"rounds/{round_.id}"),
    }


def round_in_full(of: Edition, language: str, releases: Sequence[Release]) -> Document:
    """A round as visitors read it in a language."""
    page = f"{base_url()}/{language}/rounds/{of.round.id}-{of.slug}"
    dated = of.round.decided_on is not None
    return {
        **round_in_short(of.round),
        "version": of.number,
        "changed_at": moment(of.changed_at),
        "currency": of.currency,
        "count": of.count,
        "total": str(plain_number(of.total)),
        "columns": list(of.columns),
        "awards": api(f"rounds/{of.round.id}/awards?language={language}"),
        "csv": f"{page}/awards.csv",
        "xlsx": f"{page}/awards.xlsx",
        "open_data": f"{base_url()}/360giving.json" if dated else None,
        "releases": [
            {"language": one.language, "url": address(one), "api": api(f"releases/{one.id}")}
            for one in releases
        ],
    }


def award(row: Row, of: Edition) -> Document:
    """A row with the columns that the round's files have."""
    said = {name: getattr(row, name) for name in of.columns}
    for name, value in said.items():
        if isinstance(value, tuple):
            said[name] = list(value)
    return {"number": row.number, **said, "amount": str(plain_number(row.amount))}


def programme(found: Programme) -> Document:
    return {
        "slug": found.slug,
        "name": {language: found.title(language) for language in LANGUAGES},
        "about": {language: found.about(language) for language in LANGUAGES},
        "read_more_url": found.read_more_url or None,
        "url": {one: programme_named(found, one).url for one in LANGUAGES},
    }


def topic(found: Topic) -> Document:
    return {
        "slug": found.slug,
        "name": {language: found.name(language) for language in LANGUAGES},
        "url": {language: topic_named(found, language).url for language in LANGUAGES},
    }


def place(found: Place) -> Document:
    code = found.code or ""
    return {
        "code": code,
        "kind": found.kind,
        "name": found.short,
        "official_name": found.official,
        "county": found.county,
        "url": {one: named.url for one in LANGUAGES for named in places_named([code], one)},
    }


def organisation(sender: Organisation) -> Document:
    return {
        "name": {language: sender.name(language) for language in LANGUAGES},
        "short_name": sender.short_name,
        "about": {language: sender.about(language) for language in LANGUAGES},
        "street": sender.street,
        "postcode": sender.postcode,
        "town": sender.town,
        "switchboard": sender.switchboard,
        "press_email": sender.press_email,
        "site": sender.site or None,
        "social": web_links(sender.social or []),
        "time_zone": sender.time_zone,
        "newsroom": _in_all_languages(""),
        "feeds": {language: feeds(language) for language in LANGUAGES},
    }


def feeds(language: str) -> dict[str, str]:
    return {form: f"{base_url()}/{language}/feed.{form}" for form in ("rss", "atom", "json")}


def _picture(printed: dict[str, Any], language: str, inside: Any) -> Document:
    picture = picture_of(printed, language=language, address=inside)
    licence = LICENCES.get(str(printed["licence"]))
    return {
        "url": picture.src,
        "download": picture.download,
        "type": str(printed["content_type"]),
        "width": picture.full_width,
        "height": picture.full_height,
        "size": int(printed["size"]),
        "alt": picture.alt,
        "caption": picture.caption,
        "credit": str(printed["credit"]),
        "licence": translate(f"media.licence.{licence.code}.terms", language) if licence else "",
        "licence_url": picture.licence_url or None,
    }


def _named(named: Named, key: str) -> Document:
    return {key: named.key, "name": named.name, "url": named.url}


def _in_all_languages(path: str) -> dict[str, str]:
    return {language: f"{base_url()}/{language}/{path}" for language in LANGUAGES}
