"""A published round for visitors: its own page, its files, and all rounds as open data."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO, Any, cast

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.core.formats import date_line, local_stamp
from app.core.kept import kept
from app.core.organisation import organisation
from app.core.words import translate
from releases.newsroom import pages, questions
from releases.newsroom.lists import charts
from releases.newsroom.results import Results, results
from releases.newsroom.wording import LANGUAGE
from releases.rounds.editions import Edition, edition
from releases.rounds.exporting import IN_MEMORY, Sheet, csv_lines, xlsx_file
from releases.rounds.open_data import Funder, funder, grants, grants_as_csv, grants_as_json

blueprint = Blueprint("published_rounds", __name__)
CHUNK = 2**16
ROUND = f"/{LANGUAGE}/rounds/<int:round_id>-<slug>"
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}


@blueprint.get(ROUND)
@kept("after")
def page(language: str, round_id: int, slug: str) -> ResponseReturnValue:
    """The round's table, as many rows a page as a reader can take; charts before the first."""
    found = _published(language, round_id)
    if slug != found.slug:
        return redirect(f"/{language}/rounds/{round_id}-{found.slug}", 301)
    after = questions.place(request.args["after"]) if "after" in request.args else 0
    drawn = (charts.recipients(found, language), charts.kinds(found, language)) if not after else ()
    return render_template(
        "newsroom/round.html",
        results=results(found, language, after=after, most=questions.ROWS),
        after=after,
        charts=[chart for chart in drawn if chart],
        releases=questions.releases_of(round_id, language),
        plain=pages.public_plain,
    )


@blueprint.get(f"{ROUND}/awards.<any(csv, xlsx):form>")
def awards(language: str, round_id: int, slug: str, form: str) -> ResponseReturnValue:
    """The same rows as a file. Its version and time stand in its name and in the headers."""
    found = _published(language, round_id)
    if slug != found.slug:
        return redirect(f"/{language}/rounds/{round_id}-{found.slug}/awards.{form}", 301)
    shown = results(found, language, most=0)
    sender = organisation()
    state = (found.number, found.changed_at, shown.address, shown.title, sender.name(language))
    response = _unless_known(state, form=form, changed=found.changed_at)
    stamp = local_stamp(found.changed_at, sender.time_zone)
    name = f"{found.slug}-v{found.number}-{stamp}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Language"] = language
    response.headers["Link"] = f'<{shown.address}>; rel="describedby"'
    response.headers["Round-Version"] = str(found.number)
    if response.status_code == 304:
        return response
    sheet = Sheet(
        rows=found.every_award(),
        columns=(*found.columns, "currency"),
        currency=found.currency,
        language=language,
        about=_about(shown, language),
    )
    return _with(response, xlsx_file(sheet) if form == "xlsx" else _kept(csv_lines(sheet)))


@blueprint.get("/360giving.<any(json, csv):form>")
def everything(form: str) -> ResponseReturnValue:
    """Every published round that has a date, by the 360Giving Data Standard."""
    giver = funder()
    state, changed = questions.state_of_rounds()
    response = _unless_known((state, giver), form=form, changed=changed)
    if response.status_code == 304:
        return response
    found = _all_grants(giver)
    lines = grants_as_json(found) if form == "json" else grants_as_csv(found)
    return _with(response, _kept(lines))


def _published(language: str, round_id: int) -> Edition:
    round_, moment = questions.published_round(round_id, language)
    return edition(round_, moment)


def _all_grants(giver: Funder) -> Iterator[dict[str, Any]]:
    for round_, moment in questions.published_rounds():
        yield from grants(edition(round_, moment), giver)


def _about(shown: Results, language: str) -> list[tuple[str, str]]:
    sender, of = organisation(), shown.edition
    facts = {
        "title": shown.title,
        "source": sender.name(language),
        "address": shown.address,
        "version": str(of.number),
        "changed": date_line(of.changed_at, language, sender.time_zone),
        "count": str(of.count),
        "total": f"{shown.total} {of.currency}",
    }
    return [(translate(f"newsroom.file.{name}", language), said) for name, said in facts.items()]


def _unless_known(state: object, *, form: str, changed: datetime | None) -> Response:
    """An answer without content yet; 304 when the visitor has this state already.

    The tag is weak, since a workbook is never written twice with the same bytes.
    """
    response = Response(mimetype=KINDS[form])
    response.headers["Content-Type"] = KINDS[form]
    response.headers["Cache-Control"] = "public, max-age=60"
    response.set_etag(hashlib.sha256(repr((form, state)).encode()).hexdigest(), weak=True)
    if changed is not None:
        response.last_modified = changed.replace(microsecond=0)
    response.make_conditional(request)
    return response


def _kept(lines: Iterable[bytes]) -> IO[bytes]:
    """Written out before the answer begins: a fault becomes an error page and no broken file."""
    file = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
    for line in lines:
        file.write(line)
    file.seek(0)
    return file


def _with(response: Response, file: IO[bytes]) -> Response:
    """The answer with its content: a small one at once, a large one piece by piece."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    if size <= IN_MEMORY:
        with file:
            response.data = file.read()
        return response
    response.content_length = size
    response.response = iter(lambda: file.read(CHUNK), b"")
    response.call_on_close(file.close)
    return response
