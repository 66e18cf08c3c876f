"""What every page shares: its language and filters, the error pages, the front door and health.

The one place that maps the domain's errors to HTTP. Blueprints are registered here.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.core import formats
from app.core.accounts import signed_in
from app.core.db import db
from app.core.errors import BadInput, Conflict, DomainError, NotAllowed, NotFound, NotNow
from app.core.kept import mark
from app.core.organisation import organisation, unnamed
from app.core.paging import LARGEST_ID
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, preferred_language, speak, t

STATUS: dict[type[DomainError], int] = {
    NotFound: 404,
    NotAllowed: 403,
    NotNow: 409,
    BadInput: 422,
    Conflict: 409,
}
EXPLAINED = {400, 403, 404, 405, 409, 410, 413, 422, 429, 500}
LATEST = 3  # releases on the page of an address that leads nowhere
A_YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    _register_blueprints(app)
    app.add_url_rule("/", "front_door", front_door)
    app.add_url_rule("/healthz", "health", health)
    app.before_request(_begin_page)
    app.before_request(_expect_what_rows_may_have)
    app.after_request(_let_assets_be_kept)
    app.context_processor(_page_facts)
    app.register_error_handler(DomainError, refused)
    app.register_error_handler(CSRFError, form_expired)
    app.register_error_handler(HTTPException, failed)
    _furnish(app)


def _register_blueprints(app: Flask) -> None:
    from app import (
        audit_views,
        house,
        look_views,
        metrics_public,
        office,
        outbox,
        trust_views,
        worker_views,
    )
    from releases.desk import notice_views
    from releases.desk import views as desk
    from releases.drafting import views as programmes
    from releases.editorial import (
        after_views,
        change_views,
        check_views,
        contact_views,
        editing_views,
        preflight_settings_views,
        publishing_views,
        release_views,
        round_views,
        telling_views,
        template_views,
        update_views,
        upload_views,
        version_views,
    )
    from releases.media import public as media_files
    from releases.media import views as media
    from releases.newsroom import about_public, address_views, preview
    from releases.newsroom import public as newsroom
    from releases.newsroom.feeds import public as feed_public
    from releases.newsroom.hub import public as hub_public
    from releases.newsroom.hub import views as hub_views
    from releases.newsroom.lists import public as list_public
    from releases.newsroom.lists import round_public, topic_views
    from releases.newsroom.machines import api_public
    from releases.newsroom.machines import public as machine_public
    from releases.newsroom.sharing import press_kit_views
    from releases.newsroom.sharing import public as sharing_public
    from releases.review import (
        embargo_public,
        embargo_views,
        quote_public,
        quote_views,
        review_public,
        review_views,
    )
    from subscribers import (
        alert_views,
        figure_views,
        group_views,
        hook_public,
        import_views,
        mailing_views,
        my_data_public,
        retention_views,
        return_views,
        suppression_views,
        trying_public,
        watching_views,
    )
    from subscribers import form_views as signup_form
    from subscribers import public as subscribing
    from subscribers import views as subscribers

    app.register_blueprint(newsroom.blueprint)
    app.register_blueprint(worker_views.blueprint)
    app.register_blueprint(about_public.blueprint)
    app.register_blueprint(house.blueprint)
    app.register_blueprint(round_public.blueprint)
    app.register_blueprint(list_public.blueprint)
    app.register_blueprint(topic_views.blueprint)
    app.register_blueprint(feed_public.blueprint)
    app.register_blueprint(machine_public.blueprint)
    app.register_blueprint(api_public.blueprint)
    app.register_blueprint(sharing_public.blueprint)
    app.register_blueprint(press_kit_views.blueprint)
    app.register_blueprint(hub_public.blueprint)
    app.register_blueprint(hub_views.blueprint)
    app.register_blueprint(preview.blueprint)
    app.register_blueprint(address_views.blueprint)
    app.register_blueprint(desk.blueprint)
    app.register_blueprint(notice_views.blueprint)
    app.register_blueprint(release_views.blueprint)
    app.register_blueprint(after_views.blueprint)
    app.register_blueprint(editing_views.blueprint)
    app.register_blueprint(publishing_views.blueprint)
    app.register_blueprint(preflight_settings_views.blueprint)
    app.register_blueprint(version_views.blueprint)
    app.register_blueprint(round_views.blueprint)
    app.register_blueprint(check_views.blueprint)
    app.register_blueprint(telling_views.blueprint)
    app.register_blueprint(change_views.blueprint)
    app.register_blueprint(update_views.blueprint)
    app.register_blueprint(upload_views.blueprint)
    app.register_blueprint(media.blueprint)
    app.register_blueprint(media_files.blueprint)
    app.register_blueprint(review_views.blueprint)
    app.register_blueprint(review_public.blueprint)
    app.register_blueprint(embargo_views.blueprint)
    app.register_blueprint(embargo_public.blueprint)
    app.register_blueprint(quote_views.blueprint)
    app.register_blueprint(quote_public.blueprint)
    app.register_blueprint(subscribing.blueprint)
    app.register_blueprint(signup_form.blueprint)
    app.register_blueprint(group_views.blueprint)
    app.register_blueprint(trying_public.blueprint)
    app.register_blueprint(subscribers.blueprint)
    app.register_blueprint(import_views.blueprint)
    app.register_blueprint(suppression_views.blueprint)
    app.register_blueprint(retention_views.blueprint)
    app.register_blueprint(my_data_public.blueprint)
    app.register_blueprint(mailing_views.blueprint)
    app.register_blueprint(return_views.blueprint)
    app.register_blueprint(hook_public.blueprint)
    app.register_blueprint(alert_views.blueprint)
    app.register_blueprint(figure_views.blueprint)
    app.register_blueprint(watching_views.blueprint)
    app.register_blueprint(metrics_public.blueprint)
    app.register_blueprint(programmes.blueprint)
    app.register_blueprint(template_views.blueprint)
    app.register_blueprint(contact_views.blueprint)
    app.register_blueprint(office.blueprint)
    app.register_blueprint(look_views.blueprint)
    app.register_blueprint(trust_views.blueprint)
    app.register_blueprint(outbox.blueprint)
    app.register_blueprint(audit_views.blueprint)


def _furnish(app: Flask) -> None:
    """Globals and filters of the templates; also seen by imported macros."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        t=t, organisation=organisation, asset=asset, signed_in=signed_in, there_is=there_is
    )
    app.jinja_env.filters.update(
        amount=lambda value: formats.amount(value, interface_language()),
        long_date=lambda moment: formats.long_date(moment, interface_language(), _zone()),
        date_line=lambda moment: formats.date_line(moment, interface_language(), _zone()),
        month=lambda moment: formats.month(moment, interface_language(), _zone()),
        short_date=lambda moment: formats.short_date(moment, _zone()),
        short_moment=lambda moment: formats.short_moment(moment, _zone()),
        weekday=lambda day: formats.weekday(day, interface_language()),
        weekday_date=lambda moment: formats.weekday_date(moment, interface_language(), _zone()),
        clock=lambda moment: formats.clock(moment, interface_language(), _zone()),
        iso=lambda moment: formats.iso(moment, _zone()),
        phone_href=formats.phone_href,
        postcode=formats.postcode,
        web_name=formats.web_name,
    )


def asset(name: str) -> str:
    """The address of one of our files, with its version, so that browsers may keep it for good."""
    return url_for("static", filename=name, v=_version(name))


def there_is(path: str) -> bool:
    """Whether an address leads to a page of ours, so that no menu has a dead link."""
    return current_app.url_map.bind("").test(path, method="GET")


def front_door() -> ResponseReturnValue:
    """To the newsroom in the visitor's language; to the release that `/?p=17` was, say."""
    if request.query_string and (elsewhere := _moved()):
        return elsewhere
    response = redirect(f"/{preferred_language()}/")
    response.vary.add("Accept-Language")
    return response


def health() -> ResponseReturnValue:
    """Whether this process and its database answer."""
    try:
        db.session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        current_app.logger.exception("the database does not answer")
        return jsonify(status="failing", database="failing"), 503
    return jsonify(status="ok", database="ok")


def refused(error: DomainError) -> ResponseReturnValue:
    """A page for what the domain refuses, in its own words."""
    db.session.rollback()
    if isinstance(error, NotFound) and (elsewhere := _moved()):
        return elsewhere
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
    return _error_page(status, reason=refusal(error))


def refusal(error: DomainError) -> str:
    """The sentence a person reads about a refused request; empty when nobody has written one."""
    try:
        return t(f"errors.{error.key}", **error.facts)
    except (KeyError, IndexError):
        current_app.logger.error("no words for the error %s", error.key)
        return ""


def form_expired(_error: CSRFError) -> ResponseReturnValue:
    return _error_page(400, words="expired")


def failed(error: HTTPException) -> ResponseReturnValue:
    """A page for every other failure. What happened inside stays in the log."""
    status = error.code or 500
    if 300 <= status < 400:
        return error
    if status == 404 and (elsewhere := _moved()):
        return elsewhere
    response = _error_page(status)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _moved() -> ResponseReturnValue | None:
    """Where what was asked for is now, when it is a release that has had that address."""
    if request.method not in ("GET", "HEAD") or request.path.startswith(("/office", "/api/")):
        return None
    from releases.newsroom.machines.public import moved

    return moved(request.path, request.query_string.decode("ascii", "replace"))


def _error_page(status: int, *, reason: str = "", words: str = "") -> Response:
    if status >= 500:
        _without_database()
    if status not in EXPLAINED:
        words = "500" if status >= 500 else "400"
    words = words or str(status)
    is_office = request.path.startswith("/office") and status < 500 and signed_in() is not None
    is_missing = status == 404 and not request.path.startswith("/office")
    text = render_template(
        "errors/page.html",
        layout="office/base.html" if is_office else "base.html",
        words=words,
        reason=reason,
        is_office=is_office,
        is_missing=is_missing,
        is_bare=status >= 500,
        **(_latest() if is_missing else {}),
    )
    response = make_response(text, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _latest() -> dict[str, Any]:
    """The newest releases, for somebody who looked for something else."""
    from releases.newsroom import pages, questions

    found = questions.front(interface_language(), size=LATEST).releases
    return {"latest": found, "plain": pages.public_plain}


def _without_database() -> None:
    """Let the page be drawn even though the database may be what failed."""
    g.organisation = unnamed("Pressrum", "Pressrum")
    if "language" not in g:
        speak(preferred_language())
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]


def _begin_page() -> None:
    """The address says which language a public page speaks."""
    for kept in ("language", "organisation"):
        g.pop(kept, None)
    first = request.path.split("/", 2)[1]
    if first in LANGUAGES:
        speak(first)


def _expect_what_rows_may_have() -> None:
    """No row has a number that no column holds: an address that names one leads nowhere."""
    named = (request.view_args or {}).values()
    if any(isinstance(one, int) and abs(one) > LARGEST_ID for one in named):
        abort(404)
    if "\0" in request.path:  # nor a name that PostgreSQL keeps in no text
        abort(404)


def _page_facts() -> dict[str, Any]:
    language = interface_language()
    return {
        "language": language,
        "other_language": next(other for other in LANGUAGES if other != language),
        "base_url": current_app.config["BASE_URL"],
    }


def _zone() -> str:
    return organisation().time_zone


def _version(name: str) -> str:
    path = Path(current_app.static_folder or "") / name
    try:
        return _hash_of(path, path.stat().st_mtime_ns)
    except OSError:
        return "0"


@lru_cache(maxsize=256)
def _hash_of(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _let_assets_be_kept(response: Response) -> Response:
    if request.endpoint == "static" and response.status_code in (200, 304):
        name = (request.view_args or {}).get("filename", "")
        if request.args.get("v") == _version(name):
            response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
            if response.status_code == 200:
                mark(response, asked=("v",), generation=None)
    return response
