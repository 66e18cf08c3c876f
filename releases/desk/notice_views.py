"""Staff pages of what one is told: the notifications, and which of them one wants."""

from __future__ import annotations

from datetime import date
from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import EVERYBODY, me, only
from app.core.clock import now, today
from app.core.db import db
from app.core.organisation import organisation
from app.core.paging import LARGEST_ID, row_before
from app.core.words.language import interface_language, t
from releases.desk import reading_notices
from releases.desk.models import Notification
from releases.desk.notifying import CHANNELS, Kind, mute, sentence, wants

blueprint = Blueprint("notices", __name__, url_prefix="/office/notifications")


@blueprint.before_request
@auth_required("session")
@only(*EVERYBODY)
def _staff() -> None:
    """Everybody's own."""


@blueprint.app_template_global("unread_notifications")
def unread_notifications() -> int:
    """How many the person has not read; a hundred when they are more. One small question."""
    return reading_notices.unread(me())


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The unread first, then the others, each the newest first."""
    before = row_before()
    page = reading_notices.notices_page(me(), before=before, read="read" in request.args)
    language = interface_language()
    return render_template(
        "office/notices/index.html",
        page=page,
        days=[
            (is_read, day, [(one, sentence(one.kind, one.facts, language)) for one in notices])
            for (is_read, day), notices in groupby(page.items, _part)
        ],
        unread=reading_notices.unread(me()),
    )


def _part(notice: Notification) -> tuple[bool, date]:
    """Whether it has been read, and its day on the organisation's clock."""
    return notice.read_at is not None, today(notice.created_at, organisation().time_zone)


@blueprint.post("/<int:notice_id>/read")
def read(notice_id: int) -> ResponseReturnValue:
    """Mark it as read and, when it was opened, go on to what it tells of."""
    notice = reading_notices.mark_read(me(), notice_id, at=now())
    db.session.commit()
    return redirect(notice.path if "open" in request.form else url_for(".index"))


@blueprint.post("/read")
def read_all() -> ResponseReturnValue:
    """All that there were when the page was shown: what has come since stays unread."""
    upto = min(request.form.get("upto", 0, type=int), LARGEST_ID)
    done = reading_notices.mark_all_read(me(), upto=upto, at=now())
    db.session.commit()
    flash(t("desk.notices.all_read", n=done), "success")
    return redirect(url_for(".index"))


@blueprint.get("/settings")
def settings() -> ResponseReturnValue:
    person = me()
    chosen = {
        f"{kind.value}:{channel}"
        for kind in Kind
        for channel in CHANNELS
        if wants(person, kind, channel)
    }
    return render_template(
        "office/notices/settings.html", kinds=list(Kind), channels=CHANNELS, chosen=chosen
    )


@blueprint.post("/settings")
def save_settings() -> ResponseReturnValue:
    """What is not ticked is not wanted."""
    mute(me(), wanted=set(request.form.getlist("wanted")))
    db.session.commit()
    flash(t("desk.notices.saved"), "success")
    return redirect(url_for(".settings"))
