"""Language versions: a release begins as another's blocks in its own language, and follows it.

The version that was made from another knows which of its revisions it follows. When the original
has moved on, what has changed since is told until somebody says that this version has it too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import User
from app.core.db import db, guarded
from app.core.errors import Conflict, NotNow
from app.core.html import GAP, gaps, plain
from app.core.words import translate
from releases.drafting.drafting import LANGUAGES
from releases.drafting.markup import data, gap
from releases.drafting.wording import Form, Voice, forms_of, in_form
from releases.editorial.binding import BOUND, bound_in, written_as
from releases.editorial.comparing import Parts, compare
from releases.editorial.models import Contact, Release, Revision, State, Story
from releases.editorial.workflow import Action, find_move, remember
from releases.editorial.writing import Text, begin_release, context_of, text_of
from releases.media.questions import documents_of, images_of
from releases.rounds.figures import Figure, compute
from releases.rounds.models import Round

FEW_WORDS = 5  # a heading or a list of names may well read the same in both languages
FIGURE = "\ue020"  # stands on both sides of a figure in a line
WORD = re.compile(r"[^\W\d_]{2,}")


def begin(original: Release, language: str, *, by: User, at: datetime) -> Release:
    """A version of `original` in another language: its blocks, with every figure said anew.

    Programme facts, contacts, pictures and documents are in the new language from the start; the
    other words wait for a translator. Raises Conflict when the story has such a version already.
    """
    find_move(original, Action.EDIT, by=by)
    # Two who press at once: the second waits here, and then finds the first one's version.
    db.session.execute(sa.select(Story.id).where(Story.id == original.story_id).with_for_update())
    taken = sa.select(Release.id).where(
        Release.story_id == original.story_id, Release.language == language
    )
    if db.session.scalar(taken.limit(1)) is not None:
        raise Conflict("version_exists", which=translate(f"editing.in.{language}", by.language))
    text = _in_language(text_of(original.head), original, language)
    return begin_release(original.story, language, text, original=original, by=by, at=at)


def untranslated(release: Release, revision: Revision) -> list[str]:
    """What still reads as in the original, as plain text; nothing for what is no translation.

    Figures aside, and only what has more words than a heading of names.
    """
    if release.original is None:
        return []
    sources = [one for one in (release.follows, release.original.head) if one is not None]
    there = {_words(line) for one in sources for line in _lines(one)}
    return [
        _shown(line)
        for line in _lines(revision)
        if len(_words(line)) > FEW_WORDS and _words(line) in there
    ]


def changes_since(release: Release) -> list[tuple[str, Parts]]:
    """What has changed in the original since the revision that this version follows."""
    if not is_behind(release) or release.original is None or release.follows is None:
        return []
    return compare(release.follows, release.original.head)


def is_behind(release: Release) -> bool:
    """Whether its original has moved on from the revision it follows."""
    return (
        release.original is not None
        and release.follows is not None
        and release.follows_id != release.original.head_id
    )


def translations_behind(release: Release) -> list[Release]:
    """The versions made from `release` that do not follow its head; withdrawn ones left out."""
    return list(
        db.session.scalars(
            sa.select(Release)
            .where(
                Release.original_id == release.id,
                Release.follows_id != release.head_id,
                Release.state != State.WITHDRAWN,
            )
            .options(joinedload(Release.head), joinedload(Release.follows))
            .order_by(Release.id)
        )
    )


def follow(release: Release, *, revision_id: int, by: User, at: datetime) -> None:
    """`by` has seen to it that this version says what the original's `revision_id` does.

    Raises NotNow for what is no translation and Conflict when the original has moved on again.
    """
    if release.original is None:
        raise NotNow("no_original")
    find_move(release, Action.EDIT, by=by)
    if release.original.head_id != revision_id:
        raise Conflict("original_changed")
    seen = sa.update(Release).where(Release.id == release.id, Release.follows_id != revision_id)
    if not guarded(seen.values(follows_id=revision_id)):
        return
    db.session.refresh(release)
    number = release.original.head.number
    told = translate("editing.follows_version", by.language, number=number)
    remember(release, "follow", release.state, by=by, at=at, reason=told)


# What the above is made of


def _in_language(text: Text, original: Release, language: str) -> Text:
    round_ = original.story.round
    programme = round_.programme if round_ else None
    facts = programme.about(language) if programme else ""
    printed = _gaps_anew(text, original.language, language)
    if round_ is not None:
        printed = _figures_anew(printed, round_, original.language, language)
    images = {one.id: one.printed(language) for one in images_of(original.story_id)}
    documents = {one.id: one.printed(language) for one in documents_of(original.story_id)}
    people = {one.id: one.printed(language) for one in _contacts(text)}
    own_title = {programme.read_more_url: programme.title(language)} if programme else {}
    return replace(
        printed,
        about_programme=facts or text.about_programme,
        contacts=[people.get(one["id"], one) for one in text.contacts],
        links=[{**one, "label": own_title.get(one["url"], one["label"])} for one in text.links],
        images=[images.get(one["id"], one) for one in text.images],
        documents=[documents.get(one["id"], one) for one in text.documents],
    )


def _gaps_anew(text: Text, source: str, language: str) -> Text:
    """The gaps that the program has words for in its words for them in the other language."""
    here, there = LANGUAGES[source], LANGUAGES[language]

    def said(markup: str) -> str:
        for name in dict.fromkeys(gaps(markup)):
            markup = markup.replace(str(gap(name, language=here)), str(gap(name, language=there)))
        return markup

    return replace(text, headline=said(text.headline), lead=said(text.lead), body=said(text.body))


def _figures_anew(text: Text, round_: Round, source: str, language: str) -> Text:
    """Every figure from the round as it is now, said exactly or rounded as it was."""
    figures = compute(round_.rows(), currency=round_.currency)
    here, there = (Voice.of(context_of(round_, one)) for one in (source, language))

    def said(markup: str) -> str:
        return BOUND.sub(lambda found: _said_anew(found, figures, here, there), markup)

    return replace(text, headline=said(text.headline), lead=said(text.lead), body=said(text.body))


def _said_anew(found: re.Match[str], figures: dict[str, Figure], here: Voice, there: Voice) -> str:
    [bound] = bound_in(found[0])
    now = figures.get(bound.name)
    if now is None:  # gone from the round; the update page tells so in every language
        return found[0]
    was = now if now.value == bound.value else written_as(bound, now)
    forms = [replace(form, hedge="") for form in forms_of(bound.words, was, here)]
    tried = (in_form(now, form, there) for form in (*forms, Form("own")))
    words = next(one for one in tried if one is not None)  # its own words every figure has
    return str(data(bound.name, value=now.value, text=words))


def _contacts(text: Text) -> list[Contact]:
    ids = [one["id"] for one in text.contacts]
    return list(db.session.scalars(sa.select(Contact).where(Contact.id.in_(ids)))) if ids else []


def _lines(revision: Revision) -> list[str]:
    """Headline, lead, each paragraph and point, each paragraph of the facts; figures masked."""
    parts = [_masked(part) for part in (revision.headline, revision.lead, revision.body)]
    text = "\n".join([*map(plain, parts), revision.about_programme])
    return [line.strip() for line in text.split("\n") if line.strip()]


def _masked(markup: str) -> str:
    """Without gaps, and with figures between marks, since they are said by the program."""
    return BOUND.sub(lambda found: f"{FIGURE}{found[2]}{FIGURE}", GAP.sub("", markup))


def _words(line: str) -> tuple[str, ...]:
    """The words that a person has written, as they are compared."""
    return tuple(WORD.findall("".join(line.split(FIGURE)[::2]).casefold()))


def _shown(line: str) -> str:
    return line.replace(FIGURE, "")
