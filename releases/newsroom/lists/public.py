"""The newsroom by programme, by topic, by place and by year, and its search. No sign-in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.kept import kept
from app.core.organisation import organisation
from app.core.security import limiter
from releases.editorial.models import Release
from releases.newsroom import pages, questions
from releases.newsroom.lists import filing, granted
from releases.newsroom.lists import questions as lists
from releases.newsroom.lists.searching import LONGEST, Limits, question, search
from releases.newsroom.models import Heading
from releases.newsroom.wording import LANGUAGE
from releases.rounds.alphabet import swedish_key
from releases.rounds.register import county_name

blueprint = Blueprint("lists", __name__)
EVERYTHING = "press-releases"
ROUNDS = 10  # on a programme's page
FILED = 12  # places under a release; the round's page has them all
SEARCHES = "60 per minute"
YEARS_BACK = 40  # of a visitor's choice


@blueprint.app_context_processor
def _for_templates() -> dict[str, Any]:
    """The end of a release's page asks what it is filed under."""
    return {"filed_under": filed_under}


def filed_under(release: Release) -> dict[str, Any]:
    """A release's programme, topics and places, the places cut where they become a table."""
    found = filing.filing_of(release)
    places = sorted(found.places, key=lambda one: swedish_key(one.name))
    return {
        "programme": found.programme,
        "topics": sorted(found.topics, key=lambda one: swedish_key(one.name)),
        "places": places[:FILED],
        "more": max(len(places) - FILED, 0),
    }


@blueprint.get(f"/{LANGUAGE}/programmes/")
@kept()
def programmes(language: str) -> ResponseReturnValue:
    return render_template("newsroom/programmes.html", programmes=lists.programmes(language))


@blueprint.get(f"/{LANGUAGE}/programmes/<slug>/")
@kept("before", "rounds")
def programme(language: str, slug: str) -> ResponseReturnValue:
    """What it is for, its rounds with their sums, and its releases by month."""
    found = lists.programme_at(slug)
    before, after_round = _place("before"), _place("rounds")
    key = str(found.id)
    numbers, more_rounds = (
        lists.rounds_under(Heading.PROGRAMME, key, before=after_round, size=ROUNDS)
        if before is None
        else ([], None)
    )
    page = (
        lists.under(Heading.PROGRAMME, key, language, before=before)
        if after_round is None
        else questions.Page([], None)
    )
    return render_template(
        "newsroom/programme.html",
        programme=found,
        about=pages.paragraphs(found.about(language)),
        rounds=granted.granted(numbers, language),
        more_rounds=more_rounds,
        after_round=after_round,
        **_by_month(page, language, before),
    )


@blueprint.get(f"/{LANGUAGE}/topics/")
@kept()
def topics(language: str) -> ResponseReturnValue:
    return render_template("newsroom/topics.html", topics=lists.topics(language))


@blueprint.get(f"/{LANGUAGE}/topics/<slug>/")
@kept("before")
def topic(language: str, slug: str) -> ResponseReturnValue:
    """The releases about a topic. A programme is a topic too, and has a page of its own."""
    if slug == EVERYTHING:
        return redirect(f"/{language}/", 301)
    found = lists.topic_at(slug)
    if found is None:
        return redirect(f"/{language}/programmes/{lists.programme_at(slug).slug}/", 301)
    before = _place("before")
    page = lists.under(Heading.TOPIC, str(found.id), language, before=before)
    return render_template("newsroom/topic.html", topic=found, **_by_month(page, language, before))


@blueprint.get(f"/{LANGUAGE}/places/")
@kept("name")
def places(language: str) -> ResponseReturnValue:
    """Every municipality and region that has been granted something, by county.

    Kept when it is whole; as the search, not when somebody looks for a name.
    """
    wanted = request.args.get("name", "").strip()[:LONGEST]
    everything = lists.places()
    found = lists.named(everything, wanted) if wanted else everything
    response = make_response(
        render_template(
            "newsroom/places.html",
            counties=lists.by_county(found),
            count=len(found),
            wanted=wanted,
            is_empty=not everything,
            slug=lists.place_slug,
            county_name=county_name,
        )
    )
    if wanted:
        response.cache_control.private = True
    return response


@blueprint.get(f"/{LANGUAGE}/places/<name>/")
@kept("before", "rounds")
def place(language: str, name: str) -> ResponseReturnValue:
    """What was granted here, as visitors read it in each round, and the releases that tell it."""
    found = lists.place_at(name.partition("-")[0])
    if name != lists.place_slug(found):
        return redirect(f"/{language}/places/{lists.place_slug(found)}/", 301)
    assert found.code is not None
    before, after_round = _place("before"), _place("rounds")
    numbers, more_rounds = (
        lists.rounds_under(Heading.PLACE, found.code, before=after_round)
        if before is None
        else ([], None)
    )
    page = (
        lists.under(Heading.PLACE, found.code, language, before=before)
        if after_round is None
        else questions.Page([], None)
    )
    rounds = granted.granted(numbers, language, place=found.code)
    is_whole = after_round is None and more_rounds is None
    return render_template(
        "newsroom/place.html",
        place=found,
        title=lists.place_title(found),
        slug=name,
        rounds=rounds,
        sum=granted.together(rounds, language) if is_whole else None,
        more_rounds=more_rounds,
        after_round=after_round,
        **_by_month(page, language, before),
    )


@blueprint.get(f"/{LANGUAGE}/years/")
@kept()
def years(language: str) -> ResponseReturnValue:
    found = lists.years(language, organisation().time_zone)
    return render_template("newsroom/years.html", years=found)


@blueprint.get(f"/{LANGUAGE}/years/<int(fixed_digits=4):year>/")
@kept("before")
def year(language: str, year: int) -> ResponseReturnValue:
    """A year's releases by month, and the way to the years beside it."""
    zone, before = organisation().time_zone, _place("before")
    page = lists.in_year(year, language, zone=zone, before=before)
    if not page.releases:
        raise NotFound("not_in_newsroom")
    earlier, later = lists.years_beside(year, language, zone)
    return render_template(
        "newsroom/year.html",
        year=year,
        earlier=earlier,
        later=later,
        **_by_month(page, language, before),
    )


@blueprint.get(f"/{LANGUAGE}/search")
@limiter.limit(SEARCHES)
def find(language: str) -> ResponseReturnValue:
    """Releases by their words. Not kept as other pages are: anybody can ask any number of
    questions, and each would take the room of a page that is read."""
    zone, text = organisation().time_zone, request.args.get("q", "").strip()[:LONGEST]
    all_programmes = lists.programmes(language)
    all_years = lists.years(language, zone)[:YEARS_BACK]
    programme_slug, wanted_year = request.args.get("programme", ""), request.args.get("year", "")
    chosen = next((one for one in all_programmes if one.slug == programme_slug), None)
    chosen_year = next((one for one in all_years if str(one) == wanted_year), None)
    asked = question(text, language)
    answer = search(
        asked,
        limits=Limits(chosen_year, chosen.id if chosen else None),
        zone=zone,
        after=request.args.get("after"),
    )
    response = make_response(
        render_template(
            "newsroom/search.html",
            text=text,
            asked=asked,
            answer=answer,
            programmes=all_programmes,
            years=all_years,
            chosen=chosen,
            chosen_year=chosen_year,
            is_further="after" in request.args,
        )
    )
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _place(name: str) -> int | None:
    """The row that a page comes after. Raises NotFound for what is none."""
    return questions.place(request.args[name]) if name in request.args else None


def _by_month(page: questions.Page, language: str, before: int | None) -> dict[str, Any]:
    """What every page with releases under months shows."""
    zone = organisation().time_zone
    return {
        "page": page,
        "months": pages.by_month(page.releases, language=language, zone=zone),
        "before": before,
        "plain": pages.public_plain,
    }
