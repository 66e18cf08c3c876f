"""Telling the office that the figures behind its texts have changed."""

from __future__ import annotations

from datetime import datetime

from app.core.accounts import Role, User
from releases.desk.notifying import Kind, colleagues, tell
from releases.editorial.binding import stale_among
from releases.editorial.questions import of_round
from releases.editorial.workflow import concerned
from releases.rounds.models import Round


def tell_figures_changed(round_: Round, *, by: User | None, at: datetime) -> None:
    """Tell each stale text's writer, and of a public one the editors too, once for this version of
    the round. `by` changed it and knows. No commit."""
    releases = of_round(round_, to=None)
    stale = stale_among(releases)
    editors = colleagues(Role.EDITOR)
    for release in releases:
        if release.id in stale:
            people = [*concerned(release), *(editors if release.is_public else [])]
            key = f"figures:{release.id}:{round_.version}"
            tell(people, Kind.FIGURES_CHANGED, release, key=key, at=at, but=by)
