"""The one organisation whose press office this is: what it is called and how it writes."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import g, has_request_context
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import STOCKHOLM
from app.core.db import Base, JSONText, PrimaryKey, db, one_of


class Rounding(StrEnum):
    """How a rounded total in a headline comes about; the hedge word follows its direction."""

    NEAREST = "nearest"
    DOWN = "down"


class Organisation(Base):
    """Sender facts as printed under every release, in both languages, and the house style."""

    __tablename__ = "organisation"

    id: Mapped[PrimaryKey]
    name_sv: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    short_name: Mapped[str] = mapped_column(sa.String(60))
    street: Mapped[str] = mapped_column(sa.String(200), default="")
    postcode: Mapped[str] = mapped_column(sa.String(20), default="")
    town: Mapped[str] = mapped_column(sa.String(100), default="")
    switchboard: Mapped[str] = mapped_column(sa.String(40), default="")
    site: Mapped[str] = mapped_column(sa.String(300), default="")
    press_email: Mapped[str] = mapped_column(sa.String(254), default="")
    social: Mapped[list[dict[str, str]]] = mapped_column(JSONText, default=list)
    about_sv: Mapped[str] = mapped_column(sa.Text, default="")
    about_en: Mapped[str] = mapped_column(sa.Text, default="")
    about_on: Mapped[date | None] = mapped_column(sa.Date)
    time_zone: Mapped[str] = mapped_column(sa.String(60), default=STOCKHOLM)
    quote_glyph: Mapped[str] = mapped_column(sa.String(1), default="–")
    digit_at_sentence_start: Mapped[bool] = mapped_column(default=False)
    rounding: Mapped[Rounding] = mapped_column(
        one_of(Rounding, "rounding"), default=Rounding.NEAREST
    )
    rounding_decimals: Mapped[int] = mapped_column(default=1)
    four_eyes: Mapped[bool] = mapped_column(default=True)
    # What each line of the preflight does, where it is not as shipped: code -> block, warn, off.
    preflight: Mapped[dict[str, str]] = mapped_column(JSONText, default=dict)
    # A scheduled release that is later than this waits for a person instead of going out.
    grace_minutes: Mapped[int] = mapped_column(default=60)
    embargo_terms_sv: Mapped[str] = mapped_column(sa.Text, default="")
    embargo_terms_en: Mapped[str] = mapped_column(sa.Text, default="")
    # The look of the newsroom: accent as #rrggbb and typeface by name, empty as shipped; the
    # logotype's files lie on the shelf under its key.
    accent: Mapped[str] = mapped_column(sa.String(7), default="")
    typeface: Mapped[str] = mapped_column(sa.String(20), default="")
    logo_key: Mapped[str] = mapped_column(sa.String(64), default="", info={"shelf": True})
    logo_type: Mapped[str] = mapped_column(sa.String(60), default="")
    logo_width: Mapped[int] = mapped_column(default=0)
    logo_height: Mapped[int] = mapped_column(default=0)
    # The host in the ids of feed items (RFC 4151): the first one ever, as ids must never change.
    tag_host: Mapped[str] = mapped_column(sa.String(253), default="")
    # WebSub: the hub that is told of every change; empty when our own, or none, is.
    hub_url: Mapped[str] = mapped_column(sa.String(500), default="")
    own_hub: Mapped[bool] = mapped_column(default=False)
    # What is not accessible yet, for the accessibility statement, and when that was looked at.
    accessibility_sv: Mapped[str] = mapped_column(sa.Text, default="")
    accessibility_en: Mapped[str] = mapped_column(sa.Text, default="")
    accessibility_on: Mapped[date | None] = mapped_column(sa.Date)

    # Who is told when mailing needs a person; empty: the administrators.
    operator_email: Mapped[str] = mapped_column(sa.String(254), default="")
    # A mailing with a time of its own that is found later than this waits for a person.
    mailing_grace_minutes: Mapped[int] = mapped_column(default=30)
    # When digests are made up: the hour, and for the weekly one the day (0 is Monday).
    digest_hour: Mapped[int] = mapped_column(default=7)
    digest_weekday: Mapped[int] = mapped_column(default=0)
    # How long things are kept, in days: addresses in deliveries, deliveries themselves, what came
    # back word for word, subscribers of whom every subscription has ended.
    keep_addresses_days: Mapped[int] = mapped_column(default=30)
    keep_deliveries_days: Mapped[int] = mapped_column(default=400)
    keep_inbound_days: Mapped[int] = mapped_column(default=30)
    keep_ended_days: Mapped[int] = mapped_column(default=365)

    def in_language(self, field: str, language: str) -> Any:
        """A text kept in both languages: `name` or `about`."""
        return getattr(self, f"{field}_{language}")

    def name(self, language: str) -> str:
        return str(self.in_language("name", language))

    def about(self, language: str) -> str:
        return str(self.in_language("about", language))


def organisation() -> Organisation:
    """The installation's organisation; an unnamed one until somebody has filled it in.

    Asked for once a request; outside one it is asked for each time, since a worker lives long.
    """
    if not has_request_context():
        return _stored()
    if "organisation" not in g:
        g.organisation = _stored()
    found: Organisation = g.organisation
    return found


def _stored() -> Organisation:
    found = db.session.scalar(sa.select(Organisation).order_by(Organisation.id).limit(1))
    return found or unnamed("Organisationen", "The organisation")


def unnamed(name_sv: str, name_en: str) -> Organisation:
    """An organisation that says nothing about itself; not stored."""
    return Organisation(
        name_sv=name_sv,
        name_en=name_en,
        short_name="",
        street="",
        postcode="",
        town="",
        switchboard="",
        site="",
        press_email="",
        social=[],
        about_sv="",
        about_en="",
        time_zone=STOCKHOLM,
        quote_glyph="–",
        digit_at_sentence_start=False,
        rounding=Rounding.NEAREST,
        rounding_decimals=1,
        four_eyes=True,
        preflight={},
        grace_minutes=60,
        embargo_terms_sv="",
        embargo_terms_en="",
        accent="",
        typeface="",
        logo_key="",
        logo_type="",
        logo_width=0,
        logo_height=0,
        tag_host="",
        hub_url="",
        own_hub=False,
        accessibility_sv="",
        accessibility_en="",
        operator_email="",
        mailing_grace_minutes=30,
        digest_hour=7,
        digest_weekday=0,
        keep_addresses_days=30,
        keep_deliveries_days=400,
        keep_inbound_days=30,
        keep_ended_days=365,
    )
