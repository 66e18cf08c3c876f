"""The files of pictures and documents, for everybody who may have them at this moment."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.core import shelf
from app.core.accounts import signed_in
from app.core.errors import NotFound
from app.core.words import LANGUAGES
from releases.media import access
from releases.media.crediting import credited
from releases.media.models import Document, Image
from releases.media.naming import document_name, picture_name
from releases.media.papers import FORMS
from releases.media.questions import thing_by_key
from releases.media.renditions import HIGH, served_as

blueprint = Blueprint("media_files", __name__)
FOR_GOOD = "public, max-age=31536000, immutable"  # a key never gets other bytes
# Opened by itself, a file is nothing but a file: no script, no form, no address of ours.
POLICY = "default-src 'none'; sandbox"


@blueprint.get("/media/<key>/<name>")
def file(key: str, name: str) -> ResponseReturnValue:
    """One file. Whoever may not have it hears the same as for one that is not there."""
    thing = thing_by_key(key)
    content_type = _served_as(thing, name)
    if content_type is None:
        raise NotFound("no_such_file")
    public = access.is_public(thing)
    if not public and not _may_see_before(thing):
        raise NotFound("no_such_file")
    response = _sent(thing, name, content_type)
    response.headers["Cache-Control"] = _kept_for(name) if public else "private, no-store"
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _may_see_before(thing: Image | Document) -> bool:
    if thing.removed_at is not None:
        return False
    if token := request.args.get("embargo", ""):
        return access.may_see_before(thing.story_id, token)
    return access.staff_may_see(thing.story_id, signed_in())


def _served_as(thing: Image | Document, name: str) -> str | None:
    """As what, if it can have a file of that name."""
    if isinstance(thing, Image):
        return served_as(
            name, width=thing.width, height=thing.height, content_type=thing.content_type
        )
    return thing.content_type if name == FORMS[thing.content_type].file else None


def _kept_for(name: str) -> str:
    """The file for print holds what the office says of the picture now, and it may say else."""
    return "public, no-cache" if name in HIGH.values() else FOR_GOOD


def _sent(thing: Image | Document, name: str, content_type: str) -> Response:
    if isinstance(thing, Document):
        saved_as = document_name(thing.filename, thing.content_type)
        return shelf.send(thing.key, name, mimetype=content_type, download_name=saved_as)
    if name not in HIGH.values():
        return shelf.send(thing.key, name, mimetype=content_type)
    language = _language()
    printed = thing.printed(language)
    return shelf.send(
        thing.key,
        name,
        mimetype=content_type,
        download_name=picture_name(printed, language),
        graft=credited(printed, language),
    )


def _language() -> str:
    """Of the page that the file is fetched from."""
    wanted = request.args.get("language", "")
    return wanted if wanted in LANGUAGES else LANGUAGES[0]
