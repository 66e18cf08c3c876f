"""The next step: one for every state and person, and never one that the workflow forbids."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from app.core.accounts import Role, User
from app.core.words import LANGUAGES, catalogue
from releases.desk.steps import Facts, next_step, waited
from releases.editorial.models import Release, State
from releases.editorial.workflow import TABLE, Action

# What a step invites to; one that is not here only shows something.
INVITES = {
    "update": Action.EDIT,
    "take_over": Action.EDIT,
    "answer": Action.EDIT,
    "change": Action.EDIT,
    "fill": Action.EDIT,
    "submit": Action.SUBMIT,
    "approve": Action.APPROVE,
    "review": Action.STEP,
    "publish": Action.PUBLISH,
    "mend": Action.PUBLISH,
}
NOTHING = Facts(responsible=2)
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def person(role: Role, *, id: int = 1) -> User:
    return User(id=id, role=role, name="Alva")


def release(state: State) -> Release:
    return Release(id=7, state=state, language="sv", slug="medel")


def step(state: State, role: Role, facts: Facts = NOTHING) -> tuple[str, str]:
    found = next_step(release(state), person(role), facts)
    return found.label.removeprefix("desk.step."), found.href


@pytest.mark.parametrize(("state", "role"), list(product(State, Role)))
def test_a_step_never_invites_to_what_the_workflow_forbids(state: State, role: Role) -> None:
    for asked, stale, comments, gaps, own in product((False, True), repeat=5):
        facts = Facts(
            responsible=1 if own else 2,
            asked=asked,
            approval=asked,
            stale=stale,
            comments=int(comments),
            gaps=int(gaps),
        )
        found = next_step(release(state), person(role), facts)
        action = INVITES.get(found.label.removeprefix("desk.step."))
        if action is None:
            assert not found.acts
            continue
        move = TABLE[action, state]
        assert person(role).may(*move.roles), found
        assert not (own and action in (Action.APPROVE, Action.STEP)), found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_has_words(language: str) -> None:
    for state, role, asked in product(State, Role, (False, True)):
        found = next_step(release(state), person(role), replace(NOTHING, asked=asked))
        assert found.label in catalogue(language)


@pytest.mark.parametrize(
    ("facts", "label", "href"),
    [
        (Facts(), "submit", "/office/releases/7#step"),
        (Facts(gaps=2), "fill", "/office/releases/7/edit"),
        (Facts(gaps=2, comments=1), "answer", "/office/releases/7#comments"),
        (Facts(comments=1, edits=1), "take_over", "/office/releases/7#quotes"),
        (Facts(edits=1, stale=True), "update", "/office/releases/7/update"),
    ],
)
def test_a_writer_mends_the_weightiest_thing_first(facts: Facts, label: str, href: str) -> None:
    assert step(State.DRAFT, Role.WRITER, facts) == (label, href)


def test_a_text_that_was_sent_back_is_read_before_it_is_submitted() -> None:
    assert step(State.SENT_BACK, Role.WRITER)[0] == "change"


def test_whoever_is_asked_reviews_and_the_last_of_them_approves() -> None:
    asked = replace(NOTHING, asked=True)

    assert step(State.IN_REVIEW, Role.REVIEWER, asked)[0] == "review"
    assert step(State.IN_REVIEW, Role.EDITOR, asked)[0] == "review"
    assert step(State.IN_REVIEW, Role.EDITOR, replace(asked, approval=True))[0] == "approve"
    assert step(State.IN_REVIEW, Role.EDITOR)[0] == "wait_review"


def test_nobody_is_asked_to_approve_their_own_words_unless_the_office_allows_it() -> None:
    own = Facts(responsible=1, asked=True, approval=True)

    assert step(State.IN_REVIEW, Role.EDITOR, own)[0] == "wait_review"
    assert step(State.IN_REVIEW, Role.EDITOR, replace(own, four_eyes=False))[0] == "approve"


def test_only_editors_publish_and_mend_what_failed() -> None:
    states = (State.APPROVED, State.FAILED)

    assert [step(state, Role.EDITOR)[0] for state in states] == ["publish", "mend"]
    assert [step(state, Role.WRITER)[0] for state in states] == ["wait_publish", "wait_mend"]


def test_what_is_published_is_read_where_visitors_read_it() -> None:
    assert step(State.PUBLISHED, Role.WRITER) == ("read", "/sv/releases/medel")


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(seconds=20), ("desk.waited.now", 0)),
        (timedelta(minutes=59, seconds=59), ("desk.waited.minutes", 59)),
        (timedelta(hours=23), ("desk.waited.hours", 23)),
        (timedelta(days=3, hours=23), ("desk.waited.days", 3)),
        (timedelta(days=-1), ("desk.waited.now", 0)),
    ],
)
def test_a_wait_is_told_in_its_largest_measure(length: timedelta, told: tuple[str, int]) -> None:
    assert waited(AT - length, AT) == told
