"""What subscribers see: the form, and the pages behind the links in our mails.

These pages set no cookie and carry no CSRF token: they act on an address somebody typed or on a
secret link, never on a signed-in browser. Mailbox providers and scanners follow links, so GET
changes nothing; only a button does, or the one-click POST of RFC 8058.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
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
from app.core.security import behind_secret_links, csrf, limiter, set_policy
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, preferred_language, speak, t
from subscribers.audience import links, subscribing
from subscribers.audience.addresses import masked, secrets_in_force
from subscribers.audience.models import (
    EndedReason,
    Frequency,
    Subscription,
    SubscriptionState,
    Topic,
)
from subscribers.audience.subscribing import PRESS_RELEASES, Answer, Asked, Confirmation, Due
from subscribers.audience.topics import known, name_of, offered
from subscribers.mailings import choosing
from subscribers.mailings.writing.queueing import queue_confirmation, queue_notice, queue_welcome

blueprint = Blueprint("subscribing", __name__)
csrf.exempt(blueprint)
behind_secret_links(blueprint)

# Every sign-up takes at least this long to answer, so that the time tells nothing about the
# address. Well above what queueing a mail takes.
ANSWER_SECONDS = 0.15
BAD_LINKS = parse("30/minute")
NOT_AT_ALL = "never"
ONE_CLICK = {"List-Unsubscribe": ["One-Click"]}  # RFC 8058 3.1: exactly this pair


@blueprint.before_request
def _begin() -> None:
    g.began = time.monotonic()


@dataclass(frozen=True)
class Wishes:
    """What somebody has filled in beside the address; `chosen` are topics by their slugs."""

    chosen: tuple[str, ...]
    frequency: Frequency
    language: str

    @property
    def are_special(self) -> bool:
        """Whether the folded part of the form is to stand open."""
        plain = (self.chosen in ((), (PRESS_RELEASES,))) and self.frequency is Frequency.IMMEDIATE
        return not plain or self.language != interface_language()


@blueprint.get("/<any(sv, en):language>/subscribe")
def form(language: str) -> ResponseReturnValue:
    """The sign-up form on a page of its own; `?topic=` ticks a topic."""
    return _form("subscribers/subscribe.html", _wishes(request.args))


@blueprint.post("/<any(sv, en):language>/subscribe")
def subscribe(language: str) -> ResponseReturnValue:
    """Ask for the mails. One and the same answer for every address that is one."""
    source = "site" if request.form.get("from") == "site" else "form"
    return _sign_up(source, page="subscribers/subscribe.html", answer="subscribers/inbox.html")


@blueprint.get("/<any(sv, en):language>/embed/subscribe")
def embedded_form(language: str) -> ResponseReturnValue:
    """The form for a frame on the organisation's own site."""
    return _framed(_form("subscribers/embed.html", _wishes(request.args)))


@blueprint.post("/<any(sv, en):language>/embed/subscribe")
def subscribe_embedded(language: str) -> ResponseReturnValue:
    """The same as `subscribe`, answered within the frame."""
    return _framed(
        _sign_up("site", page="subscribers/embed.html", answer="subscribers/embed_inbox.html")
    )


@blueprint.get("/confirm/<token>")
def confirming(token: str) -> ResponseReturnValue:
    """A button; following the link as such confirms nothing."""
    with _only_our_links():
        looked = subscribing.look(token, at=now())
    return _confirm_page(looked, asks=True)


@blueprint.post("/confirm/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """The button: yes, or a new link in place of one that is too old."""
    at = now()
    with _only_our_links():
        if "again" in request.form:
            _mail(subscribing.ask_again(token, ip=_ip(), at=at), at=at)
            return _look_in_your_inbox()
        confirmed = subscribing.confirm(token, ip=_ip(), at=at)
    welcome = confirmed.answer is Answer.CONFIRMED and confirmed.is_first
    if welcome and confirmed.subscription:
        queue_welcome(confirmed.subscription, together=confirmed.together, at=at)
    db.session.commit()
    if welcome:
        ring("deliver")
    return _confirm_page(confirmed, asks=False)


@blueprint.get("/unsubscribe/<token>")
def leaving(token: str) -> ResponseReturnValue:
    """A button; following the link as such ends nothing."""
    with _only_our_links():
        said = links.read_unsubscribe(token, secrets=secrets_in_force())
    return _leave_page(subscribing.find(said.public_id), said.delivery_id)


@blueprint.post("/unsubscribe/<token>")
def leave(token: str) -> ResponseReturnValue:
    """End it: by a button, or by a mailbox provider's one click. Any other body only asks."""
    at = now()
    if _is_one_click():
        with _only_our_links():
            choosing.leave(token, reason=EndedReason.ONE_CLICK, at=at)
        db.session.commit()
        return Response("OK\n", mimetype="text/plain")
    with _only_our_links():
        said = links.read_unsubscribe(token, secrets=secrets_in_force())
    subscription = subscribing.find(said.public_id)
    pressed = request.form
    if pressed.get("again") == "1":
        return _new_link(subscription, at=at)
    if subscription is not None and pressed.get("confirm") == "1":
        choosing.leave_mail(subscription, said.delivery_id, reason=EndedReason.USER_LINK, at=at)
    elif subscription is not None and pressed.get("all") == "1" and _holds(subscription):
        choosing.leave_all(subscription.subscriber, at=at)
    elif subscription is not None and pressed.get("weekly") == "1" and _is_open(subscription):
        choosing.hear_weekly(choosing.given_by(subscription, said.delivery_id), at=at)
        db.session.commit()
        ring("deliver")
        return _preferences_page(subscription, saved=True)
    db.session.commit()
    return _leave_page(subscription, said.delivery_id)


@blueprint.get("/preferences/<token>", endpoint="choosing")
def choosing_page(token: str) -> ResponseReturnValue:
    """What this person gets, how often, in which language."""
    return _preferences_page(_preferred(token))


@blueprint.post("/preferences/<token>")
def choose(token: str) -> ResponseReturnValue:
    """Change topics, how often and language; leave everything; or have a new link mailed.

    A topic that is new starts when the address's owner has confirmed it, as with the form.
    """
    at, subscription = now(), _preferred(token)
    if subscription is not None and request.form.get("again") == "1":
        return _new_link(subscription, at=at)
    if subscription is None or not _holds(subscription):
        return _leave_page(subscription)
    person = subscription.subscriber
    if request.form.get("leave") == "1":
        choosing.leave_all(person, at=at)
        db.session.commit()
        return _leave_page(subscription)
    active = subscribing.active_of(person.id)
    language = request.form.get("language")
    changed = choosing.change(
        {one: _wished(one.topic.slug, one.frequency) for one in active}, at=at
    )
    if language in LANGUAGES and language != person.language:
        subscribing.choose_language(person, language)
        changed = True
    asked = _ask_for_more(subscription, {one.topic.slug for one in active}, at=at)
    _mail(asked, at=at)
    if changed:
        ring("deliver")
    return _preferences_page(subscription, saved=changed, asked=asked is not None)


def _sign_up(source: str, *, page: str, answer: str) -> ResponseReturnValue:
    email, wishes, at = request.form.get("email", ""), _wishes(request.form), now()
    if not request.form.get("website"):  # people do not see that field
        try:
            asked = subscribing.ask(
                email,
                language=wishes.language,
                topics=known(wishes.chosen),
                frequency=wishes.frequency,
                source=source,
                ip=_ip(),
                at=at,
            )
        except BadInput:
            error = t("subscribers.email_unreadable")
            return make_response(_form(page, wishes, email=email[:320], error=error), 422)
        _mail(asked, at=at)
    return _look_in_your_inbox(answer)


def _form(page: str, wishes: Wishes, *, email: str = "", error: str = "") -> str:
    return render_template(
        page,
        email=email,
        error=error,
        wishes=wishes,
        topics=[one for one in offered() if one.slug != PRESS_RELEASES],
        topic_name=topic_name,
        frequencies=_frequencies(),
    )


def _wishes(given: Any) -> Wishes:
    """From a form or a query, whatever it holds: what is no choice of ours is not heard."""
    language = given.get("language", "")
    return Wishes(
        chosen=tuple(given.getlist("topic")),
        frequency=_frequency(given.get("frequency", "")) or Frequency.IMMEDIATE,
        language=language if language in LANGUAGES else interface_language(),
    )


def _frequency(text: str) -> Frequency | None:
    return Frequency(text) if text in set(Frequency) else None


def _frequencies() -> list[tuple[str, str]]:
    return [(one.value, t(f"subscribers.frequency.{one.value}")) for one in Frequency]


def _wished(slug: str, now_is: Frequency) -> Frequency | None:
    """What the page of choices says of a topic; as it is when it says nothing of it."""
    said = request.form.get(f"topic-{slug}", now_is.value)
    return None if said == NOT_AT_ALL else _frequency(said) or now_is


def _ask_for_more(subscription: Subscription, had: set[str], *, at: datetime) -> Asked | None:
    """Topics that are wished for and not subscribed to: their owner is asked by mail."""
    wished = [
        (one.slug, frequency)
        for one in offered()
        if one.slug not in had
        and (frequency := _frequency(request.form.get(f"topic-{one.slug}", "")))
    ]
    person = subscription.subscriber
    if not wished or not person.address:
        return None
    return subscribing.ask_for(
        person.address,
        dict(wished),
        language=person.language,
        source="preferences",
        ip=_ip(),
        at=at,
    )


def _mail(asked: Asked | None, *, at: datetime) -> None:
    """Queue what is due in the same transaction, and wake the sender."""
    if asked and asked.subscription and asked.mail is Due.CONFIRMATION:
        queue_confirmation(asked.subscription, adds=asked.adds, at=at)
    elif asked and asked.subscription and asked.mail is Due.ALREADY:
        queue_notice(asked.subscription, at=at)
    db.session.commit()
    if asked and asked.mail:
        ring("deliver")


def _new_link(subscription: Subscription | None, *, at: datetime) -> ResponseReturnValue:
    if subscription is not None:
        _mail(subscribing.ask_for_link(subscription, ip=_ip(), at=at), at=at)
        _speak_to(subscription)
    return _look_in_your_inbox()


def _look_in_your_inbox(page: str = "subscribers/inbox.html") -> ResponseReturnValue:
    """The same bytes after the same time for a new, known, suppressed or erased address.

    What takes longer than one span is answered at the end of the second, and so on.
    """
    text = render_template(page)
    if ANSWER_SECONDS:
        time.sleep(ANSWER_SECONDS - (time.monotonic() - g.began) % ANSWER_SECONDS)
    return text


def _framed(answer: ResponseReturnValue) -> Response:
    """For frames on other sites, which may do nothing but send the form."""
    response = set_policy(current_app.make_response(answer), frame_ancestors="*")
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _confirm_page(said: Confirmation, *, asks: bool) -> ResponseReturnValue:
    _speak_to(said.subscription)
    return render_template(
        "subscribers/confirm.html",
        step="ask" if asks and said.answer is Answer.CONFIRMED else said.answer.value,
        address=_masked(said.subscription),
        following=_following(said.together),
    )


def _leave_page(subscription: Subscription | None, delivery_id: int = 0) -> ResponseReturnValue:
    _speak_to(subscription)
    has_ended = subscription is None or not _is_open(subscription)
    came_for, others = [], []
    if subscription is not None and _holds(subscription):
        came_for = choosing.given_by(subscription, delivery_id) if not has_ended else []
        active = subscribing.active_of(subscription.subscriber_id)
        others = [one for one in active if one not in came_for]
    return render_template(
        "subscribers/unsubscribe.html",
        has_ended=has_ended,
        address=_masked(subscription),
        came_for=_following(came_for),
        others=_following(others),
        may_be_weekly=any(one.frequency is not Frequency.WEEKLY for one in came_for),
        here=_here("unsubscribe", subscription, delivery_id) if subscription else "",
    )


def _preferences_page(
    subscription: Subscription | None, *, saved: bool = False, asked: bool = False
) -> ResponseReturnValue:
    if subscription is None or not _holds(subscription):
        return _leave_page(subscription)
    _speak_to(subscription)
    open_ones = {one.topic.slug: one for one in subscribing.open_of(subscription.subscriber_id)}
    active = {slug: one for slug, one in open_ones.items() if one.state is SubscriptionState.ACTIVE}
    topics = list(offered())
    topics += [one.topic for one in open_ones.values() if one.topic not in topics]
    return render_template(
        "subscribers/preferences.html",
        address=_masked(subscription),
        chosen=subscription.subscriber.language,
        rows=[
            (
                one.slug,
                topic_name(one),
                active[one.slug].frequency.value if one.slug in active else NOT_AT_ALL,
                one.slug in open_ones and one.slug not in active,
            )
            for one in topics
        ],
        frequencies=[*_frequencies(), (NOT_AT_ALL, t("subscribers.frequency.not_at_all"))],
        saved=saved,
        asked=asked,
        here=_here("preferences", subscription),
    )


def _following(subscriptions: Sequence[Subscription]) -> list[tuple[str, str]]:
    """Topics by name, each with how often."""
    return [
        (topic_name(one.topic), t(f"subscribers.frequency.{one.frequency.value}"))
        for one in subscriptions
    ]


def topic_name(topic: Topic) -> str:
    """A topic in this page's words; in the office's where it is one of the office's own."""
    return name_of(topic, interface_language())


def _preferred(token: str) -> Subscription | None:
    with _only_our_links():
        said = links.read_preferences(token, secrets=secrets_in_force())
    return subscribing.find(said.public_id)


def _is_open(subscription: Subscription) -> bool:
    return subscription.state is not SubscriptionState.ENDED


def _holds(subscription: Subscription) -> bool:
    """Whether a link to a subscription still speaks for its person.

    Not when all that there was at its end has ended too: whoever came back later is somebody with
    new links, and mails of old have long been forwarded.
    """
    if subscription.ended_at is None:
        return True
    ended_at = subscription.ended_at
    active = subscribing.active_of(subscription.subscriber_id)
    return any(one.consent_at is not None and one.consent_at <= ended_at for one in active)


def _here(kind: str, subscription: Subscription, delivery_id: int = 0) -> str:
    """Where a page's buttons go, whichever link it stands behind."""
    make = links.unsubscribe_token if kind == "unsubscribe" else links.preferences_token
    secret = secrets_in_force()[0]
    return f"/{kind}/{make(subscription.public_id, delivery_id=delivery_id, secret=secret)}"


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
