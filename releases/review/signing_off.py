"""The word of those quoted: a quote is put to its speaker, and what they answer is kept.

An answer is of words and a name, known by their fingerprint (`quotes.fingerprint`), so that it
holds for exactly those and nobody has to void anything. There is one sign-off for each wording of a
release; who is asked about it comes in by an invitation. Taking over the words that somebody would
rather have said: `taking_over`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import current_app, render_template
from sqlalchemy.orm import joinedload

from app.core.accounts import Role, User, normal_email
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, guarded
from app.core.errors import BadInput, Conflict, NotFound, NotNow
from app.core.formats import date_line, long_date
from app.core.organisation import organisation
from app.core.words import LANGUAGES, translate
from app.core.words.language import interface_language
from releases.desk.notifying import Kind, tell
from releases.editorial.models import Contact, Release, Revision, State
from releases.review.inviting import invite, is_open, revoke, sealing, token_of
from releases.review.models import Answer, Invitation, Purpose, SignOff
from releases.review.quotes import Quote, bare, fingerprint, following, quotes_in
from subscribers.mailings.writing.queueing import queue_letter, secret_url

ANSWER_WITHIN = timedelta(days=14)
LONGEST_WORDS = 5000
LONGEST_NOTE = 2000
MOST_HANDS = 3  # how often a question may be passed on
ASKERS = (Role.WRITER, Role.EDITOR)


class Standing(StrEnum):
    """How far a quote has come. Only an approved one is signed."""

    APPROVED = "approved"
    EDITED = "edited"  # its speaker approves other words, which the writer has not taken over
    DECLINED = "declined"
    PENDING = "pending"
    UNASKED = "unasked"


@dataclass(frozen=True)
class Sheet:
    """What somebody who follows their link is asked.

    `quote` is what stands in the text now, None when nothing of theirs does; `is_changed` says that
    it is not what they were asked or answered about. `passed_to` is who answers instead of them.
    """

    invitation: Invitation
    sign_off: SignOff | None
    quote: Quote | None
    standing: Standing
    is_changed: bool = False
    is_closed: bool = False
    passed_to: str = ""


@dataclass(frozen=True)
class Panel:
    """One quote on the page of a release. `link` is secret; `name` and `email` fill the form."""

    quote: Quote
    sign_off: SignOff | None
    standing: Standing
    link: str = ""
    is_open: bool = False
    is_closed: bool = False
    name: str = ""
    email: str = ""


def ask(
    release: Release, quote: Quote, *, name: str, email: str, by: User, at: datetime
) -> SignOff:
    """Put a quote to its speaker: an invitation of fourteen days and a letter with its link.

    Asking the same person again sends the same link once more; asking another takes the first
    one's link away. Raises BadInput without a name or an address, NotNow when the quote is signed
    or public already.
    """
    _stop_if_closed(release, quote.fingerprint)
    known = _deciding(_known(release, {quote.fingerprint}), quote.fingerprint)
    if standing(known, quote.fingerprint) is Standing.APPROVED:
        raise NotNow("quote_signed")
    sign_off = _sign_off_of(release, quote, by=by, at=at)
    invitation = sign_off.invitation
    is_same = invitation is not None and invitation.email == normal_email(email)
    if invitation is None or not is_same or not is_open(invitation, at=at):
        if invitation is not None and is_open(invitation, at=at):
            revoke(invitation, by=by, at=at)
        invitation = invite(
            release,
            Purpose.SIGN_OFF,
            name=name,
            email=email,
            expires_at=at + ANSWER_WITHIN,
            by=by,
            at=at,
        )
        sign_off.invitation = invitation
    if not is_same:
        _forget_answer(sign_off)
    sign_off.asked_by, sign_off.asked_at = by, at
    record(
        "quote.ask",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        name=invitation.name,
        words=quote.words,
    )
    db.session.flush()
    write_to(sign_off, "quote", at=at)
    return sign_off


def answer(
    sign_off: SignOff,
    said: Answer,
    *,
    words: str = "",
    note: str = "",
    recorded_by: User | None = None,
    at: datetime,
) -> SignOff:
    """What the speaker says about their quote: yes, other `words`, or no with the reason in `note`.

    Other words are held to be approved with this. They may change their mind until the quote is
    public; the audit log keeps each answer. `recorded_by` writes down an answer given by phone or
    in person, and `note` then says how. Raises BadInput for what is missing, NotNow when the quote
    is public, Conflict when another answer came in between.
    """
    note = note.strip()
    if len(words) > LONGEST_WORDS or len(note) > LONGEST_NOTE:
        raise BadInput("quote_too_long", words=LONGEST_WORDS, note=LONGEST_NOTE)
    if recorded_by is not None and not note:
        raise BadInput("quote_how_missing")
    proposed = bare(words) if said is Answer.EDITED else ""
    if said is Answer.EDITED and not proposed:
        raise BadInput("quote_words_missing")
    if said is Answer.DECLINED and not note:
        raise BadInput("quote_reason_missing")
    changed = fingerprint(proposed, sign_off.attribution) if proposed else None
    if changed == sign_off.fingerprint:
        said, proposed, changed = Answer.APPROVED, "", None
    release = sign_off.release
    _stop_if_closed(release, sign_off.fingerprint, sign_off.proposed_fingerprint)
    won = guarded(
        sa.update(SignOff)
        .where(
            SignOff.id == sign_off.id,
            SignOff.answer == sign_off.answer,
            SignOff.answered_at.is_not_distinct_from(sign_off.answered_at),
            SignOff.invitation_id.is_not_distinct_from(sign_off.invitation_id),
        )
        .values(
            answer=said,
            proposed=proposed,
            proposed_fingerprint=changed,
            note=note,
            answered_at=at,
            recorded_by_id=recorded_by.id if recorded_by else None,
        )
    )
    if not won:
        raise Conflict("quote_answered_meanwhile")
    db.session.refresh(sign_off)
    _remember(sign_off, at=at)
    return sign_off


def record_answer(
    release: Release,
    quote: Quote,
    said: Answer,
    *,
    words: str = "",
    how: str,
    by: User,
    at: datetime,
) -> SignOff:
    """Write down what the speaker has said by phone or in person, asked before or not.

    Raises what `answer` raises.
    """
    if said is Answer.PENDING:
        raise BadInput("quote_answer_missing")
    _stop_if_closed(release, quote.fingerprint)
    sign_off = _sign_off_of(release, quote, by=by, at=at)
    return answer(sign_off, said, words=words, note=how, recorded_by=by, at=at)


def pass_on(sign_off: SignOff, *, name: str, email: str, at: datetime) -> SignOff:
    """Let another person answer instead: the one asked hands it over, and their link with it.

    Raises BadInput for an address that is none or their own, NotNow once it is answered or has
    gone through too many hands, Conflict when something else came in between.
    """
    release, old = sign_off.release, sign_off.invitation
    assert old is not None  # only who was invited can pass on
    _stop_if_closed(release, sign_off.fingerprint)
    if normal_email(email) == old.email:
        raise BadInput("quote_passed_to_oneself")
    if sign_off.answer is not Answer.PENDING:
        raise NotNow("quote_answered_already")
    if _hands(old) >= MOST_HANDS:
        raise NotNow("quote_passed_on_enough", n=MOST_HANDS)
    new = invite(
        release,
        Purpose.SIGN_OFF,
        name=name,
        email=email,
        language=old.language,
        expires_at=at + ANSWER_WITHIN,
        delegated_from=old,
        by=None,
        at=at,
    )
    won = guarded(
        sa.update(SignOff)
        .where(
            SignOff.id == sign_off.id,
            SignOff.invitation_id == old.id,
            SignOff.answer == Answer.PENDING,
        )
        .values(invitation_id=new.id)
    )
    if not won:
        raise Conflict("quote_answered_meanwhile")
    db.session.refresh(sign_off)
    record(
        "quote.pass_on",
        "release",
        release.id,
        title=release.head.title,
        by=None,
        actor=old.name,
        at=at,
        name=new.name,
        words=sign_off.words,
    )
    write_to(sign_off, "quote", at=at)
    _tell(sign_off, who=old.name, key=f"quote:{sign_off.id}:to:{new.id}", at=at)
    return sign_off


def standing(sign_off: SignOff | None, print_: str) -> Standing:
    """What a sign-off says of the words with that fingerprint."""
    if sign_off is None:
        return Standing.UNASKED
    match sign_off.answer:
        case Answer.APPROVED:
            return Standing.APPROVED
        case Answer.DECLINED:
            return Standing.DECLINED
        case Answer.EDITED if sign_off.proposed_fingerprint == print_:
            return Standing.APPROVED
        case Answer.EDITED:
            return Standing.EDITED
        case _ if sign_off.invitation_id is None:
            return Standing.UNASKED
    return Standing.PENDING


def states(release: Release, revision: Revision) -> list[tuple[Quote, SignOff | None, Standing]]:
    """Every quote of a revision, in its order, with the sign-off that speaks of it. One query."""
    quotes = quotes_in(revision.body)
    known = _known(release, {quote.fingerprint for quote in quotes})
    found = []
    for quote in quotes:
        sign_off = _deciding(known, quote.fingerprint)
        found.append((quote, sign_off, standing(sign_off, quote.fingerprint)))
    return found


def unsigned(release: Release, revision: Revision) -> list[tuple[Quote, SignOff | None, Standing]]:
    """The quotes of a revision whose speakers have not approved them as they stand."""
    return [one for one in states(release, revision) if one[2] is not Standing.APPROVED]


def for_editor(release: Release) -> list[dict[str, str]]:
    """What the editing page shows beside quotes: `words` and who they are `by` as they stand there,
    the `state`, and a `text` about it in the language of the page.

    Every wording that has been answered about is in it, so that one brought back is known at once.
    """
    rows = db.session.scalars(_sign_offs(release).order_by(SignOff.asked_at, SignOff.id)).all()
    told = []
    for row in rows:
        told.append(_told(row.words, row.attribution, row, standing(row, row.fingerprint)))
        if row.proposed_fingerprint:
            told.append(_told(row.proposed, row.attribution, row, Standing.APPROVED))
    for quote, sign_off, state in states(release, release.head):
        if sign_off is not None:
            told.append(_told(quote.written, quote.by, sign_off, state))
    return told


def panel(release: Release, person: User) -> dict[str, Any]:
    """What the page of a release needs for its part about quotes."""
    at, may_ask = now(), person.may(*ASKERS)
    found = states(release, release.head)
    known = _addresses([quote.speaker for quote, _, _ in found]) if may_ask else {}
    public = _public_prints(release)
    panels = []
    for quote, sign_off, state in found:
        invitation = sign_off.invitation if sign_off else None
        is_live = invitation is not None and is_open(invitation, at=at)
        panels.append(
            Panel(
                quote,
                sign_off,
                state,
                link=link_of(invitation) if invitation and is_live and may_ask else "",
                is_open=is_live,
                is_closed=quote.fingerprint in public,
                name=invitation.name if invitation else quote.speaker,
                email=invitation.email if invitation else known.get(_folded(quote.speaker), ""),
            )
        )
    return {
        "quotes": panels,
        "quotes_unsigned": sum(one.standing is not Standing.APPROVED for one in panels),
        "may_ask": may_ask and release.state is not State.WITHDRAWN,
    }


def quote_of(release: Release, print_: str) -> Quote:
    """The quote of the head with that fingerprint. Raises Conflict when it has been changed."""
    for quote in quotes_in(release.head.body):
        if quote.fingerprint == print_:
            return quote
    raise Conflict("quote_changed")


def sign_off_by_id(release: Release, sign_off_id: int) -> SignOff:
    """One of this release's own. Raises NotFound."""
    found = db.session.scalar(_sign_offs(release).where(SignOff.id == sign_off_id))
    if found is None:
        raise NotFound("no_such_quote")
    return found


def sheet(invitation: Invitation) -> Sheet:
    """What there is to answer for somebody who was invited to sign off a quote. Reads only."""
    release = invitation.release
    heir = db.session.scalar(
        sa.select(Invitation.name).where(Invitation.delegated_from_id == invitation.id).limit(1)
    )
    sign_off = db.session.scalar(
        sa.select(SignOff)
        .where(SignOff.invitation_id == invitation.id)
        .order_by(SignOff.id.desc())
        .limit(1)
    )
    if heir or sign_off is None or release.state is State.WITHDRAWN:
        return Sheet(invitation, None, None, Standing.UNASKED, passed_to=heir or "")
    quotes = quotes_in(release.head.body)
    public = _public_prints(release)
    for print_ in (sign_off.fingerprint, sign_off.proposed_fingerprint):
        for quote in quotes:
            if quote.fingerprint == print_:
                state = standing(sign_off, print_)
                return Sheet(
                    invitation, sign_off, quote, state, is_closed=quote.fingerprint in public
                )
    now_there = following(quotes, sign_off.proposed or sign_off.words, sign_off.attribution)
    if now_there is None:
        return Sheet(invitation, sign_off, None, standing(sign_off, sign_off.fingerprint))
    other = _deciding(_known(release, {now_there.fingerprint}), now_there.fingerprint)
    return Sheet(
        invitation,
        sign_off,
        now_there,
        standing(other, now_there.fingerprint) if other else Standing.PENDING,
        is_changed=True,
        is_closed=now_there.fingerprint in public,
    )


def asked_about(paper: Sheet, print_: str, *, at: datetime) -> SignOff:
    """The sign-off that an answer about the words with that fingerprint belongs to. No commit.

    For words that have changed since the person was asked it is a new one. Raises Conflict when
    those are no longer the words of the text.
    """
    if paper.quote is None or paper.sign_off is None or paper.quote.fingerprint != print_:
        raise Conflict("quote_changed")
    if print_ == paper.sign_off.fingerprint:
        return paper.sign_off
    release = paper.invitation.release
    sign_off = _sign_off_of(
        release, paper.quote, invitation=paper.invitation, by=paper.sign_off.asked_by, at=at
    )
    sign_off.invitation = paper.invitation
    db.session.flush()
    return sign_off


def link_of(invitation: Invitation) -> str:
    """The address that the letter holds, for sending it in another way."""
    return f"{current_app.config['BASE_URL']}/quote/{token_of(invitation)}"


def write_to(sign_off: SignOff, letter: str, *, at: datetime) -> None:
    """A letter to who is asked, in both languages, the release's first.

    `letter` says which: the question (`quote`) or a reminder (`quote_reminder`). Asking again
    within the same minute writes once.
    """
    invitation, release = sign_off.invitation, sign_off.release
    assert invitation is not None
    first, zone = release.language, organisation().time_zone
    words = {
        "words": translate,
        "asks": {
            one: translate(
                f"quotes.mail.text.{letter}",
                one,
                sender=organisation().name(one),
                asker=sign_off.asked_by.name if sign_off.asked_by else "",
            )
            for one in LANGUAGES
        },
        "languages": [first, *(other for other in LANGUAGES if other != first)],
        "language": first,
        "sender": organisation().name(first),
        "organisation": organisation(),
        "passed_by": invitation.delegated_from.name if invitation.delegated_from else "",
        "name": invitation.name,
        "quote": sign_off,
        "until": {one: long_date(invitation.expires_at, one, zone) for one in LANGUAGES},
        "planned": {one: date_line(release.publish_at, one, zone) for one in LANGUAGES}
        if release.publish_at
        else None,
        "url": secret_url("quote/"),
        "reply_to": organisation().press_email,
    }
    queue_letter(
        key=f"{letter}:{invitation.id}:{at:%Y%m%d%H%M}",
        to=invitation.email,
        language=first,
        subject=translate(f"quotes.mail.subject.{letter}", first, sender=words["sender"]),
        text=render_template("mail/quote/body.txt", **words),
        html=render_template("mail/quote/body.html", **words),
        at=at,
        sealed_from=sealing(invitation),
    )


def _sign_offs(release: Release) -> sa.Select[SignOff]:
    return (
        sa.select(SignOff)
        .where(SignOff.release_id == release.id)
        .options(
            joinedload(SignOff.invitation).joinedload(Invitation.delegated_from),
            joinedload(SignOff.asked_by),
            joinedload(SignOff.recorded_by),
        )
    )


def _known(release: Release, prints: set[str]) -> list[SignOff]:
    if not prints:
        return []
    same = sa.or_(SignOff.fingerprint.in_(prints), SignOff.proposed_fingerprint.in_(prints))
    return list(db.session.scalars(_sign_offs(release).where(same)))


def _deciding(known: Iterable[SignOff], print_: str) -> SignOff | None:
    """The one that speaks of a wording: the latest answer, else the latest question."""
    theirs = [one for one in known if print_ in (one.fingerprint, one.proposed_fingerprint)]
    return max(
        theirs,
        key=lambda one: (one.answered_at is not None, one.answered_at or one.asked_at, one.id),
        default=None,
    )


def _sign_off_of(
    release: Release,
    quote: Quote,
    *,
    invitation: Invitation | None = None,
    by: User | None,
    at: datetime,
) -> SignOff:
    """The sign-off of exactly these words, a new one when nobody has asked yet.

    With an `invitation` not one that somebody else has been asked to give. The release's row is
    locked meanwhile, so that two who ask at once share one.
    """
    db.session.execute(sa.select(Release.id).where(Release.id == release.id).with_for_update())
    theirs = (None, invitation.id) if invitation else None
    for known in sorted(_known(release, {quote.fingerprint}), key=lambda one: -one.id):
        if known.fingerprint == quote.fingerprint and (
            theirs is None or known.invitation_id in theirs
        ):
            return known
    made = SignOff(
        release=release,
        revision_id=release.head_id,
        fingerprint=quote.fingerprint,
        words=quote.words,
        attribution=quote.attribution[:500],
        asked_by=by,
        asked_at=at,
        answer=Answer.PENDING,
        proposed="",
        note="",
    )
    db.session.add(made)
    db.session.flush()
    return made


def _forget_answer(sign_off: SignOff) -> None:
    """Somebody else is asked now; what was answered before stands in the audit log."""
    sign_off.answer = Answer.PENDING
    sign_off.proposed, sign_off.proposed_fingerprint, sign_off.note = "", None, ""
    sign_off.answered_at, sign_off.recorded_by = None, None


def _public_prints(release: Release) -> set[str]:
    if not release.is_public or release.live is None:
        return set()
    return {quote.fingerprint for quote in quotes_in(release.live.body)}


def _stop_if_closed(release: Release, *prints: str | None) -> None:
    if release.state is State.WITHDRAWN:
        raise NotNow("not_while_withdrawn")
    if _public_prints(release) & set(prints):
        raise NotNow("quote_is_public")


def _hands(invitation: Invitation) -> int:
    count, one = 0, invitation
    while one.delegated_from is not None:
        count, one = count + 1, one.delegated_from
    return count


def _remember(sign_off: SignOff, *, at: datetime) -> None:
    """The answer into the audit log, and to the desks of those it concerns."""
    release, by = sign_off.release, sign_off.recorded_by
    who = sign_off.invitation.name if sign_off.invitation else _name(sign_off.attribution)
    facts: dict[str, Any] = {"name": who, "words": sign_off.words}
    facts |= {"proposed": sign_off.proposed} if sign_off.proposed else {}
    facts |= {"note": sign_off.note} if sign_off.note else {}
    given: dict[str, Any] = {"title": release.head.title, "at": at, **facts}
    match sign_off.answer:
        case said if by is not None:
            record("quote.record", "release", release.id, by=by, said=said.value, **given)
        case Answer.APPROVED:
            record("quote.approve", "release", release.id, by=None, actor=who, **given)
        case Answer.EDITED:
            record("quote.edit", "release", release.id, by=None, actor=who, **given)
        case _:
            record("quote.decline", "release", release.id, by=None, actor=who, **given)
    _tell(
        sign_off,
        who=who,
        key=f"quote:{sign_off.id}:{at.isoformat()}",
        at=at,
        but=by,
        reason=sign_off.note if sign_off.answer is Answer.DECLINED else sign_off.proposed,
    )


def _tell(
    sign_off: SignOff,
    *,
    who: str,
    key: str,
    at: datetime,
    but: User | None = None,
    reason: str = "",
) -> None:
    release = sign_off.release
    tell(
        [release.head.author, release.submitted_by, sign_off.asked_by],
        Kind.QUOTE_ANSWERED,
        release,
        key=key,
        at=at,
        but=but,
        path=f"/office/releases/{release.id}#quotes",
        who=who,
        **({"reason": reason} if reason else {}),
    )


def _told(words: str, by: str, sign_off: SignOff, state: Standing) -> dict[str, str]:
    language = interface_language()
    moment = sign_off.answered_at or sign_off.asked_at
    name = sign_off.invitation.name if sign_off.invitation else _name(sign_off.attribution)
    text = f"{name}, {long_date(moment, language, organisation().time_zone)}"
    if state is Standing.EDITED:
        text = translate("quotes.rather", language, name=name, words=sign_off.proposed)
    return {"words": words, "by": by, "state": state.value, "text": text}


def _addresses(speakers: list[str]) -> dict[str, str]:
    """The addresses that people of these names have been asked at before, or have as contacts."""
    names = {_folded(name) for name in speakers if name}
    if not names:
        return {}
    contacts = db.session.execute(
        sa.select(Contact.name, Contact.email).where(Contact.active, Contact.email != "")
    )
    known = {_folded(name): email for name, email in contacts if _folded(name) in names}
    asked = db.session.execute(
        sa.select(Invitation.name, Invitation.email)
        .where(Invitation.purpose == Purpose.SIGN_OFF, Invitation.name.in_(speakers))
        .order_by(Invitation.id.desc())
        .limit(50)
    ).all()
    return known | {_folded(name): email for name, email in reversed(asked)}


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _name(attribution: str) -> str:
    return attribution.partition(",")[0].strip()
