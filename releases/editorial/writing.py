"""Writing: a round becomes a release, a release gets revisions, and nobody's words are lost."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.accounts import User
from app.core.db import db, guarded
from app.core.errors import BadInput, Conflict
from app.core.html import clean, clean_inline, plain
from app.core.organisation import Organisation, Rounding, organisation
from app.core.words import translate
from releases.desk.access import shown_to
from releases.desk.notifying import Kind, tell
from releases.drafting.drafting import (
    Context,
    Draft,
    HouseStyle,
    NoAwards,
    SaidFigure,
    TemplateProblem,
    draft,
    say_all,
)
from releases.drafting.templates import house_template, parts
from releases.editorial.models import Contact, OldAddress, Release, Revision, State, Story
from releases.editorial.texts import search_text
from releases.editorial.workflow import Action, concerned, find_move, remember
from releases.review.inviting import any_open
from releases.review.models import Purpose
from releases.review.quotes import recognised
from releases.review.reviewing import tell_voided
from releases.rounds.figures import compute
from releases.rounds.importing import free_slug, slug_of
from releases.rounds.models import Round


@dataclass(frozen=True)
class Text:
    """All that a revision says. Headline and lead are inline HTML, the body block HTML.

    Contacts, images and documents are as their `printed` gives them.
    """

    headline: str
    lead: str
    body: str
    about_programme: str
    contacts: list[dict[str, Any]]
    links: list[dict[str, str]]
    images: list[dict[str, Any]] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)

    def cleaned(self) -> Text:
        return Text(
            headline=clean_inline(self.headline),
            lead=clean_inline(self.lead),
            body=recognised(clean(self.body)),
            about_programme=self.about_programme.replace("\r\n", "\n").strip(),
            contacts=self.contacts,
            links=[link for link in self.links if link["label"] and link["url"]],
            images=self.images,
            documents=self.documents,
        )


def context_of(round_: Round, language: str) -> Context:
    """What the office knows beside the rows, for drafting."""
    programme, sender = round_.programme, organisation()
    return Context(
        language=language,
        programme=programme.title(language),
        organisation=_sender_name(sender, language),
        organisation_short=sender.short_name,
        purpose=programme.purpose(language),
        read_more_url=programme.read_more_url,
        decided_on=round_.decided_on,
        style=house_style(sender),
        source_language=round_.language,
        headline_shape=programme.headline_shape.value,
    )


def house_style(sender: Organisation) -> HouseStyle:
    """The choices on the organisation's page, as drafting knows them."""
    return HouseStyle(
        quote_glyph=sender.quote_glyph,
        digit_at_sentence_start=sender.digit_at_sentence_start,
        rounding="down" if sender.rounding is Rounding.DOWN else "nearest",
        rounding_decimals=sender.rounding_decimals,
    )


def compose(round_: Round, language: str) -> Draft:
    """The draft of a round as the house template words it. Raises TemplateProblem, NoAwards."""
    template = house_template(round_.programme, language)
    return draft(
        round_.rows(),
        currency=round_.currency,
        context=context_of(round_, language),
        template=parts(template),
    )


def drafting_problem(error: TemplateProblem | NoAwards, language: str) -> str:
    """Why no draft could be made, as a sentence."""
    if isinstance(error, NoAwards):
        return translate(error.key, language)
    return error.told_in(language)


def figures_of(round_: Round, language: str) -> dict[str, SaidFigure]:
    """Every figure of a round and how the language says it."""
    figures = compute(round_.rows(), currency=round_.currency)
    return say_all(figures, context=context_of(round_, language))


def draft_release(
    round_: Round, language: str, *, by: User | None, at: datetime
) -> tuple[Release, Draft]:
    """A new release with the round's draft as its first revision.

    It joins the story of the round's other language, if that has no text in this one yet, and then
    follows that version.
    Raises TemplateProblem or NoAwards.
    """
    composed = compose(round_, language)
    programme = round_.programme
    text = Text(
        headline=composed.headline,
        lead=composed.lead,
        body=composed.body,
        about_programme=programme.about(language),
        contacts=[contact.printed(language) for contact in contacts()],
        links=_links_of(round_, language),
    )
    story = _story_for(round_, language, by=by, at=at)
    other = story.releases[0] if story.releases else None
    return begin_release(story, language, text, original=other, by=by, at=at), composed


def begin_release(
    story: Story,
    language: str,
    text: Text,
    *,
    original: Release | None = None,
    by: User | None,
    at: datetime,
) -> Release:
    """A new release of a story, with `text` as its first revision.

    It follows the head of the language version it was made from, if there is one.
    """
    text = text.cleaned()
    release = Release(
        story=story,
        language=language,
        slug=slug_for(plain(text.headline), language),
        state=State.DRAFT,
        created_at=at,
        updated_at=at,
        withdrawn_reason="",
        original_id=original.id if original else None,
        follows_id=original.head_id if original else None,
        search_text=_sought(text),
    )
    db.session.add(release)
    db.session.flush()
    release.head = _revision(release, 1, text, by=by, at=at)
    db.session.flush()
    remember(release, "create", None, by=by, at=at)
    return release


def save(
    release: Release,
    text: Text,
    *,
    base_id: int,
    by: User,
    at: datetime,
    note: str = "",
) -> Revision:
    """Save `text`, which was written on top of revision `base_id`, as the new head.

    Editing voids an approval and leaves live words live. Nothing is written when nothing changed.
    Raises Conflict when somebody saved in between (its facts name the revision now at the head)
    and BadInput without a headline.
    """
    move = find_move(release, Action.EDIT, by=by)
    text = text.cleaned()
    if not plain(text.headline):
        raise BadInput("headline_missing")
    if release.head_id != base_id:
        raise Conflict("saved_meanwhile", revision=release.head_id)
    head = release.head
    if _same(head, text):
        return head
    with db.session.begin_nested():
        revision = _revision(release, head.number + 1, text, by=by, at=at, note=note)
        changes: dict[str, object] = {"head_id": revision.id, "approved_id": None}
        if _follows_headline(release) and not any_open(release, Purpose.EMBARGO, at=at):
            changes["slug"] = slug_for(plain(text.headline), release.language, own=release)
        won = guarded(
            sa.update(Release)
            .where(Release.id == release.id, Release.head_id == base_id)
            .where(Release.state == move.start)
            .values(state=move.end, updated_at=at, search_text=_sought(text))
            .values(publish_at=None, mail_at=None, failure=None, **changes)
        )
        if not won:
            raise Conflict("saved_meanwhile", revision=release.head_id)
    db.session.refresh(release)
    remember(release, Action.EDIT.value, move.start, by=by, at=at)
    _tell_translators(release, by=by, at=at)
    if move.start in (State.APPROVED, State.SCHEDULED, State.FAILED):
        tell_voided(release, base_id, by=by, at=at)
    return revision


def restore(
    release: Release, revision: Revision, *, base_id: int, by: User, at: datetime
) -> Revision:
    """The words of an earlier revision as a new head; raises what `save` raises.

    `base_id` is the head that the person saw.
    """
    note = translate("editing.restored_note", by.language, number=revision.number)
    return save(release, text_of(revision), base_id=base_id, by=by, at=at, note=note)


def contacts() -> list[Contact]:
    """The people printed on new releases, in the order the office has chosen."""
    return list(
        db.session.scalars(
            sa.select(Contact).where(Contact.active).order_by(Contact.position, Contact.id)
        )
    )


def text_of(revision: Revision) -> Text:
    return Text(
        headline=revision.headline,
        lead=revision.lead,
        body=revision.body,
        about_programme=revision.about_programme,
        contacts=list(revision.contacts),
        links=list(revision.links),
        images=list(revision.images),
        documents=list(revision.documents),
    )


def _tell_translators(release: Release, *, by: User, at: datetime) -> None:
    """Let those behind the versions made from it know; once until they follow it again."""
    versions = sa.select(Release).where(
        Release.original_id == release.id, Release.state != State.WITHDRAWN
    )
    for version in db.session.scalars(versions):
        tell(
            concerned(version),
            Kind.ORIGINAL_CHANGED,
            version,
            key=f"original:{version.id}:{version.follows_id}",
            at=at,
            but=by,
        )


def _sought(text: Text) -> str:
    return search_text(text.headline, text.lead, text.body, text.about_programme)


def _same(revision: Revision, text: Text) -> bool:
    return text_of(revision) == text


def _revision(
    release: Release, number: int, text: Text, *, by: User | None, at: datetime, note: str = ""
) -> Revision:
    revision = Revision(
        release_id=release.id,
        number=number,
        headline=text.headline,
        lead=text.lead,
        body=text.body,
        about_programme=text.about_programme,
        contacts=text.contacts,
        links=text.links,
        images=text.images,
        documents=text.documents,
        note=note.strip()[:500],
        author_id=by.id if by else None,
        created_at=at,
    )
    db.session.add(revision)
    try:
        db.session.flush()
    except sa.exc.IntegrityError as error:  # the number is taken: somebody saved just now
        raise Conflict("saved_meanwhile", revision=release.head_id) from error
    return revision


def _story_for(round_: Round, language: str, *, by: User | None, at: datetime) -> Story:
    """The round's newest story, among those `by` sees, that lacks this language; or a new one."""
    taken = sa.exists().where(Release.story_id == Story.id, Release.language == language)
    open_story = db.session.scalar(
        sa.select(Story)
        .where(Story.round_id == round_.id, ~taken, shown_to(by))
        .order_by(Story.id.desc())
        .limit(1)
    )
    return open_story or Story(round=round_, created_at=at)


def _links_of(round_: Round, language: str) -> list[dict[str, str]]:
    url = round_.programme.read_more_url
    return [{"label": round_.programme.title(language), "url": url}] if url else []


def _sender_name(sender: Organisation, language: str) -> str:
    return sender.name(language) if sender.id else ""


def _follows_headline(release: Release) -> bool:
    """Whether the address still changes with the headline: nobody knows it, or has chosen it.

    One that nobody has chosen was made of a headline the release has, or has had.
    """
    if release.published_at is not None:
        return False
    headlines = db.session.scalars(
        sa.select(Revision.headline).where(Revision.release_id == release.id).distinct()
    )
    made = {slug_of(plain(headline)) or "release" for headline in headlines}
    return release.slug in made or re.sub(r"-\d+$", "", release.slug) in made


def slug_for(headline: str, language: str, *, own: Release | None = None, longest: int = 80) -> str:
    """An address for a headline that no release in this language has or is led to from.

    Those of the release itself, `own`, are free to it.
    """
    wanted = slug_of(headline, longest=longest) or "release"
    slugs = sa.select(Release.slug).where(
        Release.language == language, Release.slug.startswith(wanted)
    )
    old = sa.select(OldAddress.path).where(
        OldAddress.path.startswith(f"/{language}/releases/{wanted}")
    )
    if own is not None:
        slugs = slugs.where(Release.id != own.id)
        old = old.where(OldAddress.release_id != own.id)
    paths = db.session.scalars(old)
    taken = {*db.session.scalars(slugs), *(path.rpartition("/")[2] for path in paths)}
    return free_slug(wanted, taken=taken)
