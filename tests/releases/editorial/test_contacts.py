"""The people printed on releases, and the pages where the office keeps them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from app.core.errors import NotAllowed
from releases.editorial import contacts
from releases.editorial.models import Contact
from releases.editorial.writing import contacts as printed
from tests.factories import signed_in

SARA = {
    "name": "Sara Ström",
    "title_sv": "Kommunikationschef",
    "title_en": "Head of Communications",
    "phone": "072-450 01 50",
    "email": "sara@press.example",
}


def some(editor: User, *names: str) -> list[Contact]:
    made = [contacts.add({**SARA, "name": name}, by=editor) for name in names]
    db.session.commit()
    return made


def names() -> list[str]:
    return [contact.name for contact in printed()]


def test_a_contact_is_added_through_the_form(client: FlaskClient, editor: User) -> None:
    answer = signed_in(client, editor).post("/office/settings/contacts/new", data=SARA)

    (contact,) = printed()
    assert answer.status_code == 302
    assert contact.printed("en")["title"] == "Head of Communications"
    assert "Sara Ström" in client.get("/office/settings/contacts/").text


@pytest.mark.parametrize(
    ("field", "written", "told"),
    [
        ("name", "", "Namn behöver fyllas i."),
        ("phone", "", "Telefon behöver fyllas i."),
        ("phone", "ring växeln", "Det är inget telefonnummer."),
        ("email", "sara@", "är ingen e-postadress"),
    ],
)
def test_a_contact_nobody_could_reach_is_refused_and_every_word_kept(
    client: FlaskClient, editor: User, field: str, written: str, told: str
) -> None:
    signed_in(client, editor)

    answer = client.post("/office/settings/contacts/new", data={**SARA, field: written})

    assert answer.status_code == 422
    assert answer.text.count(told) == 2
    assert 'value="Kommunikationschef"' in answer.text
    assert printed() == []


def test_a_contact_is_changed(client: FlaskClient, editor: User) -> None:
    (contact,) = some(editor, "Sara Ström")
    signed_in(client, editor)

    client.post(f"/office/settings/contacts/{contact.id}", data={**SARA, "name": "Sara Sund"})

    assert names() == ["Sara Sund"]


def test_contacts_are_printed_in_the_order_the_office_chose(
    client: FlaskClient, editor: User
) -> None:
    first, second, third = some(editor, "A", "B", "C")
    signed_in(client, editor)

    client.post(f"/office/settings/contacts/{third.id}/up")
    client.post(f"/office/settings/contacts/{first.id}/down")

    assert names() == ["C", "A", "B"]
    client.post(f"/office/settings/contacts/{third.id}/up")
    client.post(f"/office/settings/contacts/{second.id}/down")
    assert names() == ["C", "A", "B"]


def test_who_is_taken_off_is_printed_no_more_and_comes_back_last(
    client: FlaskClient, editor: User
) -> None:
    first, _ = some(editor, "A", "B")
    signed_in(client, editor)

    client.post(f"/office/settings/contacts/{first.id}/take-off")
    assert names() == ["B"]
    client.post(f"/office/settings/contacts/{first.id}/put-back")

    assert names() == ["B", "A"]


def test_writers_do_not_decide_who_is_printed(
    client: FlaskClient, writer: User, editor: User
) -> None:
    (contact,) = some(editor, "A")
    signed_in(client, writer)

    for path in ("", "new", str(contact.id)):
        assert client.get(f"/office/settings/contacts/{path}").status_code == 403
    with pytest.raises(NotAllowed):
        contacts.change(contact, SARA, by=writer)


def test_a_contact_that_is_not_there_is_a_page_that_says_so(
    client: FlaskClient, editor: User
) -> None:
    answer = signed_in(client, editor).get("/office/settings/contacts/7")

    assert answer.status_code == 404
    assert "Det finns ingen sådan kontaktperson." in answer.text
