"""The office's pages about mailings: how far, what failed, and the brake.

Writers may look. Pausing, going on and calling off are for editors and admins.
"""

from __future__ import annotations

import email.policy
import re
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from functools import partial

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core import jobs
from app.core.accounts import Role, me, only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, DomainError, NotNow
from app.core.security import CONTENT_SECURITY_POLICY
from app.core.words import translate
from app.core.words.language import interface_language, t
from subscribers.mailings import controlling, questions
from subscribers.mailings.controlling import GOING, OPEN
from subscribers.mailings.models import Mailing, MailingPart, MailingState
from subscribers.mailings.questions import Progress, mailing_for
from subscribers.mailings.writing import trying
from subscribers.mailings.writing.messages import Prepared, Slot
from subscribers.watching_views import list_facts, live_facts

blueprint = Blueprint("mailings", __name__, url_prefix="/office/mailings")

# The frozen mail as a page: no script, no form, no way out, only its own styles.
FRAME_POLICY = "; ".join(
    (
        "sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "frame-ancestors 'self'",
    )
)
NOBODY = {slot: slot.name.lower().encode() for slot in Slot}
NOBODY[Slot.TO] = b"reader@example.org"


@blueprint.before_request
@auth_required("session")
@only(Role.WRITER, Role.EDITOR)
def _writers_only() -> None:
    """Mailings are for those who write and those who publish."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    return render_template("office/mailings/index.html", **list_facts())


@blueprint.get("/<int:mailing_id>")
def show(mailing_id: int) -> ResponseReturnValue:
    return _page(_mailing(mailing_id))


@blueprint.get("/<int:mailing_id>/progress")
def progress(mailing_id: int) -> ResponseReturnValue:
    """What the page asks for again and again while mails go out."""
    mailing = _mailing(mailing_id)
    return jsonify(questions.as_data(mailing, Progress(questions.counts(mailing_id))))


@blueprint.get("/<int:mailing_id>/html")
def html(mailing_id: int) -> ResponseReturnValue:
    """The frozen mail as a page whose links lead nowhere."""
    answer = Response(without_links(_part(_mailing(mailing_id), "html")), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = FRAME_POLICY
    return answer


@blueprint.post("/<int:mailing_id>/pause")
@only(Role.EDITOR)
def pause(mailing_id: int) -> ResponseReturnValue:
    return _control(mailing_id, controlling.pause, "mailings.paused")


@blueprint.post("/<int:mailing_id>/resume")
@only(Role.EDITOR)
def resume(mailing_id: int) -> ResponseReturnValue:
    answer = _control(mailing_id, controlling.resume, "mailings.resumed")
    jobs.ring("deliver")
    return answer


@blueprint.get("/<int:mailing_id>/cancel")
@only(Role.EDITOR)
def ask_to_cancel(mailing_id: int) -> ResponseReturnValue:
    mailing = _mailing(mailing_id)
    if mailing.state not in OPEN:
        return redirect(url_for("mailings.show", mailing_id=mailing_id))
    found = Progress(questions.counts(mailing_id))
    return render_template("office/mailings/cancel.html", mailing=mailing, progress=found)


@blueprint.post("/<int:mailing_id>/cancel")
@only(Role.EDITOR)
def cancel(mailing_id: int) -> ResponseReturnValue:
    return _control(mailing_id, controlling.cancel, "mailings.cancelled")


@blueprint.post("/<int:mailing_id>/uncertain")
@only(Role.EDITOR)
def uncertain(mailing_id: int) -> ResponseReturnValue:
    """Whether what may have been taken waits for a person from now on."""
    hold = request.form.get("hold") == "1"
    verb = partial(controlling.hold_uncertain, hold=hold)
    return _control(mailing_id, verb, "pacing.uncertain_hold" if hold else "pacing.uncertain_send")


@blueprint.post("/<int:mailing_id>/decide")
@only(Role.EDITOR)
def decide(mailing_id: int) -> ResponseReturnValue:
    """What becomes of the mails that wait for that."""
    again = request.form.get("again") == "1"
    verb = partial(controlling.decide, again=again)
    answer = _control(mailing_id, verb, "pacing.sent_again" if again else "pacing.counted_as_sent")
    jobs.ring("deliver")
    return answer


@blueprint.post("/<int:mailing_id>/test")
@only(Role.WRITER, Role.EDITOR)
def send_test(mailing_id: int) -> ResponseReturnValue:
    """One test mail: to the address typed, or to whoever asks."""
    mailing, to = _mailing(mailing_id), request.form.get("to", "").strip() or me().email
    try:
        trying.send_test(mailing, to=to, by=me(), at=now())
    except (BadInput, NotNow) as error:
        return _page(mailing, test_to=to, test_error=error), 422
    db.session.commit()
    jobs.ring("deliver")
    flash(translate("pacing.test.sent", interface_language(), to=to), "success")
    return redirect(url_for("mailings.show", mailing_id=mailing_id))


def _page(
    mailing: Mailing, *, test_to: str = "", test_error: DomainError | None = None
) -> Response:
    may_control = me().may(Role.EDITOR)
    is_open = mailing.state in OPEN
    page = render_template(
        "office/mailings/show.html",
        **live_facts(mailing),
        text=_part(mailing, "plain"),
        is_going=mailing.state in GOING,
        may_pause=may_control and mailing.state in GOING,
        may_resume=may_control and mailing.state is MailingState.PAUSED,
        may_cancel=may_control and is_open,
        may_decide=may_control and is_open and mailing.kind in trying.TRIED,
        undecided=controlling.undecided(mailing) if may_control and is_open else 0,
        may_try=mailing.kind in trying.TRIED,
        test_to=test_to or me().email,
        test_error=t(f"errors.{test_error.key}", **test_error.facts) if test_error else "",
        only_to_me=not may_control,
    )
    answer = make_response(page)
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return answer


def _control(mailing_id: int, verb: Callable[..., object], said: str) -> ResponseReturnValue:
    verb(_mailing(mailing_id), by=me(), at=now())
    db.session.commit()
    flash(translate(said, interface_language()), "success")
    return redirect(url_for("mailings.show", mailing_id=mailing_id))


def _mailing(mailing_id: int) -> Mailing:
    """Raises NotFound."""
    return mailing_for(me(), mailing_id)


def _part(mailing: Mailing, kind: str) -> str:
    """One form of the frozen mail, 'plain' or 'html', as it reads for nobody in particular."""
    frozen = db.session.scalar(
        sa.select(MailingPart.template).where(MailingPart.mailing_id == mailing.id)
    )
    if frozen is None:
        abort(404)
    raw = re.sub(rb"(?m)^\.\.", b".", Prepared(frozen).fill(NOBODY))  # SMTP's doubled dots
    message: EmailMessage = BytesParser(policy=email.policy.default).parsebytes(raw)
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""


def without_links(page: str) -> str:
    """The same page with links that look like links and lead nowhere."""
    href = r"""(?i)(<a\b[^>]*?)\shref\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)"""
    return re.sub(href, r'\1 href="#"', page)
