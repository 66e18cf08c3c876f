"""Comments: what is said about a text or a passage of it, and the other words somebody suggests.

A passage is kept as words and found again in every later revision (`review.anchoring`). Accepting
a suggestion saves a revision like any other edit, with everything that follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup, escape
from sqlalchemy.orm import joinedload

from app.core.accounts import User
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import BadInput, Conflict, NotAllowed, NotFound
from app.core.words import translate
from releases.desk.notifying import Kind, tell
from releases.editorial.models import Release, Revision
from releases.editorial.workflow import WRITERS, Action, concerned, find_move
from releases.editorial.writing import save, text_of
from releases.review.anchoring import (
    LONGEST,
    Anchor,
    Found,
    anchor_at,
    find,
    find_exactly,
    highlighted,
    read,
)
from releases.review.models import Comment, Invitation, Outcome
from releases.review.suggesting import replace_passage

PARTS = ("headline", "lead", "body")
EMBEDDED = re.compile(r'<figure data-(image|document|contact)="([0-9]+)"></figure>')
MOST_TEXT = 5000
MOST_FROM_OUTSIDE = 100  # by one invited person: each is told to the writer
MOST_COMMENTS = 500  # of one release, shown and looked for
SETTLED = {
    Outcome.RESOLVED: "resolve",
    Outcome.ACCEPTED: "accept",
    Outcome.REJECTED: "reject",
}  # as the audit log calls it


@dataclass
class Thread:
    """A comment with its answers, and where its passage stands in the text that is shown."""

    comment: Comment
    answers: list[Comment] = field(default_factory=list)
    found: Found | None = None

    @property
    def is_open(self) -> bool:
        return self.comment.outcome is Outcome.OPEN

    @property
    def has_changed(self) -> bool:
        """Whether its words are not as they were in the text that is shown."""
        return bool(self.comment.passage) and (self.found is None or not self.found.is_exact)


@dataclass(frozen=True)
class Commented:
    """A revision with its threads, in the order of their passages, and its parts with marks."""

    threads: list[Thread]
    headline: str
    lead: str
    body: str


def comment(
    release: Release,
    revision: Revision,
    *,
    text: str,
    part: str = "",
    passage: str = "",
    before: str = "",
    after: str = "",
    replacement: str | None = None,
    by: User | None = None,
    invitation: Invitation | None = None,
    at: datetime,
) -> Comment:
    """Say something about a revision, or about a passage of it. `replacement` suggests other words.

    The passage is plain words out of `part`, or of whichever part has them when none is named.
    Raises BadInput when nothing is said, the words are not in the text, or the suggestion could
    not be made there.
    """
    text, passage = _said(text), passage.strip()
    if not text and replacement is None:
        raise BadInput("comment_missing")
    if replacement is not None and not passage:
        raise BadInput("suggestion_without_passage")
    if invitation is not None and _count_by(invitation) >= MOST_FROM_OUTSIDE:
        raise BadInput("too_many_comments")
    kept = Anchor("")
    if passage:
        part, kept = _anchored(revision, part, Anchor(passage[: LONGEST + 1], before, after))
    if replacement is not None:
        _try(revision, part, kept, replacement)
    made = Comment(
        release_id=release.id,
        revision_id=revision.id,
        part=part if passage else "",
        passage=kept.passage,
        before=kept.before,
        after=kept.after,
        text=text,
        replacement=replacement.strip() if replacement is not None else None,
        author=by,
        invitation=invitation,
        created_at=at,
        outcome=Outcome.OPEN,
    )
    db.session.add(made)
    db.session.flush()
    kind = Kind.COMMENT if replacement is None else Kind.SUGGESTION
    _tell(release, made, kind, concerned(release), by=by, invitation=invitation, at=at)
    return made


def answer(about: Comment, *, text: str, by: User, at: datetime) -> Comment:
    """Answer a comment. Told to all who have said something in its thread."""
    first = db.session.get_one(Comment, about.parent_id) if about.parent_id else about
    text = _said(text)
    if not text:
        raise BadInput("comment_missing")
    made = Comment(
        release_id=first.release_id,
        revision_id=first.revision_id,
        parent_id=first.id,
        text=text,
        author=by,
        created_at=at,
        outcome=Outcome.OPEN,
    )
    db.session.add(made)
    db.session.flush()
    release = db.session.get_one(Release, first.release_id)
    authors = db.session.scalars(
        sa.select(User)
        .join(Comment, Comment.author_id == User.id)
        .where(sa.or_(Comment.id == first.id, Comment.parent_id == first.id))
        .distinct()
    )
    people = [*concerned(release), *authors]
    _tell(release, made, Kind.COMMENT, people, by=by, invitation=None, at=at)
    return made


def resolve(about: Comment, *, by: User, at: datetime) -> None:
    """It is dealt with. Raises Conflict when somebody has settled it already."""
    _settle(about, Outcome.RESOLVED, by=by, at=at)


def reopen(about: Comment, *, by: User, at: datetime) -> None:
    """It is not, after all. Raises Conflict when it is open, or its suggestion was accepted."""
    won = guarded(
        sa.update(Comment)
        .where(
            Comment.id == about.id,
            Comment.outcome.in_([Outcome.RESOLVED, Outcome.REJECTED]),
        )
        .values(outcome=Outcome.OPEN, settled_by_id=None, settled_at=None)
    )
    if not won:
        raise Conflict("comment_settled")
    db.session.refresh(about)
    _record("reopen", about, by=by, at=at)


def accept(about: Comment, *, by: User, at: datetime) -> Revision:
    """Put the suggested words into the text, as a new revision.

    Raises what `writing.save` raises, Conflict when the passage has changed or somebody settled
    the suggestion first; it then stays open.
    """
    release = _suggestion_of(about)
    find_move(release, Action.EDIT, by=by)
    head = release.head
    changed: dict[str, Any] = {
        about.part: _replaced(head, about.part, _anchor(about), about.replacement or "")
    }
    note = translate("review.accepted_note", by.language, name=name_of(about))
    _settle(about, Outcome.ACCEPTED, by=by, at=at)
    text = replace(text_of(head), **changed)
    revision = save(release, text, base_id=head.id, by=by, at=at, note=note)
    _tell_settled(release, about, by=by, at=at)
    return revision


def reject(about: Comment, *, by: User, at: datetime) -> None:
    """Leave the text as it is. For those who may write it."""
    release = _suggestion_of(about)
    if not by.may(*WRITERS):
        raise NotAllowed("role")
    _settle(about, Outcome.REJECTED, by=by, at=at)
    _tell_settled(release, about, by=by, at=at)


def comment_on(release: Release, comment_id: int) -> Comment:
    """One of this release's own comments. Raises NotFound."""
    found = db.session.get(Comment, comment_id)
    if found is None or found.release_id != release.id:
        raise NotFound("no_such_comment")
    return found


def commented(
    release: Release, revision: Revision, *, of: Invitation | None = None, shown: Any = None
) -> Commented:
    """A revision as it reads, with all that has been said about the release.

    Threads about a passage come in the text's order, then those whose passage has changed, then
    the general ones. `of` leaves only what one invited person has said. `shown` has the parts
    where they are already marked for something else.
    """
    threads = _threads(release, of=of)
    parts = {part: str(getattr(shown or revision, part)) for part in PARTS}
    words = {part: read(markup).text for part, markup in parts.items()}
    for thread in threads:
        if thread.comment.passage:
            thread.found = find(words[thread.comment.part], _anchor(thread.comment))
    marked: dict[str, Any] = {
        part: highlighted(
            parts[part],
            [
                (one.comment.id, one.found)
                for one in threads
                if one.comment.part == part and one.found is not None and one.is_open
            ],
        )
        for part in PARTS
    }
    marked["body"] = _with_names(marked["body"], revision)
    return Commented(sorted(threads, key=_place), **marked)


def for_editor(release: Release) -> list[dict[str, Any]]:
    """What is still open about passages, for the editing page: plain words and where they stood."""
    return [
        {
            "id": one.id,
            "part": one.part,
            "passage": one.passage,
            "before": one.before,
            "after": one.after,
            "text": one.text
            or translate("review.suggests", release.language, words=one.replacement or ""),
            "author": name_of(one),
        }
        for one in (thread.comment for thread in _threads(release))
        if one.passage and one.outcome is Outcome.OPEN
    ]


def panel(release: Release, person: User) -> dict[str, Any]:
    """What the page of a release shows of what has been said about it."""
    threads = _threads(release)
    still_open = [one for one in threads if one.is_open]
    return {
        "open_comments": [one.comment for one in still_open][-5:],
        "open_comment_count": len(still_open),
        "comment_count": len(threads),
        "name_of_author": name_of,
    }


def name_of(about: Comment) -> str:
    """Who said it."""
    if about.author is not None:
        return about.author.name
    return about.invitation.name if about.invitation is not None else ""


def _threads(release: Release, *, of: Invitation | None = None) -> list[Thread]:
    query = (
        sa.select(Comment)
        .where(Comment.release_id == release.id)
        .options(
            joinedload(Comment.author),
            joinedload(Comment.invitation),
            joinedload(Comment.settled_by),
            joinedload(Comment.revision),
        )
        .order_by(Comment.id.desc())
        .limit(MOST_COMMENTS)
    )
    if of is not None:
        query = query.where(Comment.invitation_id == of.id)
    comments: Sequence[Comment] = sorted(db.session.scalars(query), key=lambda one: one.id)
    threads = {one.id: Thread(one) for one in comments if one.parent_id is None}
    for one in comments:
        if one.parent_id in threads:
            threads[one.parent_id].answers.append(one)
    return list(threads.values())


def _with_names(markup: Markup, revision: Revision) -> Markup:
    """What is embedded, by its caption, title or name: a reader should know that it is there."""
    printed = {
        "image": revision.images,
        "document": revision.documents,
        "contact": revision.contacts,
    }

    def named(figure: re.Match[str]) -> str:
        one = next((one for one in printed[figure[1]] if str(one["id"]) == figure[2]), {})
        name = one.get("caption") or one.get("title") or one.get("name") or one.get("filename", "")
        return f"<figure><figcaption>▣ {escape(name)}</figcaption></figure>"

    return Markup(EMBEDDED.sub(named, markup))  # noqa: S704 cleaned HTML, the names escaped


def _place(thread: Thread) -> tuple[int, int, int]:
    if thread.found is not None:
        return PARTS.index(thread.comment.part), thread.found.start, thread.comment.id
    return (len(PARTS) if thread.comment.passage else len(PARTS) + 1), 0, thread.comment.id


def _count_by(invitation: Invitation) -> int:
    query = sa.select(sa.func.count()).where(Comment.invitation_id == invitation.id)
    return db.session.scalar(query) or 0


def _anchored(revision: Revision, part: str, wanted: Anchor) -> tuple[str, Anchor]:
    """The part that has the words, and what to keep of them."""
    if len(wanted.passage) > LONGEST:
        raise BadInput("passage_too_long", n=LONGEST)
    for name in [part] if part in PARTS else PARTS:
        text = read(getattr(revision, name)).text
        found = find_exactly(text, wanted) or find_exactly(text, Anchor(wanted.passage))
        if found is not None:
            return name, anchor_at(text, found.start, found.end)
    raise BadInput("passage_unknown")


def _try(revision: Revision, part: str, anchor: Anchor, replacement: str) -> None:
    if _same_words(anchor.passage, replacement):
        raise BadInput("suggestion_changes_nothing")
    _replaced(revision, part, anchor, replacement)


def _replaced(revision: Revision, part: str, anchor: Anchor, replacement: str) -> str:
    return replace_passage(
        getattr(revision, part), anchor.passage, anchor.before, anchor.after, replacement
    )


def _same_words(one: str, other: str) -> bool:
    return one.split() == other.split()


def _anchor(about: Comment) -> Anchor:
    return Anchor(about.passage, about.before, about.after)


def _said(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MOST_TEXT:
        raise BadInput("comment_too_long", n=MOST_TEXT)
    return text


def _suggestion_of(about: Comment) -> Release:
    if about.replacement is None:
        raise BadInput("no_suggestion")
    return db.session.get_one(Release, about.release_id)


def _settle(about: Comment, outcome: Outcome, *, by: User, at: datetime) -> None:
    won = guarded(
        sa.update(Comment)
        .where(Comment.id == about.id, Comment.outcome == Outcome.OPEN)
        .values(outcome=outcome, settled_by_id=by.id, settled_at=at)
    )
    if not won:
        raise Conflict("comment_settled")
    db.session.refresh(about)
    _record(SETTLED[outcome], about, by=by, at=at)


def _record(act: str, about: Comment, *, by: User, at: datetime) -> None:
    release = db.session.get_one(Release, about.release_id)
    title = release.head.title
    record(f"comment.{act}", "release", release.id, title=title, by=by, at=at, name=name_of(about))


def _tell(
    release: Release,
    made: Comment,
    kind: Kind,
    people: Sequence[User | None],
    *,
    by: User | None,
    invitation: Invitation | None,
    at: datetime,
) -> None:
    tell(
        people,
        kind,
        release,
        key=f"comment:{made.id}",
        at=at,
        but=by,
        path=_path(release, made),
        who=by.name if by else invitation.name if invitation else "",
        text=made.text[:300],
    )


def _tell_settled(release: Release, about: Comment, *, by: User, at: datetime) -> None:
    settled = f"{about.id}:{at.isoformat()}"  # it may be reopened and settled anew
    tell(
        [about.author],
        Kind.SUGGESTION_SETTLED,
        release,
        key=f"suggestion:{settled}",
        at=at,
        but=by,
        path=_path(release, about),
        who=by.name,
    )


def _path(release: Release, about: Comment) -> str:
    return f"/office/releases/{release.id}/read#comment-{about.parent_id or about.id}"
