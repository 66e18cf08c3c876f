"""Grants as the 360Giving Data Standard wants them, as JSON and as CSV by the standard's titles.

A grant needs ten facts: identifier, title, description, currency, amount, date, and identifier and
name of who gave and who received. No date is made up: a round that nobody has dated is left out.

Identifiers never change. A grant is known by its round and its row, whose number stays with it when
the round is changed; a Swedish municipality or region by its official code; others by a hash of
their name. A private person is not named: the standard asks for that, and gives such recipients
fields of their own.

PREFIX is not a prefix registered with 360Giving. Who publishes these files there should register
one of their own and say so, since two offices that use Pressrum share this one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.core.errors import BadInput
from app.core.formats import iso
from app.core.organisation import organisation
from app.core.words import translate
from releases.rounds.editions import Edition, edition
from releases.rounds.exporting import harmless, plain_number
from releases.rounds.models import Round
from releases.rounds.register import find, kind_in_register
from releases.rounds.table import Row

PREFIX = "pressrum"
HASHED_FOR = b"pressrum 360giving"  # a key of its own, no secret: identifiers outlive every setting
PRIVATE = "privatperson"

TITLES = (
    "Identifier",
    "Title",
    "Description",
    "Currency",
    "Amount Awarded",
    "Award Date",
    "Recipient Org:Identifier",
    "Recipient Org:Name",
    "Recipient Ind:Identifier",
    "Recipient Ind:Name",
    "Funding Org:Identifier",
    "Funding Org:Name",
    "Grant Programme:Title",
    "Beneficiary Location:Name",
    "Last modified",
)


@dataclass(frozen=True)
class Funder:
    """Who gave: our own organisation."""

    identifier: str
    name: str
    zone: str


def funder() -> Funder:
    ours = organisation()
    name = ours.name("sv")
    return Funder(f"{PREFIX}-org-{_hash(name)}", name, ours.time_zone)


def package(round_: Round) -> dict[str, Any]:
    """One round as the standard's package. Raises BadInput when nobody has dated its decision."""
    if round_.decided_on is None:
        raise BadInput("round_needs_date")
    return {"grants": list(grants(edition(round_), funder()))}


def grants(of: Edition, giver: Funder) -> Iterator[dict[str, Any]]:
    """The grants of a dated round, one by one."""
    dated = of.round.decided_on
    if dated is not None:
        yield from (_grant(row, of, giver, dated) for row in of.every_award())


def grants_as_json(found: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The package, a grant a line."""
    yield b'{"grants": ['
    between = b"\n"
    for grant in found:
        yield between + json.dumps(grant, ensure_ascii=False).encode()
        between = b",\n"
    yield b"\n]}\n"


def grants_as_csv(found: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """A row for each grant under the standard's titles. Several places stand in one cell."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")
    writer.writerow(TITLES)
    for grant in found:
        writer.writerow([harmless(cell) for cell in _flat(grant)])
        if line.tell() > 2**16:
            yield line.getvalue().encode()
            line.seek(0)
            line.truncate()
    yield line.getvalue().encode()


def recipient_id(row: Row) -> str:
    """The same for the same recipient in every round."""
    kind = row.kind or kind_in_register(row.grantee)
    place = find(row.grantee, kind)
    if place.code and kind in ("kommun", "region"):
        return f"{PREFIX}-{kind}-{place.code}"
    return f"{PREFIX}-org-{_hash(place.short)}"


def _grant(row: Row, of: Edition, giver: Funder, dated: date) -> dict[str, Any]:
    round_ = of.round
    programme = round_.programme.title(round_.language)
    identifier = f"{PREFIX}-{round_.programme.slug}-{round_.id}-{row.number}"
    said = "; ".join(row.themes) or row.project or f"{programme}, {round_.name}"
    return {
        "id": identifier,
        "title": row.project or f"{programme}, {round_.name}",
        "description": said,
        "currency": of.currency,
        "amountAwarded": _number(row.amount),
        "awardDate": dated.isoformat(),
        **_recipient(row, identifier, round_.language),
        "fundingOrganization": [{"id": giver.identifier, "name": giver.name}],
        "grantProgramme": [{"title": programme}],
        **_places(row),
        "dateModified": iso(of.changed_at, giver.zone),
    }


def _recipient(row: Row, identifier: str, language: str) -> dict[str, Any]:
    if row.kind == PRIVATE:
        unnamed = translate("rounds.private_person", language)
        return {"recipientIndividual": {"id": f"{identifier}-recipient", "name": unnamed}}
    return {"recipientOrganization": [{"id": recipient_id(row), "name": row.grantee}]}


def _places(row: Row) -> dict[str, Any]:
    places = [{"name": name} for name in row.countries]
    return {"beneficiaryLocation": places} if places else {}


def _flat(grant: dict[str, Any]) -> list[str | Decimal]:
    organisation_ = (grant.get("recipientOrganization") or [{}])[0]
    person = grant.get("recipientIndividual") or {}
    giver, programme = grant["fundingOrganization"][0], grant["grantProgramme"][0]
    return [
        grant["id"],
        grant["title"],
        grant["description"],
        grant["currency"],
        grant["amountAwarded"],
        grant["awardDate"],
        organisation_.get("id", ""),
        organisation_.get("name", ""),
        person.get("id", ""),
        person.get("name", ""),
        giver["id"],
        giver["name"],
        programme["title"],
        "; ".join(place["name"] for place in grant.get("beneficiaryLocation", [])),
        grant["dateModified"],
    ]


def _number(amount: Decimal) -> int | float:
    """As JSON has it; the hundredths of what we keep are exact well beyond any grant."""
    whole = plain_number(amount)
    return int(whole) if whole == whole.to_integral_value() else float(whole)


def _hash(name: str) -> str:
    words = " ".join(name.casefold().split())
    return hashlib.blake2b(words.encode(), key=HASHED_FOR, digest_size=6).hexdigest()
