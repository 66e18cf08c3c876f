"""Bringing another newsroom's releases in: as they were, on the day they were published.

Each item is a transaction of its own, with the hash of its id beside the release: an import that
was killed goes on where it was, and one that is run again adds only what is new. Nobody is mailed
and no hub is told: it is no news. Pictures are fetched while no transaction is open.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import sqlalchemy as sa
from markupsafe import escape

from app.core.audit import record
from app.core.db import db
from app.core.errors import BadInput, DomainError
from app.core.fetching import Unfetchable, fetch
from app.core.html import plain
from releases.editorial.models import (
    Change,
    OldAddress,
    Publication,
    Release,
    ReleaseEvent,
    Revision,
    State,
    Story,
)
from releases.editorial.texts import search_text
from releases.editorial.writing import Text, slug_for
from releases.media import storing
from releases.media.models import Image
from releases.newsroom.archive.reading import Item, Page, Shown, read
from releases.newsroom.hub.outside import allows_loopback
from releases.newsroom.models import ArchivedItem
from releases.newsroom.wording import address, base_url
from releases.rounds.importing import slug_of
from subscribers.audience.models import Topic

MOST_BYTES = 64 * 1024 * 1024  # of one document
MOST_PICTURE = 25 * 1024 * 1024
MOST_PAGES = 500
MOST_ITEMS = 50_000
PATIENCE = 60.0  # seconds for one document
PICTURE_PATIENCE = 20.0
AGENT = "Pressrum/1.0 (archive import)"
LONGEST_PATH = 600
IMPORT = "import"


@dataclass(frozen=True)
class Trouble:
    """Something about one item that a person should know; `code` has words in the catalogue."""

    row: int
    title: str
    code: str
    facts: dict[str, Any] = field(default_factory=dict)
    refused: bool = False


@dataclass
class Report:
    """How far an import has come. `moved` are old addresses and where they lead now."""

    added: int = 0
    known: int = 0
    changed: int = 0
    refused: int = 0
    pictures: int = 0
    pictures_failed: int = 0
    troubles: list[Trouble] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        return self.added + self.known + self.changed + self.refused


@dataclass(frozen=True)
class Choices:
    """How to bring in. `language` is for every item; without it each must say its own.

    `origin` is where the feed came from: the one place on this machine that pictures may be
    fetched from, where that is allowed at all.
    """

    language: str = ""
    dry_run: bool = False
    pictures: bool = True
    origin: str = ""


def fetched_pages(url: str, *, at: datetime) -> Iterator[Page]:
    """A feed and its older documents, each fetched when it is asked for.

    Raises BadInput when the first cannot be had or is no feed; what comes after it just ends.
    """
    waiting, seen, row, number = [url], {url}, 1, 1
    while waiting and len(seen) <= MOST_PAGES:
        here = waiting.pop(0)
        try:
            page = read(_document(here), url=here, first=row, at=at)
        except BadInput:
            if row == 1:
                raise
            continue  # beyond the last page, most servers have none
        yield page
        row += len(page.items)
        number += 1
        after = [one for one in page.next if one not in seen][:1]
        if not after and page.is_wordpress and page.items:
            after = [one for one in [_numbered(url, number)] if one not in seen]
        waiting += after
        seen.update(after)


def read_bytes(content: bytes, *, at: datetime) -> Iterator[Page]:
    """A feed that lies in a file. Raises BadInput for what is none and for what is too large."""
    if len(content) > MOST_BYTES:
        raise BadInput("archive_too_large", most=MOST_BYTES // 1024**2)
    yield read(content, at=at)


def bring_in(
    pages: Iterable[Page],
    choices: Choices,
    *,
    at: datetime,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Make a published release of each item that is new. Commits after each.

    What a page raises, this raises; what is in by then stays.
    """
    report = Report()
    untidy = False
    met: set[bytes] = set()
    for page in pages:
        if page.is_untidy and not untidy:
            untidy = True
            report.troubles.append(Trouble(0, "", "untidy"))
        texts = [item for item in page.items if item.is_text]
        if texts and met and all(_key(item) in met for item in texts):
            return report  # a server that gives the same page for ever
        for item in texts:
            if report.seen >= MOST_ITEMS:
                report.troubles.append(Trouble(item.row, item.title, "too_many"))
                return report
            _bring_one(item, choices, report, met, at=at)
            progress(report)
    return report


def redirects(report: Report, *, form: str) -> str:
    """The old addresses with their new ones: `csv`, or `conf` for a map of nginx."""
    if form == "conf":
        lines = [f'  "{_for_nginx(old)}" "{new}";' for old, new in report.moved.items()]
        return "\n".join(["map $request_uri $moved_to {", '  default "";', *lines, "}", ""])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("old", "new"), *report.moved.items()])
    return text.getvalue()


def _bring_one(
    item: Item, choices: Choices, report: Report, met: set[bytes], *, at: datetime
) -> None:
    language = choices.language or item.language
    problem = item.problem or ("" if language else "language_missing")
    key = _key(item)
    if not problem and key in met:
        problem = "twice"
    if problem:
        report.refused += 1
        report.troubles.append(Trouble(item.row, item.title, problem, refused=True))
        return
    met.add(key)
    known = db.session.scalar(sa.select(ArchivedItem).where(ArchivedItem.key == key))
    if known is not None:
        _compare(item, known, report)
        db.session.rollback()
        return
    db.session.rollback()
    if choices.dry_run:
        report.added += 1
        return
    pictures = _fetched(item, choices, report) if choices.pictures else {}
    try:
        release = _store(item, key, language, pictures, report, at=at)
        db.session.commit()
    except sa.exc.IntegrityError:  # another import has just brought it in
        db.session.rollback()
        report.known += 1
        return
    except (DomainError, sa.exc.DataError) as error:
        db.session.rollback()
        report.refused += 1
        facts = {"error": error} if isinstance(error, DomainError) else {}
        code = "refused" if facts else "unreadable"
        report.troubles.append(Trouble(item.row, item.title, code, facts, refused=True))
        return
    report.added += 1
    _remember_move(item, release, report)


def _key(item: Item) -> bytes:
    return hashlib.sha256(item.guid.encode()).digest()


def _compare(item: Item, known: ArchivedItem, report: Report) -> None:
    """An item that is here already: told when it has changed since, never overwritten."""
    first = db.session.scalars(
        sa.select(Revision).where(Revision.release_id == known.release_id, Revision.number == 1)
    ).one()
    there = _text(item, {}).cleaned()
    before, after = ((text.headline, text.lead, text.body) for text in (first, there))
    if [_letters(part) for part in before] == [_letters(part) for part in after]:
        report.known += 1
    else:
        report.changed += 1
        report.troubles.append(Trouble(item.row, item.title, "changed"))
    _remember_move(item, known.release, report)


def _letters(text: str) -> str:
    return " ".join(plain(text).split())


def _remember_move(item: Item, release: Release, report: Report) -> None:
    new = address(release)
    if item.url and item.url != new:
        report.moved[item.url] = new


def _fetched(item: Item, choices: Choices, report: Report) -> dict[int, storing.Made]:
    """The pictures of an item by their numbers; those that cannot be had are told."""
    found: dict[int, storing.Made] = {}
    for number, shown in enumerate(item.pictures):
        try:
            found[number] = _picture(shown, choices)
            report.pictures += 1
        except (Unfetchable, DomainError) as error:
            report.pictures_failed += 1
            facts = {"url": shown.url[:300], "error": error}
            report.troubles.append(Trouble(item.row, item.title, "picture", facts))
    return found


def _picture(shown: Shown, choices: Choices) -> storing.Made:
    """Raises Unfetchable, or BadInput for what is no picture."""
    name = unquote(urlsplit(shown.url).path).rpartition("/")[2]
    answer = fetch(
        shown.url,
        method="GET",
        headers={"User-Agent": AGENT},
        most=MOST_PICTURE + 1,
        deadline=PICTURE_PATIENCE,
        loopback=allows_loopback() and origin_of(shown.url) == choices.origin != "",
    )
    if answer.status != 200:
        raise BadInput("archive_status", status=answer.status)
    if len(answer.body) > MOST_PICTURE:
        raise BadInput("archive_too_large", most=MOST_PICTURE // 1024**2)
    made = storing.make(answer.body, filename=name or "picture")
    if isinstance(made.what, storing.Paper):
        raise BadInput("image_unknown", file=made.filename)
    return made


def _store(
    item: Item,
    key: bytes,
    language: str,
    pictures: dict[int, storing.Made],
    report: Report,
    *,
    at: datetime,
) -> Release:
    """The item as a published release, with all that goes with it. No commit."""
    assert item.published_at is not None
    story = Story(created_at=at, topics=_topics(item))
    db.session.add(story)
    db.session.flush()
    images = {
        number: _image(story, item.pictures[number], made, language=language, at=at)
        for number, made in pictures.items()
    }
    text = _text(item, images, language=language).cleaned()
    release = Release(
        story_id=story.id,
        language=language,
        slug=_slug_of(item, language),
        state=State.DRAFT,
        created_at=at,
        updated_at=at,
        withdrawn_reason="",
        mail_wanted=False,
        search_text=search_text(text.headline, text.lead, text.body),
    )
    db.session.add(release)
    db.session.flush()
    revision = Revision(
        release_id=release.id,
        number=1,
        headline=text.headline,
        lead=text.lead,
        body=text.body,
        images=text.images,
        created_at=at,
    )
    db.session.add(revision)
    db.session.flush()
    _publish(release, revision, item, at=at)
    db.session.add(
        ArchivedItem(key=key, guid=item.guid, url=item.url, release_id=release.id, imported_at=at)
    )
    _keep_old_address(item, release, at=at)
    db.session.flush()
    if unknown := [image for image in images.values() if not image.licence]:
        facts = {"n": len(unknown)}
        report.troubles.append(Trouble(item.row, item.title, "licence_unknown", facts))
    return release


def _publish(release: Release, revision: Revision, item: Item, *, at: datetime) -> None:
    """Make it public as of its day, without a word to anybody. The lists take it up by their job.

    The history says when it was published; the audit log, when it was brought in.
    """
    assert item.published_at is not None
    release.head_id = release.live_id = revision.id
    release.published_at = release.changed_at = item.published_at
    release.state = State.PUBLISHED
    db.session.add(
        Publication(
            release_id=release.id,
            revision_id=revision.id,
            change=Change.FIRST,
            at=item.published_at,
        )
    )
    db.session.add(
        ReleaseEvent(
            release_id=release.id,
            revision_id=revision.id,
            action=IMPORT,
            to_state=State.PUBLISHED,
            at=item.published_at,
            reason=item.url,
        )
    )
    record(
        f"release.{IMPORT}",
        "release",
        release.id,
        title=revision.title,
        by=None,
        at=at,
        url=item.url,
    )


def _text(item: Item, images: dict[int, Image], *, language: str = "") -> Text:
    """What the release says; a picture that could not be had leaves no gap."""
    body = "".join(
        part
        if isinstance(part, str)
        else f'<figure data-image="{images[part].id}"></figure>'
        if part in images
        else ""
        for part in item.body
    )
    return Text(
        headline=str(escape(item.title)),
        lead=item.lead,
        body=body,
        about_programme="",
        contacts=[],
        links=[],
        images=[image.printed(language) for image in images.values()],
    )


def _image(story: Story, shown: Shown, made: storing.Made, *, language: str, at: datetime) -> Image:
    """A picture on the story's shelf, described as the feed described it."""
    image = storing.add(story, made, language=language, by=None, at=at)
    assert isinstance(image, Image)
    for name, text in (("alt", shown.alt), ("caption", shown.caption)):
        if said := storing.neat(text):
            column = f"{name}_{language}"
            setattr(image, column, said[: storing.IMAGE_WORDS[column]])
    if credit := storing.neat(shown.credit):
        image.credit = credit[: storing.IMAGE_WORDS["credit"]]
    db.session.flush()
    return image


def _topics(item: Item) -> list[Topic]:
    """Those of our topics that the item names; none is made for it."""
    slugs = {slug_of(name) for name in item.topics} - {""}
    if not slugs:
        return []
    return list(
        db.session.scalars(
            sa.select(Topic).where(Topic.slug.in_(slugs), ~Topic.of_programme).order_by(Topic.id)
        )
    )


def _slug_of(item: Item, language: str) -> str:
    """The one it had, where that is one of ours; else one of its title."""
    own = item.slug if item.slug == slug_of(item.slug) else ""
    return slug_for(own or item.title, language)


def _keep_old_address(item: Item, release: Release, *, at: datetime) -> None:
    """Let its old address on our own host lead to it, unless something is there already."""
    parts = urlsplit(item.url)
    if not item.url or parts.hostname != urlsplit(base_url()).hostname:
        return
    path = quote(unquote(parts.path or "/"), safe="/%:@!$&'()*+,;=~-._")
    path += f"?{parts.query}" if parts.query else ""
    if path == "/" or len(path) > LONGEST_PATH or path == urlsplit(address(release)).path:
        return
    ours = re.fullmatch(r"/([a-z]{2})/releases/([^/]+)", path)
    if ours and db.session.scalar(
        sa.select(Release.id).where(Release.language == ours[1], Release.slug == ours[2])
    ):
        return
    if db.session.scalar(sa.select(OldAddress.id).where(OldAddress.path == path)) is None:
        db.session.add(OldAddress(path=path, release_id=release.id, created_at=at))


def _document(url: str) -> bytes:
    """Raises BadInput, which says why there is none."""
    try:
        answer = fetch(
            url,
            method="GET",
            headers={"User-Agent": AGENT},
            most=MOST_BYTES + 1,
            deadline=PATIENCE,
            loopback=allows_loopback(),
        )
    except Unfetchable as error:
        raise BadInput(f"archive_{error.reason}") from None
    if answer.status != 200:
        raise BadInput("archive_status", status=answer.status)
    if len(answer.body) > MOST_BYTES:
        raise BadInput("archive_too_large", most=MOST_BYTES // 1024**2)
    return answer.body


def origin_of(url: str) -> str:
    """The server of an address: scheme, host and port; empty for what is none."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port}"
    except ValueError:
        return ""


def _numbered(url: str, number: int) -> str:
    """A page of a WordPress feed."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "paged"]
    return parts._replace(query=urlencode([*query, ("paged", str(number))])).geturl()


def _for_nginx(url: str) -> str:
    """The path and query of an address as nginx compares $request_uri, safe between its quotes."""
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe="/%:@!&'()*+,=~-._")
    query = f"?{quote(parts.query, safe='/%:@!&()*+,=~-._?')}" if parts.query else ""
    return path + query
