"""Sign-off of quotes: who is asked, what they answer, and which words that holds for."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound, NotNow
from releases.desk.models import Notification
from releases.editorial import workflow
from releases.editorial.models import State
from releases.review import quote_reminders, signing_off
from releases.review.inviting import invited, revoke, token_of
from releases.review.models import Answer, Invitation, Purpose, SignOff
from releases.review.quotes import fingerprint
from releases.review.signing_off import Standing
from releases.review.taking_over import take_over
from subscribers.mailings.models import Delivery, Mailing, MailingKind
from subscribers.mailings.sending.delivering import deliver
from tests import factories
from tests.factories import A_MORNING
from tests.postoffice import PostOffice
from tests.queries import counted_queries
from tests.releases.review.quoting import ANNA, address, asked, block, quote_in, quoting, write

LATER = A_MORNING + timedelta(hours=1)


def standing_of(release: object) -> Standing:
    return signing_off.states(release, release.head)[0][2]  # type: ignore[attr-defined]


def letters(to: str) -> int:
    """How many letters an address has been written."""
    return (
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(Delivery)
            .join(Mailing)
            .where(Delivery.address == to, Mailing.kind == MailingKind.LETTER)
        )
        or 0
    )


def acts(action: str) -> list[AuditEvent]:
    return list(db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action)))


def test_a_quote_nobody_was_asked_about_is_unsigned(app: Flask, writer: User) -> None:
    release = quoting(writer)

    assert standing_of(release) is Standing.UNASKED
    assert len(signing_off.unsigned(release, release.head)) == 1


def test_a_draft_with_gaps_has_nothing_unsigned(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    assert signing_off.unsigned(release, release.head) == []


def test_asking_writes_one_letter_and_waits(app: Flask, writer: User) -> None:
    release = quoting(writer)

    sign_off = asked(release, by=writer)

    assert standing_of(release) is Standing.PENDING
    assert letters("anna@sida.example") == 1
    assert sign_off.invitation is not None
    assert sign_off.invitation.expires_at == A_MORNING + timedelta(days=14)
    assert acts("quote.ask")[0].facts["name"] == "Anna Larsson"


def test_asking_the_same_person_again_sends_the_same_link(app: Flask, writer: User) -> None:
    release = quoting(writer)
    first = asked(release, by=writer)
    link = token_of(first.invitation)  # type: ignore[arg-type]

    again = asked(release, by=writer, at=LATER)

    assert again.id == first.id
    assert token_of(again.invitation) == link  # type: ignore[arg-type]
    assert letters("anna@sida.example") == 2


def test_a_letter_that_no_keyboard_writes_is_left_out_of_an_answer(
    client: FlaskClient, writer: User
) -> None:
    sign_off = asked(quoting(writer), by=writer, at=now())
    form = {"answer": "decline", "fingerprint": sign_off.fingerprint, "reason": "Inte\0 så"}

    answer = client.post(address(sign_off), data=form)

    db.session.expire_all()
    assert answer.status_code == 303
    assert (sign_off.answer, sign_off.note) == (Answer.DECLINED, "Inte så")


def test_asking_somebody_else_takes_the_first_link_away(app: Flask, writer: User) -> None:
    release = quoting(writer)
    link = token_of(asked(release, by=writer).invitation)  # type: ignore[arg-type]

    asked(release, by=writer, at=LATER, email="anna.larsson@sida.example")

    with pytest.raises(NotFound):
        invited(link, Purpose.SIGN_OFF, at=LATER)
    assert len(db.session.scalars(sa.select(SignOff)).all()) == 1


def test_an_expired_link_is_replaced_by_asking_again(app: Flask, writer: User) -> None:
    release = quoting(writer)
    first = asked(release, by=writer).invitation
    much_later = A_MORNING + timedelta(days=15)

    again = asked(release, by=writer, at=much_later).invitation

    assert again is not None
    assert first is not None
    assert again.id != first.id
    assert invited(token_of(again), Purpose.SIGN_OFF, at=much_later).id == again.id


@pytest.mark.parametrize(
    ("who", "key"), [({"name": " "}, "name_missing"), ({"email": "anna"}, "email_unreadable")]
)
def test_asking_needs_a_name_and_an_address(
    app: Flask, writer: User, who: dict[str, str], key: str
) -> None:
    release = quoting(writer)

    with pytest.raises(BadInput) as refused:
        signing_off.ask(release, quote_in(release), **{**ANNA, **who}, by=writer, at=A_MORNING)

    assert refused.value.key == key


def test_a_yes_holds_for_the_words_and_the_name_and_for_nothing_else(
    app: Flask, writer: User
) -> None:
    release = quoting(writer)
    signing_off.answer(asked(release, by=writer), Answer.APPROVED, at=LATER)
    assert standing_of(release) is Standing.APPROVED

    write(release, block("Det här försvagar den lokala demokratin."), by=writer)
    assert standing_of(release) is Standing.UNASKED

    write(release, block(by="Anna Larsson, generaldirektör, Sida"), by=writer)
    assert standing_of(release) is Standing.UNASKED

    write(release, f"<h2>Nytt</h2>{block()}", by=writer)
    assert standing_of(release) is Standing.APPROVED


def test_a_signed_quote_is_not_asked_about_again(app: Flask, writer: User) -> None:
    release = quoting(writer)
    signing_off.answer(asked(release, by=writer), Answer.APPROVED, at=LATER)

    with pytest.raises(NotNow) as refused:
        signing_off.ask(release, quote_in(release), **ANNA, by=writer, at=LATER)

    assert refused.value.key == "quote_signed"


def test_other_words_wait_for_the_writer_and_are_signed_once_taken_over(
    app: Flask, writer: User
) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)

    signing_off.answer(sign_off, Answer.EDITED, words="– Det här hjälper.\n\nMycket!", at=LATER)
    assert standing_of(release) is Standing.EDITED
    take_over(release, sign_off, by=writer, at=LATER)

    assert quote_in(release).words == "Det här hjälper.\n\nMycket!"
    assert quote_in(release).fingerprint == sign_off.proposed_fingerprint
    assert standing_of(release) is Standing.APPROVED
    assert release.head.author_id == writer.id


def test_taking_over_voids_an_approval_like_any_edit(
    app: Flask, writer: User, editor: User
) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)
    signing_off.answer(sign_off, Answer.EDITED, words="Det här hjälper.", at=LATER)
    workflow.submit(release, by=writer, at=LATER)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)

    take_over(release, sign_off, by=writer, at=LATER)

    assert release.state is State.DRAFT


def test_words_cannot_be_taken_over_into_another_quote(app: Flask, writer: User) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)
    signing_off.answer(sign_off, Answer.EDITED, words="Det här hjälper.", at=LATER)
    write(release, block("Helt andra ord."), by=writer)

    with pytest.raises(Conflict):
        take_over(release, sign_off, by=writer, at=LATER)

    assert quote_in(release).words == "Helt andra ord."


def test_sending_the_same_words_back_is_a_yes(app: Flask, writer: User) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)

    signing_off.answer(
        sign_off, Answer.EDITED, words=" Det här stärker den lokala\ndemokratin ", at=LATER
    )

    assert sign_off.answer is Answer.APPROVED
    assert sign_off.proposed == ""


@pytest.mark.parametrize(
    ("said", "more", "key"),
    [
        (Answer.EDITED, {"words": " – "}, "quote_words_missing"),
        (Answer.EDITED, {"words": "x" * 5001}, "quote_too_long"),
        (Answer.DECLINED, {"note": " "}, "quote_reason_missing"),
    ],
)
def test_an_answer_needs_what_it_is_about(
    app: Flask, writer: User, said: Answer, more: dict[str, str], key: str
) -> None:
    sign_off = asked(quoting(writer), by=writer)

    with pytest.raises(BadInput) as refused:
        signing_off.answer(sign_off, said, at=LATER, **more)

    assert refused.value.key == key
    assert sign_off.answer is Answer.PENDING


def test_somebody_may_change_their_mind_and_every_answer_is_kept(app: Flask, writer: User) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)

    signing_off.answer(sign_off, Answer.DECLINED, note="Så sa jag inte", at=LATER)
    signing_off.answer(sign_off, Answer.APPROVED, at=LATER + timedelta(minutes=1))

    assert standing_of(release) is Standing.APPROVED
    assert acts("quote.decline")[0].facts["note"] == "Så sa jag inte"
    assert acts("quote.approve")[0].actor == "Anna Larsson"


def test_of_two_answers_at_once_one_wins(app: Flask, writer: User) -> None:
    sign_off = asked(quoting(writer), by=writer)
    elsewhere = db.session.execute(
        sa.update(SignOff)
        .where(SignOff.id == sign_off.id)
        .values(answer=Answer.APPROVED, answered_at=LATER)
        .execution_options(synchronize_session=False)
    )
    assert elsewhere is not None

    with pytest.raises(Conflict):
        signing_off.answer(sign_off, Answer.DECLINED, note="Nej", at=LATER)

    db.session.refresh(sign_off)
    assert sign_off.answer is Answer.APPROVED


def test_a_public_quote_can_no_longer_be_answered(app: Flask, writer: User, editor: User) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)
    signing_off.answer(sign_off, Answer.APPROVED, at=LATER)
    workflow.submit(release, by=writer, at=LATER)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)
    workflow.publish(release, by=editor, at=LATER)

    with pytest.raises(NotNow) as refused:
        signing_off.answer(sign_off, Answer.DECLINED, note="Ångrar mig", at=LATER)

    assert refused.value.key == "quote_is_public"


def test_a_quote_in_the_next_version_of_a_public_release_is_asked_about(
    app: Flask, writer: User, editor: User
) -> None:
    release = quoting(writer)
    signing_off.answer(asked(release, by=writer), Answer.APPROVED, at=LATER)
    workflow.submit(release, by=writer, at=LATER)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)
    workflow.publish(release, by=editor, at=LATER)
    write(release, block("Rättade ord."), by=writer, at=LATER)

    sign_off = asked(release, by=writer, at=LATER)
    signing_off.answer(sign_off, Answer.APPROVED, at=LATER)

    assert standing_of(release) is Standing.APPROVED


def test_an_answer_by_phone_is_written_down_with_how_and_by_whom(app: Flask, writer: User) -> None:
    release = quoting(writer)

    signing_off.record_answer(
        release, quote_in(release), Answer.APPROVED, how="På telefon", by=writer, at=LATER
    )

    [(_, sign_off, standing)] = signing_off.states(release, release.head)
    assert standing is Standing.APPROVED
    assert sign_off is not None
    assert (sign_off.recorded_by, sign_off.note) == (writer, "På telefon")
    [act] = acts("quote.record")
    assert (act.actor, act.facts["said"], act.facts["note"]) == ("Alva", "approved", "På telefon")


@pytest.mark.parametrize(
    ("said", "how", "key"),
    [
        (Answer.APPROVED, " ", "quote_how_missing"),
        (Answer.PENDING, "På telefon", "quote_answer_missing"),
    ],
)
def test_an_answer_is_not_written_down_without_how_it_came(
    app: Flask, writer: User, said: Answer, how: str, key: str
) -> None:
    release = quoting(writer)

    with pytest.raises(BadInput) as refused:
        signing_off.record_answer(release, quote_in(release), said, how=how, by=writer, at=LATER)

    assert refused.value.key == key


def test_a_question_is_passed_on_to_another_person(app: Flask, writer: User) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)
    first = sign_off.invitation
    assert first is not None

    signing_off.pass_on(sign_off, name="Bo Ek", email="bo@sida.example", at=LATER)

    assert sign_off.invitation is not None
    assert sign_off.invitation.delegated_from_id == first.id
    assert letters("bo@sida.example") == 1
    assert signing_off.sheet(first).passed_to == "Bo Ek"
    assert signing_off.sheet(sign_off.invitation).quote == quote_in(release)
    assert acts("quote.pass_on")[0].actor == "Anna Larsson"


def test_a_question_goes_through_three_hands_at_most(app: Flask, writer: User) -> None:
    sign_off = asked(quoting(writer), by=writer)
    for n in range(3):
        signing_off.pass_on(sign_off, name=f"Nr {n}", email=f"nr{n}@sida.example", at=LATER)

    with pytest.raises(NotNow) as refused:
        signing_off.pass_on(sign_off, name="Nr 4", email="nr4@sida.example", at=LATER)

    assert refused.value.key == "quote_passed_on_enough"


def test_nobody_passes_on_to_themselves_or_after_answering(app: Flask, writer: User) -> None:
    sign_off = asked(quoting(writer), by=writer)

    with pytest.raises(BadInput):
        signing_off.pass_on(sign_off, **ANNA, at=LATER)
    signing_off.answer(sign_off, Answer.APPROVED, at=LATER)
    with pytest.raises(NotNow):
        signing_off.pass_on(sign_off, name="Bo", email="bo@sida.example", at=LATER)


def test_the_writer_and_who_asked_are_told(app: Flask, writer: User, editor: User) -> None:
    sign_off = asked(quoting(writer), by=editor)

    signing_off.answer(sign_off, Answer.DECLINED, note="Så sa jag inte", at=LATER)

    told = db.session.scalars(sa.select(Notification)).all()
    assert {one.user_id for one in told} == {writer.id, editor.id}
    assert {one.facts["reason"] for one in told} == {"Så sa jag inte"}


def test_who_writes_an_answer_down_is_not_told_of_it(app: Flask, writer: User) -> None:
    release = quoting(writer)

    signing_off.record_answer(
        release, quote_in(release), Answer.APPROVED, how="På telefon", by=writer, at=LATER
    )

    assert db.session.scalars(sa.select(Notification)).all() == []


def test_the_person_is_shown_the_words_that_stand_there_now(app: Flask, writer: User) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)
    assert sign_off.invitation is not None
    write(release, block("Det här stärker demokratin."), by=writer)

    paper = signing_off.sheet(sign_off.invitation)
    about = signing_off.asked_about(paper, quote_in(release).fingerprint, at=LATER)
    signing_off.answer(about, Answer.APPROVED, at=LATER)

    assert paper.is_changed
    assert about.id != sign_off.id
    assert standing_of(release) is Standing.APPROVED


def test_an_answer_about_words_that_are_gone_is_refused(app: Flask, writer: User) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)
    assert sign_off.invitation is not None
    write(release, block("Det här stärker demokratin."), by=writer)

    with pytest.raises(Conflict):
        signing_off.asked_about(
            signing_off.sheet(sign_off.invitation), sign_off.fingerprint, at=LATER
        )


def test_the_editing_page_learns_of_every_wording_answered_about(app: Flask, writer: User) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer)
    signing_off.answer(sign_off, Answer.EDITED, words="Det här hjälper.", at=LATER)

    known = {(one["words"], one["by"]): one["state"] for one in signing_off.for_editor(release)}

    by = "Anna Larsson, enhetschef, Sida"
    assert known == {
        ("Det här stärker den lokala demokratin.", by): "edited",
        ("Det här hjälper.", by): "approved",
    }


def test_the_form_remembers_the_address_of_somebody_asked_before(
    app: Flask, writer: User, editor: User
) -> None:
    asked(quoting(writer), by=writer)
    other = quoting(writer, language="en")

    [panel] = signing_off.panel(other, writer)["quotes"]

    assert (panel.name, panel.email) == ("Anna Larsson", "anna@sida.example")


def test_an_open_link_is_shown_only_to_those_who_may_ask(
    app: Flask, writer: User, editor: User
) -> None:
    release = quoting(writer)
    sign_off = asked(release, by=writer, at=now())
    reviewer = factories.user("rut@press.example", role=Role.REVIEWER)

    [for_writer] = signing_off.panel(release, writer)["quotes"]
    [for_reviewer] = signing_off.panel(release, reviewer)["quotes"]

    assert for_writer.link.endswith(address(sign_off))
    assert for_reviewer.link == ""


def test_states_ask_the_database_once(app: Flask, writer: User) -> None:
    release = quoting(writer, body="".join(block(f"Ord nummer {n}.") for n in range(12)))
    head, _ = release.head, release.id

    with counted_queries() as queries:
        db.session.refresh(release)
        db.session.refresh(head)
        before = len(queries)
        signing_off.states(release, head)
        assert len(queries) - before == 1


def test_the_letter_speaks_both_languages_and_holds_a_working_link(
    app: Flask, post: PostOffice, writer: User
) -> None:
    sign_off = asked(quoting(writer, language="en"), by=writer, at=now())
    path = address(sign_off)
    template = db.session.scalars(sa.select(Mailing)).one().part.template

    db.session.rollback()
    deliver()

    [mail] = post.to("anna@sida.example")
    text = mail.text
    assert text.index("would like to quote you") < text.index("vill citera dig")
    assert text.count(path) == 2
    assert "Det här stärker den lokala demokratin." in text
    assert path.rpartition("/")[2].encode() not in template
    assert path in mail.html


def due(at: object) -> int:
    found = quote_reminders.due(at=at)  # type: ignore[arg-type]
    return sum(
        quote_reminders.remind(db.session.get_one(SignOff, one), at=at)  # type: ignore[arg-type]
        for one in found
    )


def test_somebody_who_is_silent_is_reminded_after_two_days_and_once(
    app: Flask, writer: User
) -> None:
    asked(quoting(writer), by=writer)
    two_days = A_MORNING + timedelta(days=2)

    assert due(two_days - timedelta(minutes=1)) == 0
    assert due(two_days) == 1
    assert due(two_days + timedelta(days=3)) == 0
    assert letters("anna@sida.example") == 2


def test_a_reminder_comes_in_the_day_before_publication_and_once(
    app: Flask, writer: User, editor: User
) -> None:
    release = quoting(writer)
    asked(release, by=writer)
    workflow.submit(release, by=writer, at=LATER)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=LATER)
    publish_at = A_MORNING + timedelta(days=5)
    workflow.schedule(release, publish_at=publish_at, by=editor, at=LATER)

    assert due(A_MORNING + timedelta(days=2)) == 1
    assert due(publish_at - timedelta(days=1, minutes=1)) == 0
    assert due(publish_at - timedelta(hours=23)) == 1
    assert due(publish_at - timedelta(hours=2)) == 0


def test_nobody_is_reminded_who_has_answered_or_whose_words_are_gone(
    app: Flask, writer: User
) -> None:
    answered = asked(quoting(writer), by=writer)
    signing_off.answer(answered, Answer.APPROVED, at=LATER)
    other = quoting(writer, language="en")
    asked(other, by=writer)
    write(other, "<p>Inget citat.</p>", by=writer)

    assert due(A_MORNING + timedelta(days=3)) == 0


def test_nobody_is_reminded_whose_link_was_taken_back(app: Flask, writer: User) -> None:
    sign_off = asked(quoting(writer), by=writer)
    assert sign_off.invitation is not None
    revoke(sign_off.invitation, by=writer, at=LATER)

    assert due(A_MORNING + timedelta(days=3)) == 0


def test_two_workers_remind_once(app: Flask, writer: User) -> None:
    sign_off = asked(quoting(writer), by=writer)
    at = A_MORNING + timedelta(days=2)
    assert quote_reminders.due(at=at) == [sign_off.id]
    db.session.execute(  # by another worker, unseen by this one
        sa.update(Invitation)
        .values(reminded_at=at - timedelta(seconds=1))
        .execution_options(synchronize_session=False)
    )

    assert not quote_reminders.remind(sign_off, at=at)
    assert letters("anna@sida.example") == 1


def test_the_fingerprint_kept_is_of_the_words_and_the_name(app: Flask, writer: User) -> None:
    sign_off = asked(quoting(writer), by=writer)

    assert sign_off.fingerprint == fingerprint(sign_off.words, sign_off.attribution)
