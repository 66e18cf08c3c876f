"""Words that were never saved: kept for whoever wrote them, and taken up or thrown away."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.accounts import User
from app.core.db import db
from releases.editorial.autosaving import forget, keep, unsaved
from releases.editorial.models import Autosave, Release, Revision, State
from releases.editorial.writing import save, text_of
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.releases.editorial.looking import words

LATER = A_MORNING + timedelta(minutes=5)


def form_of(release: Release, **changed: str) -> dict[str, str]:
    parts = ("headline", "lead", "body", "about_programme")
    untouched = {part: getattr(release.head, part) for part in parts}
    return {**untouched, "base": str(release.head_id), **changed}


def send(client: FlaskClient, release: Release, **changed: str) -> TestResponse:
    return client.post(f"/office/releases/{release.id}/autosave", data=form_of(release, **changed))


def revise(release: Release, by: User, **parts: Any) -> Revision:
    text = replace(text_of(release.head), **parts)
    revision = save(release, text, base_id=release.head_id or 0, by=by, at=LATER)
    db.session.commit()
    return revision


def rows() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(Autosave)) or 0


def test_the_last_words_are_kept_and_the_release_is_as_it_was(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    text = text_of(release.head)

    for headline in ("Första försöket", "Andra försöket"):
        mine = replace(text, headline=headline)
        keep(release, mine, base=release.head, note="Kort", by=writer, at=LATER)
    db.session.commit()

    kept = unsaved(release, by=writer)
    assert kept is not None
    assert (kept.text.headline, kept.note, kept.saved_at) == ("Andra försöket", "Kort", LATER)
    assert kept.base is release.head
    assert rows() == 1
    assert text_of(release.head) == text
    assert db.session.scalar(sa.select(sa.func.count(Revision.id))) == 1


def test_everybodys_words_are_their_own(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer)
    for person in (writer, editor):
        mine = replace(text_of(release.head), lead=person.name)
        keep(release, mine, base=release.head, by=person, at=LATER)

    forget(release, by=writer)

    kept = unsaved(release, by=editor)
    assert unsaved(release, by=writer) is None
    assert kept is not None and kept.text.lead == "Bo"


def test_words_that_the_release_says_already_are_not_unsaved(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    base = release.head
    mine = replace(text_of(base), lead="Ny ingress.", body=base.body.replace("\n", " "))
    keep(release, mine, base=base, by=writer, at=LATER)
    assert unsaved(release, by=writer) is not None

    revise(release, writer, lead="Ny ingress.")

    assert unsaved(release, by=writer) is None


@pytest.mark.parametrize("body", ["<p>Ett rummål.</p>", "<p>Ett rum\u00a0mål.</p>"])
def test_two_words_made_one_are_unsaved_words(app: Flask, writer: User, body: str) -> None:
    release = factories.release(writer)
    revise(release, writer, body="<p>Ett rum mål.</p>")

    keep(
        release,
        replace(text_of(release.head), body=body),
        base=release.head,
        by=writer,
        at=LATER,
    )

    assert unsaved(release, by=writer) is not None


@pytest.mark.parametrize(
    "body",
    ["<ul><li>ett <b>och</b> <i>två</i></li></ul><p>tre</p>", "<ul>\n  <li>ett\n<b>och</b> "
     "<i>två</i></li>\n</ul>\n\n<p>tre</p>\n"],
)  # fmt: skip
def test_where_lines_break_is_no_unsaved_word(app: Flask, writer: User, body: str) -> None:
    release = factories.release(writer)
    revise(release, writer, body="<ul>\n<li>ett <b>och</b> <i>två</i></li>\n</ul>\n<p>tre</p>")

    keep(
        release,
        replace(text_of(release.head), body=body),
        base=release.head,
        by=writer,
        at=LATER,
    )

    assert unsaved(release, by=writer) is None


def test_two_windows_of_one_person_can_keep_at_the_same_moment(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    release_id, person, text = release.id, writer.id, text_of(release.head)
    db.session.commit()
    failures: list[Exception] = []
    start = threading.Barrier(4)

    def work(n: int) -> None:
        with app.app_context():
            found = db.session.get_one(Release, release_id)
            mine, by = replace(text, lead=f"Fönster {n}"), db.session.get_one(User, person)
            base = found.head
            db.session.rollback()
            start.wait()
            try:
                keep(found, mine, base=base, by=by, at=LATER)
                db.session.commit()
            except Exception as error:
                failures.append(error)
                db.session.rollback()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert rows() == 1


# The page


def test_the_editing_page_tells_of_them_and_shows_them_when_asked(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)
    answer = send(signed_in(client, writer), release, lead="Osparad ingress.", note="Mitt skäl")
    edit = f"/office/releases/{release.id}/edit"

    told, taken = client.get(edit), client.get(f"{edit}?unsaved=1")

    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json["saved_at"]).tzinfo is not None
    assert "Du har osparad text från" in words(told.text)
    assert "Osparad ingress." not in told.text
    assert "Osparad ingress." in taken.text
    assert 'value="Mitt skäl"' in taken.text


def test_words_on_an_older_version_are_merged_when_they_are_saved(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    base = release.head_id
    send(signed_in(client, writer), release, lead="Alvas ingress.")
    revise(release, editor, headline="Bos rubrik")
    edit = f"/office/releases/{release.id}/edit"

    taken = client.get(f"{edit}?unsaved=1").text
    first = db.session.get_one(Revision, base)
    parts = {part: getattr(first, part) for part in ("headline", "body", "about_programme")}
    client.post(edit, data={**parts, "lead": "Alvas ingress.", "base": str(base)})

    db.session.refresh(release)
    assert "Den skrevs på version 1" in words(taken)
    assert f'name="base" value="{base}"' in taken
    assert (release.head.headline, release.head.lead) == ("Bos rubrik", "Alvas ingress.")


def test_a_save_leaves_nothing_unsaved(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    send(signed_in(client, writer), release, lead="Ny ingress.")

    client.post(f"/office/releases/{release.id}/edit", data=form_of(release, lead="Ny ingress."))

    assert rows() == 0


def test_they_can_be_thrown_away(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    send(signed_in(client, writer), release, lead="Ny ingress.")

    client.post(f"/office/releases/{release.id}/unsaved/forget")

    assert rows() == 0
    assert "osparad text från" not in client.get(f"/office/releases/{release.id}/edit").text


@pytest.mark.parametrize("what", ["autosave", "presence"])
def test_a_page_left_open_is_told_that_its_session_has_ended(
    app: Flask, writer: User, what: str
) -> None:
    release = factories.release(writer)
    app.config["WTF_CSRF_ENABLED"] = True

    answer = app.test_client().post(
        f"/office/releases/{release.id}/{what}",
        data=form_of(release),
        headers={"X-CSRFToken": "from before"},
    )

    assert answer.status_code == 401
    assert answer.json == {"error": "signed_out"}
    assert rows() == 0


def test_what_a_page_sends_by_itself_needs_its_token(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    app.config["WTF_CSRF_ENABLED"] = True

    answer = send(signed_in(app.test_client(), writer), release, lead="Smugglat.")

    assert answer.status_code == 400
    assert rows() == 0


def test_nothing_is_kept_for_a_text_that_cannot_be_edited(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    release.state = State.WITHDRAWN
    db.session.commit()

    assert send(signed_in(client, writer), release, lead="Ny.").status_code == 409
    assert rows() == 0


def test_another_releases_revision_is_no_base(client: FlaskClient, writer: User) -> None:
    one, other = factories.release(writer), factories.release(writer)

    answer = send(signed_in(client, writer), one, base=str(other.head_id))

    assert answer.status_code == 404
    assert rows() == 0
