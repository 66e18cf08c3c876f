"""Language versions: begun from another, followed, and told when the original has moved on."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from app.core.errors import Conflict, NotNow
from app.core.html import blocks, plain
from releases.editorial.models import Contact, Release, Revision, State, Story
from releases.editorial.translating import (
    begin,
    changes_since,
    follow,
    is_behind,
    translations_behind,
    untranslated,
)
from releases.editorial.writing import begin_release, save, text_of
from releases.media.models import Image
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.markup import figures_in
from tests.releases.editorial.looking import words

LATER = A_MORNING + timedelta(minutes=5)
LONG = "Det här är en mening som ingen ännu har översatt."


def revise(release: Release, by: User, **parts: Any) -> Revision:
    text = replace(text_of(release.head), **parts)
    revision = save(release, text, base_id=release.head_id or 0, by=by, at=LATER)
    db.session.commit()
    return revision


def whole(release: Release) -> str:
    return release.head.headline + release.head.lead + release.head.body


def shape(markup: str) -> list[str]:
    return re.findall(r"</?(?:p|h2|h3|ul|ol|li|blockquote|footer|table|tr|td)\b", markup)


# Beginning


def test_a_version_has_the_originals_blocks_and_says_its_figures_in_its_own_language(
    app: Flask, writer: User
) -> None:
    original = factories.release(writer)

    made = begin(original, "en", by=writer, at=LATER)

    assert (made.language, made.story_id, made.state) == ("en", original.story_id, State.DRAFT)
    assert made.original_id == original.id
    assert made.follows_id == original.head_id
    assert shape(made.head.body) == shape(original.head.body)
    assert figures_in(whole(made)) == figures_in(whole(original))
    assert "SEK\u00a02,650,000" in made.head.lead
    assert "kronor" not in "".join(re.findall("<data[^>]*>(.*?)</data>", whole(made)))


def test_a_rounded_figure_stays_rounded_and_a_capital_a_capital(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    lead = (
        '<data value="3" data-figure="grantees.count">Tre mottagare</data> får '
        '<data value="2650000" data-figure="total.rounded">drygt 2,6 miljoner kronor</data>.'
    )
    revise(original, writer, lead=lead)

    made = begin(original, "en", by=writer, at=LATER)

    assert plain(made.head.lead) == "Three recipients får over SEK\u00a02.6\u00a0million."


def test_a_gap_asks_in_the_new_language(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    own = '<p><mark data-gap="quote.head">[fråga Eva]</mark></p>'
    revise(original, writer, body=original.head.body + own)

    made = begin(original, "en", by=writer, at=LATER)

    assert "[Quote: our own head, with name and title]" in made.head.body
    assert "[Citat:" not in made.head.body
    assert "[fråga Eva]" in made.head.body


def test_figures_come_from_the_round_as_it_is_now(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    revise(original, writer, lead='<data value="1" data-figure="total">1\u00a0krona</data>')

    made = begin(original, "en", by=writer, at=LATER)

    assert figures_in(made.head.lead) == [("total", "2650000")]


def test_contacts_links_facts_and_pictures_are_in_the_new_language(
    app: Flask, writer: User
) -> None:
    lo = Contact(name="Lo Lind", title_sv="pressansvarig", title_en="press officer", phone="070")
    db.session.add(lo)
    db.session.commit()
    original = factories.release(writer)
    round_ = original.story.round
    assert round_ is not None
    programme = round_.programme
    programme.about_sv, programme.about_en = "Om programmet.", "About the programme."
    programme.name_en = "Municipal partnerships"
    programme.read_more_url = "https://icld.se/kp"
    picture = Image(
        story_id=original.story_id, key="k", filename="h.jpg", content_type="image/jpeg", width=1,
        height=1, size=1, alt_sv="Hamn", alt_en="Harbour", uploaded_at=A_MORNING,
    )  # fmt: skip
    db.session.add(picture)
    db.session.commit()
    links = [
        {"label": "Kommunala partnerskap", "url": "https://icld.se/kp"},
        {"label": "Annat", "url": "https://annat.se/"},
    ]
    revise(
        original, writer, links=links, contacts=[lo.printed("sv")], images=[picture.printed("sv")]
    )

    head = begin(original, "en", by=writer, at=LATER).head

    assert head.about_programme == "About the programme."
    assert [one["title"] for one in head.contacts] == ["press officer"]
    assert [one["label"] for one in head.links] == ["Municipal partnerships", "Annat"]
    assert [one["alt"] for one in head.images] == ["Harbour"]


def test_a_news_item_without_a_round_can_be_translated_too(app: Flask, writer: User) -> None:
    story = Story(created_at=A_MORNING)
    db.session.add(story)
    db.session.flush()
    text = replace(text_of(factories.release(writer).head), headline="Nytt", body=f"<p>{LONG}</p>")
    original = begin_release(story, "sv", text, by=writer, at=A_MORNING)

    made = begin(original, "en", by=writer, at=LATER)

    assert made.head.body == f"<p>{LONG}</p>"


def test_a_story_has_one_version_in_a_language(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    begin(original, "en", by=writer, at=LATER)

    for language in ("en", "sv"):
        with pytest.raises(Conflict):
            begin(original, language, by=writer, at=LATER)


def test_of_two_who_begin_at_once_one_does(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    release_id, person = original.id, writer.id
    db.session.commit()
    outcomes: list[str] = []
    start = threading.Barrier(3)

    def work() -> None:
        with app.app_context():
            start.wait()
            try:
                found = db.session.get_one(Release, release_id)
                begin(found, "en", by=db.session.get_one(User, person), at=LATER)
                db.session.commit()
                outcomes.append("begun")
            except Conflict:
                db.session.rollback()
                outcomes.append("told")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["begun", "told", "told"]
    assert db.session.scalar(sa.select(sa.func.count(Release.id))) == 2


def test_a_draft_from_the_template_follows_the_other_language(app: Flask, writer: User) -> None:
    swedish = factories.release(writer, language="sv")
    english = factories.release(writer, language="en")

    assert (swedish.original_id, swedish.follows_id) == (None, None)
    assert (english.original_id, english.follows_id) == (swedish.id, swedish.head_id)


# What waits to be translated


def test_sentences_that_still_read_as_the_original_are_found(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    body = f"<p>{LONG}</p><ul><li>Falun, Kenya</li><li>En punkt med fler ord än så här</li></ul>"
    revise(original, writer, headline="Kort rubrik", lead="Bara lite.", body=body)
    made = begin(original, "en", by=writer, at=LATER)

    found = untranslated(made, made.head)
    revise(made, writer, body=f"<p>A sentence at last.</p><p>{LONG.upper()}</p>")

    assert found == [LONG, "– En punkt med fler ord än så här"]
    assert untranslated(made, made.head) == [LONG.upper()]


def test_a_figure_said_in_the_new_language_does_not_hide_the_words_around_it(
    app: Flask, writer: User
) -> None:
    original = factories.release(writer)
    total = '<data value="2650000" data-figure="total">2\u00a0650\u00a0000 kronor</data>'
    revise(original, writer, lead=f"Pengarna som delas ut i år är {total}.", body="<p>Nej.</p>")
    made = begin(original, "en", by=writer, at=LATER)

    assert untranslated(made, made.head) == ["Pengarna som delas ut i år är SEK\u00a02,650,000."]


def test_an_original_has_nothing_to_translate(app: Flask, writer: User) -> None:
    original = factories.release(writer)

    assert untranslated(original, original.head) == []


# Following


def test_what_the_original_has_changed_since_is_told(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    made = begin(original, "en", by=writer, at=LATER)
    assert not is_behind(made)
    assert translations_behind(original) == []

    revise(original, writer, headline="En ny rubrik")

    db.session.refresh(made)
    assert [part for part, _ in changes_since(made)] == ["headline"]
    assert translations_behind(original) == [made]
    assert changes_since(original) == []


def test_who_has_seen_it_lets_the_version_follow(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    made = begin(original, "en", by=writer, at=LATER)
    newer = revise(original, writer, headline="En ny rubrik")

    follow(made, revision_id=newer.id, by=writer, at=LATER)

    assert made.follows_id == newer.id
    assert changes_since(made) == []
    assert translations_behind(original) == []


def test_an_original_that_moved_on_once_more_has_to_be_read_again(app: Flask, writer: User) -> None:
    original = factories.release(writer)
    made = begin(original, "en", by=writer, at=LATER)
    read = revise(original, writer, headline="En ny rubrik")
    revise(original, writer, headline="En ännu nyare rubrik")

    with pytest.raises(Conflict):
        follow(made, revision_id=read.id, by=writer, at=LATER)
    with pytest.raises(NotNow):
        follow(original, revision_id=read.id, by=writer, at=LATER)


# The pages


def test_the_button_begins_a_version_with_the_original_beside_it(
    client: FlaskClient, writer: User
) -> None:
    original = factories.release(writer)
    revise(original, writer, body=f"<p>{LONG}</p>")

    answer = signed_in(client, writer).post(
        f"/office/releases/{original.id}/versions/en", follow_redirects=True
    )

    made = db.session.scalars(sa.select(Release).where(Release.language == "en")).one()
    assert answer.status_code == 200
    assert answer.request.path == f"/office/releases/{made.id}/edit"
    assert blocks(made.head.body) == [f"<p>{LONG}</p>"]
    assert answer.text.count(LONG) == 2


@pytest.mark.parametrize(("language", "status"), [("de", 404), ("sv", 409)])
def test_a_language_that_is_unknown_or_taken_begins_nothing(
    client: FlaskClient, writer: User, language: str, status: int
) -> None:
    original = factories.release(writer)

    answer = signed_in(client, writer).post(f"/office/releases/{original.id}/versions/{language}")

    assert answer.status_code == status
    assert db.session.scalar(sa.select(sa.func.count(Release.id))) == 1


def test_the_editing_page_tells_what_changed_until_somebody_has_seen_it(
    client: FlaskClient, writer: User
) -> None:
    original = factories.release(writer)
    made = begin(original, "en", by=writer, at=LATER)
    newer = revise(original, writer, headline="En ny rubrik")
    edit = f"/office/releases/{made.id}/edit"

    before = signed_in(client, writer).get(edit).text
    answer = client.post(
        f"/office/releases/{made.id}/follows",
        data={"revision": str(newer.id)},
        follow_redirects=True,
    )

    assert "Den här versionen följer originalets version 1" in words(before)
    assert "En ny rubrik" in words(before)
    assert "Originalet har ändrats" not in client.get(edit).text
    assert "Följer originalets version 2" in words(answer.text)
