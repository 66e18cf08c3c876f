"""The editing page's form: what it offers, what it says when it is sent, and where two texts clash.

What is printed with a release is chosen by its number and looked up here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask import request
from markupsafe import Markup

from app.core.html import clean, clean_inline, embedded, is_web_address, plain
from app.core.words.language import t
from releases.editorial.comparing import changes
from releases.editorial.merging import BETWEEN, LISTS, WHOLE, Clash
from releases.editorial.models import Release, Revision
from releases.editorial.release_views import number
from releases.editorial.writing import Text, contacts, text_of
from releases.media.embedding import site_address
from releases.media.questions import documents_of, images_of
from releases.media.renditions import fallback


def posted(release: Release, base: Revision) -> Text:
    """All that stands in the form. What is embedded in the text is kept with it, ticked or not."""
    form = request.form
    body = clean(form.get("body", ""))
    labels, urls = form.getlist("link_label"), form.getlist("link_url")
    on_top = text_of(base)
    return Text(
        headline=form.get("headline", ""),
        lead=form.get("lead", ""),
        body=body,
        about_programme=form.get("about_programme", ""),
        contacts=_chosen("contact", body, people(release, on_top)),
        links=[
            {"label": label.strip() or url.strip(), "url": url.strip()}
            for label, url in zip(labels, urls, strict=False)
            if label.strip() or url.strip()
        ],
        images=_chosen("image", body, images(release, on_top)),
        documents=_chosen("document", body, documents(release, on_top)),
    )


def _chosen(kind: str, body: str, offered: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the form has ticked, and what stands in the text itself."""
    ticked = {number(value) for value in request.form.getlist(kind)} | {*embedded(body, kind)}
    return [
        {name: value for name, value in one.items() if name != "chosen"}
        for one in offered
        if one["id"] in ticked
    ]


def people(release: Release, text: Text) -> list[dict[str, Any]]:
    """Contacts to choose from: those of the office, and those that are printed already."""
    mine = [contact.printed(release.language) for contact in contacts()]
    return _with_printed(mine, text.contacts, release.head.contacts)


def images(release: Release, text: Text) -> list[dict[str, Any]]:
    """Those of the story, and those that are printed already."""
    stored = [one.printed(release.language) for one in images_of(release.story_id)]
    return _with_printed(stored, text.images, release.head.images)


def documents(release: Release, text: Text) -> list[dict[str, Any]]:
    """Those of the story, and those that are printed already."""
    stored = [one.printed(release.language) for one in documents_of(release.story_id)]
    return _with_printed(stored, text.documents, release.head.documents)


def _with_printed(
    stored: Iterable[dict[str, Any]], *printed: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What may be chosen, each once and as it is now; what is there no more as it was printed."""
    offered = {one["id"]: one for one in stored}
    for one in (one for many in printed for one in many):
        offered.setdefault(one["id"], one)
    chosen = {one["id"] for one in printed[0]}
    return [{**one, "chosen": one["id"] in chosen} for one in offered.values()]


def embeds(
    release: Release, text: Text, people: Iterable[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """What can be put into the text, as the editor shows it."""
    for one in images(release, text):
        label = one["caption"] or one["filename"]
        small = site_address(one["key"], f"{fallback(one['width'])}.jpg")
        yield {"kind": "image", "id": one["id"], "label": label, "src": small, "alt": one["alt"]}
    for one in documents(release, text):
        yield {"kind": "document", "id": one["id"], "label": one["title"], "src": "", "alt": ""}
    for one in people:
        yield {"kind": "contact", "id": one["id"], "label": one["name"], "src": "", "alt": ""}


def choices(base: Revision, text: Text) -> Iterator[tuple[Clash, str]]:
    """The places where the page showed two texts, and which the person wants.

    Things of lists are named by their number alone and looked up.
    """
    for at, given in enumerate(request.form.getlist("clash")):
        choice = request.form.get(f"choice-{at}", "mine")
        if (clash := clash_of(given, base, text)) is not None:
            yield clash, choice


def clash_of(given: str, base: Revision, text: Text) -> Clash | None:
    """A clash as a page carried it; None for what no page of ours wrote."""
    try:
        told = json.loads(given)
        part = str(told["part"])
        if part in LISTS:
            theirs, mine = getattr(text_of(base), part), getattr(text, part)
            sides = _numbered(theirs, told["id"]), _numbered(mine, told["id"])
            return Clash(part, *sides) if any(sides) else None
        if part not in (*WHOLE, *BETWEEN):
            return None
        return Clash(part, *(_safe(part, str(told[n])) for n in ("theirs", "mine", "after")))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _safe(part: str, words: str) -> str:
    if part == "about_programme":  # plain text, escaped where it is shown
        return words
    return clean(words) if part == "body" else clean_inline(words)


def _numbered(things: Iterable[dict[str, Any]], wanted: object) -> tuple[dict[str, Any], ...]:
    return tuple(one for one in things if one.get("id") == wanted)


def shown(clash: Clash) -> dict[str, Any]:
    """A clash as the page shows it, and as its form carries it to the next save."""
    if clash.part in LISTS:
        [one] = {thing["id"] for side in (clash.mine, clash.theirs) for thing in _things(side)}
        carried: dict[str, Any] = {"part": clash.part, "id": one}
        sides = [", ".join(map(_name, _things(side))) for side in (clash.mine, clash.theirs)]
    else:
        carried = {name: getattr(clash, name) for name in ("part", "theirs", "mine", "after")}
        is_html = clash.part != "about_programme"
        sides = [Markup(one) if is_html else str(one) for one in (clash.mine, clash.theirs)]  # noqa: S704 - cleaned by whoever saved it
    return {
        "part": clash.part,
        "mine": sides[0],
        "theirs": sides[1],
        "difference": changes(*map(plain, sides)) if all(sides) else [],
        "carried": json.dumps(carried),
        "may_keep_both": clash.part not in (*LISTS, "headline"),
    }


def _things(side: str | tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    return side if isinstance(side, tuple) else ()


def _name(thing: dict[str, Any]) -> str:
    """A contact, picture or document in a line."""
    names = ("name", "title", "caption", "filename", "phone", "email", "alt", "credit")
    return ", ".join(str(thing[one]) for one in names if thing.get(one))


def wrong_link(text: Text) -> tuple[str, str] | None:
    """The first link that leads nowhere: the id of its field and what is wrong with it."""
    for place, link in enumerate(text.links, 1):
        if not is_web_address(link["url"]):
            said = link["url"] or link["label"]
            return f"link-url-{place}", t("errors.link_unreadable", url=said)
    return None
