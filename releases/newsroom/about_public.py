"""Who stands behind the newsroom: whom to call, who we are, and how accessible the site is."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.core.clock import now, today
from app.core.kept import kept
from app.core.organisation import organisation
from releases.editorial import contacts as printed
from releases.newsroom import pages
from releases.newsroom.lists import questions as lists
from releases.newsroom.wording import LANGUAGE, base_url

blueprint = Blueprint("about", __name__)
A_WHILE = timedelta(minutes=5)  # who is away changes at midnight, with nothing written


@blueprint.get(f"/{LANGUAGE}/contacts")
@kept(until=A_WHILE)
def contacts(language: str) -> ResponseReturnValue:
    """The people that journalists may call, and who answers for those who are away."""
    day = today(now(), organisation().time_zone)
    people = printed.on_the_contacts_page()
    return render_template(
        "newsroom/contacts.html",
        people=people,
        away={one.id for one in people if one.away_on(day)},
        answering={one.id: printed.answers_for(one, day) for one in people},
    )


@blueprint.get(f"/{LANGUAGE}/about")
@kept()
def about(language: str) -> ResponseReturnValue:
    """The sender: the text that stands under every release, address, programmes."""
    sender = organisation()
    return render_template(
        "newsroom/about.html",
        about=pages.paragraphs(sender.about(language)),
        social=pages.web_links(sender.social or []),
        programmes=lists.programmes(language),
    )


@blueprint.get(f"/{LANGUAGE}/accessibility")
@kept()
def accessibility(language: str) -> ResponseReturnValue:
    """The accessibility statement, after the model of the supervising authority.

    MDFFS 2019:2 says what has to stand in it. It claims no more than what somebody has looked at.
    """
    sender = organisation()
    shortcomings = str(sender.in_language("accessibility", language))
    return render_template(
        "newsroom/accessibility.html",
        shortcomings=[line.strip() for line in shortcomings.splitlines() if line.strip()],
        site=base_url(),
    )
