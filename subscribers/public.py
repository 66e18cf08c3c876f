"""What subscribers see: the form, and the pages behind the links in our mails.

These pages set no cookie and carry no CSRF token: they act on an address somebody typed or on a
secret link, never on a signed-in browser. Mailbox providers and scanners follow links, so GET
changes nothing; only a button does, or the one-click POST of RFC 8058.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from flask import (
    Blueprint,
    Response,
    abort,
    g,
    make_response,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from limits import parse

from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.jobs import ring
from app.core.security import behind_secret_links, csrf, limiter
from app.core.words import LANGUAGES, catalogue, translate
from app.core.words.language import interface_language, preferred_language, speak, t
from subscribers.audience import links, subscribing
from subscribers.audience.addresses import masked, secrets_in_force
from subscribers.audience.models import EndedReason, Subscription, SubscriptionState, Topic
from subscribers.audience.subscribing import Answer, Asked, Due
from subscribers.mailings.queueing import queue_confirmation, queue_notice

blueprint = Blueprint("subscribing", __name__)
csrf.exempt(blueprint)
behind_secret_links(blueprint)

# Every sign-up takes at least this long to answer, so that the time tells nothing about the
# address. Well above what queueing a mail takes.
ANSWER_SECONDS = 0.15
BAD_LINKS = parse("30/minute")
ONE_CLICK = {"List-Unsubscribe": ["One-Click"]}  # RFC 8058 3.1: exactly this pair


@blueprint.before_request
def _begin() -> None:
    g.began = time.monotonic()


@blueprint.get("/<any(sv, en):language>/subscribe")
def form(language: str) -> ResponseReturnValue:
    """The sign-up form on a page of its own."""
    return render_template("subscribers/subscribe.html", email="", error="")


@blueprint.post("/<any(sv, en):language>/subscribe")
def subscribe(language: str) -> ResponseReturnValue:
    """Ask for the mails. One and the same answer for every address that is one."""
    email = request.form.get("email", "")
    if not request.form.get("website"):  # people do not see that field
        try:
            asked = subscribing.ask(email, language=language, source="form", ip=_ip(), at=now())
        except BadInput:
            return _form_again(email)
        _mail(asked, at=now())
    return _look_in_your_inbox()


@blueprint.get("/confirm/<token>")
def confirming(token: str) -> ResponseReturnValue:
    """A button; following the link as such confirms nothing."""
    with _only_our_links():
        answer, subscription = subscribing.look(token, at=now())
    return _confirm_page(answer, subscription, asks=True)


@blueprint.post("/confirm/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """The button: yes, or a new link in place of one that is too old."""
    with _only_our_links():
        if "again" in request.form:
            _mail(subscribing.ask_again(token, ip=_ip(), at=now()), at=now())
            return _look_in_your_inbox()
        answer, subscription = subscribing.confirm(token, ip=_ip(), at=now())
    db.session.commit()
    return _confirm_page(answer, subscription, asks=False)


@blueprint.get("/unsubscribe/<token>")
def leaving(token: str) -> ResponseReturnValue:
    """A button; following the link as such ends nothing."""
    with _only_our_links():
        said = links.read_unsubscribe(token, secrets=secrets_in_force())
    return _leave_page(subscribing.find(said.public_id))


@blueprint.post("/unsubscribe/<token>")
def leave(token: str) -> ResponseReturnValue:
    """End it: by the button, or by a mailbox provider's one click. Any other body only asks."""
    if _is_one_click():
        reason = EndedReason.ONE_CLICK
    elif request.form.get("confirm") == "1":
        reason = EndedReason.USER_LINK
    else:
        return leaving(token)
    with _only_our_links():
        subscription = subscribing.leave(token, reason=reason, at=now())
    db.session.commit()
    if reason is EndedReason.ONE_CLICK:
        return Response("OK\n", mimetype="text/plain")
    return _leave_page(subscription)


@blueprint.get("/preferences/<token>")
def choosing(token: str) -> ResponseReturnValue:
    """What this person gets, in which language."""
    return _preferences_page(_preferred(token))


@blueprint.post("/preferences/<token>")
def choose(token: str) -> ResponseReturnValue:
    """Change the language, or leave."""
    subscription = _preferred(token)
    if subscription is None or subscription.state is SubscriptionState.ENDED:
        return _leave_page(subscription)
    if request.form.get("leave") == "1":
        subscribing.end(subscription, reason=EndedReason.USER_LINK, at=now())
        db.session.commit()
        return _leave_page(subscription)
    language = request.form.get("language")
    if language not in LANGUAGES:
        return _preferences_page(subscription)
    subscribing.choose_language(subscription, language)
    db.session.commit()
    return _preferences_page(subscription, saved=True)


def _mail(asked: Asked, *, at: datetime) -> None:
    """Queue what is due in the same transaction, and wake the sender."""
    if asked.subscription and asked.mail is Due.CONFIRMATION:
        queue_confirmation(asked.subscription, at=at)
    elif asked.subscription and asked.mail is Due.ALREADY:
        queue_notice(asked.subscription, at=at)
    db.session.commit()
    if asked.mail:
        ring("deliver")


def _look_in_your_inbox() -> ResponseReturnValue:
    """The same bytes after the same time for a new, known, suppressed or erased address."""
    page = render_template("subscribers/inbox.html")
    time.sleep(max(0.0, g.began + ANSWER_SECONDS - time.monotonic()))
    return page


def _form_again(email: str) -> ResponseReturnValue:
    error = t("subscribers.email_unreadable")
    page = render_template("subscribers/subscribe.html", email=email[:320], error=error)
    return make_response(page, 422)


def _confirm_page(
    answer: Answer, subscription: Subscription | None, *, asks: bool
) -> ResponseReturnValue:
    _speak_to(subscription)
    return render_template(
        "subscribers/confirm.html",
        step="ask" if asks and answer is Answer.CONFIRMED else answer.value,
        address=_masked(subscription),
    )


def _leave_page(subscription: Subscription | None) -> ResponseReturnValue:
    _speak_to(subscription)
    return render_template(
        "subscribers/unsubscribe.html",
        has_ended=subscription is None or subscription.state is SubscriptionState.ENDED,
        address=_masked(subscription),
    )


def _preferences_page(
    subscription: Subscription | None, *, saved: bool = False
) -> ResponseReturnValue:
    if subscription is None or subscription.state is SubscriptionState.ENDED:
        return _leave_page(subscription)
    _speak_to(subscription)
    return render_template(
        "subscribers/preferences.html",
        address=_masked(subscription),
        chosen=subscription.subscriber.language,
        topic=topic_name(subscription.topic),
        saved=saved,
    )


def topic_name(topic: Topic) -> str:
    """A topic in this page's words; in the office's where it is one of the office's own."""
    language = interface_language()
    key = f"subscribers.topic.{topic.slug}"
    return translate(key, language) if key in catalogue(language) else topic.name(language)


def _preferred(token: str) -> Subscription | None:
    with _only_our_links():
        said = links.read_preferences(token, secrets=secrets_in_force())
    return subscribing.find(said.public_id)


def _speak_to(subscription: Subscription | None) -> None:
    speak(subscription.subscriber.language if subscription else preferred_language())


def _masked(subscription: Subscription | None) -> str:
    return masked(subscription.subscriber.address) if subscription else ""


def _is_one_click() -> bool:
    # Read first: a provider that leaves out the content type would have no form.
    body = request.get_data(cache=True)
    return request.form.to_dict(flat=False) == ONE_CLICK or body == b"List-Unsubscribe=One-Click"


@contextmanager
def _only_our_links() -> Iterator[None]:
    """404 without a hint for a link that is none of ours, 429 for who goes on guessing.

    Only bad links are counted: a mailbox provider's POSTs all come from a few machines.
    """
    try:
        yield
    except NotFound:
        abort(404 if limiter.limiter.hit(BAD_LINKS, "bad link", _ip()) else 429)


def _ip() -> str:
    return request.remote_addr or ""
