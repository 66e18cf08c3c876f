"""The staff page of a story's pictures and documents: bringing them in, saying what they are.

Everything on the page is one form, so that nothing somebody has written is lost when they bring in
or take away another file. With script, files are sent one by one as they are chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from app.core import jobs
from app.core.accounts import Role, me, only, signed_in, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, DomainError, NotFound
from app.core.words.language import t
from releases.editorial.models import Story
from releases.media import access, encoding, imaging, papers, questions, storing
from releases.media.embedding import paper_of, picture_of, site_address
from releases.media.licences import LICENCES, rights_problems
from releases.media.models import Document, Image
from releases.media.turns import turn

blueprint = Blueprint("media", __name__, url_prefix="/office/stories/<int:story_id>/media")
signed_in_only(blueprint)
KEEPERS = (Role.WRITER, Role.EDITOR)
MOST_AT_ONCE = 256 * 1024 * 1024
POINT = {"focal_x": 3, "focal_y": 3}  # and how many digits they have at most
LARGE_ENOUGH = 1600  # pixels across: a third of a newspaper's page

Thing = Image | Document


@dataclass(frozen=True)
class Entry:
    """A picture or a document with what its fields hold, which may not be what is stored."""

    kind: str
    thing: Thing
    words: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the names of its fields begin with."""
        return f"{self.kind}-{self.thing.id}"

    def stored(self, name: str) -> str:
        return str(getattr(self.thing, name))


@blueprint.url_value_preprocessor
def _let_large_files_in(_endpoint: str | None, _values: dict[str, object] | None) -> None:
    """Only for those who have signed in. Said this early, since the CSRF check reads the form."""
    if request.method == "POST" and signed_in() is not None:
        request.max_content_length = MOST_AT_ONCE


@blueprint.get("")
def page(story_id: int) -> ResponseReturnValue:
    """All pictures and documents of a story, to be described, and a place for more."""
    return _page(_story(story_id))


@blueprint.post("")
@only(*KEEPERS)
def save(story_id: int) -> ResponseReturnValue:
    """Keep what was said and sent; take away or bring back what was pointed at."""
    _story(story_id)
    made, refused = _made(request.files.getlist("files"))
    story = _story(story_id)
    arrived = 0
    for one in made:
        try:
            storing.add(story, one, language=_first_language(story), by=me(), at=now())
            arrived += 1
        except DomainError as error:
            refused.append(_sentence(error))
    entries = [_described(_entry(thing)) for thing in _things(story)]
    refused += _moved(story)
    db.session.commit()
    jobs.ring("encode_images")
    for sentence in refused:
        flash(sentence, "error")
    if any(entry.errors for entry in entries):
        return _page(story, {entry.name: entry for entry in entries if entry.errors}), 422
    if not refused or arrived:
        flash(t("media.saved"), "success")
    return redirect(url_for(".page", story_id=story_id))


@blueprint.post("/upload")
@only(*KEEPERS)
def upload(story_id: int) -> ResponseReturnValue:
    """One file, sent by the page's script: answers with its card, or why it was refused."""
    _story(story_id)
    made, refused = _made(request.files.getlist("file")[:1])
    if not made:
        return jsonify(message=" ".join(refused) or t("media.none_sent")), 422
    story = _story(story_id)
    try:
        thing = storing.add(story, made[0], language=_first_language(story), by=me(), at=now())
    except DomainError as error:
        db.session.rollback()
        return jsonify(message=_sentence(error)), 422
    db.session.commit()
    jobs.ring("encode_images")
    entry = _entry(thing)
    card = render_template(f"office/media/_{entry.kind}.html", **_facts(story), entry=entry)
    return jsonify(kind=entry.kind, html=card, message=t("media.arrived", file=thing.filename))


def _made(files: list[FileStorage]) -> tuple[list[storing.Made], list[str]]:
    """What passes, and a sentence for each file that does not.

    Nothing is open in the database meanwhile: a picture takes a second or two to work on.
    """
    db.session.commit()
    made, refused = [], []
    for file in files:
        if not file.filename:
            continue
        try:
            with file.stream as stream, turn("decoding", wait=True):
                made.append(storing.make(stream, filename=file.filename))
        except BadInput as error:
            refused.append(_sentence(error))
    return made, refused


def _described(entry: Entry) -> Entry:
    """Written down; or with what is wrong with it, every word kept."""
    fields = _fields(entry.thing)
    words = {
        n: request.form[f"{entry.name}-{n}"] for n in fields if f"{entry.name}-{n}" in request.form
    }
    was = {name: request.form.get(f"was-{entry.name}-{name}", "") for name in words}
    try:
        theirs = storing.describe(entry.thing, words, was=was, by=me(), at=now())
        theirs |= _focused(entry.thing, words, was)
    except BadInput as error:
        name = str(error.facts.get("field", ""))
        return Entry(entry.kind, entry.thing, entry.words | words, {name: _sentence(error)})
    if theirs:
        told = {name: t("media.changed_meanwhile", theirs=text) for name, text in theirs.items()}
        return Entry(entry.kind, entry.thing, entry.words | words, told)
    return _entry(entry.thing)


def _focused(thing: Thing, words: dict[str, str], was: dict[str, str]) -> dict[str, str]:
    """The point of a picture; what somebody else has chosen meanwhile, by field."""
    if not isinstance(thing, Image) or not words.keys() >= POINT.keys():
        return {}
    x, y = (_hundredth(words[name], name) for name in POINT)
    stood = (_hundredth(was["focal_x"], "focal_x"), _hundredth(was["focal_y"], "focal_y"))
    theirs = storing.focus(thing, (x, y), was=stood, by=me(), at=now())
    if theirs is None:
        return {}
    return {name: str(part) for name, part in zip(POINT, theirs, strict=True)}


def _hundredth(text: str, name: str) -> int:
    """Raises BadInput for what is no whole number."""
    said = text.strip().removesuffix("%").strip()
    if not (said.isascii() and said.isdecimal() and len(said) <= POINT[name]):
        raise BadInput("no_such_point", field=name)
    return int(said)


def _moved(story: Story) -> list[str]:
    """Do what a button beside one thing asked for; a sentence when that is refused."""
    try:
        if pointed := request.form.get("remove"):
            storing.remove(_pointed_at(story, pointed), by=me(), at=now())
        if pointed := request.form.get("bring_back"):
            storing.bring_back(_pointed_at(story, pointed), by=me(), at=now())
        if pointed := request.form.get("encode"):
            encoding.try_again(_image_pointed_at(story, pointed))
    except DomainError as error:
        return [_sentence(error)]
    return []


def _page(story: Story, wrong: dict[str, Entry] | None = None) -> str:
    entries = [_entry(thing) for thing in _things(story)]
    shown = [(wrong or {}).get(entry.name, entry) for entry in entries]
    return render_template(
        "office/media/page.html",
        **_facts(story),
        images=[entry for entry in shown if entry.kind == "image"],
        documents=[entry for entry in shown if entry.kind == "document"],
        removed=[_entry(thing) for thing in _removed(story)],
        wrong=[
            (f"{entry.name}-{name}", text)
            for entry in (wrong or {}).values()
            for name, text in entry.errors.items()
        ],
        most={"image": imaging.MOST_BYTES // 1024**2, "document": papers.MOST_BYTES // 1024**2},
    )


def _facts(story: Story) -> dict[str, object]:
    """What a card asks about its picture."""
    languages = [release.language for release in story.releases]

    def missing(image: Image) -> list[str]:
        """What has to be said before it can be published, in the languages it will be in."""
        found: dict[str, None] = {}
        for language in languages:
            for code in rights_problems(image.printed(language), language):
                word = f"media.problem.{code}"
                found[t(f"{word}.{language}" if code == "alt_missing" else word)] = None
        return list(found)

    return {
        "story": story,
        "licences": LICENCES,
        "missing": missing,
        "is_small": lambda image: max(image.width, image.height) < LARGE_ENOUGH,
        "picture": lambda image, language: picture_of(
            image.printed(language) | image.now(), language=language, address=site_address
        ),
        "paper": lambda document, language: paper_of(
            document.printed(language), language=language, address=site_address
        ),
        "may_change": me().may(*KEEPERS),
    }


def _story(story_id: int) -> Story:
    """Raises NotFound, for a limited story that this person may not see too."""
    if not access.staff_may_see(story_id, me()):
        raise NotFound("no_such_story")
    return questions.story_by_id(story_id)


def _things(story: Story) -> list[Thing]:
    return [*questions.images_of(story.id), *questions.documents_of(story.id)]


def _removed(story: Story) -> list[Thing]:
    return questions.removed_of(story.id, since=now() - storing.KEPT_FOR)


def _pointed_at(story: Story, name: str) -> Thing:
    known = {_entry(thing).name: thing for thing in (*_things(story), *_removed(story))}
    if name not in known:
        raise NotFound("no_such_file")
    return known[name]


def _image_pointed_at(story: Story, name: str) -> Image:
    thing = _pointed_at(story, name)
    if not isinstance(thing, Image):
        raise NotFound("no_such_file")
    return thing


def _entry(thing: Thing) -> Entry:
    kind = "image" if isinstance(thing, Image) else "document"
    return Entry(kind, thing, {name: str(getattr(thing, name)) for name in _fields(thing)})


def _fields(thing: Thing) -> dict[str, int]:
    return storing.IMAGE_WORDS | POINT if isinstance(thing, Image) else storing.DOCUMENT_WORDS


def _first_language(story: Story) -> str:
    return story.releases[0].language if story.releases else "sv"


def _sentence(error: DomainError) -> str:
    facts = {name: value for name, value in error.facts.items() if name != "field"}
    return t(f"errors.{error.key}", **facts)
