"""The names of a round, found in running text: grantees, partners and countries.

A name is found in any of its forms and with a genitive. What looks like a name, is none of them and
stands close to one, is a slip. Whatever is a name in its own right (another municipality, another
country) is never called a slip.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from releases.drafting.language import country_in
from releases.rounds.figures import Grantee, grantees_of
from releases.rounds.register import find
from releases.rounds.table import Row

CAPITAL = "A-ZÅÄÖÉÜÆØ"
LETTER = r"[^\W\d_]"
RUN = re.compile(
    rf"(?<![\w-])[{CAPITAL}]{LETTER}*(?:[-’']{LETTER}+)*(?:\s[{CAPITAL}]{LETTER}*(?:-{LETTER}+)*)*"
)
ENDING = re.compile(r"(?:s|’s|'s|’)?(?![\w])(?!-[A-ZÅÄÖ])")
GROWN_FROM_A_NAME = re.compile(r"(?:s|n|an|ian|ans|ese|ish|bo|bor|borna|borns?|ns)?(?:-.*)?")
_OPENINGS = """i på av för till från med och eller men så även också dessutom både samt hos vid
    efter bland bara nu idag därför att det den de en ett när som genom in on at of for to from
    with and or but so also both the a an by among only now therefore that this these when as
    through while kommunen staden bidraget mottagaren recipient municipality"""
OPENINGS = frozenset(_OPENINGS.split())


@dataclass(frozen=True)
class Mention:
    """A name as it stands: what it may speak of. `slip_of` is the name it seems to be meant for."""

    start: int
    end: int
    name: str
    grantee: int | None = None
    partner_of: frozenset[int] = frozenset()
    country: str | None = None
    is_refused: bool = False
    slip_of: str = ""

    @property
    def is_known(self) -> bool:
        return self.grantee is not None or bool(self.partner_of) or bool(self.country)


@dataclass
class Named:
    """What one form of a name may speak of."""

    name: str
    grantee: int | None = None
    partner_of: set[int] = field(default_factory=set)
    country: str | None = None
    is_refused: bool = False


class Names:
    """Every name of a round, ready to be looked for."""

    def __init__(self, rows: Sequence[Row], *, language: str) -> None:
        self.language = language
        self.grantees: list[Grantee] = grantees_of(rows)
        self.forms: dict[str, Named] = {}
        for at, grantee in enumerate(self.grantees):
            for form in _forms(grantee):
                self._named(form).grantee = at
        for row in rows:
            if not row.is_award:
                named = self._named(_one_line(row.grantee))
                named.is_refused = named.grantee is None
        for at, grantee in enumerate(self.grantees):
            self._shorter(grantee, at)
            for row in grantee.rows:
                for partner in filter(None, map(_one_line, row.partners)):
                    self._named(partner).partner_of.add(at)
                for country in filter(None, map(_one_line, row.countries)):
                    for form in spoken(country, language=language):
                        self._named(form).country = country
        lengths: dict[str, set[int]] = defaultdict(set)
        for form in self.forms:
            if first := re.match(r"\w+", form):
                lengths[first[0]].add(len(form))
        # How long the names are that begin with a word: few, however many names there are.
        self.lengths = {first: sorted(of, reverse=True) for first, of in lengths.items()}
        self.kin = _Kin(form for form, named in self.forms.items() if not named.is_refused)

    def countries_of(self, grantee: int) -> set[str]:
        return {
            country
            for row in self.grantees[grantee].rows
            for country in map(_one_line, row.countries)
        } - {""}

    def amounts_of(self, grantee: int) -> list[Decimal]:
        """The whole sum first, then each grant."""
        amounts = [row.amount for row in self.grantees[grantee].rows]
        return [sum(amounts, Decimal(0)), *amounts]

    def short(self, grantee: int) -> str:
        return self.grantees[grantee].place.short

    def mentions(self, text: str) -> list[Mention]:
        """The names of a passage in order, known ones and other words that look like names."""
        known = list(self._known(text))
        taken = [(one.start, one.end) for one in known]
        found = known + list(self._others(text, taken))
        return sorted(found, key=lambda one: one.start)

    def _known(self, text: str) -> Iterator[Mention]:
        at = 0
        for word in re.finditer(r"(?<![\w-])\w+", text):
            if word.start() < at:
                continue
            for length in self.lengths.get(word[0], self._stemmed(word[0])):
                end = word.start() + length
                form = text[word.start() : end]
                if form in self.forms and (ending := ENDING.match(text, end)):
                    yield self._mention(word.start(), ending.end(), form)
                    at = ending.end()
                    break

    def _stemmed(self, word: str) -> list[int]:
        """The same for the word without its genitive s."""
        return self.lengths.get(word[:-1], []) if word.endswith("s") else []

    def _mention(self, start: int, end: int, form: str) -> Mention:
        named = self.forms[form]
        return Mention(
            start,
            end,
            named.name,
            grantee=named.grantee,
            partner_of=frozenset(named.partner_of),
            country=named.country,
            is_refused=named.is_refused,
        )

    def _others(self, text: str, taken: Sequence[tuple[int, int]]) -> Iterator[Mention]:
        """Capitalised words outside the known names; a slip says which name it is close to."""
        spans = iter(taken)
        span = next(spans, None)
        for run in RUN.finditer(text):
            while span and span[1] <= run.start():
                span = next(spans, None)
            start, end = run.span()
            if span and span[0] < end:
                continue
            first = run[0].split(" ")[0]
            if first.casefold() in OPENINGS:
                start += len(first) + 1
            if start >= end:
                continue
            words = text[start:end]
            slip = "" if self._is_a_name(words) else self.kin.of(words)
            yield Mention(start, end, words, slip_of=slip)

    def _is_a_name(self, words: str) -> bool:
        """Whether it is a name in its own right: a place in the register, a country."""
        return is_place(words) or (words[-1:] == "s" and is_place(words[:-1]))

    def of_form(self, form: str) -> Named:
        return self.forms[form]

    def _named(self, form: str) -> Named:
        return self.forms.setdefault(form, Named(form))

    def _shorter(self, grantee: Grantee, at: int) -> None:
        """`Östergötland` for Region Östergötland, `Falu` for Falu kommun, unless another's name."""
        short, official = grantee.place.short, grantee.place.official
        bare = {short.removeprefix("Region "), re.sub(r" (?:kommun|stad)$", "", official)}
        for form in bare - {short}:
            if form not in self.forms:
                self.forms[form] = Named(form, grantee=at)


class _Kin:
    """Finds the name a misspelt word is close to, by the pairs of letters they share."""

    def __init__(self, names: Iterator[str]) -> None:
        self.names = [name for name in names if len(name) > 3 and not name.isdigit()]
        self.by_pair: dict[str, list[int]] = defaultdict(list)
        for at, name in enumerate(self.names):
            for pair in _pairs(name):
                self.by_pair[pair].append(at)

    def of(self, words: str) -> str:
        if len(words) < 4 or words.isupper():
            return ""
        plain = words[:-1] if words.endswith("s") and len(words) > 5 else words
        shared = Counter(at for pair in _pairs(words) for at in self.by_pair.get(pair, ()))
        for at, _ in shared.most_common(5):
            name = self.names[at]
            if any(_is_slip(form, name) for form in dict.fromkeys((words, plain))):
                return name
        return ""


def is_place(words: str) -> bool:
    """Whether it is the name of a Swedish municipality or region, or of a country."""
    if any(find(words, kind).code for kind in (None, "kommun", "region")):
        return True
    return any(is_country(words, language=language) for language in ("sv", "en"))


def is_country(words: str, *, language: str) -> bool:
    other = "en" if language == "sv" else "sv"
    return country_in(words, source=other, language=language) is not None


def spoken(country: str, *, language: str) -> set[str]:
    """A country's name in the text's language, whichever language the table is in."""
    names = {country_in(country, source=source, language=language) for source in ("sv", "en")}
    return {name for name in names if name} | {country}


def _forms(grantee: Grantee) -> set[str]:
    place = grantee.place
    written = {_one_line(row.grantee) for row in grantee.rows}
    forms = {place.short, place.official, place.name, *written}
    return {form for name in forms if name for form in (name, name[:1].upper() + name[1:])}


def _is_slip(words: str, name: str) -> bool:
    """A word that is close to a name and not grown from it (`Kenyan`, `Umeåborna`)."""
    if words == name or words.count(" ") != name.count(" ") or not name[0].isupper():
        return False
    if _is_grown(words, name):
        return False
    if _without_dots(words) == _without_dots(name):
        return True
    shortest = min(len(words), len(name))
    if abs(len(words) - len(name)) > 2 or shortest < 5:
        return False
    ratio = difflib.SequenceMatcher(None, words, name, autojunk=False).ratio()
    return ratio >= (0.84 if shortest > 5 else 0.9)


def is_close(words: str, name: str) -> bool:
    """Nearer than `slip_of` dares to be alone: for short names where a name is expected."""
    if words == name or not name or words.isupper():
        return False
    if _is_grown(words, name):
        return False
    return words[0] == name[0] and _one_step(words, name)


def _is_grown(words: str, name: str) -> bool:
    """`Kenyan` and `Umeåborna` are words made of a name; `Vietnamn` is not."""
    if not words.casefold().startswith(name.casefold()):
        return False
    ending = words[len(name) :].casefold()
    return bool(GROWN_FROM_A_NAME.fullmatch(ending)) and (
        ending != "n" or name[-1].casefold() in "aeiouyåäö"
    )


def _one_step(a: str, b: str) -> bool:
    """One letter more, less, or another; or two changed places."""
    if abs(len(a) - len(b)) > 1:
        return False
    at = next(
        (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    if len(a) == len(b):
        swapped = a[:at] + a[at + 1 : at + 2] + a[at : at + 1] + a[at + 2 :]
        return a[at + 1 :] == b[at + 1 :] or swapped == b
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[at + 1 :] == shorter[at:]


def _pairs(name: str) -> set[str]:
    word = f"^{_without_dots(name)}$"
    return {word[n : n + 2] for n in range(len(word) - 1)}


def _without_dots(name: str) -> str:
    apart = unicodedata.normalize("NFD", name.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _one_line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
