"""The newsroom for programs: JSON, read only, without a key. Described by /api/v1/openapi.json."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.core.db import db
from app.core.errors import BadInput, DomainError, NotFound
from app.core.kept import kept
from app.core.organisation import organisation
from app.core.paging import LARGEST_ID
from app.core.security import csrf, limiter
from app.core.words import LANGUAGES, translate
from releases.media.questions import attached
from releases.newsroom import corrections, questions
from releases.newsroom.lists import questions as lists
from releases.newsroom.lists.filing import filing_of, filings_of
from releases.newsroom.machines import describing, mirroring, open_api
from releases.newsroom.models import Heading
from releases.newsroom.wording import base_url
from releases.rounds.editions import Edition, edition
from releases.rounds.register import place_with

blueprint = Blueprint("api", __name__, url_prefix="/api")
csrf.exempt(blueprint)

FLOOD = "600 per minute"  # of answers that have to be written; kept ones are not counted
PAGING = ("limit", "cursor")
WHICH = ("language", "programme", "topic", "place", "since", "until", "updated_since")

READING = "GET, HEAD, OPTIONS"
NOWHERE = "-"  # a key that nothing is listed under

limiter.limit(FLOOD)(blueprint)


@blueprint.get("/v1/")
@kept(max_age=60)
def index() -> ResponseReturnValue:
    """What there is, by address."""
    names = {name: name for name in open_api.INDEX} | {"openapi": "openapi.json"}
    return _json(**{name: describing.api(path) for name, path in names.items()})


@blueprint.get("/v1/openapi.json")
@kept(max_age=60)
def described() -> ResponseReturnValue:
    return _json(**open_api.described(base=base_url(), name=organisation().name("en")))


@blueprint.get("/v1/organisation")
@kept(max_age=60)
def sender() -> ResponseReturnValue:
    return _json(**describing.organisation(organisation()))


@blueprint.get("/v1/releases")
@kept(*WHICH, *PAGING, max_age=60)
def releases() -> ResponseReturnValue:
    """A page of releases; with `updated_since` what changed, and what was taken back."""
    some = mirroring.releases(_wanted(), after=request.args.get("cursor", ""), most=_limit())
    filings = filings_of([one for one in some.releases if one.is_public], most=None)
    found = [
        describing.release_in_short(one, filings[one.id])
        if one.is_public
        else describing.withdrawn(one)
        for one in some.releases
    ]
    return _json(releases=found, next=_onward(some.next, *WHICH))


@blueprint.get("/v1/releases/<int:number>")
@kept(max_age=60)
def release(number: int) -> ResponseReturnValue:
    """One release whole; what is left of one that was taken back is a 410."""
    found = mirroring.release_numbered(number)
    if found is None or found.live is None:
        raise NotFound("not_in_newsroom")
    if not found.is_public:
        return _problem(410, "api_withdrawn", release=describing.withdrawn(found))
    document = describing.release_in_full(
        found,
        found.live,
        filing=filing_of(found),
        sender=organisation(),
        things=attached(found.live),
        history=corrections.history_of(found),
    )
    return _json(**document)


@blueprint.get("/v1/rounds")
@kept(*PAGING, max_age=60)
def rounds() -> ResponseReturnValue:
    """A page of published rounds."""
    found, following = mirroring.rounds(after=_row(), most=_limit())
    return _json(
        rounds=[describing.round_in_short(one) for one in found],
        next=_onward(str(following) if following else None),
    )


@blueprint.get("/v1/rounds/<int:number>")
@kept("language", max_age=60)
def one_round(number: int) -> ResponseReturnValue:
    """A round as it was approved beside the text of a language."""
    language = _language() or LANGUAGES[0]
    of = _edition(number, language)
    told = [one for code in LANGUAGES for one in questions.releases_of(number, code)]
    return _json(**describing.round_in_full(of, language, told))


@blueprint.get("/v1/rounds/<int:number>/awards")
@kept("language", *PAGING, max_age=60)
def awards(number: int) -> ResponseReturnValue:
    """A page of a round's grants."""
    of, most = _edition(number, _language() or LANGUAGES[0]), _limit()
    rows = of.awards(after=_row() or 0, most=most + 1)
    following = str(rows[most - 1].number) if len(rows) > most else None
    return _json(
        round=number,
        version=of.number,
        currency=of.currency,
        awards=[describing.award(one, of) for one in rows[:most]],
        next=_onward(following, "language"),
    )


@blueprint.get("/v1/programmes")
@kept(max_age=60)
def programmes() -> ResponseReturnValue:
    found = lists.programmes(LANGUAGES[0])
    return _json(programmes=[describing.programme(one) for one in found])


@blueprint.get("/v1/topics")
@kept(max_age=60)
def topics() -> ResponseReturnValue:
    return _json(topics=[describing.topic(one) for one in lists.topics(LANGUAGES[0])])


@blueprint.get("/v1/places")
@kept(max_age=60)
def places() -> ResponseReturnValue:
    return _json(places=[describing.place(one) for one in lists.places()])


@blueprint.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def nothing(rest: str) -> ResponseReturnValue:
    """No page of ours: said in the words of the API."""
    ours = current_app.url_map.bind("")
    if request.method != "GET" and ours.match(request.path, "GET")[0] != "api.nothing":
        response = _problem(405, "api_read_only")
        response.headers["Allow"] = READING
        return response
    raise NotFound("not_in_newsroom")


@blueprint.errorhandler(DomainError)
def refused(error: DomainError) -> ResponseReturnValue:
    """404 for what is not there, 400 for a parameter that cannot be used."""
    db.session.rollback()
    if isinstance(error, NotFound):
        return _problem(404, "api_not_found")
    return _problem(400, error.key, **error.facts)


@blueprint.errorhandler(HTTPException)
def failed(error: HTTPException) -> ResponseReturnValue:
    """Every other failure. What happened inside stays in the log."""
    status = error.code or 500
    key = {404: "api_not_found", 429: "api_too_many"}.get(status, "api_failed")
    response = _problem(status, key)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


@blueprint.after_request
def _for_everybody(response: Response) -> Response:
    """Any site may ask. What one visitor has left of a limit stands in no answer that is kept."""
    if request.method == "OPTIONS":
        response.headers["Allow"] = READING
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Retry-After"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if response.status_code != 429:
        limiter.context.view_rate_limit = None
    return response


def _wanted() -> mirroring.Wanted:
    zone, asked = organisation().time_zone, request.args
    headings = [
        (kind, key(asked[kind.value].replace("\0", "")))
        for kind, key in KEYS.items()
        if asked.get(kind.value)
    ]
    if not asked.get("updated_since") and NOWHERE in {key for _, key in headings}:
        raise NotFound("not_in_newsroom")
    moments = {
        name: mirroring.moment_in(asked[name], name=name, zone=zone, is_end=name == "until")
        for name in ("since", "until", "updated_since")
        if asked.get(name)
    }
    return mirroring.Wanted(
        language=_language(),
        headings=headings,
        since=moments.get("since"),
        until=moments.get("until"),
        changed_since=moments.get("updated_since"),
    )


def _programme(slug: str) -> str:
    try:
        return str(lists.programme_at(slug).id)
    except NotFound:
        return NOWHERE


def _topic(slug: str) -> str:
    found = lists.topic_at(slug)
    return str(found.id) if found else NOWHERE


def _place(code: str) -> str:
    return code if place_with(code) else NOWHERE


# Under which key each is listed. Of a programme whose only release was taken back nothing is public
# any more, but who mirrors it has to be told.
KEYS = {Heading.PROGRAMME: _programme, Heading.TOPIC: _topic, Heading.PLACE: _place}


def _edition(number: int, language: str) -> Edition:
    return edition(*questions.published_round(number, language))


def _language() -> str | None:
    given = request.args.get("language")
    if given and given not in LANGUAGES:
        raise BadInput("api_language", languages=", ".join(LANGUAGES))
    return given or None


def _limit() -> int:
    given = request.args.get("limit", "")
    if not given:
        return mirroring.USUAL
    is_number = given.isascii() and given.isdigit() and len(given) < 10
    if not (is_number and 1 <= int(given) <= mirroring.MOST):
        raise BadInput("api_limit", most=mirroring.MOST)
    return int(given)


def _row() -> int | None:
    """The row that a page of rounds or awards comes after."""
    given = request.args.get("cursor", "")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and int(given[:20]) <= LARGEST_ID):
        raise BadInput("api_cursor")
    return int(given[:20])


def _onward(cursor: str | None, *asked: str) -> str | None:
    """The address of the next page, with what was asked for; None on the last one."""
    if cursor is None:
        return None
    said = {name: request.args[name] for name in (*asked, "limit") if request.args.get(name)}
    return f"{base_url()}{request.path}?{urlencode({**said, 'cursor': cursor})}"


def _json(**document: Any) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), mimetype="application/json")


def _problem(status: int, key: str, **facts: Any) -> Response:
    """RFC 9457. The words are English, like the rest of the API."""
    release = {"release": facts.pop("release")} if "release" in facts else {}
    response = _json(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=translate(f"errors.{key}", "en", **facts),
        instance=request.path,
        **release,
    )
    response.status_code = status
    response.content_type = "application/problem+json"
    return response
