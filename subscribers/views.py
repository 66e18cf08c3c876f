"""The office's pages about subscribers: how many, who, and what happened to them.

Writers see how many there are. Addresses are for editors and admins, who import lists and end
subscriptions; adding one person is nobody's, since only the person can say yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required
from sqlalchemy.orm import contains_eager

from app.core.accounts import Role, me, only, signed_in
from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.errors import DomainError, NotFound
from app.core.paging import row_before
from app.core.words.language import t
from subscribers.audience import importing, questions, subscribing
from subscribers.audience.importing import Report
from subscribers.audience.models import EndedReason, Subscriber, Subscription
from subscribers.mailings.models import Delivery, Mailing
from subscribers.mailings.questions import carried
from subscribers.public import topic_name

FORMS = ("form", "site", "preferences")  # where people have said yes themselves

blueprint = Blueprint("subscribers", __name__, url_prefix="/office/subscribers")

LATEST = 20
SHOWN = 200  # rows of an import's report on the page


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
    """Counts for everybody; the list, or the search for one address, for editors."""
    if not _may_manage():
        return render_template("office/subscribers/counts.html", counts=questions.counts())
    email = request.args.get("email", "").strip()
    if email and (found := questions.by_address(email)):
        return redirect(url_for("subscribers.show", subscriber_id=found.id))
    before = row_before()
    return render_template(
        "office/subscribers/index.html",
        counts=questions.counts(),
        page=questions.page(before=before),
        before=before,
        email=email,
        source=source,
    )


@blueprint.get("/<int:subscriber_id>")
@only(Role.EDITOR)
def show(subscriber_id: int) -> ResponseReturnValue:
    """One subscriber's history."""
    person = questions.subscriber(subscriber_id)
    return render_template(
        "office/subscribers/show.html",
        person=person,
        events=_events(person),
        deliveries=_latest_deliveries(person),
        carried=carried,
        suppressed=bool(questions.suppressions(person)),
        topic_name=topic_name,
    )


@blueprint.get("/subscriptions/<int:subscription_id>/end")
@only(Role.EDITOR)
def ending(subscription_id: int) -> ResponseReturnValue:
    """Ask once more."""
    subscription = _subscription(subscription_id)
    return render_template("office/subscribers/end.html", subscription=subscription)


@blueprint.post("/subscriptions/<int:subscription_id>/end")
@only(Role.EDITOR)
def end(subscription_id: int) -> ResponseReturnValue:
    subscription = _subscription(subscription_id)
    ended = subscribing.end(subscription, reason=EndedReason.ADMIN, at=now())
    if ended:
        record("subscriber.end", "subscriber", subscription.subscriber_id, by=me(), at=now())
    db.session.commit()
    flash(t("subscribers.office.ended" if ended else "subscribers.office.ended_before"), "success")
    return redirect(url_for("subscribers.show", subscriber_id=subscription.subscriber_id))


@blueprint.get("/import")
@only(Role.EDITOR)
def import_form() -> ResponseReturnValue:
    return render_template("office/subscribers/import.html", errors={}, given={})


@blueprint.post("/import")
@only(Role.EDITOR)
def import_file() -> ResponseReturnValue:
    """Import, a batch at a time, then the report. What is refused leaves everything as it was."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _import_again("file", t("subscribers.office.import_no_file"))
    basis = request.form.get("basis", "")
    language = request.form.get("language", "")
    try:
        report = _committed(
            importing.import_file(file.stream, basis=basis, language=language, by=me(), at=now())
        )
    except DomainError as error:
        db.session.rollback()
        field = "basis" if error.key == "import_basis_missing" else "file"
        return _import_again(field, t(f"errors.{error.key}", **error.facts))
    left_out = list(islice(importing.left_out(report.run_id), SHOWN))
    return render_template(
        "office/subscribers/report.html", report=report, left_out=left_out, shown=SHOWN
    )


def _committed(batches: Iterator[Report]) -> Report:
    """The whole import, kept batch by batch."""
    report = Report(0)
    for latest in batches:
        db.session.commit()
        report = latest
    return report


def _import_again(field: str, message: str) -> ResponseReturnValue:
    page = render_template(
        "office/subscribers/import.html", errors={field: [message]}, given=request.form
    )
    return page, 422


def _events(person: Subscriber) -> Sequence[Event]:
    """What the subscriptions tell, the latest first."""
    events = [event for one in person.subscriptions for event in _events_of(one)]
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


def source(subscription: Subscription) -> str:
    """Where a subscription came from, in words: our own form, or the basis of an import."""
    given = subscription.consent_source
    return t(f"subscribers.source.{given}") if given in FORMS else given


def _latest_deliveries(person: Subscriber) -> Sequence[Delivery]:
    return db.session.scalars(
        sa.select(Delivery)
        .join(Mailing)
        .options(contains_eager(Delivery.mailing))
        .where(Delivery.subscriber_id == person.id)
        .order_by(Delivery.id.desc())
        .limit(LATEST)
    ).all()


def _subscription(subscription_id: int) -> Subscription:
    found = db.session.get(Subscription, subscription_id)
    if found is None:
        raise NotFound("no_such_subscriber")
    return found


def _may_manage() -> bool:
    person = signed_in()
    return person is not None and person.may(Role.EDITOR)
