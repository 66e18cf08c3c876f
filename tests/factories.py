"""Plain functions that make what a test is about, through the product's own verbs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from flask import g
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.editorial.writing import draft_release
from releases.rounds import importing
from releases.rounds.models import Round
from releases.rounds.reading import read

A_MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def user(email: str, *, role: Role = Role.WRITER, language: str = "sv") -> User:
    """An account that cannot sign in by password: hashing one takes longer than most tests."""
    person = User(
        email=email,
        name=email.partition("@")[0].capitalize(),
        role=role,
        language=language,
        password="!",
        fs_uniquifier=uuid.uuid4().hex,
        created_at=A_MORNING,
    )
    db.session.add(person)
    db.session.commit()
    return person


ROUND = """\
Sökande;Typ;Samarbetspart;Land;Tema;Beviljat belopp;Ny sökande
Falun;kommun;Kisumu County;Kenya;Vatten;1200000;nej
Borås;kommun;;;;800000;ja
Region Gotland;region;Hanoi;Vietnam;Klimat;650000;nej
"""


def round_(text: str = ROUND, *, programme: str = "Kommunala partnerskap") -> Round:
    """A committed round, read from CSV by the real reader."""
    content = text.encode()
    owner = importing.programme_named(programme) or importing.make_programme(programme)
    stored = importing.store(
        read(content, filename="round.csv"),
        content=content,
        filename="round.csv",
        programme=owner,
        name="Våren 2026",
        by=None,
        at=A_MORNING,
    )
    db.session.commit()
    return stored


def release(
    by: User | None, *, language: str = "sv", state: State = State.DRAFT, editor: User | None = None
) -> Release:
    """A committed release of a small round, taken by the workflow to `state`."""
    rounds = db.session.scalars(sa.select(Round)).all()
    made, _draft = draft_release(rounds[0] if rounds else round_(), language, by=by, at=A_MORNING)
    for step in STEPS[state]:
        if step is workflow.approve:
            workflow.approve(made, revision_id=made.head_id, by=editor, at=A_MORNING)
        elif step is workflow.send_back or step is workflow.withdraw:
            step(made, reason="Fel siffra", by=editor, at=A_MORNING)
        elif step is workflow.fail:
            step(made, failure=[{"key": "schedule.unexpected", "facts": {}}], at=A_MORNING)
        elif step is workflow.schedule:
            step(made, publish_at=A_MORNING + timedelta(days=1), by=editor, at=A_MORNING)
        else:
            step(made, by=by if step is workflow.submit else editor, at=A_MORNING)
    db.session.commit()
    return made


STEPS: dict[State, list[Callable[..., None]]] = {
    State.DRAFT: [],
    State.IN_REVIEW: [workflow.submit],
    State.SENT_BACK: [workflow.submit, workflow.send_back],
    State.APPROVED: [workflow.submit, workflow.approve],
    State.SCHEDULED: [workflow.submit, workflow.approve, workflow.schedule],
    State.FAILED: [workflow.submit, workflow.approve, workflow.schedule, workflow.fail],
    State.PUBLISHED: [workflow.submit, workflow.approve, workflow.publish],
    State.WITHDRAWN: [workflow.submit, workflow.approve, workflow.publish, workflow.withdraw],
}


def signed_in(client: FlaskClient, person: User) -> FlaskClient:
    """The browser after `person` has signed in.

    Requests of a test share its application context, which remembers who was there last.
    """
    g.pop("_login_user", None)
    with client.session_transaction() as session:
        session.update(_user_id=person.fs_uniquifier, _fresh=True)
    return client
