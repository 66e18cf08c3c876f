"""My data: somebody sees all that is kept of them, or has it erased, by a link to their address.

The same answer whoever asks; a link that works once, by its button only; no cookie.
"""

from __future__ import annotations

import json
import time

from flask import Blueprint, Response, abort, g, render_template, request
from flask.typing import ResponseReturnValue
from limits import parse

from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotFound, NotNow
from app.core.jobs import ring
from app.core.security import behind_secret_links, csrf, limiter
from app.core.words.language import interface_language, speak, t
from subscribers.audience import consent_texts, erasing, topics
from subscribers.audience.addresses import masked
from subscribers.audience.models import RequestKind
from subscribers.mailings import disclosing, requesting
from subscribers.mailings.requesting import Link

blueprint = Blueprint("my_data", __name__)
csrf.exempt(blueprint)
behind_secret_links(blueprint)

ANSWER_SECONDS = 0.2  # every request takes whole spans of it: the time tells nothing either
BAD_LINKS = parse("30/minute")


@blueprint.before_request
def _begin() -> None:
    g.began = time.monotonic()


@blueprint.get("/<any(sv, en):language>/my-data")
def form(language: str) -> ResponseReturnValue:
    """Where to ask."""
    return _form()


@blueprint.post("/<any(sv, en):language>/my-data")
def ask(language: str) -> ResponseReturnValue:
    """Mail a link, if the address is known. One and the same answer for every address."""
    email = request.form.get("email", "")
    kind = RequestKind.ERASE if request.form.get("kind") == "erase" else RequestKind.ACCESS
    if not request.form.get("website"):  # people do not see that field
        try:
            asked = requesting.ask(
                email, kind=kind, language=language, ip=request.remote_addr or "", at=now()
            )
        except BadInput:
            return _form(email=email, error=t("subscribers.email_unreadable"))
        db.session.commit()
        if asked:
            ring("deliver")
    page = render_template("subscribers/my_data_inbox.html")
    if ANSWER_SECONDS:
        time.sleep(ANSWER_SECONDS - (time.monotonic() - g.began) % ANSWER_SECONDS)
    return page


@blueprint.get("/my-data/<token>")
def asking(token: str) -> ResponseReturnValue:
    """A button; following the link as such does nothing."""
    return _asking(_link(token))


@blueprint.post("/my-data/<token>")
def answer(token: str) -> ResponseReturnValue:
    """The button: what is kept, or its end. Once."""
    link = _link(token)
    if link.is_over or request.form.get("confirm") != "1":
        return _asking(link)
    try:
        requesting.use(link, at=now())
    except NotNow:
        db.session.rollback()
        return _asking(_link(token))
    if link.request.kind is RequestKind.ERASE:
        return _erase(link)
    data = disclosing.everything_about(link.person, at=now())
    record("subscriber.own_data", "subscriber", link.person.id, by=None, at=now())
    db.session.commit()
    if request.form.get("as") == "json":
        text = json.dumps(data, ensure_ascii=False, indent=2)
        file = Response(text, mimetype="application/json")
        file.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
        return file
    speak(link.person.language)
    language = interface_language()
    return render_template(
        "subscribers/my_data.html",
        person=link.person,
        mails=disclosing.mails_to(link.person),
        data=data,
        topic_name=lambda topic: topics.name_of(topic, language),
        consent=lambda one: consent_texts.words_of(one.consent_text_version, language),
    )


def _erase(link: Link) -> ResponseReturnValue:
    language, person_id = link.person.language, link.person.id
    erasing.erase(link.person.address or "", at=now())
    record("subscriber.own_erasure", "subscriber", person_id, by=None, at=now())
    db.session.commit()
    speak(language)
    return render_template("subscribers/my_data_erased.html")


def _form(*, email: str = "", error: str = "") -> ResponseReturnValue:
    kind = request.form.get("kind", "access")
    page = render_template(
        "subscribers/my_data_form.html", email=email[:320], error=error, kind=kind
    )
    return (page, 422) if error else page


def _asking(link: Link) -> ResponseReturnValue:
    speak(link.person.language)
    return render_template(
        "subscribers/my_data_link.html",
        is_over=link.is_over,
        kind=link.request.kind.value,
        address=masked(link.person.address),
    )


def _link(token: str) -> Link:
    """404 without a hint for a link that is none of ours, 429 for who goes on guessing."""
    try:
        return requesting.look(token, at=now())
    except NotFound:
        hit = limiter.limiter.hit(BAD_LINKS, "bad link", request.remote_addr or "")
        abort(404 if hit else 429)
