"""An address that changes: the old one leads to the new one, straight, and to nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotAllowed
from releases.editorial.models import OldAddress, Release, State
from releases.editorial.publications import _follow
from releases.editorial.writing import save, text_of
from releases.newsroom import addressing
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.releases.newsroom.desk import Desk


def move(release: Release, slug: str, by: User, **more: bool) -> None:
    addressing.move(release, slug=slug, by=by, at=A_MORNING, **more)
    db.session.commit()


def test_a_shared_link_leads_to_the_new_address(
    client: FlaskClient, desk: Desk, editor: User
) -> None:
    release = desk.release(slug="gammal")

    move(release, "ny", editor)
    answer = client.get("/sv/releases/gammal")

    assert answer.status_code == 301
    assert answer.location == "/sv/releases/ny"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert client.get(answer.location).status_code == 200


@pytest.mark.parametrize("below", ["versions/1", "embed", "press-kit.pdf", "ninjs.json", "a b/å"])
def test_what_stands_below_the_old_address_is_found_below_the_new_one(
    client: FlaskClient, desk: Desk, editor: User, below: str
) -> None:
    move(desk.release(slug="gammal"), "ny", editor)

    answer = client.get(f"/sv/releases/gammal/{below}")

    assert answer.status_code == 301
    assert answer.location.startswith("/sv/releases/ny/")


def test_what_was_asked_of_a_page_below_is_asked_again(
    client: FlaskClient, desk: Desk, editor: User
) -> None:
    move(desk.release(slug="gammal"), "ny", editor)

    answer = client.get("/sv/releases/gammal/card.png?v=12")

    assert answer.location == "/sv/releases/ny/card.png?v=12"


def test_an_address_that_changes_twice_is_one_redirect_away(
    client: FlaskClient, desk: Desk, editor: User
) -> None:
    release = desk.release(slug="ett")
    move(release, "tva", editor)
    move(release, "tre", editor)

    assert client.get("/sv/releases/ett").location == "/sv/releases/tre"
    assert client.get("/sv/releases/tva").location == "/sv/releases/tre"


def test_an_address_that_comes_back_does_not_go_round(
    client: FlaskClient, desk: Desk, editor: User
) -> None:
    release = desk.release(slug="ett")
    for slug in ("tva", "ett", "tva", "ett"):
        move(release, slug, editor)

    assert client.get("/sv/releases/ett").status_code == 200
    assert client.get("/sv/releases/tva").location == "/sv/releases/ett"
    assert addressing.old_paths(release) == ["/sv/releases/tva"]


def test_an_old_address_of_another_is_taken_only_when_somebody_says_so(
    client: FlaskClient, desk: Desk, editor: User
) -> None:
    first, second = desk.release(slug="bidrag"), desk.release(slug="annan")
    move(first, "bidrag-2022", editor)

    with pytest.raises(BadInput, match="address_leads_elsewhere"):
        move(second, "bidrag", editor)
    db.session.rollback()
    move(second, "bidrag", editor, take=True)

    assert client.get("/sv/releases/bidrag").status_code == 200
    assert client.get("/sv/releases/annan").location == "/sv/releases/bidrag"
    assert addressing.old_paths(first) == []


def test_an_address_has_one_release(desk: Desk, editor: User) -> None:
    release, _other = desk.release(slug="ett"), desk.release(slug="tva")
    english = desk.release(slug="one", language="en")

    with pytest.raises(BadInput, match="address_taken"):
        move(release, "tva", editor)
    move(english, "tva", editor)

    assert (release.slug, english.slug) == ("ett", "tva")


@pytest.mark.parametrize(
    ("written", "slug"),
    [
        ("Västerås får Åtta miljoner!", "vasteras-far-atta-miljoner"),
        ("../../office", "office"),
        ("https://evil.example/x", "https-evil-example-x"),
        ("ord " * 60, "-".join(["ord"] * 25)),
    ],
)
def test_an_address_is_spelled_as_addresses_are(
    desk: Desk, editor: User, written: str, slug: str
) -> None:
    release = desk.release()

    move(release, written, editor)

    assert release.slug == slug
    assert len(slug) <= addressing.LONGEST


@pytest.mark.parametrize("written", ["", "  ", "\0", "–", "你好"])
def test_an_address_without_letters_is_none(desk: Desk, editor: User, written: str) -> None:
    with pytest.raises(BadInput, match="address_missing"):
        move(desk.release(), written, editor)


def test_only_editors_move_a_release(desk: Desk, writer: User) -> None:
    with pytest.raises(NotAllowed):
        move(desk.release(), "ny", writer)


def test_two_who_move_it_at_once_do_not_both_succeed(desk: Desk, editor: User) -> None:
    release = desk.release(slug="ett")
    assert release.slug == "ett"  # as this person has it before them
    db.session.execute(
        sa.update(Release).values(slug="tva").execution_options(synchronize_session=False)
    )

    with pytest.raises(Conflict):
        addressing.move(release, slug="tre", by=editor, at=A_MORNING)


def test_the_log_says_who_moved_it_and_from_where(desk: Desk, editor: User) -> None:
    move(desk.release(slug="ett"), "tva", editor)

    event = db.session.scalars(sa.select(AuditEvent)).one()
    assert (event.action, event.actor) == ("release.move", "Bo")
    assert event.facts == {"old": "/sv/releases/ett", "new": "/sv/releases/tva"}


def test_followers_are_told_of_a_new_address_but_not_of_the_same_again(
    desk: Desk, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(
        "releases.editorial.publications._follow",
        [*_follow, lambda release, at: told.append(release.slug)],
    )
    release, draft = desk.release(slug="ett"), desk.release(slug="utkast", state=State.DRAFT)

    move(release, "tva", editor)
    move(release, "tva", editor)
    move(draft, "annat-utkast", editor)

    assert told == ["tva"]


def test_what_was_never_public_leaves_no_old_address(
    client: FlaskClient, desk: Desk, editor: User
) -> None:
    move(desk.release(slug="hemlig", state=State.DRAFT), "annan", editor)

    assert client.get("/sv/releases/hemlig").status_code == 404
    assert client.get("/sv/releases/annan").status_code == 404
    assert db.session.scalar(sa.select(sa.func.count()).select_from(OldAddress)) == 0


def test_an_old_address_does_not_reveal_what_is_not_public(client: FlaskClient, desk: Desk) -> None:
    draft = desk.release(slug="hemlig", state=State.DRAFT)
    leads_to(draft, "/pressrum/hemlig")

    assert client.get("/pressrum/hemlig").status_code == 404


def test_the_old_address_of_a_withdrawn_release_says_that_it_is_gone(
    client: FlaskClient, desk: Desk
) -> None:
    release = desk.release(slug="ny", state=State.WITHDRAWN, reason="Fel summa")
    leads_to(release, "/sv/releases/gammal")
    leads_to(release, "/press/17")

    for path in ("/sv/releases/gammal", "/press/17"):
        answer = client.get(path)
        assert answer.status_code == 410
        assert "Fel summa" in answer.text
        assert '<html lang="sv">' in answer.text


def leads_to(release: Release, path: str) -> None:
    db.session.add(OldAddress(path=path, release_id=release.id, created_at=A_MORNING))
    db.session.commit()


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("/pressreleases/tio-miljoner-17", "/pressreleases/tio-miljoner-17"),
        ("/pressreleases/tio-miljoner-17", "/pressreleases/tio-miljoner-17?utm_source=mejl"),
        ("/news.aspx?id=17", "/news.aspx?id=17"),
        ("/?p=17", "/?p=17"),
        ("/nyheter/v%C3%A4xj%C3%B6", "/nyheter/växjö"),
        ("/nyheter/växjö", "/nyheter/v%C3%A4xj%C3%B6"),
        ("/sv/17", "/sv/17"),
        ("/17/", "/17/"),
    ],
)
def test_an_address_of_another_newsroom_leads_here(
    client: FlaskClient, desk: Desk, kept: str, asked: str
) -> None:
    leads_to(desk.release(slug="ny"), kept)

    answer = client.get(asked)

    assert answer.status_code == 301
    assert answer.location == "/sv/releases/ny"


def test_a_query_that_names_another_text_does_not_lead_to_this_one(
    client: FlaskClient, desk: Desk
) -> None:
    leads_to(desk.release(slug="ett"), "/news.aspx?id=1")
    leads_to(desk.release(slug="tva"), "/news.aspx?id=2")

    assert client.get("/news.aspx?id=2").location == "/sv/releases/tva"
    assert client.get("/news.aspx?id=3").status_code == 404
    assert client.get("/news.aspx").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/gammal//evil.example",
        "//evil.example/gammal",
        "/sv/releases/gammal//evil.example/%2e%2e",
        "/sv/releases/gammal/%0d%0aSet-Cookie:%20x=1",
        "/sv/releases/gammal/\\evil.example",
        "/https://evil.example",
    ],
)
def test_no_redirect_leaves_our_newsroom(
    client: FlaskClient, desk: Desk, editor: User, path: str
) -> None:
    move(desk.release(slug="gammal"), "ny", editor)

    answer = client.get(path)

    assert answer.status_code in (301, 308, 404)
    assert "Set-Cookie" not in answer.headers
    if answer.status_code == 301:
        assert answer.location.startswith("/sv/releases/ny/")


def test_only_a_get_is_led_on(client: FlaskClient, desk: Desk, editor: User) -> None:
    move(desk.release(slug="gammal"), "ny", editor)

    assert client.head("/sv/releases/gammal").status_code == 301
    assert client.delete("/sv/releases/gammal").status_code == 405
    assert client.post("/nowhere").status_code in (400, 404)
    assert client.get("/office/sv/releases/gammal").status_code == 404


def test_an_address_that_leads_nowhere_costs_one_question(client: FlaskClient, desk: Desk) -> None:
    desk.release()
    client.get("/")

    with counted_queries() as asked:
        client.get("/no/such/page?x=1")

    assert sum("old_address" in question for question in asked) == 1


@pytest.mark.parametrize("path", ["/a%00b", "/sv/releases/%00", "/x?y=%00", "/" + "x" * 4000])
def test_an_impossible_address_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_headline_proposes_an_address_that_nobody_has_or_had(desk: Desk, editor: User) -> None:
    first, second = (
        desk.release("Åtta miljoner", slug="atta-miljoner"),
        desk.release("Åtta miljoner"),
    )
    move(first, "ny", editor)

    assert addressing.proposed(second) == "atta-miljoner-2"
    assert addressing.proposed(first) == "atta-miljoner"


def test_a_new_draft_takes_no_address_that_leads_to_another_release(
    desk: Desk, writer: User, editor: User
) -> None:
    move(desk.release("Nya bidrag", slug="nya-bidrag"), "nya-bidrag-i-host", editor)
    draft = factories.release(writer)

    text = replace(text_of(draft.head), headline="Nya bidrag")
    save(draft, text, base_id=draft.head_id or 0, by=writer, at=A_MORNING)

    assert draft.slug == "nya-bidrag-2"


def test_an_address_that_was_chosen_outlives_a_new_headline(writer: User, editor: User) -> None:
    chosen = factories.release(writer)
    follows = factories.release(writer)
    move(chosen, "vald", editor)

    for release in (chosen, follows):
        retitle(release, "En helt ny rubrik", writer)

    assert chosen.slug == "vald"
    assert follows.slug == "en-helt-ny-rubrik"


def retitle(release: Release, headline: str, by: User) -> None:
    text = replace(text_of(release.head), headline=headline)
    save(release, text, base_id=release.head_id or 0, by=by, at=A_MORNING + timedelta(hours=1))
    db.session.commit()


def test_an_editor_changes_the_address_on_a_page(
    client: FlaskClient, desk: Desk, editor: User, app: Flask
) -> None:
    release = desk.release("Tio miljoner", slug="gammal")
    office = signed_in(client, editor)

    page = office.get(f"/office/releases/{release.id}/address/")
    refused = office.post(f"/office/releases/{release.id}/address/", data={"slug": "–"})
    done = office.post(f"/office/releases/{release.id}/address/", data={"slug": "Nya miljoner"})

    assert 'value="tio-miljoner"' in page.text
    assert refused.status_code == 422
    assert 'value="–"' in refused.text
    assert done.status_code == 302
    assert "/sv/releases/<wbr>nya-miljoner" in office.get(f"/office/releases/{release.id}").text
    assert client.get("/sv/releases/gammal").location == "/sv/releases/nya-miljoner"


def test_a_page_asks_before_it_takes_an_address_from_another(
    client: FlaskClient, desk: Desk, editor: User
) -> None:
    first, second = desk.release(slug="bidrag"), desk.release()
    move(first, "bidrag-2022", editor)
    office, path = signed_in(client, editor), f"/office/releases/{second.id}/address/"

    asked = office.post(path, data={"slug": "bidrag"})
    taken = office.post(path, data={"slug": "bidrag", "take": "1"})

    assert asked.status_code == 422
    assert 'name="take"' in asked.text
    assert taken.status_code == 302
    assert client.get("/sv/releases/bidrag").status_code == 200
