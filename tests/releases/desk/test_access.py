"""Limited stories: there for those who were let in, and for nobody else of the office."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, normal_url
from app.core.errors import NotAllowed
from releases.commands import release_group
from releases.desk import access
from releases.desk.notifying import Kind, tell
from releases.desk.reading_notices import unread
from releases.editorial.models import Release, State, StoryAccess
from releases.editorial.questions import Wanted, of_round, releases_page
from releases.editorial.writing import draft_release
from tests import factories
from tests.factories import signed_in

NAMED = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(release_id|story_id)>")


@pytest.fixture
def outsider(app: Flask) -> User:
    """An editor, who may do everything but see this."""
    return factories.user("ute@press.example", role=Role.EDITOR)


@pytest.fixture
def hidden(writer: User, editor: User) -> Release:
    """A limited release of the writer's, shown to the editor."""
    release = factories.release(writer, state=State.SCHEDULED, editor=editor)
    access.limit(release, [editor], by=writer, at=now())
    db.session.commit()
    return release


def inside(release: Release) -> set[int]:
    rows = sa.select(StoryAccess.user_id).where(StoryAccess.story_id == release.story_id)
    return set(db.session.scalars(rows))


def test_whoever_limits_a_story_stays_inside(hidden: Release, writer: User, editor: User) -> None:
    assert inside(hidden) == {writer.id, editor.id}


def test_a_limit_can_be_changed_and_taken_away(
    hidden: Release, writer: User, outsider: User
) -> None:
    access.limit(hidden, [outsider], by=writer, at=now())
    changed = inside(hidden)
    access.open_up(hidden, by=writer, at=now())

    assert changed == {writer.id, outsider.id}
    assert inside(hidden) == set()
    assert access.may_see(outsider, hidden.story)


def test_a_limit_is_put_on_record_with_its_people(hidden: Release) -> None:
    event = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "release.limit")
    ).one()

    assert (event.actor, event.facts["people"]) == ("Alva", ["Alva", "Bo"])


def test_the_form_limits_on_each_database(client: FlaskClient, writer: User, editor: User) -> None:
    number, people = factories.release(writer).id, {writer.id, editor.id}
    signed_in(client, writer)
    db.session.expunge_all()  # a request of its own loads the release together with its round

    answer = client.post(
        f"/office/releases/{number}/access", data={"limited": "yes", "person": [*people]}
    )

    assert answer.status_code == 302
    assert inside(db.session.get_one(Release, number)) == people


def test_only_those_who_write_in_it_and_editors_may_limit(
    writer: User, editor: User, admin: User
) -> None:
    release = factories.release(writer)
    stranger = factories.user("olle@press.example")
    reviewer = factories.user("gun@press.example", role=Role.REVIEWER)

    for person in (stranger, reviewer):
        with pytest.raises(NotAllowed):
            access.limit(release, [], by=person, at=now())
    for person in (writer, editor, admin):
        assert access.may_limit(person, release.story)


def test_an_editor_outside_cannot_open_it(hidden: Release, outsider: User) -> None:
    with pytest.raises(NotAllowed):
        access.open_up(hidden, by=outsider, at=now())

    assert hidden.story.limited


def test_lists_leave_it_out_for_those_outside(
    hidden: Release, writer: User, editor: User, outsider: User, admin: User
) -> None:
    round_ = hidden.story.round
    assert round_ is not None

    for person, sees in ((writer, True), (editor, True), (admin, True), (outsider, False)):
        found = (
            releases_page(Wanted(), to=person).items,
            releases_page(Wanted(words="kommuner"), to=person).items,
            of_round(round_, to=person),
        )
        assert [hidden in one for one in found] == [sees] * 3, person.name


def test_a_draft_in_another_language_does_not_join_a_story_that_one_cannot_see(
    hidden: Release, editor: User, outsider: User
) -> None:
    round_ = hidden.story.round
    assert round_ is not None

    theirs, _ = draft_release(round_, "en", by=outsider, at=now())
    ours, _ = draft_release(round_, "en", by=editor, at=now())

    assert theirs.story_id != hidden.story_id
    assert theirs.original_id is None
    assert ours.story_id == hidden.story_id


def test_what_is_told_about_it_reaches_only_those_inside(
    hidden: Release, editor: User, outsider: User
) -> None:
    before = unread(outsider)

    tell([editor, outsider], Kind.COMMENT, hidden, key="comment:1", at=now(), who="Alva", text="!")

    assert unread(outsider) == before == 0


def test_what_one_was_told_before_the_limit_is_hidden_after_it(
    writer: User, editor: User, outsider: User
) -> None:
    release = factories.release(writer)
    tell([outsider], Kind.COMMENT, release, key="comment:1", at=now(), who="Alva", text="!")
    told = unread(outsider)

    access.limit(release, [], by=writer, at=now())

    assert (told, unread(outsider)) == (1, 0)


def test_a_command_does_not_act_for_somebody_outside(
    app: Flask, hidden: Release, outsider: User, editor: User
) -> None:
    words = ["withdraw", str(hidden.id), "--reason", "Fel", "--by"]

    refused = app.test_cli_runner().invoke(release_group, [*words, outsider.email])

    assert refused.exit_code == 1
    assert f"Det finns inget pressmeddelande {hidden.id}" in refused.stderr


class TestPages:
    """Pages are the same on both databases."""

    @pytest.fixture
    def database_url(self, tmp_path: Path, sqlite_template: Path) -> sa.URL:
        shutil.copy(sqlite_template, tmp_path / "pressrum.db")
        return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")

    def test_every_page_of_it_is_missing_for_those_outside(
        self, app: Flask, client: FlaskClient, hidden: Release, outsider: User
    ) -> None:
        signed_in(client, outsider)

        walked = list(doors(app, hidden))

        assert len(walked) > 30
        for method, path in walked:
            assert client.open(path, method=method).status_code == 404, (method, path)

    def test_its_pages_are_there_for_those_inside(
        self, client: FlaskClient, hidden: Release, editor: User, admin: User
    ) -> None:
        for person in (editor, admin):
            page = signed_in(client, person).get(f"/office/releases/{hidden.id}")
            assert page.status_code == 200

    def test_nothing_of_it_shows_on_the_pages_that_list_things(
        self, client: FlaskClient, hidden: Release, outsider: User
    ) -> None:
        signed_in(client, outsider)

        for path in LISTS:
            page = client.get(path.format(hidden.story.round_id))
            assert page.status_code == 200
            assert f"/office/releases/{hidden.id}" not in page.text, path
            assert hidden.head.title not in page.text, path

    def test_a_story_named_beside_another_release_is_looked_at_too(
        self, app: Flask, client: FlaskClient, hidden: Release, outsider: User
    ) -> None:
        app.add_url_rule(
            "/office/both/<int:release_id>/<int:story_id>",
            "both",
            lambda release_id, story_id: "seen",
        )
        other = factories.release(outsider)
        other.story.round_id = None
        signed_in(client, outsider)

        own = client.get(f"/office/both/{other.id}/{other.story_id}")
        mixed = client.get(f"/office/both/{other.id}/{hidden.story_id}")

        assert other.story_id != hidden.story_id
        assert (own.status_code, mixed.status_code) == (200, 404)

    def test_a_number_that_no_database_holds_is_missing_too(
        self, client: FlaskClient, outsider: User
    ) -> None:
        answer = signed_in(client, outsider).get(f"/office/releases/{10**25}")

        assert answer.status_code == 404

    def test_the_form_limits_and_opens(
        self, client: FlaskClient, writer: User, editor: User, outsider: User
    ) -> None:
        release = factories.release(writer)
        address = f"/office/releases/{release.id}"
        signed_in(client, writer)

        client.post(f"{address}/access", data={"limited": "yes", "person": [str(editor.id), "x"]})
        limited = client.get(address).text
        client.post(f"{address}/access", data={"limited": "no"})
        opened = client.get(address).text

        assert "Bara de här personerna kan se texten" in limited
        assert "Alla i redaktionen kan se texten" in opened

    def test_what_was_published_stays_public(
        self, client: FlaskClient, writer: User, editor: User
    ) -> None:
        release = factories.release(writer, state=State.PUBLISHED, editor=editor)
        access.limit(release, [], by=writer, at=now())
        db.session.commit()

        assert client.get(f"/sv/releases/{release.slug}").status_code == 200


LISTS = (
    "/office/",
    "/office/calendar?month=2026-11",
    "/office/releases/",
    "/office/releases/?words=kommuner",
    "/office/rounds/{}",
    "/office/notifications",
    "/office/audit",
)


def doors(app: Flask, release: Release) -> Iterator[tuple[str, str]]:
    """(method, address) of every staff page that names a release or a story."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/office") or not NAMED.search(rule.rule):
            continue
        path = rule.rule
        path = path.replace("<int:release_id>", str(release.id))
        path = path.replace("<int:story_id>", str(release.story_id))
        path = re.sub(r"<any\(\"?'?(\w+)[^>]*>", r"\1", path)
        path = re.sub(r"<language>|<lang>", "sv", path)
        path = re.sub(r"<int:\w+>", "1", path)
        path = re.sub(r"<[^>]+>", "1", path)
        for method in (rule.methods or set()) & {"GET", "POST"}:
            yield method, path
