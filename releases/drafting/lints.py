"""Slips of style that press offices make, found by their form alone. Pure.

What the words say is the fact check's matter. A rule here tells the words it found and what to
write instead, and would rather miss a slip than point at ordinary prose: whoever is warned wrongly
twice reads no third warning. No rule speaks about a fresh draft.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.core.html import blocks, plain, without_gaps
from releases.rounds.register import find

MARKUP = ("headline", "lead", "body")  # the other parts are plain text
WARNS_BEFORE = 2019  # the year in which the county councils became regions

LETTER = "A-Za-zÅÄÖÉÜåäöéü"
NAME = r"[A-ZÅÄÖÉÜ][a-zåäöéü]+(?:-[A-ZÅÄÖÉÜ][a-zåäöéü]+)*"
TAG = re.compile(r"<[^>]*>")
ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")

# Words that end so are nouns, and Swedish does not put two of them side by side.
NOUN = (
    r"[a-zåäö]+(?:dialog|het|tion|sion|skap|else|itet|ism|ering|ning|vård|eri)\b"
    r"|(?:klimat|kultur|demokrati|miljö|vatten|avfall)\b"
)
TWO_NOUNS = re.compile(rf"(?<=, )({NOUN}) ({NOUN})(?=(?:, [a-zåäö][^.;:]*)? och )")
TWO_NAMES = re.compile(rf"(?=\b({NAME}) ({NAME})\b)")

SAYS = {
    "sv": "säger|sade|berättar|menar|kommenterar|förklarar|konstaterar|framhåller|tillägger",
    "en": "says|said|adds|explains|notes|comments",
}
TITLE = {
    "sv": (
        r"[a-zåäö-]*(?:sekreterare|direktör|chef|ordförande|handläggare|strateg|ledare|samordnare"
        r"|ansvarig|minister|råd|professor|rektor|forskare|politiker|ombud|expert|ekonom|jurist"
        r"|koordinator|ingenjör|ledamot|utredare|rådgivare|talesperson|borgmästare)|vd"
    ),
    "en": (
        r"[Ss]ecretary|[Dd]irector|[Hh]ead|[Cc]hair(?:man|woman|person)?|[Mm]inister|[Mm]ayor"
        r"|[Pp]resident|CEO|[Pp]rofessor|[Mm]anager|[Oo]fficer|[Cc]oordinator|[Rr]esearcher"
    ),
}
ATTRIBUTION = {
    language: re.compile(
        rf"\b(?:{SAYS[language]}) ({NAME}(?: (?:von|af|de|der))?(?: {NAME}){{1,2}}?)"
        rf" ((?:{TITLE[language]})\b)"
    )
    for language in SAYS
}
HYPHEN = re.compile(rf"^-[ \u00a0](?=[“”\"»]?[{LETTER}])", re.MULTILINE)
DASH_AND_MARKS = re.compile(r"^[–—-] ?[“”\"»]", re.MULTILINE)

UNITS = r"(?:kronor|kr|euro|dollar|pund|US-dollar|norska|danska|SEK|EUR|USD|GBP)\b"
POINTS = re.compile(r"(?<![\d.,/:-])(\d{1,3}(?:\.\d{3})+)(?![\d.,/:-]*\d)")
COMMAS = re.compile(r"(?<![\d.,/:-])(\d{1,3}(?:,\d{3})+)(?![\d.,/:-]*\d)(?! mil| procent| %)")
SPACES = re.compile(r"(?<![\d.,/:+-])(?<!\d )([1-9]\d{0,2}(?: \d{3})+)(?![\d.,/:-]| \d)")
LONG = re.compile(r"(?<![\w.,/:+-])(?<!\d )([1-9]\d{4,})(?![\w.,/:@-]*\w)(?! \d)(?= [a-zåäö])")
WITH_UNIT = re.compile(rf"(?<![\w.,/:+-])(?<!\d )([1-9]\d{{3,}})(?= {UNITS})")
BEFORE_UNIT = re.compile(r"(?:SEK|EUR|USD|GBP|[$€£]) ?([1-9]\d{3,})(?![\d,.]*\d)")
A_NUMBER_BY_NAME = re.compile(
    r"(?:\bnr|\bnummer|\bdnr|\bdiarienummer|\bärende|\bpostgiro|\bbankgiro|\bkonto|\bno|\bnumber"
    r"|\bid|\btel|\btelefon|\bphone)\.?:? $",
    re.IGNORECASE,
)
PERCENT = re.compile(r"(\d+(?:,\d+)?) ?%")
DOUBLE = re.compile(r"(\S{1,30})(?: {2,}|\u00a0 +| +\u00a0)(\S{1,30})")

OUTDATED = {
    "Sveriges Kommuner och Landsting": "Sveriges Kommuner och Regioner",
    "Sveriges kommuner och landsting": "Sveriges Kommuner och Regioner",
    "SKL": "SKR",
    "landsting": "region",
    "landstings": "regioners",
    "landstinget": "regionen",
    "landstingets": "regionens",
    "landstingen": "regionerna",
    "landstingens": "regionernas",
}
OLD_NAME = re.compile(r"\b(" + "|".join(sorted(OUTDATED, key=len, reverse=True)) + r")\b")
YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
FORMER = re.compile(r"\b(?:tidigare|dåvarande|före detta|f\.d\.|gamla|former) $", re.IGNORECASE)
GLUED = re.compile(r"(\+?\d[\d \u00a0-]{5,}\d)(https?://\S+|www\.\S+|[a-zåäö][\w.-]*@\S+)")
POSTCODE = re.compile(rf"(?:^|(?<=, )|(?<=SE-)|(?<=S-))(\d{{3}})(\d{{2}}) ({NAME})\b", re.MULTILINE)
PHONE = re.compile(r"(?<![\w+])(?:\+46|0)[\d \u00a0()/–-]{6,}\d")
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
NEAR = 160  # letters after a name in which what is printed is taken for that person's

NOT_ALL_KOMMUNER = {
    "sv": re.compile(r"\bsvenska kommuner\b(?!(?:,| och| samt)[^.]*(?:region|förbund))", re.I),
    "en": re.compile(
        r"\bSwedish municipalities\b(?!(?:,| and)[^.]*(?:region|association))", re.IGNORECASE
    ),
}
INSTEAD_OF_KOMMUNER = {
    "sv": {
        ("region",): "svenska kommuner och regioner",
        ("kommunalforbund",): "svenska kommuner och kommunalförbund",
        ("kommunalforbund", "region"): "svenska kommuner, regioner och kommunalförbund",
    },
    "en": {
        ("region",): "Swedish municipalities and regions",
        ("kommunalforbund",): "Swedish municipalities and municipal associations",
        ("kommunalforbund", "region"): "Swedish municipalities, regions and municipal associations",
    },
}
HEADLINE_WORD = {
    "sv": re.compile(r"\bpressmeddelande[a-zåäö]*\b:?", re.IGNORECASE),
    "en": re.compile(r"\b(?:press|news) releases?\b:?", re.IGNORECASE),
}


@dataclass(frozen=True)
class Card:
    """A person printed with the text, as the card has them."""

    name: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class About:
    """What the rules know beside the words: the language, the round's kinds of grantees, the
    sender's names, and the contact cards."""

    language: str
    kinds: frozenset[str] = frozenset()
    sender: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True)
class Lint:
    """A slip: the words found in a part, and what to write instead (empty: leave them out)."""

    code: str
    part: str
    words: str
    instead: str


@dataclass(frozen=True)
class _Piece:
    """A block as it is read: its part, its element, its words, and its words with every space."""

    part: str
    element: str
    words: str
    spaced: str


Found = Iterator[tuple[str, str]]
Rule = Callable[[_Piece, About], Found]


def lints(parts: Mapping[str, str], about: About) -> list[Lint]:
    """Every slip in a text, each once, in reading order.

    `parts` are named: headline, lead and body are cleaned HTML, all others plain text. Sentences
    with a gap are not read, since nobody else will.
    """
    pieces = list(_pieces(parts))
    found = [
        Lint(code, piece.part, words, instead)
        for piece in pieces
        for code, rule in RULES.items()
        for words, instead in rule(piece, about)
    ]
    for part in parts:  # a name and its number may stand in two paragraphs
        whole = "\n".join(piece.words for piece in pieces if piece.part == part)
        found += [
            Lint("contact_differs", part, words, instead)
            for words, instead in _contact_differs(whole, about.cards)
        ]
    return list(dict.fromkeys(found))


def _pieces(parts: Mapping[str, str]) -> Iterator[_Piece]:
    for part, text in parts.items():
        if part not in MARKUP:
            yield _Piece(part, "", _even(text), text)
            continue
        for block in blocks(without_gaps(text)):
            element = found[1] if (found := re.match(r"<([a-z0-9]+)", block)) else ""
            spaced = html.unescape(TAG.sub(lambda tag: _between(tag[0]), block))
            yield _Piece(part, element, _even(plain(block)), spaced)


def _between(tag: str) -> str:
    """A block's end ends a line; an inline tag stands in the middle of the words."""
    return "" if re.match(r"</?(?:a|b|data|em|i|mark|strong)\b", tag) else "\n"


def _even(text: str) -> str:
    """With ordinary spaces, as the rules are written."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+(?=[–—”“\"]?\s?[A-ZÅÄÖÉ])|\n+", text)


# The rules


def _enumeration_comma(piece: _Piece, about: About) -> Found:
    """`klimat, medborgardialog säkerhet och integration`; `Ekerö, Karlstad Kristinehamn och …`."""
    if about.language == "sv":
        for found in TWO_NOUNS.finditer(piece.words):
            yield found[0], f"{found[1]}, {found[2]}"
    for found in TWO_NAMES.finditer(piece.words):
        one, two = found[1], found[2]
        before, after = piece.words[: found.start()], piece.words[found.end(2) :]
        is_listed = before.endswith(", ") or after.startswith((",", " och ", " and "))
        if not is_listed or before.endswith(("Region ", "Regionen ")):
            continue
        if (
            all(find(name, "kommun").code for name in (one, two))
            and not find(f"{one} {two}", "kommun").code
        ):
            yield f"{one} {two}", f"{one}, {two}"


def _attribution_comma(piece: _Piece, about: About) -> Found:
    """`säger Johan Lilja generalsekreterare`."""
    for found in ATTRIBUTION[about.language].finditer(piece.words):
        yield found[0], f"{found[0][: found.start(2) - found.start() - 1]}, {found[2]}"


def _hyphen_quote(piece: _Piece, about: About) -> Found:
    """A quote that opens with a hyphen; the dash is longer, and English has quotation marks."""
    if piece.element not in ("p", "blockquote"):
        return
    for found in HYPHEN.finditer(piece.words):
        opening = " ".join(piece.words[found.end() :].split()[:3])
        yield f"- {opening}", f"– {opening}" if about.language == "sv" else f"“{opening}"


def _dash_and_marks(piece: _Piece, about: About) -> Found:
    """`– ”Vi är glada”`: one or the other says that somebody speaks."""
    if piece.element not in ("p", "blockquote"):
        return
    for found in DASH_AND_MARKS.finditer(piece.words):
        opening = " ".join(piece.words[found.end() :].split()[:3])
        instead = f"– {opening}" if about.language == "sv" else f"“{opening}"
        yield f"{found[0]}{opening}", instead


def _thousands(piece: _Piece, about: About) -> Found:
    """`10.641.000` and `10,641,000` in Swedish, `10.641.000` and `10 641 000` in English."""
    text = ADDRESS.sub(" ", piece.words)
    if about.language == "sv":
        for found in [*POINTS.finditer(text), *COMMAS.finditer(text)]:
            yield found[1], re.sub(r"[.,]", "\u00a0", found[1])
        return
    for found in POINTS.finditer(text):
        if found[1].count(".") > 1:
            yield found[1], found[1].replace(".", ",")
    for found in SPACES.finditer(text):
        yield found[1], found[1].replace(" ", ",")


def _ungrouped(piece: _Piece, about: About) -> Found:
    """`10641000 kronor`; years, telephones and numbers of files are left alone."""
    text = ADDRESS.sub(" ", piece.words)
    seen = set()
    for pattern in (LONG, WITH_UNIT, BEFORE_UNIT):
        for found in pattern.finditer(text):
            digits, start = found[1], found.start(1)
            if start in seen or A_NUMBER_BY_NAME.search(text[:start]):
                continue
            seen.add(start)
            grouped = f"{int(digits):,}"
            yield digits, grouped if about.language == "en" else grouped.replace(",", "\u00a0")


def _percent(piece: _Piece, about: About) -> Found:
    """The sign belongs in tables; running Swedish text has the word."""
    if about.language == "sv" and piece.element != "table":
        for found in PERCENT.finditer(piece.words):
            yield found[0], f"{found[1]} procent"


def _double_space(piece: _Piece, about: About) -> Found:
    for line in piece.spaced.splitlines():
        for found in DOUBLE.finditer(line.strip()):
            yield f"{found[1]}  {found[2]}", f"{found[1]} {found[2]}"


def _outdated_name(piece: _Piece, about: About) -> Found:
    """Landsting became regions in 2019, and their association has changed its name."""
    for said in _sentences(piece.words):
        if any(int(year) < WARNS_BEFORE for year in YEAR.findall(said)):
            continue
        for found in OLD_NAME.finditer(said):
            if not FORMER.search(said[: found.start()]):
                yield found[1], OUTDATED[found[1]]


def _sender_twice(piece: _Piece, about: About) -> Found:
    """The sender's name on two lines running, or twice in a row."""
    for name in filter(None, about.sender):
        if re.search(rf"{re.escape(name)}[\s,.:]+{re.escape(name)}(?![{LETTER}])", piece.words):
            yield f"{name} {name}", name


def _phone_glued(piece: _Piece, about: About) -> Found:
    """`0498-299100https://www.icld.se/`."""
    for found in GLUED.finditer(piece.words):
        yield found[0].rstrip(".,"), f"{found[1]} {found[2].rstrip('.,')}"


def _postcode(piece: _Piece, about: About) -> Found:
    """`62158 Visby`."""
    for found in POSTCODE.finditer(piece.words):
        yield found[0], f"{found[1]}\u00a0{found[2]} {found[3]}"


def _headline_kinds(piece: _Piece, about: About) -> Found:
    """*Svenska kommuner* where a region or a kommunalförbund is among those who get."""
    others = tuple(sorted(about.kinds & {"region", "kommunalforbund"}))
    if piece.part == "headline" and others:
        for found in NOT_ALL_KOMMUNER[about.language].finditer(piece.words):
            yield found[0], INSTEAD_OF_KOMMUNER[about.language][others]


def _headline_word(piece: _Piece, about: About) -> Found:
    """Page and mail say that it is a press release; the headline need not."""
    if piece.part == "headline":
        for found in HEADLINE_WORD[about.language].finditer(piece.words):
            yield found[0], ""


def _contact_differs(text: str, cards: Sequence[Card]) -> Found:
    """A number or address beside a contact's name that is on nobody's card."""
    phones = {_digits(card.phone) for card in cards}
    mails = {card.email.casefold() for card in cards}
    for card, beside in _beside_names(text, cards):
        for pattern, known, printed, form in (
            (PHONE, phones, card.phone, _digits),
            (MAIL, mails, card.email, str.casefold),
        ):
            for written in pattern.findall(beside) if printed else ():
                if form(written) not in known:
                    yield written, printed


def _beside_names(text: str, cards: Sequence[Card]) -> Iterator[tuple[Card, str]]:
    """Each card with the words that follow its person's name, up to the next person."""
    by_name = {card.name: card for card in cards if card.name}
    if not by_name:
        return
    names = re.compile("|".join(re.escape(name) for name in by_name))
    found = list(names.finditer(text))
    ends = [*(one.start() for one in found[1:]), len(text)]
    for one, end in zip(found, ends, strict=False):
        yield by_name[one[0]], text[one.end() : min(one.end() + NEAR, end)]


def _digits(phone: str) -> str:
    """A number as it is dialled within the country."""
    digits = re.sub(r"\D", "", phone.replace("(0)", ""))
    for prefix in ("0046", "46"):
        if digits.startswith(prefix):
            return f"0{digits[len(prefix) :]}"
    return digits


RULES: dict[str, Rule] = {
    "enumeration_comma": _enumeration_comma,
    "attribution_comma": _attribution_comma,
    "hyphen_quote": _hyphen_quote,
    "dash_and_marks": _dash_and_marks,
    "thousands": _thousands,
    "ungrouped": _ungrouped,
    "percent": _percent,
    "double_space": _double_space,
    "headline_kinds": _headline_kinds,
    "headline_word": _headline_word,
    "outdated_name": _outdated_name,
    "sender_twice": _sender_twice,
    "phone_glued": _phone_glued,
    "postcode": _postcode,
}
CODES: Collection[str] = (*RULES, "contact_differs")
