"""Figures stay bound: which texts a changed round makes stale, and how they are brought up to date.

The first half is pure. A text is stale when a `<data data-figure=… value=…>` in it has another
value than the round's figure of that name, or the round has no such figure any more. `refresh` says
each stale figure anew in the form it had and touches nothing else; `to_look_at` names the sentences
that may read wrongly around it, by what the house template says of the old rows and of the new.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Protocol

import sqlalchemy as sa
from markupsafe import Markup

from app.core.accounts import User
from app.core.db import db
from app.core.words import translate
from releases.drafting.drafting import Context, NoAwards, Template, TemplateProblem, draft
from releases.drafting.markup import data
from releases.drafting.templates import house_template, parts
from releases.drafting.wording import Form, Voice, forms_of, in_form, surroundings
from releases.editorial.comparing import Parts
from releases.editorial.comparing import changes as word_changes
from releases.editorial.models import Release, Revision, State
from releases.editorial.writing import Text, context_of, save, text_of
from releases.rounds.changing import earlier, rows_of
from releases.rounds.figures import Figure, compute
from releases.rounds.models import Award, Round
from releases.rounds.naming import called
from releases.rounds.register import find
from releases.rounds.table import Row

MOST_VERSIONS = 10  # in which the figures of an old text are looked for
PARTS = ("headline", "lead", "body")
BOUND = re.compile(r'<data((?:\s+[a-z-]+="[^"]*")*)\s*>(.*?)</data>', re.DOTALL)
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
TAG = re.compile(r"<[^>]*>")
BLOCK = re.compile(
    r"</?(?:p|li|ul|ol|h2|h3|blockquote|footer|aside|caption|td|th|tr|table)(?: [^>]*)?>"
)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
PLACE = re.compile("\ue000(\\d+)\ue001")
OPENERS = " \u00a0–—-”“\"'»«‘’("
CURRENCIES = (
    ("NOK", re.compile(r"NOK|norsk")),
    ("DKK", re.compile(r"DKK|dansk")),
    ("SEK", re.compile(r"SEK|kron")),
    ("EUR", re.compile(r"EUR|€|euro")),
    ("GBP", re.compile(r"GBP|£|pund")),
    ("USD", re.compile(r"USD|\$|dollar")),
)
Figures = Mapping[str, Figure]


class Worded(Protocol):
    """Anything with the three parts that hold figures: a Text, a Revision, a Draft."""

    @property
    def headline(self) -> str: ...
    @property
    def lead(self) -> str: ...
    @property
    def body(self) -> str: ...


@dataclass(frozen=True)
class Bound:
    """A figure as it stands in a text: its name, its value then, its words as HTML."""

    name: str
    value: str
    inner: str

    @property
    def words(self) -> str:
        return _plain(self.inner)


@dataclass(frozen=True)
class Stale:
    """A figure that the round no longer gives so. `new` is its value now, None when it is gone."""

    part: str
    name: str
    old: str
    new: str | None
    words: str


@dataclass(frozen=True)
class Rebound:
    """A stale figure said anew. `new` is None when a person must do it: `reason` says why.

    `around` is True when the words beside it may have to change too.
    """

    part: str
    name: str
    old: str
    new: str | None
    reason: str = ""
    around: bool = False

    @property
    def parts(self) -> Parts:
        """Old and new as one change; of a list, only the names that come or go."""
        if self.new is None or self.new == self.old:
            return [("same", self.old)]
        if self.name.endswith(".list"):
            return word_changes(self.old, self.new)
        return [("delete", self.old), ("insert", self.new)]


@dataclass(frozen=True)
class Sentence:
    """One sentence before and after. `parts` shows the change, each figure as one piece;
    `skeleton` is the words between the figures."""

    part: str
    old: str
    new: str
    names: tuple[str, ...]
    skeleton: str
    parts: Parts
    changes: tuple[Rebound, ...]


@dataclass(frozen=True)
class Refreshed:
    """A text with its figures said anew, and every sentence of it, old beside new."""

    text: Text
    sentences: tuple[Sentence, ...]

    @property
    def rebound(self) -> tuple[Rebound, ...]:
        return tuple(change for one in self.sentences for change in one.changes)

    @property
    def changed(self) -> tuple[Sentence, ...]:
        """The sentences that read otherwise."""
        return tuple(one for one in self.sentences if one.old != one.new)


@dataclass(frozen=True)
class Look:
    """A sentence for a person to look at, and what the house template says now, if anything.

    `reason`: `gone` and `unsaid` (a figure was left as it was), `house` (a drafted sentence that
    the template would word otherwise now), `around` (words beside a figure), `new` (something that
    the round has now and the text does not tell).
    """

    reason: str
    part: str
    sentence: str
    house: str = ""


@dataclass(frozen=True)
class Update:
    """What bringing a release up to date would do. Nothing has been written."""

    stale: tuple[Stale, ...]
    live: tuple[Stale, ...]
    refreshed: Refreshed | None
    look: tuple[Look, ...] = ()
    figures: tuple[Figures, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.stale or self.live)

    def names(self, language: str) -> dict[str, str]:
        """What the stale figures are called by people."""
        known = self.figures
        return {one.name: called(one.name, language, *known) for one in (*self.stale, *self.live)}


# Pure


def bound_in(markup: str) -> list[Bound]:
    """The figures in a text, in order."""
    return [_bound(found) for found in BOUND.finditer(markup)]


def stale_figures(revision: Worded, figures: Figures) -> list[Stale]:
    """The figures of a text that are not what the round's are now."""
    return [
        Stale(part, one.name, one.value, _value(figures.get(one.name)), one.words)
        for part in PARTS
        for one in bound_in(getattr(revision, part))
        if _is_stale(one, figures.get(one.name))
    ]


def refresh(
    text: Text, old_figures: Sequence[Figures], new_figures: Figures, *, context: Context
) -> Refreshed:
    """Say every stale figure anew in the form it has; all other words stay.

    `old_figures` are those of the versions that the text may come from, the likeliest first. A
    figure that no form explains, or that is gone, keeps its words and its old value.
    """
    voice = Voice.of(context)
    sentences: list[Sentence] = []
    fresh: dict[str, str] = {}
    for part in PARTS:
        fresh[part], own = _refresh_part(
            part, getattr(text, part), old_figures, new_figures, voice=voice
        )
        sentences += own
    headline, lead, body = (fresh[part] for part in PARTS)
    return Refreshed(replace(text, headline=headline, lead=lead, body=body), tuple(sentences))


def sentences_of(worded: Worded) -> list[Sentence]:
    """A text's sentences as they stand."""
    return [one for part in PARTS for one in _sentences(part, getattr(worded, part), {})]


def to_look_at(refreshed: Refreshed, *, house_old: Worded, house_new: Worded) -> list[Look]:
    """The sentences that may read wrongly now, each with the template's own new wording.

    `house_old` and `house_new` are drafts of the old rows and the new by today's template.
    """
    before, after = sentences_of(house_old), sentences_of(house_new)
    looks = [
        Look(reason, one.part, one.new, _closest(one, after))
        for one in refreshed.sentences
        if (reason := _doubt(one, before, after))
    ]
    told = {name for one in refreshed.sentences for name in one.names}
    told |= {name for one in before for name in one.names}
    offered = {look.house for look in looks}
    news = [
        Look("new", one.part, "", one.new)
        for one in after
        if one.names and not told & set(one.names) and one.new not in offered
    ]
    return [*looks, *news]


def written_as(bound: Bound, now: Figure) -> Figure:
    """The figure that a value in a text once stood for, when no version of the round has it."""
    value = bound.value
    items = tuple(item for item in value.split("; ") if item)
    if now.kind == "money":
        return replace(now, value=value, amount=_decimal(value))
    if now.kind == "count":
        return replace(now, value=value, count=int(value) if value.isdecimal() else 0)
    if now.kind == "kinds":
        pairs = [item.rpartition(": ") for item in items]
        counts = tuple((kind, int(n)) for kind, _, n in pairs if n.isdecimal())
        return replace(now, value=value, counts=counts, count=sum(n for _, n in counts))
    if now.kind == "name":
        return replace(now, value=value)
    is_alone = now.name.endswith("s.list") and now.noun == "grantee" and len(items) == 1
    alone = find(items[0], "kommun").official if is_alone else ""
    return replace(now, value=value, items=items, count=len(items), alone=alone)


# Verbs and questions


def figures_now(round_: Round) -> dict[str, Figure]:
    """The round's present figures, in no language."""
    return compute(round_.rows(), currency=round_.currency)


def stale_among(releases: Iterable[Release], *, figures: Figures | None = None) -> set[int]:
    """The ids of the releases whose text, worked on or live, has stale figures.

    One question to the database however many there are, and each round's figures once. A round that
    was never changed makes nothing stale and is not read. `figures`, where all are of one round
    whose figures are known already.
    """
    shown = [one for one in releases if one.state is not State.WITHDRAWN and one.story.round]
    if figures is not None:
        return {one.id for one in shown if _any_stale(one, figures)}
    changed = {r.id: r for one in shown if (r := one.story.round) and r.version > 1}
    if not changed:
        return set()
    rows: dict[int, list[Row]] = {id_: [] for id_ in changed}
    awards = sa.select(Award).where(Award.round_id.in_(changed)).order_by(Award.number)
    for award in db.session.scalars(awards):
        rows[award.round_id].append(award.row())
    known = {id_: compute(rows[id_], currency=changed[id_].currency) for id_ in changed}
    return {
        one.id
        for one in shown
        if one.story.round_id in known and _any_stale(one, known[one.story.round_id])
    }


def update_of(release: Release) -> Update:
    """What is stale in a release and what bringing it up to date would do. Writes nothing."""
    round_ = release.story.round
    if round_ is None or round_.version == 1 or release.state is State.WITHDRAWN:
        return Update((), (), None)
    figures = figures_now(round_)
    stale = stale_figures(release.head, figures)
    other = release.live if release.is_public and release.live_id != release.head_id else None
    live = stale_figures(other, figures) if other else stale if release.is_public else []
    if not stale:
        return Update((), tuple(live), None)
    kept = _versions(round_, release.head)
    context = context_of(round_, release.language)
    refreshed = refresh(
        text_of(release.head), [one.figures for one in kept], figures, context=context
    )
    template = parts(house_template(round_.programme, release.language))
    present = _Kept(round_.rows(), round_.currency, figures)
    look = to_look_at(
        refreshed,
        house_old=_drafted(kept[0] if kept else present, context, template),
        house_new=_drafted(present, context, template),
    )
    known = (figures, *(one.figures for one in kept))
    return Update(tuple(stale), tuple(live), refreshed, tuple(look), known)


def bring_up_to_date(
    release: Release, *, by: User, at: datetime, base_id: int | None = None
) -> Revision:
    """Save the text with its stale figures said anew, as its new head.

    As every edit it voids an approval and leaves live words live. Nothing is written when nothing
    is stale. Raises Conflict when the head is no longer `base_id`, which the person saw.
    """
    update = update_of(release)
    if update.refreshed is None:
        return release.head
    names = dict.fromkeys(one.name for one in update.refreshed.rebound if one.new is not None)
    note = translate("releases.update.note", by.language, n=len(names))
    return save(
        release,
        update.refreshed.text,
        base_id=release.head_id or 0 if base_id is None else base_id,
        by=by,
        at=at,
        note=note,
    )


# What the above is made of


@dataclass(frozen=True)
class _Kept:
    """A version of a round's rows, with its figures."""

    rows: Sequence[Row]
    currency: str
    figures: Figures


@dataclass(frozen=True)
class _Nothing:
    """The draft of a round that cannot be drafted."""

    headline: str = ""
    lead: str = ""
    body: str = ""


def _versions(round_: Round, written: Worded) -> list[_Kept]:
    """The round's earlier versions, the one that most of the text's figures fit first."""
    said = [(one.name, one.value) for part in PARTS for one in bound_in(getattr(written, part))]
    kept = []
    for version in earlier(round_, most=MOST_VERSIONS):
        rows = rows_of(version)
        kept.append(_Kept(rows, version.currency, compute(rows, currency=version.currency)))
    return sorted(
        kept,
        key=lambda one: sum(_value(one.figures.get(name)) == value for name, value in said),
        reverse=True,
    )


def _drafted(kept: _Kept, context: Context, template: Template) -> Worded:
    try:
        return draft(kept.rows, currency=kept.currency, context=context, template=template)
    except (TemplateProblem, NoAwards):
        return _Nothing()


def _any_stale(release: Release, figures: Figures) -> bool:
    shown = [release.head]
    if release.is_public and release.live is not None and release.live_id != release.head_id:
        shown.append(release.live)
    return any(stale_figures(one, figures) for one in shown)


def _bound(found: re.Match[str]) -> Bound:
    given = {name: html.unescape(value) for name, value in ATTRIBUTE.findall(found[1])}
    return Bound(given.get("data-figure", ""), given.get("value", ""), found[2])


def _is_stale(bound: Bound, now: Figure | None) -> bool:
    if not bound.name:
        return False
    if now is None or bound.value != now.value:
        return True
    return _is_in_another_currency(bound, now) or _calls_it_another_kind(bound, now)


def _calls_it_another_kind(bound: Bound, now: Figure) -> bool:
    """Whether the only grantee is still called a kommun when it is one no more."""
    if not now.alone or len(now.items) != 1:
        return False
    official = {find(now.items[0], kind).official for kind in ("kommun", "region")}
    others = official - {now.alone, now.items[0]}
    return bound.words in {name + ending for name in others for ending in ("", "s", "’s")}


def _is_in_another_currency(bound: Bound, now: Figure) -> bool:
    """Whether the words name a currency that the round's amounts are not in."""
    if now.kind != "money":
        return False
    said = next((code for code, sign in CURRENCIES if sign.search(bound.inner)), None)
    return said is not None and said != now.currency


def _value(figure: Figure | None) -> str | None:
    return None if figure is None else figure.value


def _decimal(value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        return Decimal(0)


def _refresh_part(
    part: str, markup: str, old: Sequence[Figures], new: Figures, *, voice: Voice
) -> tuple[str, list[Sentence]]:
    """One part of a text with its stale figures said anew, and its sentences."""
    opening = _opening(markup)
    replaced: dict[int, tuple[str, Rebound]] = {}
    elements = list(BOUND.finditer(markup))
    for at, found in enumerate(elements):
        bound = _bound(found)
        now = new.get(bound.name)
        if not _is_stale(bound, now):
            continue
        words, rebound = _say_anew(part, bound, now, old, voice=voice, opens=at in opening)
        element = found[0]
        if now is not None and words is not None:
            element = str(data(bound.name, value=now.value, text=words))
        replaced[at] = element, rebound
    places = iter(range(len(elements)))
    fresh = BOUND.sub(lambda m: replaced.get(next(places), (m[0],))[0], markup)
    return fresh, list(_sentences(part, markup, replaced))


def _say_anew(
    part: str,
    bound: Bound,
    now: Figure | None,
    old: Sequence[Figures],
    *,
    voice: Voice,
    opens: bool,
) -> tuple[Markup | None, Rebound]:
    """The new words as HTML, None when they stay."""
    if now is None:
        return None, Rebound(part, bound.name, bound.words, None, "gone")
    for was in _meant(bound, now, old):
        forms = forms_of(bound.words, was, voice)
        if not forms:
            continue
        form = _chosen(forms, now, opens=opens)
        said = in_form(now, form, voice)
        if said is None:
            continue
        around = _is_doubtful(form, forms, now, voice) or (
            surroundings(was, form, voice) != surroundings(now, form, voice)
        )
        return said, Rebound(part, bound.name, bound.words, _plain(said), around=around)
    return None, Rebound(part, bound.name, bound.words, None, "unsaid")


def _meant(bound: Bound, now: Figure, old: Sequence[Figures]) -> Iterator[Figure]:
    """The figures that the words may have come from."""
    for figures in old:
        was = figures.get(bound.name)
        if was is not None and was.value == bound.value:
            yield was
    yield written_as(bound, now)


def _chosen(forms: Sequence[Form], now: Figure, *, opens: bool) -> Form:
    """The likeliest form. Words that cannot show whether they have a capital, such as 13, get one
    where a sentence begins; a name is written as it is written."""
    first = forms[0]
    if opens and now.kind not in ("name", "names"):
        return next((form for form in forms if form == replace(first, capital=True)), first)
    return first


def _is_doubtful(form: Form, forms: Sequence[Form], now: Figure, voice: Voice) -> bool:
    """Whether the old words were the genitive too, and the new ones differ in it."""
    other = replace(form, genitive=not form.genitive)
    return other in forms and in_form(now, other, voice) != in_form(now, form, voice)


def _opening(markup: str) -> set[int]:
    """Which of a text's figures begin a sentence."""
    found = set()
    for sentence in _split(markup):
        before, place, _after = sentence.partition("\ue000")
        if place and not TAG.sub("", before).strip(OPENERS):
            found.add(int(PLACE.findall(sentence)[0]))
    return found


def _sentences(
    part: str, markup: str, replaced: Mapping[int, tuple[str, Rebound]]
) -> Iterator[Sentence]:
    elements = [_bound(found) for found in BOUND.finditer(markup)]
    for masked in _split(markup):
        pieces = PLACE.split(masked)
        shown: Parts = []
        changes = []
        for at, piece in enumerate(pieces):
            if at % 2 == 0:
                shown.append(("same", _plain(piece)))
                continue
            element = elements[int(piece)]
            rebound = replaced[int(piece)][1] if int(piece) in replaced else None
            if rebound:
                changes.append(rebound)
            shown += rebound.parts if rebound else [("same", element.words)]
        yield Sentence(
            part,
            old="".join(text for op, text in shown if op != "insert").strip(),
            new="".join(text for op, text in shown if op != "delete").strip(),
            names=tuple(elements[int(place)].name for place in pieces[1::2]),
            skeleton=_plain(PLACE.sub("…", masked)),
            parts=[pair for pair in shown if pair[1]],
            changes=tuple(changes),
        )


def _split(markup: str) -> Iterator[str]:
    """The sentences of a text with a numbered place for each figure."""
    numbers = iter(range(markup.count("<data")))
    masked = BOUND.sub(
        lambda _: f"\ue000{next(numbers)}\ue001", markup.replace("\ue000", "").replace("\ue001", "")
    )
    for block in BLOCK.split(masked):
        for sentence in SENTENCE_END.split(block.strip()):
            if _plain(sentence).strip():
                yield sentence


def _doubt(one: Sentence, before: Sequence[Sentence], after: Sequence[Sentence]) -> str:
    """Why a person should look at a sentence; nothing when they need not."""
    reasons = {change.reason for change in one.changes}
    for reason in ("gone", "unsaid"):
        if reason in reasons:
            return reason
    if any(one.new == house.new for house in after):
        return ""
    is_drafted = any(one.old == house.new for house in before)
    if not one.changes:  # its figures stand; but `both recipients` may be three by now
        is_of_awards = bool(one.names) and all(name.startswith("award.") for name in one.names)
        return "house" if is_drafted and not is_of_awards else ""
    if is_drafted:
        return "house"
    if any(change.around for change in one.changes):
        return "around"
    was = {house.skeleton for house in before if house.names == one.names}
    is_now = {house.skeleton for house in after if house.names == one.names}
    return "around" if was and not was & is_now else ""


def _closest(one: Sentence, after: Sequence[Sentence]) -> str:
    """The house sentence that shares most figures with this one."""
    names = set(one.names)

    def nearness(house: Sentence) -> float:
        both = names & set(house.names)
        return len(both) / len(names | set(house.names)) if both else 0.0

    best = max(after, key=lambda house: (nearness(house), house.part == one.part), default=None)
    return best.new if best is not None and nearness(best) else ""


def _plain(markup: str) -> str:
    """Words without tags; no-break spaces stay."""
    return re.sub(r"[ \t\r\n]+", " ", html.unescape(TAG.sub("", str.__str__(markup))))
