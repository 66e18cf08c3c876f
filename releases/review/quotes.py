"""The quotes of a text: found, known again by their words, shown in house style. Pure.

A quote is a block quote: its words, and a footer that says whose they are. Texts written before
there were footers say it in the words, `– Det är bra, säger Anna Larsson, enhetschef på Sida.`;
those are read too. The dash, the quotation marks and `säger` are presentation: stored is what was
said and by whom, and `spoken` puts it as the house does.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from app.core.html import blocks, gaps, plain, without_gaps

TAG = re.compile(r"<(/?)blockquote>")
FOOTER = re.compile(r"<footer>(.*?)</footer>", re.DOTALL)
PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
FIGURE = re.compile(r"<data [^>]*>(.*?)</data>", re.DOTALL)
DASH = "–—―‒‑-"
OPENING_DASH = "–—"
MARKS = '“”„‟"«»'
VERBS = (
    "säger|sade|sa|menar|berättar|förklarar|konstaterar|kommenterar|framhåller|betonar|tillägger"
    "|skriver|fortsätter|says|said|explains|comments|adds|notes|stresses|writes|continues"
)
SAID = re.compile(rf"(?<=[,!?…{MARKS}]) *,? *\b(?:{VERBS}) +", re.IGNORECASE)
BEGINS_WITH_VERB = re.compile(rf"(?:{VERBS}) +", re.IGNORECASE)
# A full stop that ends the speaker's name and title, and not an initial: `J. Larsson`.
SPEAKER_ENDS = re.compile(rf"(?<!\b[A-ZÅÄÖ])\.(?=\s+[{MARKS}{DASH}]?\s*[A-ZÅÄÖÉ])")
SAME = {
    **dict.fromkeys(map(ord, DASH), "-"),
    **dict.fromkeys(map(ord, MARKS), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛"), "'"),
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"), ""),
}
LEADING_DASH = re.compile(rf"^((?:<[^>]*>)*)[{DASH}](?:\s+|$)")
# What a sentence ends with, inside any tags that end there too.
ENDING = re.compile(r"^(.*?)([.,]?)((?:</[a-z]+>)*)$", re.DOTALL)


@dataclass(frozen=True)
class Quote:
    """What somebody is quoted as saying. All plain text.

    `words` are theirs alone, paragraphs parted by a blank line; `attribution` is their name, title
    and organisation as printed. `index` is its place among the block quotes of the body.
    `written` and `by` are the block quote and its footer as they stand.
    """

    words: str
    attribution: str
    index: int
    written: str = ""
    by: str = ""

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.words, self.attribution)

    @property
    def speaker(self) -> str:
        """The name alone."""
        return self.attribution.partition(",")[0].strip()


def quotes_in(body: str) -> list[Quote]:
    """Every quote of a cleaned body, in its order. One with a gap in it is none yet."""
    found = (
        _read(body[start:end], index)
        for index, (start, end) in enumerate(_spans(body))
        if not gaps(body[start:end])
    )
    return [quote for quote in found if quote.words]


def recognised(body: str) -> str:
    """A cleaned body in which a paragraph that is a quote is a block quote.

    `– Det är bra, säger Anna Larsson.` typed as an ordinary paragraph is somebody's words all the
    same, and has to be put to them.
    """
    out, at = [], 0
    for found in PARAGRAPH.finditer(body):
        if _is_quote(found[1]) and not _stands_in_another(body[: found.start()]):
            out += [body[at : found.start()], f"<blockquote>{found[0]}</blockquote>"]
            at = found.end()
    return "".join([*out, body[at:]])


def fingerprint(words: str, attribution: str) -> str:
    """What a quote is known by: a hash of its words and of who says them.

    Kinds of spaces, dashes and quotation marks are the same, and so is the full stop or comma at
    the end, since all those are the house's. Every other sign counts, capitals too.
    """
    return hashlib.sha256(f"{_even(words)}\n{_even(attribution)}".encode()).hexdigest()


def before(body: str, index: int) -> str:
    """What stands right before a quote, plain and without gaps; nothing when it opens the text."""
    spans = list(_spans(body))
    if index >= len(spans):
        return ""
    outer = blocks(body[: spans[index][0] - len("<blockquote>")])
    return plain(without_gaps(outer[-1])) if outer else ""


def following(quotes: list[Quote], words: str, attribution: str) -> Quote | None:
    """The quote that has come in the place of an earlier one: the same speaker's, the likeliest."""
    speaker = _even(attribution.partition(",")[0]).casefold()
    theirs = [quote for quote in quotes if _even(quote.speaker).casefold() == speaker]
    known = set(_even(words).casefold().split())

    def likeness(quote: Quote) -> float:
        said = set(_even(quote.words).casefold().split())
        return len(said & known) / (len(said | known) or 1)

    best = max(theirs or quotes, key=likeness, default=None)
    return best if best and (theirs or likeness(best) > 0.5) else None


def reworded(body: str, index: int, words: str) -> str:
    """The body with other words in one of its quotes, said by the same person.

    `words` is plain text with paragraphs parted by a blank line. Figures whose own words stay keep
    being figures. The quote gets its footer if it had none.
    """
    start, end = list(_spans(body))[index]
    inner = body[start:end]
    given = FOOTER.search(inner)
    by = given[1] if given and plain(given[1]) else html.escape(_read(inner, index).attribution)
    figures = list(FIGURE.finditer(FOOTER.sub("", inner)))
    said = "".join(
        f"<p>{_with_figures(part, figures)}</p>" for part in paragraphs_of(words) if part
    )
    footer = f"<footer>{by}</footer>" if by else ""
    return f"{body[:start]}{said}{footer}{body[end:]}"


def bare(words: str) -> str:
    """Words as they are stored: without the dash or the quotation marks somebody put around."""
    return "\n\n".join(part for part in map(_bare, paragraphs_of(words)) if part)


def paragraphs_of(words: str) -> list[str]:
    """Plain text parted at its blank lines, each part on one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", words.strip())]


def spoken(body: str, *, language: str, glyph: str) -> str:
    """A cleaned body as readers meet it, its quotes in house style.

    `– Words, säger Name, title.` in Swedish, or with quotation marks when those are the house's
    `glyph`; `“Words,” says Name, title.` in English. Quotes without a footer are left as written.
    """
    out, at = [], 0
    for start, end in _spans(body):
        out += [body[at:start], _said(body[start:end], language, glyph)]
        at = end
    return "".join([*out, body[at:]])


def spoken_alone(quote: Quote, *, language: str, glyph: str) -> str:
    """One quote as readers will meet it, as HTML."""
    said = "".join(f"<p>{html.escape(part)}</p>" for part in paragraphs_of(quote.words))
    footer = f"<footer>{html.escape(quote.attribution)}</footer>"
    return spoken(f"<blockquote>{said}{footer}</blockquote>", language=language, glyph=glyph)


def _is_quote(paragraph: str) -> bool:
    text = plain(paragraph).strip()
    return text[:1] in f"{OPENING_DASH}{MARKS}" and not gaps(paragraph) and bool(_apart([text])[1])


def _stands_in_another(before: str) -> bool:
    """Whether a block that holds paragraphs is still open where the text breaks off."""
    return any(
        before.count(f"<{name}>") > before.count(f"</{name}>")
        for name in ("blockquote", "aside", "li", "td", "th")
    )


def _spans(body: str) -> Iterator[tuple[int, int]]:
    """Where the inside of each outermost block quote begins and ends."""
    depth, start = 0, 0
    for tag in TAG.finditer(body):
        if not tag[1]:
            start = tag.end() if not depth else start
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                yield start, tag.start()


def _read(inner: str, index: int) -> Quote:
    given = FOOTER.search(inner)
    by = " ".join(plain(given[1]).split()) if given else ""
    parts = [part for part in paragraphs_of(plain(FOOTER.sub("", inner))) if part]
    written = "\n\n".join(parts)
    if by:
        words, attribution = "\n\n".join(map(_bare, parts)), BEGINS_WITH_VERB.sub("", by, count=1)
    else:
        words, attribution = _apart(parts)
    return Quote(words, attribution.rstrip(" ."), index, written, by)


def _apart(parts: list[str]) -> tuple[str, str]:
    """The words and the speaker of a quote that says both in one."""
    words, attribution = [], ""
    for part in parts:
        said = list(SAID.finditer(part))
        if attribution or not said:
            words.append(_bare(part))
            continue
        tail = part[said[-1].end() :]
        stop = SPEAKER_ENDS.search(tail)
        attribution = tail[: stop.start()] if stop else tail
        first = _bare(part[: said[-1].start()]).rstrip(",")
        rest = _bare(tail[stop.end() :].strip()) if stop else ""
        if rest:
            first = f"{first}{'' if first.endswith(('.', '!', '?', '…')) else '.'} {rest}"
        words.append(first)
    return "\n\n".join(word for word in words if word), attribution


def _bare(part: str) -> str:
    shorter = _barer(part)
    return shorter if shorter == part else _bare(shorter)


def _barer(part: str) -> str:
    part = LEADING_DASH.sub("", part.strip()).rstrip()
    marks = [at for at, char in enumerate(part) if char in MARKS]
    last = len(part.rstrip(",")) - 1
    if marks == [0]:
        part = part[1:]
    elif len(marks) == 2 and marks[0] == 0 and marks[1] == last:
        part = part[1:last].rstrip(",")
    elif marks == [last] and last >= 0:
        part = part[:last]
    return part.strip()


def _even(text: str) -> str:
    text = unicodedata.normalize("NFC", text).translate(SAME)
    return " ".join(text.split()).rstrip(" .,")


def _with_figures(words: str, figures: list[re.Match[str]]) -> str:
    """Escaped words, with each figure that they still say put back once."""
    pieces: list[tuple[str, bool]] = [(html.escape(words, quote=False), False)]
    for figure in figures:
        for at, (piece, is_kept) in enumerate(pieces):
            said = re.search(rf"(?<!\w){re.escape(figure[1])}(?!\w)", piece)
            if is_kept or said is None:
                continue
            around = [
                (piece[: said.start()], False),
                (figure[0], True),
                (piece[said.end() :], False),
            ]
            pieces[at : at + 1] = around
            break
    return "".join(piece for piece, _ in pieces)


def _said(inner: str, language: str, glyph: str) -> str:
    given = FOOTER.search(inner)
    if given is None:
        return inner
    words = FOOTER.sub("", inner)
    by = BEGINS_WITH_VERB.sub("", given[1].strip(), count=1).rstrip(" .")
    parts = [part.strip() for part in PARAGRAPH.findall(words)] or [words.strip()]
    if not by or not plain(words) or plain(PARAGRAPH.sub("", words)) not in ("", plain(words)):
        return f"{words}<p>{given[1]}</p>" if by else words
    opening, closing = _marks(language, glyph)
    parts = [opening + _undressed(part) for part in parts]
    text, _, tags = ENDING.match(parts[-1]).groups()  # type: ignore[union-attr] # fits everything
    comma = "" if text.endswith(("!", "?", "…")) else ","
    verb = "säger" if language == "sv" else "says"
    end = f"{comma}{tags}{closing}" if language != "sv" else f"{tags}{closing}{comma}"
    parts[-1] = f"{text}{end} {verb} {by}."
    return "".join(f"<p>{part}</p>" for part in parts)


def _marks(language: str, glyph: str) -> tuple[str, str]:
    if language != "sv":
        return "“", "”"
    return ("”", "”") if glyph in MARKS else (f"{glyph} ", "")


def _undressed(part: str) -> str:
    """A paragraph's HTML without a dash or quotation marks that somebody typed around it."""
    part = LEADING_DASH.sub(r"\1", part)
    bare = plain(part)
    if bare[:1] in MARKS and bare[-1:] in MARKS and len(re.findall(f"[{MARKS}]", bare)) == 2:
        part = re.sub(f"[{MARKS}]", "", part)
    return part
