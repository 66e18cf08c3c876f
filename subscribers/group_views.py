"""The office's pages about mailbox providers: how fast, what holds them up, and the way on.

For editors and administrators.
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core import jobs
from app.core.accounts import Role, me, only
from app.core.beats import shared_now
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput
from app.core.words import translate
from app.core.words.language import interface_language, t
from subscribers.mailings.models import ALL, OTHER, DomainGroup
from subscribers.mailings.sending import domain_groups, pacing
from subscribers.mailings.sending.breaking import FAILED, HARD, POLICY, TAKEN
from subscribers.mailings.sending.domain_groups import group_by_name

blueprint = Blueprint("groups", __name__, url_prefix="/office/mailings/groups")

SHOWN_DOMAINS = 6


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors_only() -> None:
    """Limits and holds are for those who may stop a mailing."""


@blueprint.app_template_filter("pace")
def pace(number: float) -> str:
    """Mails a second as they are written in the page's language, and typed."""
    text = f"{number:g}"
    return text.replace(".", ",") if interface_language() == "sv" else text


@blueprint.get("/")
def index() -> ResponseReturnValue:
    return render_template(
        "office/groups/index.html",
        lines=pacing.standings(at=shared_now()),
        shown=SHOWN_DOMAINS,
        ALL=ALL,
        OTHER=OTHER,
    )


@blueprint.get("/<name>")
def one(name: str) -> ResponseReturnValue:
    return _page(group_by_name(name))


@blueprint.post("/<name>/limits")
def limits(name: str) -> ResponseReturnValue:
    group = group_by_name(name)
    try:
        rate, concurrency = _number("rate"), _number("concurrency")
        if concurrency != int(concurrency):
            raise BadInput("group_concurrency", most=pacing.MOST_CONCURRENCY)
        pacing.set_limits(group, rate=rate, concurrency=int(concurrency), by=me(), at=now())
    except BadInput as error:
        return _again(group, error)
    return _done(group, "pacing.saved")


@blueprint.post("/<name>/domain")
def domain(name: str) -> ResponseReturnValue:
    group = group_by_name(name)
    try:
        added = domain_groups.put_domain(request.form.get("domain", ""), group, by=me(), at=now())
    except BadInput as error:
        return _again(group, error)
    return _done(group, "pacing.domain_added", domain=added)


@blueprint.post("/<name>/release")
def release(name: str) -> ResponseReturnValue:
    group = group_by_name(name)
    pacing.release(group, by=me(), at=now())
    return _done(group, "pacing.released")


@blueprint.post("/<name>/home")
def home(name: str) -> ResponseReturnValue:
    group = group_by_name(name)
    domain_groups.send_home(group, by=me(), at=now())
    db.session.commit()
    jobs.ring("deliver")
    flash(translate("pacing.went_home", interface_language(), domain=name), "success")
    return redirect(url_for("groups.index"))


def _page(group: DomainGroup, *, error: BadInput | None = None) -> str:
    (line,) = [one for one in pacing.standings(at=shared_now()) if one.name == group.name]
    return render_template(
        "office/groups/one.html",
        line=line,
        answers=_answers(line.recent),
        group=group,
        is_all=group.name == ALL,
        is_other=group.name == OTHER,
        may_release=pacing.is_stopped(group),
        error=translate(f"errors.{error.key}", interface_language(), **error.facts)
        if error
        else None,
        wrong=(error.key if error else ""),
        given=request.form,
    )


def _again(group: DomainGroup, error: BadInput) -> ResponseReturnValue:
    db.session.rollback()
    return _page(group, error=error), 422


def _done(group: DomainGroup, said: str, **facts: str) -> ResponseReturnValue:
    name = group.name
    db.session.commit()
    jobs.ring("deliver")
    flash(t(said, **facts), "success")
    return redirect(url_for("groups.one", name=name))


def _answers(recent: str) -> list[tuple[str, int]]:
    """What its servers said lately, by kind: taken, hard, policy, failed."""
    kinds = ((TAKEN, "taken"), (HARD, "hard"), (POLICY, "policy"), (FAILED, "failed"))
    return [(kind, recent.count(letter)) for letter, kind in kinds if letter in recent]


def _number(name: str) -> float:
    """What somebody typed, with a comma or a point; empty is 0."""
    typed = request.form.get(name, "").strip().replace(",", ".")
    try:
        return float(typed or 0)
    except ValueError:
        raise _out_of_bounds(name) from None


def _out_of_bounds(name: str) -> BadInput:
    if name == "rate":
        return BadInput("group_rate", most=f"{pacing.MOST_RATE:.0f}")
    return BadInput("group_concurrency", most=pacing.MOST_CONCURRENCY)
