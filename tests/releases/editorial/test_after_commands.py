"""Corrections and withdrawals by script, and who hears of changed figures."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.db import db
from releases.commands import release_group
from releases.desk.models import Notification
from releases.editorial.alerting import tell_figures_changed
from releases.editorial.models import Change, Release, State
from releases.rounds import changing
from releases.rounds.models import Round
from subscribers.mailings.models import MailingKind
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.postoffice import PostOffice
from tests.releases.editorial.after import NOTE, approved, history, mailings, published
from tests.subscribers.mailings.cast import send_all, subscribers


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(release_group, list(arguments))
    db.session.expire_all()
    return done.exit_code, done.stdout


def test_a_correction_by_script(app: Flask, writer: User, editor: User) -> None:
    subscribers(1)
    release = approved(published(writer, editor), writer, editor)
    command = ["publish", str(release.id), "--by", editor.email, "--change", "correction"]

    assert run(app, *command)[0] == 1  # without a note
    assert release.state is State.APPROVED
    code, said = run(app, *command, "--note", NOTE)

    assert (code, said.split()[1]) == (0, "published")
    assert history(release)[-1].change is Change.CORRECTION
    assert len(mailings(MailingKind.CORRECTION)) == 1


def test_the_history_by_script_says_which_version_was_live_when(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(2)
    release_id = published(writer, editor).id
    send_all()
    release = approved(db.session.get_one(Release, release_id), writer, editor)
    db.session.commit()
    run(
        app, "publish", str(release_id), "--by", editor.email, "--change", "correction",
        "--note", NOTE,
    )  # fmt: skip
    send_all()

    code, said = run(app, "history", str(release_id), "--json")
    first, second = json.loads(said)

    assert code == 0
    assert (first["revision"], first["change"], first["sent"]) == (1, "first", 2)
    assert first["live"] == [
        {"from": A_MORNING.isoformat(), "to": second["live"][0]["from"]},
    ]
    assert (second["revision"], second["note"], second["sent"]) == (2, NOTE, 2)
    assert second["live"][0]["to"] is None
    assert second["mailings"] == [f"correction:{release_id}:r2:sv"]
    assert second["by"] == editor.email
    assert release.state is State.PUBLISHED


def test_a_withdrawal_by_script_tells_only_when_asked_and_can_be_undone(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(1)
    release_id = published(writer, editor).id
    send_all()
    reasoned = ["withdraw", str(release_id), "--by", editor.email, "--reason", "Fel"]

    assert run(app, *reasoned)[0] == 0
    assert mailings(MailingKind.CORRECTION) == []
    assert run(app, "reinstate", str(release_id), "--by", editor.email)[0] == 0
    assert run(app, *reasoned, "--mail")[0] == 0

    assert len(mailings(MailingKind.CORRECTION)) == 1


def raised(round_: Round, *, by: User) -> None:
    """The first award gets more."""
    row = round_.rows()[0]
    changing.edit_row(
        round_, row.number, replace(row, amount=row.amount + Decimal(1000)), by=by, at=A_MORNING
    )


def told(kind: str = "figures_changed") -> list[tuple[int, int | None]]:
    rows = db.session.execute(
        sa.select(Notification.user_id, Notification.release_id)
        .where(Notification.kind == kind)
        .order_by(Notification.id)
    )
    return [(user_id, release_id) for user_id, release_id in rows]


def test_of_changed_figures_the_writer_is_told_once_and_of_a_public_text_the_editors(
    app: Flask, writer: User, editor: User
) -> None:
    public = published(writer, editor)
    draft = factories.release(writer, language="en")
    officer = factories.user("officer@press.example", role=Role.OFFICER)
    round_ = public.story.round
    assert round_ is not None
    raised(round_, by=officer)

    for _ in range(2):
        tell_figures_changed(round_, by=officer, at=A_MORNING)
    db.session.commit()

    assert sorted(told()) == sorted(
        [(writer.id, public.id), (editor.id, public.id), (writer.id, draft.id)]
    )

    raised(round_, by=officer)
    tell_figures_changed(round_, by=officer, at=A_MORNING)
    assert len(told()) == 6


def test_a_row_changed_on_its_page_is_told_and_leads_to_a_correction(
    app: Flask, client: FlaskClient, writer: User, editor: User
) -> None:
    release = published(writer, editor)
    round_ = release.story.round
    assert round_ is not None
    page = f"/office/rounds/{round_.id}/rows/{round_.rows()[0].number}"

    answer = signed_in(client, editor).post(
        page,
        data={
            "version": "1",
            "grantee": "Falun",
            "kind": "kommun",
            "amount": "1 300 000",
            "first_timer": "no",
            "status": "granted",
        },
    )

    assert answer.status_code == 302
    assert told() == [(writer.id, release.id)]
    shown = client.get(f"/office/releases/{release.id}").text
    assert "Den publicerade sidan visar gamla siffror" in shown
    assert "Publicera rättelsen" in shown
