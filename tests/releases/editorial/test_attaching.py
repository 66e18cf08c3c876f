"""What the editing page offers to attach and embed, and what a version keeps of it."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db, normal_url
from releases.editorial.models import Contact, Release
from releases.media.models import Document, Image
from tests import factories
from tests.factories import A_MORNING, signed_in


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """A form says the same whichever database is behind it."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def release(client: FlaskClient, writer: User) -> Release:
    made = factories.release(writer)
    signed_in(client, writer)
    return made


def image(story_id: int, name: str) -> Image:
    made = Image(
        story_id=story_id, key=name, filename=f"{name}.jpg", content_type="image/jpeg", width=1600,
        height=900, size=1, alt_sv=f"Alt {name}", caption_sv=f"Bild {name}", uploaded_at=A_MORNING,
    )  # fmt: skip
    db.session.add(made)
    db.session.commit()
    return made


def document(story_id: int, name: str) -> Document:
    made = Document(
        story_id=story_id, key=name, filename=f"{name}.pdf", content_type="application/pdf", size=1,
        title_sv=f"Om {name}", uploaded_at=A_MORNING,
    )  # fmt: skip
    db.session.add(made)
    db.session.commit()
    return made


def save(client: FlaskClient, release: Release, **changed: Any) -> None:
    head = release.head
    form = {
        "base": str(head.id),
        "headline": head.headline,
        "lead": head.lead,
        "body": head.body,
        "about_programme": head.about_programme,
        **changed,
    }
    answer = client.post(f"/office/releases/{release.id}/edit", data=form)
    assert answer.status_code == 302
    db.session.refresh(release)


def test_what_is_ticked_is_attached_as_it_is_printed(client: FlaskClient, release: Release) -> None:
    one, _other = image(release.story_id, "hamn"), image(release.story_id, "torg")
    paper = document(release.story_id, "beslutet")

    save(client, release, image=str(one.id), document=str(paper.id))

    assert release.head.images == [one.printed("sv")]
    assert release.head.documents == [paper.printed("sv")]
    page = client.get(f"/office/releases/{release.id}/edit").text
    assert f'name="image" value="{one.id}" checked' in page
    assert "Bild torg" in page


def test_what_stands_in_the_text_is_kept_with_it(client: FlaskClient, release: Release) -> None:
    picture, paper = image(release.story_id, "hamn"), document(release.story_id, "beslutet")
    lo = Contact(name="Lo Lind", phone="070-174 06 10")
    db.session.add(lo)
    db.session.commit()
    body = (
        f'<p>Ett</p><figure class="x" data-image="{picture.id}">skräp</figure>'
        f'<figure data-document="{paper.id}"></figure><figure data-contact="{lo.id}"></figure>'
    )

    save(client, release, body=body)

    assert [one["id"] for one in release.head.images] == [picture.id]
    assert [one["id"] for one in release.head.documents] == [paper.id]
    assert [one["name"] for one in release.head.contacts] == ["Lo Lind"]


def test_another_storys_picture_cannot_be_attached(
    client: FlaskClient, release: Release, writer: User
) -> None:
    elsewhere = image(factories.release(writer).story_id, "hemlig")

    save(
        client,
        release,
        image=str(elsewhere.id),
        body=f'<p>x</p><figure data-image="{elsewhere.id}"></figure>',
    )

    assert release.head.images == []


def test_a_picture_that_has_been_removed_since_stays_where_it_is_printed(
    client: FlaskClient, release: Release
) -> None:
    picture = image(release.story_id, "hamn")
    save(client, release, image=str(picture.id))
    printed = release.head.images
    picture.removed_at = A_MORNING + timedelta(days=1)
    db.session.commit()

    save(client, release, lead="Ny ingress.", image=str(picture.id))
    kept = release.head.images
    save(client, release, lead="Ännu en.")

    assert kept == printed
    assert release.head.images == []
