"""Corrections: what goes live, who gets it by mail, and what is on record of both."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotNow
from releases.desk.models import Notification
from releases.editorial import workflow
from releases.editorial.correcting import mail_correction, reach
from releases.editorial.models import Change, Release, State
from releases.editorial.noting import proposed_note, wrong_since
from releases.editorial.publications import publications, readable, versions
from releases.review.inviting import invite, visit
from releases.review.models import Purpose
from subscribers.audience import subscribing
from subscribers.audience.erasing import erase
from subscribers.audience.models import EndedReason
from subscribers.mailings.models import Mailing, MailingKind, MailingState
from subscribers.mailings.sending.materialising import materialise
from tests import factories
from tests.factories import A_MORNING
from tests.postoffice import PostOffice
from tests.releases.editorial.after import (
    AN_HOUR,
    NOTE,
    approved,
    corrected,
    history,
    mailings,
    postpone,
    published,
    to_readers,
)
from tests.subscribers.mailings.cast import send_all, states, subscriber, subscribers


def test_a_correction_tells_those_who_got_the_wrong_words_and_no_others(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    names = ("sent", "late", "left", "bounced", "erased", "deferred")
    people = {name: subscriber(f"{name}@news.example") for name in names}
    release = published(writer, editor)
    while materialise(at=now()):
        pass
    postpone("late@news.example", until=now() + timedelta(hours=1))
    post.at_rcpt = lambda address: {
        "bounced@news.example": "550 5.1.1 no such user",
        "deferred@news.example": "451 4.7.1 later",
    }.get(address)
    send_all()
    subscribing.end(people["left"], reason=EndedReason.ONE_CLICK, at=now())
    erase("erased@news.example", at=now())
    db.session.commit()
    post.at_rcpt = lambda _: None
    post.letters.clear()

    corrected(db.session.get_one(Release, release.id), writer, editor)
    send_all()

    right = " ".join(db.session.get_one(Release, release.id).head.title.split())
    assert to_readers(post) == {
        "sent@news.example": [f"Rättelse: {right}"],
        "late@news.example": [right],
        "deferred@news.example": [right],
    }
    texts = [one.text for one in post.letters if one.to.endswith("@news.example")]
    assert all("2\u00a0750\u00a0000\u00a0kronor" in text for text in texts)
    assert not any("2\u00a0650\u00a0000\u00a0kronor" in text for text in texts)


def test_the_mail_opens_with_what_was_wrong_and_holds_the_right_text_whole(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(1)
    release = published(writer, editor)
    send_all()
    post.letters.clear()

    corrected(db.session.get_one(Release, release.id), writer, editor)
    send_all()

    [letter] = post.to("reader0@news.example")
    opening = f"Rättelse 23 november 2026 kl. 10.00: {NOTE}"
    assert letter.text.startswith(opening)
    assert letter.message["Subject"].startswith("Rättelse: ")
    assert "2\u00a0750\u00a0000\u00a0kronor" in letter.text.partition("* * *")[2]
    assert "Rättelse 23 november 2026 kl. 10.00:" in letter.html
    assert letter.message["List-Unsubscribe"]


def test_publishing_a_correction_twice_is_one_correction(
    app: Flask, writer: User, editor: User
) -> None:
    subscribers(1)
    release = corrected(published(writer, editor), writer, editor)

    with pytest.raises(NotNow):
        workflow.publish(release, by=editor, at=A_MORNING, change=Change.CORRECTION, note=NOTE)

    assert len(mailings(MailingKind.CORRECTION)) == 1
    assert len(history(release)) == 2


def test_of_two_who_publish_a_correction_at_once_one_wins(
    app: Flask, writer: User, editor: User
) -> None:
    subscribers(1)
    release = approved(published(writer, editor), writer, editor)
    assert release.state is State.APPROVED  # as the second person's page has it
    db.session.execute(
        sa.update(Release)
        .values(state=State.PUBLISHED, live_id=Release.head_id)
        .execution_options(synchronize_session=False)
    )

    with pytest.raises(Conflict):
        workflow.publish(release, by=editor, at=A_MORNING, change=Change.CORRECTION, note=NOTE)

    assert mailings(MailingKind.CORRECTION) == []


def test_rolled_back_a_correction_has_stopped_nothing(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(2)
    release = approved(published(writer, editor), writer, editor)
    workflow.publish(release, by=editor, at=A_MORNING, change=Change.CORRECTION, note=NOTE)
    db.session.rollback()

    send_all()

    assert len(to_readers(post)) == 2
    assert len(mailings()) == 1


def test_a_second_correction_reaches_those_who_got_either_wrong_version_once(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    """One got the first version only, one the first correction too, one nothing but the text that
    came with the first correction."""
    subscribers(3)
    release = published(writer, editor)
    release_id = release.id
    while materialise(at=now()):
        pass
    postpone("reader2@news.example", until=now() + timedelta(hours=1))
    send_all()
    corrected(db.session.get_one(Release, release_id), writer, editor)
    post.at_rcpt = lambda address: "451 later" if address.startswith("reader0") else None
    send_all()
    post.at_rcpt = lambda _: None
    post.letters.clear()

    corrected(
        db.session.get_one(Release, release_id), writer, editor, total="2850000", note="Igen."
    )
    send_all()

    found = to_readers(post)
    assert sorted(found) == [f"reader{n}@news.example" for n in range(3)]
    assert all(len(got) == 1 and got[0].startswith("Rättelse: ") for got in found.values())


def test_a_second_correction_of_what_only_the_first_one_said_still_reaches_who_missed_that(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    """The first correction never came through to reader0, who has the oldest error still."""
    subscribers(2)
    release_id = published(writer, editor).id
    send_all()
    corrected(db.session.get_one(Release, release_id), writer, editor)
    post.at_rcpt = lambda address: "451 later" if address.startswith("reader0") else None
    send_all()
    post.at_rcpt = lambda _: None
    post.letters.clear()

    corrected(db.session.get_one(Release, release_id), writer, editor, total="2850000", since=2)
    send_all()

    assert sorted(to_readers(post)) == ["reader0@news.example", "reader1@news.example"]


def test_a_figure_that_was_wrong_only_on_the_page_is_corrected_without_mail(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    """It came in with a change that was published as a typo, after the mail had gone."""
    subscribers(2)
    release_id = published(writer, editor).id
    send_all()
    release = approved(db.session.get_one(Release, release_id), writer, editor)
    workflow.publish(release, by=editor, at=A_MORNING + AN_HOUR)
    db.session.commit()
    post.letters.clear()
    approved(release, writer, editor, total="2850000")
    assert wrong_since(release, publications(release)) == 2

    workflow.publish(release, by=editor, at=A_MORNING, change=Change.CORRECTION, note=NOTE, since=2)
    db.session.commit()
    send_all()

    assert to_readers(post) == {}
    assert history(release)[-1].mailing_key is None


def test_the_right_mail_goes_on_when_only_a_later_version_was_wrong(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(1)
    release = approved(published(writer, editor), writer, editor)
    workflow.publish(release, by=editor, at=A_MORNING)
    approved(release, writer, editor, total="2650000")
    workflow.publish(release, by=editor, at=A_MORNING, change=Change.CORRECTION, note=NOTE, since=2)
    db.session.commit()

    send_all()

    assert len(to_readers(post)["reader0@news.example"]) == 1
    assert [one.state for one in mailings()] == [MailingState.FINISHED]


def test_a_typo_is_mailed_to_nobody_and_stops_nothing(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(2)
    release = approved(published(writer, editor), writer, editor)

    workflow.publish(release, by=editor, at=A_MORNING + AN_HOUR)
    db.session.commit()
    send_all()

    assert [len(subjects) for subjects in to_readers(post).values()] == [1, 1]
    assert [one.change for one in history(release)] == [Change.FIRST, Change.TYPO]


def test_a_release_that_was_never_mailed_is_corrected_without_mail(
    app: Flask, writer: User, editor: User
) -> None:
    subscribers(2)
    release = approved(published_unmailed(writer, editor), writer, editor)
    assert not reach(release).is_mailed

    workflow.publish(release, by=editor, at=A_MORNING, change=Change.CORRECTION, note=NOTE)
    db.session.commit()

    assert mailings() == []
    assert history(release)[-1].change is Change.CORRECTION


def published_unmailed(writer: User, editor: User) -> Release:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    release.mail_wanted = False
    workflow.publish(release, by=editor, at=A_MORNING)
    db.session.commit()
    return release


def test_a_mail_that_waits_for_its_hour_leaves_with_the_right_words_at_that_hour(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(1)
    release = published(writer, editor)
    later = now() + timedelta(hours=2)
    db.session.execute(sa.update(Mailing).values(starts_at=later))
    db.session.commit()

    corrected(release, writer, editor)

    [wrong, told, late] = mailings()
    assert wrong.state is MailingState.CANCELLED
    assert told.starts_at is None
    assert late.kind is MailingKind.RELEASE
    assert late.starts_at == later


@pytest.mark.parametrize("note", ["", "  \n "])
def test_a_correction_says_what_was_wrong(
    app: Flask, writer: User, editor: User, note: str
) -> None:
    release = approved(published(writer, editor), writer, editor)

    with pytest.raises(BadInput) as refused:
        workflow.publish(release, by=editor, at=A_MORNING, change=Change.CORRECTION, note=note)

    assert refused.value.key == "correction_note_missing"
    assert release.state is State.APPROVED


def test_the_figures_of_a_note_are_kept_from_breaking_over_lines(
    app: Flask, writer: User, editor: User
) -> None:
    note = "Rätt uppgift är\n2 750\u00a0000\u00a0kronor. "

    release = corrected(published(writer, editor), writer, editor, note=note)

    assert history(release)[-1].note == "Rätt uppgift är 2\u00a0750\u00a0000\u00a0kronor."


def test_a_correction_since_a_version_that_was_never_live_is_refused(
    app: Flask, writer: User, editor: User
) -> None:
    release = approved(published(writer, editor), writer, editor)

    with pytest.raises(BadInput):
        workflow.publish(
            release, by=editor, at=A_MORNING, change=Change.CORRECTION, note=NOTE, since=7
        )


def test_the_first_publication_is_no_correction_whatever_is_said(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    workflow.publish(release, by=editor, at=A_MORNING, change=Change.CORRECTION)

    assert [one.change for one in history(release)] == [Change.FIRST]


def test_the_writer_is_told_of_the_correction(app: Flask, writer: User, editor: User) -> None:
    corrected(published(writer, editor), writer, editor)

    kinds = db.session.scalars(
        sa.select(Notification.kind).where(Notification.user_id == writer.id)
    ).all()
    assert kinds.count("corrected") == 1


def test_the_note_is_proposed_from_the_figures_that_differ(
    app: Flask, writer: User, editor: User
) -> None:
    release = approved(published(writer, editor), writer, editor)

    assert proposed_note(release) == (
        "I en tidigare version angavs 2\u00a0650\u00a0000\u00a0kronor."
        " Rätt uppgift är 2\u00a0750\u00a0000\u00a0kronor."
    )
    assert wrong_since(release, publications(release)) == 1


def test_no_note_is_proposed_when_no_figure_differs(app: Flask, writer: User, editor: User) -> None:
    release = published(writer, editor)

    assert proposed_note(release) == ""
    assert wrong_since(release, publications(release)) is None


def test_the_numbers_told_before_are_those_who_are_mailed(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    gone = subscriber("gone@news.example")
    subscribers(3)
    release_id = published(writer, editor).id
    while materialise(at=now()):
        pass
    postpone("reader0@news.example", until=now() + timedelta(hours=1))
    send_all()
    subscribing.end(gone, reason=EndedReason.USER_LINK, at=now())
    release = approved(db.session.get_one(Release, release_id), writer, editor)

    expected = reach(release)
    workflow.publish(release, by=editor, at=now(), change=Change.CORRECTION, note=NOTE)
    db.session.commit()
    send_all()

    assert (expected.received, expected.missed) == (2, 1)
    [_, told, late] = mailings()
    assert states(told.id) == {"sent": 2}
    assert states(late.id) == {"sent": 1}


def test_which_version_was_live_when_and_how_many_got_it_is_on_record(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    subscribers(2)
    release_id = published(writer, editor).id
    send_all()
    release = corrected(db.session.get_one(Release, release_id), writer, editor)
    send_all()
    workflow.withdraw(release, reason="Fel", by=editor, at=A_MORNING + 2 * AN_HOUR)
    workflow.reinstate(release, by=editor, at=A_MORNING + 3 * AN_HOUR)
    db.session.commit()

    first, second = versions(release)

    assert first.periods == ((A_MORNING, A_MORNING + AN_HOUR),)
    assert second.periods == (
        (A_MORNING + AN_HOUR, A_MORNING + 2 * AN_HOUR),
        (A_MORNING + 3 * AN_HOUR, None),
    )
    assert (first.sent, second.sent) == (2, 2)
    assert second.publication.note == NOTE
    assert second.publication.by == editor


def test_a_period_is_readable_but_for_when_it_was_withdrawn() -> None:
    hours = [A_MORNING + n * AN_HOUR for n in range(6)]

    assert readable((hours[0], None), []) == ((hours[0], None),)
    assert readable((hours[0], hours[2]), [(hours[3], None)]) == ((hours[0], hours[2]),)
    assert readable((hours[2], None), [(hours[0], hours[1])]) == ((hours[2], None),)
    assert readable((hours[0], None), [(hours[1], None)]) == ((hours[0], hours[1]),)
    assert readable((hours[0], hours[5]), [(hours[1], hours[2]), (hours[3], hours[4])]) == (
        (hours[0], hours[1]),
        (hours[2], hours[3]),
        (hours[4], hours[5]),
    )


def test_mailing_the_same_correction_again_changes_nothing(
    app: Flask, writer: User, editor: User
) -> None:
    subscribers(1)
    release = corrected(published(writer, editor), writer, editor)

    again = mail_correction(release, note=NOTE, at=A_MORNING + AN_HOUR)
    db.session.commit()

    assert again is not None
    assert len(mailings()) == 3


def test_who_read_a_wrong_version_under_embargo_gets_a_letter_of_their_own(
    app: Flask, post: PostOffice, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    read, unread = (
        invite(
            release,
            Purpose.EMBARGO,
            name=name,
            email=f"{name}@paper.example",
            language=language,
            expires_at=A_MORNING + timedelta(days=30),
            by=editor,
            at=A_MORNING,
        )
        for name, language in (("reader", "en"), ("other", "sv"))
    )
    visit(read, "text", revision_id=release.head_id, at=A_MORNING)
    visit(unread, "terms", revision_id=None, at=A_MORNING)
    workflow.publish(release, mail=False, by=editor, at=A_MORNING)
    db.session.commit()
    approved(release, writer, editor)
    assert reach(release).readers == 1

    workflow.publish(release, by=editor, at=now(), change=Change.CORRECTION, note=NOTE)
    db.session.commit()
    send_all()

    [letter] = [one for one in post.letters if one.to.endswith("@paper.example")]
    assert letter.to == "reader@paper.example"
    assert letter.message["Subject"].startswith("Correction: ")
    assert NOTE in letter.text
    assert "2\u00a0750\u00a0000\u00a0kronor" in letter.text
    assert versions(release_again(release))[0].readers == 1


def release_again(release: Release) -> Release:
    db.session.expire_all()
    return db.session.get_one(Release, release.id)
