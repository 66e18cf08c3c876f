"""The description of our API as OpenAPI 3.1. Pure. A test holds every answer against it."""

from __future__ import annotations

from typing import Any

from app.core.words import LANGUAGES
from releases.newsroom.machines.mirroring import MOST, USUAL
from releases.rounds.editions import COLUMNS
from releases.rounds.kinds import KINDS

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
URL: Schema = {"type": "string", "format": "uri"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
DAY: Schema = {"type": "string", "format": "date"}
ASKED: Schema = {"anyOf": [DAY, MOMENT]}
NUMBER: Schema = {"type": "integer", "minimum": 0}
LANGUAGE: Schema = {"type": "string", "enum": list(LANGUAGES)}
AMOUNT: Schema = {
    "type": "string",
    "pattern": r"^\d+(\.\d{2})?$",
    "description": "An amount in the currency named beside it, as decimal text.",
}
HTML: Schema = {
    "type": "string",
    "contentMediaType": "text/html",
    "description": "Cleaned HTML without script or style. Figures from the round are `<data>`.",
}


def optional(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def shape(description: str = "", /, **properties: Schema) -> Schema:
    """An object with exactly these properties."""
    said: Schema = {"description": description} if description else {}
    return {
        "type": "object",
        **said,
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def in_languages(schema: Schema) -> Schema:
    return shape(**dict.fromkeys(LANGUAGES, schema))


def page_of(what: str, schema: Schema, **more: Schema) -> Schema:
    following = {**optional(URL), "description": "The next page; null on the last one."}
    return shape(**more, **{what: listed(schema)}, next=following)


SHORT: dict[str, Schema] = {
    "id": NUMBER,
    "status": {"const": "published"},
    "language": LANGUAGE,
    "url": {**URL, "description": "The page for people. It changes when the address does."},
    "api": URL,
    "headline": TEXT,
    "lead": TEXT,
    "published_at": MOMENT,
    "changed_at": MOMENT,
    "version": {**NUMBER, "description": "Goes up with every change that is published."},
    "programme": optional(ref("NamedBySlug")),
    "round": {**optional(NUMBER), "description": "The round it tells of."},
    "topics": listed(ref("NamedBySlug")),
    "places": listed(ref("NamedByCode")),
    "translations": listed(ref("Translation")),
}
FEEDS = shape(rss=URL, atom=URL, json=URL)
LINK = shape(label=TEXT, url=URL)
ROUND: dict[str, Schema] = {
    "id": NUMBER,
    "name": TEXT,
    "programme": ref("NamedBySlug"),
    "decided_on": optional(DAY),
    "language": LANGUAGE,
    "url": in_languages(URL),
    "api": URL,
}
AWARD: dict[str, Schema] = {
    "number": {**NUMBER, "description": "The row; it stays with the award when a round changes."},
    "grantee": TEXT,
    "kind": optional({"type": "string", "enum": sorted(KINDS)}),
    "project": TEXT,
    "partners": listed(TEXT),
    "countries": listed(TEXT),
    "themes": listed(TEXT),
    "first_timer": optional({"type": "boolean"}),
    "amount": AMOUNT,
}
SCHEMAS: dict[str, Schema] = {
    "NamedBySlug": shape(slug=TEXT, name=TEXT, url=URL),
    "NamedByCode": shape(code=TEXT, name=TEXT, url=URL),
    "Translation": shape(language=LANGUAGE, url=URL, api=URL),
    "ReleaseInShort": shape("A public release, as lists have it.", **SHORT),
    "Withdrawn": shape(
        "A release that was taken back. Remove your copy.",
        id=NUMBER,
        status={"const": "withdrawn"},
        language=LANGUAGE,
        url=URL,
        withdrawn_at=MOMENT,
        reason=TEXT,
    ),
    "Release": shape(
        "A public release with all its words.",
        **SHORT,
        headline_html=HTML,
        lead_html=HTML,
        body_html=HTML,
        body={**TEXT, "description": "The body as plain text."},
        about_programme=listed(TEXT),
        figures=listed(ref("Figure")),
        quotes=listed(shape(words=TEXT, speaker=TEXT, attribution=TEXT)),
        contacts=listed(shape(name=TEXT, title=TEXT, phone=TEXT, email=TEXT)),
        links=listed(LINK),
        pictures=listed(ref("Picture")),
        documents=listed(shape(title=TEXT, url=URL, type=TEXT, size=NUMBER)),
        versions=listed(ref("Version")),
        ninjs={**URL, "description": "The same release as ninjs (IPTC)."},
        feeds=FEEDS,
    ),
    "Figure": shape(
        "A figure in the text that is tied to the round's table.",
        name={**TEXT, "description": "Such as `total` or `award.17.amount`."},
        value={**TEXT, "description": "The value, such as `10641000`."},
        text={**TEXT, "description": "How the text says it, such as `drygt 10 miljoner kronor`."},
    ),
    "Picture": shape(
        url={**URL, "description": "A JPEG of at most 960 pixels."},
        download={**URL, "description": "In high resolution."},
        type=TEXT,
        width=NUMBER,
        height=NUMBER,
        size=NUMBER,
        alt=TEXT,
        caption=TEXT,
        credit=TEXT,
        licence={**TEXT, "description": "What one may do with it, in words."},
        licence_url=optional(URL),
    ),
    "Version": shape(
        "What was live, the first first. A correction has a note.",
        number=NUMBER,
        change={"type": "string", "enum": ["first", "typo", "correction"]},
        note=TEXT,
        at=MOMENT,
        url=URL,
    ),
    "RoundInShort": shape(**ROUND),
    "Round": shape(
        "A round as it stood when the text about it was approved.",
        **ROUND,
        version=NUMBER,
        changed_at=MOMENT,
        currency={"type": "string", "pattern": "^[A-Z]{3}$"},
        count={**NUMBER, "description": "How many awards."},
        total=AMOUNT,
        columns=listed({"type": "string", "enum": list(COLUMNS)}),
        awards=URL,
        csv=URL,
        xlsx=URL,
        open_data={**optional(URL), "description": "All dated rounds as 360Giving."},
        releases=listed(ref("Translation")),
    ),
    "Award": {
        **shape("A grant, with the columns that the round's table has.", **AWARD),
        "required": ["number", "grantee", "amount"],
    },
    "Programme": shape(
        slug=TEXT,
        name=in_languages(TEXT),
        about=in_languages(TEXT),
        read_more_url=optional(URL),
        url=in_languages(URL),
    ),
    "Topic": shape(slug=TEXT, name=in_languages(TEXT), url=in_languages(URL)),
    "Place": shape(
        code={**TEXT, "description": "Of a municipality (four digits) or a region (two)."},
        kind={"type": "string", "enum": ["kommun", "region"]},
        name=TEXT,
        official_name=TEXT,
        county=optional(TEXT),
        url=in_languages(URL),
    ),
    "Organisation": shape(
        name=in_languages(TEXT),
        short_name=TEXT,
        about=in_languages(TEXT),
        street=TEXT,
        postcode=TEXT,
        town=TEXT,
        switchboard=TEXT,
        press_email=TEXT,
        site=optional(URL),
        social=listed(LINK),
        time_zone=TEXT,
        newsroom=in_languages(URL),
        feeds=in_languages(FEEDS),
    ),
    "Problem": {
        **shape(
            "What went wrong (RFC 9457).",
            type=TEXT,
            title=TEXT,
            status={"type": "integer", "minimum": 400, "maximum": 599},
            detail=TEXT,
            instance=TEXT,
            release=ref("Withdrawn"),
        ),
        "required": ["type", "title", "status", "detail", "instance"],
    },
}


def described(*, base: str, name: str) -> dict[str, Any]:
    """The whole document. `base` is our address without a slash, `name` the sender's."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{name}: newsroom",
            "version": "1.0.0",
            "description": (
                "Everything that visitors of the newsroom may read, and nothing else. Read only,"
                " without a key, from any site (CORS). Every answer has an ETag: ask with"
                " If-None-Match and a 304 costs nothing. Fields may be added to version 1, none"
                " will be taken away."
            ),
        },
        "servers": [{"url": f"{base}/api/v1"}],
        "paths": _paths(),
        "components": {"schemas": SCHEMAS, "responses": _responses()},
    }


def _paths() -> dict[str, Any]:
    language = _query("language", LANGUAGE, "Only in this language.")
    of_round = _query("language", LANGUAGE, "As it stands beside the text of this language.")
    return {
        "/": _get("What there is, by address.", shape(**dict.fromkeys(INDEX, URL))),
        "/organisation": _get("Who sends the releases.", ref("Organisation")),
        "/releases": _get(
            "Releases, the newest first. With `updated_since`, those that have changed, in the"
            " order of their changes, and those that were taken back.",
            page_of("releases", {"oneOf": [ref("ReleaseInShort"), ref("Withdrawn")]}),
            language,
            _query("programme", TEXT, "By its slug."),
            _query("topic", TEXT, "By its slug."),
            _query("place", TEXT, "By the code of a municipality or a region."),
            _query(
                "since", ASKED, "Published at or after a day, as the house counts them, or a time."
            ),
            _query("until", ASKED, "Published before a time, or until the end of a day."),
            _query("updated_since", ASKED, "Changed or withdrawn at or after."),
            *_paging("^[A-Za-z0-9_-]{4,60}$"),
            fails=(400, 404),
        ),
        "/releases/{id}": _get(
            "One release with all its words.",
            ref("Release"),
            _path("id"),
            fails=(404, 410),
        ),
        "/rounds": _get(
            "Rounds, the newest first.",
            page_of("rounds", ref("RoundInShort")),
            *_paging(),
            fails=(400,),
        ),
        "/rounds/{id}": _get("One round.", ref("Round"), _path("id"), of_round, fails=(400, 404)),
        "/rounds/{id}/awards": _get(
            "A round's grants, in the order of its table.",
            page_of(
                "awards",
                ref("Award"),
                round=NUMBER,
                version={**NUMBER, "description": "Begin again when it differs between pages."},
                currency=TEXT,
            ),
            _path("id"),
            of_round,
            *_paging(),
            fails=(400, 404),
        ),
        "/programmes": _get("Programmes.", shape(programmes=listed(ref("Programme")))),
        "/topics": _get("Topics.", shape(topics=listed(ref("Topic")))),
        "/places": _get(
            "Municipalities and regions that have got something.",
            shape(places=listed(ref("Place"))),
        ),
        "/openapi.json": _get("This document.", {"type": "object"}),
    }


INDEX = ("organisation", "releases", "rounds", "programmes", "topics", "places", "openapi")


def _get(summary: str, schema: Schema, *parameters: Schema, fails: tuple[int, ...] = ()) -> Schema:
    answers: dict[str, Any] = {
        "200": {
            "description": "Found.",
            "headers": {"ETag": {"schema": TEXT}},
            "content": {"application/json": {"schema": schema}},
        },
        "304": {"description": "You have it already."},
    }
    for status in (*fails, 429):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    said: Schema = {"summary": summary, "responses": answers}
    return {"get": {**said, "parameters": list(parameters)} if parameters else said}


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _path(name: str) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    }


def _paging(cursor: str = "^[0-9]{0,18}$") -> tuple[Schema, Schema]:
    many = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
    return (
        _query("limit", many, "How many a page."),
        _query(
            "cursor",
            {**TEXT, "pattern": cursor},
            "Where the page before ended. Follow `next` instead of making one.",
        ),
    )


def _responses() -> dict[str, Any]:
    words = {
        400: "A parameter cannot be used; `detail` says which.",
        404: "There is no such thing.",
        410: "It was taken back; `release` says why.",
        429: "Too many questions; Retry-After says when to go on.",
    }
    problem = {"application/problem+json": {"schema": ref("Problem")}}
    return {str(one): {"description": said, "content": problem} for one, said in words.items()}
