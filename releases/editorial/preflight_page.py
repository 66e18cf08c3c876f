"""The preflight as pages show it: each line with why it matters and the way to put it right.

Also what the pages say about the hour of publication.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for

from app.core.accounts import Role, User
from app.core.clock import local, now
from app.core.organisation import organisation
from app.core.words.language import interface_language, t
from releases.editorial import preflight
from releases.editorial.models import Release, State
from releases.editorial.preflight import Line, Weight, blocking, in_order
from releases.editorial.scheduling import good_times, left, spoken, weekday_date

MOST_DETAILS = 6
AHEAD = (
    State.DRAFT,
    State.SENT_BACK,
    State.IN_REVIEW,
    State.APPROVED,
    State.SCHEDULED,
    State.FAILED,
)


@dataclass(frozen=True)
class Remedy:
    """The button that puts a line right. Without `href` it is for somebody else to do."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Shown:
    """A line in the reader's language."""

    line: Line
    text: str
    why: str
    details: tuple[str, ...]
    more: int
    remedy: Remedy


def panel(release: Release, person: User) -> dict[str, Any]:
    """What the page of a release shows of its preflight and its hour."""
    if release.state not in AHEAD:
        return {"preflight": None, "schedule": None}
    at = now()
    lines = preflight.preflight(release, at=at)
    return {
        "preflight": whole(release, lines, person),
        "schedule": schedule_of(release, at=at),
        "blocking": len(blocking(lines)),
    }


def whole(release: Release, lines: list[Line], person: User) -> dict[str, Any]:
    """All lines by what they ask of the reader, and what was found in order."""
    shown = [_shown(release, line, person) for line in lines]
    return {
        "blocking": [one for one in shown if one.line.blocks],
        "taken": [one for one in shown if one.line.taken_on],
        "looking": [one for one in shown if one.line.weight is Weight.WARN],
        "fine": [t(f"preflight.name.{code}") for code in in_order(lines)],
        "may_take_on": person.may(Role.EDITOR),
    }


def schedule_of(release: Release, *, at: datetime) -> dict[str, Any]:
    """When it goes out and what stood in the way, in words."""
    language, zone = interface_language(), organisation().time_zone
    told: dict[str, Any] = {"zone": zone, "moment": "", "left": "", "mail": "", "failure": []}
    if release.publish_at is not None:
        told["moment"] = spoken(release.publish_at, language, zone)
        told["left"] = how_long(at, release.publish_at) if release.publish_at > at else ""
        told["mail"] = _mail_words(release, language, zone)
    told["failure"] = [_failure(one, language) for one in release.failure or []]
    return told


def how_long(at: datetime, until: datetime) -> str:
    """`om 2 dygn och 3 tim`."""
    rest = left(at, until)
    if rest.days and rest.hours:
        return t("schedule.left.days_hours", days=rest.days, hours=rest.hours)
    if rest.days:
        return t("schedule.left.days", n=rest.days)
    if rest.hours and rest.minutes:
        return t("schedule.left.hours_minutes", hours=rest.hours, minutes=rest.minutes)
    if rest.hours:
        return t("schedule.left.hours", n=rest.hours)
    return t("schedule.left.minutes", n=rest.minutes) if rest.minutes else t("schedule.left.soon")


def suggestions(at: datetime) -> list[dict[str, Any]]:
    """Good hours to choose from, by day: each with the day and time as a form wants them."""
    language, zone = interface_language(), organisation().time_zone
    by_day: dict[str, dict[str, Any]] = {}
    for one in good_times(at, zone):
        there = local(one, zone)
        day = by_day.setdefault(
            f"{there:%Y-%m-%d}", {"text": weekday_date(there.date(), language), "times": []}
        )
        clock = f"{there:%H.%M}" if language == "sv" else f"{there:%H:%M}"
        day["times"].append({"time": f"{there:%H:%M}", "text": clock})
    return [{"day": day, **told} for day, told in by_day.items()]


def filled_in(release: Release, *, at: datetime) -> dict[str, str]:
    """What the form of the hour says before anybody has written in it."""
    zone = organisation().time_zone
    publish_at = release.publish_at or good_times(at, zone)[0]
    mail_at = release.mail_at or publish_at + timedelta(hours=1)
    mail = "none" if not release.mail_wanted else "later" if release.mail_at else "with"
    return {
        "day": f"{local(publish_at, zone):%Y-%m-%d}",
        "time": f"{local(publish_at, zone):%H:%M}",
        "mail": mail,
        "mail_day": f"{local(mail_at, zone):%Y-%m-%d}",
        "mail_time": f"{local(mail_at, zone):%H:%M}",
    }


def _failure(one: dict[str, Any], language: str) -> str:
    """What stood in the way. A reason that has lost its words since is told in general."""
    try:
        return preflight.sentence(one["key"], one.get("facts", {}), language)
    except KeyError:
        return t("schedule.unexpected")


def _mail_words(release: Release, language: str, zone: str) -> str:
    if release.published_at is not None:
        return t("schedule.again")
    if not release.mail_wanted:
        return t("schedule.mailed.none")
    if release.mail_at is None:
        return t("schedule.mailed.with")
    return t("schedule.mailed.later", moment=spoken(release.mail_at, language, zone))


def _shown(release: Release, line: Line, person: User) -> Shown:
    details = [_detail(line, one.words, one.instead) for one in line.details]
    why = t(f"preflight.why.{line.code}")
    match line.facts.get("where"):
        case "sender":
            why = f"{why} {t('preflight.in_sender')}"
        case "saved":
            why = t("preflight.save_again")
    return Shown(
        line,
        line.sentence(interface_language()),
        why,
        tuple(details[:MOST_DETAILS]),
        max(0, len(details) - MOST_DETAILS),
        _remedy(release, line, person),
    )


def _detail(line: Line, words: str, instead: str) -> str:
    if instead:
        return t("preflight.instead", words=words, instead=instead)
    if line.code.startswith("lint_"):
        return t("preflight.leave_out", words=words)
    return words


# Where each line is put right, and whose that is.

Place = Callable[[Release, Line], str]
WRITING = (Role.WRITER, Role.EDITOR)
ROUNDS = (Role.WRITER, Role.OFFICER, Role.EDITOR)
ANYBODY = tuple(Role)


def _on_release(anchor: str) -> Place:
    return lambda release, line: url_for("releases.one", release_id=release.id, _anchor=anchor)


def _on_round(anchor: str) -> Place:
    return lambda release, line: url_for(
        "rounds.one", round_id=release.story.round_id, _anchor=anchor
    )


def _editing(release: Release, line: Line) -> str:
    return url_for("editing.edit", release_id=release.id)


def _update(release: Release, line: Line) -> str:
    return url_for("updates.show", release_id=release.id)


def _media(release: Release, line: Line) -> str:
    return url_for("media.page", story_id=release.story_id, _anchor=f"image-{line.about}")


def _contact(release: Release, line: Line) -> str:
    return url_for("contacts.edit", contact_id=int(line.about))


def _other(release: Release, line: Line) -> str:
    return url_for("releases.one", release_id=line.facts["release"])


def _sender(release: Release, line: Line) -> str:
    return url_for("office.edit_organisation", _anchor=f"about_{release.language}")


Way = tuple[str, tuple[Role, ...], Place]
REMEDIES: dict[str, Way] = {
    "figures_stale": ("preflight.fix.update", WRITING, _update),
    "figures_contradict": ("preflight.fix.facts", ANYBODY, _on_release("fact-check")),
    "rows_unchecked": ("preflight.fix.rows", ANYBODY, _on_round("rows")),
    "applicants_not_told": ("preflight.fix.told", ANYBODY, _on_round("told")),
    "quote_unsigned": ("preflight.fix.quotes", ANYBODY, _on_release("quotes")),
    "quote_declined": ("preflight.fix.quotes", ANYBODY, _on_release("quotes")),
    "picture_alt": ("preflight.fix.pictures", WRITING, _media),
    "picture_credit": ("preflight.fix.pictures", WRITING, _media),
    "picture_licence": ("preflight.fix.pictures", WRITING, _media),
    "picture_unusable": ("preflight.fix.pictures", WRITING, _media),
    "contact_unreachable": ("preflight.fix.contact", (Role.EDITOR,), _contact),
    "contact_away": ("preflight.fix.contact", (Role.EDITOR,), _contact),
    "language_missing": ("preflight.fix.draft", ANYBODY, _on_release("languages")),
    "other_language_not_ready": ("preflight.fix.other", ANYBODY, _other),
    "translation_behind": ("preflight.fix.behind", WRITING, _editing),
    "not_approved": ("preflight.fix.release", ANYBODY, _on_release("")),
    "reviews_open": ("preflight.fix.reviews", ANYBODY, _on_release("review")),
    "comments_open": ("preflight.fix.comments", ANYBODY, _on_release("comments")),
}
BY_EDITING: Way = ("preflight.fix.edit", WRITING, _editing)
ELSEWHERE: dict[str, Way] = {
    "sender": ("preflight.fix.sender", (Role.ADMIN,), _sender),
    "saved": BY_EDITING,
}


def _remedy(release: Release, line: Line, person: User) -> Remedy:
    elsewhere = ELSEWHERE.get(line.facts.get("where", ""))
    text, roles, place = elsewhere or REMEDIES.get(line.code, BY_EDITING)
    if not person.may(*roles):
        whose = "admins" if roles == (Role.ADMIN,) else "editors"
        return Remedy(t(f"preflight.only_{whose}"))
    return Remedy(t(text), place(release, line))
