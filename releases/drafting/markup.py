"""Figures as HTML: the reader sees words, the program sees the value.

    <data value="10641000" data-figure="total">10 641 000 kronor</data>

A fact that nobody has given is a gap, `<mark data-gap="quote.head">[Citat: …]</mark>`, never text.
Everything that leaves here is escaped, and `tidy` lets nothing through but the few elements a
release may hold.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser

from markupsafe import Markup, escape

from app.core.html import is_web_address
from releases.drafting.language import (
    HouseStyle,
    Language,
    country_in,
    in_running_text,
)
from releases.rounds.alphabet import swedish_key
from releases.rounds.figures import Figure

INLINE = {"data", "mark", "i", "em", "strong", "a", "br"}
BLOCKS = {"p", "h2", "ul", "li", "blockquote"}
ATTRIBUTES = {
    "data": {"value", "data-figure"},
    "mark": {"data-gap"},
    "i": {"lang"},
    "a": {"href"},
}


class ForbiddenMarkup(ValueError):
    """An element or attribute that a release may not hold."""


def data(name: str, *, value: str, text: str | Markup) -> Markup:
    return Markup('<data value="{}" data-figure="{}">{}</data>').format(value, name, text)


def gap(name: str, *, language: Language) -> Markup:
    return Markup('<mark data-gap="{}">{}</mark>').format(name, language.gap(name))


def link(url: str, *, text: str) -> Markup:
    """A link, or its text alone when the address is not one for the web."""
    if not is_web_address(url):
        return escape(text)
    return Markup('<a href="{}">{}</a>').format(url, text)


def say(figure: Figure, *, language: Language, source: str, style: HouseStyle) -> str:
    """The words of a figure as plain text."""
    if figure.noun == "theme":
        return language.phrases([in_running_text(i, language=source) for i in figure.items])
    return _say(figure, language=language, source=source, style=style)


def say_in_html(figure: Figure, *, language: Language, source: str, style: HouseStyle) -> Markup:
    """The same words escaped; cells that stay in another language are marked with it."""
    if figure.noun == "theme":
        themes = [in_running_text(i, language=source) for i in figure.items]
        return Markup(language.phrases([foreign(t, of=source, to=language.CODE) for t in themes]))  # noqa: S704 each part is escaped
    if figure.name == "countries.list":
        names = _country_names(figure.items, language=language, source=source)
        return Markup(language.listing(names))  # noqa: S704 each part is escaped
    if figure.noun == "country" and figure.items:
        return places_in_html(figure.items, language=language, source=source)[1]
    return escape(_say(figure, language=language, source=source, style=style))


def places_in_html(
    countries: tuple[str, ...], *, language: Language, source: str
) -> tuple[str, Markup]:
    """`i` and the escaped countries after it, those without a translation marked as foreign."""
    names = translated(countries, source=source, to=language.CODE)
    shown = [
        str(escape(to)) if to else foreign(name, of=source, to=language.CODE)
        for name, to in names.items()
    ]
    preposition, text = language.whereabouts(shown)
    return preposition, Markup(text)  # noqa: S704 each part is escaped


def translated(countries: tuple[str, ...], *, source: str, to: str) -> dict[str, str | None]:
    return {name: country_in(name, source=source, language=to) for name in countries}


def foreign(text: str, *, of: str, to: str) -> Markup:
    return escape(text) if of == to else Markup('<i lang="{}">{}</i>').format(of, text)


def capital(markup: Markup) -> Markup:
    """With a capital initial, whatever tags come before it."""
    plain = str.__str__(markup)
    found = re.match(r"((?:<[^>]*>)*)(.?)", plain, flags=re.DOTALL)
    tags, initial = found.groups() if found else ("", "")
    return Markup(tags + initial.upper() + plain[len(tags) + len(initial) :])  # noqa: S704 the same markup


def text_of(markup: Markup) -> str:
    """The words alone, no-break spaces kept."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def tidy(markup: str, *, blocks: bool) -> str:
    """The same HTML with plain white space and every tag checked.

    Raises ForbiddenMarkup for anything outside the few elements a release may hold; `blocks` says
    whether paragraphs, subheadings, lists and block quotes are among them.
    """
    writer = _Writer(BLOCKS | INLINE if blocks else INLINE)
    writer.feed(re.sub(r"[\x00-\x08\x0b\x0e-\x1f\x7f]", "", markup))
    writer.close()
    if writer.open:
        raise ForbiddenMarkup(f"<{writer.open[-1]}>")
    text = re.sub(r" *(</?(?:p|h2|ul|li|blockquote)>) *", r"\1", "".join(writer.out))
    text = re.sub(r"  +", " ", re.sub(r" +([.,](?:[\s<]|$))", r"\1", text))
    text = re.sub(r"(?<!\.)\.((?:</[a-z]+>)*)\.(?=[\s<]|$)", r".\1", text)  # … och Alfa Inc.
    return re.sub(r"(</(?:p|h2|ul|blockquote)>)(?!$|</)", r"\1\n", text).strip(" \n")


class _Writer(HTMLParser):
    """Reads HTML and writes it anew, so that nothing half-open or hidden survives."""

    def __init__(self, allowed: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.allowed = allowed
        self.open: list[str] = []
        self.out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check(tag, dict(attrs))
        pairs = "".join(f' {name}="{html.escape(value or "")}"' for name, value in attrs)
        self.out.append(f"<{tag}{pairs}>")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "br":
            return
        if not self.open or self.open.pop() != tag:
            raise ForbiddenMarkup(f"</{tag}>")
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(html.escape(re.sub(r"[ \t\r\n\f]+", " ", data), quote=False))

    def handle_comment(self, data: str) -> None:
        raise ForbiddenMarkup("<!--")

    def handle_decl(self, decl: str) -> None:
        raise ForbiddenMarkup("<!")

    def handle_pi(self, data: str) -> None:
        raise ForbiddenMarkup("<?")

    def unknown_decl(self, data: str) -> None:
        raise ForbiddenMarkup("<!")

    def _check(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        if tag not in self.allowed or (tag in BLOCKS and set(self.open) & INLINE):
            raise ForbiddenMarkup(f"<{tag}>")
        wrong = set(attributes) - ATTRIBUTES.get(tag, set())
        if wrong:
            raise ForbiddenMarkup(f"{min(wrong)}=")
        if tag == "a" and not is_web_address(attributes.get("href") or ""):
            raise ForbiddenMarkup("href=")


def _say(figure: Figure, *, language: Language, source: str, style: HouseStyle) -> str:
    if figure.kind == "money" and figure.amount is not None:
        if figure.name.endswith(".rounded"):
            return language.rounded(figure.amount, currency=figure.currency, style=style)
        return language.money(figure.amount, currency=figure.currency)
    if figure.kind == "count":
        return language.counted(figure.count, noun=figure.noun)
    if figure.kind == "kinds":
        return language.breakdown(figure.counts)
    if figure.name == "countries.list":
        names = _country_names(figure.items, language=language, source=source)
        return language.listing([text_of(name) for name in names])
    if figure.noun == "country" and figure.items:
        known = translated(figure.items, source=source, to=language.CODE)
        return language.whereabouts([to or name for name, to in known.items()])[1]
    if figure.kind == "names":
        return figure.alone or language.listing(figure.items)
    return figure.value


def _country_names(countries: tuple[str, ...], *, language: Language, source: str) -> list[Markup]:
    """In the alphabetical order of the draft's language, each escaped or marked as foreign."""
    names = translated(countries, source=source, to=language.CODE)
    in_order = sorted(names.items(), key=lambda pair: swedish_key(pair[1] or pair[0]))
    return [
        escape(language.in_text(to)) if to else foreign(name, of=source, to=language.CODE)
        for name, to in in_order
    ]
