"""Which column holds what, by the headers that grants officers write in Swedish and English.

A header is reduced to its words: brackets, punctuation, years, numbers and units fall away, so that
`Beviljat belopp 2024 (tkr)` is *beviljat belopp*. First exact synonyms are looked for, then headers
that contain one (`Totalt beviljat belopp`), never one with a word that makes it something else
(`Recipient Org:Postal Code`, `Utbetalt belopp`). The unit and currency of the amounts are read from
what fell away.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from releases.rounds import amounts

SEVERAL = ("partners", "countries", "themes")  # fields that may be spread over columns
SEARCHED_ROWS = 30  # a header further down is not looked for

# Per field and language: exact synonyms, most trusted first.
_EXACT = {
    "grantee": {
        "sv": """bidragsmottagare, stödmottagare, mottagare av bidrag, mottagare av stöd, sökande,
            mottagare, huvudsökande, sökandens namn, namn på sökande,
            mottagarens namn, namn på mottagare, sökande namn, sökande organisation,
            sökande kommun, sökande part, sökande kommun region, huvudsökande organisation,
            koordinator, projektägare, bidragstagare, anslagsmottagare, medelsmottagare,
            svensk sökande, svensk part, svensk partner, svensk aktör, svensk kommun,
            svensk kommun region, svensk organisation, mottagande organisation, mottagande part,
            organisation, organisationens namn, organisationsnamn, förening, föreningens namn,
            föreningsnamn, företag, företagets namn, företagsnamn, huvudman, huvudmannens namn,
            lärosäte, institution, medelsförvaltare, kommun region, region kommun,
            kommun eller region, kommuner och regioner, kommuner regioner, aktör, namn, kommun,
            kommuner, kommunnamn, region, regioner""",
        "en": """recipient org name, recipient organisation name, recipient organization name,
            recipient name, recipient, recipient organisation, recipient organization,
            grant recipient, name of recipient, grantee, grantee name, name of grantee,
            beneficiary, beneficiary name, name of beneficiary, awardee, awardee name,
            lead applicant, main applicant, applicant, applicant name, name of applicant,
            applicant organisation, applicant organization, lead partner, lead organisation,
            lead organization, coordinator, coordinator name, coordinating organisation,
            coordinating organization, coordinating organisation name,
            coordinating organization name, name of coordinator, organisation name, organization
            name, name of organisation, name of organization,
            legal name, swedish partner, swedish municipality, swedish applicant,
            swedish organisation, organisation, organization, charity name, company name,
            host organisation, host organization, host institution, institution,
            institution name, local authority, local authority name, council, council name,
            university, municipality, municipality or region, municipality region, name""",
    },
    "kind": {
        "sv": """typ, organisationstyp, typ av organisation, typ av sökande, typ av mottagare,
            typ av aktör, kategori av sökande, sökandekategori, sökandetyp, mottagartyp,
            typ av bidragsmottagare, aktörstyp, huvudmannatyp, typ av huvudman, organisationsform,
            juridisk form, associationsform,
            kategori""",
        "en": """recipient org organisation type, recipient org organization type,
            recipient organisation type, recipient organization type, organisation type,
            organization type, type of organisation, type of organization, recipient type,
            type of recipient, grantee type, type of grantee, applicant type, type of applicant,
            type of beneficiary, beneficiary type, entity type, legal form, type, category""",
    },
    "partners": {
        "sv": """samarbetspart, samarbetsparter, samarbetspartner, samarbetspartners, partner,
            partners, parter, partnerorganisation, partnerorganisationer, samverkanspart,
            samverkansparter, samverkanspartner, partnerpart, partnerparter, medsökande,
            utländsk partner, internationell partner, partnerkommun, utländsk part, utländsk
            samarbetspart,
            internationell part, internationell samarbetspart, medsökande organisation,
            medsökande organisationer, övriga parter, samarbetsorganisation,
            samarbetsorganisationer, samverkansorganisation""",
        "en": """partner organisation, partner organisations, partner organization,
            partner organizations, partner name, partner names, project partner,
            project partners, cooperation partner, co applicant, co applicants, partnership with,
            other participants, participants, international partner, foreign partner,
            international partners, overseas partner, co beneficiary, co beneficiaries,
            other beneficiaries, partnering organisation, partner municipality""",
    },
    "countries": {
        "sv": """samarbetsland, samarbetsländer, partnerland, partnerländer, projektland,
            insatsland, land, länder""",
        "en": """beneficiary location country, beneficiary location country name,
            partner country, partner countries, country of partner, project country, country,
            countries, country name, participant countries, beneficiary location country code,
            country code""",
    },
    "themes": {
        "sv": """tema, teman, tematik, tematiskt område, ämne, ämnen, ämnesområde, område,
            områden, sakområde, sakområden, temaområde, inriktning, verksamhetsområde, fokusområde,
            insatsområde, konstområde,
            konstform""",
        "en": """theme, themes, topic, topics, focus area, focus areas, thematic area,
            thematic areas, classifications title, classification, subject, sector, focus, art form,
            artform, discipline""",
    },
    "amount": {
        "sv": """beviljat belopp, beviljat bidragsbelopp, beviljat bidrag, beviljade medel,
            beviljat stöd, beviljad summa, beviljade bidrag, beviljat, beviljad, beslutat belopp,
            beslutat bidrag, beslutat stöd, beslutade medel, tilldelat belopp, tilldelade medel,
            tilldelat bidrag, tilldelat, bidragsbelopp, bidragssumma, stödbelopp, belopp, bidrag,
            bidragets storlek, stöd, summa, medel, anslag, eu bidrag, eu stöd, eu medel,
            statsbidrag, totalt, totalbelopp, kronor, kr, sek, euro, eur, €""",
        "en": """amount awarded, award amount, awarded amount, grant awarded, total awarded,
            amount granted, granted amount, grant amount, amount of grant, amount approved,
            approved amount, approved grant, eu contribution, net eu contribution,
            max eu contribution, maximum eu contribution, eu grant,
            total grant, grant value, value of grant, grant total, awarded, award, granted,
            ec max contribution, ec contribution, net ec contribution, max grant, maximum grant,
            eu grant award, eu funding, eu support, union contribution, erdf contribution,
            grant offered, total funding, funding, funding awarded, funding amount, allocation,
            funding allocated, amount, grant, contribution, sum, value, total, gbp, £, eur, €,
            sek""",
    },
    "amount_applied": {
        "sv": """sökt belopp, ansökt belopp, sökt bidrag, ansökt bidrag, sökta medel, sökt summa,
            sökt stöd, sökt, ansökt, begärt belopp, söker, sökta medel totalt""",
        "en": """amount applied for, applied amount, amount requested, requested amount,
            amount sought, amount asked, grant requested, requested grant, applied for,
            requested""",
    },
    "first_timer": {
        "sv": """ny sökande, ny, nya, förstagångssökande, första gången, sökt första gången,
            ny mottagare, ny bidragsmottagare, ny organisation, ny kommun, ny i programmet,
            förstagångsmottagare, nysökande, ny aktör, nya aktörer, ny part, ny deltagare,
            ny kommun region""",
        "en": """first time applicant, first time, first timer, first time grantee,
            first time recipient, new applicant, new grantee, new recipient, new, is new,
            first grant, first award, new to programme, new to us, new organisation""",
    },
    "project": {
        "sv": """projekt, projektnamn, projekttitel, projektets namn, projektets titel,
            namn på projekt, namn på projektet, projektbenämning, insats, titel""",
        "en": """project, project title, project name, title of project, name of project, title,
            grant title, activity""",
    },
    "status": {
        "sv": """beslut, beslutsstatus, utfall, status, resultat, bifall avslag, beviljad avslag,
            bifall eller avslag, beviljad eller avslag, beviljad ja nej, beviljat ja nej,
            beslut bifall avslag, beslut beviljad avslag, beslut beviljat avslag, beslutstyp,
            ansökans status, ärendestatus, projektstatus, status beslut, beslut status, bifall,
            bifall ja nej, beslut om bidrag, beslut om stöd, beslut i ärendet, beviljad, beviljat,
            beviljas""",
        "en": """decision, outcome, grant status, application status, award status, result,
            decision status, funding decision, decision approved rejected, approved rejected,
            project status, status of application, panel decision, board decision, awarded,
            granted, approved, successful, funded""",
    },
    "currency": {"sv": "valuta", "en": "currency, currency code"},
    "note": {
        "sv": """kommentar, kommentarer, anteckning, anteckningar, anmärkning, notering,
            beskrivning, övrigt""",
        "en": "comment, comments, note, notes, remark, remarks, description",
    },
}

# Words that a longer header may hold: only such as can hardly mean anything else.
_WITHIN = {
    "amount_applied": {"sv": "sökt, ansökt, begärt", "en": "applied, requested, sought"},
    "first_timer": {
        "sv": """ny sökande, förstagångssökande, ny bidragsmottagare, ny mottagare, första gången,
            ny aktör""",
        "en": "first time, new applicant, new grantee, new recipient",
    },
    "amount": {
        "sv": """beviljat belopp, beviljat bidrag, beviljade medel, beviljat stöd, beslutat belopp,
            tilldelat belopp, tilldelade medel, beviljat, bidragsbelopp, belopp""",
        "en": """amount awarded, grant awarded, eu contribution, grant amount, amount granted,
            award amount, approved amount, eu grant, awarded, amount""",
    },
    "kind": {
        "sv": "typ av, organisationstyp, organisationsform",
        "en": "type of, organisation type, organization type",
    },
    "countries": {
        "sv": "samarbetsland, partnerland, land",
        "en": "partner country, country, countries",
    },
    "partners": {
        "sv": "samarbetspart, samarbetspartner, samverkanspart, partner",
        "en": "partner organisation, partner organization, partner, partners",
    },
    "themes": {"sv": "tema, sakområde, temaområde", "en": "theme, topic, focus area"},
    "project": {"sv": "projektnamn, projekttitel", "en": "project title, project name"},
    "status": {"sv": "beslutsstatus, bifall avslag", "en": "decision status, grant status"},
    "grantee": {
        "sv": "sökande, bidragsmottagare, huvudsökande, mottagare",
        "en": "recipient, grantee, beneficiary, applicant, lead partner, organisation name",
    },
}

# A header with one of these is something else than the words beside it say.
_ELSE = """datum date day dag nr no number id identifier identifierare url uri web website webb
    webbplats address adress street postal postcode postnummer postort ort city county län region e
    epost email mejl telefon phone organisationsnummer orgnr kod code company charity registration
    dnr diarienummer description beskrivning budget cost kostnad kostnader costs utbetalt utbetalda
    paid disbursed återkrav medfinansiering medfinansierat egeninsats egenfinansiering cofinancing
    minimum lägsta högsta kvar återstående remaining andel share procent percent antal count
    kontaktperson contact från to per location latitude longitude role roll rank poäng score rate
    återbetalt återbetalda återbetalat repaid returned indraget tidigare previously previous"""
_UNIT_FILLERS = "i in of av the år year totalt total summa"
_CODES = frozenset({"code", "kod"})
_SHARED = ("status", "partner", "partners", "region", "institution", "eur", "sek", "€", "euro")
# A longer header with one of these is not that field: the grantee's own country is not where the
# partner is, and a type of grant is no type of grantee.
_UNLIKE = {
    "countries": """lead coordinator coordinating applicant recipient grantee beneficiary org host
        organisation organization sökande sökandens mottagare mottagarens bidragsmottagare
        koordinator koordinatorns projektägare projektägarens""",
    "kind": """stöd bidrag åtgärd åtgärder projekt insats ansökan ärende grant project funding
        activity award support""",
}
# How surely a header is what was granted: by a word for granting, by a word for money, or barely.
_GRANTING = """beviljat beviljad beviljade beviljats beslutat beslutad beslutade tilldelat tilldelad
    tilldelade award awarded granted approved allocated"""
_BARELY = "totalt totalbelopp total summa sum value kronor kr sek euro eur gbp £ €"
_DAY = re.compile(r"\d{4}-\d\d?-\d\d?(?:[T ][\d:.]+Z?)?|\d\d?[./]\d\d?[./]\d{2,4}")
_SUM_IN_TEXT = re.compile(r"\b(?!(?:19|20)\d\d\b)[1-9][\d\s]*(?:[.,]\d+)?\s*[^\W\d_]+")  # 15 mnkr
_UNIT_IN_TITLE = (
    r"\b(?:tkr|kkr|tsek|ksek|teur|keur|mnkr|mkr|msek|meur|000s)\b|[kmt]€|£ ?000"
    r"|\b(?:i|in) (?:tusental|tusen|miljoner|thousands?|millions?)\b"
)
_AMOUNTS_IN = r"\b(?:belopp|beloppen|amounts?|figures|values|siffror)\b.*\b(?:i|in|är|are)\b"
_MONEY_ENDINGS = ("bidrag", "belopp", "stöd", "anslag", "medel")
_BY_ENDING = 3000  # the rank of a header that only ends like money: `Verksamhetsbidrag`


@dataclass(frozen=True)
class Columns:
    """Where a sheet's header row is and which column holds which field.

    `row` counts from 0. `at` gives the column numbers of a field, `names` its header texts. `unit`
    is what amounts are to be multiplied by; `currency` what the amount's header says, if anything;
    `is_union` whether it says that the money is the European Union's. `rivals` are the headers that
    could be the granted amount just as well.
    """

    row: int
    at: dict[str, tuple[int, ...]]
    names: dict[str, str]
    language: str
    unit: Decimal = Decimal(1)
    currency: str | None = None
    krona: bool = False
    is_union: bool = False
    rivals: tuple[str, ...] = ()
    unit_of_applied: Decimal = Decimal(1)
    score: int = field(default=0, compare=False)


def find_columns(rows: Sequence[Sequence[str]]) -> Columns | None:
    """The header row among the first rows and its columns, or None when no row looks like one.

    A header row names at least two fields, a grantee or an amount among them; the row that names
    most wins, the first of equals.
    """
    candidates = (
        _columns(number, row, above=rows[:number], below=rows[number + 1 :])
        for number, row in enumerate(rows[:SEARCHED_ROWS])
    )
    found = [columns for columns in candidates if columns is not None]
    return max(found, key=lambda columns: (columns.score, -columns.row), default=None)


NOTHING = ""  # what a person calls the columns that are used for nothing
Said = Mapping[str, Sequence[str]]


def find_said_columns(rows: Sequence[Sequence[str]], said: Said) -> Columns | None:
    """The columns as a person has said them, or None when no row has all the headers they named.

    `said` gives the headers of each field by their labels, and under NOTHING those of columns that
    are used for nothing. A column that it does not speak of is still recognised by its header.
    """
    wanted = {label for name, labels in said.items() if name != NOTHING for label in labels}
    for number, row in enumerate(rows[:SEARCHED_ROWS]):
        if wanted and wanted <= set(labels_of(row)):
            return _columns(number, row, above=rows[:number], below=rows[number + 1 :], said=said)
    return None


def likely_header(rows: Sequence[Sequence[str]]) -> int | None:
    """The row that looks most like headers where none is known: the first with most words."""
    filled = [
        sum(bool(re.search(r"[^\W\d_]", cell)) for cell in row) for row in rows[:SEARCHED_ROWS]
    ]
    return filled.index(max(filled)) if max(filled, default=0) > 1 else None


def labels_of(row: Sequence[str]) -> list[str]:
    """One label for each column: its header; its letter in brackets when it has none; and a number
    after a header that stands there already."""
    seen: Counter[str] = Counter()
    labels = []
    for column, header in enumerate(row):
        label = _shown(header) or f"[{letters(column)}]"
        seen[label] += 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels


def letters(column: int) -> str:
    """A column's letters in a spreadsheet: 0 is A, 26 is AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


@dataclass(frozen=True)
class _Match:
    """One header as one field. `rank` is smaller the surer: exact first, then by list."""

    field: str
    column: int
    rank: int
    languages: frozenset[str]


def _columns(
    number: int,
    row: Sequence[str],
    *,
    above: Sequence[Sequence[str]],
    below: Sequence[Sequence[str]],
    said: Said | None = None,
) -> Columns | None:
    matches = _fitting(
        [m for column, header in enumerate(row) for m in _matches(column, header)], below
    )
    if said is not None:
        matches = _as_said(matches, row, said)
    chosen: dict[str, list[_Match]] = {}
    taken: set[int] = set()
    for match in sorted(matches, key=lambda match: (match.rank, match.column)):
        if match.column in taken or (match.field in chosen and match.field not in SEVERAL):
            continue
        chosen.setdefault(match.field, []).append(match)
        taken.add(match.column)
    if said is None and (len(chosen) < 2 or not {"grantee", "amount"} & chosen.keys()):
        return None
    in_order = sorted(chosen, key=lambda name: min(match.column for match in chosen[name]))
    at = {name: _in_order(name, chosen[name], row) for name in in_order}
    amount = row[at["amount"][0]] if "amount" in at else ""
    applied = row[at["amount_applied"][0]] if "amount_applied" in at else ""
    return Columns(
        row=number,
        at=at,
        names={name: ", ".join(_shown(row[column]) for column in at[name]) for name in at},
        language=_language(chosen),
        unit=_unit(amount) if _currency(amount) or _unit(amount) > 1 else _unit_above(above),
        unit_of_applied=_unit(applied),
        currency=_currency(amount) or _currency_above(above),
        krona=_says_only_krona(amount),
        is_union=bool({"eu", "ec", "union", "erdf"} & set(_words(amount))),
        rivals=() if said and said.get("amount") else _rivals(chosen, matches, row),
        score=sum(3 if found[0].rank < 1000 else 1 for found in chosen.values()),
    )


def _as_said(matches: list[_Match], row: Sequence[str], said: Said) -> list[_Match]:
    """What a person said, and what is guessed of the columns and fields they did not speak of."""
    labels = labels_of(row)
    spoken = {labels.index(label) for named in said.values() for label in named if label in labels}
    languages = {match.column: match.languages for match in matches}
    own = [
        _Match(name, labels.index(label), -1, languages.get(labels.index(label), frozenset()))
        for name, named in said.items()
        for label in named
        if name != NOTHING and label in labels
    ]
    fields = {match.field for match in own}
    return own + [m for m in matches if m.column not in spoken and m.field not in fields]


def _fitting(matches: list[_Match], below: Sequence[Sequence[str]]) -> list[_Match]:
    """The matches that the cells below the header bear out, where they say anything.

    `Beviljad` over 450 000 is an amount and over ja and nej a decision. A column of nothing but
    words and days gives way to another amount (`Stöd` over the names of forms of support).
    """
    money = {match.column for match in matches if match.field == "amount"}
    wordy = {column for column in money if _is_wordy(column, below)}
    decided = {match.column for match in matches if match.field == "status"}
    giving_way = wordy if money - wordy else wordy & decided
    return [
        match
        for match in matches
        if not (match.field in ("amount", "amount_applied") and match.column in giving_way)
        and not (match.field == "status" and match.column in money - wordy)
    ]


def _is_wordy(column: int, rows: Sequence[Sequence[str]]) -> bool:
    cells = [row[column] for row in rows if column < len(row) and row[column]]
    return bool(cells) and not any(re.search(r"\d", _DAY.sub("", cell)) for cell in cells)


def _matches(column: int, header: str) -> list[_Match]:
    words = _words(header)
    if not words or len(words) > 8:
        return []
    phrase = " ".join(words)
    exact = [_Match(f, column, rank, langs) for f, rank, langs in _exact().get(phrase, ())]
    either = exact or _alternatives(column, header)
    if either or set(words) & set(_ELSE.split()):
        return either
    for rank, (synonym, name, language) in enumerate(_within()):
        if f" {synonym} " in f" {phrase} ":
            if set(words) & set(_UNLIKE.get(name, "").split()):
                return []
            return [_Match(name, column, 1000 + rank, frozenset({language}))]
    if words[-1].endswith(_MONEY_ENDINGS) and not words[-1].startswith("egen"):
        return [_Match("amount", column, _BY_ENDING, frozenset({"sv"}))]
    return []


def _alternatives(column: int, header: str) -> list[_Match]:
    """What `Stiftelse/Organisation` or `Mottagare / Recipient` is when all that is known of it
    agrees."""
    phrases = [" ".join(_words(part)) for part in header.split("/")]
    found = [entry for phrase in phrases for entry in _exact().get(phrase, ())]
    unknown = {word for phrase in phrases if phrase not in _exact() for word in phrase.split()}
    fields = {name for name, _, _ in found}
    if len(phrases) < 2 or len(fields) != 1 or fields & {"first_timer", "status"}:
        return []
    if unknown & set(_ELSE.split()):
        return []
    name, rank, languages = min(found, key=lambda entry: entry[1])
    return [_Match(name, column, 500 + rank, languages)]


@cache
def _exact() -> dict[str, list[tuple[str, int, frozenset[str]]]]:
    """(field, rank, languages) per synonym. A word that both languages share speaks for neither."""
    ranks: dict[str, dict[str, int]] = {}
    languages: dict[str, set[str]] = {phrase: {"sv", "en"} for phrase in _SHARED}
    for name, by_language in _EXACT.items():
        for language, words in by_language.items():
            for rank, synonym in enumerate(words.split(",")):
                phrase = " ".join(synonym.split())
                ranks.setdefault(phrase, {}).setdefault(name, rank)
                languages.setdefault(phrase, set()).add(language)
    return {
        phrase: [
            (name, rank, frozenset(languages[phrase] if len(languages[phrase]) == 1 else ()))
            for name, rank in fields.items()
        ]
        for phrase, fields in ranks.items()
    }


@cache
def _within() -> list[tuple[str, str, str]]:
    """(synonym, field, language): the applied amount first, then the longest synonym."""
    every = [
        (" ".join(synonym.split()), name, language)
        for name, by_language in _WITHIN.items()
        for language, words in by_language.items()
        for synonym in words.split(",")
    ]
    return sorted(every, key=lambda entry: (entry[1] != "amount_applied", -len(entry[0])))


def _in_order(name: str, found: list[_Match], row: Sequence[str]) -> tuple[int, ...]:
    """The columns from left to right; country codes only where no column holds names."""
    columns = sorted(match.column for match in found)
    named = [column for column in columns if not _CODES & set(_words(row[column]))]
    return tuple(named or columns) if name == "countries" else tuple(columns)


def _language(chosen: dict[str, list[_Match]]) -> str:
    votes = Counter(lang for found in chosen.values() for m in found for lang in m.languages)
    return "en" if votes["en"] > votes["sv"] else "sv"


def _rivals(
    chosen: dict[str, list[_Match]], matches: list[_Match], row: Sequence[str]
) -> tuple[str, ...]:
    """Headers that are the granted amount just as surely as the one that was chosen."""
    best = chosen.get("amount", [None])[0]
    if best is None:
        return ()
    own = {m.column for name, found in chosen.items() if name != "amount" for m in found}
    sure = _sureness(best, row)
    alike = [
        m
        for m in matches
        if m.field == "amount" and m.column not in own and _sureness(m, row) == sure
    ]
    return tuple(_shown(row[m.column]) for m in alike) if len(alike) > 1 else ()


def _sureness(match: _Match, row: Sequence[str]) -> int:
    words = set(_words(row[match.column]))
    if words & set(_GRANTING.split()):
        return 0
    return 2 if match.rank == _BY_ENDING or words <= set(_BARELY.split()) else 1


def _words(header: str) -> list[str]:
    """The words of a header without brackets, numbers, currencies and units."""
    text = unicodedata.normalize("NFC", header)
    text = re.sub(r"(?<=[a-zåäö]{2})(?=[A-ZÅÄÖ][a-zåäö])", " ", text).casefold()
    text = re.sub(r"\([^)]*\)|\[[^\]]*\]|['’]s\b", " ", text)
    words = [w for w in re.findall(r"[^\W\d_]+|[€£$]|\d+", text) if not w.isdigit()]
    while len(words) > 1 and (_is_unit(words[-1]) or words[-1] in _UNIT_FILLERS.split()):
        words.pop()
    while len(words) > 1 and (_is_unit(words[0]) or words[0] in {"i", "in", "the"}):
        words.pop(0)
    return words


def _is_unit(word: str) -> bool:
    return amounts.currency_of(word) is not None or amounts.unit_of(word) is not None


def _signs(header: str) -> list[str]:
    """Everything in a header that may be a unit or a currency, brackets included."""
    text = unicodedata.normalize("NFC", header).casefold()
    text = re.sub(r"['’´]?\b000['’´]?s?\b", "000s", text)
    return re.findall(r"us\$|000s|[a-z]*[€£$]|[^\W\d_]+", text)


def _unit(header: str) -> Decimal:
    """What amounts are to be multiplied by. A lone k or m is no unit (`Belopp m.m.`)."""
    words = [word for word in _signs(header) if len(word) > 1]
    units = [unit for word in words if (unit := amounts.unit_of(word))]
    return max(units, default=Decimal(1))


def _unit_above(rows: Sequence[Sequence[str]]) -> Decimal:
    """The unit that a title row gives: `Beviljade bidrag 2024, tkr`, but not `Totalt 15 mnkr`."""
    titles = [_SUM_IN_TEXT.sub("", cell) for row in rows for cell in row if cell]
    found = [word for title in titles for word in re.findall(_UNIT_IN_TITLE, title.casefold())]
    return max((_unit(word) for word in found), default=Decimal(1))


def _currency_above(rows: Sequence[Sequence[str]]) -> str | None:
    """The currency that a title row says the amounts are in: `Alla belopp i euro`."""
    titles = [cell for row in rows for cell in row if re.search(_AMOUNTS_IN, cell, re.IGNORECASE)]
    found = {currency for title in titles if (currency := _currency(title))}
    return found.pop() if len(found) == 1 else None


def _currency(header: str) -> str | None:
    found = {currency for word in _signs(header) if (currency := amounts.currency_of(word))}
    return found.pop() if len(found) == 1 else None


def _says_only_krona(header: str) -> bool:
    return any(w.endswith(("kr", "kronor")) for w in _signs(header)) and "sek" not in header.lower()


def _shown(header: str) -> str:
    return " ".join(header.split())
