"""The office's pages about subscribers: how many, who, and what happened to them.

Writers see how many there are. Addresses are for editors and admins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, me, only, signed_in
from app.core.audit import record, sentence
from app.core.clock import now
from app.core.db import db
from app.core.errors import DomainError
from app.core.jobs import ring
from app.core.paging import row_before
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, t
from subscribers.audience import (
    blocking,
    consent_texts,
    erasing,
    exporting,
    importing,
    questions,
    subscribing,
    topics,
)
from subscribers.audience.importing import LeftOut
from subscribers.audience.models import (
    EndedReason,
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionState,
    Topic,
)
from subscribers.audience.questions import Wanted
from subscribers.audience.reading import list_of_one
from subscribers.mailings import disclosing, inviting
from subscribers.mailings.disclosing import Mailed
from subscribers.mailings.questions import carried
from subscribers.mailings.watching.tracing import silenced

blueprint = Blueprint("subscribers", __name__, url_prefix="/office/subscribers")


@dataclass(frozen=True)
class Event:
    """One line of a subscriber's history."""

    at: datetime
    text: str
    reason: str = ""
    who: str = ""


@blueprint.before_request
@auth_required("session")
@only(Role.WRITER, Role.EDITOR)
def _writers_only() -> None:
    """Not for those who only review."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Counts for everybody; the list, its search and filters for editors."""
    if not _may_manage():
        return render_template("office/subscribers/counts.html", counts=questions.counts())
    wanted = _wanted()
    if "@" in wanted.text and (found := questions.by_address(wanted.text)):
        return redirect(url_for("subscribers.show", subscriber_id=found.id))
    before = row_before()
    page = questions.page(wanted, before=before)
    return render_template(
        "office/subscribers/index.html",
        counts=questions.counts(),
        page=page,
        silent=blocking.silent_among(page.people),
        before=before,
        wanted=wanted,
        topics=topics.offered(),
        topic_name=topic_name,
        states=list(SubscriptionState),
        frequencies=list(Frequency),
        reasons=list(EndedReason),
        standing=standing,
    )


@blueprint.get("/<int:subscriber_id>")
@only(Role.EDITOR)
def show(subscriber_id: int) -> ResponseReturnValue:
    """One subscriber: what they get, what they said yes to, and all that has happened."""
    person = questions.subscriber(subscriber_id)
    mails, suppressions = disclosing.mails_to(person), questions.suppressions(person)
    return render_template(
        "office/subscribers/show.html",
        person=person,
        events=_events(person, mails),
        mails=mails,
        carried=carried,
        suppressions=suppressions,
        is_silent=any(one.scope == "all" for one in suppressions),
        silenced=silenced(person),
        why=suppressed_because,
        topic_name=topic_name,
        source=source,
        consent=lambda one: consent_texts.words_of(one.consent_text_version, interface_language()),
    )


@blueprint.get("/new")
@only(Role.EDITOR)
def adding() -> ResponseReturnValue:
    """One address: asked first, or with a basis as for a list."""
    return _add_page({}, errors={})


@blueprint.post("/new")
@only(Role.EDITOR)
def add() -> ResponseReturnValue:
    """Add one address by the rules of an import: who left, or must not be written to, stays out."""
    given = request.form
    asks = given.get("how") != "basis"
    at = now()
    language = given.get("language", "")
    try:
        reports = importing.import_file(
            list_of_one(given.get("email", "")),
            basis=given.get("basis", ""),
            language=language,
            topics=given.getlist("topic"),
            frequency=_frequency(given.get("frequency", "")),
            ask=inviting.invite(language=language, at=at) if asks else None,
            by=me(),
            at=at,
        )
        *_, report = reports
    except DomainError as error:
        db.session.rollback()
        fields = {"import_basis_missing": "basis", "import_topic_missing": "topic"}
        message = t(f"errors.{error.key}", **error.facts)
        return _add_page(given, errors={fields.get(error.key, "email"): [message]})
    if report.left_out:
        reason = next(importing.left_out(report.run_id)).reason
        db.session.rollback()  # nothing came in, so there was no import
        return _add_page(given, errors={"email": [_why_not(reason)]})
    db.session.commit()
    ring("deliver")
    key = "already" if not report.imported else "asked" if asks else "added"
    flash(t(f"people.add.{key}"), "success" if report.imported else "info")
    person = questions.by_address(given.get("email", ""))
    if person is None:
        return redirect(url_for("subscribers.index"))
    return redirect(url_for("subscribers.show", subscriber_id=person.id))


@blueprint.post("/export")
@only(Role.EDITOR)
def export() -> ResponseReturnValue:
    """Everybody who is wanted, as a file written while it is fetched."""
    wanted = _wanted()
    record(
        "subscriber.export_list",
        "subscriber",
        None,
        by=me(),
        at=now(),
        filters=[name for name in wanted.in_address() if name != "text"],
    )
    db.session.commit()
    answer = Response(stream_with_context(exporting.lines(wanted)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="subscribers.csv"'
    return answer


@blueprint.post("/<int:subscriber_id>/data")
@only(Role.EDITOR)
def hand_out(subscriber_id: int) -> ResponseReturnValue:
    """All that is kept about one person, to be handed to them."""
    person = questions.subscriber(subscriber_id)
    data = disclosing.everything_about(person, at=now())
    record("subscriber.give_out", "subscriber", person.id, by=me(), at=now())
    db.session.commit()
    answer = Response(json.dumps(data, ensure_ascii=False, indent=2), mimetype="application/json")
    name = f"subscriber-{person.id}.json"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@blueprint.get("/<int:subscriber_id>/erase")
@only(Role.EDITOR)
def erasing_one(subscriber_id: int) -> ResponseReturnValue:
    """Ask once more."""
    return _ask_again("erase", questions.subscriber(subscriber_id))


@blueprint.post("/<int:subscriber_id>/erase")
@only(Role.EDITOR)
def erase(subscriber_id: int) -> ResponseReturnValue:
    person = questions.subscriber(subscriber_id)
    if person.address:
        erasing.erase(person.address, at=now())
        record("subscriber.erase", "subscriber", person.id, by=me(), at=now())
        db.session.commit()
    flash(t("people.erased"), "success")
    return redirect(url_for("subscribers.show", subscriber_id=subscriber_id))


@blueprint.get("/<int:subscriber_id>/block")
@only(Role.EDITOR)
def blocking_one(subscriber_id: int) -> ResponseReturnValue:
    """Ask for the reason."""
    return _ask_again("block", questions.subscriber(subscriber_id))


@blueprint.post("/<int:subscriber_id>/block")
@only(Role.EDITOR)
def block(subscriber_id: int) -> ResponseReturnValue:
    person = questions.subscriber(subscriber_id)
    reason = request.form.get("because", "")
    try:
        blocking.block(person.address or "", because=reason, by=me(), at=now())
    except DomainError as error:
        db.session.rollback()
        return _ask_again("block", person, error=t(f"errors.{error.key}", **error.facts))
    db.session.commit()
    flash(t("people.blocked"), "success")
    return redirect(url_for("subscribers.show", subscriber_id=subscriber_id))


@blueprint.get("/subscriptions/<int:subscription_id>/end")
@only(Role.EDITOR)
def ending(subscription_id: int) -> ResponseReturnValue:
    """Ask once more."""
    subscription = questions.subscription(subscription_id)
    return render_template(
        "office/subscribers/end.html",
        subscription=subscription,
        topic=topic_name(subscription.topic),
    )


@blueprint.post("/subscriptions/<int:subscription_id>/end")
@only(Role.EDITOR)
def end(subscription_id: int) -> ResponseReturnValue:
    subscription = questions.subscription(subscription_id)
    ended = subscribing.end(subscription, reason=EndedReason.ADMIN, at=now())
    if ended:
        record("subscriber.end", "subscriber", subscription.subscriber_id, by=me(), at=now())
    db.session.commit()
    flash(t("subscribers.office.ended" if ended else "subscribers.office.ended_before"), "success")
    return redirect(url_for("subscribers.show", subscriber_id=subscription.subscriber_id))


def topic_name(topic: Topic) -> str:
    return topics.name_of(topic, interface_language())


def source(subscription: Subscription) -> str:
    """Where a subscription came from, in words: our own form, or the basis of an import."""
    ours = {"form", "site", "preferences"}
    given = subscription.consent_source
    return t(f"subscribers.source.{given}") if given in ours else given


def standing(person: Subscriber) -> SubscriptionState:
    """What somebody is by all their subscriptions: the liveliest counts."""
    states = {one.state for one in person.subscriptions}
    order = (SubscriptionState.ACTIVE, SubscriptionState.PENDING)
    return next((state for state in order if state in states), SubscriptionState.ENDED)


def suppressed_because(reason: str) -> str:
    """Why an address must not be written to, in words."""
    known = {"blocked", "bounce", "complaint", "erased", "left", "admin"}
    return t(f"people.because.{reason if reason in known else 'other'}")


def _wanted() -> Wanted:
    """What the address asks for; what is no word of ours asks for nothing."""
    given = request.values
    states, reasons = {one.value for one in SubscriptionState}, {one.value for one in EndedReason}
    frequencies = {one.value for one in Frequency}

    def one_of(name: str, words: set[str]) -> str:
        value = given.get(name, "")
        return value if value in words else ""

    return Wanted(
        text=(given.get("text") or given.get("email") or "").strip()[:320],
        state=one_of("state", states),
        topic=given.get("topic", "")[:100],
        language=one_of("language", set(LANGUAGES)),
        frequency=one_of("frequency", frequencies),
        reason=one_of("reason", reasons),
    )


def _frequency(text: str) -> Frequency:
    return Frequency(text) if text in {one.value for one in Frequency} else Frequency.IMMEDIATE


def _why_not(reason: LeftOut) -> str:
    why = t(f"subscribers.left_out.{reason.value}")
    return f"{why[:1].upper()}{why[1:]}."


def _add_page(given: object, *, errors: dict[str, list[str]]) -> ResponseReturnValue:
    chosen = given.getlist("topic") if hasattr(given, "getlist") else [subscribing.PRESS_RELEASES]
    page = render_template(
        "office/subscribers/add.html",
        given=given,
        errors=errors,
        chosen=chosen,
        topics=topics.offered(),
        topic_name=topic_name,
        frequencies=list(Frequency),
    )
    return (page, 422) if errors else page


def _ask_again(what: str, person: Subscriber, *, error: str = "") -> ResponseReturnValue:
    page = render_template(
        f"office/subscribers/{what}.html", person=person, error=error, given=request.form
    )
    return (page, 422) if error else page


def _events(person: Subscriber, mails: Sequence[Mailed]) -> Sequence[Event]:
    """All that has happened, the latest first."""
    events = [event for one in person.subscriptions for event in _events_of(one)]
    events += [event for one in mails for event in _events_of_mail(one)]
    language = interface_language()
    topics_by_slug = {one.topic.slug: topic_name(one.topic) for one in person.subscriptions}
    for act in disclosing.acts_about(person):
        about = topics_by_slug.get(str(act.facts.get("topic")), "")
        events.append(Event(act.at, sentence(act, language), about))
    for one in questions.suppressions(person):
        text = t("people.event.suppressed")
        events.append(Event(one.created_at, text, suppressed_because(one.reason)))
    if person.erased_at:
        events.append(Event(person.erased_at, t("people.event.erased")))
    return sorted(events, key=lambda event: event.at, reverse=True)


def _events_of(one: Subscription) -> list[Event]:
    topic = topic_name(one.topic)
    is_import = not one.consent_text_version  # nobody has read our sentence
    events = []
    if is_import and one.consent_at:
        text = t("subscribers.office.event.imported", topic=topic)
        events.append(Event(one.consent_at, text, source(one)))
    else:
        text = t("subscribers.office.event.asked", topic=topic)
        events.append(Event(one.asked_at, text, source(one)))
    if one.consent_at and not is_import:
        text = t("subscribers.office.event.consented", topic=topic)
        events.append(Event(one.consent_at, text))
    if one.ended_at and one.ended_reason:
        text = t("subscribers.office.event.ended", topic=topic)
        events.append(Event(one.ended_at, text, t(f"subscribers.reason.{one.ended_reason.value}")))
    return events


def _events_of_mail(one: Mailed) -> Iterator[Event]:
    subject = one.delivery.mailing.subject
    if one.delivery.sent_at:
        text = t("people.event.sent", subject=subject)
        yield Event(one.delivery.sent_at, text, one.delivery.reply or "")
    told = {event.said for event in one.events}  # what was refused on the spot stands there too
    for attempt in one.attempts:
        if attempt.reply in told:
            continue
        yield Event(attempt.at, t("people.event.refused", subject=subject), attempt.reply)
    for event in one.events:
        text = t(f"people.event.back.{event.kind.value}", subject=subject)
        yield Event(event.received_at, text, event.said)


def _may_manage() -> bool:
    person = signed_in()
    return person is not None and person.may(Role.EDITOR)
