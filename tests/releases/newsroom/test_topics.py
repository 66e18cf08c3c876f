"""Topics: kept by the office, chosen for stories, and seen at once by those who read them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import BadInput, NotAllowed, NotNow
from releases.editorial import topics, workflow
from releases.editorial.announcing import topics as subscribed
from releases.editorial.models import Release, State
from releases.newsroom.models import Heading, Listing
from releases.rounds.importing import make_programme
from subscribers.audience.models import Topic
from tests import factories
from tests.factories import A_MORNING


def add(by: User, name: str = "Vatten och avlopp", english: str = "Water") -> Topic:
    made = topics.add(name_sv=name, name_en=english, by=by, at=A_MORNING)
    db.session.commit()
    return made


def listed(release: Release) -> list[str]:
    query = sa.select(Listing.key).where(
        Listing.release_id == release.id, Listing.kind == Heading.TOPIC
    )
    return list(db.session.scalars(query.order_by(Listing.key)))


def test_a_topics_address_is_made_once(editor: User) -> None:
    made = add(editor, "Ämnet Åland")

    topics.rename(made, name_sv="Något annat", name_en="", by=editor, at=A_MORNING)
    db.session.commit()

    assert (made.slug, made.name("sv"), made.name("en")) == (
        "amnet-aland",
        "Något annat",
        "Något annat",
    )


def test_no_topic_has_a_programmes_address_and_no_programme_a_topics(editor: User) -> None:
    make_programme("Demokrati")
    made = add(editor, "Demokrati")

    assert made.slug == "demokrati-2"
    add(editor, "Klimat")
    assert make_programme("Klimat").slug == "klimat-2"


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_topic_needs_a_name(editor: User, name: str) -> None:
    with pytest.raises(BadInput):
        add(editor, name)


def test_two_topics_are_not_called_the_same(editor: User) -> None:
    add(editor, "Vatten")

    with pytest.raises(BadInput):
        add(editor, " VATTEN ")


def test_the_topic_of_everything_stays(editor: User) -> None:
    everything = db.session.scalars(sa.select(Topic).where(Topic.slug == "press-releases")).one()

    with pytest.raises(NotNow):
        topics.retire(everything, by=editor, at=A_MORNING)


def test_writers_keep_no_topics(writer: User) -> None:
    with pytest.raises(NotAllowed):
        add(writer)


def test_a_storys_topics_show_at_once_in_what_is_published(writer: User, editor: User) -> None:
    water, climate = add(editor, "Vatten"), add(editor, "Klimat")
    made = factories.release(writer, state=State.PUBLISHED, editor=editor)

    topics.file_under(made, [water.id, climate.id], by=writer, at=A_MORNING)
    db.session.commit()
    both = listed(made)
    topics.file_under(made, [climate.id], by=writer, at=A_MORNING)
    db.session.commit()

    assert both == sorted([str(water.id), str(climate.id)])
    assert listed(made) == [str(climate.id)]
    said = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "release.topics").order_by(AuditEvent.id)
    ).all()
    assert [one.facts["topics"] for one in said] == ["Vatten, Klimat", "Klimat"]


def test_a_retired_topic_stays_with_its_stories_and_is_given_to_no_others(
    writer: User, editor: User
) -> None:
    made = add(editor, "Vatten")
    with_it = factories.release(writer)
    topics.file_under(with_it, [made.id], by=writer, at=A_MORNING)
    topics.retire(made, by=editor, at=A_MORNING)
    db.session.commit()
    without = factories.release(writer)

    topics.file_under(with_it, [made.id], by=writer, at=A_MORNING)

    assert with_it.story.topics == [made]
    with pytest.raises(BadInput):
        topics.file_under(without, [made.id], by=writer, at=A_MORNING)


@pytest.mark.parametrize("number", [1, 999])
def test_a_topic_that_is_not_offered_is_refused(writer: User, number: int) -> None:
    made = factories.release(writer)  # 1 is the topic of everything

    with pytest.raises(BadInput):
        topics.file_under(made, [number], by=writer, at=A_MORNING)


def test_a_rounds_themes_propose_topics_of_the_same_name(writer: User, editor: User) -> None:
    water = add(editor, "vatten", "")
    climate = add(editor, "Något annat", "KLIMAT")
    add(editor, "Skola")
    made = factories.release(writer)

    before = topics.proposed(made)
    topics.file_under(made, [water.id], by=writer, at=A_MORNING)

    assert {one.id for one in before} == {water.id, climate.id}
    assert topics.proposed(made) == [climate]


def test_whoever_follows_a_topic_of_the_story_is_written_to(writer: User, editor: User) -> None:
    made = factories.release(writer)
    topics.file_under(made, [add(editor, "Vatten").id], by=writer, at=A_MORNING)

    assert subscribed(made) == ("press-releases", "kommunala-partnerskap", "vatten")


def test_who_was_written_to_about_a_topic_is_so_when_the_story_has_it_no_more(
    writer: User, editor: User
) -> None:
    made = factories.release(writer, state=State.APPROVED, editor=editor)
    topics.file_under(made, [add(editor, "Vatten").id], by=writer, at=A_MORNING)
    workflow.publish(made, by=editor, at=A_MORNING)
    topics.file_under(made, [], by=writer, at=A_MORNING)
    db.session.commit()

    assert subscribed(made) == ("press-releases", "kommunala-partnerskap", "vatten")


def test_an_editor_adds_and_renames_topics_on_their_pages(
    client: FlaskClient, editor: User
) -> None:
    browser = factories.signed_in(client, editor)

    browser.post("/office/settings/topics/new", data={"name_sv": "Vatten", "name_en": "Water"})
    again = browser.post("/office/settings/topics/new", data={"name_sv": "vatten", "name_en": "W"})
    made = db.session.scalars(sa.select(Topic).where(Topic.slug == "vatten")).one()
    browser.post(f"/office/settings/topics/{made.id}", data={"name_sv": "Avlopp", "name_en": ""})
    browser.post(f"/office/settings/topics/{made.id}/retire")

    assert again.status_code == 422
    assert "Ämnet Vatten finns redan." in again.text
    assert 'value="W"' in again.text
    page = browser.get("/office/settings/topics/").text
    assert "Avlopp" in page
    assert "Ur bruk" in page
    assert browser.get("/office/settings/topics/999").status_code == 404


def test_a_writer_chooses_topics_on_the_releases_page(
    client: FlaskClient, writer: User, editor: User
) -> None:
    made, topic = factories.release(writer), add(editor, "Vatten")
    browser = factories.signed_in(client, writer)
    before = browser.get(f"/office/releases/{made.id}").text

    answer = browser.post(f"/office/releases/{made.id}/topics", data={"topic": [topic.id]})

    assert "föreslås av omgångens teman" in before
    assert answer.status_code == 302
    assert [one.slug for one in made.story.topics] == ["vatten"]
    assert f'value="{topic.id}" checked' in browser.get(f"/office/releases/{made.id}").text
    wrong = browser.post(f"/office/releases/{made.id}/topics", data={"topic": ["9" * 30, "x", "7"]})
    assert wrong.status_code == 422
