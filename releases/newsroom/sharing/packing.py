"""A public release as files to take along: one PDF, and one ZIP with everything in it.

`gather` asks the database and `pack` makes the files, so that no transaction is open meanwhile. The
same release gives the same bytes, on every machine.
"""

from __future__ import annotations

import io
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from typing import IO, Any

from flask import render_template
from PIL import Image as Pixels

from app.core import shelf
from app.core.formats import date_line, postcode, web_name
from app.core.organisation import Organisation, organisation
from app.core.words import translate
from releases.editorial.models import Release
from releases.editorial.texts import full_text, public_body
from releases.media.embedding import Printed, embedded
from releases.media.naming import document_name, picture_name
from releases.media.papers import FORMS
from releases.media.questions import Attached, attached
from releases.media.renditions import HIGH
from releases.newsroom import corrections, pages, questions
from releases.newsroom.results import results
from releases.newsroom.sharing.blocks import blocks_of, parts_of
from releases.newsroom.sharing.cards import Logo, accent_of, logo_of
from releases.newsroom.sharing.typesetting import typeset
from releases.newsroom.wording import address, programme_words, text_of
from releases.rounds.editions import edition
from releases.rounds.exporting import Sheet, csv_lines, xlsx_file

ROWS = 200  # of a round in the PDF; a longer one is told there where all of it is
MOST_ROWS = 50_000  # of a round in the ZIP; the newsroom gives out longer ones itself
ON_PAPER = 1800  # pixels: 16 centimetres at 280 to the inch
FOLDERS = ("pictures", "documents", "table", "captions")
LONGEST_NAME = 60
WRITTEN = re.compile(rb">\d{4}-\d\d-\d\dT[\d:.]+Z?<")  # in a workbook's properties
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)  # that a ZIP can tell


@dataclass(frozen=True)
class Thing:
    """A file on the shelf and its place in the ZIP."""

    key: str
    name: str
    path: str


@dataclass(frozen=True)
class Material:
    """A public release, ready to be packed. `facts` are what press_kit.typ sets.

    `pictures` are by their number; `papers` in their order. `made` are the files that are not on
    the shelf, by their places in the ZIP.
    """

    name: str
    at: datetime
    facts: dict[str, Any]
    pictures: dict[int, Thing]
    papers: list[Thing]
    made: dict[str, bytes]
    logo: Logo | None


@dataclass(frozen=True)
class Packed:
    """The two files; the ZIP is on the disk, and whoever has it closes it."""

    pdf: bytes
    zip: mmap


def gather(release: Release) -> Material:
    """Everything that is live of a release, as visitors read it. Reads the database only."""
    revision = release.live
    assert revision is not None
    language, sender = release.language, organisation()
    things = attached(revision)
    text = text_of(release, revision, sender, things, in_feed=True)
    name = _short(in_ascii(release.slug))
    words = {key: in_ascii(translate(f"sharing.folder.{key}", language)) for key in FOLDERS}
    pictures = _placed(things.images, words["pictures"], language)
    papers = _placed(things.documents, words["documents"], language)
    history = corrections.history_of(release)
    told = corrections.corrections(history, language=language, zone=sender.time_zone)
    table = _Table(release, words["table"])
    common = {
        "release": release,
        "text": text,
        "lead": pages.public_plain(revision.lead),
        "told": told,
        "sender": sender,
        "language": language,
        "words": translate,
        "url": address(release),
        "date": date_line(_published(release), language, sender.time_zone),
        "programme": programme_words(release),
        "about": pages.paragraphs(sender.about(language)),
        "pictures": list(zip(text.pictures, pictures.values(), strict=True)),
        "papers": list(zip(text.documents, papers.values(), strict=True)),
        "tables": table.paths,
    }
    whole = render_template(
        "newsroom/press_kit.txt", full_text=full_text(release, revision, public=True), **common
    )
    body = _with_files(release, things, pictures, papers)
    made = {
        f"{name}.txt": _lines(whole),
        f"{name}.html": render_template("newsroom/press_kit.html", body=body, **common).encode(),
    }
    if things.images:
        captions = render_template("newsroom/press_kit_captions.txt", **common)
        made[f"{words['pictures']}/{words['captions']}.txt"] = _lines(captions)
    return Material(
        name=name,
        at=max(pages.changed_at(release), EARLIEST),
        facts=_facts(release, sender, things, text, told, table),
        pictures={int(one["id"]): pictures[one["key"]] for one in things.images},
        papers=list(papers.values()),
        made=made | table.files(),
        logo=logo_of(sender),
    )


def pack(material: Material) -> Packed:
    """The PDF and the ZIP. Raises FileNotFoundError for a picture whose file is not there,
    typesetting.CannotTypeset, and storage.Silent.
    """
    on_paper = {
        f"picture-{number}.jpg": for_paper(shelf.read(thing.key, thing.name))
        for number, thing in material.pictures.items()
    }
    facts = material.facts
    if material.logo:
        on_paper[material.logo.name] = material.logo.content
        facts = {**facts, "logo": material.logo.name}
    pdf = typeset("press_kit.typ", facts, files=on_paper, form="pdf", at=material.at)
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for path, content in _members(material, pdf):
                archive.writestr(_member(f"{material.name}/{path}", material.at), content)
        file.flush()
        return Packed(pdf=pdf, zip=mmap(file.fileno(), 0, access=ACCESS_READ))


def for_paper(content: bytes) -> bytes:
    """A picture as a JPEG that is sharp in print and no larger."""
    with Pixels.open(io.BytesIO(content)) as opened:
        opened.draft("RGB", (ON_PAPER, ON_PAPER))
        image: Pixels.Image = opened.convert("RGBA") if opened.has_transparency_data else opened
        image.thumbnail((ON_PAPER, ON_PAPER), Pixels.Resampling.LANCZOS)
        if image.mode == "RGBA":
            white = Pixels.new("RGB", image.size, "white")
            white.paste(image, mask=image.getchannel("A"))
            image = white
        file = io.BytesIO()
        image.convert("RGB").save(file, "JPEG", quality=85, optimize=True)
        return file.getvalue()


def in_ascii(name: str) -> str:
    """A name of a file that every program can unpack: å is a, and what has no such letter goes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.") or "x"


def _short(name: str) -> str:
    """Cut between words: some programs unpack no path of more than 260 letters."""
    if len(name) <= LONGEST_NAME:
        return name
    return name[: LONGEST_NAME + 1].rpartition("-")[0] or name[:LONGEST_NAME]


class _Table:
    """The round's awards beside the text, as they were when it was approved; none without one."""

    def __init__(self, release: Release, name: str) -> None:
        round_ = release.story.round
        moment = questions.round_moment(round_.id, release.language) if round_ else None
        self.language = release.language
        self.edition = edition(round_, moment) if round_ else None
        is_whole = self.edition is not None and 0 < self.edition.count <= MOST_ROWS
        self.paths = [f"{name}.xlsx", f"{name}.csv"] if is_whole else []

    def files(self) -> dict[str, bytes]:
        if self.edition is None or not self.paths:
            return {}
        of = self.edition

        def sheet() -> Sheet:
            columns = (*of.columns, "currency")
            return Sheet(of.every_award(), columns, of.currency, self.language)

        written = (_steady(xlsx_file(sheet())), b"".join(csv_lines(sheet())))
        return dict(zip(self.paths, written, strict=True))

    def facts(self) -> dict[str, Any] | None:
        """As press_kit.typ sets it: texts alone, the last column to the right."""
        if self.edition is None or self.edition.count == 0:
            return None
        language = self.language
        shown = results(self.edition, language, most=ROWS)
        unit = translate(f"newsroom.unit.{self.edition.currency}", language)
        more = {"shown": len(shown.rows), "n": self.edition.count, "title": shown.title}
        return {
            "title": translate("newsroom.results.title", language),
            "caption": translate(
                "newsroom.results.caption", language, n=more["n"], title=shown.title
            )
            if shown.is_whole
            else translate("newsroom.results.caption_some", language, **more),
            "head": [
                translate("newsroom.column.grantee", language),
                *(translate(f"newsroom.column.{one}", language) for one in shown.columns),
                translate("newsroom.column.amount", language, unit=unit),
            ],
            "rows": [
                [
                    row.grantee,
                    *(shown.said(row, one) for one in shown.columns),
                    shown.money(row.amount),
                ]
                for row in shown.rows
            ],
            "total": [
                translate("newsroom.results.total", language)
                if shown.is_whole
                else translate("newsroom.results.total_all", language, n=self.edition.count),
                shown.total,
            ],
            "url": "" if shown.is_whole else shown.address,
        }


def _facts(
    release: Release,
    sender: Organisation,
    things: Attached,
    text: pages.Text,
    told: Sequence[corrections.Correction],
    table: _Table,
) -> dict[str, Any]:
    revision, language = release.live, release.language
    assert revision is not None
    name, url = sender.name(language), address(release)
    body = blocks_of(public_body(release, revision))
    shown = {block["id"] for block in body if block["kind"] == "image"}
    town = " ".join(part for part in (postcode(sender.postcode), sender.town) if part)

    def words(key: str, **facts: Any) -> str:
        return translate(f"newsroom.{key}", language, **facts)

    return {
        "language": language,
        "accent": accent_of(sender),
        "title": text.title,
        "sender": name,
        "logo": None,
        "kind": words("press_release"),
        "date": date_line(_published(release), language, sender.time_zone),
        "url": url,
        "page": web_name(url),
        "corrections": [{"label": one.label, "note": one.note} for one in told],
        "headline": parts_of(revision.headline) or [{"text": text.title}],
        "lead": parts_of(str(text.lead)),
        "body": body,
        "table": table.facts(),
        "contacts": {"title": words("contacts"), "all": [_person(one) for one in text.contacts]},
        "programme": {
            "title": words("about", what=programme_words(release)),
            "paragraphs": text.about,
        },
        "pictures": {
            "title": translate("media.images", language),
            "by_id": {
                str(printed["id"]): {
                    "file": f"picture-{printed['id']}.jpg",
                    "alt": picture.alt or picture.caption or translate("media.picture", language),
                    "shape": picture.full_width / picture.full_height,
                    "caption": picture.caption,
                    "credit": picture.credit,
                    "terms": picture.terms,
                }
                for printed, picture in zip(things.images, text.pictures, strict=True)
            },
            "below": [str(one["id"]) for one in things.images if one["id"] not in shown],
        },
        "documents": {
            "title": translate("media.documents", language),
            "by_id": {
                str(printed["id"]): {
                    "title": paper.title,
                    "facts": paper.facts,
                    "url": paper.address,
                }
                for printed, paper in zip(things.documents, text.documents, strict=True)
            },
            "below": [str(one["id"]) for one in things.documents],
        },
        "people": {str(one.get("id")): _person(one) for one in revision.contacts or []},
        "links": {"title": words("links"), "all": text.links},
        "about": {
            "title": translate("releases.about", language, name=name),
            "facts": [part for part in (sender.street, town, sender.switchboard) if part],
            "url": sender.site,
            "site_name": web_name(sender.site),
            "paragraphs": pages.paragraphs(sender.about(language)),
        },
    }


def _person(printed: Printed) -> dict[str, str]:
    said = {part: str(printed.get(part) or "") for part in ("name", "title", "phone", "email")}
    return {**said, "url": f"mailto:{said['email']}"}


def _placed(printed: Sequence[Printed], folder: str, language: str) -> dict[str, Thing]:
    """Each thing by its key, with a place of its own in the ZIP."""
    found: dict[str, Thing] = {}
    taken: set[str] = set()
    for one in printed:
        content_type = str(one["content_type"])
        if content_type in HIGH:
            name, called = HIGH[content_type], picture_name(one, language)
        else:
            name = FORMS[content_type].file
            called = document_name(str(one["filename"]), content_type)
        stem, _, ending = in_ascii(called).rpartition(".")
        path, number = f"{folder}/{stem}.{ending}", 1
        while path.lower() in taken:
            number += 1
            path = f"{folder}/{stem}-{number}.{ending}"
        taken.add(path.lower())
        found[str(one["key"])] = Thing(key=str(one["key"]), name=name, path=path)
    return found


def _with_files(
    release: Release, things: Attached, pictures: dict[str, Thing], papers: dict[str, Thing]
) -> str:
    """The body's HTML with its pictures and documents beside it in the ZIP."""
    assert release.live is not None
    return embedded(
        public_body(release, release.live),
        images=things.images,
        documents=things.documents,
        contacts=release.live.contacts or [],
        language=release.language,
        address=lambda key, _name: (pictures.get(key) or papers[key]).path,
        width=ON_PAPER,
    )


def _members(material: Material, pdf: bytes) -> Iterator[tuple[str, bytes]]:
    yield f"{material.name}.pdf", pdf
    yield from material.made.items()
    for thing in [*material.pictures.values(), *material.papers]:
        yield thing.path, shelf.read(thing.key, thing.name)


def _member(path: str, at: datetime) -> zipfile.ZipInfo:
    """A member that is the same whenever and wherever it is written."""
    there = at.astimezone(UTC)
    info = zipfile.ZipInfo(path, there.timetuple()[:6])
    info.create_system = 3
    info.external_attr = 0o644 << 16
    packed_already = path.endswith((".jpg", ".png", ".pdf", ".docx", ".xlsx", ".odt", ".ods"))
    info.compress_type = zipfile.ZIP_STORED if packed_already else zipfile.ZIP_DEFLATED
    return info


def _steady(workbook: IO[bytes]) -> bytes:
    """A workbook without the moment it was written: the same rows give the same bytes."""
    file = io.BytesIO()
    with workbook, zipfile.ZipFile(workbook) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "docProps/core.xml":
                content = WRITTEN.sub(b">1980-01-01T00:00:00Z<", content)
            member = _member(info.filename, EARLIEST)
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, content)
    return file.getvalue()


def _lines(text: str) -> bytes:
    """Text as every editor opens it: UTF-8 with CRLF, no more than one blank line at a time."""
    neat = re.sub(r"\n{3,}", "\n\n", text.replace("\r\n", "\n")).strip("\n") + "\n"
    return neat.replace("\n", "\r\n").encode()


def _published(release: Release) -> datetime:
    assert release.published_at is not None
    return release.published_at
