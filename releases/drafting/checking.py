"""The fact check: what a text says against what its round says.

Every number, sum, count and name in free text that the round can know is compared with the rows.
What the round cannot know (years, telephone numbers, what happened last time) is left alone. A
finding is one of two grades: *contradicts* is a statement that cannot be true of this round, *look*
is one that a person should judge. Pure: no database, no request, no clock.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Literal

from releases.drafting import english, swedish
from releases.drafting.language import HouseStyle, Language
from releases.drafting.markup import say
from releases.drafting.naming import CAPITAL, Mention, Names, is_close, is_country, is_place, spoken
from releases.drafting.numerals import Number, numbers
from releases.drafting.passages import Bound, Passage, passages
from releases.rounds.figures import Figure, compute
from releases.rounds.kinds import KINDS
from releases.rounds.table import Row

LANGUAGES: dict[str, Language] = {"sv": swedish, "en": english}

EXCERPT = 140
Agreement = Literal["right", "unhedged", "hedge", "needless", "wrong"]


class Grade(StrEnum):
    CONTRADICTS = "contradicts"  # cannot be true of this round
    LOOK = "look"  # may be true; a person should judge


@dataclass(frozen=True)
class Finding:
    """Words that do not agree with the round.

    `start` and `end` are places in the HTML of `part`; `words` are those a reader sees there and
    `before` and `after` the rest of their sentence. `says` is what the round says, in the text's
    language. `code` names the sentence `checking.code.<code>`; `figure` the figure it was compared
    with.
    """

    part: str
    start: int
    end: int
    words: str
    says: str
    code: str
    figure: str
    severity: Grade
    before: str = ""
    after: str = ""

    @property
    def excerpt(self) -> tuple[str, str]:
        """What stands before and after the words, a long sentence cut short."""
        before, after = self.before, self.after
        if len(before) > EXCERPT:
            before = "… " + before[-EXCERPT:].partition(" ")[2]
        if len(after) > EXCERPT:
            after = after[:EXCERPT].rpartition(" ")[0] + " …"
        return before, after


def check(
    parts: Mapping[str, str],
    *,
    rows: Sequence[Row],
    currency: str,
    language: str,
    style: HouseStyle,
) -> list[Finding]:
    """What in a text's cleaned HTML parts contradicts its round, in reading order.

    `parts` are named pieces of HTML, such as headline, lead and body. A round without awards has
    nothing to say.
    """
    figures = compute(rows, currency=currency)
    if not figures["awards.count"].count:
        return []
    judge = _Judge(figures, rows, currency=currency, language=language, style=style)
    found = [finding for passage in passages(parts) for finding in judge.passage(passage)]
    return _told_once(found)


def _told_once(found: Sequence[Finding]) -> list[Finding]:
    """A number in quotations is told once, however often it is said."""
    quoted: set[str] = set()
    kept = []
    for finding in found:
        if finding.code == "in_quote":
            if finding.words.casefold() in quoted:
                continue
            quoted.add(finding.words.casefold())
        kept.append(finding)
    return kept


# What tells one kind of sentence from another, for both languages.
SHARING = {
    "sv": r"\b(?:dela[rs]? på|delat på|delas mellan|dela upp)\b",
    "en": r"\b(?:shar(?:e|es|ed|ing)|divided (?:between|among)|split between)\b",
}
DECIDED = {
    "sv": r"\b(?:bevilja[trsd]\w*|tilldela[ts]\w*|fördela[trsd]\w*|dela[rst]? ut|delas ut)\b",
    "en": r"\b(?:award(?:ed|s|ing)?|granted|allocat(?:e|es|ed|ing)|distribut(?:e|es|ed|ing))\b",
}
GETTING = {
    "sv": r"\b(?:får|fick|fått|erhåller|mottar|mottagar\w*|går till|stöd till|bidrag till)\b",
    "en": r"\b(?:receiv\w+|gets?|got|recipients?|goes? to|funding (?:for|to)|grants? (?:for|to))\b",
}
IN_ALL = {
    "sv": r"\b(?:totalt|sammanlagt|tillsammans|sammantaget|summan|totalsumma\w*|allt som allt)\b",
    "en": r"\b(?:total(?:s|ling|led)?|altogether|combined|in all|overall|together|sum)\b",
}
ELSEWHERE = {  # what another round, another year or the applications held
    "sv": r"\b(?:sedan (?:\d{4}|starten|tidigare|dess)|hittills|tidigare|förra|föregående|i fjol|"
    r"ifjol|senast|i snitt|årlig\w*|per år|varje år|om året|budget\w*|omsätt\w*|sökt\w*|"
    r"sökte|ansökt\w*|ansökte|ansök(?:er|a|t|ningar\w*)|söker|avslag\w*|avslogs|deltar|deltog|"
    r"medlem\w*|nästa|kommande|genom åren|samlar|nätverk\w*|i hela landet|genomsnitt\w*|"
    r"medel\w*tal|motsvar\w+|medfinans\w*|egen insats|egeninsats|öppet för|jämfört|ifrån \d{4})\b",
    "en": r"\b(?:since|so far|to date|previous\w*|earlier|"
    r"last (?:year|time|round|spring|summer|autumn|winter)|"
    r"annual\w*|per year|every year|each year|a year|budget\w*|turnover|appl(?:y|ied|ications?)|"
    r"requested|rejected|declined|participat\w+|members?|next (?:year|round)|over the years|"
    r"network|nationwide|average|equivalent|corresponding|co-financ\w*|matched|open to|"
    r"compared)\b",
}
ANOTHER_TIME = {
    "sv": r"\b(?:förra|föregående|i fjol|ifjol|nästa|kommande|hittills|sedan (?:\d{4}|starten))\b",
    "en": r"\b(?:last (?:year|time|round|spring|summer|autumn|winter)|previous|next|so far|to date|"
    r"since)\b",
}
SOME_OF = {
    "sv": r"\b(?:av (?:dem|de|dessa|kommunerna|regionerna|mottagarna|projekten)|varav|bland|"
    r"däribland|exempel\w*|t\.ex\.|ytterligare|resten|övriga|andra|några|flera|vardera|var för sig|"
    r"för första gången|nya?|båda|båda två|hälften|merparten|en del|huvuddelen)\b",
    "en": r"\b(?:of (?:them|these|the|which|whom)|including|includes?|among|such as|example|"
    r"another|others?|more|each|remaining|rest|some|several|first|new|both|half|most|part)\b",
}
NOT = {
    "sv": r"\b(?:inte|inget|ingen|inga|ej|utan|avslag)\b",
    "en": r"\b(?:not|no|without|n’t|n't)\b",
}
FIRST_TIME = {
    "sv": r"(?:\bny(?:a)? (?:sökande|mottagare|bidragsmottagare)\b|\bförstagångs\w+|"
    r"\bför första gången\b)",
    "en": r"(?:\bnew (?:applicants?|recipients?|grantees?)\b|\bfirst-time \w+|"
    r"\bfor the first time\b)",
}
WORKING = {
    "sv": r"samarb|samverk|partner|tillsammans med|arbetar|parter",
    "en": r"cooperat|co-operat|collaborat|partner|together with|works?\b|working",
}
GETS = {
    "sv": r"(?:har |kommer att )?(?:får|fick|fått|bevilja(?:s|ts|des)|tilldela(?:s|ts|des)|mottar|"
    r"erhåller)",
    "en": r"(?:will |has |have |is |was |are |were |been )*(?:receives?|received|gets?|got|get|"
    r"awarded|granted|given)",
}
TO = {
    "sv": r"\s*(?:,?\s*(?:går|gick|har gått|ges)\s*)?(?:till|åt)\s+(?:kommunen\s+|regionen\s+)?",
    "en": r"\s*(?:,?\s*(?:goes|went|go|has gone|will go)\s*)?(?:to|for)\s+(?:the\s+)?",
}
AND = re.compile(r"\s*(?:,|/|;)\s*(?:(?:och|and|samt|&)\s+)?|\s+(?:och|and|samt|&|as well as)\s+")
PLACE_NOUN = re.compile(r"\s+(?:kommuns?|stads?|municipality|city)\b")
ADJECTIVE = (
    r"(?:svensk\w*|swedish|olika|different|deltagande|participating|lokal\w*|local|regional\w*|"
    r"ideell\w*|stycken|st\b|utvald\w*|selected|beviljade|successful|sökande|små|stora|small|"
    r"large|glada|lyckliga|nordisk\w*|nordic)"
)
ADVERB = r"(?:together|jointly|now|each|also|both|all|tillsammans|nu|också|båda|alla|vardera)"
GRANTEE_NOUNS = {
    "sv": r"mottagar(?:e|na)|(?:bidrags|stöd|medels)mottagar(?:e|na)|bidragstagar(?:e|na)",
    "en": r"recipients?|grantees?|beneficiar(?:y|ies)|awardees?|grant recipients?|grant holders?",
}
FIRST_TIMER_NOUNS = {
    "sv": r"ny(?:a)? (?:sökande|(?:bidrags)?mottagare|svenska \w+er|kommuner|regioner)|"
    r"förstagångssökande",
    "en": r"new (?:applicants?|recipients?|grantees?|municipalities|regions)|"
    r"first-time (?:applicants?|recipients?|grantees?)",
}
FREE_NOUNS = {"organisation", "foretag", "skola", "privatperson"}  # also said of others
DEFINITE = {
    "sv": {"kommun": "kommunerna", "region": "regionerna", "kommunalforbund": "kommunalförbunden"},
    "en": {
        "kommun": "the municipalities", "region": "the regions",
        "kommunalforbund": "the municipal associations",
    },
}  # fmt: skip
ONLY_ONE = {"sv": {"region": "regionen"}, "en": {"region": "the region"}}
EVERYBODY = {"kommun": 290, "region": 21}


@dataclass(frozen=True)
class _Sentence:
    """A sentence and what its words say it is about."""

    start: int
    end: int
    text: str
    is_sharing: bool
    is_decided: bool
    is_getting: bool
    is_in_all: bool
    is_elsewhere: bool
    is_of_another_time: bool
    is_some_of: bool
    is_negated: bool
    is_first_time: bool
    is_working: bool
    is_opening: bool

    @property
    def is_of_the_award(self) -> bool:
        return self.is_sharing or self.is_decided

    @property
    def is_background(self) -> bool:
        return self.is_of_another_time or (self.is_elsewhere and not self.is_sharing)


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


def _has(words: Mapping[str, str], text: str, language: str) -> bool:
    return bool(_pattern(words[language]).search(text))


class _Judge:
    """Knows one round, and compares passages with it."""

    def __init__(
        self,
        figures: Mapping[str, Figure],
        rows: Sequence[Row],
        *,
        currency: str,
        language: str,
        style: HouseStyle,
    ) -> None:
        self.figures = figures
        self.rows = [row for row in rows if row.is_award]
        self.currency = currency
        self.code = language
        self.language = LANGUAGES[language]
        self.style = style
        self.names = Names(rows, language=language)
        self.total = figures["total"].amount or Decimal(0)
        self.kinds = dict(figures["kinds"].counts) if "kinds" in figures else {}
        self.newcomers = {n for n, one in enumerate(self.names.grantees) if one.is_first_timer}
        self.knows_newcomers = any(row.first_timer is not None for row in self.rows)
        self.themes = {theme.casefold() for row in self.rows for theme in row.themes if theme}
        self.sums = self._sums()
        self.bounds: list[tuple[int, int]] = []  # the sentences of the passage at hand
        self.whole_countries = {
            form.casefold()
            for row in self.rows
            for country in row.countries
            if country
            for form in spoken(country, language=language)
        }

    def passage(self, passage: Passage) -> list[Finding]:
        """The findings of one passage in order, none twice on the same words."""
        mentions = self.names.mentions(passage.text)
        said = numbers(passage.text, language=self.code)
        spans = [(one.start, one.end) for one in mentions if one.is_known]
        self.bounds = list(passage.sentences(spans))
        found = list(self._stale(passage))
        runs = _runs(passage.text, mentions)
        for nth, (start, end) in enumerate(self.bounds):
            sentence = self._sentence(passage, start, end, is_opening=nth == 0)
            here = [m for m in mentions if start <= m.start < end]
            counted = [n for n in said if start <= n.start < end]
            inside = [run for run in runs if start <= run[0].start < end]
            found += self._of_sentence(passage, sentence, here, counted, inside, mentions)
        return self._in_order(passage, found)

    def _of_sentence(
        self,
        passage: Passage,
        sentence: _Sentence,
        mentions: Sequence[Mention],
        said: Sequence[Number],
        runs: Sequence[Sequence[Mention]],
        whole: Sequence[Mention],
    ) -> Iterator[Finding]:
        money = [number for number in said if number.is_money]
        yield from self._money(passage, sentence, money, mentions, runs)
        yield from self._counts(passage, sentence, said, money)
        yield from self._slips(passage, mentions)
        yield from self._lists(passage, sentence, runs, whole)
        yield from self._newcomers(passage, sentence, runs)
        yield from self._outsiders(passage, sentence, mentions, money)
        yield from self._companions(passage, sentence, mentions, runs)

    # Money

    def _money(
        self,
        passage: Passage,
        sentence: _Sentence,
        money: Sequence[Number],
        mentions: Sequence[Mention],
        runs: Sequence[Sequence[Mention]],
    ) -> Iterator[Finding]:
        attributed = _Attribution(passage.text, sentence.start, money, runs, self.code)
        exact_is_near = any(self._is_right(number, [self.total]) for number in money)
        for number in money:
            if number.currencies and self.currency not in number.currencies:
                yield from self._other_currency(passage, sentence, number)
                continue
            whose = attributed.of(number)
            if whose and not (sentence.is_elsewhere and not _near_verb(sentence, self.code)):
                yield from self._of_grantees(passage, sentence, number, whose)
                continue
            expected = self._of_kind(passage.text, sentence, number)
            names_some = any(one.grantee is not None for one in mentions)
            yield from self._sum(
                passage, sentence, number, money, expected, exact_is_near, names_some
            )

    def _other_currency(
        self, passage: Passage, sentence: _Sentence, number: Number
    ) -> Iterator[Finding]:
        if sentence.is_elsewhere and not self._is_right(number, [self.total]):
            return
        known = [self.total, *self.sums]
        if sentence.is_of_the_award or passage.part == "headline" or self._is_right(number, known):
            amount = self.total
            for n in known:
                if _agreement(number, n) == "right":
                    amount = n
                    break
            yield self._finding(
                passage, number.start, number.end, "currency", self._said(amount), "total"
            )

    def _of_grantees(
        self, passage: Passage, sentence: _Sentence, number: Number, whose: Sequence[Mention]
    ) -> Iterator[Finding]:
        who = [one.grantee for one in whose if one.grantee is not None]
        if not who or len(who) < len(whose):
            return
        each = [self.names.amounts_of(one) for one in dict.fromkeys(who)]
        together = sum((amounts[0] for amounts in each), Decimal(0))
        if len(each) == 1:
            is_whole = len(self.names.grantees) == 1 and passage.part in ("headline", "lead")
            expected = each[0][:1] if is_whole else each[0]
            figure, code = self._row_figure(who[0]), "grantee_amount"
            says = f"{self.names.short(who[0])}: {self._said(each[0][0])}"
        else:
            expected = [together]
            if len({amounts[0] for amounts in each}) == 1:
                expected.append(each[0][0])
            figure, code = "grantees.list", "sum_of_parts"
            says = self._said(together)
            if re.search(r"\b(?:var|vardera|each|apiece)\b", sentence.text, re.IGNORECASE):
                shared = {amounts[0] for amounts in each}
                code, expected = "grantee_amount", list(shared) if len(shared) == 1 else []
                says = "; ".join(
                    f"{self.names.short(one)}: {self._said(amounts[0])}"
                    for one, amounts in zip(dict.fromkeys(who), each, strict=True)
                )
        yield from self._judged(passage, sentence, number, expected, code, says, figure)

    def _sum(
        self,
        passage: Passage,
        sentence: _Sentence,
        number: Number,
        money: Sequence[Number],
        expected: Sequence[Decimal],
        exact_is_near: bool,
        names_some: bool,
    ) -> Iterator[Finding]:
        """A sum that nobody in particular gets: the total, or one the round knows."""
        if number.hedge == "most" or _is_for_each(passage.text, number):
            return
        if expected:
            if not self._is_right(number, [*expected, self.total]):
                code = "sum_of_parts"
                yield from self._judged(
                    passage, sentence, number, expected, code, self._said(expected[0]), "kinds"
                )
            return
        agreement = _agreement(number, self.total)
        if agreement == "right":
            return
        if self._adds_up(number, money):
            return
        if self._goes_to_another(passage.text, number):
            return
        speaks_of_giving = sentence.is_of_the_award or sentence.is_getting
        opens_the_lead = passage.part == "lead" and sentence.is_opening
        speaks_of_all = (
            sentence.is_sharing
            or passage.part == "headline"
            or (sentence.is_in_all and speaks_of_giving)
            or (opens_the_lead and speaks_of_giving and not sentence.is_some_of and not names_some)
        ) and not sentence.is_background
        has_own = self._is_right(number, self.sums)
        if has_own and not (speaks_of_all and not sentence.is_some_of and self._is_far(number)):
            return
        if agreement in ("unhedged", "needless", "hedge"):
            if agreement == "unhedged" and exact_is_near:
                return
            if not sentence.is_background or agreement == "hedge":
                yield from self._judged(
                    passage, sentence, number, [self.total], "total", self._total(), "total"
                )
            return
        if sentence.is_background and not (sentence.is_sharing and self._is_a_slip(number)):
            return
        if wrong := self._wrong_sum(passage, sentence, number, money):
            yield wrong
            return
        is_of_all = speaks_of_all or sentence.is_in_all or sentence.is_decided
        if is_of_all or self._looks_like_the_total(number):
            yield from self._judged(
                passage, sentence, number, [self.total], "total", self._total(), "total"
            )
        elif sentence.is_getting:
            yield self._finding(
                passage, number.start, number.end, "amount", self._total(), "total", Grade.LOOK
            )

    def _goes_to_another(self, text: str, number: Number) -> bool:
        """`Sida har beviljat ICLD 90 miljoner kronor`: another grant than this round's."""
        return bool(
            re.search(
                rf"\b(?:beviljat|tilldelat|gett|gav|ger|given|gave|gives|granted|awarded)\s"
                rf"[{CAPITAL}]\S*\s$",
                text[max(0, number.hedge_start - 60) : number.hedge_start],
            )
        )

    def _wrong_sum(
        self, passage: Passage, sentence: _Sentence, number: Number, money: Sequence[Number]
    ) -> Finding | None:
        """A stated sum whose parts, in the same sentence and known to the round, give another."""
        parts = [one for one in money if one is not number and one.written_out]
        says_so = _pattern(IN_ALL[self.code]).search(
            passage.text, max(sentence.start, number.start - 40), number.start
        )
        if len(parts) < 2 or not says_so or not all(self._is_right(p, self.sums) for p in parts):
            return None
        together = sum((part.value for part in parts), Decimal(0))
        return self._finding(
            passage, number.start, number.end, "sum_of_parts", self._said(together), "total"
        )

    def _adds_up(self, number: Number, money: Sequence[Number]) -> bool:
        parts = [one for one in money if one is not number and self._is_right(one, self.sums)]
        return len(parts) > 1 and _agreement(number, sum((p.value for p in parts), Decimal(0))) == (
            "right"
        )

    def _judged(
        self,
        passage: Passage,
        sentence: _Sentence,
        number: Number,
        expected: Sequence[Decimal],
        code: str,
        says: str,
        figure: str,
    ) -> Iterator[Finding]:
        """The finding for a sum, by how it differs from the nearest of what is expected."""
        found = {_agreement(number, amount) for amount in expected} or {"wrong"}
        if "right" in found:
            return
        start, grade = number.start, Grade.CONTRADICTS
        if "needless" in found or "unhedged" in found or "hedge" in found:
            start = number.hedge_start
            code = "unhedged" if "unhedged" in found else "hedge"
            if "hedge" not in found:
                grade = Grade.LOOK
        yield self._finding(passage, start, number.end, code, says, figure, grade)

    def _of_kind(self, text: str, sentence: _Sentence, number: Number) -> list[Decimal]:
        """The sum of one kind of grantee, when the sentence says that kind gets the number."""
        before = text[sentence.start : number.start]
        closest: tuple[int, str] | None = None
        for kind, count in self.kinds.items():
            for words in filter(
                None,
                (
                    DEFINITE[self.code].get(kind),
                    ONLY_ONE[self.code].get(kind) if count == 1 else None,
                ),
            ):
                for found in re.finditer(rf"(?<!\w){words}\b", before, re.IGNORECASE):
                    rest = before[found.end() :]
                    is_close_by = len(rest) < 40 and not re.search(r"\d|[.:;]", rest)
                    if re.search(r"(?:och|and|samt)\s+(?:the\s+)?$", before[: found.start()]) and (
                        not re.search(r"\d", before)
                    ):
                        continue  # one of several who get it together
                    is_got = _pattern(rf"\s(?:{GETS[self.code]})\b").match(rest) or not rest.strip()
                    if is_close_by and is_got and (closest is None or found.end() > closest[0]):
                        closest = found.end(), kind
        if closest is None:
            return []
        amounts = (row.amount for one in self.names.grantees if one.kind == closest[1]
                   for row in one.rows)  # fmt: skip
        return [sum(amounts, Decimal(0))]

    def _sums(self) -> list[Decimal]:
        """The sums a round knows beside its total: of grantees, kinds, newcomers, applications."""
        found: set[Decimal] = {row.amount for row in self.rows}
        groups: dict[tuple[str, str], Decimal] = {}
        for n, grantee in enumerate(self.names.grantees):
            total = self.names.amounts_of(n)[0]
            found.add(total)
            keys = [("kind", grantee.kind or "")]
            keys += [("new", "")] if n in self.newcomers else []
            for key in keys:
                groups[key] = groups.get(key, Decimal(0)) + total
        for row in self.rows:
            for key in [("c", c) for c in row.countries] + [("t", t) for t in row.themes]:
                groups[key] = groups.get(key, Decimal(0)) + row.amount
            if row.amount_applied:
                found.add(row.amount_applied)
                key = ("applied", "")
                groups[key] = groups.get(key, Decimal(0)) + row.amount_applied
        found |= {amount for key, amount in groups.items() if key != ("kind", "")}
        return sorted(found - {self.total})

    def _is_right(self, number: Number, amounts: Sequence[Decimal]) -> bool:
        if number.currencies and self.currency not in number.currencies and not amounts:
            return False
        return any(_agreement(number, amount) == "right" for amount in amounts)

    def _is_far(self, number: Number) -> bool:
        return not self._is_right(number, [self.total])

    def _looks_like_the_total(self, number: Number) -> bool:
        """A slip of the hand: near in size, one digit off, or the same digits in another order."""
        return abs(number.value - self.total) * 5 < self.total or self._is_a_slip(number)

    def _is_a_slip(self, number: Number) -> bool:
        if not number.written_out:
            return False
        a, b = f"{number.value:f}".split(".")[0], f"{self.total:f}".split(".")[0]
        if len(b.rstrip("0")) < 3:
            return False
        return len(a) == len(b) and (
            sorted(a) == sorted(b) or sum(x != y for x, y in zip(a, b, strict=True)) == 1
        )

    # Counts

    def _counts(
        self,
        passage: Passage,
        sentence: _Sentence,
        said: Sequence[Number],
        money: Sequence[Number],
    ) -> Iterator[Finding]:
        reached = sentence.start
        for number in said:
            if number.count is None or number.start < reached:
                continue
            yield from self._count(passage, sentence, number, money)

    def _count(
        self, passage: Passage, sentence: _Sentence, number: Number, money: Sequence[Number]
    ) -> Iterator[Finding]:
        n = number.count or 0
        after = passage.text[number.end : min(sentence.end, number.end + 90)]
        before = passage.text[sentence.start : number.start]
        if self.knows_newcomers and (yield from self._count_of_newcomers(
            passage, sentence, number, before, after
        )):  # fmt: skip
            return
        nouns, end = self._nouns(after)
        if not nouns:
            if number.start == sentence.start and _shares(after, self.code):
                nouns, end = ["grantee"], 0
            else:
                return
        if n == 1 and number.is_word and not self._is_counting(before, after[end:]):
            return
        if n == 0 or re.search(r"(?:^|\s)(?:av|of|per|varje|each)\s+$", before[-7:]):
            return
        expected, says, code, figure = self._expected(n, nouns)
        if n == expected or (len(nouns) == 1 and n == EVERYBODY.get(nouns[0])):
            return
        if nouns == ["organisation"] and n == self.figures["grantees.count"].count:
            return
        if sentence.is_background and not self._has_total(money):
            return
        grade = self._grade_of_count(passage, sentence, number, nouns, expected, money, before)
        if grade is None:
            return
        if number.hedge:
            grade = self._grade_of_hedged(number, expected, grade)
            if grade is None:
                return
        yield self._finding(
            passage, number.hedge_start, number.end + end, code, says, figure, grade
        )

    def _nouns(self, after: str) -> tuple[list[str], int]:
        """What is counted: the keys of the nouns after a number, and where the last one ends.

        `kommuner och regioner` and `kommuner/regioner` are counted together.
        """
        patterns = _noun_patterns(self.code)
        found: list[str] = []
        at = 0
        while True:
            lead = re.compile(rf"\s+(?:{ADJECTIVE}\s+)*" if not found else
                              rf"(?:\s*/\s*|\s+(?:och|and|samt|eller|or)\s+)(?:{ADJECTIVE}\s+)*",
                              re.IGNORECASE).match(after, at)  # fmt: skip
            if not lead:
                break
            match = next(
                ((key, m) for key, p in patterns if (m := p.match(after, lead.end()))), None
            )
            if match is None:
                break
            found.append(match[0])
            at = match[1].end()
        return found, at

    def _expected(self, n: int, nouns: Sequence[str]) -> tuple[int, str, str, str]:
        """How many there are of what was counted, how the round says it, code and figure."""
        grantees = self.figures["grantees.count"].count
        noun = nouns[0]
        if noun in KINDS:
            if not self.kinds:
                return grantees, self.language.counted(grantees, noun="grantee"), "count", (
                    "grantees.count")  # fmt: skip
            expected = sum(self.kinds.get(one, 0) for one in dict.fromkeys(nouns))
            whole = self.language.breakdown(self.figures["kinds"].counts)
            if len(nouns) > 1 or n == grantees or not expected or len(self.kinds) > 1:
                code = "kinds" if n == grantees and len(self.kinds) > 1 else "count"
                return expected, whole, code, "kinds"
            return expected, self.language.counted(expected, noun=noun), "count", f"kinds.{noun}"
        figure = {"grantee": "grantees.count", "project": "projects.count",
                  "award": "awards.count", "country": "countries.count"}[noun]  # fmt: skip
        if figure not in self.figures:
            return n, "", "count", figure
        expected = self.figures[figure].count
        return expected, self.language.counted(expected, noun=noun), "count", figure

    def _grade_of_count(
        self,
        passage: Passage,
        sentence: _Sentence,
        number: Number,
        nouns: Sequence[str],
        expected: int,
        money: Sequence[Number],
        before: str,
    ) -> Grade | None:
        """How surely the count is meant of the whole round; None when it is not."""
        n = number.count or 0
        of_the_whole = self._has_total(money) or passage.part == "headline" or (
            sentence.is_sharing and not self._has_own_sum(money)
        )  # fmt: skip
        if nouns[0] == "country":
            return Grade.LOOK if n > expected and not number.hedge else None
        if nouns[0] in FREE_NOUNS and not (of_the_whole and sentence.is_sharing):
            return None
        if nouns[0] in KINDS and self.kinds and not expected and not (
            sentence.is_of_the_award or of_the_whole or nouns[0] in EVERYBODY
        ):  # fmt: skip
            return None
        if of_the_whole and not re.search(r"\b(?:varav|of which|of whom|av dem)\W", before):
            return Grade.CONTRADICTS
        is_part = n < expected and (sentence.is_some_of or self._is_narrowed(sentence))
        if is_part:
            return None
        opens_the_lead = passage.part == "lead" and sentence.is_opening and not number.hedge
        if sentence.is_decided or opens_the_lead:
            return Grade.CONTRADICTS
        if sentence.is_getting:
            return Grade.CONTRADICTS if n > expected else Grade.LOOK
        if n > expected and not number.hedge:
            return Grade.CONTRADICTS if passage.part == "lead" else Grade.LOOK
        return None

    def _grade_of_hedged(self, number: Number, expected: int, grade: Grade) -> Grade | None:
        n = number.count or 0
        if number.hedge == "most":
            return None
        points_right = {"more": expected > n, "less": expected < n, "about": True}[number.hedge]
        if points_right and abs(expected - n) * 4 <= expected:
            return None
        return Grade.LOOK if points_right else grade

    def _count_of_newcomers(
        self, passage: Passage, sentence: _Sentence, number: Number, before: str, after: str
    ) -> Generator[Finding, None, bool]:
        """Counts of first-time applicants. Returns whether the number was one."""
        n, expected = number.count or 0, len(self.newcomers)
        direct = re.match(rf"\s+(?:{FIRST_TIMER_NOUNS[self.code]})\b", after, re.IGNORECASE)
        of_them = re.match(
            r"\s+(?:av|of)\s+(?:mottagarna|kommunerna|dem|dessa|de \w+(?: mottagarna| kommunerna)?|"
            r"(?:the )?(?:\w+ )?(?:recipients|grantees|municipalities)|the \w+|them|these)\b",
            after,
            re.IGNORECASE,
        )
        is_new = _pattern(FIRST_TIME[self.code]).search(sentence.text)
        if not direct and not (of_them and is_new):
            return self._is_of_newcomers(n, expected, is_new is not None, after)
        if sentence.is_negated or (sentence.is_elsewhere and not direct):
            return True
        if direct and n == 1 and re.search(r"\b(?:är|is|som|as)\s+$", before):
            return True
        if sentence.is_background and number.hedge:
            return True
        match = direct or of_them
        assert match is not None
        if n != expected and not (n < expected and number.hedge == "more"):
            says = self.language.counted(expected, noun="firsttimer")
            end = number.end + match.end()
            yield self._finding(
                passage, number.hedge_start, end, "first_timers", says, "firsttimers.count"
            )
        return True

    def _is_of_newcomers(self, n: int, expected: int, is_new: bool, after: str) -> bool:
        """`Samtliga tolv mottagare är nya sökande`: right for either count."""
        nouns, _ = self._nouns(after)
        return is_new and n == expected and bool(nouns)

    def _is_counting(self, before: str, after: str) -> bool:
        """Whether `en kommun` counts, and is not merely *a municipality*."""
        noun = "|".join(pattern.pattern for _, pattern in _noun_patterns(self.code))
        joined = re.search(rf"(?:{noun})(?:,|\s+(?:och|and|samt))\s+$", before, re.IGNORECASE)
        only = re.search(r"\b(?:bara|endast|only|just)\s+$", before, re.IGNORECASE)
        ahead = re.match(rf"(?:,|\s+(?:och|and|samt))\s+\S+\s+(?:{noun})", after, re.IGNORECASE)
        return bool(joined or only or ahead)

    def _is_narrowed(self, sentence: _Sentence) -> bool:
        text = sentence.text.casefold()
        return any(country in text for country in self.whole_countries) or any(
            theme in text for theme in self.themes
        )

    def _has_total(self, money: Sequence[Number]) -> bool:
        return any(_agreement(number, self.total) in ("right", "unhedged") for number in money)

    def _has_own_sum(self, money: Sequence[Number]) -> bool:
        return any(self._is_right(number, self.sums) for number in money)

    # Names

    def _slips(self, passage: Passage, mentions: Sequence[Mention]) -> Iterator[Finding]:
        for one in mentions:
            if one.slip_of:
                named = self.names.of_form(one.slip_of)
                figure = self._row_figure(named.grantee) if named.grantee is not None else (
                    self._partner_figure(one.slip_of, named.country)
                )  # fmt: skip
                yield self._finding(
                    passage, one.start, one.end, "name_misspelt", one.slip_of, figure
                )

    def _lists(
        self,
        passage: Passage,
        sentence: _Sentence,
        runs: Sequence[Sequence[Mention]],
        whole: Sequence[Mention],
    ) -> Iterator[Finding]:
        """Lists of grantees: who is in them without a grant, and who is left out."""
        everyone = range(len(self.names.grantees))
        for run in runs:
            meant = [self._meant(one) for one in run]
            theirs = {one for one in meant if one is not None}
            is_most = len(theirs) >= 2 and len(theirs) * 5 >= len(everyone) * 3
            if len(run) < 3 or len(theirs) * 2 < len(run) or (
                not is_most and (sentence.is_background or not (
                    sentence.is_of_the_award or sentence.is_getting or sentence.is_first_time))
            ):  # fmt: skip
                continue
            for one, grantee in zip(run, meant, strict=True):
                if grantee is not None and one.grantee is None and not one.slip_of:
                    yield self._finding(
                        passage, one.start, one.end, "name_misspelt",
                        self.names.short(grantee), self._row_figure(grantee),
                    )  # fmt: skip
                elif grantee is None and not one.is_known and not one.slip_of:
                    yield self._no_grant(passage, one)
            named = {m.grantee for m in whole if m.grantee is not None} | theirs
            missing = [one for one in everyone if one not in named]
            if (
                is_most and len(theirs) >= 3 and missing and not self._lists_some(sentence)
                and not self._is_of_one_kind(sentence, theirs, missing)
            ):  # fmt: skip
                says = self.language.listing([self.names.short(one) for one in missing])
                last = [one for one in run if one.grantee is not None][-1:] or run[-1:]
                yield self._finding(
                    passage, last[0].start, last[0].end, "list_incomplete", says, "grantees.list"
                )

    def _meant(self, one: Mention) -> int | None:
        """The grantee that an item of a list names, or seems to."""
        if one.grantee is not None or one.is_known:
            return one.grantee
        if one.slip_of:
            return self.names.of_form(one.slip_of).grantee
        if one.is_refused or is_place(one.name):
            return None
        close = (
            n for n in range(len(self.names.grantees)) if is_close(one.name, self.names.short(n))
        )
        return next(close, None)

    def _lists_some(self, sentence: _Sentence) -> bool:
        some = (
            r"bland annat|bland andra|däribland|till exempel|exempelvis|t\.ex\.|bl\.a\.|"
            r"including|such as|among others|for example|e\.g\."
        )
        return sentence.is_first_time or bool(re.search(some, sentence.text, re.IGNORECASE))

    def _is_of_one_kind(
        self, sentence: _Sentence, listed: set[int], missing: Sequence[int]
    ) -> bool:
        kinds = {self.names.grantees[one].kind for one in listed}
        others = {self.names.grantees[one].kind for one in missing}
        return not kinds & others and any(
            p.search(sentence.text) for key, p in _noun_patterns(self.code) if key in kinds
        )

    def _outsiders(
        self,
        passage: Passage,
        sentence: _Sentence,
        mentions: Sequence[Mention],
        money: Sequence[Number],
    ) -> Iterator[Finding]:
        """A place that is said to get money and has no grant in the round."""
        if sentence.is_negated or sentence.is_elsewhere:
            return
        for one in mentions:
            if one.is_known or one.slip_of or not (one.is_refused or is_place(one.name)):
                continue
            noun = PLACE_NOUN.match(passage.text, one.end)
            rest = passage.text[noun.end() if noun else one.end : sentence.end]
            gets = _pattern(rf"\s+(?:{GETS[self.code]})\b").match(rest)
            if gets and (one.is_refused or money or not re.search(r"får|get", gets[0])):
                yield self._no_grant(passage, one)

    def _no_grant(self, passage: Passage, one: Mention) -> Finding:
        says = self.language.counted(self.figures["grantees.count"].count, noun="grantee")
        return self._finding(passage, one.start, one.end, "no_grant", says, "grantees.list")

    def _newcomers(
        self, passage: Passage, sentence: _Sentence, runs: Sequence[Sequence[Mention]]
    ) -> Iterator[Finding]:
        """Who is called a first-time applicant."""
        if not sentence.is_first_time or not self.knows_newcomers or sentence.is_negated:
            return
        marker = _pattern(FIRST_TIME[self.code]).search(passage.text, sentence.start, sentence.end)
        assert marker is not None
        for run in runs:
            between = passage.text[marker.end() : run[0].start]
            is_after = run[0].start >= marker.end() and re.fullmatch(
                r"(?:\s+(?:är|is|are))?\s*:?\s*", between
            )
            lead_in = passage.text[run[-1].end : marker.start()]
            is_before = run[-1].end <= marker.start() and re.fullmatch(
                r"(?:\s(?:kommun|stad|municipality))?\s(?:är|söker|deltar|is|are|applies|apply|"
                r"får|beviljas|receives?|get)(?:\s[^.,;:]{1,30})?\s(?:en\s|a\s)?|"
                r"\s(?:är|is|are)\s(?:en\s|a\s)?|\s(?:söker|får bidrag|applies)\s",
                lead_in,
                re.IGNORECASE,
            )
            if not (is_after or is_before):
                continue
            named = {one.grantee for one in run if one.grantee is not None}
            says = self.language.listing([self.names.short(n) for n in sorted(self.newcomers)])
            says = says or self.language.counted(0, noun="firsttimer")
            for one in run:
                if one.grantee is not None and one.grantee not in self.newcomers:
                    yield self._finding(
                        passage, one.start, one.end, "not_first_timer", says,
                        self._row_figure(one.grantee),
                    )  # fmt: skip
            missing = self.newcomers - {self._meant(one) for one in run}
            if is_after and missing and named and len(missing) < len(self.newcomers):
                left_out = self.language.listing([self.names.short(n) for n in sorted(missing)])
                yield self._finding(
                    passage, run[-1].start, run[-1].end, "list_incomplete", left_out,
                    "firsttimers.list",
                )  # fmt: skip

    def _companions(
        self,
        passage: Passage,
        sentence: _Sentence,
        mentions: Sequence[Mention],
        runs: Sequence[Sequence[Mention]],
    ) -> Iterator[Finding]:
        """Partners and countries that belong to another grantee than the one beside them."""
        run_of = {one: run for run in runs for one in run}
        grantees = [one for one in mentions if one.grantee is not None]
        partners = [one for one in mentions if one.partner_of and one.grantee is None]
        if sentence.is_elsewhere:
            return
        for partner in partners:
            with_whom = _beside(partner, grantees, run_of)
            if with_whom and not with_whom & partner.partner_of:
                says = self.language.listing(
                    [self.names.short(n) for n in sorted(partner.partner_of)]
                )
                yield self._finding(
                    passage, partner.start, partner.end, "partner", f"{partner.name}: {says}",
                    self._row_figure(min(partner.partner_of), "partners"),
                )  # fmt: skip
        if not (sentence.is_working or partners):
            return
        for country in [one for one in mentions if self._country(one)]:
            near = [p for p in partners if p.end <= country.start]
            holder = near[-1] if near else None
            if holder is not None and country.start - holder.end < 25:
                whose = holder.partner_of
            else:
                whose = _beside(country, grantees, run_of)
            rightly = {c for n in whose for c in self.names.countries_of(n)}
            if holder is not None and country.start - holder.end < 25:
                rightly = {
                    c for n in whose for row in self.names.grantees[n].rows
                    if holder.name in map(_plain, row.partners) for c in row.countries
                }  # fmt: skip
            named = {f for c in rightly for f in spoken(c, language=self.code)}
            if rightly and country.name not in named and country.country not in rightly:
                says = self.language.listing(sorted(rightly))
                who = holder.name if holder is not None else self.names.short(min(whose))
                yield self._finding(
                    passage, country.start, country.end, "country", f"{who}: {says}",
                    self._row_figure(min(whose), "country"),
                )  # fmt: skip

    def _country(self, one: Mention) -> bool:
        if one.country:
            return True
        if one.is_known or one.slip_of or one.is_refused or one.name in ("Sverige", "Sweden"):
            return False
        return is_country(one.name, language=self.code)

    # Figures in the text, and what a finding looks like

    def _stale(self, passage: Passage) -> Iterator[Finding]:
        """Figures whose value is no longer the round's."""
        for bound in passage.figures:
            figure = self.figures.get(bound.name)
            if bound.end > bound.start and (figure is None or figure.value != bound.value):
                says = self._words(figure) if figure else "–"
                yield self._finding(
                    passage, bound.start, bound.end, "figure", says, bound.name if figure else ""
                )

    def _in_order(self, passage: Passage, found: Sequence[Finding]) -> list[Finding]:
        """Without what lies inside a figure that says what the round says, or is told twice."""
        agreed = [
            passage.source(bound.start, bound.end)
            for bound in passage.figures
            if bound.end > bound.start and self._agrees(passage, bound)
        ]
        kept: list[Finding] = []
        for finding in sorted(found, key=lambda one: (one.start, one.severity, -one.end)):
            inside = any(a <= finding.start and finding.end <= b for a, b in agreed)
            if not inside and not any(
                one.start <= finding.start < one.end or one.start < finding.end <= one.end
                for one in kept
            ):
                kept.append(finding)
        return kept

    def _agrees(self, passage: Passage, bound: Bound) -> bool:
        figure = self.figures.get(bound.name)
        if figure is None or figure.value != bound.value:
            return False
        shown = passage.text[bound.start : bound.end].casefold()
        forms = {self._words(figure, source) for source in ("sv", "en")}
        forms |= {self.language.genitive(form) for form in forms}
        if figure.kind == "count":
            forms.add(self.language.number(figure.count, noun=figure.noun))
        return shown in {_plain(form).casefold() for form in forms}

    def _words(self, figure: Figure, source: str = "sv") -> str:
        return say(figure, language=self.language, source=source, style=self.style)

    def _said(self, amount: Decimal) -> str:
        return self.language.money(amount, currency=self.currency)

    def _total(self) -> str:
        return self._said(self.total)

    def _row_figure(self, grantee: int | None, part: str = "amount") -> str:
        if grantee is None:
            return "grantees.list"
        rows = self.names.grantees[grantee].rows
        if part == "amount" and len(rows) > 1:
            part = "grantee"
        return f"award.{rows[0].number}.{part}"

    def _partner_figure(self, name: str, country: str | None) -> str:
        for row in self.rows:
            if name in map(_plain, row.partners):
                return f"award.{row.number}.partners"
            if country and country in map(_plain, row.countries):
                return f"award.{row.number}.country"
        return "grantees.list"

    def _finding(
        self,
        passage: Passage,
        start: int,
        end: int,
        code: str,
        says: str,
        figure: str,
        severity: Grade = Grade.CONTRADICTS,
    ) -> Finding:
        begins, ends = passage.source(start, end)
        begun = max((a for a, _ in self.bounds if a <= start), default=0)
        ended = min((b for _, b in self.bounds if b >= end), default=len(passage.text))
        finding = Finding(
            part=passage.part,
            start=begins,
            end=ends,
            words=passage.text[start:end].strip(),
            says=says,
            code=code,
            figure=figure,
            severity=severity,
            before=passage.text[begun:start].lstrip(),
            after=passage.text[end:ended].rstrip(),
        )
        if code != "figure" and passage.in_quotation(start):
            return replace(finding, code="in_quote", severity=Grade.LOOK)
        return finding

    def _sentence(self, passage: Passage, start: int, end: int, *, is_opening: bool) -> _Sentence:
        text, code = passage.text[start:end], self.code
        return _Sentence(
            start=start,
            end=end,
            text=text,
            is_sharing=_has(SHARING, text, code),
            is_decided=_has(DECIDED, text, code),
            is_getting=_has(GETTING, text, code),
            is_in_all=_has(IN_ALL, text, code),
            is_elsewhere=_has(ELSEWHERE, text, code),
            is_of_another_time=_has(ANOTHER_TIME, text, code),
            is_some_of=_has(SOME_OF, text, code),
            is_negated=_has(NOT, text, code),
            is_first_time=_has(FIRST_TIME, text, code),
            is_working=_has(WORKING, text, code),
            is_opening=is_opening,
        )


class _Attribution:
    """Which grantees each sum in a sentence is said to go to."""

    def __init__(
        self,
        text: str,
        start: int,
        money: Sequence[Number],
        runs: Sequence[Sequence[Mention]],
        language: str,
    ) -> None:
        self.text = text
        self.start = start
        self.money = money
        self.runs = runs
        self.gets = _pattern(
            rf"(?:{PLACE_NOUN.pattern})?,?\s+(?:som\s|which\s)?(?:{ADVERB}\s)?(?:{GETS[language]})\b"
            r"[^.;:!?]{0,45}"
        )
        self.to = _pattern(TO[language])
        self.beside = _pattern(rf"(?:{PLACE_NOUN.pattern})?\s*(?:[:(–]|,|-)?\s*(?:med |with )?")
        self.given = re.compile(r"\b(?:till|åt|to|for)\s+$", re.IGNORECASE)
        self.is_ = re.compile(
            rf"(?:{PLACE_NOUN.pattern})?\s(?:går|gick|är(?:\spå)?|uppgår\still|blir|is|goes|was|"
            r"amounts\sto)\s(?:[a-zåäö]+\s)?"
        )
        self.nouns = "|".join(p.pattern for _, p in _noun_patterns(language))

    def of(self, number: Number) -> Sequence[Mention]:
        """The names that get the sum; none when nobody is named."""
        before = [run for run in self.runs if run[-1].end <= number.hedge_start]
        after = [run for run in self.runs if run[0].start >= number.end]
        if after and self.to.fullmatch(self.text, number.end, after[0][0].start):
            return () if self._goes_on(after[0]) else after[0]
        if not before:
            return ()
        run = before[-1]
        gap = self.text[run[-1].end : number.hedge_start]
        if any(run[-1].end <= other.start < number.start for other in self.money):
            return ()
        if self.gets.fullmatch(gap):
            lead_in = self.text[self.start : run[0].start]
            others = re.search(rf"(?:{self.nouns})(?:\s+(?:och|and|samt)|,)\s+$", lead_in, re.I)
            return () if others else run
        if self.beside.fullmatch(gap):
            return run[-1:]
        if self.given.search(self.text[self.start : run[0].start]) and self.is_.fullmatch(gap):
            return run
        return ()

    def _goes_on(self, run: Sequence[Mention]) -> bool:
        """`… till Region Östergötland och tio kommuner`: there are more than the names."""
        rest = self.text[run[-1].end : run[-1].end + 60]
        return bool(re.match(rf"\s+(?:och|and|samt)\s+\S+\s+(?:{ADJECTIVE}\s+)*(?:{self.nouns})",
                             rest, re.IGNORECASE))  # fmt: skip


def _agreement(number: Number, exact: Decimal) -> Agreement:
    """How a stated sum stands to the exact one: right, or in which way it is not.

    Rounded sums must say on which side the exact one lies. Words such as `elva miljoner` with none
    may fall short of it, as house styles have it, but not say more than there is.
    """
    short = exact - number.value
    if not short:
        return "needless" if number.hedge in ("more", "less") else "right"
    is_near = abs(short) < number.step
    if number.hedge == "more":
        return "right" if short > 0 and is_near else "hedge" if is_near else "wrong"
    if number.hedge == "less":
        return "right" if short < 0 and is_near else "hedge" if is_near else "wrong"
    if number.hedge == "about":
        return "right" if is_near else "wrong"
    if number.hedge == "most":
        return "right" if short <= 0 else "wrong"
    if number.written_out:
        return "right" if abs(short) < 1 and number.step == 1 else "wrong"
    if is_near and (short > 0 or abs(short) * 100 <= exact):
        return "unhedged"
    return "wrong"


def _runs(text: str, mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Names in a row: `Ekerö, Karlstad och Öckerö`."""
    runs: list[list[Mention]] = []
    for one in mentions:
        if runs and _is_next(text, runs[-1][-1], one):
            runs[-1].append(one)
        else:
            runs.append([one])
    return [
        run for run in runs if any(m.grantee is not None or m.slip_of for m in run) or len(run) > 2
    ]


def _is_next(text: str, last: Mention, one: Mention) -> bool:
    noun = PLACE_NOUN.match(text, last.end)
    return bool(AND.fullmatch(text, noun.end() if noun else last.end, one.start))


def _beside(
    one: Mention, grantees: Sequence[Mention], run_of: Mapping[Mention, Sequence[Mention]]
) -> frozenset[int]:
    """The grantees that a partner or country stands with: those before it, else those after."""
    before = [g for g in grantees if g.end <= one.start]
    nearest = before[-1] if before else next(iter(grantees), None)
    if nearest is None:
        return frozenset()
    run = run_of.get(nearest, [nearest])
    return frozenset(m.grantee for m in run if m.grantee is not None)


def _is_for_each(text: str, number: Number) -> bool:
    """`300 000 kronor per kommun`, `i genomsnitt 300 000 kronor`."""
    after = text[number.end : number.end + 30]
    before = text[max(0, number.start - 30) : number.start]
    return bool(
        re.match(r"\s+(?:per|vardera|var\b|each|apiece|till varje|to each)", after, re.IGNORECASE)
        or re.search(r"genomsnitt|average|vardera|minst|högst", before, re.IGNORECASE)
    )


def _near_verb(sentence: _Sentence, language: str) -> bool:
    return _has(DECIDED, sentence.text, language)


def _shares(after: str, language: str) -> bool:
    sharing = {
        "sv": r"\s+(?:får dela på|delar på|får|har beviljats|beviljas|tilldelas)\b",
        "en": r"\s+(?:will share|share|receive|have been awarded|are awarded)\b",
    }
    return bool(re.match(sharing[language], after))


@cache
def _noun_patterns(language: str) -> list[tuple[str, re.Pattern[str]]]:
    """The nouns that a round can count, by their keys; the longest words first."""
    found: list[tuple[str, str]] = []
    for key in ("kommun", "region", "project", "award", "country", *KINDS[2:]):
        if language == "sv":
            noun = swedish.NOUNS[key]
            found.append((key, _swedish_forms(noun.one, noun.many)))
        else:
            found.append((key, "|".join(map(re.escape, english.NOUNS[key]))))
    found.append(("grantee", GRANTEE_NOUNS[language]))
    found.sort(key=lambda pair: -max(map(len, pair[1].split("|"))))
    return [(key, re.compile(rf"(?:{words})(?![\w-])", re.IGNORECASE)) for key, words in found]


def _swedish_forms(one: str, many: str) -> str:
    definite = many + ("na" if many[-2:] in ("er", "ar", "or") else "en")
    return "|".join(re.escape(form) for form in dict.fromkeys((definite, many, one)))


def _plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())
