"""Staff pages: the desk, the calendar, all releases, and who may see a limited one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import audit
from app.core.accounts import User, me, only, signed_in_only
from app.core.clock import local, now
from app.core.db import db
from app.core.organisation import organisation
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, t
from releases.desk import access, asking, calendar, happening
from releases.desk.steps import waited
from releases.editorial import questions, scheduling
from releases.editorial.binding import stale_among
from releases.editorial.models import State
from releases.editorial.questions import Wanted
from releases.editorial.workflow import WRITERS
from releases.rounds.questions import programmes

ID_DIGITS = 15

blueprint = Blueprint("desk", __name__, url_prefix="/office")
signed_in_only(blueprint)


@blueprint.app_template_filter("zone")
def zone_of(moment: datetime) -> str:
    """`normaltid`, `CET`: what the clock is called that a moment is told by."""
    return scheduling.zone_name(moment, interface_language(), organisation().time_zone)


@blueprint.get("/")
def today() -> ResponseReturnValue:
    """What waits for this person, what is coming, and what happened."""
    person, moment, language = me(), now(), interface_language()
    return render_template(
        "office/desk/today.html",
        piles=asking.piles_of(person, at=moment),
        coming=calendar.coming(person, at=moment),
        happened=[(one, audit.sentence(one.event, language)) for one in happening.latest(person)],
        waited=lambda since: _words_for(*waited(since, moment)),
    )


@blueprint.get("/calendar")
def month() -> ResponseReturnValue:
    """A month by days: what goes out, what is mailed later, what was published."""
    zone = organisation().time_zone
    here = local(now(), zone).date()
    first = calendar.month_of(request.args.get("month", "")) or here.replace(day=1)
    since, until = calendar.span(first, zone=zone)
    found = calendar.entries(me(), since=since, until=until)
    return render_template(
        "office/desk/calendar.html",
        first=first,
        weeks=calendar.weeks(first, found, zone=zone),
        here=here,
        before=f"{calendar.month_before(first):%Y-%m}",
        after=f"{calendar.month_after(first):%Y-%m}",
        is_full=len(found) >= calendar.MOST,
    )


@blueprint.get("/releases/")
def releases() -> ResponseReturnValue:
    """All releases that fit what the address asks for, the last changed first."""
    wanted = _wanted()
    before = _number(request.args.get("before", "")) or None
    page = questions.releases_page(wanted, to=me(), before=before)
    everybody = sa.select(User.id, User.name).order_by(User.name, User.id)
    return render_template(
        "office/desk/releases.html",
        page=page,
        stale=stale_among(page.items),
        wanted=wanted,
        asked=_as_address(wanted),
        count=len(page.items) if before is None and page.next is None else None,
        states=State,
        programmes=programmes(),
        languages=LANGUAGES,
        everybody=db.session.execute(everybody).all(),
    )


@blueprint.post("/releases/<int:release_id>/access")
@only(*WRITERS)
def limit_access(release_id: int) -> ResponseReturnValue:
    """Who of the office may see the story: everybody, or the people chosen."""
    release = questions.release_by_id(release_id)
    if request.form.get("limited") == "yes":
        chosen = [_number(one) for one in request.form.getlist("person")]
        people = db.session.scalars(sa.select(User).where(User.id.in_(chosen), User.active))
        access.limit(release, people, by=me(), at=now())
        db.session.commit()
        flash(t("desk.access.limited"), "success")
    else:
        access.open_up(release, by=me(), at=now())
        db.session.commit()
        flash(t("desk.access.opened"), "success")
    return redirect(url_for("releases.one", release_id=release_id, _anchor="access"))


def _wanted() -> Wanted:
    """What the address asks for; what cannot be read asks for nothing."""
    asked = request.args
    state, language = asked.get("state", ""), asked.get("language", "")
    return Wanted(
        words=" ".join(asked.get("words", "").replace("\0", " ").split())[:200],
        state=State(state) if state in set(State) else None,
        programme_id=_number(asked.get("programme", "")) or None,
        language=language if language in LANGUAGES else "",
        author_id=_number(asked.get("author", "")) or None,
        since=asked.get("since", type=date.fromisoformat),
        until=asked.get("until", type=date.fromisoformat),
    )


def _as_address(wanted: Wanted) -> dict[str, Any]:
    """The same as the address carries it."""
    given = {
        "words": wanted.words,
        "state": wanted.state.value if wanted.state else "",
        "programme": wanted.programme_id,
        "language": wanted.language,
        "author": wanted.author_id,
        "since": wanted.since,
        "until": wanted.until,
    }
    return {name: value for name, value in given.items() if value}


def _number(text: str) -> int:
    """0 for what is no number of a row."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= ID_DIGITS else 0


def _words_for(key: str, n: int) -> str:
    return t(key, n=n)
