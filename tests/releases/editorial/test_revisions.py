"""All versions of a release, what became of them, two compared, and an old one restored."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from app.core.errors import Conflict
from releases.editorial import workflow
from releases.editorial.comparing import compare, only_form_differs
from releases.editorial.models import Release, Revision, State
from releases.editorial.revisions import PAGE, Span, versions_page
from releases.editorial.writing import restore, save, text_of
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.releases.editorial.looking import words

LATER = A_MORNING + timedelta(minutes=5)


def revision(**parts: Any) -> Revision:
    """One that is in no database."""
    given: dict[str, Any] = {
        "headline": "",
        "lead": "",
        "body": "",
        "about_programme": "",
        "contacts": [],
        "links": [],
        "images": [],
        "documents": [],
    }
    return Revision(**{**given, **parts})


def revise(release: Release, by: User, *, note: str = "", **parts: Any) -> Revision:
    text = replace(text_of(release.head), **parts)
    made = save(release, text, base_id=release.head_id or 0, by=by, at=LATER, note=note)
    db.session.commit()
    return made


# Comparing


def test_a_figure_with_another_value_is_a_change_though_its_words_are_the_same() -> None:
    def lead(value: int) -> str:
        return (
            f'Vi ger <data value="{value}" data-figure="total.rounded">tio miljoner kronor</data>.'
        )

    [(part, parts)] = compare(revision(lead=lead(10200000)), revision(lead=lead(10400000)))

    assert part == "lead"
    assert ("delete", "tio miljoner kronor (10\u00a0200\u00a0000).") in parts
    assert ("insert", "tio miljoner kronor (10\u00a0400\u00a0000).") in parts


def test_a_figure_whose_words_changed_is_told_by_its_words() -> None:
    old = '<data value="10200000" data-figure="total">tio miljoner</data> till elva'
    new = '<data value="11400000" data-figure="total">elva miljoner</data> till elva'

    [(_part, parts)] = compare(revision(lead=old), revision(lead=new))

    assert parts == [
        ("delete", "tio miljoner"),
        ("insert", "elva miljoner"),
        ("same", " till elva"),
    ]


def test_a_list_of_names_is_compared_name_by_name() -> None:
    old = '<data value="Borås; Falun" data-figure="grantees.list">Borås och Falun</data>'
    new = '<data value="Borås; Gotland" data-figure="grantees.list">Borås och Gotland</data>'

    [(_part, parts)] = compare(revision(lead=old), revision(lead=new))

    assert parts == [("same", "Borås och "), ("delete", "Falun"), ("insert", "Gotland")]


def test_a_link_that_leads_elsewhere_is_a_change() -> None:
    old, new = '<a href="https://a.se/">vår sida</a>', '<a href="https://b.se/">vår sida</a>'

    [(_part, parts)] = compare(revision(lead=old), revision(lead=new))

    assert ("delete", "sida (https://a.se/)") in parts
    assert ("insert", "sida (https://b.se/)") in parts


def test_a_picture_put_into_the_text_is_a_change() -> None:
    image = {"id": 4, "caption": "Hamnen <i kväll>", "filename": "h.jpg", "alt": "", "credit": "Bo",
             "licence": ""}  # fmt: skip
    new = revision(body='<p>Ett</p><figure data-image="4"></figure>', images=[image])

    told = dict(compare(revision(body="<p>Ett</p>"), new))

    assert told["body"] == [("same", "Ett"), ("insert", "\n\n▣ Hamnen <i kväll>")]
    assert told["images"] == [("insert", "h.jpg · Hamnen <i kväll> · Bo")]


def test_other_form_with_the_same_words_is_told_apart_from_no_change() -> None:
    old, new = revision(body="<p>Ett</p>"), revision(body="<h2>Ett</h2>")

    assert only_form_differs(old, new)
    assert not only_form_differs(old, revision(body="<p>Ett</p>"))
    assert not only_form_differs(old, revision(body="<p>Två</p>"))


# The page of all versions


def test_each_version_tells_who_when_why_and_what_became_of_it(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    revise(release, writer, headline="Andra rubriken", note="Bättre rubrik")
    workflow.submit(release, by=writer, at=LATER)
    second = LATER + timedelta(hours=1)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=second)
    workflow.publish(release, by=editor, at=second)
    revise(release, writer, headline="Tredje rubriken")

    newest, middle, first = versions_page(release).items

    assert (first.live, first.is_head) == ((Span(A_MORNING, second),), False)
    assert (middle.live, middle.approved_at) == ((Span(second),), second)
    assert (newest.live, newest.approved_at, newest.is_head) == ((), None, True)
    assert middle.revision.note == "Bättre rubrik"


def test_what_was_withdrawn_is_live_no_more(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    workflow.withdraw(release, reason="Fel", by=editor, at=LATER)

    [only] = versions_page(release).items

    assert only.live == (Span(A_MORNING, LATER),)


def test_versions_come_a_page_at_a_time_with_as_many_questions(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)
    address = f"/office/releases/{release.id}/versions"
    signed_in(client, writer)
    client.get(address)
    with counted_queries() as few:
        client.get(address)
    for n in range(PAGE + 2):
        revise(release, writer, headline=f"Rubrik {n}")

    with counted_queries() as many:
        first = client.get(address).text
    more = re.search(r'rel="next" href="([^"]*)"', first)
    assert more is not None
    second = client.get(more[1]).text

    assert len(many) == len(few)
    assert first.count('scope="row"') == PAGE
    assert second.count('scope="row"') == 3
    assert "Version 1<" in second


def test_any_two_versions_can_be_compared(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    old = revise(release, writer, headline="Gammal rubrik", lead="Samma ingress.")
    new = revise(release, writer, headline="Ny rubrik")
    revise(release, writer, headline="Senaste rubriken")

    page = signed_in(client, writer).get(
        f"/office/releases/{release.id}/compare?old={old.id}&new={new.id}"
    )

    assert "Version 2 och version 3" in words(page.text)
    assert re.search(r"<del>.*Gammal.*</del>", page.text)
    assert re.search(r"<ins>.*Ny.*</ins>", page.text)
    assert "Samma ingress" not in page.text


@pytest.mark.parametrize(
    ("query", "status"), [("", 409), ("old=x&new=1", 409), ("old=99999&new=99999", 404)]
)
def test_versions_that_are_none_cannot_be_compared(
    client: FlaskClient, writer: User, query: str, status: int
) -> None:
    release = factories.release(writer)

    answer = signed_in(client, writer).get(f"/office/releases/{release.id}/compare?{query}")

    assert answer.status_code == status


# Restoring


def test_a_restored_version_is_a_new_one_with_the_old_words(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    first = release.head
    revise(release, writer, headline="Ny rubrik", links=[])
    workflow.submit(release, by=writer, at=LATER)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)

    made = restore(release, first, base_id=release.head_id or 0, by=writer, at=LATER)

    assert text_of(made) == text_of(first)
    assert (made.number, made.note) == (3, "Version 1 återställd")
    assert (release.state, release.approved_id) == (State.DRAFT, None)


def test_restoring_over_what_somebody_has_just_saved_is_refused(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    first = release.head
    seen = revise(release, writer, headline="Ny rubrik")
    theirs = revise(release, editor, headline="Bos rubrik")

    with pytest.raises(Conflict):
        restore(release, first, base_id=seen.id, by=writer, at=LATER)

    assert release.head_id == theirs.id


def test_the_button_restores_and_says_so(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    first, text = release.head_id, text_of(release.head)
    revise(release, writer, headline="Ny rubrik")
    address = f"/office/releases/{release.id}/revisions/{first}"
    page = signed_in(client, writer).get(address).text

    answer = client.post(
        f"{address}/restore", data={"revision": str(release.head_id)}, follow_redirects=True
    )

    db.session.refresh(release)
    assert f'action="{address}/restore"' in page
    assert text_of(release.head) == text
    assert "Version 1 är återställd" in words(answer.text)
