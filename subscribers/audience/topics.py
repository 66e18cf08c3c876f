"""What can be subscribed to: everything, and each programme and topic that is offered."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.db import db
from app.core.words import catalogue, translate
from subscribers.audience.models import Topic
from subscribers.audience.subscribing import PRESS_RELEASES, insert_new


def offered() -> list[Topic]:
    """Everything first, then the topics in use by their Swedish names."""
    found = db.session.scalars(sa.select(Topic).where(Topic.active))
    return sorted(found, key=lambda one: (one.slug != PRESS_RELEASES, one.name("sv").casefold()))


def name_of(topic: Topic, language: str) -> str:
    """What a topic is called to readers: in our words, or as the office calls its own."""
    key = f"subscribers.topic.{topic.slug}"
    return translate(key, language) if key in catalogue(language) else topic.name(language)


def known(slugs: Sequence[str]) -> tuple[str, ...]:
    """Those of the slugs that are offered, in order and each once; everything when none is."""
    active = {one.slug for one in offered()}
    chosen = tuple(dict.fromkeys(slug for slug in slugs if slug in active))
    return chosen or (PRESS_RELEASES,)


def offer_programme(slug: str, *, name_sv: str, name_en: str) -> None:
    """Let a programme be subscribed to, under its name of today. No commit.

    For one that the public knows: before its first release its name may be a secret.
    """
    row = {
        "slug": slug,
        "name_sv": name_sv,
        "name_en": name_en,
        "active": True,
        "of_programme": True,
    }
    insert_new(Topic, [row])
    rename_programme(slug, name_sv=name_sv, name_en=name_en)


def rename_programme(slug: str, *, name_sv: str, name_en: str) -> None:
    """Follow a programme that is called otherwise, if it can be subscribed to. No commit."""
    db.session.execute(
        sa.update(Topic)
        .where(
            Topic.slug == slug,
            Topic.of_programme,
            sa.or_(Topic.name_sv != name_sv, Topic.name_en != name_en),
        )
        .values(name_sv=name_sv, name_en=name_en)
        .execution_options(synchronize_session="fetch")
    )
