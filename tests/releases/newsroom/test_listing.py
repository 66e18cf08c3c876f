"""What is live is filed at once, under what it is about, and can be filed anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.models import Release, State, StoryTopic
from releases.editorial.writing import draft_release, save, text_of
from releases.newsroom.lists.listing import list_releases, place_awards
from releases.newsroom.models import Heading, Listing
from releases.rounds.changing import edit_row, replace_rows
from releases.rounds.models import Award, Round
from releases.rounds.reading import read
from subscribers.audience.models import Topic
from tests import factories
from tests.factories import A_MORNING
from tests.releases.newsroom.desk import Desk

LATER = A_MORNING + timedelta(days=2)


def published(writer: User, editor: User, *, language: str = "sv") -> Release:
    return factories.release(writer, language=language, state=State.PUBLISHED, editor=editor)


def headings(release: Release) -> set[tuple[Heading, str]]:
    query = sa.select(Listing.kind, Listing.key).where(Listing.release_id == release.id)
    return {(kind, key) for kind, key in db.session.execute(query)}


def places(release: Release) -> set[str]:
    return {key for kind, key in headings(release) if kind is Heading.PLACE}


def searchable(release: Release) -> int:
    key = "release_id" if db.engine.dialect.name == "postgresql" else "rowid"
    query = sa.text(f"SELECT count(*) FROM release_search WHERE {key} = :id")
    return int(db.session.scalar(query, {"id": release.id}) or 0)


def test_a_published_release_is_listed_under_its_programme_and_places(
    writer: User, editor: User
) -> None:
    made = published(writer, editor)

    assert made.story.round is not None
    assert headings(made) == {
        (Heading.PROGRAMME, str(made.story.round.programme_id)),
        (Heading.PLACE, "2080"),  # Falun
        (Heading.PLACE, "1490"),  # Borås
        (Heading.PLACE, "09"),  # Region Gotland
    }
    assert made.listed_id == made.live_id
    assert searchable(made) == 1


@pytest.mark.parametrize("state", [State.DRAFT, State.APPROVED, State.SCHEDULED])
def test_what_is_not_public_is_not_listed(writer: User, editor: User, state: State) -> None:
    made = factories.release(writer, state=state, editor=editor)
    list_releases()

    assert headings(made) == set()
    assert searchable(made) == 0


def test_a_withdrawn_release_is_taken_off_and_put_back_with_it(writer: User, editor: User) -> None:
    made = published(writer, editor)
    before = headings(made)

    workflow.withdraw(made, reason="Fel siffra", by=editor, at=LATER)
    db.session.commit()
    withdrawn = (headings(made), searchable(made), made.listed_id)
    workflow.reinstate(made, by=editor, at=LATER)
    db.session.commit()

    assert withdrawn == (set(), 0, None)
    assert headings(made) == before
    assert searchable(made) == 1


def test_only_who_was_granted_something_is_a_place_of_it(writer: User, editor: User) -> None:
    factories.round_(
        "Sökande;Typ;Beviljat belopp;Beslut\n"
        "Falun;kommun;1000;Bifall\nÅre;kommun;500;Avslag\nLund;kommun;0;Bifall\n"
        "Lund;förening;900;Bifall\n"
    )

    assert places(published(writer, editor)) == {"2080"}


def test_a_round_that_is_changed_after_publication_moves_no_places(
    writer: User, editor: User
) -> None:
    made = published(writer, editor)
    round_ = made.story.round
    assert round_ is not None
    row = replace(round_.awards[0].row(), grantee="Umeå")

    edit_row(round_, row.number, row, by=editor, at=LATER)
    made.listed_id = None
    db.session.commit()
    list_releases()

    assert places(made) == {"2080", "1490", "09"}
    assert db.session.scalars(sa.select(Award.place).where(Award.grantee == "Umeå")).all() == [
        "2480"
    ]


def test_a_newer_text_of_the_round_moves_the_places_of_the_older_one(
    writer: User, editor: User
) -> None:
    older = published(writer, editor)
    round_ = older.story.round
    assert round_ is not None
    content = factories.ROUND.replace("Borås;kommun", "Lund;kommun").encode()
    replace_rows(
        round_,
        read(content, filename="rattad.csv"),
        content=content,
        filename="rattad.csv",
        by=editor,
        at=LATER,
    )
    newer, _ = draft_release(round_, "sv", by=writer, at=LATER)
    workflow.submit(newer, by=writer, at=LATER)
    workflow.approve(newer, revision_id=newer.head_id or 0, by=editor, at=LATER)
    db.session.commit()
    before = places(older)

    workflow.publish(newer, by=editor, at=LATER)
    db.session.commit()

    assert before == {"2080", "1490", "09"}
    assert places(newer) == places(older) == {"2080", "1281", "09"}


def test_a_text_of_no_round_is_listed_under_its_topics_alone(desk: Desk) -> None:
    made = desk.release()
    topic = Topic(slug="vatten", name_sv="Vatten", name_en="Water")
    db.session.add(topic)
    db.session.flush()
    db.session.add(StoryTopic(story_id=made.story_id, topic_id=topic.id))
    db.session.commit()

    list_releases()

    assert headings(made) == {(Heading.TOPIC, str(topic.id))}


def test_an_old_database_is_listed_by_the_job_and_then_left_alone(app: Flask, desk: Desk) -> None:
    several = [desk.release(story=desk.story() if n == 0 else None) for n in range(60)]

    list_releases()
    number = db.session.scalar(sa.text("SELECT number FROM generation"))
    list_releases()

    assert all(one.listed_id == one.live_id for one in several)
    assert all(searchable(one) == 1 for one in several)
    assert headings(several[0])
    assert db.session.scalar(sa.text("SELECT number FROM generation")) == number


def test_listing_again_changes_nothing(writer: User, editor: User) -> None:
    made = published(writer, editor)
    before = headings(made)

    made.listed_id = None
    db.session.commit()
    list_releases()

    assert headings(made) == before
    assert searchable(made) == 1


def test_awards_that_nobody_has_placed_are_placed_by_the_job(writer: User, editor: User) -> None:
    made = published(writer, editor)
    db.session.execute(sa.update(Award).values(place=None))
    db.session.execute(sa.delete(Listing).where(Listing.kind == Heading.PLACE))
    db.session.commit()

    place_awards()
    list_releases()

    found = db.session.execute(sa.select(Award.grantee, Award.place))
    assert {one.grantee: one.place for one in found} == {
        "Falun": "2080",
        "Borås": "1490",
        "Region Gotland": "09",
    }
    assert places(made) == {"2080", "1490", "09"}


def test_a_grantee_of_no_place_is_looked_up_once(app: Flask) -> None:
    factories.round_("Sökande;Typ;Beviljat belopp\nBildningsförbundet;förening;1000\n")

    assert db.session.scalars(sa.select(Award.place)).all() == [""]


def test_a_corrected_row_gets_the_place_of_its_new_grantee(app: Flask, editor: User) -> None:
    round_ = factories.round_()
    content = factories.ROUND.replace("Borås;kommun", "Malmö stad;kommun").encode()

    replace_rows(
        round_,
        read(content, filename="rattad.csv"),
        content=content,
        filename="rattad.csv",
        by=editor,
        at=LATER,
    )
    db.session.commit()

    stored = db.session.scalars(sa.select(Round)).one()
    assert {one.grantee: one.place for one in stored.awards} == {
        "Falun": "2080",
        "Malmö stad": "1280",
        "Region Gotland": "09",
    }


def test_a_correction_is_listed_with_its_new_words(writer: User, editor: User) -> None:
    made = published(writer, editor)
    first = made.listed_id
    text = replace(text_of(made.head), headline="En rubrik med Zirkon")
    save(made, text, base_id=made.head_id or 0, by=writer, at=LATER)
    workflow.submit(made, by=writer, at=LATER)
    workflow.approve(made, revision_id=made.head_id or 0, by=editor, at=LATER)
    workflow.publish(made, by=editor, at=LATER)
    db.session.commit()

    assert made.listed_id == made.live_id != first
