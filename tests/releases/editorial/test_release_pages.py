"""The office's pages about releases: the desk, the next step, the editor and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from app.core.html import plain
from app.core.organisation import unnamed
from releases.editorial import workflow
from releases.editorial.comparing import changes
from releases.editorial.models import Contact, Release, ReleaseEvent, Revision, State
from releases.editorial.workflow import Action
from releases.editorial.writing import save, text_of
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.releases.editorial.looking import words

LATER = A_MORNING + timedelta(minutes=5)

# How each action looks on the page of a release.
DOORS = {
    Action.EDIT: 'href="/office/releases/{id}/edit"',
    Action.SUBMIT: 'action="/office/releases/{id}/submit"',
    Action.SEND_BACK: 'action="/office/releases/{id}/send_back"',
    Action.APPROVE: 'action="/office/releases/{id}/approve"',
    Action.SCHEDULE: 'href="/office/releases/{id}/preflight#schedule"',
    Action.UNSCHEDULE: 'action="/office/releases/{id}/unschedule"',
    Action.PUBLISH: 'action="/office/releases/{id}/publish"',
    Action.WITHDRAW: 'href="/office/releases/{id}/withdraw"',
    Action.REINSTATE: 'action="/office/releases/{id}/reinstate"',
}


def page_of(client: FlaskClient, release: Release, more: str = "") -> str:
    return client.get(f"/office/releases/{release.id}{more}").text


def form_of(release: Release, **changed: str) -> dict[str, str]:
    """What the editing page would send if nothing but `changed` were touched."""
    head = release.head
    untouched = {
        "base": str(head.id),
        "headline": head.headline,
        "lead": head.lead,
        "body": head.body,
        "about_programme": head.about_programme,
        "note": "",
    }
    return {**untouched, **changed}


def revise(release: Release, *, by: User, **changed: Any) -> Revision:
    text = replace(text_of(release.head), **changed)
    revision = save(release, text, base_id=release.head.id, by=by, at=LATER)
    db.session.commit()
    return revision


def revisions(release: Release) -> int:
    return (
        db.session.scalar(
            sa.select(sa.func.count(Revision.id)).where(Revision.release_id == release.id)
        )
        or 0
    )


# The next step


def test_the_page_offers_exactly_what_the_person_may_do(
    client: FlaskClient, writer: User, editor: User
) -> None:
    for state in State:
        release = factories.release(writer, state=state, editor=editor)
        for person in (writer, editor):
            page = page_of(signed_in(client, person), release)

            offered = {one for one, door in DOORS.items() if door.format(id=release.id) in page}
            allowed = {one for one in DOORS if workflow.may(release, one, by=person)}
            assert offered == allowed, (state, person.role)


def test_an_editor_who_wrote_it_is_told_why_another_must_approve(
    client: FlaskClient, editor: User
) -> None:
    db.session.add(unnamed("Centret", "The Centre"))
    release = factories.release(editor, state=State.IN_REVIEW, editor=editor)

    page = page_of(signed_in(client, editor), release)

    assert DOORS[Action.APPROVE].format(id=release.id) not in page
    assert client.post(
        f"/office/releases/{release.id}/approve", data={"revision": str(release.head_id)}
    ).status_code in (403, 409)
    assert release.state is State.IN_REVIEW


@pytest.mark.parametrize("action", [Action.APPROVE, Action.PUBLISH, Action.WITHDRAW])
def test_a_writer_who_forges_an_editors_button_is_refused(
    client: FlaskClient, writer: User, editor: User, action: Action
) -> None:
    start = {
        Action.APPROVE: State.IN_REVIEW,
        Action.PUBLISH: State.APPROVED,
        Action.WITHDRAW: State.PUBLISHED,
    }[action]
    release = factories.release(writer, state=start, editor=editor)

    answer = signed_in(client, writer).post(
        f"/office/releases/{release.id}/{action.value}",
        data={"revision": str(release.head_id), "reason": "Jag vill"},
    )

    db.session.refresh(release)
    assert answer.status_code == 403
    assert release.state is start


def test_approving_a_text_that_has_changed_since_is_refused(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.IN_REVIEW, editor=editor)
    read = release.head_id
    revise(release, by=writer, headline="En annan rubrik")
    workflow.submit(release, by=writer, at=LATER)
    db.session.commit()

    answer = signed_in(client, editor).post(
        f"/office/releases/{release.id}/approve", data={"revision": str(read)}
    )

    db.session.refresh(release)
    assert answer.status_code == 409
    assert "<h1>" in answer.text
    assert release.state is State.IN_REVIEW
    assert release.approved_id is None


@pytest.mark.parametrize("given", ["", "abc", "-1", "٣", "99999999999999999999"])
def test_a_button_that_names_no_revision_does_nothing(
    client: FlaskClient, writer: User, given: str
) -> None:
    release = factories.release(writer)

    answer = signed_in(client, writer).post(
        f"/office/releases/{release.id}/submit", data={"revision": given}
    )

    db.session.refresh(release)
    assert answer.status_code == 409
    assert release.state is State.DRAFT


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_sending_back_needs_a_reason(
    client: FlaskClient, writer: User, editor: User, reason: str
) -> None:
    release = factories.release(writer, state=State.IN_REVIEW, editor=editor)

    page = signed_in(client, editor).post(
        f"/office/releases/{release.id}/send_back",
        data={"reason": reason},
        follow_redirects=True,
    )

    db.session.refresh(release)
    assert "notice--error" in page.text
    assert release.state is State.IN_REVIEW


def test_the_reason_for_sending_back_stands_in_the_history(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.IN_REVIEW, editor=editor)
    signed_in(client, editor).post(
        f"/office/releases/{release.id}/send_back", data={"reason": "Citatet <saknas>"}
    )

    page = page_of(signed_in(client, writer), release)

    assert "Citatet &lt;saknas&gt;" in page
    assert "Skickades tillbaka" in page


@pytest.mark.parametrize("moment", [" ", "i morgon", "2001-01-01 08:00", "2026-13-45 99:00"])
def test_a_time_that_cannot_be_is_told_and_nothing_is_scheduled(
    client: FlaskClient, writer: User, editor: User, moment: str
) -> None:
    day, _, time = moment.partition(" ")
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    page = signed_in(client, editor).post(
        f"/office/releases/{release.id}/schedule", data={"day": day, "time": time}
    )

    db.session.refresh(release)
    assert page.status_code == 422
    assert "notice--error" in page.text
    assert f'value="{day}"' in page.text
    assert release.state is State.APPROVED


def test_a_schedule_is_by_the_organisations_own_clock(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    summer = now().year + 1

    signed_in(client, editor).post(
        f"/office/releases/{release.id}/schedule",
        data={"day": f"{summer}-07-01", "time": "08:00"},
    )

    db.session.refresh(release)
    assert release.publish_at is not None
    assert release.publish_at.isoformat() == f"{summer}-07-01T06:00:00+00:00"
    assert "08.00" in page_of(client, release)


# Editing


def test_saving_makes_a_revision_with_its_note(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)

    answer = signed_in(client, writer).post(
        f"/office/releases/{release.id}/edit",
        data=form_of(release, headline="En ny rubrik", note="Kortare"),
    )

    db.session.refresh(release)
    assert answer.location == f"/office/releases/{release.id}"
    assert (release.head.title, release.head.number) == ("En ny rubrik", 2)
    assert "Kortare" in page_of(client, release)


def test_saving_without_a_change_makes_none(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)

    signed_in(client, writer).post(f"/office/releases/{release.id}/edit", data=form_of(release))

    assert revisions(release) == 1


def test_a_text_saved_on_top_of_an_older_one_comes_back_beside_the_newer(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    mine = form_of(release, lead="Bos ingress.", note="Bos skäl")
    revise(release, by=writer, lead="Alvas ingress.", about_programme="Alvas faktaruta.")

    answer = signed_in(client, editor).post(f"/office/releases/{release.id}/edit", data=mine)

    assert answer.status_code == 409
    said = words(answer.text)
    assert "Alva har sparat en ny version" in said
    for kept in ("Alvas ingress.", "Alvas faktaruta.", "Bos ingress."):
        assert kept in said
    assert 'value="Bos skäl"' in answer.text
    assert f'name="base" value="{release.head_id}"' in answer.text
    assert revisions(release) == 2


def test_saving_again_on_top_of_what_was_shown_is_taken(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    mine = form_of(release, lead="Bos ingress.")
    hers = revise(release, by=writer, lead="Alvas ingress.")

    answer = signed_in(client, editor).post(
        f"/office/releases/{release.id}/edit", data={**mine, "base": str(hers.id)}
    )

    db.session.refresh(release)
    assert answer.status_code == 302
    assert plain(release.head.lead) == "Bos ingress."
    assert plain(hers.lead) == "Alvas ingress."


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"headline": "<em> </em>"}, "headline"),
        ({"link_label": "Vår sajt", "link_url": "https:icld"}, "link-url-1"),
        ({"link_label": "Vår sajt", "link_url": ""}, "link-url-1"),
        ({"link_label": "Vår sajt", "link_url": "javascript:alert(1)"}, "link-url-1"),
    ],
)
def test_a_text_that_cannot_be_saved_comes_back_with_every_word(
    client: FlaskClient, writer: User, changed: dict[str, str], field: str
) -> None:
    release = factories.release(writer)

    answer = signed_in(client, writer).post(
        f"/office/releases/{release.id}/edit",
        data=form_of(release, lead="Min egen ingress.", note="Mitt skäl", **changed),
    )

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert "Min egen ingress." in answer.text
    assert 'value="Mitt skäl"' in answer.text
    assert ("link_label" not in changed) or 'value="Vår sajt"' in answer.text
    assert revisions(release) == 1


def test_another_releases_revision_is_no_base(client: FlaskClient, writer: User) -> None:
    one, other = factories.release(writer), factories.release(writer)

    answer = signed_in(client, writer).post(
        f"/office/releases/{one.id}/edit", data=form_of(one, base=str(other.head_id))
    )

    assert answer.status_code == 404
    assert revisions(one) == 1


def test_chosen_contacts_are_printed_and_others_only_offered(
    client: FlaskClient, writer: User
) -> None:
    for name in ("Lo Lind", "Mo Mård"):
        db.session.add(Contact(name=name, phone="070-174 06 10", position=1))
    db.session.commit()
    release = factories.release(writer)
    lo = db.session.scalars(sa.select(Contact.id).where(Contact.name == "Lo Lind")).one()

    signed_in(client, writer).post(
        f"/office/releases/{release.id}/edit", data=form_of(release, contact=str(lo))
    )

    db.session.refresh(release)
    assert [contact["name"] for contact in release.head.contacts] == ["Lo Lind"]
    assert "Mo Mård" not in page_of(client, release)
    assert "Mo Mård" in page_of(client, release, "/edit")


def test_a_withdrawn_release_has_no_editing_page(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.WITHDRAWN, editor=editor)

    answer = signed_in(client, editor).get(f"/office/releases/{release.id}/edit")

    assert answer.status_code == 409
    assert "<h1>" in answer.text


def test_the_editing_page_offers_the_rounds_figures(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)

    page = page_of(signed_in(client, writer), release, "/edit")

    offered = page.split('id="editor-figures"')[1].split("</template>")[0]
    assert '<data value="2650000" data-figure="total">2\u00a0650\u00a0000\u00a0kronor</data>' in (
        unescape(offered)
    )


# Reading


def test_gaps_are_counted_wherever_they_are(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    revise(release, by=writer, headline='Pengar till <mark data-gap="who">[vem?]</mark>')

    assert "3 luckor är inte ifyllda" in page_of(signed_in(client, writer), release, "/preflight")


def test_an_earlier_version_shows_what_has_changed_since(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    first = release.head_id
    revise(release, by=writer, headline="En helt annan rubrik", links=[])

    page = page_of(signed_in(client, writer), release, f"/revisions/{first}")

    assert "Ändrat till och med version 2" in page
    assert re.search(r"<ins>.*En helt annan rubrik.*</ins>", page)
    assert "Hela texten" in page


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("ett två", "ett två", [("same", "ett två")]),
        (
            "Drygt tio till alla",
            "Knappt elva till alla",
            [("delete", "Drygt tio"), ("insert", "Knappt elva"), ("same", " till alla")],
        ),
        ("", "nytt", [("insert", "nytt")]),
        ("borta", "", [("delete", "borta")]),
        ("a b c", "a c", [("same", "a "), ("delete", "b "), ("same", "c")]),
    ],
)
def test_changes_are_told_as_few_and_whole(old: str, new: str, told: list[tuple[str, str]]) -> None:
    found = changes(old, new)

    assert found == told
    assert "".join(text for op, text in found if op != "insert") == old
    assert "".join(text for op, text in found if op != "delete") == new


@pytest.mark.parametrize(
    "address",
    [
        "/office/releases/99",
        "/office/releases/99/edit",
        "/office/releases/99/revisions/1",
        "/office/releases/99/preview",
    ],
)
def test_what_is_not_there_is_said_so(client: FlaskClient, writer: User, address: str) -> None:
    page = signed_in(client, writer).get(address)

    assert page.status_code == 404
    assert "<h1>" in page.text


def test_looking_changes_nothing(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    before = (release.updated_at, release.head_id, release.state)
    signed_in(client, writer)

    for more in ("", "/edit", f"/revisions/{release.head_id}", "/preview"):
        assert client.get(f"/office/releases/{release.id}{more}").status_code == 200
    for action in Action:
        assert client.get(f"/office/releases/{release.id}/{action.value}").status_code in (
            200,
            403,
            404,
            405,
        )

    db.session.refresh(release)
    assert (release.updated_at, release.head_id, release.state) == before
    assert db.session.scalar(sa.select(sa.func.count(ReleaseEvent.id))) == 1


def test_a_release_asks_as_often_however_long_its_history(
    client: FlaskClient, writer: User
) -> None:
    signed_in(client, writer).get("/office/")
    release = factories.release(writer)
    counts = []
    for number in range(1, 21):
        revise(release, by=writer, headline=f"Rubrik {number}")
        if number in (1, 20):
            address = f"/office/releases/{release.id}"
            with counted_queries() as asked:
                client.get(address)
            counts.append(len(asked))

    assert counts[0] == counts[1]


def test_nobody_comes_in_without_having_signed_in(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)

    for more in ("", "/edit", "/preview", f"/revisions/{release.head_id}"):
        answer = client.get(f"/office/releases/{release.id}{more}")
        assert "/office/sign-in" in answer.location
    assert "/office/sign-in" in client.post(f"/office/releases/{release.id}/edit").location
