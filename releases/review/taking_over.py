"""Taking over the words that somebody quoted would rather have said, into the text."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.core.accounts import User
from app.core.audit import record
from app.core.errors import Conflict
from app.core.words import translate
from releases.editorial.models import Release, Revision
from releases.editorial.writing import save, text_of
from releases.review.models import Answer, SignOff
from releases.review.quotes import quotes_in, reworded


def take_over(release: Release, sign_off: SignOff, *, by: User, at: datetime) -> Revision:
    """A new head with the speaker's own words in their quote, which is signed with that.

    Raises Conflict when the quote no longer stands in the text as it was answered about, and what
    `save` raises.
    """
    head = release.head
    places = [q.index for q in quotes_in(head.body) if q.fingerprint == sign_off.fingerprint]
    if sign_off.answer is not Answer.EDITED or not places:
        raise Conflict("quote_changed")
    body = head.body
    for place in places:
        body = reworded(body, place, sign_off.proposed)
    name = sign_off.invitation.name if sign_off.invitation else sign_off.attribution
    revision = save(
        release,
        replace(text_of(head), body=body),
        base_id=head.id,
        by=by,
        at=at,
        note=translate("quotes.taken_over_note", by.language, name=name),
    )
    record(
        "quote.take_over",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        name=name,
        words=sign_off.proposed,
    )
    return revision
