"""Pictures, documents and contacts in what readers see. Pure: printed things in, HTML out.

A body holds `<figure data-image="12"></figure>` where a picture stands; what it shows is kept with
the revision. One door for every place where a body is read, so that page, feed and mail agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.core.formats import phone_href
from app.core.words import translate
from releases.media.licences import LICENCES
from releases.media.naming import file_size, format_name, pixels
from releases.media.papers import FORMS
from releases.media.renditions import (
    CENTRE,
    FORMATS,
    HIGH,
    SHAPES,
    crop_stem,
    crop_widths,
    fallback,
    height_at,
    widths,
)

Printed = Mapping[str, Any]
Address = Callable[[str, str], str]  # (key, name of the file) → where it is fetched

FIGURE = re.compile(r'<figure data-(image|document|contact)="([0-9]+)"></figure>')
IN_THE_TEXT = "(min-width: 47rem) 44rem, calc(100vw - 2rem)"


@dataclass(frozen=True)
class Source:
    """One `<source>` of a `<picture>`."""

    type: str
    srcset: str


@dataclass(frozen=True)
class Crop:
    """A part of a picture around its focal point, of one shape; `picture.html` shows it.

    Until a worker has made it, it is the whole picture: give it `object-fit: cover` in its place.
    """

    src: str
    srcset: str
    sources: tuple[Source, ...]
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Picture:
    """A printed picture with the addresses of its files; `picture.html` shows it.

    A mail's or a feed's, and one that a worker has not come to yet, is one JPEG: it has neither
    `srcset` nor `sources`.
    """

    src: str
    srcset: str
    sources: tuple[Source, ...]
    width: int
    height: int
    alt: str
    caption: str
    credit: str
    terms: str
    licence_url: str
    download: str
    facts: str
    full_width: int
    full_height: int
    crops: Mapping[str, Crop]

    def crop(self, shape: str) -> Crop:
        """One of SHAPES: `lead`, 16:9 for the front page, or `square`."""
        return self.crops[shape]


@dataclass(frozen=True)
class Paper:
    """A printed document; `facts` are its kind and size."""

    title: str
    address: str
    facts: str


def addresses_under(base: str) -> Address:
    """Where files are fetched from: `base` is ours for mails and feeds, empty on our own pages."""
    return lambda key, name: f"{base}/media/{key}/{name}"


site_address = addresses_under("")


def picture_of(
    printed: Printed, *, language: str, address: Address, width: int | None = None
) -> Picture:
    """A picture as its page shows it. With `width` for programs that show one file at one size.

    `printed` is what the revision keeps of it, with what `questions.attached` knows besides:
    whether all its files have been made (`encoded`), and its `focal` point.
    """
    key, full_width, full_height = printed["key"], printed["width"], printed["height"]
    plain = fallback(full_width)
    shown = min(width, plain) if width else plain
    encoded = bool(printed.get("encoded")) and not width
    srcset, sources = _files(
        printed, {one: str(one) for one in widths(full_width)}, address, encoded=encoded
    )
    licence = LICENCES.get(str(printed["licence"]))
    content_type = str(printed["content_type"])
    download = address(key, HIGH[content_type])
    return Picture(
        src=address(key, f"{plain}.jpg"),
        srcset=srcset,
        sources=sources,
        width=shown,
        height=height_at(shown, width=full_width, height=full_height),
        alt=str(printed["alt"]),
        caption=str(printed["caption"]),
        credit=translate("media.photo", language, name=printed["credit"])
        if printed["credit"]
        else "",
        terms=translate(f"media.licence.{licence.code}.terms", language) if licence else "",
        licence_url=licence.url if licence else "",
        download=download if language == "sv" else f"{download}?language={language}",
        facts=", ".join(
            (
                format_name(content_type),
                pixels(full_width, full_height, language),
                file_size(printed["size"], language),
            )
        ),
        full_width=full_width,
        full_height=full_height,
        crops={shape: _crop(printed, shape, address, encoded=encoded) for shape in SHAPES},
    )


def _crop(printed: Printed, shape: str, address: Address, *, encoded: bool) -> Crop:
    x, y = printed.get("focal") or CENTRE
    stems = {
        width: crop_stem(shape, (x, y), width)
        for width in crop_widths(shape, width=printed["width"], height=printed["height"])
    }
    smallest, widest = min(stems), max(stems)
    srcset, sources = _files(printed, stems, address, encoded=encoded)
    return Crop(
        src=address(printed["key"], f"{stems[smallest]}.jpg")
        if encoded
        else address(printed["key"], f"{fallback(printed['width'])}.jpg"),
        srcset=srcset,
        sources=sources,
        width=widest,
        height=SHAPES[shape].height_at(widest),
        alt=str(printed["alt"]),
    )


def _files(
    printed: Printed, stems: Mapping[int, str], address: Address, *, encoded: bool
) -> tuple[str, tuple[Source, ...]]:
    """The `srcset` of JPEGs and the sources in better formats; none before they have been made."""
    if not encoded:
        return "", ()
    sets = {
        form: ", ".join(
            f"{address(printed['key'], f'{stem}.{form}')} {width}w" for width, stem in stems.items()
        )
        for form in FORMATS
    }
    better = (Source(FORMATS[form], srcset) for form, srcset in sets.items() if form != "jpg")
    return sets["jpg"], tuple(better)


def paper_of(printed: Printed, *, language: str, address: Address) -> Paper:
    content_type = str(printed["content_type"])
    return Paper(
        title=str(printed["title"]),
        address=address(printed["key"], FORMS[content_type].file),
        facts=f"{format_name(content_type)}, {file_size(printed['size'], language)}",
    )


def embedded(
    body_html: str,
    *,
    images: Sequence[Printed],
    documents: Sequence[Printed],
    contacts: Sequence[Printed],
    language: str,
    address: Address,
    width: int | None = None,
) -> str:
    """A cleaned body with what it embeds in its places; what is not among the printed vanishes.

    `width` is for mails and feeds: one JPEG, at most so many pixels wide.
    """

    def image(printed: Printed) -> str:
        picture = picture_of(printed, language=language, address=address, width=width)
        return _picture(picture)

    def document(printed: Printed) -> str:
        return _paper(paper_of(printed, language=language, address=address))

    show = {"image": image, "document": document, "contact": _contact}
    return _replaced(body_html, show, images, documents, contacts)


def spelled_out(
    body_html: str,
    *,
    images: Sequence[Printed],
    documents: Sequence[Printed],
    contacts: Sequence[Printed],
    language: str,
    address: Address,
) -> str:
    """The same for text without pictures: what each shows, who took it, and where it is."""

    def image(printed: Printed) -> str:
        picture = picture_of(printed, language=language, address=address)
        says = translate("media.in_text", language, caption=picture.caption or picture.alt)
        return _lines([says, picture.credit, picture.download])

    def document(printed: Printed) -> str:
        paper = paper_of(printed, language=language, address=address)
        return _lines([f"{paper.title} ({paper.facts})", paper.address])

    def contact(printed: Printed) -> str:
        return _lines(contact_lines(printed))

    show = {"image": image, "document": document, "contact": contact}
    return _replaced(body_html, show, images, documents, contacts)


def contact_lines(printed: Printed) -> list[str]:
    """Name and title, telephone, address: one fact a line, those there are."""
    name = ", ".join(str(printed[part]) for part in ("name", "title") if printed.get(part))
    lines = [name, *(str(printed.get(part) or "") for part in ("phone", "email"))]
    return [line for line in lines if line]


def _replaced(
    body_html: str,
    show: Mapping[str, Callable[[Printed], str]],
    images: Sequence[Printed],
    documents: Sequence[Printed],
    contacts: Sequence[Printed],
) -> str:
    known = {
        (kind, printed.get("id")): printed
        for kind, things in (("image", images), ("document", documents), ("contact", contacts))
        for printed in things
    }

    def replace(found: re.Match[str]) -> str:
        printed = known.get((found[1], int(found[2])))
        return show[found[1]](printed) if printed else ""

    return FIGURE.sub(replace, body_html)


def _picture(picture: Picture) -> str:
    files = Markup("")
    if picture.srcset:
        files = Markup(' srcset="{}" sizes="{}"').format(picture.srcset, IN_THE_TEXT)
    image = Markup('<img src="{}"{} alt="{}" width="{}" height="{}" loading="lazy">').format(
        picture.src, files, picture.alt, picture.width, picture.height
    )
    if picture.sources:
        sources = Markup("").join(
            Markup('<source type="{}" srcset="{}" sizes="{}">').format(
                one.type, one.srcset, IN_THE_TEXT
            )
            for one in picture.sources
        )
        image = Markup("<picture>{}{}</picture>").format(sources, image)
    credit = Markup('<span class="picture__credit">{}</span>').format(picture.credit)
    says = [part for part in (escape(picture.caption), picture.credit and credit) if part]
    words = Markup("<figcaption>{}</figcaption>").format(Markup(" ").join(says)) if says else ""
    return Markup('<figure class="picture">{}{}</figure>').format(image, words)


def _paper(paper: Paper) -> str:
    return Markup(
        '<p class="paper"><a href="{}">{}</a> <span class="paper__facts">({})</span></p>'
    ).format(paper.address, paper.title, paper.facts)


def _contact(printed: Printed) -> str:
    name, *_ = (*contact_lines(printed), "")
    lines = [escape(name)] if printed.get("name") or printed.get("title") else []
    phone, email = str(printed.get("phone") or ""), str(printed.get("email") or "")
    if phone:
        lines.append(Markup('<a href="{}">{}</a>').format(phone_href(phone), phone))
    if email:
        lines.append(Markup('<a href="mailto:{}">{}</a>').format(email, email))
    return Markup('<p class="contact-line">{}</p>').format(Markup("<br>").join(lines))


def _lines(lines: Sequence[str]) -> str:
    return Markup("<p>{}</p>").format(Markup("<br>").join(escape(one) for one in lines if one))
