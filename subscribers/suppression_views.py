"""Addresses that must not be written to: why, since when, and lifting it with a reason."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, me, only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput
from app.core.words.language import t
from subscribers.audience import blocking
from subscribers.audience.models import Suppression
from subscribers.mailings.returns.refusals import forgive
from subscribers.views import suppressed_because

blueprint = Blueprint("suppressions", __name__, url_prefix="/office/subscribers/blocked")

HASH_BYTES = 32


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors_only() -> None:
    """Addresses are theirs."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The list, or what forbids writing to one address."""
    return _page()


@blueprint.post("/")
def block() -> ResponseReturnValue:
    """Forbid that an address is written to, whether it is known or not."""
    email, because = request.form.get("email", ""), request.form.get("because", "")
    try:
        added = blocking.block(email, because=because, by=me(), at=now())
    except BadInput as error:
        db.session.rollback()
        field = "because" if error.key == "block_reason_missing" else "email"
        return _page(errors={field: [t(f"errors.{error.key}", **error.facts)]})
    db.session.commit()
    flash(t("people.blocked" if added else "people.blocked_before"), "success")
    return redirect(url_for("suppressions.index", email=email))


@blueprint.get("/<name>/<scope>/lift")
def lifting(name: str, scope: str) -> ResponseReturnValue:
    """Ask for the reason; a complaint is warned of."""
    return _lift_page(_found(name, scope))


@blueprint.post("/<name>/<scope>/lift")
def lift(name: str, scope: str) -> ResponseReturnValue:
    found = _found(name, scope)
    try:
        blocking.unblock(
            found.address_hash,
            scope=found.scope,
            because=request.form.get("because", ""),
            by=me(),
            at=now(),
        )
    except BadInput as error:
        db.session.rollback()
        return _lift_page(_found(name, scope), error=t(f"errors.{error.key}", **error.facts))
    person = blocking.owner_of(found.address_hash)
    if person is not None:
        forgive(person.id, at=now())
    goes_on = person is not None and any(one.ended_at is None for one in person.subscriptions)
    db.session.commit()
    flash(t("people.unblocked_goes_on" if goes_on else "people.unblocked"), "success")
    if person is not None:
        return redirect(url_for("subscribers.show", subscriber_id=person.id))
    return redirect(url_for("suppressions.index"))


def _page(errors: dict[str, list[str]] | None = None) -> ResponseReturnValue:
    email = request.args.get("email", "").strip()
    after = _bytes(request.args.get("after", ""))
    lines, following = blocking.page(after=after)
    page = render_template(
        "office/subscribers/blocked.html",
        lines=blocking.of_address(email) if email else lines,
        next=following.hex() if following and not email else None,
        after=after,
        email=email,
        total=blocking.count(),
        given=request.form,
        errors=errors or {},
        why=suppressed_because,
    )
    return (page, 422) if errors else page


def _lift_page(found: Suppression, *, error: str = "") -> ResponseReturnValue:
    page = render_template(
        "office/subscribers/unblock.html",
        one=found,
        person=blocking.owner_of(found.address_hash),
        why=suppressed_because,
        error=error,
        given=request.form,
    )
    return (page, 422) if error else page


def _found(name: str, scope: str) -> Suppression:
    hash_ = _bytes(name)
    found = db.session.get(Suppression, (hash_, scope)) if hash_ else None
    if found is None:
        abort(404)
    return found


def _bytes(name: str) -> bytes | None:
    try:
        raw = bytes.fromhex(name)
    except ValueError:
        return None
    return raw if len(raw) == HASH_BYTES else None
