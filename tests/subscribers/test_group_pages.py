"""The office's pages about provider groups, and what a person decides on a mailing's page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db, normal_url
from subscribers.mailing_commands import group
from subscribers.mailings.models import Delivery, DeliveryState, Mailing
from subscribers.mailings.sending import pacing
from subscribers.mailings.sending.domain_groups import group_by_name, part
from subscribers.mailings.sending.materialising import materialise
from tests.factories import A_MORNING, signed_in
from tests.subscribers.mailings.cast import queued, states, subscribers


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def test_the_groups_are_listed_with_what_they_may(client: FlaskClient, editor: User) -> None:
    pacing.set_limits(group_by_name("gmail"), rate=2.5, concurrency=3, by=None, at=now())
    pacing.hold("yahoo", because="policy", facts={"said": "5.7.1 no"}, at=A_MORNING)
    db.session.commit()

    page = signed_in(client, editor).get("/office/mailings/groups/").text

    assert "2,5 i sekunden" in page
    assert "Stoppad" in page
    assert "gmail.com, googlemail.com" in page


def test_limits_are_saved_with_a_decimal_comma(client: FlaskClient, editor: User) -> None:
    answer = signed_in(client, editor).post(
        "/office/mailings/groups/gmail/limits", data={"rate": "0,5", "concurrency": "2"}
    )

    assert answer.status_code == 302
    db.session.expire_all()
    saved = group_by_name("gmail")
    assert (saved.rate, saved.concurrency) == (0.5, 2)


@pytest.mark.parametrize(
    ("rate", "concurrency"), [("fort", "1"), ("-1", "1"), ("nan", "1"), ("1", "2.5"), ("1", "x")]
)
def test_limits_that_are_none_come_back_as_they_were_typed(
    client: FlaskClient, editor: User, rate: str, concurrency: str
) -> None:
    answer = signed_in(client, editor).post(
        "/office/mailings/groups/gmail/limits", data={"rate": rate, "concurrency": concurrency}
    )

    assert answer.status_code == 422
    assert f'value="{rate}"' in answer.text
    assert f'value="{concurrency}"' in answer.text
    assert group_by_name("gmail").rate == 0


def test_a_domain_is_put_into_a_group(client: FlaskClient, editor: User) -> None:
    browser = signed_in(client, editor)

    wrong = browser.post("/office/mailings/groups/national/domain", data={"domain": "inte en"})
    right = browser.post("/office/mailings/groups/national/domain", data={"domain": "Region.se"})

    assert wrong.status_code == 422
    assert 'value="inte en"' in wrong.text
    assert right.status_code == 302
    assert "region.se" in group_by_name("national").domains


def test_a_held_group_says_why_and_is_released(client: FlaskClient, editor: User) -> None:
    facts = {"said": "5.7.1 blocked, see example.org"}
    pacing.hold("yahoo", because="policy", facts=facts, at=A_MORNING, alert="policy_refused")
    db.session.commit()
    browser = signed_in(client, editor)
    page = browser.get("/office/mailings/groups/yahoo").text
    assert "5.7.1 blocked, see example.org" in page
    assert "avvisade oss många gånger i rad" in page

    browser.post("/office/mailings/groups/yahoo/release")

    db.session.expire_all()
    assert group_by_name("yahoo").held_at is None


def test_a_parted_domain_goes_home_by_a_button(client: FlaskClient, editor: User) -> None:
    part("gmail.com", because="outage", facts={}, at=A_MORNING)
    db.session.commit()
    browser = signed_in(client, editor)
    assert "Låt domänen gå tillbaka" in browser.get("/office/mailings/groups/gmail.com").text

    answer = browser.post("/office/mailings/groups/gmail.com/home")

    assert answer.headers["Location"] == "/office/mailings/groups/"
    db.session.expire_all()
    assert "gmail.com" in group_by_name("gmail").domains


def test_groups_are_for_editors_and_unknown_ones_are_not_there(
    client: FlaskClient, writer: User, editor: User
) -> None:
    assert signed_in(client, writer).get("/office/mailings/groups/").status_code == 403
    assert signed_in(client, editor).get("/office/mailings/groups/nope").status_code == 404


def undecided_mailing() -> Mailing:
    subscribers(2)
    mailing = queued()
    while materialise(at=now()):
        pass
    row = db.session.scalars(sa.select(Delivery)).first()
    assert row is not None
    row.state, row.due_at, row.uncertain_count = DeliveryState.UNCERTAIN, None, 1
    db.session.commit()
    return db.session.get_one(Mailing, mailing.id)


def test_a_person_decides_what_becomes_of_uncertain_mails(
    client: FlaskClient, editor: User
) -> None:
    mailing = undecided_mailing()
    browser = signed_in(client, editor)
    page = browser.get(f"/office/mailings/{mailing.id}").text
    assert "Ett mejl har kanske gått fram" in page

    browser.post(f"/office/mailings/{mailing.id}/decide", data={"again": "0"})

    assert states(mailing.id) == {"queued": 1, "sent": 1}
    again = browser.post(f"/office/mailings/{mailing.id}/decide", data={"again": "1"})
    assert again.status_code == 409


def test_a_mailing_is_told_to_hold_what_is_uncertain(client: FlaskClient, editor: User) -> None:
    mailing_id = queued().id
    browser = signed_in(client, editor)

    browser.post(f"/office/mailings/{mailing_id}/uncertain", data={"hold": "1"})
    assert db.session.get_one(Mailing, mailing_id).hold_uncertain is True
    browser.post(f"/office/mailings/{mailing_id}/uncertain", data={"hold": "0"})

    db.session.expire_all()
    assert db.session.get_one(Mailing, mailing_id).hold_uncertain is False


def test_the_commands_show_limit_and_release_groups(app: Flask) -> None:
    pacing.hold("yahoo", because="policy", facts={}, at=A_MORNING)
    db.session.commit()
    run = app.test_cli_runner()

    listed = json.loads(run.invoke(group, ["groups", "--json"]).stdout)
    held = next(one for one in listed if one["name"] == "yahoo")
    assert (held["state"], held["because"]) == ("held", "policy")
    done = run.invoke(group, ["group", "yahoo", "--rate", "5", "--concurrency", "2", "--release"])

    assert done.exit_code == 0
    assert "yahoo" in run.invoke(group, ["groups"]).stdout
    db.session.expire_all()
    yahoo = group_by_name("yahoo")
    assert (yahoo.rate, yahoo.concurrency, yahoo.held_at) == (5.0, 2, None)
    assert run.invoke(group, ["group", "nope"]).exit_code == 1
    assert run.invoke(group, ["group", "gmail", "--rate", "-3"]).exit_code == 1
