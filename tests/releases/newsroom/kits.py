"""A release with everything in it, and its press kit, for the tests of both."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from app.core.accounts import User
from app.core.db import db
from app.core.organisation import unnamed
from releases.editorial import workflow
from releases.editorial.models import Change, Release, Revision, State
from releases.newsroom.models import PressKit
from tests import factories
from tests.factories import A_MORNING
from tests.releases.media import folders

BODY = """
<p>Elva mottagare delar på <data value="2650000" data-figure="total">2 650 000 kronor</data>.</p>
<blockquote><p>Vi är glada.</p><footer>Anna Larsson, chef</footer></blockquote>
<h3>Så går det till</h3><ul><li>Ansök</li><li>Vänta</li></ul>
<table><tbody><tr><th>År</th><th>Summa</th></tr><tr><td>2025</td><td>12</td></tr></tbody></table>
<p>#panic("nej") $x$ *fet* @ref &lt;etikett&gt; \\ = // 😀 日本</p>
"""


def full_release(writer: User, editor: User) -> Release:
    """With a picture and a document, live since A_MORNING; its kit is not made yet."""
    stored = unnamed("Centrum för Demokrati", "Centre for Democracy")
    stored.about_sv, stored.site = "Centrum arbetar med demokrati.", "https://centrum.example"
    db.session.add(stored)
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    image = folders.image(release.story, writer, caption_sv="Åkrar & ängar")
    paper = folders.document(release.story, writer)
    figure = f'<figure data-image="{image.id}"></figure>'
    folders.attach(release, image, paper, body=f"{BODY}{figure}")
    release.head.contacts = [
        {"id": 1, "name": "Bo Ek", "title": "chef", "phone": "08-1", "email": "bo@centrum.example"}
    ]
    db.session.commit()
    return release


def correct(release: Release, writer: User, editor: User) -> None:
    """Another version goes live an hour later, with a note."""
    revision = Revision(
        release_id=release.id,
        number=release.head.number + 1,
        headline=release.head.headline,
        lead="Rättad ingress.",
        body="<p>Efter rättelsen.</p>",
        created_at=A_MORNING,
    )
    db.session.add(revision)
    db.session.flush()
    release.head_id, release.state = revision.id, State.DRAFT
    db.session.commit()
    later = A_MORNING + timedelta(hours=1)
    workflow.submit(release, by=writer, at=later)
    workflow.approve(release, revision_id=revision.id, by=editor, at=later)
    workflow.publish(release, change=Change.CORRECTION, note="Summan var fel.", by=editor, at=later)
    db.session.commit()


def kit_rows() -> list[PressKit]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(PressKit).order_by(PressKit.id)))


def path_of(release: Release, form: str) -> str:
    return f"/{release.language}/releases/{release.slug}/press-kit.{form}"
