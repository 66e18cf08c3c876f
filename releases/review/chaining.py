"""The chain of a programme: the steps that every text about its rounds has to pass, in order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.accounts import Role, User
from app.core.audit import record
from app.core.db import db
from app.core.errors import BadInput
from releases.rounds.models import Programme

MOST_STEPS = 10
BLANK = {"label_sv": "", "label_en": "", "who": ""}

Draft = dict[str, str]  # a step as a form has it: label_sv, label_en and who


def set_chain(programme: Programme, steps: list[Draft], *, by: User, at: datetime) -> None:
    """Let texts about the programme go through these steps from now on.

    `who` is `role:editor` or `user:7`. What is in review already goes on as it began. Raises
    BadInput for a step without a name or without anybody.
    """
    before = list(programme.review_steps)
    programme.review_steps = [_step(step, number) for number, step in enumerate(steps, 1)]
    if programme.review_steps != before:
        record(
            "programme.review",
            "programme",
            programme.id,
            title=programme.name,
            by=by,
            at=at,
            steps=len(programme.review_steps),
        )


def drafts(programme: Programme) -> list[Draft]:
    """The chain as a form has it."""
    return [
        {
            "label_sv": step["label_sv"],
            "label_en": step["label_en"] if step["label_en"] != step["label_sv"] else "",
            "who": f"user:{step['user_id']}" if step.get("user_id") else f"role:{step['role']}",
        }
        for step in programme.review_steps
    ]


def rearranged(steps: list[Draft], press: str) -> list[Draft]:
    """The steps after a button: `add`, `remove:2`, `up:2` or `down:1`, counted from 0. Pure.

    A button that makes no sense there changes nothing.
    """
    verb, _, number = press.partition(":")
    if verb == "add":
        return [*steps, dict(BLANK)] if len(steps) < MOST_STEPS else steps
    at = int(number) if number.isascii() and number.isdigit() else -1
    if not 0 <= at < len(steps):
        return steps
    if verb == "remove":
        return steps[:at] + steps[at + 1 :]
    other = at + {"up": -1, "down": 1}.get(verb, 0)
    if not 0 <= other < len(steps):
        return steps
    moved = list(steps)
    moved[at], moved[other] = moved[other], moved[at]
    return moved


def _step(draft: Mapping[str, str], number: int) -> dict[str, Any]:
    label = draft["label_sv"].strip()[:200] or draft["label_en"].strip()[:200]
    if not label:
        raise BadInput("step_needs_label", number=number)
    kind, _, value = draft["who"].partition(":")
    if kind == "role" and value in set(Role):
        role, user_id = value, None
    elif kind == "user" and value.isdigit() and _is_active(int(value)):
        role, user_id = None, int(value)
    else:
        raise BadInput("step_needs_somebody", number=number)
    return {
        "label_sv": label,
        "label_en": draft["label_en"].strip()[:200] or label,
        "role": role,
        "user_id": user_id,
    }


def _is_active(user_id: int) -> bool:
    person = db.session.get(User, user_id)
    return person is not None and person.active
