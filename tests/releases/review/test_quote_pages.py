"""The pages about quotes: the speaker's, behind a secret link, and the office's."""

from __future__ import annotations

import quopri
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import Base, db, normal_url
from app.core.security import limiter
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.review import signing_off
from releases.review.inviting import invite, revoke, token_of
from releases.review.models import Answer, InvitationVisit, Purpose, SignOff
from releases.review.signing_off import Standing
from subscribers.mailings.models import Mailing, MailingPart
from tests import factories
from tests.factories import signed_in
from tests.releases.editorial.looking import words
from tests.releases.review.quoting import address, asked, block, quote_in, quoting, write


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What a page says is the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture(autouse=True)
def nobody_counts(app: Flask) -> None:
    """Tests share one address of the net."""
    limiter.reset()


@pytest.fixture
def release(app: Flask, writer: User) -> Release:
    return quoting(writer)


@pytest.fixture
def sign_off(release: Release, writer: User) -> SignOff:
    return asked(release, by=writer, at=now())


def answering(
    client: FlaskClient, sign_off: SignOff, answer: str, *, about: str = "", **fields: str
) -> int:
    """Press one of the buttons of the page; the status."""
    sent = {"answer": answer, "fingerprint": about or sign_off.fingerprint, **fields}
    return client.post(address(sign_off), data=sent).status_code


def standing(release: Release) -> Standing:
    db.session.expire_all()
    return signing_off.states(release, release.head)[0][2]


def everything() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but the record of visits."""
    db.session.rollback()
    return {
        table.name: [tuple(row) for row in db.session.execute(sa.select(table))]
        for table in Base.metadata.sorted_tables
        if table.name != "invitation_visit"
    }


def visits() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(InvitationVisit.what).order_by(InvitationVisit.id)))


def test_the_page_shows_the_quote_and_where_it_will_stand(
    client: FlaskClient, release: Release, sign_off: SignOff
) -> None:
    page = words(client.get(address(sign_off)).text)

    assert page.count("Det här stärker den lokala demokratin") == 3  # large, to edit, in its place
    assert "– Det här stärker den lokala demokratin, säger Anna Larsson, enhetschef, Sida." in page
    assert release.head.title.replace("\u00a0", " ") in page
    assert "Pengarna är fördelade." in page
    assert "Anna Larsson, enhetschef, Sida" in page


def test_the_page_is_secret(client: FlaskClient, sign_off: SignOff) -> None:
    answer = client.get(address(sign_off))

    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex' in answer.text
    assert "/office" not in answer.text


def test_the_page_speaks_the_texts_language_and_the_other_on_demand(
    client: FlaskClient, sign_off: SignOff
) -> None:
    swedish = client.get(address(sign_off), headers={"Accept-Language": "en"}).text
    english = client.get(f"{address(sign_off)}?language=en").text

    assert "Stämmer citatet?" in swedish
    assert "Is this quote right?" in english
    assert 'href="?language=en"' in swedish


def test_a_scanner_that_opens_the_link_fifty_times_changes_nothing(
    client: FlaskClient, release: Release, sign_off: SignOff
) -> None:
    path = address(sign_off)
    before = everything()

    for _ in range(50):
        client.get(path)
        client.head(path)
        client.options(path)

    assert everything() == before
    assert visits() == ["quote"] * 50
    assert standing(release) is Standing.PENDING


def test_a_yes_by_the_button(client: FlaskClient, release: Release, sign_off: SignOff) -> None:
    assert answering(client, sign_off, "approve") == 303

    assert standing(release) is Standing.APPROVED
    assert "Tack! Du har godkänt citatet." in client.get(address(sign_off)).text
    assert visits() == ["quote.approve", "quote"]


def test_other_words_by_the_form(client: FlaskClient, release: Release, sign_off: SignOff) -> None:
    answering(client, sign_off, "edit", words="Det här hjälper.", note="Jag är chef nu")

    assert standing(release) is Standing.EDITED
    page = words(client.get(address(sign_off)).text)
    assert "Så här vill du att det ska stå Det här hjälper." in page


def test_a_no_needs_a_reason_and_keeps_what_was_written(
    client: FlaskClient, release: Release, sign_off: SignOff
) -> None:
    assert answering(client, sign_off, "decline", reason=" ") == 422
    assert standing(release) is Standing.PENDING

    assert answering(client, sign_off, "decline", reason="Så sa jag inte") == 303
    assert standing(release) is Standing.DECLINED


def test_a_refused_form_comes_back_with_every_word(client: FlaskClient, sign_off: SignOff) -> None:
    sent = {
        "answer": "pass_on",
        "fingerprint": sign_off.fingerprint,
        "name": "Bo <Ek>",
        "email": "bo at sida",
    }

    answer = client.post(f"{address(sign_off)}?language=en", data=sent)

    assert answer.status_code == 422
    assert 'value="Bo &lt;Ek&gt;"' in answer.text
    assert 'value="bo at sida"' in answer.text
    assert "‘bo at sida’ is not an e-mail address" in words(answer.text)


def test_somebody_else_answers_and_the_first_link_says_so(
    client: FlaskClient, release: Release, sign_off: SignOff
) -> None:
    old = address(sign_off)
    answering(client, sign_off, "pass_on", name="Bo Ek", email="bo@sida.example")
    db.session.refresh(sign_off)

    assert "lämnat över frågan till Bo Ek" in words(client.get(old).text)
    assert (
        client.post(
            old, data={"answer": "approve", "fingerprint": sign_off.fingerprint}
        ).status_code
        == 409
    )
    assert answering(client, sign_off, "approve") == 303
    assert standing(release) is Standing.APPROVED


def test_changed_words_are_told_and_answered_about(
    client: FlaskClient, release: Release, sign_off: SignOff, writer: User
) -> None:
    write(release, block("Det här stärker demokratin."), by=writer)

    page = words(client.get(address(sign_off)).text)
    assert "Orden i texten har ändrats" in page
    assert "Det här stärker demokratin." in page
    assert answering(client, sign_off, "approve") == 409
    assert standing(release) is Standing.UNASKED

    assert answering(client, sign_off, "approve", about=quote_in(release).fingerprint) == 303
    assert standing(release) is Standing.APPROVED


def test_a_quote_that_was_taken_out_needs_no_answer(
    client: FlaskClient, release: Release, sign_off: SignOff, writer: User
) -> None:
    write(release, "<p>Inget citat.</p>", by=writer)

    page = client.get(address(sign_off)).text

    assert "Citatet är struket" in page
    assert "<form" not in page


def test_a_published_quote_is_closed(
    client: FlaskClient, release: Release, sign_off: SignOff, writer: User, editor: User
) -> None:
    signing_off.answer(sign_off, Answer.APPROVED, at=now())
    workflow.submit(release, by=writer, at=now())
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=now())
    workflow.publish(release, by=editor, at=now())
    db.session.commit()

    assert "<form" not in client.get(address(sign_off)).text
    assert answering(client, sign_off, "decline", reason="Nej") == 409
    assert standing(release) is Standing.APPROVED


def test_every_link_that_does_not_work_gets_the_same_answer(
    client: FlaskClient, release: Release, sign_off: SignOff, writer: User
) -> None:
    good = address(sign_off)
    other = invite(
        release,
        Purpose.EMBARGO,
        name="Eva",
        email="eva@tidning.example",
        expires_at=now() + timedelta(days=1),
        by=writer,
        at=now(),
    )
    late = invite(
        release,
        Purpose.SIGN_OFF,
        name="Sen",
        email="sen@sida.example",
        expires_at=now() - timedelta(seconds=1),
        by=writer,
        at=now(),
    )
    assert sign_off.invitation is not None
    revoke(sign_off.invitation, by=writer, at=now())
    db.session.commit()
    tampered = good[:-1] + ("A" if good[-1] != "A" else "B")
    paths = [good, tampered, f"/quote/{token_of(other)}", f"/quote/{token_of(late)}", "/quote/x"]

    answers = [client.get(path) for path in paths]
    posted = [client.post(path, data={"answer": "approve"}) for path in paths]

    assert {answer.status_code for answer in answers + posted} == {404}
    assert len({answer.text for answer in answers + posted}) == 1
    assert visits() == []


def test_who_goes_on_guessing_is_slowed_down(client: FlaskClient, app: Flask) -> None:
    statuses = [client.get(f"/quote/guess{n}").status_code for n in range(40)]

    assert statuses[0] == 404
    assert statuses[-1] == 429


def test_a_link_taken_back_while_the_page_was_open_takes_no_answer(
    client: FlaskClient, release: Release, sign_off: SignOff, writer: User
) -> None:
    assert client.get(address(sign_off)).status_code == 200
    assert sign_off.invitation is not None
    revoke(sign_off.invitation, by=writer, at=now())
    db.session.commit()

    assert answering(client, sign_off, "approve") == 404
    assert standing(release) is not Standing.APPROVED


@pytest.mark.parametrize("hostile", ["", "approved", "'; DROP TABLE sign_off"])
def test_an_answer_that_is_none_is_refused(
    client: FlaskClient, release: Release, sign_off: SignOff, hostile: str
) -> None:
    assert answering(client, sign_off, hostile) == 400
    assert standing(release) is Standing.PENDING


def test_markup_in_an_answer_is_words(
    client: FlaskClient, release: Release, sign_off: SignOff
) -> None:
    answering(client, sign_off, "edit", words="<script>alert(1)</script> & mer")

    assert "<script>alert" not in client.get(address(sign_off)).text
    assert db.session.scalar(sa.select(SignOff.proposed)) == "<script>alert(1)</script> & mer"


# In the office


def test_the_release_page_shows_each_quote_with_its_state(
    client: FlaskClient, release: Release, writer: User
) -> None:
    page = words(signed_in(client, writer).get(f"/office/releases/{release.id}").text)

    assert "Ett citat är inte godkänt." in page
    assert "Inte tillfrågad" in page


def test_asking_recording_and_taking_over_by_the_page(
    client: FlaskClient, release: Release, writer: User
) -> None:
    browser, base = signed_in(client, writer), f"/office/releases/{release.id}/quotes"
    about = {"fingerprint": quote_in(release).fingerprint}

    sent = browser.post(f"{base}/ask", data={**about, "name": "Anna", "email": "a@sida.example"})
    assert sent.status_code == 302
    assert standing(release) is Standing.PENDING

    recorded = {**about, "answer": "edited", "words": "Det här hjälper.", "how": "På telefon"}
    browser.post(f"{base}/record", data=recorded)
    assert standing(release) is Standing.EDITED

    sign_off = db.session.scalars(sa.select(SignOff)).one()
    browser.post(f"{base}/{sign_off.id}/take-over")
    assert standing(release) is Standing.APPROVED
    assert quote_in(release).words == "Det här hjälper."


@pytest.mark.parametrize(
    ("form", "fields", "said"),
    [
        ("ask", {"name": "Anna L", "email": "anna"}, "”anna” är ingen e-postadress"),
        ("record", {"answer": "approved", "how": ""}, "Skriv hur svaret kom"),
        ("record", {"answer": "edited", "how": "Telefon", "words": ""}, "Skriv de ord"),
        ("record", {"answer": "huh", "how": "Telefon"}, "Välj vad svaret var"),
    ],
)
def test_a_refused_form_of_the_office_keeps_what_was_written(
    client: FlaskClient,
    release: Release,
    writer: User,
    form: str,
    fields: dict[str, str],
    said: str,
) -> None:
    sent = {"fingerprint": quote_in(release).fingerprint, **fields}

    answer = signed_in(client, writer).post(
        f"/office/releases/{release.id}/quotes/{form}", data=sent
    )

    assert answer.status_code == 422
    assert said in words(answer.text)
    kept = fields.get("name") or fields.get("how")
    assert not kept or f'value="{kept}"' in answer.text
    assert standing(release) is Standing.UNASKED


def test_a_quote_that_was_changed_meanwhile_is_not_asked_about(
    client: FlaskClient, release: Release, writer: User
) -> None:
    about = quote_in(release).fingerprint
    write(release, block("Andra ord."), by=writer)

    answer = signed_in(client, writer).post(
        f"/office/releases/{release.id}/quotes/ask",
        data={"fingerprint": about, "name": "Anna", "email": "a@sida.example"},
    )

    assert answer.status_code == 409
    assert db.session.scalars(sa.select(SignOff)).all() == []


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.OFFICER])
def test_only_those_who_write_ask_and_record(
    client: FlaskClient, release: Release, role: Role
) -> None:
    browser = signed_in(client, factories.user("rut@press.example", role=role))
    about = {"fingerprint": quote_in(release).fingerprint}

    page = browser.get(f"/office/releases/{release.id}/quotes/").text
    asked_for = browser.post(f"/office/releases/{release.id}/quotes/ask", data=about)

    assert "quotes/ask" not in page
    assert asked_for.status_code == 403


def test_a_link_is_taken_back_by_the_page(
    client: FlaskClient, release: Release, sign_off: SignOff, writer: User
) -> None:
    path = address(sign_off)
    browser = signed_in(client, writer)
    assert path in browser.get(f"/office/releases/{release.id}").text

    browser.post(f"/office/releases/{release.id}/quotes/{sign_off.id}/revoke")

    assert client.get(path).status_code == 404


def test_readers_meet_the_quote_in_house_style_on_the_page_in_mail_and_in_the_feed(
    client: FlaskClient, release: Release, writer: User, editor: User
) -> None:
    signing_off.record_answer(
        release, quote_in(release), Answer.APPROVED, how="På telefon", by=writer, at=now()
    )
    workflow.submit(release, by=writer, at=now())
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=now())
    workflow.publish(release, by=editor, at=now())
    db.session.commit()
    said = "– Det här stärker den lokala demokratin, säger Anna Larsson, enhetschef, Sida."

    page = client.get(f"/sv/releases/{release.slug}").text
    feed = client.get("/sv/feed.rss").text
    mail = db.session.scalars(
        sa.select(MailingPart.template).join(Mailing).where(Mailing.key.startswith("release:"))
    ).one()

    assert release.state is State.PUBLISHED
    assert said in words(page)
    assert "<footer>" not in re.sub(r'<footer class="colophon">', "", page)
    assert said in feed
    assert quopri.decodestring(mail).decode().count(said) == 2


def test_the_page_leaves_half_written_sentences_out(
    client: FlaskClient, writer: User, release: Release
) -> None:
    gap = '<mark data-gap="x">[Fyll i: vad]</mark>'
    write(release, f"<p>Klart. Inte {gap}.</p>{block()}", by=writer)

    page = client.get(address(asked(release, by=writer, at=now()))).text

    assert "Klart." in page
    assert "[Fyll i" not in page


def test_the_editing_page_is_given_what_is_known_of_each_quote(
    client: FlaskClient, release: Release, sign_off: SignOff, writer: User
) -> None:
    page = signed_in(client, writer).get(f"/office/releases/{release.id}/edit").text

    [given] = re.findall(r'<li data-words="([^"]*)" data-by="([^"]*)" data-state="([^"]*)"', page)[
        :1
    ]
    by = "Anna Larsson, enhetschef, Sida"
    assert given == ("Det här stärker den lokala demokratin.", by, "pending")
