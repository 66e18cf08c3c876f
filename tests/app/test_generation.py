"""The generation counts what visitors see, in the transaction that changes it, and nothing else."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.db import Base, db
from app.core.generation import generation, look
from app.core.organisation import unnamed
from app.settings import CHECKOUT
from releases.editorial.models import (
    Autosave,
    Change,
    Contact,
    LinkCheck,
    Presence,
    Publication,
    Release,
    Revision,
    State,
    StoryTopic,
)
from releases.media.models import Document, Image
from releases.newsroom.models import PressKit
from releases.rounds.models import Award, Programme, Round
from subscribers.audience.models import Topic
from tests.releases.newsroom.desk import Desk

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


def seen() -> set[tuple[str, str]]:
    """(table, act) of every change that migration 0003 counts."""
    path = CHECKOUT / "migrations" / "versions" / "0003_the_newsroom.py"
    spec = importlib.util.spec_from_file_location("the_newsroom", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {(table, act.split()[0]) for table, acts in module.SEEN.items() for act in acts}


class Room:
    """A newsroom with one of everything in it."""

    def __init__(self) -> None:
        desk = Desk()
        self.sender = desk.organisation()
        self.live = desk.release(story=desk.story())
        self.draft = desk.release(state=State.DRAFT)
        self.edited = desk.release()  # live, with an edit that nobody has approved
        desk.rewrite(self.edited, "Ny rubrik")
        assert self.live.live_id is not None
        story = self.live.story
        self.topic = Topic(slug="vatten")
        self.contact = Contact(name="Alva Ek")
        db.session.add_all([self.topic, self.contact, *self.things("a")])
        db.session.flush()
        db.session.add(StoryTopic(story_id=story.id, topic_id=self.topic.id))
        db.session.commit()

    def things(self, name: str) -> list[Base]:
        """Something of each kind that hangs on the release."""
        return [self.publication(), self.image(name), self.document(name), self.kit()]

    def publication(self) -> Publication:
        return Publication(
            release_id=self.live.id, revision_id=self.live.live_id, change=Change.FIRST, at=NOON
        )

    def image(self, name: str) -> Image:
        facts = {"width": 1, "height": 1, "size": 1, "content_type": "image/jpeg"}
        return Image(
            story_id=self.live.story_id, key=name, filename="a.jpg", uploaded_at=NOON, **facts
        )

    def document(self, name: str) -> Document:
        return Document(
            story_id=self.live.story_id,
            key=name,
            filename="a.pdf",
            content_type="application/pdf",
            size=1,
            uploaded_at=NOON,
        )

    def kit(self) -> PressKit:
        return PressKit(release_id=self.live.id, revision_id=self.live.live_id, wanted_at=NOON)


@pytest.fixture
def room(app: Flask) -> Room:
    return Room()


def put(**values: Any) -> Callable[[Base], None]:
    def change(thing: Base) -> None:
        for name, value in values.items():
            setattr(thing, name, value)

    return change


def add(make: Callable[[Room], Base]) -> Callable[[Room], None]:
    return lambda room: db.session.add(make(room))


def change(model: type[Base], **values: Any) -> Callable[[Room], None]:
    return lambda _room: put(**values)(db.session.scalars(sa.select(model)).first())  # type: ignore[arg-type]


def remove(model: type[Base]) -> Callable[[Room], None]:
    return lambda _room: db.session.delete(db.session.scalars(sa.select(model)).first())


def another_release(room: Room) -> Release:
    """A release that comes with its words live, as an import makes it."""
    return Release(
        story=room.live.story,
        language="en",
        slug="another",
        state=State.DRAFT,
        head_id=room.live.live_id,
        live_id=room.live.live_id,
        published_at=NOON,
        created_at=NOON,
        updated_at=NOON,
    )


def delete_live(room: Room) -> None:
    db.session.execute(sa.delete(PressKit))
    db.session.execute(sa.delete(Publication))
    nothing = {"head_id": None, "approved_id": None, "state": State.DRAFT}
    of_it = Release.id == room.live.id
    db.session.execute(sa.update(Release).where(of_it).values(**nothing))
    db.session.execute(sa.delete(Release).where(of_it))


ACTS: dict[tuple[str, str], Callable[[Room], None]] = {
    ("organisation", "INSERT"): add(lambda _room: unnamed("Nya", "New")),
    ("organisation", "UPDATE"): lambda room: put(accent="#003366")(room.sender),
    ("programme", "UPDATE"): change(Programme, about_sv="Mer om programmet."),
    ("topic", "INSERT"): add(lambda _room: Topic(slug="klimat")),
    ("topic", "UPDATE"): lambda room: put(name_sv="Vatten")(room.topic),
    ("story_topic", "INSERT"): add(
        lambda room: StoryTopic(story_id=room.draft.story_id, topic_id=room.topic.id)
    ),
    ("story_topic", "DELETE"): remove(StoryTopic),
    ("contact", "INSERT"): add(lambda _room: Contact(name="Bo Lind")),
    ("contact", "UPDATE"): lambda room: put(phone="08-123 45 67")(room.contact),
    ("contact", "DELETE"): remove(Contact),
    ("round", "UPDATE"): change(Round, name="Våren"),
    ("release", "UPDATE"): lambda room: put(withdrawn_reason="Fel", state=State.WITHDRAWN)(
        room.live
    ),
    ("release", "INSERT"): add(another_release),
    ("release", "DELETE"): delete_live,
    ("publication", "INSERT"): add(Room.publication),
    ("publication", "UPDATE"): change(Publication, note="Summan var fel."),
    ("publication", "DELETE"): remove(Publication),
    ("image", "UPDATE"): change(Image, removed_at=NOON),
    ("image", "DELETE"): remove(Image),
    ("document", "UPDATE"): change(Document, removed_at=NOON),
    ("document", "DELETE"): remove(Document),
    ("press_kit", "UPDATE"): change(PressKit, made_at=NOON, key="k"),
    ("press_kit", "DELETE"): remove(PressKit),
}


def test_every_change_that_is_counted_is_tried_here() -> None:
    assert set(ACTS) == seen()


@pytest.mark.parametrize("act", ACTS, ids=" ".join)
def test_what_visitors_see_counts_when_it_is_committed_and_not_before(
    room: Room, act: tuple[str, str]
) -> None:
    before = look(db.engine)

    ACTS[act](room)
    db.session.flush()
    meanwhile = look(db.engine)
    db.session.commit()

    assert before is not None
    assert meanwhile == before
    assert look(db.engine) == generation() > before


@pytest.mark.parametrize("act", ACTS, ids=" ".join)
def test_what_is_taken_back_does_not_count(room: Room, act: tuple[str, str]) -> None:
    before = look(db.engine)

    ACTS[act](room)
    db.session.flush()
    db.session.rollback()

    assert look(db.engine) == before


def new_head(room: Room) -> None:
    """One more edit of what is live."""
    revision = Revision(
        release_id=room.edited.id, number=3, headline="Ny", lead="", body="", created_at=NOON
    )
    db.session.add(revision)
    db.session.flush()
    put(head_id=revision.id, updated_at=NOON, search_text="ny")(room.edited)


def autosave(room: Room, writer: User) -> None:
    text = {"headline": "Halvfärdig"}
    assert room.live.live_id is not None
    db.session.add(
        Autosave(
            release_id=room.live.id,
            user_id=writer.id,
            base_id=room.live.live_id,
            text=text,
            saved_at=NOON,
        )
    )
    db.session.add(Presence(release_id=room.live.id, user_id=writer.id, seen_at=NOON))


UNSEEN: dict[str, Callable[[Room, User], None]] = {
    "an autosave": autosave,
    "an edit of what is live": lambda room, _: new_head(room),
    "an edit of a draft": lambda room, _: put(slug="ny", updated_at=NOON)(room.draft),
    "a new draft": lambda room, _: db.session.add(
        Release(story=room.live.story, language="en", slug="x", created_at=NOON, updated_at=NOON)
    ),
    "a new picture": lambda room, _: db.session.add(room.image("b")),
    "a link that was tried": lambda _room, _: db.session.add(LinkCheck(url="https://x.example")),
    "an account": lambda _room, writer: put(name="Alva Ek")(writer),
    "a round's file": lambda _room, _: change(Round, row_count=7, version=2)(_room),
    "an award": lambda room, _: db.session.execute(
        sa.insert(Award).values(
            round_id=room.live.story.round_id,
            number=1,
            grantee="Falun",
            amount=1,
            partners=[],
            countries=[],
            themes=[],
            status="granted",
        )
    ),
}


@pytest.mark.parametrize("what", UNSEEN)
def test_what_visitors_do_not_see_does_not_count(room: Room, writer: User, what: str) -> None:
    before = look(db.engine)

    UNSEEN[what](room, writer)
    db.session.commit()

    assert look(db.engine) == before


def test_a_database_that_does_not_answer_gives_no_number(app: Flask) -> None:
    nowhere = sa.create_engine("sqlite:////no/such/folder/press.db")

    assert look(nowhere) is None
