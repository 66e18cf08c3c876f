"""Drafting into a release, saving revisions, and two people who save at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.html import gaps
from app.core.organisation import Organisation
from releases.editorial.models import Release, Revision
from releases.editorial.texts import full_text
from releases.editorial.writing import draft_release, save, text_of
from tests import factories
from tests.factories import A_MORNING
from tests.markup import figures_in

LATER = A_MORNING + timedelta(minutes=5)


def test_a_draft_binds_its_figures_by_name(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    bound = dict(figures_in(release.head.headline + release.head.lead + release.head.body))

    assert bound["total"] == "2650000"
    assert bound["grantees.list"] == "Borås; Falun; Region Gotland"
    assert "2\u00a0650\u00a0000\u00a0kronor" in release.head.lead


def test_a_missing_quote_is_a_marked_gap(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    assert gaps(release.head.body) == ["quote.authority", "quote.head"]
    assert "[Citat:" in full_text(release, release.head)
    assert "[Citat:" not in full_text(release, release.head, public=True)


def test_the_other_language_joins_the_same_story(app: Flask, writer: User) -> None:
    swedish = factories.release(writer, language="sv")
    english = factories.release(writer, language="en")
    again = factories.release(writer, language="sv")

    assert swedish.story_id == english.story_id
    assert again.story_id != swedish.story_id
    assert again.slug == f"{swedish.slug}-2"


def test_an_address_is_plain_letters(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    text = replace(text_of(release.head), headline="Åtta miljoner till Örebro & Älvdalen!")

    save(release, text, base_id=release.head_id or 0, by=writer, at=LATER)

    assert release.slug == "atta-miljoner-till-orebro-alvdalen"


def test_an_address_stays_once_it_has_been_public(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=factories.State.PUBLISHED, editor=editor)
    slug = release.slug

    text = replace(text_of(release.head), headline="En helt annan rubrik")
    save(release, text, base_id=release.head_id or 0, by=writer, at=LATER)

    assert release.slug == slug


def test_saving_nothing_new_makes_no_revision(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    save(release, text_of(release.head), base_id=release.head_id or 0, by=writer, at=LATER)

    assert db.session.scalar(sa.select(sa.func.count(Revision.id))) == 1


def test_a_release_needs_a_headline(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    with pytest.raises(BadInput) as refused:
        text = replace(text_of(release.head), headline="<b> </b>")
        save(release, text, base_id=release.head_id or 0, by=writer, at=LATER)

    assert refused.value.key == "headline_missing"


def test_hostile_text_is_stored_harmless(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    text = replace(
        text_of(release.head),
        headline="Rubrik<script>alert(1)</script>",
        body='<p onclick="x()">Text<img src=x onerror=alert(1)></p>',
    )

    save(release, text, base_id=release.head_id or 0, by=writer, at=LATER)

    assert release.head.headline == "Rubrik"
    assert release.head.body == "<p>Text</p>"


def test_who_saves_second_is_told_and_nothing_is_overwritten(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    base = release.head_id or 0
    mine = replace(text_of(release.head), headline="Min rubrik")
    theirs = replace(text_of(release.head), headline="Deras rubrik")
    save(release, theirs, base_id=base, by=editor, at=LATER)
    db.session.commit()

    with pytest.raises(Conflict) as refused:
        save(release, mine, base_id=base, by=writer, at=LATER)

    assert refused.value.facts["revision"] == release.head_id
    assert release.head.headline == "Deras rubrik"


def test_of_many_who_save_at_once_exactly_one_wins(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    release_id, base, person = release.id, release.head_id or 0, writer.id
    text = text_of(release.head)
    db.session.commit()
    outcomes: list[str] = []
    start = threading.Barrier(6)

    def work(number: int) -> None:
        with app.app_context():
            mine = replace(text, headline=f"Rubrik {number}")
            start.wait()
            try:
                save(
                    db.session.get_one(Release, release_id),
                    mine,
                    base_id=base,
                    by=db.session.get_one(User, person),
                    at=LATER,
                )
                db.session.commit()
                outcomes.append("saved")
            except Conflict:
                db.session.rollback()
                outcomes.append("told")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["saved"] + ["told"] * 5
    assert db.session.scalar(sa.select(sa.func.count(Revision.id))) == 2


def test_a_draft_names_the_organisation_when_it_is_known(app: Flask, writer: User) -> None:
    db.session.add(Organisation(name_sv="Demokraticentret", name_en="The Centre", short_name="DC"))
    stored = factories.round_()

    release, _draft = draft_release(stored, "sv", by=writer, at=A_MORNING)

    assert "Demokraticentret" in release.head.lead
