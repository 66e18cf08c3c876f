"""Which mailbox provider an address belongs to, by its domain.

A group's `domains` name it whole (`gmail.com`) or with all below it (`.example.se`). What is in
none belongs to `other`.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.db import db
from subscribers.mailings.models import OTHER, DomainGroup


def domain_groups() -> list[DomainGroup]:
    """All of them, by name."""
    return list(db.session.scalars(sa.select(DomainGroup).order_by(DomainGroup.name)))


def group_of(domain: str, groups: Sequence[DomainGroup]) -> str:
    """The group of one domain. A name counts before what stands above it."""
    for group in groups:
        if domain in group.domains:
            return group.name
    for group in groups:
        if any(one.startswith(".") and domain.endswith(one) for one in group.domains):
            return group.name
    return OTHER


def group_in_sql(
    domain: sa.ColumnElement[str | None], groups: Sequence[DomainGroup]
) -> sa.ColumnElement[str]:
    """`group_of` as an expression, for an audience of a million."""
    whole = [
        (domain.in_([one for one in group.domains if not one.startswith(".")]), group.name)
        for group in groups
        if group.domains
    ]
    below = [
        (domain.endswith(one, autoescape=True), group.name)
        for group in groups
        for one in group.domains
        if one.startswith(".")
    ]
    if not whole and not below:
        return sa.literal(OTHER)
    return sa.case(*whole, *below, else_=OTHER)
