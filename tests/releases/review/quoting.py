"""A text with a quote in it, and who is quoted, for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.core.accounts import User
from app.core.db import db
from releases.editorial.models import Release
from releases.editorial.writing import save, text_of
from releases.review import signing_off
from releases.review.inviting import token_of
from releases.review.models import SignOff
from releases.review.quotes import Quote, quotes_in
from tests import factories
from tests.factories import A_MORNING

ANNA = {"name": "Anna Larsson", "email": "anna@sida.example"}
WORDS = "Det här stärker den lokala demokratin."


def block(words: str = WORDS, by: str = "Anna Larsson, enhetschef, Sida") -> str:
    return f"<blockquote><p>{words}</p><footer>{by}</footer></blockquote>"


def write(release: Release, body: str, *, by: User, at: datetime = A_MORNING) -> None:
    """Save another body."""
    text = replace(text_of(release.head), body=body)
    save(release, text, base_id=release.head_id or 0, by=by, at=at)
    db.session.commit()


def quoting(by: User, *, language: str = "sv", body: str | None = None) -> Release:
    """A committed draft that quotes Anna Larsson."""
    release = factories.release(by, language=language)
    write(release, body or f"<p>Pengarna är fördelade.</p>{block()}<p>Efter.</p>", by=by)
    return release


def quote_in(release: Release, place: int = 0) -> Quote:
    return quotes_in(release.head.body)[place]


def asked(release: Release, *, by: User, at: datetime = A_MORNING, **who: str) -> SignOff:
    """A committed question about the first quote."""
    made = signing_off.ask(release, quote_in(release), **{**ANNA, **who}, by=by, at=at)
    db.session.commit()
    return made


def address(sign_off: SignOff) -> str:
    """The path of the secret link."""
    assert sign_off.invitation is not None
    return f"/quote/{token_of(sign_off.invitation)}"
