"""The demo's mail catcher on a page: what would have gone out, and a way to walk on from there.

A link in a caught mail opens in a new tab, as it would from a mailbox. The HTML of a mail is shown
in a frame of its own, under a policy that lets it do nothing else. There is no such page (404) in
an installation that has no PRESSRUM_OUTBOX.
"""

from __future__ import annotations

import email.policy
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.security import CONTENT_SECURITY_POLICY

SHOWN = 100
TELLING = ("From", "Reply-To", "Content-Language", "List-Unsubscribe", "List-Unsubscribe-Post")
MAIL_POLICY = "; ".join(
    (
        "sandbox allow-popups allow-popups-to-escape-sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "frame-ancestors 'self'",
    )
)

blueprint = Blueprint("outbox", __name__, url_prefix="/office/outbox")


@dataclass(frozen=True)
class Caught:
    """One mail in the catcher's folder."""

    name: str
    message: EmailMessage

    @property
    def at(self) -> datetime:
        """When it was caught; the file's name begins with it, in microseconds."""
        return datetime.fromtimestamp(int(self.name.partition("-")[0]) / 1_000_000, UTC)

    @property
    def to(self) -> str:
        return str(self.message["X-Envelope-To"] or "")

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.message.items()]

    @property
    def telling(self) -> list[tuple[str, str]]:
        """The headers that a mailbox goes by."""
        return [(name, str(self.message[name])) for name in TELLING if self.message[name]]

    @property
    def leave_address(self) -> str:
        """Where one click in the mailbox would post to (RFC 8058); empty without such a header."""
        found = re.search(r"<(https?://[^>\s]+)>", str(self.message["List-Unsubscribe"] or ""))
        return found.group(1) if found and self.message["List-Unsubscribe-Post"] else ""

    def part(self, kind: str) -> str | None:
        """The mail's text in one form, 'plain' or 'html'; None when it has none."""
        body = self.message.get_body((kind,))
        return None if body is None else str(body.get_content())


@blueprint.before_request
@auth_required("session")
def staff_only() -> None:
    if not current_app.config["OUTBOX"]:
        abort(404)


@blueprint.get("")
def mails() -> ResponseReturnValue:
    """The newest hundred."""
    names = sorted((path.stem for path in _folder().glob("*.eml")), reverse=True)
    caught = [mail for name in names[:SHOWN] if (mail := _read(name, whole=False))]
    return render_template("office/outbox/mails.html", mails=caught, total=len(names))


@blueprint.get("/<name>")
def mail(name: str) -> ResponseReturnValue:
    caught = _mail(name)
    page = make_response(
        render_template(
            "office/outbox/mail.html",
            mail=caught,
            text=caught.part("plain"),
            has_html=caught.part("html") is not None,
            leave_path=_our_path(caught.leave_address),
        )
    )
    page.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return page


@blueprint.get("/<name>/html")
def mail_html(name: str) -> ResponseReturnValue:
    """The HTML as it was sent, but for links that open in a new tab."""
    html = _mail(name).part("html")
    if html is None:
        abort(404)
    answer = Response(_with_new_tabs(html), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = MAIL_POLICY
    return answer


def _mail(name: str) -> Caught:
    found = _read(name, whole=True) if re.fullmatch(r"\d+-\d+", name, re.ASCII) else None
    if found is None:
        abort(404)
    return found


def _read(name: str, *, whole: bool) -> Caught | None:
    """A mail, or None when the catcher has let go of it in between."""
    parser = BytesParser if whole else BytesHeaderParser
    try:
        with (_folder() / f"{name}.eml").open("rb") as file:
            return Caught(name, parser(policy=email.policy.default).parse(file))
    except FileNotFoundError:
        return None


def _folder() -> Path:
    return Path(current_app.config["OUTBOX"])


def _our_path(address: str) -> str:
    """The address without our own base; empty for one that leads elsewhere."""
    base = str(current_app.config["BASE_URL"])
    return address.removeprefix(base) if address.startswith(f"{base}/") else ""


def _with_new_tabs(html: str) -> str:
    target = '<base target="_blank">'
    html, found = re.subn(r"(?i)(<head\b[^>]*>)", rf"\1{target}", html, count=1)
    return html if found else target + html
