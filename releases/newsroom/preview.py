"""A release as readers will meet it, for those who work here: page, phone, mail and feed.

The page for people has a frame; what stands in it is made by what makes it for readers, from the
head or from the words that this person has not saved.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
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
from app.core.errors import BadInput, NotNow
from app.core.organisation import organisation
from app.core.security import set_policy
from app.core.words.language import speak, t
from releases.editorial.announcing import announcement
from releases.editorial.autosaving import Unsaved, unsaved
from releases.editorial.models import Release, Revision
from releases.editorial.questions import release_by_id
from releases.newsroom.feeds.feeding import feed_item
from releases.newsroom.feeds.items import markup
from releases.newsroom.public import release_page
from releases.newsroom.questions import approved_at
from releases.newsroom.wording import address
from subscribers.mailings.writing import trying
from subscribers.mailings.writing.queueing import Announcement, framed

WAYS = ("page", "phone", "mail", "text", "feed")
NOWHERE = "#nowhere"

blueprint = Blueprint("preview", __name__, url_prefix="/office/releases")


@blueprint.get("/<int:release_id>/preview")
@auth_required("session")
def page(release_id: int) -> ResponseReturnValue:
    """The page with the frame, and with `as` what stands in the frame.

    With `unsaved` the person's own words that were never saved, if there are any.
    """
    release = release_by_id(release_id)
    mine = unsaved(release, by=me())
    shown = mine if "unsaved" in request.args else None
    revision = _unsaved_revision(release, shown) if shown else release.head
    if "as" in request.args:
        return _in_the_frame(release, revision, _way(request.args["as"]))
    return _around_the_frame(release, revision, _way(request.args.get("show", "")), shown)


@blueprint.post("/<int:release_id>/preview/test")
@auth_required("session")
@only(Role.WRITER, Role.EDITOR)
def send_test(release_id: int) -> ResponseReturnValue:
    """Mail what the page shows to one address, as it would go out now."""
    release, to = release_by_id(release_id), request.form.get("to", "").strip() or me().email
    mine = unsaved(release, by=me())
    shown = mine if "unsaved" in request.args else None
    revision = _unsaved_revision(release, shown) if shown else release.head
    try:
        trying.send_test_of(_mail(release, revision), to=to, by=me(), at=now())
    except (BadInput, NotNow) as error:
        said = t(f"errors.{error.key}", **error.facts)
        return _around_the_frame(release, revision, "mail", shown, to=to, error=said), 422
    db.session.commit()
    jobs.ring("deliver")
    flash(t("pacing.test.sent", to=to), "success")
    again = 1 if shown else None
    here = url_for("preview.page", release_id=release_id, show="mail", unsaved=again)
    return redirect(here)


def _around_the_frame(
    release: Release,
    revision: Revision,
    way: str,
    shown: Unsaved | None,
    *,
    to: str = "",
    error: str = "",
) -> Response:
    is_mail = way in ("mail", "text")
    text = render_template(
        "office/releases/preview.html",
        release=release,
        way=way,
        ways=WAYS,
        mine=unsaved(release, by=me()),
        shown=shown,
        mail=_mail(release, revision) if is_mail else None,
        sender=organisation(),
        address=current_app.config["MAIL_DEFAULT_SENDER"],
        may_try=is_mail and me().may(Role.WRITER, Role.EDITOR),
        only_to_me=not me().may(Role.EDITOR),
        test_to=to or me().email,
        test_error=error,
    )
    return set_policy(make_response(text), frame_src="'self'")


def _way(wanted: str) -> str:
    return wanted if wanted in WAYS else WAYS[0]


def _in_the_frame(release: Release, revision: Revision, way: str) -> Response:
    """One of the ways, in the release's own language. Its links open beside the office."""
    speak(release.language)
    draw = {"mail": _mail_page, "text": _text_page, "feed": _feed_page}.get(way, _web_page)
    text = draw(release, revision).replace("<head>", '<head>\n  <base target="_blank">', 1)
    policy = {"frame_ancestors": "'self'", "script_src": "'none'", "form_action": "'none'"}
    if way == "mail":  # a mail carries its styles with it, and its pictures with our whole address
        base = current_app.config["BASE_URL"]
        policy |= {"style_src": "'unsafe-inline'", "img_src": f"'self' data: {base}"}
    return set_policy(make_response(text), **policy)


def _web_page(release: Release, revision: Revision) -> str:
    """Dated as it would be if it went out now, with the round that would go with it."""
    return release_page(
        release,
        revision,
        sender=organisation(),
        moment=_approved_at(release, revision),
        published_at=_published_at(release),
        runs_no_script=True,
    )


def _mail_page(release: Release, revision: Revision) -> str:
    """The mail itself. The links of its foot are one reader's own, so here they lead nowhere."""
    mail = _mail(release, revision)
    _text, html = framed(mail, unsubscribe_url=NOWHERE, preferences_url=NOWHERE)
    return html.replace(f' href="{NOWHERE}"', "")


def _text_page(release: Release, revision: Revision) -> str:
    base = current_app.config["BASE_URL"]
    text, _html = framed(
        _mail(release, revision),
        unsubscribe_url=f"{base}/unsubscribe/…",
        preferences_url=f"{base}/preferences/…",
    )
    return render_template("office/releases/preview_text.html", text=text)


def _feed_page(release: Release, revision: Revision) -> str:
    item = feed_item(release, revision, sender=organisation(), published_at=_published_at(release))
    whole = markup(item.html, url=address(release))
    return render_template("office/releases/preview_feed.html", item=item, whole=whole)


def _mail(release: Release, revision: Revision) -> Announcement:
    return announcement(release, revision=revision, at=_published_at(release))


def _published_at(release: Release) -> datetime:
    return release.published_at or release.publish_at or now()


def _approved_at(release: Release, revision: Revision) -> datetime | None:
    """When these words were approved; None while they are not."""
    if release.approved_id is None or release.approved_id != revision.id:
        return None
    return approved_at(release, release.approved_id)


def _unsaved_revision(release: Release, kept: Unsaved) -> Revision:
    """Unsaved words as a revision that is in no database."""
    return Revision(
        release_id=release.id,
        number=release.head.number,
        note="",
        created_at=kept.saved_at,
        **asdict(kept.text),
    )
