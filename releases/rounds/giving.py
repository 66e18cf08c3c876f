"""JSON files: grants by the 360Giving standard, or a plain list of flat objects, as one grid.

The headers are those of the standard's own spreadsheet form, which reading knows. Each grant is a
row below the row of headers, so that the first one is row 2.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from releases.rounds.grids import MAX_COLUMNS, MAX_ROWS, Grid, Unreadable

_Grant = dict[str, Any]
_COLUMNS: dict[str, Callable[[_Grant], object]] = {
    "Title": lambda grant: grant.get("title"),
    "Description": lambda grant: grant.get("description"),
    "Currency": lambda grant: grant.get("currency"),
    "Amount Applied For": lambda grant: grant.get("amountAppliedFor"),
    "Amount Awarded": lambda grant: grant.get("amountAwarded"),
    "Award Date": lambda grant: grant.get("awardDate"),
    "Recipient Org:Name": lambda grant: _recipient(grant),
    "Recipient Org:Organisation Type": lambda grant: _first(
        _each(grant, "recipientOrganization", "organisationType")
    ),
    "Beneficiary Location:Name": lambda grant: _each(grant, "beneficiaryLocation", "name"),
    "Beneficiary Location:Country Code": lambda grant: _each(
        grant, "beneficiaryLocation", "countryCode"
    ),
    "Classifications:Title": lambda grant: _each(grant, "classifications", "title"),
    "Grant Programme:Title": lambda grant: _each(grant, "grantProgramme", "title"),
}


def looks_like_json(content: bytes, suffix: str) -> bool:
    """Whether to read the bytes as JSON: by the file's name, or an opening that no CSV has."""
    start = content[:200].removeprefix(b"\xef\xbb\xbf").split()
    return suffix == ".json" or b"".join(start).startswith((b'{"', b"[{"))


def grid_of_json(content: bytes) -> Grid:
    """Raises Unreadable for JSON that is damaged or no list of grants."""
    try:
        document = json.loads(content, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        raise Unreadable("damaged_json") from None
    if isinstance(document, dict) and isinstance(document.get("grants"), list):
        grants = document["grants"]
        if not grants:
            raise Unreadable("no_rows")
        rows = [[_cell(of(grant)) for of in _COLUMNS.values()] for grant in _objects(grants)]
        return Grid("", [list(_COLUMNS), *rows])
    if not isinstance(document, list) or not document:
        raise Unreadable("json_no_list")
    objects = list(_objects(document))
    names = list(dict.fromkeys(name for one in objects for name in one))
    if len(names) > MAX_COLUMNS:
        raise Unreadable("too_wide", limit=MAX_COLUMNS)
    return Grid("", [[*names], *([_cell(one.get(name)) for name in names] for one in objects)])


def _objects(found: list[Any]) -> Iterable[_Grant]:
    if len(found) > MAX_ROWS:
        raise Unreadable("too_many_rows", limit=MAX_ROWS)
    if not all(isinstance(one, dict) for one in found):
        raise Unreadable("json_no_list")
    return found


def _recipient(grant: _Grant) -> object:
    organisations = _each(grant, "recipientOrganization", "name")
    return ", ".join(map(str, organisations or _each(grant, "recipientIndividual", "name")))


def _each(grant: _Grant, part: str, name: str) -> list[object]:
    """A property of every object in a part of a grant, which may be one object or several."""
    parts = grant.get(part)
    several = parts if isinstance(parts, list) else [parts]
    return [one[name] for one in several if isinstance(one, dict) and one.get(name)]


def _first(values: list[object]) -> object:
    return values[0] if values else None


def _cell(value: object) -> object:
    """A plain value as a cell; several as one text. Raises Unreadable for what is nested."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(str(_cell(one)) for one in value if one is not None)
    if isinstance(value, dict):
        raise Unreadable("json_no_list")
    return value
