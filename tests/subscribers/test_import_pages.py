"""What the pages of an import say to somebody who has never seen them."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import normal_url
from tests.factories import signed_in
from tests.subscribers.cast import DORA

IMPORTS = "/office/subscribers/imports/"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What is stored is tried on both databases elsewhere."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def office(client: FlaskClient, editor: User) -> FlaskClient:
    return signed_in(client, editor)


def preview(office: FlaskClient, content: str) -> str:
    file = (io.BytesIO(content.encode()), "lista.csv")
    return office.get(office.post(IMPORTS, data={"file": file}).location).text


def test_a_language_column_is_said_to_go_before_the_choice(office: FlaskClient) -> None:
    page = preview(office, f"E-post;Språk\n{DORA};en\n")

    assert "Filen har en kolumn för språk" in page
    assert 'Språk <span class="badge badge--active">språket</span>' in page


def test_nothing_is_said_of_columns_that_a_file_does_not_have(office: FlaskClient) -> None:
    page = preview(office, f"E-post;Namn\n{DORA};Dora\n")

    assert "Filen har en kolumn" not in page
    assert page.count("badge--active") == 1


def test_our_own_export_is_said_to_decide_topic_and_how_often(office: FlaskClient) -> None:
    page = preview(
        office,
        f"email,topic,state,frequency,consent_source\n{DORA},press-releases,active,weekly,form\n",
    )

    assert "Filen har en kolumn för ämne" in page
    assert "Filen har en kolumn för hur ofta" in page


def test_an_address_added_by_hand_is_called_that_among_the_lists(office: FlaskClient) -> None:
    office.post(
        "/office/subscribers/new",
        data={
            "email": DORA,
            "how": "basis",
            "basis": "Ringde",
            "topic": "press-releases",
            "language": "sv",
        },
    )

    page = office.get(IMPORTS).text

    assert ">En adress för hand<" in page
    assert "En lista" not in page
