"""The export as ninjs, held against the rules of the IPTC's schema, version 2.1."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.db import db, normal_url
from releases.editorial.models import Change, Publication, State
from tests.releases.newsroom.desk import A_FRIDAY, Desk
from tests.releases.newsroom.test_linked_data import picture
from tests.schemas import problems

BASE = "http://127.0.0.1:8000"
TEXT = {"type": "string"}
URI = {"type": "string", "format": "uri"}
MOMENT = {"type": "string", "format": "date-time"}
NUMBER = {"type": "number"}


def closed(*required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def many(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


CONTACT = many({"$ref": "#/$defs/contact"})
CONCEPT = {"name": TEXT, "rel": TEXT, "uri": URI, "literal": TEXT}
PART = many(closed("value", role=TEXT, contenttype=TEXT, value=TEXT))
# The properties of ninjs 2.1 and what each may be, after ninjs-schema_2.1.json (CC BY 4.0, IPTC).
ITEM: dict[str, Any] = {
    "uri": URI,
    "type": {"enum": ["text", "audio", "video", "picture", "graphic", "composite", "component"]},
    "representationtype": {"enum": ["full", "partial"]},
    "profile": TEXT,
    "version": TEXT,
    "firstcreated": MOMENT,
    "versioncreated": MOMENT,
    "contentcreated": MOMENT,
    "embargoed": MOMENT,
    "pubstatus": {"enum": ["usable", "withheld", "canceled"]},
    "urgency": {"type": "integer", "minimum": 1, "maximum": 9},
    "copyrightholder": TEXT,
    "copyrightnotice": TEXT,
    "usageterms": TEXT,
    "ednote": TEXT,
    "language": TEXT,
    "title": TEXT,
    "by": TEXT,
    "slugline": TEXT,
    "located": TEXT,
    "expires": MOMENT,
    "descriptions": PART,
    "headlines": PART,
    "bodies": many(
        closed("value", role=TEXT, contenttype=TEXT, charcount=NUMBER, wordcount=NUMBER, value=TEXT)
    ),
    "people": many(closed(**CONCEPT, contactinfo=CONTACT)),
    "organisations": many(closed(**CONCEPT, contactinfo=CONTACT)),
    "places": many(closed(**CONCEPT, contactinfo=CONTACT)),
    "subjects": many(closed(**CONCEPT, creator=TEXT)),
    "infosources": many(closed(name=TEXT, role=TEXT, uri=URI, literal=TEXT, contactinfo=CONTACT)),
    "renditions": many(
        closed(
            "name",
            name=TEXT,
            href=URI,
            contenttype=TEXT,
            title=TEXT,
            height=NUMBER,
            width=NUMBER,
            sizeinbytes=NUMBER,
        )
    ),
    "altids": many(closed(role=TEXT, value=TEXT)),
    "standard": closed(name=TEXT, version=TEXT, schema=URI),
    "genres": many(closed(name=TEXT, uri=TEXT, literal=TEXT)),
    "rightsinfo": closed("linkedrights", linkedrights=URI),
}
SCHEMA: dict[str, Any] = {
    **closed("uri", **ITEM, associations=many({"$ref": "#/$defs/association"})),
    "$defs": {
        "association": closed("name", "uri", name=TEXT, **ITEM),
        "contact": {
            **closed(
                type=TEXT,
                role=TEXT,
                lang=TEXT,
                name=TEXT,
                value=TEXT,
                address=closed(
                    lines=many(TEXT), locality=TEXT, area=TEXT, postalcode=TEXT, country=TEXT
                ),
            ),
            "oneOf": [{"required": ["value"]}, {"required": ["address"]}],
        },
    },
}


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """An export is the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def read(client: FlaskClient, path: str, status: int = 200) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.mimetype == "application/json"
    document: dict[str, Any] = answer.get_json()
    assert problems(document, SCHEMA, SCHEMA) == []
    return document


def test_a_release_is_told_to_news_systems(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(
        street="Hästgatan 2",
        postcode="621 56",
        town="Visby",
        press_email="press@cfd.example",
        site="https://cfd.example",
    )
    release = desk.release(
        "Tio &amp; en miljoner",
        slug="tio",
        story=desk.story(),
        lead="Elva får.",
        body='<p>Mer om <data value="1" data-figure="total">saken</data>.</p>'
        "<blockquote><p>Bra.</p><footer>Eva Ek, chef</footer></blockquote>",
        contacts=[{"name": "Bo Ek", "title": "pressansvarig", "phone": "070-1", "email": ""}],
        published_at=A_FRIDAY,
    )
    picture(desk, release)

    item = read(client, "/sv/releases/tio/ninjs.json")

    assert item["uri"] == f"tag:127.0.0.1,2022-10-28:release/{release.id}"
    assert item["pubstatus"] == "usable"
    assert item["version"] == "1"
    assert item["versioncreated"] == "2022-10-28T08:00:00+02:00"
    assert item["headlines"][0]["value"] == "Tio & en miljoner"
    html, plain = item["bodies"]
    assert html["value"].startswith("<p>Mer om saken.</p>")
    assert plain["value"].startswith("Mer om saken.")
    assert plain["charcount"] == html["charcount"] == len(plain["value"])
    assert plain["wordcount"] == len(plain["value"].split())
    assert item["people"] == [{"name": "Eva Ek", "rel": "speaker"}]
    assert [one["literal"] for one in item["subjects"]] == ["partnerskap"]
    [contact] = item["infosources"]
    assert contact["name"] == "Bo Ek, pressansvarig"
    assert contact["contactinfo"] == [{"type": "phone", "value": "070-1"}]
    [shown] = item["associations"]
    assert shown["by"] == "Anna Larsson/TT"
    assert [one["name"] for one in shown["renditions"]] == ["web", "high"]
    assert shown["renditions"][0]["href"] == f"{BASE}/media/{'k' * 20}/960.jpg"
    assert shown["rightsinfo"]["linkedrights"].startswith("https://creativecommons.org/")
    assert "embargoed" not in item


def test_a_correction_stands_in_the_note_to_editors(client: FlaskClient, desk: Desk) -> None:
    release = desk.release(slug="fel")
    for change, hours in ((Change.FIRST, 0), (Change.CORRECTION, 3)):
        db.session.add(
            Publication(
                release_id=release.id,
                revision_id=release.live_id,
                change=change,
                note="Rätt summa är 10." if hours else "",
                at=A_FRIDAY + timedelta(hours=hours),
            )
        )
    db.session.commit()

    note = read(client, "/sv/releases/fel/ninjs.json")["ednote"]

    assert note == "Rättelse 28 oktober 2022 kl. 11.00: Rätt summa är 10."


def test_a_withdrawn_release_is_canceled_and_keeps_no_words(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release("Tio miljoner", slug="tio", state=State.WITHDRAWN, reason="Fel summa")

    item = read(client, "/sv/releases/tio/ninjs.json", 410)

    assert item["pubstatus"] == "canceled"
    assert item["ednote"] == "Fel summa"
    assert not {"headlines", "bodies", "descriptions", "title"} & set(item)


def test_a_draft_has_no_export(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="hemlig", state=State.DRAFT)

    assert client.get("/sv/releases/hemlig/ninjs.json").status_code == 404
    assert client.get("/en/releases/hemlig/ninjs.json").status_code == 404


def test_the_page_leads_to_its_export(client: FlaskClient, desk: Desk) -> None:
    desk.release(slug="tio")

    page = client.get("/sv/releases/tio").text

    address = f"{BASE}/sv/releases/tio/ninjs.json"
    assert f'<link rel="alternate" type="application/json" title="ninjs" href="{address}">' in page
