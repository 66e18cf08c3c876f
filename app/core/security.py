"""What stands around every request: headers, CSRF, rate limits, and readers that only read.

Visitors get no cookie, so public forms carry no CSRF token: they act on secret links or on an
address somebody typed, never on a signed-in browser. Staff forms all carry one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, TypeVar

from flask import Blueprint, Flask, Request, Response, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import FormDataParser

from app.core.counting import address_of
from app.core.db import reading

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{name} {what}" for name, what in POLICY.items())

SECRET_FORM_BYTES = 64 * 1024

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, default_limits=[], headers_enabled=True)


class Forms(FormDataParser):
    """Reads forms without the NUL that no keyboard writes and PostgreSQL keeps in no text."""

    def parse(
        self, *given: Any, **more: Any
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        stream, form, files = super().parse(*given, **more)
        written = [(name, text.replace("\0", "")) for name, text in form.items(multi=True)]
        return stream, self.cls(written), files


class Asked(Request):
    form_data_parser_class = Forms


def init_app(app: Flask) -> None:
    app.request_class = Asked
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)  # a draft left open over lunch must save
    app.config.setdefault("RATELIMIT_STORAGE_URI", address_of(app.config["VAR"] / "counts.db"))
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {"secret": app.config["SECRET_KEY"]})
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_begin_reading)
    app.teardown_request(_end_reading)
    app.after_request(_set_headers)


def set_policy(response: Response, **changed: str) -> Response:
    """Another policy for one answer: `frame_src="'self'"` for a page that shows others of ours."""
    policy = {**POLICY, **{name.replace("_", "-"): what for name, what in changed.items()}}
    text = "; ".join(f"{name} {what}" for name, what in policy.items())
    response.headers["Content-Security-Policy"] = text
    return response


View = TypeVar("View", bound=Callable[..., object])


def only_reads(view: View) -> View:
    """A POST that changes nothing, such as a preview: it must not wait for those who write."""
    view.only_reads = True  # type: ignore[attr-defined]
    return view


def behind_secret_links(blueprint: Blueprint) -> None:
    """Make a blueprint's pages fit to stand behind secret links.

    Small forms; answers that nobody keeps or finds, and that do not tell the next site the link.
    """
    blueprint.before_request(_take_little)
    blueprint.after_request(_tell_nobody)


def _take_little() -> None:
    request.max_content_length = SECRET_FORM_BYTES
    request.max_form_memory_size = SECRET_FORM_BYTES


def _tell_nobody(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _begin_reading() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method in ("GET", "HEAD", "OPTIONS") or hasattr(view, "only_reads"):
        g.reading = reading()
        g.reading.__enter__()


def _end_reading(_error: BaseException | None) -> None:
    if (mark := g.pop("reading", None)) is not None:
        mark.__exit__(None, None, None)


def _set_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.path.startswith("/office"):
        response.headers["Cache-Control"] = "no-store"
    return response
