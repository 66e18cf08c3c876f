"""The office's pages for watching a mailing: as it stands this moment, and to whom it did not go.

Writers and editors watch. Addresses are for editors and admins, as everywhere.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import (
    Blueprint,
    Response,
    jsonify,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue

from app.core import formats
from app.core.accounts import Role, me, only, signed_in_only
from app.core.clock import local, now
from app.core.db import db
from app.core.organisation import organisation
from app.core.paging import row_before
from app.core.words import catalogue
from app.core.words.language import interface_language, t
from subscribers.audience import questions as people
from subscribers.audience.exporting import harmless
from subscribers.mailings import questions
from subscribers.mailings.controlling import GOING
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingKind, MailingState
from subscribers.mailings.questions import mailing_for
from subscribers.mailings.watching import progress as watching
from subscribers.mailings.watching.progress import View, recipients_page
from subscribers.mailings.watching.reasons import reason_of
from subscribers.mailings.watching.tracing import history_of

blueprint = Blueprint("watching", __name__, url_prefix="/office/mailings")
signed_in_only(blueprint)

SHOWN = {
    state.value: state
    for state in (
        DeliveryState.FAILED,
        DeliveryState.DEFERRED,
        DeliveryState.SUPPRESSED,
        DeliveryState.UNCERTAIN,
    )
}
LISTED = (*questions.OF_MANY, MailingKind.WELCOME, MailingKind.CONFIRMATION, MailingKind.NOTICE)
AT_ONCE = 1_000  # rows of the file fetched in one question
COLUMNS = ("address", "state", "code", "status", "reason", "reply", "attempts", "first_try_at")
SLOW = 1.0  # mails a second below which the rate is told by the minute
SOON = timedelta(minutes=1)


@blueprint.app_template_filter("count")
def count(number: int) -> str:
    """`12 345` or `12,345`, as the page's language parts thousands."""
    return formats.amount(Decimal(number), interface_language())


@blueprint.app_template_global("group_name")
def group_name(name: str) -> str:
    """A provider as people call it; a domain that is a group by itself is called by its name."""
    key = f"watching.group.{name}"
    return t(key) if key in catalogue(interface_language()) else name


@blueprint.app_template_global("goes_to")
def goes_to(mailing: Mailing) -> str:
    """Whom a mailing is for, in words that follow on *goes to*."""
    if mailing.kind not in questions.OF_MANY:
        return t("watching.goes_to.singly")
    told = mailing.audience or {}
    if "digest" in told:
        return t(f"watching.goes_to.{told['digest']['frequency']}")
    if mailing.kind is MailingKind.DIGEST:
        return t("watching.goes_to.singly")
    return t(f"after.audience.{next(iter(told), 'everybody')}")


@blueprint.get("/<int:mailing_id>/live")
@only(Role.WRITER, Role.EDITOR)
def live(mailing_id: int) -> ResponseReturnValue:
    """What the page asks for again and again while mails go out."""
    mailing = mailing_for(me(), mailing_id)
    facts = live_facts(mailing)
    return jsonify(
        state=mailing.state.value,
        is_going=mailing.state in GOING,
        summary=facts["summary"],
        html=render_template("office/mailings/_live.html", **facts),
    )


@blueprint.get("/<int:mailing_id>/recipients")
@only(Role.WRITER, Role.EDITOR)
def recipients(mailing_id: int) -> ResponseReturnValue:
    """Those whom it did not reach, by page."""
    mailing = mailing_for(me(), mailing_id)
    show = request.args.get("show", "")
    if show not in SHOWN:
        show = DeliveryState.FAILED.value
    return render_template(
        "office/mailings/recipients.html",
        mailing=mailing,
        show=show,
        page=recipients_page(mailing_id, SHOWN[show], before=row_before(), at=now()),
        may_see=me().may(Role.EDITOR),
        reason=reason_of_row,
        without_addresses=questions.without_addresses,
        shown_tabs=[
            (
                url_for(".recipients", mailing_id=mailing_id, show=one),
                t(f"watching.tab.{one}"),
                one == show,
            )
            for one in SHOWN
        ],
    )


@blueprint.get("/subscribers/<int:subscriber_id>")
@only(Role.EDITOR)
def history(subscriber_id: int) -> ResponseReturnValue:
    """What has happened with one address: each mail, each try, and what came back."""
    before = row_before()
    return render_template(
        "office/mailings/history.html",
        person=people.subscriber(subscriber_id),
        history=history_of(subscriber_id, before=before),
    )


@blueprint.get("/<int:mailing_id>/failed.csv")
@only(Role.EDITOR)
def failed_as_csv(mailing_id: int) -> ResponseReturnValue:
    """Everybody it failed for, written while it is fetched."""
    mailing = mailing_for(me(), mailing_id)
    lines = stream_with_context(failed_lines(mailing.id, at=now()))
    answer = Response(lines, mimetype="text/csv; charset=utf-8")
    name = f'attachment; filename="mailing-{mailing.id}-failed.csv"'
    answer.headers["Content-Disposition"] = name
    return answer


def failed_lines(mailing_id: int, *, at: datetime) -> Iterator[str]:
    """A table of failed deliveries, the newest first; no cell can be taken for a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write("\ufeff")  # Excel takes it for UTF-8
    writer.writerow(COLUMNS)
    before: int | None = None
    while True:
        page = recipients_page(mailing_id, DeliveryState.FAILED, before=before, at=at, size=AT_ONCE)
        for row in page.found:
            cells = (
                row.address,
                row.state.value,
                row.code,
                row.enhanced,
                reason_of_row(row),
                row.reply,
                row.attempts,
                row.first_try_at.isoformat() if row.first_try_at else None,
            )
            writer.writerow([harmless("" if cell is None else str(cell)) for cell in cells])
        db.session.expunge_all()
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        before = page.older
        if before is None:
            return


def reason_of_row(row: Delivery) -> str:
    return reason_of(row.code, row.enhanced, row.reply).value


def list_facts() -> dict[str, Any]:
    """What `office/mailings/index.html` is drawn from: what is on its way, then all that match."""
    before, kind, state = row_before(), request.args.get("kind", ""), request.args.get("state", "")
    # A letter's subject may be a release that nobody else may see yet.
    offered = (*LISTED, MailingKind.LETTER) if me().may(Role.ADMIN) else LISTED
    kinds = [one for one in offered if one.value == kind] or list(questions.OF_MANY)
    wanted = next((one for one in MailingState if one.value == state), None)
    chosen = {
        name: value
        for name, value in (("kind", kind), ("state", state))
        if value in {one.value for one in (*offered, *MailingState)}
    }
    page = questions.mailings(before=before, kinds=kinds, state=wanted)
    running = None if before or chosen else questions.open_mailings()
    return {
        "page": page,
        "running": running,
        "above": {one.id for one in running.mailings} if running else set(),
        "kinds": offered,
        "states": list(MailingState),
        "chosen": chosen,
    }


def live_facts(mailing: Mailing) -> dict[str, Any]:
    """What `office/mailings/_live.html` is drawn from."""
    view = watching.look(mailing, at=now())
    return {
        "mailing": mailing,
        "view": view,
        "pace": pace(mailing, view),
        "summary": _summary(view),
        "bar": _bar(view),
        "numbers": _numbers(view),
    }


def pace(mailing: Mailing, view: View) -> str:
    """`85 mejl i sekunden · klart omkring 14.35`; empty for what is not being sent."""
    if mailing.state not in GOING:
        return ""
    if mailing.stage is MailingState.MATERIALISING:
        return _beginning(mailing, view)
    said = [_rate(view.rate)]
    if view.ends_at is not None:
        soon = view.ends_at - view.at < SOON
        ends = t("watching.ends_soon") if soon else t("watching.ends", clock=_moment(view.ends_at))
        but = f", {t('watching.but_later', n=view.later)}" if view.later else ""
        said.append(ends + but)
    elif view.later:
        said.append(t("watching.later_too", n=view.later))
    return " · ".join(said)


def _beginning(mailing: Mailing, view: View) -> str:
    """Of one that nobody has been written down for."""
    if mailing.starts_at is not None and mailing.starts_at > view.at:
        return t("watching.begins", clock=_moment(mailing.starts_at))
    return t("watching.begins_soon")


def _summary(view: View) -> str:
    """How many are dealt with; of about how many, while they are still being written down."""
    done = count(view.progress.settled)
    if view.expected is None:
        return t("watching.done_of", done=done, all=count(view.progress.audience))
    return t("watching.done_of_about", done=done, all=count(about(view.expected)))


def about(number: int) -> int:
    """A number that is only known roughly, with as many figures as that is worth: two."""
    return round(number, 2 - len(str(number)))


def _rate(rate: float | None) -> str:
    if rate is None:
        return t("watching.rate_counting")
    if rate >= SLOW:
        return t("watching.rate", n=count(round(rate)))
    by_minute = round(rate * 60)
    return t("watching.rate_slow", n=by_minute) if by_minute else t("watching.rate_none")


def _moment(moment: datetime) -> str:
    """The clock today, with its date on another day."""
    language, zone = interface_language(), organisation().time_zone
    clock = formats.clock(moment, language, zone)
    if local(moment, zone).date() == local(now(), zone).date():
        return clock
    return f"{formats.weekday_date(moment, language, zone)} {clock}"


def _bar(view: View) -> list[tuple[str, float, float]]:
    """(which, from, width) of the parts of the bar, in thousandths."""
    counts = view.progress.counts
    parts = (
        ("sent", counts[DeliveryState.SENT]),
        ("failed", counts[DeliveryState.FAILED]),
        (
            "left",
            counts[DeliveryState.SUPPRESSED]
            + counts[DeliveryState.CANCELLED]
            + counts[DeliveryState.UNCERTAIN],
        ),
        ("open", view.in_the_open),
    )
    whole, begins, found = view.expected or view.progress.audience or 1, 0.0, []
    for name, number in parts:
        if number:
            width = round(number * 1000 / whole, 2)
            found.append((name, round(begins, 2), width))
            begins += width
    return found


def _numbers(view: View) -> list[tuple[str, int, str]]:
    """(which, how many, which list of recipients): the first always, the others when there are."""
    counts = view.progress.counts
    always = [
        ("so_far" if view.is_growing else "audience", view.progress.audience, ""),
        ("sent", counts[DeliveryState.SENT], ""),
        ("waiting", view.waiting, ""),
        ("later", view.later, "deferred"),
        ("failed", counts[DeliveryState.FAILED], "failed"),
    ]
    sometimes = [
        ("open", view.in_the_open, ""),
        ("suppressed", counts[DeliveryState.SUPPRESSED], "suppressed"),
        ("cancelled", counts[DeliveryState.CANCELLED], ""),
        ("uncertain", counts[DeliveryState.UNCERTAIN], "uncertain"),
        ("twice", view.uncertain, ""),
        ("bounced", view.returned.hard + view.returned.soft, ""),
        ("complaints", view.returned.complaints, ""),
    ]
    return always + [one for one in sometimes if one[1]]
