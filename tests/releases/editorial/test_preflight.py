"""The preflight: every line fires, is put right by what its button says, and can be weighed."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import Role, User
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotAllowed, NotNow
from app.core.organisation import organisation, unnamed
from app.core.words import catalogue
from releases.editorial import fact_check, preflight, translating, workflow
from releases.editorial.binding import bring_up_to_date
from releases.editorial.models import Contact, LinkCheck, Override, Release, Revision, State
from releases.editorial.preflight import (
    SHIPPED,
    Line,
    Weight,
    as_failure,
    in_order,
    override,
    sentence,
    weigh,
    weight_of,
)
from releases.editorial.preflight_page import REMEDIES
from releases.editorial.writing import save, text_of
from releases.media.models import Image
from releases.review import reviewing
from releases.review.models import Answer, Comment, Outcome
from releases.review.quotes import quotes_in
from releases.review.signing_off import record_answer
from releases.rounds.communicating import communicate
from releases.rounds.confirming import confirm
from tests import factories
from tests.factories import A_MORNING
from tests.queries import counted_queries

LATER = A_MORNING + timedelta(hours=1)
QUOTE = (
    "<blockquote><p>Vi gör det tillsammans.</p><footer>Karin Ek, direktör, Centret</footer>"
    "</blockquote>"
)


def lines(release: Release) -> list[Line]:
    db.session.expire_all()
    return preflight.preflight(release, at=LATER)


def codes(release: Release) -> set[str]:
    return {line.code for line in lines(release)}


def the(code: str, release: Release) -> Line:
    (line,) = [one for one in lines(release) if one.code == code]
    return line


def revise(release: Release, by: User, **changed: Any) -> Revision:
    text = replace(text_of(release.head), **changed)
    revision = save(release, text, base_id=release.head.id, by=by, at=LATER)
    db.session.commit()
    return revision


def contact(name: str = "Sara Ström", **facts: Any) -> Contact:
    made = Contact(name=name, **{"phone": "072-450 01 50", **facts})
    db.session.add(made)
    db.session.commit()
    return made


def with_contact(release: Release, by: User, person: Contact) -> None:
    revise(release, by, contacts=[person.printed("sv")])


def changed_round(release: Release) -> None:
    assert release.story.round is not None
    release.story.round.awards[0].amount += 1_000
    release.story.round.version = 2
    db.session.commit()


def picture(release: Release, by: User, **facts: str) -> Image:
    made = Image(
        story_id=release.story_id,
        key=uuid.uuid4().hex,
        content_type="image/jpeg",
        width=2000,
        height=1000,
        size=1,
        uploaded_at=A_MORNING,
        **{
            "filename": "bro.jpg",
            "alt_sv": "En bro",
            "credit": "Foto: Bo Ek",
            "licence": "press",
            **facts,
        },
    )
    db.session.add(made)
    db.session.commit()
    revise(release, by, images=[made.printed("sv")])
    return made


# Every line, and its remedy


def test_figures_of_a_changed_round_block_until_they_are_updated(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    assert "figures_stale" not in codes(release)

    changed_round(release)
    line = the("figures_stale", release)
    assert line.blocks
    assert line.facts["n"] >= 1

    bring_up_to_date(release, by=writer, at=LATER)
    assert "figures_stale" not in codes(release)


def test_words_against_the_round_block_until_they_are_changed_or_called_right(
    app: Flask, writer: User
) -> None:
    release = factories.release(writer)
    revise(release, writer, lead="De 17 kommunerna får dela på 9 000 000 kronor.")

    line = the("figures_contradict", release)
    assert line.blocks

    for finding in fact_check.findings(release, release.head):
        fact_check.dismiss(release, finding, by=writer, at=LATER)
    assert "figures_contradict" not in codes(release)


def test_unchecked_rows_are_pointed_out_until_somebody_has_checked_them(
    app: Flask, writer: User
) -> None:
    release = factories.release(writer)
    assert the("rows_unchecked", release).facts == {"n": 3}

    assert release.story.round is not None
    confirm(release.story.round, [2, 3, 4], by=writer, at=LATER)
    assert "rows_unchecked" not in codes(release)


def test_applicants_who_have_not_been_told_are_pointed_out(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    assert the("applicants_not_told", release).weight is Weight.WARN

    assert release.story.round is not None
    communicate(release.story.round, reference="2026/1", by=writer, at=LATER)
    assert "applicants_not_told" not in codes(release)


def test_a_quote_blocks_until_its_speaker_has_said_yes(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    assert not codes(release) & {"quote_unsigned", "quote_declined"}  # a gap is no quote

    revise(release, writer, body=release.head.body + QUOTE)
    line = the("quote_unsigned", release)
    assert line.blocks
    assert line.facts["name"] == "Karin Ek"

    (quote,) = quotes_in(release.head.body)
    record_answer(release, quote, Answer.DECLINED, how="Hon vill inte", by=writer, at=LATER)
    assert the("quote_declined", release).blocks
    record_answer(release, quote, Answer.APPROVED, how="Per telefon", by=writer, at=LATER)
    assert not codes(release) & {"quote_unsigned", "quote_declined"}


def test_a_headline_is_always_needed(app: Flask, writer: User, editor: User, admin: User) -> None:
    release = factories.release(writer)
    release.head.headline = ""
    db.session.commit()

    assert the("headline_missing", release).blocks
    with pytest.raises(NotAllowed):
        override(release, "headline_missing", reason="Vi har bråttom i dag", by=editor, at=LATER)
    with pytest.raises(BadInput):
        weigh({"headline_missing": "off"}, by=admin, at=LATER)


def test_gaps_are_pointed_out_and_stop_nothing(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    assert the("gaps", release).facts == {"n": 2}

    workflow.publish(release, by=editor, at=LATER)
    assert release.state is State.PUBLISHED


def test_a_headline_too_long_for_a_subject_is_pointed_out(app: Flask, writer: User) -> None:
    release = factories.release(writer)

    revise(release, writer, headline="x" * 61)
    assert the("mail_long_subject", release).facts == {"signs": 61, "most": 60}
    revise(release, writer, headline="x" * 60)
    assert "mail_long_subject" not in codes(release)


@pytest.mark.parametrize(
    ("facts", "code", "weight"),
    [
        ({"alt_sv": " "}, "picture_alt", Weight.BLOCK),
        ({"credit": ""}, "picture_credit", Weight.BLOCK),
        ({"licence": ""}, "picture_licence", Weight.BLOCK),
        ({"licence": "stock"}, "picture_unusable", Weight.WARN),
    ],
)
def test_a_picture_without_its_rights_is_told_until_it_is_described_and_printed_anew(
    app: Flask, writer: User, facts: dict[str, str], code: str, weight: Weight
) -> None:
    release = factories.release(writer)
    image = picture(release, writer, **facts)
    line = the(code, release)
    assert (line.weight, line.about, line.facts) == (weight, str(image.id), {"name": "bro.jpg"})

    image.alt_sv, image.credit, image.licence = "En bro", "Foto: Bo Ek", "press"
    db.session.commit()
    assert the(code, release).facts["where"] == "saved"  # the printed copy is still the old one
    revise(release, writer, images=[image.printed("sv")])
    assert code not in codes(release)


def test_a_release_without_a_contact_is_pointed_out(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    assert "no_contact" in codes(release)

    with_contact(release, writer, contact())
    assert "no_contact" not in codes(release)


def test_a_contact_with_neither_telephone_nor_mail_is_pointed_out(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    person = contact(phone="")
    with_contact(release, writer, person)
    assert the("contact_unreachable", release).facts == {"name": "Sara Ström"}

    person.email = "sara@press.example"
    db.session.commit()
    assert the("contact_unreachable", release).facts["where"] == "saved"
    with_contact(release, writer, person)
    assert "contact_unreachable" not in codes(release)


def test_a_contact_who_is_away_on_the_day_needs_a_deputy_who_answers(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    person = contact()
    with_contact(release, writer, person)
    day = LATER.date() + timedelta(days=7)
    person.away_from, person.away_until = day, day
    release.publish_at = LATER
    db.session.commit()
    assert "contact_away" not in codes(release)

    release.publish_at = LATER + timedelta(days=7)
    db.session.commit()
    assert the("contact_away", release).facts["day_on"] == day.isoformat()

    deputy = contact("Bo Ek", away_from=day)
    person.deputy_id = deputy.id
    db.session.commit()
    assert "contact_away" in codes(release)
    deputy.away_from = None
    db.session.commit()
    assert "contact_away" not in codes(release)


def test_the_other_language_is_asked_for_and_then_for_when_it_is_scheduled(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.SCHEDULED, editor=editor)
    assert the("language_missing", release).facts == {"in_language": "en"}

    english = translating.begin(release, "en", by=writer, at=LATER)
    db.session.commit()
    assert "language_missing" not in codes(release)
    assert the("other_language_not_ready", release).facts["release"] == english.id
    english.approved_id, english.state = english.head_id, State.APPROVED
    db.session.commit()
    assert "other_language_not_ready" not in codes(release)


def test_a_version_is_behind_when_its_original_has_moved_on(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    english = translating.begin(release, "en", by=writer, at=LATER)
    db.session.commit()
    assert "translation_behind" not in codes(english)

    revise(release, writer, lead="En ny ingress.")
    assert "translation_behind" in codes(english)
    translating.follow(english, revision_id=release.head.id, by=writer, at=LATER)
    assert "translation_behind" not in codes(english)


def test_what_stands_in_the_originals_language_blocks(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    english = translating.begin(release, "en", by=writer, at=LATER)
    db.session.commit()

    line = the("untranslated", english)
    assert line.blocks
    assert line.details
    revise(english, writer, lead="One.", body="<p>Two.</p>", headline="Three")
    assert "untranslated" not in codes(english)


def test_a_text_that_is_not_approved_is_said_to_be_so(
    app: Flask, writer: User, editor: User
) -> None:
    assert "not_approved" in codes(factories.release(writer))
    approved = factories.release(writer, state=State.APPROVED, editor=editor)
    assert "not_approved" not in codes(approved)


def test_a_reviewer_who_was_named_and_has_not_answered_is_named(
    app: Flask, writer: User, editor: User
) -> None:
    colleague = factories.user("dan@press.example", role=Role.REVIEWER)
    release = factories.release(writer)
    workflow.submit(
        release, request=reviewing.Request(people=(colleague,)), by=writer, at=A_MORNING
    )
    db.session.commit()
    assert the("reviews_open", release).facts == {"n": 1, "names": "Dan"}

    db.session.execute(sa.text("UPDATE review SET verdict = 'passed'"))
    assert "reviews_open" not in codes(release)


def test_an_open_comment_is_counted_until_it_is_settled(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    comment = Comment(
        release_id=release.id,
        revision_id=release.head_id,
        text="Hm?",
        author_id=writer.id,
        created_at=LATER,
        outcome=Outcome.OPEN,
    )
    db.session.add(comment)
    db.session.commit()
    assert the("comments_open", release).facts == {"n": 1}

    comment.outcome = Outcome.RESOLVED
    db.session.commit()
    assert "comments_open" not in codes(release)


def test_a_link_that_does_not_answer_is_pointed_out(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    url = "https://news.example/a"
    revise(release, writer, links=[{"label": "Läs mer", "url": url}])
    assert not codes(release) & {"link_dead", "link_unchecked"}  # not tried, and that is off

    check = LinkCheck(url=url, checked_at=LATER, works=False, answer="404")
    db.session.add(check)
    db.session.commit()
    line = the("link_dead", release)
    assert line.sentence("sv") == f"Länken {url} fungerar inte: servern svarar 404."
    check.works = True
    db.session.commit()
    assert "link_dead" not in codes(release)


def test_a_slip_of_style_is_told_with_the_words_found(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    revise(release, writer, body=release.head.body + "<p>Det är 12 % mer, och 13 % i fjol.</p>")

    line = the("lint_percent", release)
    assert [(one.words, one.instead) for one in line.details] == [
        ("12 %", "12 procent"),
        ("13 %", "13 procent"),
    ]


def test_a_fresh_draft_has_nothing_that_blocks_and_no_slip_of_style(
    app: Flask, writer: User
) -> None:
    for language in ("sv", "en"):
        release = factories.release(writer, language=language)

        found = lines(release)
        assert not preflight.blocking(found)
        assert not [line.code for line in found if line.code.startswith("lint_")]


# Weights


def test_an_office_decides_what_each_line_weighs(
    app: Flask, writer: User, editor: User, admin: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    weigh({"gaps": "block", "rows_unchecked": "off"}, by=admin, at=LATER)
    db.session.commit()

    assert the("gaps", release).blocks
    assert "rows_unchecked" not in codes(release)
    assert "rows_unchecked" not in in_order(lines(release))
    with pytest.raises(NotNow) as refused:
        workflow.publish(release, by=editor, at=LATER)
    assert [line.code for line in refused.value.facts["lines"]] == ["gaps"]
    logged = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "preflight.weigh"))
    assert {(e.facts["line"], e.facts["was"], e.facts["now"]) for e in logged} == {
        ("gaps", "warn", "block"),
        ("rows_unchecked", "warn", "off"),
    }


def test_what_contradicts_the_round_can_be_lowered_and_never_silenced(
    app: Flask, admin: User
) -> None:
    weigh({"figures_contradict": "warn"}, by=admin, at=LATER)
    assert weight_of("figures_contradict") is Weight.WARN

    with pytest.raises(BadInput):
        weigh({"figures_contradict": "off"}, by=admin, at=LATER)
    assert weight_of("figures_contradict", {"figures_contradict": "off"}) is Weight.WARN


@pytest.mark.parametrize("choice", [{"nonsense": "warn"}, {"gaps": "nonsense"}])
def test_a_weight_that_is_none_is_refused(app: Flask, admin: User, choice: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        weigh(choice, by=admin, at=LATER)


def test_only_an_admin_weighs(app: Flask, editor: User) -> None:
    with pytest.raises(NotAllowed):
        weigh({"gaps": "off"}, by=editor, at=LATER)


def test_a_stored_choice_that_nobody_knows_any_more_counts_for_nothing(app: Flask) -> None:
    db.session.add(unnamed("A", "A"))
    db.session.commit()
    organisation().preflight = {"gaps": "shout", "gone": "block"}

    assert weight_of("gaps") is SHIPPED["gaps"]


# Taking a line on


@pytest.fixture
def blocked(app: Flask, writer: User, editor: User) -> Release:
    """Approved, with a line that blocks."""
    release = factories.release(writer)
    revise(release, writer, body=release.head.body + QUOTE)
    workflow.submit(release, by=writer, at=LATER)
    workflow.approve(release, revision_id=release.head.id, by=editor, at=LATER)
    db.session.commit()
    return release


def test_an_editor_may_take_a_line_on_and_it_stays_on_record(
    blocked: Release, editor: User
) -> None:
    key = the("quote_unsigned", blocked).key

    override(blocked, key, reason="  Hon sa ja på mötet.  ", by=editor, at=LATER)
    db.session.commit()

    line = the("quote_unsigned", blocked)
    assert not line.blocks
    assert line.taken_on is not None
    assert (line.taken_on.name, line.taken_on.reason) == ("Bo", "Hon sa ja på mötet.")
    event = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "release.override")
    ).one()
    assert event.facts["reason"] == "Hon sa ja på mötet."
    workflow.publish(blocked, by=editor, at=LATER)
    assert blocked.state is State.PUBLISHED


def test_it_holds_for_that_version_alone(blocked: Release, writer: User, editor: User) -> None:
    key = the("quote_unsigned", blocked).key
    override(blocked, key, reason="Hon sa ja på mötet.", by=editor, at=LATER)
    db.session.commit()

    revise(blocked, writer, lead="Något annat.")

    assert the("quote_unsigned", blocked).blocks


def test_it_covers_nothing_that_is_found_later(app: Flask, writer: User, editor: User) -> None:
    """The same version, but the round has changed once more."""
    release = factories.release(writer)
    changed_round(release)
    key = the("figures_stale", release).key
    override(release, key, reason="Det är avrundat i texten.", by=editor, at=LATER)
    db.session.commit()
    assert not the("figures_stale", release).blocks

    changed_round(release)

    assert the("figures_stale", release).blocks


def test_a_reason_of_a_word_is_none(blocked: Release, editor: User) -> None:
    key = the("quote_unsigned", blocked).key

    for reason in ("", "brådska", " " * 20):
        with pytest.raises(BadInput):
            override(blocked, key, reason=reason, by=editor, at=LATER)


def test_a_writer_takes_nothing_on(blocked: Release, writer: User) -> None:
    key = the("quote_unsigned", blocked).key

    with pytest.raises(NotAllowed):
        override(blocked, key, reason="Hon sa ja på mötet.", by=writer, at=LATER)


@pytest.mark.parametrize("key", ["gaps", "figures_stale:abc", "nonsense", ""])
def test_only_what_blocks_can_be_taken_on(blocked: Release, editor: User, key: str) -> None:
    with pytest.raises(Conflict):
        override(blocked, key, reason="Hon sa ja på mötet.", by=editor, at=LATER)


def test_taken_on_twice_is_taken_on_once(
    blocked: Release, editor: User, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = the("quote_unsigned", blocked).key
    override(blocked, key, reason="Hon sa ja på mötet.", by=editor, at=LATER)
    db.session.commit()

    override(blocked, key, reason="Jag håller med om det.", by=admin, at=LATER)
    monkeypatch.setattr(preflight, "_taken_on", lambda _release: {})  # as a colleague's page has it
    override(blocked, key, reason="Jag håller med om det.", by=admin, at=LATER)
    db.session.commit()

    taken = db.session.scalars(sa.select(Override)).one()
    assert taken.by_id == editor.id


# Words and cost


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_line_has_a_name_a_sentence_and_a_reason(language: str) -> None:
    words = catalogue(language)

    for code in SHIPPED:
        for kind in ("name", "line", "why"):
            assert f"preflight.{kind}.{code}" in words


def test_a_failure_is_told_later_in_either_language(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    person = contact(away_from=LATER.date())
    with_contact(release, writer, person)

    (kept,) = as_failure([the("contact_away", release)])

    said = sentence(kept["key"], kept["facts"], "sv")
    assert said == "Sara Ström är borta 23 november 2026 och ingen ersättare går att nå."
    assert "23 November 2026" in sentence(kept["key"], kept["facts"], "en")


def test_remedies_are_of_lines_that_exist() -> None:
    assert set(REMEDIES) <= set(SHIPPED)


def test_a_preflight_that_nobody_looks_for_is_refused(
    app: Flask, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = factories.release(writer)
    monkeypatch.setattr(preflight, "_looks", [])

    with pytest.raises(RuntimeError):
        preflight.preflight(release, at=LATER)


def test_it_asks_as_often_however_much_there_is_to_say(
    app: Flask, writer: User, editor: User
) -> None:
    release, writer_id = factories.release(writer), writer.id
    release_id = release.id
    with_contact(release, writer, contact())
    picture(release, writer, credit="")
    revise(release, writer, links=[{"label": "x", "url": "https://news.example/"}])
    few = _asked_about(release_id)

    for n in range(5):
        release = db.session.get_one(Release, release_id)
        writer = db.session.get_one(User, writer_id)
        person = contact(f"Namn {n}", phone="", away_from=LATER.date())
        made = picture(release, writer, credit="", filename=f"{n}.jpg")
        text = text_of(release.head)
        revise(
            release,
            writer,
            body=f"{text.body}<p>Det är {n} %.</p>",
            contacts=[*text.contacts, person.printed("sv")],
            images=[*text.images, {**made.printed("sv"), "id": 100 + n}],
            links=[*text.links, {"label": "x", "url": f"https://news.example/{n}"}],
        )
    many = _asked_about(release_id)

    assert len(lines(db.session.get_one(Release, release_id))) > 10
    assert many == few
    assert many < 30


def _asked_about(release_id: int) -> int:
    """How many questions a preflight takes, nothing being known before."""
    db.session.remove()
    with counted_queries() as asked:
        preflight.preflight(db.session.get_one(Release, release_id), at=LATER)
    db.session.rollback()
    return len(asked)
