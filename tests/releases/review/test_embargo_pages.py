"""The release's own address before publication: shut to everybody, open to those let in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import Base, db, normal_url
from releases.editorial import publishing, workflow
from releases.editorial.models import Release, State
from releases.editorial.writing import save, text_of
from releases.media import access
from releases.media.encoding import encode_images
from releases.review import embargo, embargo_public, embargo_views
from releases.review.inviting import invite, revoke, token_of
from releases.review.models import Invitation, InvitationVisit, Purpose
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.releases.editorial.looking import words
from tests.releases.media import folders

EVA = {"name": "Eva Ek", "email": "eva@tidningen.example", "organisation": "Tidningen"}
OUT = A_MORNING + timedelta(days=1)  # when it is to be published
CLOCKED = (embargo, embargo_public, embargo_views, access, publishing)


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What a page says is the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets what time it is; an hour after everything was scheduled to begin with."""

    def set_to(moment: datetime) -> None:
        for module in CLOCKED:
            monkeypatch.setattr(module, "now", lambda: moment)

    set_to(A_MORNING + timedelta(hours=1))
    return set_to


@pytest.fixture
def release(app: Flask, writer: User, editor: User, clock: Callable[[datetime], None]) -> Release:
    return factories.release(writer, state=State.SCHEDULED, editor=editor)


@pytest.fixture
def eva(release: Release, editor: User) -> Invitation:
    """Let in, and has agreed to the terms."""
    invitation = embargo.let_in(release, **EVA, by=editor, at=A_MORNING)
    embargo.accept(invitation, at=A_MORNING)
    db.session.execute(sa.delete(InvitationVisit))
    db.session.commit()
    return invitation


def path(release: Release, invitation: Invitation | None = None) -> str:
    query = f"?embargo={token_of(invitation)}" if invitation else ""
    return f"/{release.language}/releases/{release.slug}{query}"


def seen() -> list[tuple[str, int | None]]:
    db.session.rollback()
    return [
        (one.what, one.revision_id)
        for one in db.session.scalars(sa.select(InvitationVisit).order_by(InvitationVisit.id))
    ]


def everything() -> dict[str, list[tuple[object, ...]]]:
    db.session.rollback()
    return {
        table.name: [tuple(row) for row in db.session.execute(sa.select(table))]
        for table in Base.metadata.sorted_tables
        if table.name != "invitation_visit"
    }


def headline(release: Release) -> str:
    return release.head.title.replace("\u00a0", " ")


def rewrite(release: Release, headline_: str, *, by: User) -> None:
    text = replace(text_of(release.head), headline=headline_)
    save(release, text, base_id=release.head_id or 0, by=by, at=A_MORNING + timedelta(hours=2))
    db.session.commit()


def test_without_a_link_the_address_is_like_any_that_is_not_there(
    client: FlaskClient, release: Release, eva: Invitation
) -> None:
    unknown = client.get("/sv/releases/finns-inte")
    shut = client.get(path(release))
    wrong = client.get(f"{path(release)}?embargo=fel")

    assert {unknown.status_code, shut.status_code, wrong.status_code} == {404}
    assert shut.data == unknown.data == wrong.data
    assert dict(shut.headers) == dict(unknown.headers) == dict(wrong.headers)
    assert seen() == []


def test_every_link_that_does_not_work_is_like_none(
    client: FlaskClient, release: Release, eva: Invitation, editor: User
) -> None:
    good = token_of(eva)
    other = invite(
        release,
        Purpose.REVIEW,
        name="Bo",
        email="bo@sida.example",
        expires_at=OUT,
        by=editor,
        at=A_MORNING,
    )
    late = invite(
        release,
        Purpose.EMBARGO,
        name="Sen",
        email="sen@sida.example",
        expires_at=A_MORNING,
        by=editor,
        at=A_MORNING,
    )
    revoke(eva, by=editor, at=A_MORNING)
    db.session.commit()
    tampered = good[:-1] + ("A" if good[-1] != "A" else "B")

    for token in (good, tampered, token_of(other), token_of(late), "", "å", "x" * 5000):
        answers = [
            client.get(path(release), query_string={"embargo": token}),
            client.post(path(release), query_string={"embargo": token}, data={"accept": "1"}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404], token
    assert seen() == []


def test_the_terms_come_first_and_nothing_of_the_text(
    client: FlaskClient, release: Release, editor: User
) -> None:
    invitation = embargo.let_in(release, **EVA, by=editor, at=A_MORNING)
    db.session.commit()

    page = client.get(path(release, invitation))

    assert page.status_code == 200
    assert "EMBARGO till tisdag 24 november 2026 kl. 09.00" in page.text
    assert "får du inte publicera" in page.text
    assert headline(release) not in words(page.text)
    assert seen() == [("terms", None)]


def test_agreeing_to_the_terms_opens_the_text(
    client: FlaskClient, release: Release, editor: User
) -> None:
    invitation = embargo.let_in(release, **EVA, by=editor, at=A_MORNING)
    db.session.commit()

    unsaid = client.post(path(release, invitation), data={})
    assert client.get(path(release, invitation)).text.count("<form") == 1
    said = client.post(path(release, invitation), data={"accept": "1"}, follow_redirects=True)

    assert unsaid.status_code == 303
    assert headline(release) in words(said.text)


def test_the_whole_page_bears_the_line_and_the_readers_name(
    client: FlaskClient, release: Release, eva: Invitation
) -> None:
    page = client.get(path(release, eva)).text

    text = words(page.partition("<main")[2])
    assert text.index("EMBARGO till tisdag 24 november 2026 kl. 09.00") < text.index(
        headline(release)
    )
    assert text.count("Visas för Eva Ek, Tidningen") == 2
    assert page.count("<span>Eva Ek, Tidningen · EMBARGO</span>") > 20
    assert 'style="' not in page
    assert "De som har beviljats medel är Borås, Falun och Region Gotland" in text


def test_the_page_is_secret_and_cannot_be_shared_or_indexed(
    client: FlaskClient, release: Release, eva: Invitation
) -> None:
    answer = client.get(path(release, eva))

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex' in answer.text
    assert "application/ld+json" not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert "share__links" not in answer.text
    assert "linkedin" not in answer.text
    assert "awards.csv" not in answer.text


def test_every_showing_is_on_record_with_the_version(
    client: FlaskClient, release: Release, eva: Invitation
) -> None:
    client.get(path(release, eva))
    client.get(path(release, eva))
    client.head(path(release, eva))

    assert seen() == [("page", release.approved_id)] * 2


def test_a_scanner_that_opens_the_link_fifty_times_changes_nothing(
    client: FlaskClient, release: Release, editor: User
) -> None:
    invitation = embargo.let_in(release, **EVA, by=editor, at=A_MORNING)
    db.session.commit()
    address = path(release, invitation)
    before = everything()

    for _ in range(50):
        client.get(address)
        client.head(address)
        client.options(address)

    assert everything() == before
    assert seen() == [("terms", None)] * 50


def test_a_link_taken_back_shuts_at_the_next_click(
    client: FlaskClient, release: Release, eva: Invitation, editor: User
) -> None:
    assert client.get(path(release, eva)).status_code == 200

    revoke(eva, by=editor, at=A_MORNING)
    db.session.commit()

    assert client.get(path(release, eva)).status_code == 404


def test_a_link_taken_back_between_the_look_and_the_showing_shows_nothing(
    client: FlaskClient,
    release: Release,
    eva: Invitation,
    editor: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, looks = path(release, eva), []
    look = embargo_public._invited

    def taken_back_meanwhile(token: str, *, at: datetime) -> Invitation:
        if looks:
            db.session.execute(sa.update(Invitation).values(revoked_at=at))
        looks.append(token)
        return look(token, at=at)

    monkeypatch.setattr(embargo_public, "_invited", taken_back_meanwhile)

    assert client.get(address).status_code == 404
    assert len(looks) == 2
    assert seen() == []


def test_words_being_changed_are_not_shown(
    client: FlaskClient, release: Release, eva: Invitation, writer: User
) -> None:
    rewrite(release, "Ny rubrik", by=writer)

    page = client.get(path(release, eva))

    assert page.status_code == 200
    assert "Texten ändras just nu" in page.text
    assert "Ny rubrik" not in page.text
    assert seen() == [("closed", None)]


def test_approved_again_the_new_words_are_shown(
    client: FlaskClient, release: Release, eva: Invitation, writer: User, editor: User
) -> None:
    rewrite(release, "Ny rubrik", by=writer)
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)
    db.session.commit()

    page = client.get(path(release, eva)).text

    assert "Ny rubrik" in page
    assert "EMBARGO tills pressmeddelandet är publicerat" in page


def test_an_old_address_leads_to_the_present_one(
    client: FlaskClient, release: Release, eva: Invitation
) -> None:
    token = token_of(eva)

    answer = client.get(f"/sv/releases/en-gammal-rubrik?embargo={token}")

    assert (answer.status_code, answer.location) == (302, path(release, eva))
    assert client.get("/sv/releases/en-gammal-rubrik").status_code == 404


@pytest.mark.parametrize(
    "away", [timedelta(seconds=-1), timedelta(0), timedelta(minutes=1), timedelta(minutes=59)]
)
def test_until_it_is_published_it_is_under_embargo_whatever_the_clock_says(
    client: FlaskClient,
    release: Release,
    eva: Invitation,
    clock: Callable[[datetime], None],
    away: timedelta,
) -> None:
    clock(OUT + away)

    text = words(client.get(path(release, eva)).text)

    assert "EMBARGO till" in text
    assert ("kl. 09.00" in text.partition(headline(release))[0]) == (away < timedelta(0))
    assert client.get(path(release)).status_code == 404


def test_at_its_minute_the_same_address_is_the_plain_public_page(
    client: FlaskClient,
    release: Release,
    eva: Invitation,
    clock: Callable[[datetime], None],
) -> None:
    address, plain = path(release, eva), path(release)
    clock(OUT)

    db.session.rollback()
    publishing.publish_due()

    with_link, without = client.get(address), client.get(plain)
    assert with_link.status_code == without.status_code == 200
    assert with_link.text == without.text
    assert "EMBARGO" not in with_link.text
    assert "watermark" not in with_link.text
    assert "X-Robots-Tag" not in with_link.headers
    assert seen() == []


def test_a_failed_release_stays_shut_and_readable_by_those_let_in(
    client: FlaskClient, release: Release, eva: Invitation, clock: Callable[[datetime], None]
) -> None:
    clock(OUT + timedelta(minutes=5))
    workflow.fail(release, failure=[{"key": "late"}], at=OUT)
    db.session.commit()

    assert client.get(path(release)).status_code == 404
    assert "EMBARGO tills" in client.get(path(release, eva)).text


def test_a_withdrawn_release_is_withdrawn_for_those_let_in_too(
    client: FlaskClient, release: Release, eva: Invitation, editor: User
) -> None:
    workflow.publish(release, by=editor, at=OUT)
    workflow.withdraw(release, reason="Fel siffra", by=editor, at=OUT)
    db.session.commit()

    assert client.get(path(release, eva)).status_code == 410


@pytest.mark.parametrize(
    "address",
    ["/sv/", "/en/", "/sv/feed.rss", "/en/feed.rss", "/sitemap.xml", "/robots.txt"],
)
def test_nothing_public_knows_of_it_before(
    client: FlaskClient, release: Release, eva: Invitation, address: str
) -> None:
    page = client.get(address)

    assert page.status_code == 200
    assert release.slug not in page.text
    assert headline(release) not in words(page.text)


def test_pictures_are_open_to_those_let_in_and_each_is_on_record(
    client: FlaskClient, writer: User, editor: User, clock: Callable[[datetime], None]
) -> None:
    release = factories.release(writer)
    picture = folders.image(release.story, writer)
    folders.attach(release, picture)
    encode_images()
    release = db.session.get_one(Release, release.id)
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)
    eva = embargo.let_in(release, **EVA, by=editor, at=A_MORNING)
    db.session.commit()
    token = token_of(eva)

    file = f"/media/{picture.key}/960.jpg"
    shut, too_early = (client.get(one, buffered=True) for one in (file, f"{file}?embargo={token}"))
    embargo.accept(db.session.get_one(Invitation, eva.id), at=A_MORNING)
    db.session.commit()
    page = client.get(path(release, eva)).text
    sources = re.findall(r'(?:src|href)="(/media/[^"]+)"', page)
    sets = re.findall(r"(/media/\S+) \d+w", page)
    fetched = [client.get(one.replace("&amp;", "&"), buffered=True) for one in [*sources, *sets]]

    assert shut.status_code == too_early.status_code == 404
    assert len(sources) > 1
    assert sets
    assert all(f"embargo={token}" in one for one in [*sources, *sets])
    assert {answer.status_code for answer in fetched} == {200}
    assert {answer.headers["Cache-Control"] for answer in fetched} == {"private, no-store"}
    assert [what for what, _ in seen()].count("file") == len(fetched)


def test_a_link_opens_no_picture_of_another_story(
    app: Flask, release: Release, eva: Invitation
) -> None:
    token = token_of(eva)

    assert access.may_see_before(release.story_id, token)
    assert not access.may_see_before(release.story_id + 1, token)
    assert not access.may_see_before(release.story_id, "fel")
    assert [what for what, _ in seen()] == ["file"]


# In the office


def test_people_are_let_in_by_the_page_all_or_nobody(
    client: FlaskClient, release: Release, editor: User
) -> None:
    browser, address = signed_in(client, editor), f"/office/releases/{release.id}/embargo/let-in"

    refused = browser.post(address, data={"people": "Eva <eva@x.example>\nBo"})
    none = db.session.scalars(sa.select(Invitation)).all()
    done = browser.post(address, data={"people": "Eva <eva@x.example>, Nytt\nBo <bo@x.example>"})

    assert refused.status_code == 422
    assert "Rad 2" in words(refused.text)
    assert "Eva &lt;eva@x.example&gt;" in refused.text
    assert none == []
    assert done.status_code == 302
    assert len(db.session.scalars(sa.select(Invitation)).all()) == 2


def test_the_page_shows_who_has_read_which_version_and_who_is_behind(
    client: FlaskClient, release: Release, eva: Invitation, writer: User, editor: User
) -> None:
    client.get(path(release, eva))
    rewrite(release, "Ny rubrik", by=writer)

    page = words(signed_in(client, editor).get(f"/office/releases/{release.id}/embargo/").text)

    assert "Eva Ek , Tidningen" in page
    assert "Villkoren godkända" in page
    assert "Läste version 1" in page
    assert "Texten har ändrats sedan de här personerna läste den: Eva Ek." in page


def test_links_are_shown_only_to_editors(
    client: FlaskClient, release: Release, eva: Invitation, writer: User, editor: User
) -> None:
    token, address = token_of(eva), f"/office/releases/{release.id}/embargo/"

    assert token in signed_in(client, editor).get(address).text
    assert token not in signed_in(client, writer).get(address).text


def test_a_link_is_taken_back_and_sent_again_by_the_page(
    client: FlaskClient, release: Release, eva: Invitation, editor: User
) -> None:
    browser, base = signed_in(client, editor), f"/office/releases/{release.id}/embargo/{eva.id}"

    again = browser.post(f"{base}/resend").status_code
    taken = browser.post(f"{base}/revoke").status_code
    too_late = browser.post(f"{base}/resend").status_code

    assert (again, taken, too_late) == (302, 302, 409)
    assert client.get(path(release, eva)).status_code == 404


@pytest.mark.parametrize("role", [Role.WRITER, Role.REVIEWER, Role.OFFICER])
def test_nobody_but_an_editor_lets_in_or_takes_back(
    client: FlaskClient, release: Release, eva: Invitation, role: Role
) -> None:
    browser = signed_in(client, factories.user("x@press.example", role=role))
    base = f"/office/releases/{release.id}/embargo"

    let_in = browser.post(f"{base}/let-in", data={"people": "Eva <eva@x.example>"})
    taken = browser.post(f"{base}/{eva.id}/revoke")

    assert (let_in.status_code, taken.status_code) == (403, 403)


def test_the_log_tells_everything_that_was_shown(
    client: FlaskClient, release: Release, eva: Invitation, editor: User
) -> None:
    client.get(path(release, eva))

    page = words(signed_in(client, editor).get(f"/office/releases/{release.id}/embargo/log").text)

    assert "Eva Ek, Tidningen Texten 1" in page


def test_the_panel_asks_the_database_as_often_for_many_as_for_one(
    app: Flask, release: Release, editor: User, eva: Invitation
) -> None:
    def queries() -> int:
        with counted_queries() as asked:
            for one in (release, release.head, editor):
                db.session.refresh(one)
            before = len(asked)
            embargo.panel(release, editor)
            return len(asked) - before

    alone = queries()
    for n in range(10):
        embargo.let_in(release, name="N", email=f"n{n}@x.example", by=editor, at=now())
    db.session.commit()

    assert queries() == alone


def test_the_terms_are_written_on_the_settings_page(client: FlaskClient, admin: User) -> None:
    browser = signed_in(client, admin)
    page = browser.get("/office/settings/organisation").text

    assert 'name="embargo_terms_sv"' in page
    assert 'name="embargo_terms_en"' in page
