"""The people printed on releases: kept, put in order, taken off.

A release that is already written keeps its contacts as they were printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import Role, User, require
from app.core.db import db
from app.core.errors import BadInput, NotFound
from releases.editorial.models import Contact

FIELDS = ("name", "title_sv", "title_en", "phone", "email")
# Kept as they are when nothing is said of them.
MORE = ("away_from", "away_until", "deputy_id", "listed")
MOST_LISTED = 100


def contact_by_id(contact_id: int) -> Contact:
    """Raises NotFound."""
    found = db.session.get(Contact, contact_id)
    if found is None:
        raise NotFound("no_such_contact")
    return found


def everybody() -> list[Contact]:
    """In the order they are printed; those taken off come last."""
    return list(
        db.session.scalars(
            sa.select(Contact)
            .options(joinedload(Contact.deputy))
            .order_by(Contact.active.desc(), Contact.position, Contact.id)
        )
    )


def on_the_contacts_page() -> list[Contact]:
    """Those whom journalists may find beside the releases too, in the order they are printed."""
    return list(
        db.session.scalars(
            sa.select(Contact)
            .where(Contact.active, Contact.listed)
            .options(joinedload(Contact.deputy))
            .order_by(Contact.position, Contact.id)
            .limit(MOST_LISTED)
        )
    )


def answers_for(contact: Contact, day: date) -> Contact | None:
    """Who answers in their place that day: their deputy, if there and to be reached."""
    deputy = contact.deputy
    if deputy is None or not deputy.active or deputy.away_on(day):
        return None
    return deputy if deputy.phone or deputy.email else None


def deputies_for(contact: Contact | None) -> list[Contact]:
    """Whom one may choose as deputy: everybody else who is printed, and who is chosen now."""
    chosen = contact.deputy_id if contact else None
    return [
        one
        for one in everybody()
        if (one.active or one.id == chosen) and (contact is None or one.id != contact.id)
    ]


def add(facts: Mapping[str, Any], *, by: User) -> Contact:
    """A new contact, printed after the others.

    Raises NotAllowed to writers, and BadInput for an absence that ends before it begins or a
    deputy who is nobody else.
    """
    require(by, Role.EDITOR)
    last = db.session.scalar(sa.select(sa.func.max(Contact.position)))
    contact = Contact(position=0 if last is None else last + 1, active=True)
    db.session.add(contact)
    _fill(contact, facts)
    db.session.flush()
    return contact


def change(contact: Contact, facts: Mapping[str, Any], *, by: User) -> None:
    """New facts about a contact, for releases to come. Raises what `add` raises."""
    require(by, Role.EDITOR)
    _fill(contact, facts)


def move(contact: Contact, to: Literal["up", "down"], *, by: User) -> None:
    """One place earlier or later among those that are printed. Raises NotAllowed to writers."""
    require(by, Role.EDITOR)
    printed = [one for one in everybody() if one.active]
    if contact not in printed:
        return
    here = printed.index(contact)
    there = here - 1 if to == "up" else here + 1
    if 0 <= there < len(printed):
        printed[here], printed[there] = printed[there], printed[here]
    for position, one in enumerate(printed):
        one.position = position


def take_off(contact: Contact, *, by: User) -> None:
    """Print them on no new release. Raises NotAllowed to writers."""
    require(by, Role.EDITOR)
    contact.active = False


def put_back(contact: Contact, *, by: User) -> None:
    """Print them again, after the others. Raises NotAllowed to writers."""
    require(by, Role.EDITOR)
    last = db.session.scalar(sa.select(sa.func.max(Contact.position)).where(Contact.active))
    contact.active = True
    contact.position = 0 if last is None else last + 1


def _fill(contact: Contact, facts: Mapping[str, Any]) -> None:
    first, last = facts.get("away_from"), facts.get("away_until")
    if first and last and last < first:
        raise BadInput("absence_backwards")
    deputy_id = facts.get("deputy_id")
    if deputy_id is not None and deputy_id not in {one.id for one in deputies_for(contact)}:
        raise BadInput("deputy_unknown")
    for name in FIELDS:
        setattr(contact, name, facts[name])
    for name in MORE:
        if name in facts:
            setattr(contact, name, facts[name])
